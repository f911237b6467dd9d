"""What the outlet says, in time and once; and what an accepted appeal takes back."""

from uuid import uuid4

import pytest

from app.domain.ewarong.models.agents import AgentState
from tests.ewarong.oversight.office import Office
from tests.support.client import Json
from tests.support.outlets import set_state


async def warned(office: Office) -> Json:
    return await office.warn(await office.record())


async def test_a_reply_stands_beside_the_step_that_it_speaks_to(office: Office) -> None:
    violation = await office.say("ewarongViolationReply", await warned(office))
    assert (violation["state"], violation["version"]) == ("FIRST_WARNING", 3)
    assert violation["repliedAt"] is not None
    (said,) = violation["statements"]
    assert said == {
        "kind": "REPLY",
        "text": "Harga sudah kami turunkan.",
        "against": "FIRST_WARNING",
        "step": 2,
        "saidBy": "Agen Uji",
    }


async def test_each_warning_has_a_reply_of_its_own(office: Office) -> None:
    violation = await office.say("ewarongViolationReply", await warned(office))
    again = await office.say("ewarongViolationReply", violation)
    assert (again["__typename"], again["code"]) == ("Conflict", "ANSWERED_ALREADY")
    violation = await office.say("ewarongViolationReply", await office.warn(violation))
    assert [each["against"] for each in violation["statements"]] == ["FIRST_WARNING", "SECOND_WARNING"]


async def test_a_reply_sent_again_is_kept_once(office: Office) -> None:
    violation, key = await warned(office), str(uuid4())
    first = await office.say("ewarongViolationReply", violation, idempotencyKey=key)
    again = await office.say("ewarongViolationReply", violation, idempotencyKey=key)
    assert (again["id"], again["version"], len(again["statements"])) == (first["id"], first["version"], 1)
    for name, others in (
        ("ewarongViolationReply", {"text": "Bukan kami."}),
        ("ewarongViolationAppeal", {}),
    ):
        other = await office.say(name, violation, idempotencyKey=key, **others)
        assert (other["__typename"], other["code"]) == ("Conflict", "IDEMPOTENCY_CONFLICT")
    elsewhere = await office.say("ewarongViolationReply", await warned(office), idempotencyKey=key)
    assert elsewhere["code"] == "IDEMPOTENCY_CONFLICT"


@pytest.mark.parametrize("name", ["ewarongViolationReply", "ewarongViolationAppeal"])
async def test_an_answer_comes_until_its_day_and_no_later(office: Office, name: str) -> None:
    violation = await warned(office)
    await office.let_pass(violation)
    late = await office.say(name, violation)
    assert (late["__typename"], late["code"]) == ("Conflict", "ANSWER_TOO_LATE")
    await office.owner.execute(
        "update ewarong_violation set reply_due = (now() at time zone 'Asia/Jakarta')::date where id = $1",
        violation["id"].rpartition(":")[2],
    )
    assert len((await office.say(name, violation))["statements"]) == 1


async def test_an_answer_to_what_has_gone_on_meanwhile_is_refused(office: Office) -> None:
    violation = await warned(office)
    await office.let_pass(violation)
    await office.warn(violation)
    stale = await office.say("ewarongViolationReply", violation)
    assert stale["code"] == "EWARONG_VIOLATION_CHANGED"


@pytest.mark.parametrize("name", ["ewarongViolationReply", "ewarongViolationAppeal"])
async def test_there_is_nothing_to_answer_before_a_warning(office: Office, name: str) -> None:
    refused = await office.say(name, await office.record())
    assert refused["code"] == "EWARONG_VIOLATION_STATE"


async def test_an_answer_with_a_number_of_somebody_is_refused_by_name(office: Office) -> None:
    refused = await office.say("ewarongViolationReply", await warned(office), text="Ibu 9902010101900001 berbohong")
    assert (refused["code"], refused["fields"]) == ("PERSONAL_NUMBER", ["text"])


async def test_nothing_goes_on_before_an_appeal_is_answered(office: Office) -> None:
    violation = await office.say("ewarongViolationAppeal", await warned(office))
    await office.let_pass(violation)
    assert (await office.warn(violation))["code"] == "APPEAL_OPEN"
    violation = await office.answer(violation, accepted=False)
    assert violation["appealAnsweredAt"] is not None
    assert [each["kind"] for each in violation["statements"]] == ["APPEAL", "APPEAL_REJECTED"]
    assert (await office.warn(violation))["state"] == "SECOND_WARNING"


async def test_without_an_appeal_there_is_none_to_answer(office: Office) -> None:
    violation = await warned(office)
    refused = await office.answer(violation, accepted=True)
    assert (refused["__typename"], refused["code"]) == ("Conflict", "NO_APPEAL")
    rejected = await office.answer(await office.say("ewarongViolationAppeal", violation), accepted=False)
    assert (await office.answer(rejected, accepted=True))["code"] == "NO_APPEAL"
    assert (await office.say("ewarongViolationAppeal", rejected))["code"] == "ANSWERED_ALREADY"


@pytest.mark.parametrize("state", [AgentState.ACTIVE, AgentState.WATCHED])
async def test_an_accepted_appeal_takes_the_warning_back_and_the_outlet_with_it(
    office: Office, state: AgentState
) -> None:
    await set_state(office.owner, office.outlet, state)
    violation = await office.say("ewarongViolationAppeal", await warned(office))
    violation = await office.answer(violation, accepted=True)
    assert (violation["state"], violation["agent"]["state"]) == ("RECORDED", state.value)
    assert (violation["replyDue"], violation["appealedAt"]) == (None, None)
    # What was done stays to be read.
    assert [each["act"] for each in violation["steps"]] == ["RECORD", "WARN", "ACCEPT_APPEAL"]
    assert [each["kind"] for each in violation["statements"]] == ["APPEAL", "APPEAL_ACCEPTED"]
    assert (await office.warn(violation))["state"] == "FIRST_WARNING"


async def test_an_accepted_appeal_leaves_an_outlet_watched_for_what_was_put_right_before_or_meanwhile(
    office: Office,
) -> None:
    async def put_right() -> Json:
        other = await office.record("POOR_QUALITY")
        return await office.step(office.admin, "ewarongViolationRemedied", other)

    violation = await warned(office)
    assert (await put_right())["agent"]["state"] == "FIRST_WARNING"
    violation = await office.answer(await office.say("ewarongViolationAppeal", violation), accepted=True)
    assert (violation["state"], violation["agent"]["state"]) == ("RECORDED", "WATCHED")
    await set_state(office.owner, office.outlet, AgentState.ACTIVE)
    assert (await put_right())["agent"]["state"] == "WATCHED"
    violation = await office.say("ewarongViolationAppeal", await office.warn(violation))
    assert (await office.answer(violation, accepted=True))["agent"]["state"] == "WATCHED"


async def test_an_accepted_appeal_leaves_an_outlet_watched_that_the_bank_kept_meanwhile(office: Office) -> None:
    violation = await warned(office)
    kept = await office.decide(await office.recommend(await office.record("LEVY")), "KEPT_BY_BANK")
    assert kept["agent"]["state"] == "FIRST_WARNING"
    violation = await office.answer(await office.say("ewarongViolationAppeal", violation), accepted=True)
    assert violation["agent"]["state"] == "WATCHED"


async def test_an_accepted_appeal_against_the_second_warning_leaves_the_first(office: Office) -> None:
    violation = await office.warn(await office.say("ewarongViolationReply", await warned(office)))
    violation = await office.answer(await office.say("ewarongViolationAppeal", violation), accepted=True)
    assert (violation["state"], violation["agent"]["state"]) == ("FIRST_WARNING", "FIRST_WARNING")
    nothing = await office.say("ewarongViolationReply", violation)
    assert nothing["code"] == "EWARONG_VIOLATION_STATE"
    assert (await office.warn(violation))["state"] == "SECOND_WARNING"


async def test_an_accepted_appeal_against_a_recommendation_leads_to_where_it_came_from(office: Office) -> None:
    violation = await office.say("ewarongViolationAppeal", await office.recommended())
    assert (await office.decide(violation, "REVOKED_BY_BANK"))["code"] == "APPEAL_OPEN"
    violation = await office.answer(violation, accepted=True)
    assert (violation["state"], violation["agent"]["state"]) == ("SECOND_WARNING", "SECOND_WARNING")
    grave = await office.recommend(await office.record("LEVY"))
    grave = await office.answer(await office.say("ewarongViolationAppeal", grave), accepted=True)
    assert (grave["state"], grave["agent"]["state"]) == ("RECORDED", "SECOND_WARNING")


async def test_a_rejected_appeal_lets_the_bank_decide(office: Office) -> None:
    violation = await office.answer(
        await office.say("ewarongViolationAppeal", await office.recommended()), accepted=False
    )
    assert (await office.decide(violation, "REVOKED_BY_BANK"))["state"] == "REVOKED_BY_BANK"
