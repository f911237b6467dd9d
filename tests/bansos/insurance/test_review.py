"""The review: who is taken over from the registry, and who may stop being a member."""

from datetime import date
from uuid import uuid4

import pytest

from app.domain.bansos.insurance.at_risk import deactivate_at_risk
from app.domain.bansos.insurance.errors import MembershipDayWrong, MembershipRegionUnknown, ReviewKeyUsed
from app.domain.bansos.models.insurance import DeactivationReason
from app.tenants.region_path import RegionPath
from tests.bansos.insurance.office import DECREE, MAKER, TODAY, Office
from tests.support.world import BANYUMAS, CILACAP

_NAMED = """
select p.id, p.health_insurance::text as segment from person p join family f on f.regency_id = p.regency_id and f.id = p.family_id
where p.regency_id = $1 and p.presence in ('PRESENT', 'NEW_MEMBER') and f.status = 'ACTIVE'
and p.health_insurance in ('PBI_JK', 'PBI_REGIONAL')
"""
_MEMBERS = "select person_id as id, segment from health_membership where regency_id = $1 and state = 'ACTIVE'"
_ROWS = "select * from health_membership order by id"


async def test_whom_the_registry_names_is_taken_over_once(office: Office) -> None:
    done = await office.review()
    named = sorted(map(tuple, await office.owner.fetch(_NAMED, BANYUMAS.id)))
    assert named
    assert sorted(map(tuple, await office.owner.fetch(_MEMBERS, BANYUMAS.id))) == named
    assert (done["taken_over"], done["looked_at"], done["finished_at"] is not None) == (len(named), len(named), True)
    rows = await office.owner.fetch(_ROWS)
    again = await office.review()
    assert (again["taken_over"], again["looked_at"], again["at_risk"]) == (0, len(named), done["at_risk"])
    assert await office.owner.fetch(_ROWS) == rows


async def test_who_was_not_born_on_the_day_of_a_review_is_taken_over_by_a_later_one(office: Office) -> None:
    day = date(2015, 1, 1)
    born = await office.person("p.health_insurance = 'PBI_JK'")
    unborn = await office.person(f"p.health_insurance = 'PBI_JK' and p.id <> '{born['id']}'")
    moved = "update person set birth_date = $2 where id = $1"
    await office.owner.execute(moved, born["id"], day)
    await office.owner.execute(moved, unborn["id"], date(2015, 1, 2))
    await office.review(on=day)
    since = "select valid_from from health_membership where person_id = $1"
    assert await office.owner.fetchval(since, born["id"]) == day
    assert await office.owner.fetchval(since, unborn["id"]) is None
    early = (
        "select count(*) from health_membership m join person p on p.id = m.person_id where m.valid_from < p.birth_date"
    )
    assert await office.owner.fetchval(early) == 0
    await office.review()
    assert await office.owner.fetchval(since, unborn["id"]) == TODAY
    assert await office.owner.fetchval(since, born["id"]) == day


async def test_who_was_ended_is_not_taken_over_again(office: Office) -> None:
    person = await office.person("p.health_insurance = 'PBI_JK'")
    await office.ended(person, on=date(2026, 6, 1))
    await office.review()
    states = await office.owner.fetch("select state from health_membership where person_id = $1", person["id"])
    assert [row["state"] for row in states] == ["DEACTIVATED"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update person set presence = 'DECEASED' where id = $1", "DECEASED"),
        ("update person set presence = 'NOT_FOUND' where id = $1", "NOT_REGISTERED"),
        ("update person set presence = 'MOVED_WITHIN_COUNTRY' where id = $1", "NOT_REGISTERED"),
        (
            "update family set status = 'DISSOLVED' where id = (select family_id from person where id = $1)",
            "NOT_REGISTERED",
        ),
        ("update person set family_id = null, relationship = null where id = $1", "NOT_REGISTERED"),
        ("update person set health_insurance = 'WAGE_EARNER' where id = $1", "WAGE_EARNER"),
        ("update person set health_insurance = 'INDEPENDENT' where id = $1", "MOVED_SEGMENT"),
        ("update family set decile = 6 where id = (select family_id from person where id = $1)", "DECILE_TOO_HIGH"),
        ("update family set decile = 5 where id = (select family_id from person where id = $1)", None),
        ("update family set decile = null where id = (select family_id from person where id = $1)", None),
    ],
)
async def test_who_may_stop_being_a_member_is_marked_and_stays_one(
    office: Office, change: str, reason: str | None
) -> None:
    member = await office.active(await office.person("p.health_insurance = 'PBI_JK'"))
    await office.owner.execute(change, member.person_id)
    await office.review()
    assert (await office.risks()).get(member.person_id) == (None if reason is None else (reason, TODAY))
    assert (await office.row(member.key))["state"] == "ACTIVE"


async def test_since_when_stays_until_the_reason_changes_and_goes_with_it(office: Office) -> None:
    member = await office.active(await office.person("p.health_insurance = 'PBI_JK'"), since=date(2026, 1, 1))
    decile = "update family set decile = $2 where id = (select family_id from person where id = $1)"
    await office.owner.execute(decile, member.person_id, 7)
    await office.review(on=date(2026, 5, 1))
    await office.review(on=date(2026, 6, 1))
    assert (await office.risks())[member.person_id] == ("DECILE_TOO_HIGH", date(2026, 5, 1))
    await office.owner.execute("update person set presence = 'DECEASED' where id = $1", member.person_id)
    await office.review(on=date(2026, 7, 1))
    assert (await office.risks())[member.person_id] == ("DECEASED", date(2026, 7, 1))
    await office.owner.execute("update person set presence = 'PRESENT' where id = $1", member.person_id)
    await office.owner.execute(decile, member.person_id, 3)
    await office.review()
    assert member.person_id not in await office.risks()


async def test_who_is_above_the_target_of_the_state_may_be_a_member_of_the_region(office: Office) -> None:
    person = await office.person("p.health_insurance = 'PBI_JK'")
    await office.owner.execute("update person set health_insurance = 'PBI_REGIONAL' where id = $1", person["id"])
    await office.owner.execute("update family set decile = 9 where id = $1", person["family_id"])
    await office.review()
    assert person["id"] not in await office.risks()


async def test_a_membership_follows_its_person_to_another_village_of_the_review(office: Office) -> None:
    member = await office.active(await office.person())
    there = BANYUMAS.id * 1_000_000 + 22_003
    await office.owner.execute("update person set village_id = $2 where id = $1", member.person_id, there)
    await office.review(region=RegionPath.parse(BANYUMAS.district(1)))
    assert (await office.row(member.key))["village_id"] != there
    await office.review()
    assert (await office.row(member.key))["village_id"] == there


async def test_a_province_is_looked_through_regency_by_regency_and_again_from_where_it_stopped(office: Office) -> None:
    def stop(_done: int) -> None:
        raise ConnectionError

    key = uuid4()
    with pytest.raises(ConnectionError):
        await office.review(RegionPath.parse("33"), after=stop, key=key)
    first = await office.owner.fetch("select distinct regency_id from health_membership")
    assert [row["regency_id"] for row in first] == [CILACAP.id]
    done = await office.review(RegionPath.parse("33"), key=key)
    named = sum([len(await office.owner.fetch(_NAMED, each.id)) for each in (CILACAP, BANYUMAS)])
    assert (done["taken_over"], done["looked_at"]) == (named, named)
    events = await office.owner.fetch(
        "select village_low / 1000000 as regency, row_count from audit_event where operation = 'membershipReview' "
        "and subject_ids = $1 order by 1",
        [done["id"]],
    )
    assert [row["regency"] for row in events] == [CILACAP.id, BANYUMAS.id]
    assert sum(row["row_count"] for row in events) >= named


async def test_a_key_starts_one_review(office: Office) -> None:
    key = uuid4()
    first = await office.review(key=key)
    assert (await office.review(key=key))["id"] == first["id"]
    with pytest.raises(ReviewKeyUsed):
        await office.review(on=date(2026, 1, 1), key=key)


async def test_a_review_is_about_a_day_that_was_and_a_region_of_the_caller(office: Office) -> None:
    with pytest.raises(MembershipDayWrong):
        await office.review(on=date(2026, 8, 1))
    for region in (RegionPath.country(), RegionPath.parse("34"), RegionPath.parse("33.98")):
        with pytest.raises(MembershipRegionUnknown):
            await office.review(region)


async def test_all_of_a_reason_are_ended_by_one_decree_and_nobody_else(office: Office) -> None:
    await office.review(RegionPath.parse("33"))
    await office.owner.execute("update person set presence = 'DECEASED' where regency_id = $1", BANYUMAS.id)
    await office.review()
    dead = {person for person, (reason, _) in (await office.risks()).items() if reason == "DECEASED"}
    others = await office.risks(CILACAP.id)
    assert len(dead) > 10

    async def end(most: int) -> tuple[int, int]:
        async with office.database.write(office.scope()) as session:
            done = await deactivate_at_risk(
                session,
                MAKER,
                BANYUMAS.path,
                office.scope(),
                reason=DeactivationReason.DECEASED,
                decree=DECREE,
                today=TODAY,
                most=most,
            )
        assert set(done.persons) <= {BANYUMAS.id}
        return done.number, done.left

    assert await end(10) == (10, len(dead) - 10)
    assert await end(10_000) == (len(dead) - 10, 0)
    assert await end(10_000) == (0, 0)
    rows = await office.owner.fetch("select * from health_membership where state = 'DEACTIVATED'")
    assert {row["person_id"] for row in rows} == dead
    assert {(row["deactivation_reason"], row["decree"], row["valid_to"]) for row in rows} == {
        ("DECEASED", DECREE, TODAY)
    }
    assert await office.risks(CILACAP.id) == others
