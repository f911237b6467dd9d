"""From a violation that is recorded to the bank's decision, over HTTP: who does what, in which order, and what becomes of the outlet."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.ewarong.models.agents import AgentState
from tests.ewarong.oversight.office import ONE, Office
from tests.support.outlets import set_state
from tests.support.world import BANYUMAS


def here(days: int) -> str:
    """The day at the outlet (WIB) that is so many ``days`` ahead."""
    return ((datetime.now(UTC) + timedelta(hours=7)).date() + timedelta(days=days)).isoformat()


async def test_two_warnings_a_recommendation_and_the_bank_revokes(office: Office) -> None:
    violation = await office.record()
    assert (violation["state"], violation["version"], violation["agent"]["state"]) == ("RECORDED", 1, "ACTIVE")
    assert (violation["replyDue"], violation["overdue"]) == (None, False)
    violation = await office.warn(violation)
    assert (violation["state"], violation["agent"]["state"]) == ("FIRST_WARNING", "FIRST_WARNING")
    assert violation["replyDue"] == here(7)
    await office.let_pass(violation)
    assert (await office.admin.query(ONE, id=violation["id"]))["node"]["overdue"] is True
    violation = await office.warn(violation)
    assert (violation["state"], violation["agent"]["state"]) == ("SECOND_WARNING", "SECOND_WARNING")
    await office.let_pass(violation)
    violation = await office.recommend(violation)
    assert (violation["state"], violation["agent"]["state"]) == ("RECOMMENDED_REVOKE", "RECOMMENDED_REVOKE")
    assert violation["replyDue"] == here(14)
    await office.let_pass(violation)
    violation = await office.decide(violation, "REVOKED_BY_BANK")
    assert (violation["state"], violation["agent"]["state"]) == ("REVOKED_BY_BANK", "REVOKED_BY_BANK")
    assert violation["decisionReason"] == "Sesuai berita acara."
    assert violation["decidedAt"] is not None
    assert [(each["step"], each["act"], each["toState"]) for each in violation["steps"]] == [
        (1, "RECORD", "RECORDED"),
        (2, "WARN", "FIRST_WARNING"),
        (3, "WARN", "SECOND_WARNING"),
        (4, "RECOMMEND", "RECOMMENDED_REVOKE"),
        (5, "REVOKE", "REVOKED_BY_BANK"),
    ]


async def test_the_bank_may_keep_an_outlet_which_is_watched_from_then_on(office: Office) -> None:
    violation = await office.decide(await office.recommended(), "KEPT_BY_BANK")
    assert (violation["state"], violation["agent"]["state"]) == ("KEPT_BY_BANK", "WATCHED")


async def test_the_second_warning_waits_for_the_reply_or_the_day(office: Office) -> None:
    violation = await office.warn(await office.record())
    early = await office.warn(violation)
    assert (early["__typename"], early["code"]) == ("Conflict", "ANSWER_AWAITED")
    assert here(7) in early["message"]
    assert "`ewarongViolationReply`" in early["message"]
    violation = await office.say("ewarongViolationReply", violation)
    assert (await office.warn(violation))["state"] == "SECOND_WARNING"


async def test_the_bank_waits_until_the_outlet_could_appeal(office: Office) -> None:
    violation = await office.recommended()
    early = await office.decide(violation, "REVOKED_BY_BANK")
    assert early["code"] == "ANSWER_AWAITED"
    assert await office.outlet_state() == "RECOMMENDED_REVOKE"


async def test_what_is_not_grave_takes_two_warnings(office: Office) -> None:
    refused = await office.recommend(await office.record())
    assert (refused["__typename"], refused["code"]) == ("Conflict", "WARNINGS_FIRST")
    assert "`ewarongViolationWarn`" in refused["message"]


@pytest.mark.parametrize("code", ["SHAM_SHOP", "BARRED_OWNER", "CASH_SWIPE", "LEVY"])
async def test_what_is_grave_is_recommended_at_once_and_the_outlet_is_heard_still(office: Office, code: str) -> None:
    violation = await office.recommend(await office.record(code))
    assert (violation["state"], violation["agent"]["state"]) == ("RECOMMENDED_REVOKE", "RECOMMENDED_REVOKE")
    assert (await office.decide(violation, "REVOKED_BY_BANK"))["code"] == "ANSWER_AWAITED"


async def test_which_violations_are_grave_is_what_the_data_says_on_the_day(office: Office) -> None:
    await office.owner.execute(
        "insert into ewarong_violation_rule values ('SHORT_WEIGHT', '2020-01-01', true, 'uji'), "
        "('SHORT_WEIGHT', current_date + 30, false, 'uji')"
    )
    try:
        assert (await office.recommend(await office.record("SHORT_WEIGHT")))["state"] == "RECOMMENDED_REVOKE"
    finally:
        await office.owner.execute("delete from ewarong_violation_rule where code = 'SHORT_WEIGHT'")


async def test_the_days_to_answer_are_data(office: Office) -> None:
    await office.owner.execute(
        "insert into ewarong_threshold (code, valid_from, value, unit, source) "
        "values ('REPLY_DAYS', current_date - 1, 3, 'days', 'uji')"
    )
    try:
        assert (await office.warn(await office.record()))["replyDue"] == here(3)
    finally:
        await office.owner.execute("delete from ewarong_threshold where code = 'REPLY_DAYS' and source = 'uji'")


async def test_a_violation_that_is_not_proven_leaves_the_outlet_as_it_was(office: Office) -> None:
    violation = await office.step(office.admin, "ewarongViolationDismiss", await office.record())
    assert (violation["state"], violation["agent"]["state"]) == ("DISMISSED", "ACTIVE")
    late = await office.warn(violation)
    assert late["code"] == "EWARONG_VIOLATION_STATE"
    assert late["message"].endswith("Tidak ada lagi yang dapat dilakukan.")


async def test_a_warning_is_not_dismissed_but_taken_back_by_an_appeal(office: Office) -> None:
    violation = await office.warn(await office.record())
    refused = await office.step(office.admin, "ewarongViolationDismiss", violation)
    assert refused["code"] == "EWARONG_VIOLATION_STATE"


async def test_what_was_put_right_ends_and_the_outlet_is_watched(office: Office) -> None:
    violation = await office.step(office.admin, "ewarongViolationRemedied", await office.warn(await office.record()))
    assert (violation["state"], violation["agent"]["state"]) == ("REMEDIED", "WATCHED")


async def test_what_was_put_right_before_anybody_was_warned_has_the_outlet_watched_too(office: Office) -> None:
    violation = await office.step(office.admin, "ewarongViolationRemedied", await office.record())
    assert (violation["state"], violation["agent"]["state"]) == ("REMEDIED", "WATCHED")
    # What was none at all leaves it where it stands.
    violation = await office.step(office.admin, "ewarongViolationDismiss", await office.record())
    assert violation["agent"]["state"] == "WATCHED"


async def test_an_outlet_stands_where_its_gravest_violation_stands(office: Office) -> None:
    grave, other = await office.warned_twice(), await office.warn(await office.record("POOR_QUALITY"))
    assert other["agent"]["state"] == "SECOND_WARNING"
    closed = await office.step(office.admin, "ewarongViolationRemedied", grave)
    assert closed["agent"]["state"] == "FIRST_WARNING"
    closed = await office.step(office.admin, "ewarongViolationRemedied", other)
    assert closed["agent"]["state"] == "WATCHED"


async def test_a_frozen_outlet_stays_frozen_and_comes_back_warned(office: Office) -> None:
    await office.owner.execute(
        "update ewarong_agent set state = 'FROZEN', returns_to = 'ACTIVE' where id = $1", office.outlet.id
    )
    violation = await office.warn(await office.record())
    assert (violation["state"], violation["agent"]["state"]) == ("FIRST_WARNING", "FROZEN")
    returns_to = await office.owner.fetchval("select returns_to from ewarong_agent where id = $1", office.outlet.id)
    assert returns_to == "FIRST_WARNING"


@pytest.mark.parametrize("paused", [AgentState.FROZEN, AgentState.INACTIVE])
async def test_a_paused_outlet_is_revoked_once_that_is_recommended(office: Office, paused: AgentState) -> None:
    await office.owner.execute(
        "update ewarong_agent set state = $2, returns_to = 'ACTIVE' where id = $1", office.outlet.id, paused.value
    )
    violation = await office.recommend(await office.record("BARRED_OWNER"))
    await office.let_pass(violation)
    violation = await office.decide(violation, "REVOKED_BY_BANK")
    assert (violation["state"], violation["agent"]["state"]) == ("REVOKED_BY_BANK", "REVOKED_BY_BANK")


@pytest.mark.parametrize("state", [AgentState.PROPOSED, AgentState.REVOKED_BY_BANK, AgentState.REJECTED])
async def test_nothing_is_recorded_of_an_outlet_that_serves_nobody(office: Office, state: AgentState) -> None:
    await set_state(office.owner, office.outlet, state)
    refused = await office.record()
    assert (refused["__typename"], refused["code"]) == ("Conflict", "EWARONG_AGENT_NOT_ADMITTED")


async def test_other_violations_of_a_revoked_outlet_can_still_be_closed(office: Office) -> None:
    other = await office.warn(await office.record("POOR_QUALITY"))
    violation = await office.recommend(await office.record("LEVY"))
    await office.let_pass(violation)
    await office.decide(violation, "REVOKED_BY_BANK")
    closed = await office.step(office.admin, "ewarongViolationRemedied", other)
    assert (closed["state"], closed["agent"]["state"]) == ("REMEDIED", "REVOKED_BY_BANK")


async def test_what_somebody_else_has_changed_is_read_again(office: Office) -> None:
    violation = await office.record()
    await office.warn(violation)
    stale = await office.warn(violation)
    assert (stale["__typename"], stale["code"]) == ("Conflict", "EWARONG_VIOLATION_CHANGED")


async def test_of_two_who_warn_at_once_one_does(office: Office) -> None:
    violation = await office.record()
    answers = await asyncio.gather(*(office.warn(violation) for _ in range(4)))
    assert sorted(each.get("state") or each["code"] for each in answers) == [
        *["EWARONG_VIOLATION_CHANGED"] * 3,
        "FIRST_WARNING",
    ]


async def test_two_violations_that_move_at_once_leave_the_outlet_at_the_graver(office: Office) -> None:
    first, second = await office.warned_twice(), await office.record("LEVY")
    await asyncio.gather(
        office.step(office.admin, "ewarongViolationRemedied", first),
        office.recommend(second),
    )
    assert await office.outlet_state() == "RECOMMENDED_REVOKE"


async def test_recording_again_with_the_key_answers_the_first(office: Office) -> None:
    key = str(uuid4())
    first = await office.record(idempotencyKey=key)
    await office.warn(first)
    await set_state(office.owner, office.outlet, AgentState.REVOKED_BY_BANK)
    again = await office.record(idempotencyKey=key)
    assert (again["id"], again["state"]) == (first["id"], "FIRST_WARNING")
    other = await office.record("LEVY", idempotencyKey=key)
    assert (other["__typename"], other["code"]) == ("Conflict", "IDEMPOTENCY_CONFLICT")


async def test_of_many_who_record_with_one_key_all_get_the_same(office: Office) -> None:
    key = str(uuid4())
    answers = await asyncio.gather(*(office.record(idempotencyKey=key) for _ in range(4)))
    assert len({each["id"] for each in answers}) == 1


async def test_a_description_with_a_number_of_somebody_is_refused_by_name(office: Office) -> None:
    refused = await office.record(description="Kartu KPM 9902010101900001 ditahan")
    assert (refused["__typename"], refused["code"], refused["fields"]) == (
        "InvalidInput",
        "PERSONAL_NUMBER",
        ["description"],
    )
    violation = await office.record()
    refused = await office.step(office.admin, "ewarongViolationWarn", violation, reason="NIK 9902-0101-0190-0001")
    assert (refused["code"], refused["fields"]) == ("PERSONAL_NUMBER", ["reason"])


@pytest_asyncio.fixture
async def alone(office: Office) -> Office:
    """An office in which one person does everything but run the outlet."""
    roles = (Role.REGENCY_VERIFIER, Role.REGENCY_ADMIN, Role.REGENCY_APPROVER, Role.BANK_OFFICER)
    one = await office.api.granted(*((role, BANYUMAS.code) for role in roles))
    return replace(office, tksk=one, admin=one, approver=one, second_approver=one, bank=one)


async def test_whoever_records_does_not_go_on(office: Office, alone: Office) -> None:
    violation = await alone.record("LEVY")
    refusals = [
        await alone.warn(violation),
        await alone.recommend(violation),
        await alone.step(alone.admin, "ewarongViolationDismiss", violation),
        await alone.step(alone.admin, "ewarongViolationRemedied", violation),
    ]
    assert {(each["__typename"], each["code"]) for each in refusals} == {("Refused", "SAME_PERSON")}
    assert (await office.warn(violation))["state"] == "FIRST_WARNING"


async def test_whoever_warns_does_not_recommend(office: Office, alone: Office) -> None:
    violation = await alone.warn(await office.record())
    await office.let_pass(violation)
    violation = await office.warn(violation)
    await office.let_pass(violation)
    assert (await alone.recommend(violation))["code"] == "SAME_PERSON"
    assert (await office.recommend(violation))["state"] == "RECOMMENDED_REVOKE"


async def test_whoever_recommends_does_not_decide(office: Office, alone: Office) -> None:
    violation = await alone.recommend(await office.record("LEVY"))
    await office.let_pass(violation)
    for decision in ("REVOKED_BY_BANK", "KEPT_BY_BANK"):
        assert (await alone.decide(violation, decision))["code"] == "SAME_PERSON"
    assert (await office.decide(violation, "REVOKED_BY_BANK"))["state"] == "REVOKED_BY_BANK"


async def test_whoever_had_a_hand_in_it_answers_no_appeal(office: Office, alone: Office) -> None:
    violation = await office.say("ewarongViolationAppeal", await alone.warn(await office.record()))
    for accepted in (True, False):
        assert (await office.answer(violation, accepted=accepted, by=alone.admin))["code"] == "SAME_PERSON"
    assert (await office.answer(violation, accepted=True))["state"] == "RECORDED"
