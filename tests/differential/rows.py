"""What the reference executor reads with: plain rows of small queries, and nothing of the plan engine."""

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.authz.authorize import Access
from app.authz.permissions import Permission
from app.domain.registry.sealing import Seal

if TYPE_CHECKING:
    import asyncpg

Row = dict[str, Any]
Arguments = dict[str, Any]
Resolver = Callable[["Reader", Row, Arguments], Any]

VILLAGE_DIGITS: Final = 10
_CODE: Final = re.compile(r"[1-9][0-9](\.[0-9]{2}(\.[0-9]{2}(\.[123][0-9]{3})?)?)?")


@dataclass(frozen=True)
class Reader:
    """Reads for one principal, on a connection that sees every row: what the principal may see is decided here, in Python."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    access: Access
    seal: Seal
    turn: asyncio.Lock
    """Held for each query, because one connection answers one after the other."""

    async def rows(self, statement: str, *arguments: object) -> list[Row]:
        """The rows of one small query."""
        # The executor cancels what a refused neighbour makes needless; a query that has begun is left to end.
        return await asyncio.shield(self._read(statement, arguments))

    async def _read(self, statement: str, arguments: tuple[object, ...]) -> list[Row]:
        async with self.turn:
            return [dict(record) for record in await self.connection.fetch(statement, *arguments)]

    async def row(self, statement: str, *arguments: object) -> Row | None:
        """The first row of one small query."""
        found = await self.rows(statement, *arguments)
        return found[0] if found else None

    def holds(self, permission: Permission) -> bool:
        """Whether the principal has ``permission`` anywhere."""
        return permission in self.access.permissions

    def reaches(self, permission: Permission, row: Row) -> bool:
        """Whether the principal has ``permission`` in the village of ``row``."""
        return self.holds(permission) and any(
            span.low <= row["village_id"] <= span.high for span in self.access.scope(permission).spans
        )

    def covers(self, permission: Permission, row: Row) -> bool:
        """Whether the principal has ``permission`` in all villages that ``row`` stands for."""
        return self.holds(permission) and any(
            span.low <= row["village_low"] and row["village_high"] <= span.high
            for span in self.access.scope(permission).spans
        )

    def seen(self, permission: Permission, rows: list[Row]) -> list[Row]:
        """Those of ``rows`` that the principal may see."""
        return [row for row in rows if self.reaches(permission, row)]


def villages_of(code: str) -> tuple[int, int]:
    """The first and the last village id that a region may hold."""
    digits = code.replace(".", "")
    return int(digits.ljust(VILLAGE_DIGITS, "0")), int(digits.ljust(VILLAGE_DIGITS, "9"))


def region_id(code: str) -> int | None:
    """The id of a well-formed region code."""
    return int(code.replace(".", "")) if _CODE.fullmatch(code) else None


def encoded_cursor(order: str, values: list[Any]) -> str:
    """The cursor that stands for ``values`` in ``order``."""
    text = json.dumps([order, *(printed(value) for value in values)], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decoded_cursor(cursor: str, order: str, types: tuple[type, ...]) -> list[Any] | None:
    """The values of a cursor of ``order``; None where it is none."""
    try:
        values = json.loads(base64.urlsafe_b64decode((cursor + "=" * (-len(cursor) % 4)).encode("ascii")))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(values, list) or len(values) != len(types) + 1 or values[0] != order:
        return None
    try:
        return [_read(value, type_) for value, type_ in zip(values[1:], types, strict=True)]
    except (TypeError, ValueError, AttributeError):
        return None


def _read(value: Any, type_: type) -> Any:
    if type_ is UUID:
        return UUID(value)
    if type_ is datetime:
        return moment(value)
    if type(value) is not type_:
        raise TypeError(value)
    return value


def connection_of(
    rows: list[Row],
    arguments: Arguments,
    *,
    order: str,
    keys: Callable[[Row], list[Any]],
    count: Callable[[], Awaitable[int]],
) -> Row:
    """A Relay connection over ``rows``, which begin after the cursor and go at least one beyond the page."""
    shown = rows[: arguments["first"]]
    cursors = [encoded_cursor(order, keys(row)) for row in shown]
    return {
        "nodes": shown,
        "edges": [{"cursor": cursor, "node": row} for cursor, row in zip(cursors, shown, strict=True)],
        "page_info": {
            "has_next_page": len(rows) > len(shown),
            "has_previous_page": arguments.get("after") is not None,
            "start_cursor": cursors[0] if cursors else None,
            "end_cursor": cursors[-1] if cursors else None,
        },
        "total_count": count,
    }


def page_of(found: list[Row], arguments: Arguments, order: str, types: tuple[type, ...], names: tuple[str, ...]) -> Row:
    """A connection over all rows that are ``found``, which are sorted by the columns ``names``: downwards where ``order`` is ``NEWEST``."""
    after = arguments.get("after")
    keys = decoded_cursor(after, order, types) if after is not None else None

    async def count() -> int:
        return len(found)

    def of(row: Row) -> list[Any]:
        return [row[name] for name in names]

    rows = found
    if keys is not None:
        rows = [row for row in found if (of(row) < keys if order == "NEWEST" else of(row) > keys)]
    return connection_of(rows, arguments, order=order, keys=of, count=count)


async def insert(owner: "asyncpg.Connection[asyncpg.Record]", table: str, row: Row) -> None:
    """Write one row."""
    values = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await owner.execute(f"insert into {table} ({', '.join(row)}) values ({values})", *row.values())  # noqa: S608  (a test's own words)


def moment(text: str) -> datetime:
    """The moment of a text that tells its offset from UTC."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(text)
    return read.astimezone(UTC)


def printed(value: Any) -> Any:
    """A value of a column as JSON has it."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).isoformat()
        return re.sub(r"(\.\d*?)0+\+", r"\1+", moment)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
