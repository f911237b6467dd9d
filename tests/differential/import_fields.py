"""Imports for the differential tests, and as the reference executor resolves them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from app.domain.registry.imports.findings import FINDINGS
from tests.differential import job_fields, region_fields
from tests.differential.rows import Arguments, Reader, Resolver, Row, connection_of, decoded_cursor, villages_of

if TYPE_CHECKING:
    import asyncpg

STARTER: Final = UUID("01800000-0000-7000-8000-000000003403")
NEWEST: Final[dict[str, tuple[type, ...]]] = {"NEWEST": (UUID,)}
KEYS: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    "Query.imports": NEWEST,
    "Import.rows": {"LINE": (str, int, str, str)},
    "Import.duplicates": {"LINE": (int, UUID)},
    "Import.newFamilies": {"LINE": (int,)},
    "Import.changes": {"LINE": (str, int)},
    "Import.departures": {"FAMILY": (int, UUID)},
}
_COLUMNS: Final = {
    "rows": ("subject", "line", "code", "column_name"),
    "duplicates": ("line", "id"),
    "newFamilies": ("line",),
    "changes": ("subject", "line"),
    "departures": ("family_regency_id", "family_id"),
}
_PLANTED: Final = """
insert into registry_import (regency_id, id, village_low, village_high, region_id, upload_id, idempotency_key, format, profile, mode,
  edition_id, stage, families_new, persons_new, rows_with_warnings, created_by, created_by_name, created_at, validated_at)
select low / 1000000, id, low, high, region, id, id, case n % 2 when 0 then 'PROFILE' else 'KESOS_CSV' end,
  case n % 2 when 0 then E'satu\\ndua' end, 'ADDITION', (select min(id) from registry_edition),
  (array['UPLOADED', 'VALIDATED', 'APPLIED'])[n % 3 + 1], n, 2 * n, 3 * n, $1, 'Sri "Ayu" \\ é', '2024-03-01 00:00:00.12Z',
  case n % 2 when 0 then timestamptz '2024-03-02Z' end
from (select n, region, low, high, format('01d00000-0000-7000-8000-%s', lpad(n::text, 12, '0'))::uuid as id
  from unnest(array[3471, 347103, 3402, 34, 3302], array[3471000000, 3471030000, 3402000000, 3400000000, 3302000000],
    array[3471999999, 3471039999, 3402999999, 3499999999, 3302999999]) with ordinality as places (region, low, high, n)) planted
;
insert into import_issue (regency_id, import_id, village_low, village_high, subject, line, code, column_name, severity, value_masked,
  other_line)
select regency_id, id, village_low, village_high, (array['FAMILY', 'PERSON'])[n % 2 + 1], n / 2,
  (array['NIK_SERIAL_ZERO', 'FAMILY_REPEATED', 'UNHEARD_OF'])[n % 3 + 1], case n % 4 when 0 then '' else 'nik' end,
  (array['ERROR', 'WARNING'])[n % 2 + 1], case n % 5 when 0 then '' else '9901********0001' end, case n % 3 when 1 then n end
from registry_import, generate_series(1, 9) n where created_by = $1
;
insert into import_match (regency_id, import_id, village_low, village_high, subject, line, registered_regency_id, registered_id, outcome,
  changed)
select regency_id, id, village_low, village_high, (array['FAMILY', 'PERSON'])[n % 2 + 1], n,
  case n % 3 when 0 then 1101 else regency_id end, id, (array['SAME', 'CHANGED', 'MOVED'])[n % 3 + 1], array['rt', 'a"b']
from registry_import, generate_series(1, 6) n where created_by = $1
;
insert into import_departure (regency_id, import_id, village_low, village_high, family_regency_id, family_id, family_village_id, reason)
select regency_id, id, village_low, village_high, regency_id, format('01e00000-0000-7000-8000-%s', lpad(n::text, 12, '0'))::uuid,
  3471031001, 'NOT_IN_EDITION'
from registry_import, generate_series(1, 3) n where created_by = $1
;
insert into import_duplicate (regency_id, id, village_low, village_high, import_id, line, other_line, person_regency_id, person_id, score,
  decision)
select regency_id, overlay(id::text placing format('01f0000%s', n) from 1 for 8)::uuid, village_low, village_high, id, n,
  case n % 2 when 0 then n + 1 end, case n % 2 when 1 then regency_id end, case n % 2 when 1 then id end, 80 + n,
  case n when 3 then 'SAME_PERSON' end
from registry_import, generate_series(1, 4) n where created_by = $1
;
insert into staged_family (regency_id, import_id, village_low, village_high, line, id, family_key, village_id, decile)
select regency_id, id, village_low, village_high, n, id, '', case n % 3 when 0 then null else 3471031001 end, n
from registry_import, generate_series(1, 9) n where created_by = $1
;
insert into staged_person (regency_id, import_id, village_low, village_high, line, id, family_key, name)
select regency_id, id, village_low, village_high, n, id, '', 'Sri "Ayu"' from registry_import, generate_series(1, 4) n
where created_by = $1
"""
_TABLES: Final = (
    "import_issue", "import_match", "import_departure", "import_duplicate", "staged_family", "staged_person",
)  # fmt: skip


async def start(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Imports of regions of every size, one beyond the province."""
    for statement in _PLANTED.split("\n;\n"):
        await owner.execute(statement, STARTER)


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away."""
    for table in _TABLES:
        await owner.execute(
            f"delete from {table} where import_id in (select id from registry_import where created_by = $1)",  # noqa: S608  (a test's own words)
            STARTER,
        )
    await owner.execute("delete from registry_import where created_by = $1", STARTER)


def _tagged(row: Row) -> Row:
    return {**row, "__typename": "Import"}


async def _seen(reader: Reader) -> list[Row]:
    rows = await reader.rows("select * from registry_import order by id desc")
    return [_tagged(row) for row in rows if reader.covers(Permission.REGISTRY_IMPORT_READ, row)]


async def by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The import, if the principal may see it."""
    return next((row for row in await _seen(reader) if (row["regency_id"], row["id"]) == (regency, id_)), None)


async def duplicate_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The probable duplicate, if the principal may see it."""
    row = await reader.row("select * from import_duplicate where regency_id = $1 and id = $2", regency, id_)
    seen = row is not None and reader.covers(Permission.REGISTRY_IMPORT_READ, row)
    return {**row, "__typename": "ImportDuplicate"} if row is not None and seen else None


async def _one(reader: Reader, _root: Row, arguments: Arguments) -> Row | None:
    _, regency, identifier = arguments["id"].split(":")
    return await by_id(reader, int(regency), UUID(identifier))


def _page(rows: list[Row], arguments: Arguments, order: str, keys: Callable[[Row], list[Any]], rest: list[Row]) -> Row:
    async def count() -> int:
        return len(rows)

    return connection_of(rest, arguments, order=order, keys=keys, count=count)


async def _imports(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    wanted, region = arguments.get("filter") or {}, arguments.get("region")
    low, high = villages_of(region) if region is not None else (0, 10**10)
    rows = [
        row
        for row in await _seen(reader)
        if low <= row["village_low"] <= row["village_high"] <= high
        and (wanted.get("stages") is None or row["stage"] in wanted["stages"])
        and (wanted.get("formats") is None or row["format"] in wanted["formats"])
    ]
    after = arguments.get("after")
    keys = decoded_cursor(after, "NEWEST", NEWEST["NEWEST"]) if after is not None else None
    rest = rows if keys is None else [row for row in rows if row["id"] < keys[0]]
    return _page(rows, arguments, "NEWEST", lambda row: [row["id"]], rest)


def _of_import(name: str, table: str, wanted: Callable[[Row, Row], bool], type_name: str = "") -> Resolver:
    ((order, types),) = KEYS[f"Import.{name}"].items()

    def key(row: Row) -> list[Any]:
        return [row[column] for column in _COLUMNS[name]]

    async def resolve(reader: Reader, above: Row, arguments: Arguments) -> Row:
        found = await reader.rows(
            f"select * from {table} where regency_id = $1 and import_id = $2",  # noqa: S608  (a test's own words)
            above["regency_id"],
            above["id"],
        )
        tag = {"__typename": type_name} if type_name else {}
        given = arguments.get("filter") or {}
        rows = sorted(({**row, **tag} for row in found if wanted(row, given)), key=key)
        after = arguments.get("after")
        keys = decoded_cursor(after, order, types) if after is not None else None
        return _page(rows, arguments, order, key, rows if keys is None else [row for row in rows if key(row) > keys])

    return resolve


def _row_wanted(row: Row, given: Row) -> bool:
    lines = given.get("lines") or {}
    return (
        (given.get("severities") is None or row["severity"] in given["severities"])
        and (given.get("codes") is None or row["code"] in given["codes"])
        and (given.get("subject") is None or row["subject"] == given["subject"])
        and (not lines or lines["from"] <= row["line"] <= lines["to"])
    )


def _change_wanted(row: Row, given: Row) -> bool:
    return (given.get("outcomes") is None or row["outcome"] in given["outcomes"]) and (
        given.get("subject") is None or row["subject"] == given["subject"]
    )


def _duplicate_wanted(row: Row, given: Row) -> bool:
    return given.get("decided") is None or (row["decision"] is not None) is given["decided"]


_NEW: Final = """(select f.* from staged_family f where not exists (select from import_match m where m.regency_id = f.regency_id
  and m.import_id = f.import_id and m.subject = 'FAMILY' and m.line = f.line) and not exists (select from import_issue i
  where i.regency_id = f.regency_id and i.import_id = f.import_id and i.subject = 'FAMILY' and i.line = f.line
  and i.severity = 'ERROR')) as joining"""


async def _issue_counts(reader: Reader, above: Row, _arguments: Arguments) -> list[Row]:
    rows = await reader.rows(
        "select severity, code, count(*) as count from import_issue where regency_id = $1 and import_id = $2 group by 1, 2 "
        "order by 1, 3 desc, 2",
        above["regency_id"],
        above["id"],
    )
    return [{**row, "other_line": None} for row in rows]


def _message(_reader: Reader, row: Row, _arguments: Arguments) -> str:
    found = FINDINGS.get(row["code"])
    if found is None:
        return str(row["code"])
    return found.indonesian.replace("{line}", "…" if row["other_line"] is None else str(row["other_line"]))


def _name(column: str) -> Resolver:
    async def resolve(reader: Reader, row: Row, _arguments: Arguments) -> Any:
        if not reader.covers(Permission.REGISTRY_NAME_READ, row):
            return None
        found = await reader.row(
            "select name from staged_person where regency_id = $1 and import_id = $2 and line = $3",
            row["regency_id"],
            row["import_id"],
            row[column],
        )
        return found["name"] if found is not None else None

    return resolve


def _registered(prefix: str | None, regency: str, identifier: str) -> Resolver:
    def resolve(_reader: Reader, row: Row, _arguments: Arguments) -> str | None:
        of = row[regency]
        if of is None or not row["village_low"] // 10**6 <= of <= row["village_high"] // 10**6:
            return None
        return f"{prefix or row['subject'].capitalize()}:{of}:{row[identifier]}"

    return resolve


def _column(name: str, *, empty_as_null: bool = False) -> Resolver:
    return lambda _reader, row, _arguments: (row[name] or None) if empty_as_null else row[name]


def _same(_reader: Reader, row: Row, _arguments: Arguments) -> Row:
    return row


async def _edition(reader: Reader, row: Row, _arguments: Arguments) -> Row | None:
    return await reader.row("select * from registry_edition where id = $1", row["edition_id"])


def _profile(_reader: Reader, row: Row, _arguments: Arguments) -> str | None:
    return None if row["profile"] is None or "\n" in row["profile"] else row["profile"]


def _region(column: str) -> Resolver:
    return lambda reader, row, _arguments: region_fields.by_id(reader, row[column])


FIELDS: Final[dict[str, Resolver]] = {
    "Query.import": _one,
    "Query.imports": _imports,
    "Import.id": lambda _reader, row, _arguments: f"Import:{row['regency_id']}:{row['id']}",
    "Import.createdBy": _column("created_by_name"),
    "Import.profile": _profile,
    "Import.region": _region("region_id"),
    "Import.edition": _edition,
    "Import.job": job_fields.of_row,
    "Import.counts": _same,
    "ImportCounts.families": _same,
    "ImportCounts.persons": _same,
    **{f"ImportFamilyCounts.{name}": _column(f"families_{name}") for name in (
        "staged", "accepted", "rejected", "new", "same", "changed", "moved", "left",
    )},
    **{f"ImportPersonCounts.{name}": _column(f"persons_{name}") for name in (
        "staged", "accepted", "rejected", "new", "same", "changed", "moved",
    )},
    "Import.issueCounts": _issue_counts,
    "Import.rows": _of_import("rows", "import_issue", _row_wanted),
    "Import.duplicates": _of_import("duplicates", "import_duplicate", _duplicate_wanted, "ImportDuplicate"),
    "Import.newFamilies": _of_import("newFamilies", _NEW, lambda _row, _given: True),
    "Import.changes": _of_import("changes", "import_match", _change_wanted),
    "Import.departures": _of_import("departures", "import_departure", lambda _row, _given: True),
    "ImportIssueCount.message": _message,
    "ImportRow.message": _message,
    "ImportRow.columnName": _column("column_name", empty_as_null=True),
    "ImportRow.value": _column("value_masked", empty_as_null=True),
    "ImportDuplicate.id": lambda _reader, row, _arguments: f"ImportDuplicate:{row['regency_id']}:{row['id']}",
    "ImportDuplicate.name": _name("line"),
    "ImportDuplicate.otherName": _name("other_line"),
    "ImportDuplicate.personId": _registered("Person", "person_regency_id", "person_id"),
    "ImportDeparture.familyId": _registered("Family", "family_regency_id", "family_id"),
    "ImportDeparture.village": _region("family_village_id"),
    "ImportChange.registeredId": _registered(None, "registered_regency_id", "registered_id"),
    "ImportNewFamily.village": _region("village_id"),
}  # fmt: skip
