"""Programmes as the reference executor resolves them, and quotas for them to be asked about."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.authz.permissions import Permission
from tests.differential import region_fields
from tests.differential.rows import Arguments, Reader, Resolver, Row, connection_of, decoded_cursor, villages_of

if TYPE_CHECKING:
    import asyncpg

KEYS: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    "Query.programmes": {"CODE": (str,)},
    "Programme.versions": {"NEWEST": (int, UUID)},
    "Programme.quotas": {"NEWEST": (int, int, UUID)},
}
COLUMNS: Final = {
    "LegalBasis.code": "id",
    "BenefitComponent.code": "component",
    "ProgrammeTerms.proposedBy": "proposed_by_name",
    "ProgrammeTerms.decidedBy": "confirmed_by_name",
    "ProgrammeTerms.decidedAt": "confirmed_at",
}
_SOURCE: Final = 'Keputusan "uji" \\ 34'
_REGENCIES: Final = (3402, 3471, 3501)
_QUOTA: Final = """
insert into programme_quota (regency_id, programme_code, year, id, village_low, village_high, families, source, updated_at)
values ($1::int, $2, $3::int, $4, $1::bigint * 1000000, $1::bigint * 1000000 + 999999, $3::int * 7, $5, '2026-01-02T03:04:05.678Z')
"""
_TAGGED: Final = {"Programme": "code", "ProgrammeTerms": "id"}


async def start(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Quotas of three years in two regencies of Yogyakarta, and in one elsewhere."""
    for place, regency in enumerate(_REGENCIES):
        for year in (2021, 2022, 2026):
            identifier = UUID(f"01f20000-0000-7000-8000-{place:04}0000{year}")
            for code in ("PKH", "SEMBAKO") if year == 2026 else ("PKH",):
                await owner.execute(_QUOTA, regency, code, year, UUID(int=identifier.int + len(code)), _SOURCE)


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away."""
    await owner.execute("delete from programme_quota where source = $1", _SOURCE)


def _tagged(kind: str, row: Row | None) -> Row | None:
    return row and {**row, "__typename": kind, "node_id": f"{kind}:{row[_TAGGED[kind]]}"}


async def by_code(reader: Reader, code: str) -> Row | None:
    """The programme of that code."""
    return _tagged("Programme", await reader.row("select * from programme where code = $1", code))


async def terms_by_id(reader: Reader, id_: UUID) -> Row | None:
    """The terms of that id."""
    return _tagged("ProgrammeTerms", await reader.row("select * from programme_terms where id = $1", id_))


def _seen_quota(reader: Reader, row: Row) -> Row | None:
    if not reader.covers(Permission.BANSOS_PROGRAMME_READ, row):
        return None
    return {**row, "__typename": "ProgrammeQuota", "node_id": f"ProgrammeQuota:{row['regency_id']}:{row['id']}"}


async def quota_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The quota, if the principal may see it."""
    row = await reader.row("select * from programme_quota where regency_id = $1 and id = $2", regency, id_)
    return None if row is None else _seen_quota(reader, row)


def _day(arguments: Arguments) -> date | None:
    given = arguments.get("on")
    return None if given is None else date.fromisoformat(given)


def _runs(row: Row, day: date) -> bool:
    return bool(row["valid_from"] <= day) and (row["valid_to"] is None or bool(day <= row["valid_to"]))


def _after(arguments: Arguments, where: str) -> list[Any] | None:
    (order,) = KEYS[where]
    after = arguments.get("after")
    return decoded_cursor(after, order, KEYS[where][order]) if after is not None else None


async def _programmes(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    day, region = _day(arguments), arguments.get("region")
    low, high = villages_of(region) if region is not None else (0, 10**10)
    rows = await reader.rows("select * from programme order by code")
    found = [
        _tagged("Programme", row)
        for row in rows
        if row["village_low"] <= high and row["village_high"] >= low and (day is None or _runs(row, day))
    ]
    return await _page_of(reader, found, arguments, "Query.programmes", ["code"])


async def _page_of(reader: Reader, found: list[Any], arguments: Arguments, where: str, names: list[str]) -> Row:
    async def count() -> int:
        return len(found)

    (order,) = KEYS[where]
    keys, rows = _after(arguments, where), found
    if keys is not None and order == "CODE":
        # Only the database knows how it sorts texts.
        later = await reader.rows("select code from programme where code > $1", keys[0])
        rows = [row for row in found if row["code"] in {each["code"] for each in later}]
    elif keys is not None:
        rows = [row for row in found if tuple(row[name] for name in names) < tuple(keys)]
    return connection_of(rows, arguments, order=order, keys=lambda row: [row[name] for name in names], count=count)


async def _one(reader: Reader, _root: Row, arguments: Arguments) -> Row | None:
    return await by_code(reader, arguments["code"])


async def _terms(reader: Reader, programme: Row, arguments: Arguments) -> Row | None:
    day = _day(arguments) or datetime.now(ZoneInfo("Asia/Jakarta")).date()
    if not _runs(programme, day):
        return None
    rows = await reader.rows("select * from programme_terms where programme_code = $1", programme["code"])
    active = [row for row in rows if row["state"] == "ACTIVE" and row["valid_from"] <= day]
    return _tagged("ProgrammeTerms", max(active, key=lambda row: row["valid_from"], default=None))


async def _versions(reader: Reader, programme: Row, arguments: Arguments) -> Row:
    rows = await reader.rows(
        "select * from programme_terms where programme_code = $1 order by version desc", programme["code"]
    )
    found = [_tagged("ProgrammeTerms", row) for row in rows if arguments.get("state") in {None, row["state"]}]
    return await _page_of(reader, found, arguments, "Programme.versions", ["version", "id"])


async def _quotas(reader: Reader, programme: Row, arguments: Arguments) -> Row:
    year, region = arguments.get("year"), arguments.get("region")
    low, high = villages_of(region) if region is not None else (0, 10**10)
    rows = await reader.rows(
        "select * from programme_quota where programme_code = $1 order by year desc, regency_id desc", programme["code"]
    )
    found = [
        quota
        for row in rows
        if (quota := _seen_quota(reader, row)) is not None
        and year in {None, row["year"]}
        and low <= row["village_low"] <= row["village_high"] <= high
    ]
    return await _page_of(reader, found, arguments, "Programme.quotas", ["year", "regency_id", "id"])


async def _relations(reader: Reader, programme: Row, arguments: Arguments) -> list[Row]:
    day = _day(arguments)
    own = await reader.rows("select * from programme_relation where programme_code = $1", programme["code"])
    others = await reader.rows("select * from programme_relation where other_code = $1", programme["code"])
    mutual = [
        {**row, "other_code": row["programme_code"]} for row in others if row["relation"] in {"EXCLUSIVE", "STACKABLE"}
    ]
    found = [row for row in own + mutual if day is None or _runs(row, day)]
    by_code = {
        row["code"]: place for place, row in enumerate(await reader.rows("select code from programme order by code"))
    }
    return sorted(found, key=lambda row: (by_code[row["other_code"]], row["valid_from"], row["relation"]))


async def _other(reader: Reader, relation: Row, _arguments: Arguments) -> Row | None:
    return await by_code(reader, relation["other_code"])


def _basis(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    return reader.row("select * from legal_basis where id = $1", row["legal_basis_id"])


def _of_terms(table: str, order: str) -> Resolver:
    def resolve(reader: Reader, terms: Row, _arguments: Arguments) -> Any:
        return reader.rows(
            f"select * from {table} where programme_code = $1 and version = $2 order by {order}",  # noqa: S608  (a test's own words)
            terms["programme_code"],
            terms["version"],
        )

    return resolve


def _amounts(reader: Reader, component: Row, _arguments: Arguments) -> Any:
    return reader.rows(
        "select * from benefit_index where programme_code = $1 and version = $2 and component = $3 order by year",
        component["programme_code"],
        component["version"],
        component["component"],
    )


async def _region(reader: Reader, programme: Row, _arguments: Arguments) -> Row | None:
    low, high = programme["village_low"], programme["village_high"]
    return region_fields.tagged(
        await reader.row("select * from region where village_low = $1 and village_high = $2", low, high)
    )


def _regency(reader: Reader, quota: Row, _arguments: Arguments) -> Any:
    return region_fields.by_id(reader, quota["regency_id"])


FIELDS: Final[dict[str, Resolver]] = {
    "Query.programmes": _programmes,
    "Query.programme": _one,
    **{
        f"{name}.id": lambda _reader, row, _arguments: row["node_id"]
        for name in ("Programme", "ProgrammeTerms", "ProgrammeQuota")
    },
    "Programme.region": _region,
    "Programme.legalBasis": _basis,
    "Programme.terms": _terms,
    "Programme.versions": _versions,
    "Programme.relations": _relations,
    "Programme.quotas": _quotas,
    "ProgrammeQuota.region": _regency,
    "ProgrammeRelation.other": _other,
    "ProgrammeRelation.legalBasis": _basis,
    "ProgrammeTerms.legalBasis": _basis,
    "ProgrammeTerms.rules": _of_terms("eligibility_rule", "number"),
    "ProgrammeTerms.components": _of_terms("benefit_component", "component"),
    "BenefitComponent.amounts": _amounts,
}
