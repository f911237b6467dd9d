"""What a role may not see is masked, or refused before the database hears of it."""

import gc
from typing import TYPE_CHECKING, NamedTuple

import pytest

from app.authz.permissions import Permission
from app.authz.roles import Role
from app.schema.plan.planner import OperationPlan
from app.settings import DEVELOPMENT_ISSUER
from tests.authz.people import People
from tests.support.client import ApiClient
from tests.support.statements import Statements
from tests.support.world import BANYUMAS, CILACAP, SLEMAN

if TYPE_CHECKING:
    import asyncpg


class Refused(NamedTuple):
    """A document, a role that may not read all of it, and the permission that it lacks."""

    role: Role
    document: str
    permission: Permission


REFUSED = {
    "an address": Refused(
        Role.MINISTRY_ANALYST, "{ families { nodes { address } } }", Permission.REGISTRY_ADDRESS_READ
    ),
    "a coordinate": Refused(
        Role.MINISTRY_ANALYST, "{ families { nodes { decile latitude } } }", Permission.REGISTRY_ADDRESS_READ
    ),
    "health": Refused(
        Role.PROVINCE_OFFICER, "{ persons { nodes { health { pregnant } } } }", Permission.REGISTRY_HEALTH_READ
    ),
    "health of members": Refused(
        Role.PSM, "{ families { nodes { members { health { nutrition } } } } }", Permission.REGISTRY_HEALTH_READ
    ),
    "health in a fragment": Refused(
        Role.MINISTRY_ANALYST,
        "query { persons { nodes { ...H } } } fragment H on Person { h: health { caregiver } }",
        Permission.REGISTRY_HEALTH_READ,
    ),
    "a NIK in full": Refused(
        Role.PROVINCE_OFFICER, "{ persons { nodes { nikRevealed(purpose: AUDIT) } } }", Permission.REGISTRY_NIK_REVEAL
    ),
    "a KK in full": Refused(
        Role.AUDITOR, "{ families { nodes { kkRevealed(purpose: AUDIT) } } }", Permission.REGISTRY_NIK_REVEAL
    ),
    "a NIK in full by id": Refused(
        Role.MINISTRY_ANALYST,
        '{ node(id: "Region:33") { ... on Person { nikRevealed(purpose: AUDIT) } } }',
        Permission.REGISTRY_NIK_REVEAL,
    ),
    "a search by name": Refused(
        Role.MINISTRY_ANALYST, '{ persons(filter: {search: "a"}) { totalCount } }', Permission.REGISTRY_NAME_READ
    ),
    "an order by name": Refused(
        Role.MINISTRY_ANALYST, "{ families(order: NAME) { totalCount } }", Permission.REGISTRY_NAME_READ
    ),
    "a look-up": Refused(
        Role.PROVINCE_OFFICER, '{ personByNik(nik: "9933021001900001") { id } }', Permission.REGISTRY_PERSON_LOOKUP
    ),
    "families": Refused(Role.EWARONG_AGENT, "{ families { totalCount } }", Permission.REGISTRY_FAMILY_READ),
    "families of persons": Refused(
        Role.DUKCAPIL_OFFICER, "{ persons { nodes { family { id } } } }", Permission.REGISTRY_FAMILY_READ
    ),
    "persons": Refused(Role.BANK_OFFICER, "{ persons { totalCount } }", Permission.REGISTRY_PERSON_READ),
    "editions": Refused(Role.LKS_ASSESSOR, "{ registryEditions { label } }", Permission.REGISTRY_EDITION_READ),
    "totals": Refused(
        Role.LKS_MANAGER,
        '{ registrySummary(region: "33", by: REGENCY) { total { persons } } }',
        Permission.INSIGHTS_SUMMARY_READ,
    ),
    "outlets": Refused(Role.VILLAGE_OPERATOR, "{ ewarongAgents { totalCount } }", Permission.EWARONG_AGENT_READ),
    "sales of outlets": Refused(
        Role.PSM,
        '{ ewarongAgents { nodes { families(month: "2026-07-01") { served } } } }',
        Permission.EWARONG_TRANSACTION_READ,
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
async def test_a_field_without_its_permission_is_refused_before_any_sql_runs(
    api_client: ApiClient, statements: Statements, case: Refused
) -> None:
    caller = await api_client.as_(case.role, "" if case.role is Role.MINISTRY_ANALYST else "33")
    await caller.query("{ me { permissions } }")
    await statements.forget()
    response = await caller.post(case.document)
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "NOT_PERMITTED", "permission": case.permission.value}
    assert error["message"] == f"Anda tidak memiliki izin {case.permission.value}."
    assert not any((response.json()["data"] or {}).values())
    assert await statements.sent() == []


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
async def test_whoever_holds_the_permission_is_answered(api_client: ApiClient, case: Refused) -> None:
    ministry = await api_client.as_(Role.MINISTRY_ADMIN)
    assert await ministry.codes(case.document) == []


APPLIED_UNREAD = """mutation($id: ID!) {
  importApply(input: {id: $id, version: 1}) { ... on ImportApplying { import { id } } }
}"""


async def test_a_plan_keeps_its_refusals_without_who_asked_for_what(api_client: ApiClient) -> None:
    analyst = await api_client.as_(Role.MINISTRY_ANALYST)
    search = "query($text: String!) { persons(filter: {search: $text}) { totalCount } }"
    for number in range(3):
        assert await analyst.codes(search, text=f"a{number}") == ["NOT_PERMITTED"]
        assert await analyst.codes(APPLIED_UNREAD, id=f"Import:3302:{number:032}") == ["NOT_PERMITTED"]
    gc.collect()
    plans = [each for each in gc.get_objects() if isinstance(each, OperationPlan)]
    kept = [each for plan in plans for each in (*plan.roots.values(), *plan.payloads.values())]
    refusals = [each for each in kept if isinstance(each, Exception)]
    assert {type(each).__name__ for each in refusals} >= {"FieldDenied", "NotPermitted"}
    assert [each for each in refusals if each.__traceback__ is not None or each.__context__ is not None] == []


async def test_a_refused_root_field_leaves_the_others_answered(api_client: ApiClient) -> None:
    agent = await api_client.as_(Role.EWARONG_AGENT, BANYUMAS.code)
    answer = await agent.answer('{ region(code: "33.02") { name } personByNik(nik: "9933021001900001") { id } }')
    assert answer["data"] == {"region": {"name": "Kabupaten Banyumas"}, "personByNik": None}
    assert [error["path"] for error in answer["errors"]] == [["personByNik"]]
    assert answer["errors"][0]["extensions"]["code"] == "NOT_PERMITTED"


async def test_a_refusal_is_told_in_the_language_of_the_caller(api_client: ApiClient) -> None:
    agent = await api_client.as_(Role.EWARONG_AGENT, BANYUMAS.code)
    response = await agent.post("{ families { totalCount } }", accept_language="en")
    assert response.json()["errors"][0]["message"] == "You do not hold the permission registry:family:read."


async def test_names_are_masked_for_an_analyst_of_the_ministry(api_client: ApiClient) -> None:
    document = """{ families(first: 100) { nodes { headName kk members { name nik } } }
      persons(first: 100) { nodes { name family { headName } } } }"""
    masked = await (await api_client.as_(Role.MINISTRY_ANALYST)).post(document)
    plain = await (await api_client.as_(Role.MINISTRY_ADMIN)).post(document)
    shown, full = masked.json()["data"], plain.json()["data"]
    for one, other in zip(shown["families"]["nodes"], full["families"]["nodes"], strict=True):
        assert one["headName"] == f"{other['headName'][0]}***"
        assert one["kk"] == other["kk"]
        assert [member["name"] for member in one["members"]] == [
            f"{member['name'][0]}***" for member in other["members"]
        ]
    for regency in (BANYUMAS, CILACAP, SLEMAN):
        assert regency.mark in plain.text
        assert regency.mark not in masked.text


async def test_a_masked_field_costs_no_refusal_beside_one_that_is_refused(api_client: ApiClient) -> None:
    analyst = await api_client.as_(Role.MINISTRY_ANALYST)
    assert await analyst.codes("{ families { nodes { headName } } }") == []
    assert await analyst.codes("{ families { nodes { headName rt } } }") == ["NOT_PERMITTED"]
    assert await analyst.codes("query($no: Boolean!) { families { nodes { rt @include(if: $no) } } }", no=False) == []


async def test_whoever_has_no_grant_may_ask_only_who_they_are(
    api_client: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    nobody = api_client.named(await People(owner).add(DEVELOPMENT_ISSUER))
    assert (await nobody.query("{ me { permissions grants { role } } }"))["me"] == {"permissions": [], "grants": []}
    assert await nobody.codes('{ region(code: "33") { name } }') == ["NOT_PERMITTED"]
    assert await nobody.codes('{ node(id: "Region:33") { id } }') == ["NOT_PERMITTED"]
    assert await nobody.codes("{ families { totalCount } }") == ["NOT_PERMITTED"]


async def test_a_good_token_of_somebody_unknown_is_refused(api_client: ApiClient) -> None:
    response = await api_client.named("dev:NOBODY:33.02").post("{ me { permissions } }")
    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
