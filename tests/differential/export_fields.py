"""Exports for the differential tests, and as the reference executor resolves them: to each principal their own."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.authz.permissions import Permission
from tests.differential import job_fields
from tests.differential.rows import Arguments, Reader, Resolver, Row, connection_of, decoded_cursor

if TYPE_CHECKING:
    import asyncpg

KEYS: Final[dict[str, tuple[type, ...]]] = {"NEWEST": (UUID,)}
_PLACES: Final = (
    (3471000000, 3471999999),
    (3402000000, 3402999999),
    (3471030000, 3471039999),
    (3400000000, 3499999999),
    (3471031001, 3471031001),
    (3302000000, 3302999999),
)
_FORMATS: Final = ("CSV", "XLSX", "NDJSON")
_BEGIN: Final = datetime(2024, 3, 4, 23, 59, 58, 120_000, tzinfo=UTC)
_PREFIX: Final = "01e30000"


def _exports(principal: UUID, first: int) -> Iterator[Row]:
    """Exports of a principal: written or not, removed or not, some of regions that the principal does not see."""
    for number, (low, high) in enumerate(_PLACES * 2, first):
        jobs = job_fields.some_of(low // 1_000_000)
        is_written, is_removed = number % 3 != 0, number % 4 == 0
        yield {
            "regency_id": low // 1_000_000,
            "id": UUID(f"{_PREFIX}-0000-7000-8000-{number:012}"),
            "village_low": low,
            "village_high": high,
            "principal_id": principal,
            "idempotency_key": UUID(int=number),
            "job_id": jobs[number % len(jobs)],
            "format": _FORMATS[number % 3],
            "root_field": ("families", "persons")[number % 2],
            "operation": ("", "Halaman", 'O"b')[number % 3],
            "document_hash": bytes([number]) * 32,
            "request_digest": bytes(16),
            "request_sealed": None if is_written or is_removed else b"sealed",
            "purpose": "COMPLAINT" if number % 5 == 0 else None,
            # The rights of nobody: a link tells the second that it was made in, so no two of it are the same. tests/exports follow them.
            "rights": bytes(32) if is_written else None,
            "row_count": 7 * number if is_written else None,
            "size": 2**31 + number if is_written else None,
            "sha256": bytes([255 - number]) * 32 if is_written else None,
            "created_at": _BEGIN + timedelta(minutes=number),
            "finished_at": _BEGIN + timedelta(hours=number) if is_written else None,
            "expires_at": datetime(2020 + 70 * (number % 2), 1, 1, tzinfo=UTC),
            "removed_at": _BEGIN + timedelta(days=number) if is_removed else None,
        }


async def start(owner: "asyncpg.Connection[asyncpg.Record]", principals: Mapping[str, UUID]) -> None:
    """The same kinds of exports for each of ``principals``."""
    for turn, principal in enumerate(principals.values()):
        for export in _exports(principal, turn * 2 * len(_PLACES)):
            values = ", ".join(f"${number}" for number in range(1, len(export) + 1))
            await owner.execute(
                f"insert into export ({', '.join(export)}) values ({values})",  # noqa: S608  (a test's own words)
                *export.values(),
            )


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away."""
    await owner.execute("delete from export where starts_with(id::text, $1)", _PREFIX)


async def planted(owner: "asyncpg.Connection[asyncpg.Record]") -> list[Row]:
    """All of them, those of the first principal first."""
    rows = await owner.fetch("select * from export where starts_with(id::text, $1) order by id", _PREFIX)
    return [dict(row) for row in rows]


async def _own(reader: Reader) -> list[Row]:
    rows = await reader.rows("select * from export order by id desc")
    return [
        {**row, "__typename": "Export"}
        for row in rows
        if row["principal_id"] == reader.access.principal.id and reader.covers(Permission.EXPORTS_EXPORT_RUN, row)
    ]


async def by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The export, if it is the principal's own and lies where the principal may export."""
    return next((row for row in await _own(reader) if (row["regency_id"], row["id"]) == (regency, id_)), None)


async def _one(reader: Reader, _root: Row, arguments: Arguments) -> Row | None:
    _, regency, identifier = arguments["id"].split(":")
    return await by_id(reader, int(regency), UUID(identifier))


async def _page(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    found, after = await _own(reader), arguments.get("after")
    keys = decoded_cursor(after, "NEWEST", KEYS["NEWEST"]) if after is not None else None

    async def count() -> int:
        return len(found)

    rows = found if keys is None else [row for row in found if row["id"] < keys[0]]
    return connection_of(rows, arguments, order="NEWEST", keys=lambda row: [row["id"]], count=count)


def _hexadecimal(name: str) -> Resolver:
    return lambda _reader, row, _arguments: None if row[name] is None else row[name].hex()


FIELDS: Final[dict[str, Resolver]] = {
    "Query.export": _one,
    "Query.exports": _page,
    "Export.id": lambda _reader, row, _arguments: f"Export:{row['regency_id']}:{row['id']}",
    "Export.documentHash": _hexadecimal("document_hash"),
    "Export.sha256": _hexadecimal("sha256"),
    "Export.job": job_fields.of_row,
    "Export.downloadUrl": lambda _reader, _row, _arguments: None,
}
