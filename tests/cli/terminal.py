"""A terminal: `kesos` as a person runs it on a data folder, in a process of its own or, to save time, in this one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psutil  # type: ignore[import-untyped]
import pytest
from typer.testing import CliRunner

from app.cli.program import app
from app.settings import get_settings

ROOT: Final = Path(__file__).parents[2]
_PATIENCE_SECONDS: Final = 120
_LAST_LINE: Final = "Ctrl-C stops the server"


class Ended(NamedTuple):
    """A command that ended."""

    code: int
    out: str
    err: str


class Demo:
    """A demo that runs and has said all that it has to say."""

    def __init__(self, process: "subprocess.Popen[str]", out: Path, err: Path) -> None:
        self._process = process
        self._out = out
        self._err = err

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def stop(self, number: signal.Signals) -> int:
        """Send a signal to the process and all that it started in its group, as Ctrl-C does; its exit code."""
        os.killpg(self._process.pid, number)
        return self._process.wait(_PATIENCE_SECONDS)


class Terminal:
    """A place to type commands in. Its folder is the working directory; ``.kesos`` in it is the data folder."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data_dir = folder / ".kesos"
        self._settings = {"LC_ALL": "C.UTF-8", **settings}

    def kesos(self, *arguments: str) -> Ended:
        """Run a command to its end, in this process."""
        with pytest.MonkeyPatch.context() as patch, _signals_kept():
            for name in [name for name in os.environ if name.startswith("KESOS_")]:
                patch.delenv(name)
            for name, value in self._settings.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            get_settings.cache_clear()
            try:
                result = CliRunner().invoke(app, arguments, prog_name="kesos")
            finally:
                get_settings.cache_clear()
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    def shell(self, command: str) -> str:
        """Paste ``command`` into a shell; what it prints."""
        pasted = ["bash", "-c", command]
        return subprocess.run(pasted, cwd=self.folder, check=True, capture_output=True, text=True).stdout  # noqa: S603

    @contextmanager
    def demo(self, *arguments: str) -> Iterator[Demo]:
        """A demo on a free port in a process of its own, killed at the end where the test did not stop it."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KESOS_")}
        out, err = self.folder / "out.txt", self.folder / "err.txt"
        with out.open("w") as out_file, err.open("w") as err_file:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "app.cli", "demo", "--port", "0", *arguments],
                cwd=self.folder,
                env={**environment, **self._settings, "PYTHONPATH": str(ROOT)},
                stdout=out_file,
                stderr=err_file,
                text=True,
                start_new_session=True,
            )
        demo = Demo(process, out, err)
        try:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while _LAST_LINE not in demo.out:
                assert demo.runs, demo.err
                assert time.monotonic() < deadline, demo.err
                time.sleep(0.05)
            yield demo
        finally:
            if demo.runs:
                demo.stop(signal.SIGKILL)

    def processes(self) -> list[str]:
        """The command lines of everything that runs on the data folder."""
        lines = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
        return [line for line in lines if str(self.data_dir) in line]


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Give the signals back to pytest after a command has taken them."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
