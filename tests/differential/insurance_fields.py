"""Memberships and reviews for the differential tests, and as the reference executor resolves them."""

from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from tests.differential import job_fields, region_fields, registry_fields
from tests.differential.rows import Arguments, Reader, Resolver, Row, connection_of, decoded_cursor, villages_of

if TYPE_CHECKING:
    import asyncpg

_BY_VILLAGE: Final[dict[str, tuple[type, ...]]] = {"VILLAGE": (int, UUID)}
KEYS: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    "Query.healthMemberships": _BY_VILLAGE,
    "Query.membershipsAtRisk": _BY_VILLAGE,
    "Query.membershipReviews": {"NEWEST": (UUID,)},
}
COLUMNS: Final = {
    "HealthMembership.proposedBy": "made_by_name",
    "HealthMembership.proposedAt": "made_at",
    **{f"HealthMembership.{name}By": f"{name}_by_name" for name in ("verified", "decided", "ended")},
    "MembershipRisk.reason": "risk_reason",
    "MembershipRisk.since": "risk_since",
    "MembershipReview.startedBy": "made_by_name",
    "MembershipReview.startedAt": "made_at",
}
INSURER: Final = UUID("01f30000-0000-7000-8000-000000000000")
_READ: Final = Permission.BANSOS_MEMBERSHIP_READ
_ACTIVE: Final = """
insert into health_membership (regency_id, id, village_id, family_id, person_id, segment, state, valid_from, risk_reason, risk_since,
  made_by, made_by_name, made_at, state_at, version)
select regency_id, md5(concat('active', id))::uuid, village_id, family_id, id, case n % 3 when 0 then 'PBI_REGIONAL' else 'PBI_JK' end,
  'ACTIVE', date '2026-01-01' + n, case when n % 2 = 0 then 'DECILE_TOO_HIGH' end, case when n % 2 = 0 then date '2026-07-01' end,
  $1, 'Sari "S" \\', timestamptz '2026-01-02T03:04:05.12Z' + n * interval '1 hour', '2026-01-02T03:04:05Z', n
from (select *, (row_number() over (order by regency_id desc, id))::int as n from person where regency_id in (3402, 3471)) p where n % 4 = 1
"""
_ENDED: Final = """
insert into health_membership (regency_id, id, village_id, family_id, person_id, segment, state, valid_from, valid_to, deactivation_reason,
  decree, made_by, made_by_name, made_at, ended_by, ended_by_name, ended_at, state_at, mother_id)
select regency_id, md5(concat('ended', person_id))::uuid, village_id, family_id, person_id, segment, 'DEACTIVATED', '2020-01-01',
  date '2024-08-31' + version, 'DUPLICATE', '80/HUK/2024', $1, 'Budi', '2020-01-01T00:00:00Z', $1, 'Wati', '2024-09-01T00:00:00Z',
  '2024-09-01T00:00:00Z', person_id
from health_membership where made_by = $1 and version % 8 = 1
"""
_ASKED: Final = """
insert into health_membership (regency_id, id, village_id, family_id, person_id, segment, state, reactivates_id, facility_name,
  facility_letter, office_statement, refusal_reason, made_by, made_by_name, made_at, decided_by, decided_by_name, decided_at, state_at)
select regency_id, md5(concat('asked', person_id))::uuid, village_id, family_id, person_id, segment, 'MOVED', id, 'Puskesmas "U"', '1', '2',
  'PPU', $1, 'Budi', '2024-10-01T00:00:00Z', gen_random_uuid(), 'Wati', '2024-10-02T00:00:00Z', '2024-10-02T00:00:00Z'
from health_membership where made_by = $1 and state = 'DEACTIVATED'
"""
_REVIEW: Final = """
insert into membership_review (regency_id, id, village_low, village_high, region_id, reviewed_on, idempotency_key, job_id, taken_over,
  looked_at, at_risk, made_by, made_by_name, made_at, finished_at)
values ($2::bigint / 1000000, $3, $2, $4, $5, '2026-07-01', $3, $6, 3, 2, 1, $1, 'Sari', '2026-07-01T01:02:03.4Z', $7)
"""
_PLACES: Final = ((3471, "34.71"), (3402, "34.02"), (34, "34"), (3302, "33.02"))


async def start(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """A membership for every fourth person, some with a stretch before, and reviews of regions that not everybody sees."""
    for statement in (_ACTIVE, _ENDED, _ASKED):
        await owner.execute(statement, INSURER)
    for number, (region, code) in enumerate(_PLACES * 2):
        low, high = villages_of(code)
        identifier, job = UUID(int=INSURER.int + number + 1), job_fields.some_of(low // 1_000_000)[0]
        finished = None if number % 2 else await owner.fetchval("select timestamptz '2026-07-02T00:00:00Z'")
        await owner.execute(_REVIEW, INSURER, low, identifier, high, region, job, finished)


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away."""
    await owner.execute("delete from health_membership where made_by = $1", INSURER)
    await owner.execute("delete from membership_review where made_by = $1", INSURER)


def _tagged(kind: str, row: Row) -> Row:
    return {**row, "__typename": kind, "node_id": f"{kind}:{row['regency_id']}:{row['id']}"}


async def _memberships(reader: Reader, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(
        f"select * from health_membership where {where} order by village_id, id",  # noqa: S608  (our own words)
        *arguments,
    )
    return [_tagged("HealthMembership", row) for row in reader.seen(_READ, rows)]


async def by_id(reader: Reader, regency_id: int, id_: UUID) -> Row | None:
    """The membership, if the principal may see it."""
    return next(iter(await _memberships(reader, "regency_id = $1 and id = $2", regency_id, id_)), None)


async def review_by_id(reader: Reader, regency_id: int, id_: UUID) -> Row | None:
    """The review, if the principal may see it."""
    return next((row for row in await _reviews(reader) if (row["regency_id"], row["id"]) == (regency_id, id_)), None)


async def _reviews(reader: Reader) -> list[Row]:
    rows = await reader.rows("select * from membership_review order by id desc")
    return [_tagged("MembershipReview", row) for row in rows if reader.covers(_READ, row)]


def _page(found: list[Row], arguments: Arguments, order: str, names: tuple[str, ...], types: tuple[type, ...]) -> Row:
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


def _bounds(arguments: Arguments) -> tuple[int, int]:
    region = arguments.get("region")
    return villages_of(region) if region is not None else (0, 10**10)


async def _listed(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    low, high = _bounds(arguments)
    found = [
        row
        for row in await _memberships(reader, "village_id between $1 and $2", low, high)
        if all(arguments.get(name) in {None, row[name]} for name in ("state", "segment"))
    ]
    return _page(found, arguments, "VILLAGE", ("village_id", "id"), _BY_VILLAGE["VILLAGE"])


async def _at_risk(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    low, high = _bounds(arguments)
    found = [
        row
        for row in await _memberships(reader, "village_id between $1 and $2 and risk_reason is not null", low, high)
        if arguments.get("reason") in {None, row["risk_reason"]}
    ]
    return _page(found, arguments, "VILLAGE", ("village_id", "id"), _BY_VILLAGE["VILLAGE"])


async def _all_reviews(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    low, high = _bounds(arguments)
    found = [row for row in await _reviews(reader) if low <= row["village_low"] <= row["village_high"] <= high]
    return _page(found, arguments, "NEWEST", ("id",), (UUID,))


async def _of_person(reader: Reader, person: Row, _arguments: Arguments) -> list[Row]:
    found = await _memberships(reader, "regency_id = $1 and person_id = $2", person["regency_id"], person["id"])
    return sorted(sorted(found, key=lambda row: row["id"]), key=lambda row: row["made_at"], reverse=True)


def _until(_reader: Reader, row: Row, _arguments: Arguments) -> str | None:
    if row["state"] != "DEACTIVATED":
        return None
    ended: date = row["valid_to"]
    year, month = divmod(ended.month + 5, 12)
    last = date(ended.year + year, month + 1, min(ended.day, monthrange(ended.year + year, month + 1)[1]))
    return last.isoformat()


FIELDS: Final[dict[str, Resolver]] = {
    "Query.healthMemberships": _listed,
    "Query.membershipsAtRisk": _at_risk,
    "Query.membershipReviews": _all_reviews,
    "Person.healthMemberships": _of_person,
    "HealthMembership.id": lambda _reader, row, _arguments: row["node_id"],
    "HealthMembership.person": lambda reader, row, _arguments: registry_fields.person_by_id(
        reader, row["regency_id"], row["person_id"]
    ),
    "HealthMembership.reactivates": lambda reader, row, _arguments: by_id(
        reader, row["regency_id"], row["reactivates_id"]
    ),
    "HealthMembership.reactivationUntil": _until,
    "HealthMembership.newborn": lambda _reader, row, _arguments: row["mother_id"] is not None,
    "HealthMembership.risk": lambda _reader, row, _arguments: row if row["risk_reason"] is not None else None,
    "HealthMembership.village": lambda reader, row, _arguments: region_fields.by_id(reader, row["village_id"]),
    "HealthMembership.regency": lambda reader, row, _arguments: region_fields.by_id(reader, row["regency_id"]),
    "MembershipReview.id": lambda _reader, row, _arguments: row["node_id"],
    "MembershipReview.region": lambda reader, row, _arguments: region_fields.by_id(reader, row["region_id"]),
    "MembershipReview.job": job_fields.of_row,
}
