"""Debian's pgbouncer before the test's PostgreSQL, with the lines of docs/scaling.md."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from app.tenants.server import DatabaseServer

PGBOUNCER: Final = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
DOCUMENTED: Final = re.findall(
    r"^```ini\n(\[databases\].+?)^```",
    (Path(__file__).parents[2] / "docs" / "scaling.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)[0]
_STARTS_WITHIN: Final = 20.0
# It refuses to run as root.
_USER: Final[dict[str, Any]] = {"user": "embedded_postgres"} if os.geteuid() == 0 else {}


def written_for(server: DatabaseServer, port: int, lines: str = DOCUMENTED) -> str:
    """The documented ``lines`` for ``server`` instead of the one in them, on ``port`` of the loopback."""
    admin = server.admin
    lines = lines.replace(
        "host=db.example.go.id port=5432 dbname=kesos", f"host={admin.host} port={admin.port} dbname=$db"
    )
    lines = re.sub(r"^kesos(\w*) =", r"$db\1 =", lines, flags=re.MULTILINE).replace("$db", admin.database)
    for name, value in {"listen_addr": "127.0.0.1", "listen_port": port, "auth_type": "any"}.items():
        lines = re.sub(rf"^{name} = .*$", f"{name} = {value}", lines, flags=re.MULTILINE)
    # Who may log in is no matter here; the test's PostgreSQL asks nobody for a password.
    lines = re.sub(r"^auth_file = .*\n", "", lines, flags=re.MULTILINE)
    return re.sub(r"(dbname=\S+)", r"\1 user=kesos_app", lines) + "unix_socket_dir =\n"


@contextmanager
def pooled(server: DatabaseServer, lines: str = DOCUMENTED) -> Iterator[DatabaseServer]:
    """``server`` with a pgbouncer of ``lines`` before it, for as long as the context is open."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="kesos-pooler-") as made:
        Path(made).chmod(0o755)
        configuration = Path(made) / "pgbouncer.ini"
        configuration.write_text(written_for(server, port, lines), encoding="utf-8")
        with (Path(made) / "log").open("wb") as log:
            process = subprocess.Popen([str(PGBOUNCER), str(configuration)], stdout=log, stderr=log, **_USER)  # noqa: S603  (Debian's)
        try:
            until = time.monotonic() + _STARTS_WITHIN
            while not _answers(port):
                assert process.poll() is None, (Path(made) / "log").read_text()
                assert time.monotonic() < until, "pgbouncer does not answer"
                time.sleep(0.05)
            yield replace(server, pooler=replace(server.app, host="127.0.0.1", port=port))
        finally:
            process.terminate()
            process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
