"""Violations in lists: by state, code, outlet, region, and those whose day has passed without an answer."""

from typing import Any

from app.authz.roles import Role
from tests.ewarong.oversight.office import Office
from tests.support.client import Caller
from tests.support.world import BANYUMAS, CILACAP

LISTED = """query($agent: ID, $region: String, $state: EwarongViolationState, $code: EwarongViolationCode, $overdue: Boolean,
    $first: Int, $after: String) {
  ewarongViolations(agent: $agent, region: $region, state: $state, code: $code, overdue: $overdue, first: $first, after: $after) {
    totalCount nodes { id overdue } pageInfo { endCursor } } }"""


async def listed(caller: Caller, **given: Any) -> list[str]:
    page = (await caller.query(LISTED, **given))["ewarongViolations"]
    assert page["totalCount"] == len(page["nodes"])
    return [each["id"] for each in page["nodes"]]


async def test_violations_are_listed_the_newest_first(office: Office) -> None:
    made = [(await office.record())["id"] for _ in range(3)]
    page = (await office.admin.query(LISTED, agent=office.outlet.node, first=2))["ewarongViolations"]
    assert ([each["id"] for each in page["nodes"]], page["totalCount"]) == (made[:0:-1], 3)
    rest = await office.admin.query(LISTED, agent=office.outlet.node, after=page["pageInfo"]["endCursor"])
    assert [each["id"] for each in rest["ewarongViolations"]["nodes"]] == made[:1]


async def test_violations_are_found_by_where_they_stand_and_what_they_are(office: Office) -> None:
    agent = office.outlet.node
    levy, price = await office.record("LEVY"), await office.warn(await office.record())
    assert await listed(office.admin, agent=agent, state="FIRST_WARNING") == [price["id"]]
    assert await listed(office.admin, agent=agent, code="LEVY") == [levy["id"]]
    assert await listed(office.admin, agent=agent, code="LEVY", state="FIRST_WARNING") == []
    assert await listed(office.admin, agent=agent, region=BANYUMAS.village(1, 2)) == [price["id"], levy["id"]]
    assert await listed(office.admin, agent=agent, region=BANYUMAS.village(1, 1)) == []
    assert await listed(office.admin, region=CILACAP.code) == []


async def test_what_is_overdue_is_what_nobody_has_answered_in_time(office: Office) -> None:
    agent = office.outlet.node
    waiting = await office.warn(await office.record())
    answered = await office.say("ewarongViolationReply", await office.warn(await office.record("POOR_QUALITY")))
    silent = await office.warn(await office.record("SHORT_WEIGHT"))
    for violation in (answered, silent):
        await office.let_pass(violation)
    assert await listed(office.admin, agent=agent, overdue=True) == [silent["id"]]
    assert await listed(office.admin, agent=agent, overdue=False) == [answered["id"], waiting["id"]]
    assert await listed(office.admin, agent=agent) == [silent["id"], answered["id"], waiting["id"]]


async def test_a_province_reads_violations_of_its_regencies_and_an_analyst_of_all(office: Office) -> None:
    violation = await office.record()
    for caller in (
        await office.api.as_(Role.PROVINCE_OFFICER, "33"),
        await office.api.as_(Role.MINISTRY_ANALYST),
        office.bank,
    ):
        assert await listed(caller, agent=office.outlet.node) == [violation["id"]]
    for caller in (
        await office.api.as_(Role.PROVINCE_OFFICER, "34"),
        await office.api.as_(Role.BANK_OFFICER, CILACAP.code),
    ):
        assert await listed(caller, agent=office.outlet.node) == []
    assert await (await office.api.as_(Role.VILLAGE_OPERATOR, office.outlet.village)).codes(LISTED) == ["NOT_PERMITTED"]


async def test_what_is_no_id_of_an_outlet_is_refused(office: Office) -> None:
    assert await office.admin.codes(LISTED, agent="Family:3302:1") == ["ID_INVALID"]


async def test_the_audit_trail_tells_who_did_what_to_a_violation(office: Office) -> None:
    violation = await office.warn(await office.record())
    events = await office.owner.fetch(
        "select operation, permission from audit_event where subject_type = 'EwarongViolation' and $1 = any(subject_ids) order by id",
        violation["id"].rpartition(":")[2],
    )
    assert [(each["operation"], each["permission"]) for each in events] == [
        ("ewarongViolationRecord", "ewarong:violation:record"),
        ("ewarongViolationWarn", "ewarong:violation:warn"),
    ]
