"""Lists: who is in, who is out and why, that all add up, and that generating again gives the same to the row."""

from collections import Counter
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.domain.bansos.exclusions import Exclusion
from app.domain.bansos.models.cycles import PaymentStep
from app.domain.bansos.models.programmes import Relation
from app.tenants.region_path import RegionPath
from tests.bansos.cycles.bureau import MAKER, PERIOD, SECOND, Bureau
from tests.support.aid import plant_programme, plant_quotas, plant_relation
from tests.support.world import BANYUMAS, CILACAP, FAMILIES

if TYPE_CHECKING:
    from asyncpg import Record

CENTRAL_JAVA = RegionPath.parse("33")
_CARD = """
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, created_at, state_at)
select f.regency_id, gen_random_uuid(), f.village_id, f.id, p.id, 'BRI', $2, '1234', gen_random_uuid()::text,
  now() - $3 * interval '1 day', now()
from family f join person p on p.regency_id = f.regency_id and p.family_id = f.id where f.id = $1 limit 1
"""


async def card(bureau: Bureau, family_id: UUID, state: str, *, days_ago: int = 0) -> None:
    await bureau.owner.execute(_CARD, family_id, state, days_ago)


async def outcomes(bureau: Bureau, cycle: Any) -> "list[Record]":
    rows: list[Record] = await bureau.owner.fetch("select * from cycle_outcome where cycle_id = $1", cycle["id"])
    return rows


async def test_in_and_out_by_reason_are_all_families_of_the_regency(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    cycle = await bureau.generated("PANGAN")
    rows = await outcomes(bureau, cycle)
    assert sum(row["families"] for row in rows) == cycle["families"] == FAMILIES
    counted = Counter({(row["outcome"], row["reason"]): row["families"] for row in rows})
    assert counted == await bureau.reasons(cycle)
    assert {reason for _, reason in counted} >= {"", "DECILE_TOO_HIGH", "DECILE_UNKNOWN", "FAMILY_MOVED"}
    assert {row["amount"] for row in rows if row["outcome"] != "ENTITLED"} == {0}
    assert cycle["entitled"] == counted["ENTITLED", ""] > 0
    assert cycle["amount"] == sum(row["amount"] for row in rows) == cycle["entitled"] * 600_000
    assert cycle["state"] == "GENERATED"


async def test_the_right_families_are_in(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    cycle = await bureau.generated("PANGAN")
    poor = await bureau.owner.fetch(
        "select id from family where regency_id = $1 and decile <= 4 and status = 'ACTIVE'", BANYUMAS.id
    )
    left_out = {row["id"]: await bureau.why(cycle, row["id"]) for row in poor}
    assert {reason for reason, _ in left_out.values()} <= {"", "NO_RECIPIENT"}
    entitled = {family_id for family_id, (reason, _) in left_out.items() if not reason}
    assert set(await bureau.entitled(cycle)) == entitled


async def test_generating_again_gives_the_same_to_the_row(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    cycle = await bureau.generated("PANGAN")
    before = await bureau.lists(cycle["id"])
    again = await bureau.generated("PANGAN")
    assert again["id"] == cycle["id"]
    assert again["generation_id"] != cycle["generation_id"]
    assert {name: len(rows) for name, rows in before.items()} == {
        "entitlement": cycle["entitled"],
        "aid_exclusion": cycle["families"] - cycle["entitled"],
        "cycle_outcome": len(before["cycle_outcome"]),
    }
    assert await bureau.lists(cycle["id"]) == before


async def test_a_province_has_a_cycle_in_each_regency_that_holds_families(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    made = await bureau.make("PANGAN", region=CENTRAL_JAVA)
    attempt = await bureau.generate(made)
    cycles = await bureau.cycles("PANGAN")
    assert [cycle["regency_id"] for cycle in cycles] == [CILACAP.id, BANYUMAS.id]
    assert {cycle["state"] for cycle in cycles} == {"GENERATED"}
    assert attempt.told[0] == (0, 2 * FAMILIES)
    assert attempt.told[-1][0] == 2 * FAMILIES
    events = await bureau.owner.fetch("select * from audit_event where request_id = $1", str(attempt.job_id))
    assert {(event["regency_id"], *event["subject_ids"]) for event in events} == {
        (cycle["regency_id"], cycle["id"]) for cycle in cycles
    }


async def test_a_programme_of_one_regency_is_generated_there_alone(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "LOKAL", region=CILACAP.path)
    await bureau.generate(await bureau.make("LOKAL", region=CENTRAL_JAVA))
    assert [cycle["regency_id"] for cycle in await bureau.cycles("LOKAL")] == [CILACAP.id]


async def test_a_programme_of_one_village_looks_at_its_families_alone(bureau: Bureau) -> None:
    village = BANYUMAS.village(1, 1)
    await plant_programme(bureau.owner, "DESA", region=RegionPath.parse(village))
    cycle = await bureau.generated("DESA", region=CENTRAL_JAVA)
    there = await bureau.owner.fetchval(
        "select count(*) from family where village_id = $1", RegionPath.parse(village).id
    )
    assert cycle["families"] == there > 0


class Broken(Exception):
    """Stands for whatever ends a process."""


async def test_what_was_broken_off_goes_on_where_it_stopped(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    made = await bureau.make("PANGAN", region=CENTRAL_JAVA)

    def breaks(done: int) -> None:
        if done == FAMILIES:
            raise Broken

    with pytest.raises(Broken):
        await bureau.generate(made, breaks)
    states = Counter(cycle["state"] for cycle in await bureau.cycles("PANGAN"))
    assert states["GENERATED"] >= 1
    attempt = await bureau.generate(made)
    cycles = await bureau.cycles("PANGAN")
    assert {cycle["state"] for cycle in cycles} == {"GENERATED"}
    assert attempt.told[-1][0] == 2 * FAMILIES
    ids = [cycle["id"] for cycle in cycles]
    interrupted = await bureau.lists(*ids)
    await bureau.generate(await bureau.make("PANGAN", region=CENTRAL_JAVA))
    assert await bureau.lists(*ids) == interrupted


async def test_a_generation_leaves_what_another_has_taken_over(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    first = await bureau.make("PANGAN")
    second = await bureau.make("PANGAN", by=SECOND)
    await bureau.generate(first)
    (cycle,) = await bureau.cycles("PANGAN")
    assert (cycle["state"], cycle["made_by"]) == ("DRAFT", SECOND.id)
    await bureau.generate(second)
    (cycle,) = await bureau.cycles("PANGAN")
    assert cycle["state"] == "GENERATED"


async def test_the_quota_goes_to_those_in_greatest_need(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    await plant_programme(bureau.owner, "TERBATAS")
    everybody = await bureau.entitled(await bureau.generated("PANGAN"))
    most = len(everybody) // 2
    await plant_quotas(bureau.owner, "TERBATAS", PERIOD.year, {BANYUMAS.id: most})
    cycle = await bureau.generated("TERBATAS")
    assert await bureau.entitled(cycle) == everybody[:most]
    reasons = await bureau.reasons(cycle)
    assert reasons["OVER_QUOTA", "OVER_QUOTA"] == len(everybody) - most > 0
    assert sum(reasons.values()) == FAMILIES


async def test_whom_an_exclusive_programme_pays_is_left_out_from_either_side(bureau: Bureau) -> None:
    for code in ("SATU", "DUA"):
        await plant_programme(bureau.owner, code)
    await plant_relation(bureau.owner, "SATU", Relation.EXCLUSIVE, "DUA")
    await plant_quotas(bureau.owner, "SATU", PERIOD.year, {BANYUMAS.id: 3})
    first = await bureau.generated("SATU")
    paid = await bureau.entitled(first)
    second = await bureau.generated("DUA")
    assert len(paid) == 3
    assert {await bureau.why(second, family_id) for family_id in paid} == {("DOUBLE_AID", "SATU")}
    assert not set(await bureau.entitled(second)) & set(paid)
    before = (await bureau.lists(first["id"]))["entitlement"]
    await bureau.generated("SATU")
    assert (await bureau.lists(first["id"]))["entitlement"] == before, "the first programme keeps its families"


async def test_an_exclusive_programme_of_another_period_is_in_nobodys_way(bureau: Bureau) -> None:
    for code in ("SATU", "DUA"):
        await plant_programme(bureau.owner, code)
    await plant_relation(bureau.owner, "SATU", Relation.EXCLUSIVE, "DUA")
    await bureau.generated("SATU", period=PERIOD.replace(month=10))
    reasons = await bureau.reasons(await bureau.generated("DUA"))
    assert reasons["EXCLUDED", "DOUBLE_AID"] == 0
    assert reasons["ENTITLED", ""] > 0


async def test_what_is_not_decided_any_more_excludes_nobody(bureau: Bureau) -> None:
    for code in ("SATU", "DUA"):
        await plant_programme(bureau.owner, code)
    await plant_relation(bureau.owner, "SATU", Relation.EXCLUSIVE, "DUA")
    first = await bureau.generated("SATU")
    await bureau.act("revise", first, MAKER, reason="data salah", idempotency_key=uuid4())
    reasons = await bureau.reasons(await bureau.generated("DUA"))
    assert reasons["EXCLUDED", "DOUBLE_AID"] == 0


_PAID_OUT = ("PAID", "RECONCILED", "CLOSED")
_WITHOUT_ACCOUNT = ("NO_ACCOUNT", "ACCOUNT_FAILED")


@pytest.mark.parametrize(
    ("state", "step", "counts"),
    [
        *[("RELEASED", step.value, step.value not in {"RETURNED", "CANCELLED"}) for step in PaymentStep],
        *[(state, step, False) for state in _PAID_OUT for step in (*_WITHOUT_ACCOUNT, "RETURNED", "CANCELLED")],
        *[(state, "TOPPED_UP", True) for state in _PAID_OUT],
    ],
)
async def test_what_another_programme_brings_nobody_any_more_neither_excludes_nor_is_had(
    bureau: Bureau, state: str, step: str, counts: bool
) -> None:
    for code in ("DASAR", "LAIN", "TAMBAHAN"):
        await plant_programme(bureau.owner, code)
    await plant_relation(bureau.owner, "LAIN", Relation.EXCLUSIVE, "DASAR")
    await plant_relation(bureau.owner, "TAMBAHAN", Relation.REQUIRES, "DASAR")
    cycle = await bureau.approved("DASAR")
    family, another, *_ = await bureau.entitled(cycle)
    moved = "update entitlement set step = $3 where cycle_id = $1 and family_id = $2"
    await bureau.owner.execute("update entitlement set step = 'TOPPED_UP' where cycle_id = $1", cycle["id"])
    await bureau.owner.execute(moved, cycle["id"], family, step)
    await bureau.owner.execute("update aid_cycle set state = $2 where id = $1", cycle["id"], state)
    exclusive, requiring = await bureau.generated("LAIN"), await bureau.generated("TAMBAHAN")
    found = [await bureau.why(each, family) for each in (exclusive, requiring)]
    assert found == (
        [("DOUBLE_AID", "DASAR"), ("", None)] if counts else [("", None), ("REQUIRED_PROGRAMME_MISSING", "DASAR")]
    )
    assert [await bureau.why(each, another) for each in (exclusive, requiring)] == [("DOUBLE_AID", "DASAR"), ("", None)]


async def test_a_required_programme_must_pay_in_the_same_period(bureau: Bureau) -> None:
    for code in ("DASAR", "TAMBAHAN"):
        await plant_programme(bureau.owner, code)
    await plant_relation(bureau.owner, "TAMBAHAN", Relation.REQUIRES, "DASAR")
    await plant_quotas(bureau.owner, "DASAR", PERIOD.year, {BANYUMAS.id: 2})
    nobody = await bureau.reasons(await bureau.generated("TAMBAHAN"))
    assert nobody["ENTITLED", ""] == 0
    assert nobody["EXCLUDED", "REQUIRED_PROGRAMME_MISSING"] > 2
    paid = await bureau.entitled(await bureau.generated("DASAR"))
    cycle = await bureau.generated("TAMBAHAN")
    assert await bureau.entitled(cycle) == paid
    (missing, *_) = await bureau.owner.fetch(
        "select * from aid_exclusion where cycle_id = $1 and reason = 'REQUIRED_PROGRAMME_MISSING'", cycle["id"]
    )
    assert missing["other_code"] == "DASAR"


@pytest.mark.parametrize("state", ["BLOCKED", "WITHDRAWN"])
async def test_whose_card_is_blocked_or_withdrawn_is_left_out(bureau: Bureau, state: str) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    blocked, replaced, lost, *_ = await bureau.entitled(await bureau.generated("PANGAN"))
    await card(bureau, blocked, state)
    await card(bureau, replaced, "WITHDRAWN", days_ago=9)
    await card(bureau, replaced, "ACTIVE", days_ago=2)
    await card(bureau, lost, "LOST")
    cycle = await bureau.generated("PANGAN")
    assert await bureau.why(cycle, blocked) == ("INACTIVE_ACCOUNT", None)
    assert {replaced, lost} <= set(await bureau.entitled(cycle))


async def test_of_several_reasons_the_first_is_told_and_no_other_programme_beside_it(bureau: Bureau) -> None:
    for code in ("DASAR", "TAMBAHAN"):
        await plant_programme(bureau.owner, code)
    await plant_relation(bureau.owner, "TAMBAHAN", Relation.REQUIRES, "DASAR")
    moved = await bureau.owner.fetchval("select id from family where regency_id = $1 and status = 'MOVED'", BANYUMAS.id)
    rich = await bureau.owner.fetchval(
        "select id from family where regency_id = $1 and decile > 6 limit 1", BANYUMAS.id
    )
    await card(bureau, moved, "BLOCKED")
    cycle = await bureau.generated("TAMBAHAN")
    assert await bureau.why(cycle, moved) == (Exclusion.FAMILY_MOVED.value, None)
    assert await bureau.why(cycle, rich) == ("DECILE_TOO_HIGH", None)


async def test_the_application_changes_nothing_of_an_entitlement_but_where_its_money_is(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    await bureau.generated("PANGAN")
    async with bureau.database.write(bureau.scope()) as session:
        moved = await session.execute(sa.text("update entitlement set step = 'NO_ACCOUNT', step_at = now()"))
        assert moved.rowcount > 0  # type: ignore[attr-defined]  # an update has a count
    for column in ("amount = amount + 1", "family_id = recipient_id", "facts = '{}'", "recipient_id = family_id"):
        with pytest.raises(DBAPIError) as refused:
            async with bureau.database.write(bureau.scope()) as session:
                await session.execute(sa.text(f"update entitlement set {column}"))  # noqa: S608  (our own words)
        assert getattr(refused.value.orig, "sqlstate", None) == "42501"
