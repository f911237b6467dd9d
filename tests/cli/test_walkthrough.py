"""docs/aid-walkthrough.md, typed into a shell from its first line to its last while a demo and a bank run."""

import os
import re
import shutil
import signal
import subprocess
import sys
from typing import Final

import pytest

from tests.bansos.payments.banks import simulated_bank
from tests.cli.terminal import ROOT, Terminal

pytestmark = pytest.mark.long

_DOC: Final = (ROOT / "docs" / "aid-walkthrough.md").read_text(encoding="utf-8")
_COMMANDS_AND_OUTPUT: Final = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
_DEMO: Final = re.compile(r"^\$ .*/kesos demo (.*)$", re.MULTILINE)
_PATIENCE_SECONDS: Final = 500
# What is made anew each time, or lies with the bank: ids and tokens, times, seals, and how many it refuses.
_CHANGES: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Z]?[0-9a-f]{16,}|\d[\d.:TZ+-]*")
_END: Final = "-- the end of a block --"


def shape(text: str) -> list[str]:
    """``text`` line by line, without what changes from one walk to the next."""
    return [_CHANGES.sub("#", line).strip() for line in text.splitlines()]


def fits(told: str, printed: str) -> bool:
    """Whether a line of the page, in which an ellipsis stands for anything, is what was ``printed``."""
    return re.fullmatch(".*".join(map(re.escape, told.split("…"))), printed) is not None


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to paste the commands into")
def test_the_walk_goes_from_a_programme_to_a_closed_cycle_as_the_page_says(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    # A short name: the socket of the database lies in it.
    tmp_path = tmp_path_factory.mktemp("walk")
    blocks = _COMMANDS_AND_OUTPUT.findall(_DOC)
    started = _DEMO.search(_DOC)
    assert started is not None
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    kesos = tmp_path / "bin" / "kesos"
    kesos.parent.mkdir()
    kesos.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m app.cli "$@"\n')
    kesos.chmod(0o700)
    with simulated_bank(tmp_path, "--bad-accounts", "0.3", "--failed-top-ups", "0.4", token=None) as bank:
        terminal = Terminal(tmp_path, KESOS_DATA_DIR=".walk", KESOS_BANK_URL=bank.url)
        with terminal.demo(*started[1].split()) as demo:
            address = re.search(r"GraphiQL: (http://\S+)/graphql", demo.out)
            assert address is not None
            typed = "".join(f"{commands}echo '{_END}'\n" for commands, _ in blocks)
            typed = typed.replace("http://127.0.0.1:8000", address[1]).replace("http://127.0.0.1:8200", bank.url)
            # Nor where the database of the tests has its socket: a reader's shell knows nothing of it.
            environment = {
                name: value for name, value in os.environ.items() if not name.startswith(("KESOS_", "XDG_RUNTIME_DIR"))
            }
            ended = subprocess.run(  # noqa: S603  (the page of this repository)
                ["bash", "-e", "-o", "pipefail", "-c", typed],  # noqa: S607  (whichever bash there is, as a reader would use)
                cwd=tmp_path,
                env={**environment, "PATH": f"{kesos.parent}:{environment['PATH']}", "LC_ALL": "C.UTF-8"},
                capture_output=True,
                text=True,
                timeout=_PATIENCE_SECONDS,
                check=False,
            )
            demo.stop(signal.SIGINT)  # its database with it
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout[-1500:]
    printed = ended.stdout.split(f"{_END}\n")
    for (_, told), block in zip(blocks, printed, strict=False):
        lines = list(zip(shape(told), shape(block), strict=True))
        assert not [(line, got) for line, got in lines if not fits(line, got)]
