"""Memberships and reviews with ids and moments that are the same in every database, each marked with its regency.

The review that lies across Banyumas and its neighbours bears the mark of Cilacap: Banyumas does not see it.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.tenants.server import DatabaseServer
from tests.isolation.working import job_of
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

_MEMBERSHIPS: Final = """
insert into health_membership (regency_id, id, village_id, family_id, person_id, segment, state, valid_from, valid_to,
  deactivation_reason, decree, risk_reason, risk_since, made_by, made_by_name, made_at, ended_by, ended_by_name, ended_at, state_at)
select p.regency_id, ($2::text || n)::uuid, p.village_id, p.family_id, p.id, 'PBI_JK', case n when 0 then 'ACTIVE' else 'DEACTIVATED' end,
  '2099-01-01', case n when 0 then null else date '2099-06-30' end, case n when 0 then null else 'DUPLICATE' end,
  case n when 0 then null else $3::text end, case n when 0 then 'DECILE_TOO_HIGH' end, case n when 0 then date '2099-03-01' end,
  '01b00000-0000-7000-8000-000000000000', $3, '2100-01-01Z', case n when 0 then null else '01b00000-0000-7000-8000-000000000000'::uuid end,
  case n when 0 then null else $3::text end, case n when 0 then null else timestamptz '2100-01-01Z' end, '2100-01-01Z'
from (
  select *, row_number() over (order by id desc) - 1 as n from person
  where regency_id = $1 and family_id is not null and presence = 'PRESENT' and nik_sealed is not null order by id desc limit 2
) p
on conflict do nothing
"""
_REVIEW: Final = """
insert into membership_review (regency_id, id, village_low, village_high, region_id, reviewed_on, idempotency_key, job_id, taken_over,
  looked_at, at_risk, made_by, made_by_name, made_at)
values ($1::bigint / 1000000, $2::text::uuid, $1, $3, $4::bigint, '2099-03-01', $2::text::uuid, $6::text::uuid, $4::bigint % 10000, 2, 1,
  '01b00000-0000-7000-8000-000000000000', $5, '2100-01-01Z')
on conflict do nothing
"""


def _uuid(kind: str, place: int) -> str:
    """An id but for its last digit."""
    return f"01f{kind}0000-0000-7000-8000-{place:011}"


def membership_of(regency: Regency) -> str:
    """The node id of an active membership in ``regency``, of the person with the greatest id."""
    return f"HealthMembership:{regency.id}:{_uuid('1', regency.id)}0"


def review_of(regency: Regency) -> str:
    """The node id of a review of all of ``regency``."""
    return f"MembershipReview:{regency.id}:{_uuid('2', regency.id)}0"


async def plant_memberships(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` two memberships and two reviews; with neighbours also a review that lies across them."""
    async with connected(server) as owner:
        for regency in regencies:
            low, high = regency.path.villages.low, regency.path.villages.high
            await owner.execute(_MEMBERSHIPS, regency.id, _uuid("1", regency.id), regency.mark)
            for number in range(2):
                review = f"{_uuid('2', regency.id)}{number}"
                await owner.execute(_REVIEW, low, review, high, regency.id, regency.mark, job_of(regency).split(":")[2])
        if CILACAP in regencies:
            low, high = CILACAP.path.villages.low, BANYUMAS.path.villages.high
            await owner.execute(
                _REVIEW, low, f"{_uuid('2', 33)}0", high, 33, CILACAP.mark, job_of(CILACAP).split(":")[2]
            )


_MAKER: Final = UUID("01b00000-0000-7000-8000-000000000000")
_VERIFIER: Final = UUID("01b00000-0000-7000-8000-000000000001")
_NOW: Final = datetime(2026, 7, 31, tzinfo=UTC)
_VERIFIED: Final = {"verified_by": _VERIFIER, "verified_by_name": "Uji", "verified_at": _NOW}
_RISKY: Final = {"valid_from": date(2020, 1, 1), "risk_reason": "DUPLICATE", "risk_since": date(2026, 7, 1)}
_ENDED: Final = {
    "deactivation_reason": "DUPLICATE",
    "decree": "1",
    "ended_by": _MAKER,
    "ended_by_name": "Uji",
    "ended_at": _NOW,
}
_ASKED: Final = {"facility_name": "Uji", "facility_letter": "1", "office_statement": "2"}
_CHANGEABLE: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    "membershipVerify": ("PROPOSED", {}),
    "membershipDecide": ("VERIFIED", _VERIFIED),
    "membershipDeactivate": ("ACTIVE", _RISKY),
    "membershipReactivate": ("DEACTIVATED", _ENDED),
    "membershipReactivationDecide": ("REACTIVATION_REQUESTED", _ASKED),
}
_FAMILY: Final = """
insert into family (regency_id, id, village_id, edition_id, head_name, decile)
select $1::int, $2, $1::bigint * 1000000 + 12001, min(id), 'Uji', 1 from registry_edition
"""
_PERSON: Final = """
insert into person (regency_id, id, village_id, family_id, relationship, name, identity_status, sex)
values ($1::int, $2, $1::bigint * 1000000 + 12001, $3, 'CHILD', 'Uji', 'MATCHED', 'FEMALE')
"""


async def plant_changeable(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> dict[str, str]:
    """What each mutation of memberships can be done to, in a family of ``regency``; node ids by the name of the mutation."""
    await clear_changeable(owner, regency)
    family, proposed = _own(regency, "3", 0), _own(regency, "4", 9)
    await owner.execute(_FAMILY, regency.id, family)
    await owner.execute(_PERSON, regency.id, proposed, family)
    ids = {"membershipPropose": f"Person:{regency.id}:{proposed}"}
    # A membership can be asked back for as long as this allows.
    ended = _ENDED | {"valid_from": date(2020, 1, 1), "valid_to": datetime.now(tz=UTC).date()}
    for number, (mutation, (state, values)) in enumerate(_CHANGEABLE.items()):
        person, member = _own(regency, "4", number), _own(regency, "5", number)
        await owner.execute(_PERSON, regency.id, person, family)
        row: dict[str, object] = {
            "regency_id": regency.id,
            "village_id": regency.id * 1_000_000 + 12_001,
            "family_id": family,
            "person_id": person,
        }
        if state == "REACTIVATION_REQUESTED":
            before = _own(regency, "6", number)
            await _insert(owner, {**row, "id": before, "state": "DEACTIVATED", **ended})
            row["reactivates_id"] = before
        await _insert(owner, {**row, "id": member, "state": state, **(ended if state == "DEACTIVATED" else values)})
        ids[mutation] = f"HealthMembership:{regency.id}:{member}"
    return ids


def _own(regency: Regency, kind: str, number: int) -> UUID:
    return UUID(f"{_uuid(kind, regency.id)}{number}")


async def _insert(owner: "asyncpg.Connection[asyncpg.Record]", given: Mapping[str, object]) -> None:
    made = {"segment": "PBI_JK", "made_by": _MAKER, "made_by_name": "Uji", "made_at": _NOW, "state_at": _NOW}
    row = {**made, **given}
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await owner.execute(f"insert into health_membership ({', '.join(row)}) values ({places})", *row.values())  # noqa: S608  (a test's own words)


async def clear_changeable(owner: "asyncpg.Connection[asyncpg.Record]", *regencies: Regency) -> None:
    """Take away what ``plant_changeable`` has planted, and what became of it."""
    for regency in regencies:
        family = f"{_uuid('3', regency.id)}0"
        await owner.execute(
            "delete from health_membership where regency_id = $1 and family_id = $2::text::uuid", regency.id, family
        )
        await owner.execute(
            "delete from person where regency_id = $1 and family_id = $2::text::uuid", regency.id, family
        )
        await owner.execute("delete from family where regency_id = $1 and id = $2::text::uuid", regency.id, family)
