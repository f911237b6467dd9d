"""Memberships through the API: who may do what, what is answered, and what the audit trail keeps."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.settings import Settings
from app.worker import Worker, handlers
from tests.bansos.insurance.office import LETTERS, TODAY, Office
from tests.jobs.workshop import QUICK, eventually
from tests.support.client import ApiClient, Caller
from tests.support.world import BANYUMAS, CILACAP

MEMBERSHIP = """id version state segment validFrom validTo deactivationReason decree reactivationUntil newborn refusalReason
  person { id } reactivates { id state } risk { reason since } facilityName proposedBy verifiedBy decidedBy endedBy village { code }"""
REFUSALS = "__typename ... on UserError { code message } ... on InvalidInput { fields }"
DONE = {
    "membershipPropose": "MembershipProposed",
    "membershipVerify": "MembershipVerified",
    "membershipDecide": "MembershipDecided",
    "membershipDeactivate": "MembershipDeactivated",
    "membershipReactivate": "MembershipReactivationRequested",
    "membershipReactivationDecide": "MembershipReactivationDecided",
}
REVIEW = f"""mutation($input: MembershipReviewInput!) {{ answer: membershipReview(input: $input) {{ {REFUSALS}
  ... on MembershipReviewStarted {{ review {{ id reviewedOn takenOver finishedAt region {{ code }} job {{ kind state }} }} }} }} }}"""
BULK = f"""mutation($input: MembershipsDeactivateInput!) {{ answer: membershipsDeactivate(input: $input) {{ {REFUSALS}
  ... on MembershipsDeactivated {{ deactivated left }} }} }}"""
LIST = f"""query($region: String, $state: MembershipState, $segment: HealthSegment) {{
  healthMemberships(region: $region, state: $state, segment: $segment) {{ totalCount nodes {{ {MEMBERSHIP} }} }} }}"""
RISKS = f"""query($region: String, $reason: DeactivationReason) {{
  membershipsAtRisk(region: $region, reason: $reason) {{ totalCount nodes {{ {MEMBERSHIP} }} }} }}"""
PERSON = f"query($id: ID!) {{ person(id: $id) {{ id healthMemberships {{ {MEMBERSHIP} }} }} }}"


def mutation(name: str) -> str:
    given = f"{name[0].upper()}{name[1:]}Input!"
    return f"""mutation($input: {given}) {{ answer: {name}(input: $input) {{ {REFUSALS}
  ... on {DONE[name]} {{ membership {{ {MEMBERSHIP} }} }} }} }}"""


async def act(caller: Caller, name: str, **given: Any) -> Any:
    answer = (await caller.query(mutation(name), input=given))["answer"]
    return answer.get("membership") or answer


class Staff:
    """Those who give memberships in Banyumas."""

    def __init__(self, maker: Caller, verifier: Caller, approver: Caller) -> None:
        self.maker, self.verifier, self.approver = maker, verifier, approver

    async def active(self, person: Any) -> Any:
        made = await act(self.maker, "membershipPropose", person=node("Person", person), segment="PBI_JK")
        made = await act(self.verifier, "membershipVerify", id=made["id"], version=made["version"])
        return await act(self.approver, "membershipDecide", id=made["id"], version=made["version"], decision="APPROVE")


def node(prefix: str, row: Any) -> str:
    return f"{prefix}:{row['regency_id']}:{row['id']}"


@pytest_asyncio.fixture
async def staff(insurance_api: ApiClient) -> Staff:
    roles = (Role.REGENCY_ADMIN, Role.REGENCY_VERIFIER, Role.REGENCY_APPROVER)
    return Staff(*[await insurance_api.as_(role, BANYUMAS.code) for role in roles])


async def test_a_membership_from_proposal_to_decision(office: Office, staff: Staff) -> None:
    person = await office.person()
    done = await staff.active(person)
    today = datetime.now(tz=UTC).date()
    assert (done["state"], done["segment"], done["newborn"], done["version"]) == ("ACTIVE", "PBI_JK", False, 3)
    assert done["person"] == {"id": node("Person", person)}
    assert abs(datetime.fromisoformat(done["validFrom"]).date() - today) <= timedelta(days=1)
    assert len({done["proposedBy"], done["verifiedBy"], done["decidedBy"]}) == 3
    assert (await staff.maker.query(PERSON, id=node("Person", person)))["person"]["healthMemberships"] == [done]
    listed = (await staff.maker.query(LIST, region=BANYUMAS.code, state="ACTIVE", segment="PBI_JK"))[
        "healthMemberships"
    ]
    assert listed == {"totalCount": 1, "nodes": [done]}
    assert (await staff.maker.query(LIST, state="PROPOSED"))["healthMemberships"]["totalCount"] == 0
    assert (await staff.maker.query(LIST, segment="PBI_REGIONAL"))["healthMemberships"]["totalCount"] == 0


async def test_whoever_proposed_is_told_in_their_language_that_others_go_on(office: Office, staff: Staff) -> None:
    made = await act(staff.maker, "membershipPropose", person=node("Person", await office.person()), segment="PBI_JK")
    given = {"input": {"id": made["id"], "version": 1}}
    for language, text in (("id", "harus orang yang berbeda"), ("en", "must be different people")):
        response = await staff.maker.post(mutation("membershipVerify"), given, accept_language=language)
        answer = response.json()["data"]["answer"]
        assert (answer["__typename"], answer["code"]) == ("Refused", "MEMBERSHIP_SAME_PERSON")
        assert text in answer["message"]


async def test_ended_and_given_back_within_the_time_that_the_api_itself_tells(office: Office, staff: Staff) -> None:
    person = await office.person()
    done = await staff.active(person)
    refused = await act(
        staff.maker, "membershipDeactivate", id=done["id"], version=3, reason="WAGE_EARNER", decree="1", on="2999-01-01"
    )
    assert (refused["__typename"], refused["fields"]) == ("InvalidInput", ["on"])
    ended = await act(
        staff.maker, "membershipDeactivate", id=done["id"], version=3, reason="WAGE_EARNER", decree="9/2026"
    )
    assert (ended["state"], ended["decree"]) == ("DEACTIVATED", "9/2026")
    until = await office.owner.fetchval(
        "select ($1::date + interval '6 months')::date::text", datetime.fromisoformat(ended["validTo"]).date()
    )
    assert ended["reactivationUntil"] == until
    letters = dict(zip(("facilityName", "facilityLetter", "officeStatement"), LETTERS, strict=True))
    missing = await act(staff.maker, "membershipReactivate", id=ended["id"], **(letters | {"officeStatement": " "}))
    assert (missing["code"], missing["fields"]) == ("TEXT_INVALID", ["officeStatement"])
    asked = await act(staff.maker, "membershipReactivate", id=ended["id"], **letters)
    assert (asked["state"], asked["reactivates"]) == (
        "REACTIVATION_REQUESTED", {"id": ended["id"], "state": "DEACTIVATED"},
    )  # fmt: skip
    wrong = await act(staff.approver, "membershipDecide", id=asked["id"], version=1, decision="APPROVE")
    assert wrong["code"] == "MEMBERSHIP_STATE_WRONG"
    back = await act(staff.approver, "membershipReactivationDecide", id=asked["id"], version=1, decision="APPROVE")
    assert back["state"] == "ACTIVE"
    assert back["validFrom"] > ended["validTo"]
    history = (await staff.maker.query(PERSON, id=node("Person", person)))["person"]["healthMemberships"]
    assert [each["state"] for each in history] == ["ACTIVE", "DEACTIVATED"]


async def test_after_the_window_the_last_day_is_told(office: Office, staff: Staff) -> None:
    done = await staff.active(await office.person())
    await office.owner.execute(
        "update health_membership set valid_from = '2020-01-01' where id = $1", UUID(done["id"].split(":")[2])
    )
    ended = await act(
        staff.maker, "membershipDeactivate", id=done["id"], version=3, reason="DUPLICATE", decree="1", on="2020-08-31"
    )
    assert ended["reactivationUntil"] == "2021-02-28"
    letters = dict(zip(("facilityName", "facilityLetter", "officeStatement"), LETTERS, strict=True))
    refused = await act(staff.maker, "membershipReactivate", id=ended["id"], **letters)
    assert (refused["__typename"], refused["code"]) == ("Refused", "REACTIVATION_WINDOW_OVER")
    assert "2021-02-28" in refused["message"]


async def test_a_refusal_needs_a_reason_and_may_say_that_another_segment_has_the_person(
    office: Office, staff: Staff
) -> None:
    done = await staff.active(await office.person())
    ended = await act(staff.maker, "membershipDeactivate", id=done["id"], version=3, reason="DUPLICATE", decree="1")
    letters = dict(zip(("facilityName", "facilityLetter", "officeStatement"), LETTERS, strict=True))
    asked = await act(staff.maker, "membershipReactivate", id=ended["id"], **letters)
    given = {"id": asked["id"], "version": 1, "decision": "MOVE"}
    assert (await act(staff.approver, "membershipReactivationDecide", **given))["fields"] == ["reason"]
    moved = await act(staff.approver, "membershipReactivationDecide", **given, reason="PPU")
    assert (moved["state"], moved["refusalReason"], moved["validFrom"]) == ("MOVED", "PPU", None)


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (Role.REGENCY_APPROVER, "membershipPropose"),
        (Role.REGENCY_VERIFIER, "membershipDecide"),
        (Role.PROVINCE_OFFICER, "membershipDeactivate"),
    ],
)
async def test_who_decides_does_not_propose_and_the_other_way_round(
    insurance_api: ApiClient, role: Role, name: str
) -> None:
    caller = await insurance_api.as_(role, "33" if role is Role.PROVINCE_OFFICER else BANYUMAS.code)
    given = {
        "membershipPropose": {"person": f"Person:3302:{uuid4()}", "segment": "PBI_JK"},
        "membershipDecide": {"id": f"HealthMembership:3302:{uuid4()}", "version": 1, "decision": "APPROVE"},
        "membershipDeactivate": {
            "id": f"HealthMembership:3302:{uuid4()}", "version": 1, "reason": "DECEASED", "decree": "1",
        },
    }[name]  # fmt: skip
    assert await caller.codes(mutation(name), input=given) == ["NOT_PERMITTED"]


async def test_whoever_may_read_persons_and_not_memberships_is_told_no_segment(
    office: Office, staff: Staff, insurance_api: ApiClient
) -> None:
    person = await office.person()
    await staff.active(person)
    dukcapil = await insurance_api.as_(Role.DUKCAPIL_OFFICER, BANYUMAS.code)
    assert await dukcapil.codes(PERSON, id=node("Person", person)) == ["NOT_PERMITTED"]
    assert await dukcapil.codes(LIST) == ["NOT_PERMITTED"]
    assert await dukcapil.query("query($id: ID!) { person(id: $id) { id } }", id=node("Person", person))


async def test_what_was_done_and_who_read_it_is_kept_with_the_person(office: Office, staff: Staff) -> None:
    person, began = await office.person(), await office.owner.fetchval("select now()")
    await staff.active(person)
    await staff.maker.query(LIST, region=BANYUMAS.code)
    rows = await office.owner.fetch(
        "select action, operation, subject_type from audit_event where $1 = any(subject_ids) and happened_at > $2 "
        "order by happened_at, id",
        *(person["id"], began),
    )
    changed = [row["operation"] for row in rows if row["action"] == "CHANGE"]
    assert changed == ["membershipPropose", "membershipVerify", "membershipDecide"]
    assert [row["subject_type"] for row in rows if row["action"] == "READ"][-1] == "HealthMembership"


async def test_a_review_runs_by_itself_and_what_it_found_can_be_ended_together(
    office: Office, staff: Staff, insurance_api: ApiClient, api_settings: Settings
) -> None:
    key = str(uuid4())
    given = {"region": BANYUMAS.code, "idempotencyKey": key, "on": TODAY.isoformat()}
    started = (await staff.maker.query(REVIEW, input=given))["answer"]["review"]
    assert (started["region"], started["job"]) == (
        {"code": BANYUMAS.code}, {"kind": "MEMBERSHIP_REVIEW", "state": "QUEUED"},
    )  # fmt: skip
    assert (await staff.maker.query(REVIEW, input=given))["answer"]["review"] == started

    async def review() -> Any:
        reviews = await staff.maker.query("{ membershipReviews { nodes { id finishedAt takenOver atRisk } } }")
        return next(each for each in reviews["membershipReviews"]["nodes"] if each["id"] == started["id"])

    async def is_over() -> bool:
        return (await review())["finishedAt"] is not None

    worker = Worker(api_settings, office.server, handlers(api_settings), pace=QUICK)
    async with worker.working():
        await eventually(is_over)
        done = await review()
        assert done["takenOver"] > 0
        risks = (await staff.maker.query(RISKS, region=BANYUMAS.code))["membershipsAtRisk"]
        assert risks["totalCount"] == done["atRisk"] > 0
        assert {each["risk"]["since"] for each in risks["nodes"]} == {TODAY.isoformat()}
        reason = risks["nodes"][0]["risk"]["reason"]
        some = (await staff.maker.query(RISKS, reason=reason))["membershipsAtRisk"]["totalCount"]
        ended = {"region": BANYUMAS.code, "reason": reason, "decree": "80/HUK/2026"}
        assert (await staff.maker.query(BULK, input=ended))["answer"] == {
            "__typename": "MembershipsDeactivated", "deactivated": some, "left": 0,
        }  # fmt: skip
        assert (await staff.maker.query(RISKS, reason=reason))["membershipsAtRisk"]["totalCount"] == 0
    event = await office.owner.fetchrow(
        "select * from audit_event where operation = 'membershipsDeactivate' order by happened_at desc limit 1"
    )
    assert event is not None
    assert (event["row_count"], len(event["subject_ids"])) == (some, some)
    cilacap = await insurance_api.as_(Role.REGENCY_ADMIN, CILACAP.code)
    assert (await cilacap.query(LIST))["healthMemberships"]["totalCount"] == 0
    refused = (await cilacap.query(BULK, input=ended))["answer"]
    assert (refused["__typename"], refused["code"], refused["fields"]) == ("InvalidInput", "REGION_UNKNOWN", ["region"])
