"""`kesos serve` as an operator runs it: processes of their own, spoken to over sockets, with everything they write kept."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from app.settings import Settings
from app.tenants.server import DatabaseServer

ROOT = Path(__file__).parents[2]
_PATIENCE_SECONDS = 60
_ADDRESS = re.compile(r"Kesos answers at (http://\S+)/graphql")


def url_of(server: DatabaseServer) -> str:
    """The address of ``server`` as KESOS_DATABASE_URL takes it."""
    admin = server.admin
    password = f":{quote(admin.password)}" if admin.password else ""
    if admin.host.startswith("/"):
        return f"postgresql://{quote(admin.user)}{password}@/{admin.database}?host={quote(admin.host)}"
    return f"postgresql://{quote(admin.user)}{password}@{admin.host}:{admin.port}/{admin.database}"


class Served:
    """A server that answers, and what it has written."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err

    @property
    def written(self) -> str:
        """Everything on standard output and standard error so far."""
        return self._out.read_text() + self._err.read_text()

    @property
    def address(self) -> str:
        found = _ADDRESS.search(self.written)
        assert found is not None, self.written
        return found[1]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of the log, beside sentences that are for whoever started the server."""
        return [json.loads(text) for text in self._err.read_text().splitlines() if text.startswith("{")]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == name]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once the server has ended."""
        return self.process.wait(_PATIENCE_SECONDS)

    def stop(self) -> None:
        """End the server, as an operator would."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            self.wait()


def until(condition: Any, what: str) -> None:
    """Wait until ``condition()`` holds."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@contextmanager
def kesos_serve(
    settings: Settings, server: DatabaseServer, folder: Path, *arguments: str, **environment: str
) -> Iterator[Served]:
    """Serve ``server`` on a free port until the context ends; ``folder`` takes what is written."""
    out, err = folder / "out.txt", folder / "err.txt"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KESOS_", "OTEL_"))}
    own = {
        "KESOS_DATABASE_URL": url_of(server),
        "KESOS_DATA_DIR": str(settings.data_dir),
        "KESOS_READ_POOL_SIZE": "2",
        "KESOS_WRITE_POOL_SIZE": "1",
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
    }
    passwords = {"KESOS_APP_PASSWORD": server.app_password, "KESOS_LOADER_PASSWORD": server.loader_password}
    own |= {name: value for name, value in passwords.items() if value is not None}
    with out.open("wb") as out_file, err.open("wb") as err_file:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "app.cli", "serve", "--port", "0", *arguments],
            cwd=folder,
            env={**inherited, **own, **environment},
            stdout=out_file,
            stderr=err_file,
            start_new_session=True,
        )
    served = Served(process, out, err)
    try:
        until(lambda: process.poll() is not None or _ADDRESS.search(served.written), "the server did not begin")
        assert process.poll() is None, served.written
        until(lambda: _is_ready(served.address), "the server did not become ready")
        yield served
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _is_ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/health/ready", trust_env=False).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False
