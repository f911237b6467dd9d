"""Giving, ending and giving back, as the office does it."""

from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from app.domain.bansos.insurance.errors import (
    MemberNotInTarget,
    MemberNotPresent,
    MembershipChanged,
    MembershipDayWrong,
    MembershipExists,
    MembershipSamePerson,
    MembershipStateWrong,
    MembershipSuperseded,
    MembershipTextInvalid,
    MembershipUnknown,
    MemberUnknown,
    MotherNotMember,
    NotNewborn,
    ReactivationWindowOver,
)
from app.domain.bansos.insurance.service import Letters
from app.domain.bansos.models.insurance import DeactivationReason, Segment
from tests.bansos.insurance.office import DECIDER, DECREE, LETTERS, MAKER, TODAY, VERIFIER, Office
from tests.support.world import CILACAP

_DAY = timedelta(days=1)


async def mother_and_child(office: Office) -> tuple[Any, Any]:
    """A woman, and somebody else of her family."""
    mother = await office.person(
        "p.sex = 'FEMALE' and exists (select from person c where c.regency_id = p.regency_id and c.family_id = p.family_id "
        "and c.id <> p.id and c.presence = 'PRESENT')"
    )
    return mother, await office.person(f"p.family_id = '{mother['family_id']}' and p.id <> '{mother['id']}'")


async def test_three_people_give_a_membership(office: Office) -> None:
    person = await office.person()
    made = await office.propose(person)
    assert (await office.row(made.key))["state"] == "PROPOSED"
    await office.act("verify", VERIFIER, made.key, 1)
    assert (await office.row(made.key))["state"] == "VERIFIED"
    await office.act("accept", DECIDER, made.key, 2, asked_back=False, valid_from=None, today=TODAY)
    row = await office.row(made.key)
    assert (row["state"], row["valid_from"], row["valid_to"], row["version"]) == ("ACTIVE", TODAY, None, 3)
    assert (row["made_by_name"], row["verified_by_name"], row["decided_by_name"]) == ("Sari", "Budi", "Wati")
    assert (row["village_id"], row["family_id"]) == (person["village_id"], person["family_id"])


async def test_whoever_proposes_does_not_verify_and_neither_of_them_decides(office: Office) -> None:
    made = await office.propose(await office.person())
    with pytest.raises(MembershipSamePerson):
        await office.act("verify", MAKER, made.key, 1)
    await office.act("verify", VERIFIER, made.key, 1)
    for actor in (MAKER, VERIFIER):
        with pytest.raises(MembershipSamePerson):
            await office.act("accept", actor, made.key, 2, asked_back=False, valid_from=None, today=TODAY)
        with pytest.raises(MembershipSamePerson):
            await office.act("refuse", actor, made.key, 2, asked_back=False, reason="ganda")
    assert (await office.row(made.key))["state"] == "VERIFIED"


@pytest.mark.parametrize("column", ["made_by", "verified_by"])
async def test_the_table_itself_lets_nobody_decide_on_what_is_their_own(office: Office, column: str) -> None:
    made = await office.active(await office.person())
    with pytest.raises(asyncpg.CheckViolationError):
        await office.owner.execute(f"update health_membership set {column} = decided_by where id = $1", made.id)  # noqa: S608  (a test's own words)


async def test_a_proposal_can_be_refused_with_a_reason_and_made_again(office: Office) -> None:
    person = await office.person()
    made = await office.propose(person)
    with pytest.raises(MembershipTextInvalid):
        await office.act("refuse", DECIDER, made.key, 1, asked_back=False, reason=" ")
    await office.act("refuse", DECIDER, made.key, 1, asked_back=False, reason="dibayar perusahaan")
    row = await office.row(made.key)
    assert (row["state"], row["refusal_reason"], row["valid_from"]) == ("REJECTED", "dibayar perusahaan", None)
    assert (await office.propose(person)).id != made.id


async def test_a_person_has_one_membership_at_a_time(office: Office) -> None:
    person = await office.person()
    await office.propose(person)
    for segment in Segment:
        with pytest.raises(MembershipExists):
            await office.propose(person, segment=segment)


async def test_a_step_out_of_turn_or_on_what_has_changed_is_refused(office: Office) -> None:
    made = await office.propose(await office.person())
    with pytest.raises(MembershipStateWrong):
        await office.act("accept", DECIDER, made.key, 1, asked_back=False, valid_from=None, today=TODAY)
    with pytest.raises(MembershipStateWrong):
        await office.asked_back(made, TODAY)
    await office.act("verify", VERIFIER, made.key, 1)
    with pytest.raises(MembershipChanged):
        await office.act("accept", DECIDER, made.key, 1, asked_back=False, valid_from=None, today=TODAY)


@pytest.mark.parametrize("presence", ["DECEASED", "MOVED_ABROAD", "NOT_FOUND"])
async def test_nobody_is_proposed_who_does_not_live_there(office: Office, presence: str) -> None:
    person = await office.person()
    await office.owner.execute(f"update person set presence = '{presence}' where id = $1", person["id"])  # noqa: S608  (a test's own words)
    with pytest.raises(MemberNotPresent):
        await office.propose(person)


async def test_who_died_before_the_decision_is_not_accepted(office: Office) -> None:
    person = await office.person()
    made = await office.propose(person)
    await office.act("verify", VERIFIER, made.key, 1)
    await office.owner.execute("update person set presence = 'DECEASED' where id = $1", person["id"])
    with pytest.raises(MemberNotPresent):
        await office.act("accept", DECIDER, made.key, 2, asked_back=False, valid_from=None, today=TODAY)


async def test_a_family_above_the_target_is_no_matter_of_the_state_but_may_be_one_of_the_region(office: Office) -> None:
    person = await office.person()
    await office.owner.execute("update family set decile = 6 where id = $1", person["family_id"])
    with pytest.raises(MemberNotInTarget) as refused:
        await office.propose(person)
    assert "desil 6 di atas 5" in refused.value.indonesian
    assert "decile 6 is above 5" in refused.value.english
    await office.propose(person, segment=Segment.PBI_REGIONAL)


async def test_the_newborn_child_of_a_member_may_be_proposed_whatever_the_decile(office: Office) -> None:
    mother, child = await mother_and_child(office)
    born = "update person set birth_date = $2 where id = $1"
    await office.owner.execute(born, child["id"], TODAY - 28 * _DAY)
    with pytest.raises(MotherNotMember):
        await office.propose(child, mother=mother)
    await office.active(mother)
    await office.owner.execute("update family set decile = 9 where id = $1", child["family_id"])
    made = await office.propose(child, mother=mother)
    assert (await office.row(made.key))["mother_id"] == mother["id"]
    await office.act("refuse", DECIDER, made.key, 1, asked_back=False, reason="uji")
    await office.owner.execute(born, child["id"], TODAY - 29 * _DAY)
    with pytest.raises(NotNewborn):
        await office.propose(child, mother=mother)


async def test_only_a_woman_of_its_family_is_the_mother_of_a_newborn_child(office: Office) -> None:
    mother, child = await mother_and_child(office)
    stranger = await office.person(f"p.sex = 'FEMALE' and p.family_id <> '{mother['family_id']}'")
    await office.owner.execute("update person set birth_date = $2 where id = $1", child["id"], TODAY - 3 * _DAY)
    for person in (mother, stranger):
        await office.active(person)
    await office.owner.execute("update family set decile = 10 where id = $1", child["family_id"])
    with pytest.raises(MotherNotMember):
        await office.propose(child, mother=stranger)
    sex = "update person set sex = $2 where id = $1"
    await office.owner.execute(sex, mother["id"], "MALE")
    with pytest.raises(MotherNotMember):
        await office.propose(child, mother=mother)
    await office.owner.execute(sex, mother["id"], "FEMALE")
    made = await office.propose(child, mother=mother)
    assert (await office.row(made.key))["mother_id"] == mother["id"]


async def test_a_membership_begins_no_earlier_than_its_person_and_never_ahead(office: Office) -> None:
    person = await office.person("p.birth_date < '2020-01-01'")
    made = await office.propose(person)
    await office.act("verify", VERIFIER, made.key, 1)
    for day in (person["birth_date"] - _DAY, TODAY + _DAY):
        with pytest.raises(MembershipDayWrong):
            await office.act("accept", DECIDER, made.key, 2, asked_back=False, valid_from=day, today=TODAY)
    await office.act("accept", DECIDER, made.key, 2, asked_back=False, valid_from=person["birth_date"], today=TODAY)


async def test_a_membership_ends_by_a_decree_within_its_stretch(office: Office) -> None:
    member = await office.active(await office.person(), since=date(2026, 1, 1))

    async def end(on: date | None, decree: str = DECREE) -> None:
        given: dict[str, Any] = {"reason": DeactivationReason.WAGE_EARNER, "decree": decree, "on": on, "today": TODAY}
        await office.act("deactivate", MAKER, member.key, 3, **given)

    for day in (date(2025, 12, 31), TODAY + _DAY):
        with pytest.raises(MembershipDayWrong):
            await end(day)
    for text in ("", "  ", "a\nb", "x" * 201):
        with pytest.raises(MembershipTextInvalid):
            await end(None, text)
    await end(date(2026, 6, 30))
    row = await office.row(member.key)
    assert (row["state"], row["valid_to"], row["deactivation_reason"], row["decree"], row["ended_by_name"]) == (
        "DEACTIVATED", date(2026, 6, 30), "WAGE_EARNER", DECREE, "Sari",
    )  # fmt: skip
    with pytest.raises(MembershipStateWrong):
        await office.act(
            "deactivate", MAKER, member.key, 4, reason=DeactivationReason.DUPLICATE, decree=DECREE, on=None, today=TODAY
        )


async def test_it_is_asked_back_on_the_last_day_of_six_months_and_not_the_day_after(office: Office) -> None:
    ended = await office.ended(await office.person(), on=date(2026, 1, 31))
    last_day = date(2026, 7, 31)
    with pytest.raises(ReactivationWindowOver) as refused:
        await office.asked_back(ended, last_day + _DAY)
    assert refused.value.last_day == last_day
    assert "2026-07-31" in refused.value.indonesian
    asked = await office.asked_back(ended, last_day)
    row = await office.row(asked.key)
    assert (row["state"], row["reactivates_id"]) == ("REACTIVATION_REQUESTED", ended.id)
    assert (row["facility_name"], row["facility_letter"], row["office_statement"]) == LETTERS


async def test_how_long_is_what_was_in_force_when_it_ended(office: Office) -> None:
    rule = "insert into health_segment_rule values ('PBI_JK', $1, 1, 28, 'uji')"
    ended = await office.ended(await office.person(), on=date(2026, 5, 31))
    await office.owner.execute(rule, date(2026, 6, 1))
    try:
        await office.asked_back(ended, TODAY)
        later = await office.ended(await office.person(), on=date(2026, 6, 29))
        with pytest.raises(ReactivationWindowOver) as refused:
            await office.asked_back(later, TODAY)
        assert refused.value.last_day == date(2026, 7, 29)
    finally:
        await office.owner.execute("delete from health_segment_rule where legal_basis = 'uji'")


async def test_asking_back_takes_both_letters_and_a_person_who_lives(office: Office) -> None:
    person = await office.person()
    ended = await office.ended(person, on=date(2026, 7, 1))
    for missing in range(3):
        letters = Letters(*("" if at == missing else text for at, text in enumerate(LETTERS)))
        with pytest.raises(MembershipTextInvalid):
            await office.act("reactivate", MAKER, ended.key, letters, today=TODAY)
    await office.owner.execute("update person set presence = 'DECEASED' where id = $1", person["id"])
    with pytest.raises(MemberNotPresent):
        await office.asked_back(ended, TODAY)


@pytest.mark.parametrize("given", [None, TODAY + _DAY])
async def test_what_is_given_back_is_a_stretch_of_its_own_that_begins_after_the_one_that_ended(
    office: Office, given: date | None
) -> None:
    ended = await office.ended(await office.person(), on=TODAY)
    before = await office.row(ended.key)
    asked = await office.asked_back(ended, TODAY)
    with pytest.raises(MembershipSamePerson):
        await office.act("accept", MAKER, asked.key, 1, asked_back=True, valid_from=None, today=TODAY)
    for day in (TODAY, TODAY + 2 * _DAY):
        with pytest.raises(MembershipDayWrong):
            await office.act("accept", DECIDER, asked.key, 1, asked_back=True, valid_from=day, today=TODAY)
    await office.act("accept", DECIDER, asked.key, 1, asked_back=True, valid_from=given, today=TODAY)
    row = await office.row(asked.key)
    assert (row["state"], row["valid_from"]) == ("ACTIVE", TODAY + _DAY)
    assert await office.row(ended.key) == before
    with pytest.raises(MembershipExists):
        await office.asked_back(ended, TODAY)


@pytest.mark.parametrize("given", [None, TODAY + _DAY])
async def test_what_begins_tomorrow_ends_no_earlier_and_no_later_than_that_day(
    office: Office, given: date | None
) -> None:
    asked = await office.asked_back(await office.ended(await office.person(), on=TODAY), TODAY)
    await office.act("accept", DECIDER, asked.key, 1, asked_back=True, valid_from=None, today=TODAY)
    ending: dict[str, Any] = {"reason": DeactivationReason.WAGE_EARNER, "decree": DECREE, "today": TODAY}
    for day in (TODAY, TODAY + 2 * _DAY):
        with pytest.raises(MembershipDayWrong):
            await office.act("deactivate", MAKER, asked.key, 2, on=day, **ending)
    await office.act("deactivate", MAKER, asked.key, 2, on=given, **ending)
    assert (await office.row(asked.key))["valid_to"] == TODAY + _DAY


async def test_who_belongs_to_another_segment_by_now_is_not_given_back(office: Office) -> None:
    ended = await office.ended(await office.person(), on=date(2026, 7, 1))
    asked = await office.asked_back(ended, TODAY)
    with pytest.raises(MembershipStateWrong):
        await office.act("refuse", DECIDER, asked.key, 1, asked_back=False, reason="uji")
    await office.act("refuse", DECIDER, asked.key, 1, asked_back=True, reason="PPU sejak Juli", moved=True)
    assert (await office.row(asked.key))["state"] == "MOVED"
    again = await office.asked_back(ended, TODAY)
    await office.act("refuse", DECIDER, again.key, 1, asked_back=True, reason="surat tidak sah")
    assert (await office.row(again.key))["state"] == "REJECTED"


async def test_a_proposal_does_not_move_to_another_segment(office: Office) -> None:
    made = await office.propose(await office.person())
    with pytest.raises(MembershipStateWrong):
        await office.act("refuse", DECIDER, made.key, 1, asked_back=False, reason="uji", moved=True)


async def test_of_several_stretches_only_the_last_is_asked_back(office: Office) -> None:
    person = await office.person()
    first = await office.ended(person, on=date(2026, 6, 1))
    second = await office.active(person, since=date(2026, 7, 1))
    await office.act(
        "deactivate",
        *(MAKER, second.key, 3),
        reason=DeactivationReason.DUPLICATE,
        decree=DECREE,
        on=date(2026, 7, 30),
        today=TODAY,
    )
    with pytest.raises(MembershipSuperseded):
        await office.asked_back(first, TODAY)
    await office.asked_back(second, TODAY)


async def test_a_neighbours_member_and_person_are_not_there(office: Office) -> None:
    person = await office.person(regency_id=CILACAP.id)
    member = await office.active(person)
    with pytest.raises(MemberUnknown):
        await office.act(
            "propose",
            MAKER,
            person=(CILACAP.id, person["id"]),
            segment=Segment.PBI_JK,
            mother=None,
            today=TODAY,
            code="33.02",
        )
    with pytest.raises(MembershipUnknown):
        await office.act("reactivate", MAKER, member.key, LETTERS, today=TODAY, code="33.02")
