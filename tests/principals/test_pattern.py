"""What every mutation does, shown on those of grants: one transaction, one audit event, an answer that is read afterwards."""

import asyncio
import shutil
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
import strawberry

from app.authz.enforcer import POLICY_FOLDER, RoleMatrix
from app.authz.errors import GrantTextWrong
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.base import Conflict, DomainError, NotFound
from app.schema.context import Info
from app.schema.language import Language
from app.schema.mutations import SubjectForgotten, change, refusal_of
from app.schema.plan.planner import OperationPlan
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.principals.office import BANYUMAS, GIVE, Office, given
from tests.support.client import api_with_policies
from tests.support.statements import Statements

TWO = """mutation($a: GrantGiveInput!, $b: GrantGiveInput!, $c: GrantGiveInput!) {
  first: grantGive(input: $a) { __typename ... on GrantGiven { grant { id } } }
  second: grantGive(input: $b) { __typename ... on UserError { code } }
  third: grantGive(input: $c) { ...Given }
} fragment Given on GrantGiveResult { ... on GrantGiven { here: grant { id status } again: grant { givenBy region { name } } } }"""


async def test_a_change_is_in_the_audit_trail_with_who_what_where_and_in_which_request(office: Office) -> None:
    subject = await office.newcomer((Role.REGENCY_ADMIN, BANYUMAS))
    admin = office.api.named(subject)
    response = await admin.post(GIVE, {"input": given(Role.PSM, "33.02.01.2001")})
    grant = response.json()["data"]["grantGive"]["grant"]["id"]
    (event,) = await office.events(grant)
    assert (event["action"], event["operation"], event["permission"]) == (
        "CHANGE",
        "grantGive",
        "principals:grant:change",
    )
    assert event["roles"] == ["REGENCY_ADMIN"]
    assert event["principal_id"] == await office.owner.fetchval("select id from principal where subject = $1", subject)
    assert (event["regency_id"], event["village_low"], event["village_high"]) == (3302, 3302012001, 3302012001)
    assert event["subject_ids"] == [UUID(grant.removeprefix("PrincipalGrant:"))]
    assert event["request_id"] == response.headers["x-request-id"]
    assert (event["row_count"], event["purpose"], len(event["document_hash"])) == (1, None, 32)


async def test_each_step_of_a_grant_leaves_one_event(office: Office) -> None:
    grant = (await office.give(await office.admin(), Role.REGENCY_APPROVER))["grant"]["id"]
    await office.confirm(await office.admin(), grant)
    await office.revoke(await office.admin(), grant)
    events = await office.events(grant)
    assert [event["operation"] for event in events] == ["grantGive", "grantConfirm", "grantRevoke"]
    assert {(event["village_low"], event["village_high"]) for event in events} == {(3302000000, 3302999999)}
    assert len({event["principal_id"] for event in events}) == 3


async def test_what_is_refused_leaves_no_change_in_the_trail(office: Office) -> None:
    admin = await office.admin()
    grant = (await office.give(admin, Role.REGENCY_APPROVER))["grant"]["id"]
    await office.confirm(admin, grant)
    await office.revoke(admin, grant, "")
    assert [event["operation"] for event in await office.events(grant)] == ["grantGive"]


async def test_mutations_of_one_document_run_in_order_and_each_stands_for_itself(office: Office) -> None:
    admin = await office.admin()
    same = given()
    answer = await admin.query(TWO, a=same, b=same, c=given())
    assert answer["first"]["__typename"] == "GrantGiven"
    assert answer["second"] == {"__typename": "Conflict", "code": "GRANT_EXISTS"}
    assert answer["third"]["here"]["status"] == "ACTIVE"
    assert answer["third"]["again"] == {"givenBy": "Administrator", "region": {"name": "Kabupaten Banyumas"}}
    ids = [answer["first"]["grant"]["id"], answer["third"]["here"]["id"]]
    assert [(await office.row(each))["status"] for each in ids] == ["ACTIVE", "ACTIVE"]


async def test_a_mutation_that_is_not_permitted_takes_no_other_answer_with_it(office: Office) -> None:
    document = """mutation($input: GrantGiveInput!) {
      before: grantRevoke(input: {id: "7", reason: "x"}) { ... on UserError { code } }
      grantGive(input: $input) { ... on GrantGiven { grant { id } } } }"""
    caller = office.api.named(await office.newcomer((Role.PSM, "33.02.01.2001")))
    answer = await caller.answer(document, input=given())
    assert answer["data"] == {"before": None, "grantGive": None}
    assert [error["path"] for error in answer["errors"]] == [["before"], ["grantGive"]]


async def test_the_answer_of_a_mutation_is_read_in_one_statement_after_it_is_committed(
    office: Office, statements_of_office: Statements
) -> None:
    admin = await office.admin()
    await admin.query(GIVE, input=given())
    await statements_of_office.forget()
    await admin.query(GIVE, input=given())
    sent = [each.text.lower() for each in await statements_of_office.sent()]
    assert sum(text.startswith("commit") for text in sent) == 1
    assert sum(text.startswith("with scope as materialized") for text in sent) == 1


async def test_what_may_not_be_read_afterwards_is_refused_before_anything_is_changed(
    api_settings: Settings, server: DatabaseServer, office: Office, tmp_path: Path
) -> None:
    shutil.copytree(POLICY_FOLDER, tmp_path / "policies")
    policy = tmp_path / "policies" / "principals.csv"
    policy.write_text(policy.read_text().replace("p, REGENCY_ADMIN, principals:grant:read\n", ""))
    async with api_with_policies(api_settings, server, tmp_path / "policies") as api:
        admin = api.named(await office.newcomer((Role.REGENCY_ADMIN, BANYUMAS)))
        subject = f"dev:{uuid4()}"
        answer = await admin.answer(GIVE, input=given(subject=subject))
        assert answer["data"] == {"grantGive": None}
        assert answer["errors"][0]["extensions"] == {"code": "NOT_PERMITTED", "permission": "principals:grant:read"}
        found = await office.owner.fetchval("select count(*) from principal_grant where holder_subject = $1", subject)
        assert found == 0
        blind = "mutation($input: GrantGiveInput!) { grantGive(input: $input) { __typename } }"
        assert await admin.query(blind, input=given()) == {"grantGive": {"__typename": "GrantGiven"}}


async def test_two_confirmations_at_once_are_one(office: Office) -> None:
    admins = [await office.admin(), await office.admin()]
    for _ in range(8):
        grant = (await office.give(await office.admin(), Role.REGENCY_APPROVER))["grant"]["id"]
        answers = await asyncio.gather(*(office.confirm(admin, grant) for admin in admins))
        assert sorted(answer["__typename"] for answer in answers) == ["Conflict", "GrantConfirmed"]
        assert [event["operation"] for event in await office.events(grant)] == ["grantGive", "grantConfirm"]


async def test_two_who_give_the_same_at_once_give_it_once(office: Office) -> None:
    admins = [await office.admin(), await office.admin()]
    for known in (False, True) * 4:
        subject = await office.newcomer((Role.PSM, "33.02.01.2001")) if known else f"dev:{uuid4()}"
        answers = await asyncio.gather(*(office.give(admin, subject=subject) for admin in admins))
        assert sorted(answer["__typename"] for answer in answers) == ["Conflict", "GrantGiven"]
        held = "select count(*) from principal_grant where holder_subject = $1 and role = 'REGENCY_VERIFIER'"
        assert await office.owner.fetchval(held, subject) == 1


async def test_a_confirmation_and_a_revocation_at_once_end_in_a_revoked_grant(office: Office) -> None:
    for _ in range(5):
        grant = (await office.give(await office.admin(), Role.REGENCY_APPROVER))["grant"]["id"]
        confirming, revoking = await office.admin(), await office.admin()
        await asyncio.gather(office.confirm(confirming, grant), office.revoke(revoking, grant))
        assert (await office.row(grant))["status"] == "REVOKED"


@strawberry.type
class _Forgetful:
    """Mutations that do not say what they concern."""

    @strawberry.mutation
    async def make_somebody(self, info: Info, subject: str) -> bool:
        async with change(info, Permission.PRINCIPALS_GRANT_CHANGE) as acting:
            made = sa.text("select principal_for_grant(gen_random_uuid(), 'https://sso.test', :subject, 'n')")
            await acting.session.execute(made, {"subject": subject})
        return True


@strawberry.type
class _Query:
    nothing: bool = True


async def test_a_mutation_that_does_not_say_what_it_concerns_is_rolled_back(
    office: Office, database: Database, matrix: RoleMatrix
) -> None:
    subject = str(uuid4())
    context = SimpleNamespace(
        access=access_of(matrix, grant(Role.REGENCY_ADMIN, BANYUMAS)),
        answer=SimpleNamespace(plan=OperationPlan({}, (), complete=False)),
        database=database,
    )
    result = await strawberry.Schema(query=_Query, mutation=_Forgetful).execute(
        "mutation($subject: String!) { makeSomebody(subject: $subject) }", {"subject": subject}, context_value=context
    )
    assert result.errors is not None
    assert isinstance(result.errors[0].original_error, SubjectForgotten)
    assert await office.owner.fetchval("select count(*) from principal where subject = $1", subject) == 0


class _TooPoor(Conflict):
    code = "TOO_POOR"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotFound("a", "b"), "NotFound"),
        (Conflict("a", "b"), "Conflict"),
        (_TooPoor("a", "b"), "Conflict"),
        (DomainError("a", "b"), "Refused"),
        (GrantTextWrong("valid_to", 3), "InvalidInput"),
    ],
)
def test_every_refusal_of_the_domain_is_a_member_of_the_union(error: DomainError, kind: str) -> None:
    refusal = refusal_of(error, Language.ENGLISH)
    assert (type(refusal).__name__, refusal.code, refusal.message) == (kind, error.code, error.english)
    assert refusal_of(error, Language.INDONESIAN).message == error.indonesian
    assert getattr(refusal, "fields", []) == ["validTo"][: len(error.fields)]
