"""Cycles and their lists with ids and moments that are the same in every database, each marked with its regency.

A generation that was asked for all of Banyumas and its neighbours bears the mark of Cilacap: Banyumas does not see it.
"""

from typing import TYPE_CHECKING, Final

from app.domain.bansos.models.cycles import CycleState
from app.tenants.server import DatabaseServer
from tests.isolation.working import job_of
from tests.support.triggers import past_triggers
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

PROGRAMME: Final = "SEMBAKO"
PERIOD: Final = "2098-01-01"
_MAKER: Final = "01b00000-0000-7000-8000-000000000000"
_GENERATION: Final = """
insert into cycle_generation (regency_id, id, village_low, village_high, programme_code, period_start, idempotency_key, job_id, made_by,
  made_by_name, made_at)
values ($1::bigint / 1000000, $2::text::uuid, $1, $3, $4, $5::text::date, $2::text::uuid, $6::text::uuid, $7::text::uuid, $8,
  '2100-01-01Z')
on conflict do nothing
"""
_CYCLE: Final = """
insert into aid_cycle (regency_id, id, village_low, village_high, programme_code, terms_version, period_start, period_end, revision, state,
  generation_id, families, entitled, amount, generated_at, reason, made_by, made_by_name, made_at, verified_by, verified_by_name,
  verified_at)
select ($1::bigint / 1000000), $2::text::uuid, $1, $3, $4, (select min(version) from programme_terms where programme_code = $4),
  $5::text::date, $5::text::date + 89, $6::int, $7, $8::text::uuid, 4, 2, 1200000, '2100-01-01Z', $9, $10::text::uuid, $9, '2100-01-01Z',
  v.id, case when v.id is not null then $9 end, case when v.id is not null then '2100-01-01Z'::timestamptz end
from (select case when $7 in ('VERIFIED', 'APPROVED') then '01b00000-0000-7000-8000-000000000001'::uuid end) v(id)
on conflict do nothing
"""
_FAMILIES: Final = """
select f.id, f.village_id, p.id as person_id from family f
join person p on p.regency_id = f.regency_id and p.family_id = f.id and p.member_no = 1
where f.regency_id = $1 order by f.id limit 4
"""
_ENTITLEMENT: Final = """
insert into entitlement (regency_id, id, village_id, cycle_id, programme_code, terms_version, period_start, family_id, recipient_id, amount,
  components, facts, step, step_reason, step_at)
select regency_id, $3::text::uuid, $4, id, programme_code, terms_version, period_start, $5, $6, 600000,
  jsonb_build_array(jsonb_build_object('component', $7::text, 'person_id', $6::uuid, 'amount', 600000)), '{"family.decile": 2}',
  'TOPPED_UP', $7, '2100-01-01Z'
from aid_cycle where regency_id = $1 and id = $2::text::uuid on conflict do nothing
"""
_EXCLUSION: Final = """
insert into aid_exclusion (regency_id, cycle_id, family_id, village_id, programme_code, terms_version, period_start, outcome, reason, facts,
  other_code)
select regency_id, id, $3, $4, programme_code, terms_version, period_start, 'EXCLUDED', 'DOUBLE_AID', '{}', $5
from aid_cycle where regency_id = $1 and id = $2::text::uuid on conflict do nothing
"""
_OUTCOMES: Final = """
insert into cycle_outcome (regency_id, cycle_id, outcome, reason, village_low, village_high, families, amount)
select regency_id, id, o.outcome, o.reason, village_low, village_high, o.families, o.amount
from aid_cycle, (values ('ENTITLED', '', 2, 1200000), ('EXCLUDED', $3, 2, 0)) o(outcome, reason, families, amount)
where regency_id = $1 and id = $2::text::uuid on conflict do nothing
"""


def _uuid(number: int, place: int) -> str:
    return f"01fc0000-0000-7000-8000-{number}{place:011}"


def generation_of(regency: Regency) -> str:
    """The node id of a generation of all of ``regency``."""
    return f"CycleGeneration:{regency.id}:{_uuid(0, regency.id)}"


def cycle_of(regency: Regency) -> str:
    """The node id of the cycle of ``regency`` that has a list."""
    return f"AidCycle:{regency.id}:{_uuid(1, regency.id)}"


def entitlement_of(regency: Regency) -> str:
    """The node id of an entitlement of a family of ``regency``."""
    return f"Entitlement:{regency.id}:{_uuid(4, regency.id)}"


async def exclusion_of(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> str:
    """The node id of a family of ``regency`` that its cycle leaves out."""
    family_id = await owner.fetchval(
        "select family_id from aid_exclusion where cycle_id = $1::text::uuid order by 1", _uuid(1, regency.id)
    )
    return f"AidExclusion:{regency.id}:{_uuid(1, regency.id)}:{family_id}"


async def plant_cycles(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` a generation, two revisions of a cycle, and the list of the second: two in and two out."""
    async with connected(server) as owner:
        for regency in regencies:
            await _plant(owner, regency)
        if CILACAP in regencies:
            low, high = CILACAP.path.villages.low, BANYUMAS.path.villages.high
            job = job_of(CILACAP).rpartition(":")[2]
            await owner.execute(_GENERATION, low, _uuid(0, 33), high, PROGRAMME, PERIOD, job, _MAKER, CILACAP.mark)


async def _plant(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> None:
    low, high, mark = regency.path.villages.low, regency.path.villages.high, regency.mark
    generation, cycle = _uuid(0, regency.id), _uuid(1, regency.id)
    job = job_of(regency).rpartition(":")[2]
    await owner.execute(_GENERATION, low, generation, high, PROGRAMME, PERIOD, job, _MAKER, mark)
    for revision, state, cycle_id in (
        (1, CycleState.SUPERSEDED, _uuid(2, regency.id)),
        (2, CycleState.VERIFIED, cycle),
    ):
        await owner.execute(
            _CYCLE, low, cycle_id, high, PROGRAMME, PERIOD, revision, state.value, generation, mark, _MAKER
        )
    first, second, third, fourth = await owner.fetch(_FAMILIES, regency.id)
    async with past_triggers(owner):
        for number, family in ((4, first), (5, second)):
            place = (regency.id, cycle, _uuid(number, regency.id), family["village_id"])
            await owner.execute(_ENTITLEMENT, *place, family["id"], family["person_id"], mark)
        for family in (third, fourth):
            await owner.execute(_EXCLUSION, regency.id, cycle, family["id"], family["village_id"], mark)
        await owner.execute(_OUTCOMES, regency.id, cycle, mark)


_DECIDABLE: Final = {
    "cycleVerify": ("2091-01-01", CycleState.GENERATED),
    "cycleApprove": ("2092-01-01", CycleState.VERIFIED),
    "cycleRelease": ("2093-01-01", CycleState.APPROVED),
    "cycleRevise": ("2094-01-01", CycleState.GENERATED),
}
_FAMILY: Final = """
insert into family (regency_id, id, village_id, edition_id, head_name)
select $1::bigint::int, $2::text::uuid, $1::bigint * 1000000 + 12001, min(id), 'Uji' from registry_edition on conflict do nothing
"""


async def plant_decidable(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> dict[str, str]:
    """A cycle for each mutation of cycles that can be decided on by it, and a family that a list can be made of; node ids."""
    villages, ids = regency.path.villages, {}
    await owner.execute(_FAMILY, regency.id, _uuid(9, regency.id))
    for number, (mutation, (period, state)) in enumerate(_DECIDABLE.items(), start=5):
        cycle_id = _uuid(number, regency.id)
        await owner.execute(
            "delete from aid_cycle where programme_code = $1 and period_start = $2::text::date", PROGRAMME, period
        )
        await owner.execute(
            _CYCLE,
            *(villages.low, cycle_id, villages.high, PROGRAMME, period, 1, state.value, cycle_id, regency.mark, _MAKER),
        )
        ids[mutation] = f"AidCycle:{regency.id}:{cycle_id}"
    return ids


async def clear_decidable(owner: "asyncpg.Connection[asyncpg.Record]", *regencies: Regency) -> None:
    """Take away what ``plant_decidable`` has planted, and what became of it."""
    for regency in regencies:
        for table in ("aid_cycle", "cycle_generation"):
            await owner.execute(
                f"delete from {table} where regency_id = $1 and programme_code = $2",  # noqa: S608  (a test's own words)
                *(regency.id, PROGRAMME),
            )
        await owner.execute(
            "delete from family where regency_id = $1 and id = $2::text::uuid", regency.id, _uuid(9, regency.id)
        )
