"""The statements that a request sends, as PostgreSQL itself saw them, as a script for pgbench.

Nobody has to write them down a second time, so the limit that a request is compared with is never that of yesterday's statements.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from app.settings import Settings
from app.tenants.server import DatabaseServer

_TOLD: Final = {"log_statement": "all", "log_error_verbosity": "default", "log_parameter_max_length": "-1"}
_ENTRY: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \w+ \[\d+\] (\w+):  ", re.MULTILINE)
_STATEMENT: Final = re.compile(r"(?:statement|execute \S+): (.*)", re.DOTALL)
_BOUND: Final = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
_PARAMETER: Final = re.compile(r"\$(\d+)")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SETTLES_SECONDS: Final = 0.1
_ALIKE: Final = 3
_PATIENCE: Final = 30


@dataclass(frozen=True, slots=True)
class Recorded:
    """One statement with the literals that were bound to it."""

    text: str
    bound: dict[int, str]

    @property
    def uuids(self) -> set[str]:
        """All that its literals hold."""
        return {found for literal in self.bound.values() for found in _UUID.findall(literal)}


class Recorder:
    """Reads what sessions of kesos_app have sent."""

    def __init__(self, log: Path) -> None:
        self._log = log

    async def settled(self, request: Callable[[], Awaitable[object]]) -> tuple[list[Recorded], list[Recorded]]:
        """What ``request`` sends, twice, once it sends the same each time: at first connections ask for what they have not met before.

        Raises:
            ValueError: it never does.
        """
        alike = [await self._of(request)]
        for _ in range(_PATIENCE):
            sent = await self._of(request)
            if [each.text for each in sent] != [each.text for each in alike[0]]:
                alike.clear()
            alike.append(sent)
            if len(alike) == _ALIKE:
                return alike[-1], alike[-2]
        raise ValueError("a request sends other statements each time")

    async def _of(self, request: Callable[[], Awaitable[object]]) -> list[Recorded]:
        begins = self._log.stat().st_size
        await request()
        # PostgreSQL answers before its log is on disk, and what is kept beside a request may come after its answer.
        await asyncio.sleep(_SETTLES_SECONDS)
        with self._log.open("rb") as log:
            log.seek(begins)
            return list(_read(log.read().decode()))


def _read(log: str) -> Iterator[Recorded]:
    entries = _ENTRY.split(log)[1:]
    statement = None
    for severity, entry in zip(entries[::2], entries[1::2], strict=True):
        told = entry.rstrip("\n").replace("\n\t", "\n")
        if severity == "LOG" and (found := _STATEMENT.fullmatch(told)) is not None:
            if statement is not None:
                yield Recorded(statement, {})
            statement = found[1]
        elif severity == "DETAIL" and statement is not None:
            yield Recorded(statement, {int(at): literal for at, literal in _BOUND.findall(told)})
            statement = None
    if statement is not None:
        yield Recorded(statement, {})


@asynccontextmanager
async def recorder(settings: Settings, server: DatabaseServer) -> AsyncIterator[Recorder]:
    """Have PostgreSQL log what sessions of kesos_app send that begin within the block: the persons of a bench are synthetic."""
    admin = await server.admin.connect()
    try:
        for name, value in _TOLD.items():
            await admin.execute(f"alter role {server.app.user} set {name} = '{value}'")
        try:
            yield Recorder(settings.data_dir / "postgres" / "log")
        finally:
            for name in _TOLD:
                await admin.execute(f"alter role {server.app.user} reset {name}")
    finally:
        await admin.close()


@dataclass(frozen=True, slots=True)
class Script:
    """A script of pgbench, and the variables that it needs: ``run`` is another one each time that pgbench is started."""

    text: str
    variables: dict[str, str]


def script_of(statements: list[Recorded], others: list[Recorded], *, name: str) -> Script:
    """A script that sends ``statements`` with every id made anew that ``others``, the same request sent again, had made anew.

    Several scripts run side by side if ``name`` differs.
    """
    again = {found for each in others for found in each.uuids}
    fresh = sorted({found for each in statements for found in each.uuids} - again)
    # In the order of time, as ids of Kesos are: random keys would touch another page of every index each time.
    ids = {
        found: f"'{at:08x}-0000-7000-8000-' || lpad(to_hex(:key::bigint), 12, '0')" for at, found in enumerate(fresh)
    }
    variables: dict[str, str] = {}
    serial = count(1)

    def text(value: str) -> str:
        # pgbench looks for variables in texts too, so that a text with colons has to be one.
        if ":" not in value:
            return f"'{value}'"
        variable = f"{name}_{next(serial)}"
        variables[variable] = value.replace("''", "'")
        return f":{variable}::text"

    def written(literal: str) -> str:
        if literal == "NULL":
            return "null"
        pieces = re.split(f"({'|'.join(ids) or '$^'})", literal[1:-1])
        if len(pieces) == 1 and ":" not in literal:
            return literal
        return f"({' || '.join(ids.get(each) or text(each) for each in pieces if each)})"

    lines = ["\\set at :at + 1", "\\set key :run + 64 * :at + :client_id"]
    for each in statements:
        bound = {at: written(literal) for at, literal in each.bound.items()}
        sent = _PARAMETER.sub(lambda match, bound=bound: bound[int(match[1])], each.text)  # type: ignore[misc]  # bound now
        lines.append(sent.rstrip("; \n") + ";")
    return Script("\n".join(lines) + "\n", variables)
