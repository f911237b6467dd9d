"""From GENERATED to RELEASED: who may take which step, in which order, and what a new revision does."""

from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.domain.bansos.cycles import errors
from app.domain.bansos.cycles.service import Actor, Generation, verify
from app.domain.bansos.models.cycles import CycleState
from app.domain.bansos.models.programmes import Benefit
from app.domain.bansos.programmes.errors import PeriodWrong, ProgrammeUnknown
from app.tenants.region_path import RegionPath
from tests.bansos.cycles.bureau import APPROVER, MAKER, PERIOD, SECOND, VERIFIER, Bureau
from tests.support.aid import plant_programme, plant_terms
from tests.support.world import BANYUMAS, CILACAP

CENTRAL_JAVA = RegionPath.parse("33")


async def test_a_cycle_goes_from_generated_to_released_by_four_people(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    cycle = await bureau.approved("PANGAN")
    assert (cycle["state"], cycle["verified_by_name"], cycle["approved_by_name"]) == ("APPROVED", "Budi", "Wati")
    released = await bureau.act("release", cycle, SECOND)
    assert released.state is CycleState.RELEASED
    assert (await bureau.row(released.key))["released_by"] == SECOND.id


async def test_above_the_amount_of_the_terms_two_people_approve(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "MAHAL", second_approval_above=600_000)
    cycle = await bureau.approved("MAHAL")
    assert (cycle["state"], cycle["approved_by"]) == ("VERIFIED", APPROVER.id)
    for somebody in (MAKER, VERIFIER, APPROVER):
        with pytest.raises(errors.CycleSamePerson):
            await bureau.act("approve", cycle, somebody)
    with pytest.raises(errors.CycleStateWrong):
        await bureau.act("release", cycle, SECOND)
    done = await bureau.act("approve", cycle, SECOND)
    assert done.state is CycleState.APPROVED
    assert (await bureau.row(done.key))["second_approved_by"] == SECOND.id


async def test_an_amount_that_just_reaches_the_limit_takes_one(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    amount = (await bureau.generated("PANGAN"))["amount"]
    await plant_programme(bureau.owner, "PAS", second_approval_above=amount)
    assert (await bureau.approved("PAS"))["state"] == "APPROVED"


async def test_a_maker_neither_verifies_nor_approves_and_a_verifier_does_not_approve(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    cycle = await bureau.generated("PANGAN")
    with pytest.raises(errors.CycleSamePerson):
        await bureau.act("verify", cycle, MAKER)
    cycle = await bureau.row((await bureau.act("verify", cycle, VERIFIER)).key)
    for somebody in (MAKER, VERIFIER):
        with pytest.raises(errors.CycleSamePerson):
            await bureau.act("approve", cycle, somebody)
    assert (await bureau.act("approve", cycle, APPROVER)).state is CycleState.APPROVED


@pytest.mark.parametrize(
    "change",
    [
        "verified_by = made_by, verified_by_name = 'x', verified_at = now()",
        "approved_by = made_by, approved_by_name = 'x', approved_at = now()",
        "approved_by = verified_by, approved_by_name = 'x', approved_at = now()",
        "second_approved_by = approved_by, second_approved_by_name = 'x', second_approved_at = now()",
        "second_approved_by = verified_by, second_approved_by_name = 'x', second_approved_at = now()",
        "second_approved_by = made_by, second_approved_by_name = 'x', second_approved_at = now()",
        "verified_at = null",
    ],
)
async def test_the_table_itself_refuses_that_one_person_takes_two_steps(bureau: Bureau, change: str) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    await bureau.approved("PANGAN")
    with pytest.raises(IntegrityError):
        async with bureau.database.write(bureau.scope()) as session:
            await session.execute(sa.text(f"update aid_cycle set {change}"))  # noqa: S608  (our own words)


@pytest.mark.parametrize("step", ["verify", "approve", "release", "revise"])
async def test_whoever_read_an_older_version_decides_nothing(bureau: Bureau, step: str) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    cycle = await bureau.generated("PANGAN")
    more: dict[str, Any] = {"reason": "salah", "idempotency_key": uuid4()} if step == "revise" else {}
    with pytest.raises(errors.CycleChanged):
        await bureau.act(step, cycle, VERIFIER, version=cycle["version"] - 1, **more)
    assert await bureau.row((cycle["regency_id"], cycle["id"])) == cycle


async def test_steps_come_in_their_order(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    made = await bureau.make("PANGAN")
    (draft,) = await bureau.cycles("PANGAN")
    with pytest.raises(errors.CycleStateWrong):
        await bureau.act("verify", draft, VERIFIER)
    await bureau.generate(made)
    (cycle,) = await bureau.cycles("PANGAN")
    for step in ("approve", "release"):
        with pytest.raises(errors.CycleStateWrong):
            await bureau.act(step, cycle, APPROVER)


async def test_a_programme_of_contributions_has_no_cycle_whatever_it_is_called(bureau: Bureau) -> None:
    iuran = await plant_programme(bureau.owner, "IURAN", benefit=Benefit.HEALTH_INSURANCE, channels=())
    with pytest.raises(errors.CycleOfContributions) as refused:
        await bureau.make(iuran)
    assert "membershipPropose" in refused.value.indonesian
    assert "membershipPropose" in refused.value.english
    assert await bureau.cycles(iuran) == []
    assert await bureau.owner.fetchval("select count(*) from cycle_generation where programme_code = $1", iuran) == 0
    # Whatever is given to families, in money or in food, has cycles.
    for benefit in (Benefit.CASH, Benefit.FOOD):
        code = await plant_programme(bureau.owner, f"BAGI_{benefit.value}", benefit=benefit)
        assert (await bureau.generated(code))["entitled"] > 0


async def test_what_was_verified_is_not_generated_again_but_revised(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    cycle = await bureau.generated("PANGAN")
    await bureau.act("verify", cycle, VERIFIER)
    with pytest.raises(errors.CycleExists) as refused:
        await bureau.make("PANGAN", region=CENTRAL_JAVA)
    assert BANYUMAS.code in refused.value.indonesian
    assert [each["regency_id"] for each in await bureau.cycles("PANGAN")] == [BANYUMAS.id], "nothing was made elsewhere"


async def test_a_new_revision_takes_the_place_of_one_that_was_not_released(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "BARU")
    old = await bureau.approved("BARU")
    await plant_terms(bureau.owner, "BARU", version=2, amount=700_000, valid_from=PERIOD)
    new = await bureau.act("revise", old, VERIFIER, reason=" data keluarga dibetulkan ", idempotency_key=uuid4())
    row = await bureau.row(new.key)
    assert (row["state"], row["revision"], row["reason"]) == ("DRAFT", 2, "data keluarga dibetulkan")
    assert (row["terms_version"], row["made_by"], row["approved_by"]) == (2, VERIFIER.id, None)
    assert (await bureau.row((old["regency_id"], old["id"])))["state"] == "SUPERSEDED"
    steps = await bureau.owner.fetch("select distinct step, step_at is null from entitlement")
    assert [tuple(row) for row in steps] == [("CANCELLED", False)]
    await bureau.generate(Generation(new.regency_id, new.generation_id, new.villages))
    (cycle,) = await bureau.cycles("BARU")
    assert (cycle["id"], cycle["state"], cycle["amount"]) == (new.id, "GENERATED", cycle["entitled"] * 700_000)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001])
async def test_a_revision_says_why(bureau: Bureau, reason: str) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    cycle = await bureau.generated("PANGAN")
    with pytest.raises(errors.ReasonInvalid):
        await bureau.act("revise", cycle, MAKER, reason=reason, idempotency_key=uuid4())
    assert (await bureau.row((cycle["regency_id"], cycle["id"])))["state"] == "GENERATED"


async def test_what_was_released_is_neither_revised_nor_generated_again(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    released = await bureau.row((await bureau.act("release", await bureau.approved("PANGAN"), MAKER)).key)
    with pytest.raises(errors.CycleStateWrong):
        await bureau.act("revise", released, MAKER, reason="salah", idempotency_key=uuid4())
    with pytest.raises(errors.CycleExists):
        await bureau.make("PANGAN")
    assert await bureau.owner.fetchval("select count(*) from entitlement where step = 'CANCELLED'") == 0


async def test_the_same_key_again_answers_what_it_has_made(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    await plant_programme(bureau.owner, "LAIN")
    key = uuid4()
    first = await bureau.make("PANGAN", key=key)
    assert await bureau.make("PANGAN", key=key) == first
    assert await bureau.owner.fetchval("select count(*) from job") == 1
    with pytest.raises(errors.CycleKeyUsed):
        await bureau.make("LAIN", key=key)
    with pytest.raises(errors.CycleKeyUsed):
        await bureau.make("PANGAN", key=key, by=SECOND)
    await bureau.generate(first)
    (cycle,) = await bureau.cycles("PANGAN")
    with pytest.raises(errors.CycleKeyUsed):
        await bureau.act("revise", cycle, MAKER, reason="salah", idempotency_key=key)
    key = uuid4()
    new = await bureau.act("revise", cycle, MAKER, reason="salah", idempotency_key=key)
    again = await bureau.act("revise", cycle, MAKER, reason="salah", idempotency_key=key)
    assert again == new
    assert [(each["revision"]) for each in await bureau.cycles("PANGAN")] == [2]


async def test_a_job_stands_for_each_generation(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    made = await bureau.make("PANGAN", region=CENTRAL_JAVA)
    job = await bureau.owner.fetchrow(
        "select j.* from job j join cycle_generation g on g.job_id = j.id and g.regency_id = j.regency_id where g.id = $1",
        made.id,
    )
    assert job is not None
    assert (job["kind"], job["subject_id"], job["principal_id"]) == ("CYCLE_GENERATION", made.id, MAKER.id)
    assert (job["village_low"], job["village_high"]) == (3300000000, 3399999999)


async def test_periods_of_a_programme_do_not_overlap(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    await bureau.make("PANGAN")
    await plant_programme(bureau.owner, "BULANAN")
    await bureau.make("BULANAN")
    await plant_terms(bureau.owner, "BULANAN", version=2, months=1, valid_from=PERIOD.replace(month=8))
    with pytest.raises(errors.CyclePeriodOverlaps):
        await bureau.make("BULANAN", period=PERIOD.replace(month=8))
    await bureau.make("BULANAN", period=PERIOD.replace(month=10))


@pytest.mark.parametrize(
    ("code", "refusal"),
    [("34.04", errors.CycleRegionUnknown), ("33.02.01", errors.CycleRegionTooSmall), ("33.03", errors.CycleEmpty)],
)
async def test_cycles_are_made_where_the_maker_may_and_families_are(
    bureau: Bureau, code: str, refusal: type[Exception]
) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    with pytest.raises(refusal):
        await bureau.make("PANGAN", region=RegionPath.parse(code))
    assert await bureau.owner.fetchval("select count(*) from cycle_generation") == 0


async def test_a_programme_that_does_not_run_in_the_region_makes_nothing(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "LOKAL", region=CILACAP.path)
    with pytest.raises(errors.CycleEmpty):
        await bureau.make("LOKAL", region=BANYUMAS.path)
    with pytest.raises(ProgrammeUnknown):
        await bureau.make("TIDAK_ADA")
    with pytest.raises(PeriodWrong):
        await bureau.make("LOKAL", region=CILACAP.path, period=PERIOD.replace(month=8))


async def test_a_cycle_behind_the_wall_is_as_one_that_does_not_exist(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    cycle = await bureau.generated("PANGAN")
    neighbour = bureau.scope(CILACAP.code)
    seen = []
    for key in ((cycle["regency_id"], cycle["id"]), (CILACAP.id, uuid4())):
        with pytest.raises(errors.CycleUnknown) as refused:
            async with bureau.database.write(neighbour) as session:
                await verify(session, Actor(uuid4(), "Tetangga"), key, version=cycle["version"])
        seen.append((refused.value.code, refused.value.english))
    assert seen[0] == seen[1]
