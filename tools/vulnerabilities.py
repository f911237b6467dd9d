"""``python -m tools.vulnerabilities``: whether anything that requirements.lock names has a known vulnerability.

pip-audit asks the vulnerability service of PyPI. Where that is not to be had (no network, or a mirror that knows files alone), this says
of how many packages nothing is known and ends well: a build does not depend on a service, and nobody is told that all is well either.
"""

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

LOCK: Final = Path(__file__).parents[1] / "requirements.lock"
_ASK: Final = (
    *(sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"),
    *("--progress-spinner", "off", "--timeout", "10", "--requirement"),
)

_ENTRY: Final = re.compile(r"^[a-z0-9.-]+==[^\n]+\n(?:[ \t]+[^\n]+\n)+", re.MULTILINE)
"""A package of the lock, with its hashes on the lines after it."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What pip-audit found out: how many packages there are, those it could not ask about, and what is wrong with the others."""

    packages: int
    unknown: tuple[str, ...]
    vulnerabilities: tuple[str, ...]

    @classmethod
    def of_report(cls, report: dict[str, Any]) -> Self:
        """Read the JSON that pip-audit prints."""
        packages = report["dependencies"]
        return cls(
            packages=len(packages),
            unknown=tuple(package["name"] for package in packages if "skip_reason" in package),
            vulnerabilities=tuple(
                f"{package['name']} {package['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no version'}"
                for package in packages
                for found in package.get("vulns", ())
            ),
        )

    @property
    def sentence(self) -> str:
        """What a person is told."""
        if self.vulnerabilities:
            return "Known vulnerabilities; raise these versions in requirements.lock:\n" + "\n".join(
                self.vulnerabilities
            )
        if self.unknown:
            return (
                f"Nothing is known of {len(self.unknown)} of {self.packages} packages: the vulnerability service of PyPI "
                "does not answer for them here. Run `make lint` where it does before a release."
            )
        return f"No known vulnerability in {self.packages} packages."


class LockUnreadable(Exception):
    """requirements.lock is not what pip-audit takes."""


def ask(lock: Path = LOCK) -> Findings | None:
    """Ask about every package of ``lock``; None where nobody answers.

    One package is asked about first: a service that knows nothing of it is not bothered with the others.

    Raises:
        LockUnreadable: the file does not name packages by version and hash.
    """
    with tempfile.TemporaryDirectory() as folder:
        first = _ENTRY.search(lock.read_text(encoding="utf-8"))
        if first is None:
            raise LockUnreadable("it names no package with its hashes")
        sample = Path(folder) / "sample.lock"
        sample.write_text(first[0], encoding="utf-8")
        for asked in (sample, lock):
            findings = _audit(asked, Path(folder) / f"{asked.stem}.json")
            if findings is None or len(findings.unknown) == findings.packages:
                return None
    return findings


def _audit(lock: Path, report: Path) -> Findings | None:
    ended = _run([*_ASK, str(lock), "--format", "json", "--output", str(report)])
    if report.exists():
        return Findings.of_report(json.loads(report.read_text(encoding="utf-8")))
    # It ends alike where the file is at fault and where the service is; without asking, only the file matters.
    read = _run([*_ASK, str(lock), "--dry-run"])
    if read.returncode:
        raise LockUnreadable(read.stderr or ended.stderr)
    return None


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  (our own arguments)


def main() -> int:
    """Tell what was found; 1 where something is wrong."""
    try:
        findings = ask()
    except LockUnreadable as error:
        print(f"pip-audit cannot read requirements.lock:\n{error}", file=sys.stderr)  # noqa: T201  (a command speaks)
        return 1
    if findings is None:
        print("The vulnerability service of PyPI does not answer here: nothing was checked.", file=sys.stderr)  # noqa: T201  (as above)
        return 0
    print(findings.sentence, file=sys.stderr)  # noqa: T201  (as above)
    return 1 if findings.vulnerabilities else 0


if __name__ == "__main__":
    sys.exit(main())
