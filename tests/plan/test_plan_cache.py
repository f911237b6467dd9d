"""Documents are read once and planned once for what decides the SQL, and neither memory grows without end."""

from typing import Any

import pytest

from app.authz.authorize import Access
from app.authz.enforcer import load_role_matrix
from app.authz.roles import Role
from app.schema.plan.planner import (
    LONGEST_REMEMBERED_DOCUMENT,
    MOST_DOCUMENTS,
    MOST_PLANS_OF_A_DOCUMENT,
    Document,
    Operation,
    OperationPlan,
    Planner,
)
from app.schema.root import api
from tests.authz.people import access_of, grant

MATRIX = load_role_matrix()
FAMILIES = """query ($first: Int, $filter: FamilyFilter, $order: FamilyOrder! = VILLAGE, $all: Boolean! = true) {
  families(first: $first, filter: $filter, order: $order) { nodes { headName } totalCount @include(if: $all) }
}"""


@pytest.fixture
def planner() -> Planner:
    """A planner that has seen nothing yet."""
    return Planner(api().planner.blueprint)


@pytest.fixture
def admin() -> Access:
    return access_of(MATRIX, grant(Role.REGENCY_ADMIN, "34.71"))


def operation_of(planner: Planner, text: str) -> Operation:
    document = planner.document(text)
    assert isinstance(document, Document), document
    (operation,) = document.operations.values()
    return operation


def plan_of(planner: Planner, access: Access, variables: dict[str, Any], text: str = FAMILIES) -> OperationPlan:
    operation = operation_of(planner, text)
    values = planner.variables(operation, variables)
    assert not isinstance(values, list), values
    return planner.plan(operation, values, access)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"first": 3}, {"first": 7}),
        ({"filter": {"search": "a"}}, {"filter": {"search": "b"}}),
        ({"filter": {"deciles": {"to": 3}}}, {"filter": {"deciles": {"from": 2, "to": 3}}}),
        ({"filter": {"statuses": ["MOVED"]}}, {"filter": {"statuses": ["ACTIVE", "MOVED"]}}),
        ({}, {"order": "VILLAGE", "all": True}),
    ],
)
def test_equal_shapes_share_a_plan(planner: Planner, admin: Access, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert plan_of(planner, admin, one) is plan_of(planner, admin, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"first": 3}),
        ({}, {"first": None}),
        ({"filter": {}}, {"filter": {"search": "a"}}),
        ({"filter": None}, {"filter": {}}),
        ({"order": "NAME"}, {"order": "DECILE"}),
        ({"all": True}, {"all": False}),
    ],
)
def test_other_shapes_have_other_plans(
    planner: Planner, admin: Access, one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert plan_of(planner, admin, one) is not plan_of(planner, admin, other)


def test_a_plan_made_for_null_is_not_used_where_the_variable_is_absent(planner: Planner, admin: Access) -> None:
    assert not plan_of(planner, admin, {"first": None}).complete
    assert plan_of(planner, admin, {}).complete
    assert not plan_of(planner, admin, {"first": None}).complete


def test_principals_of_one_role_share_a_plan_and_each_runs_it_in_its_own_scope(planner: Planner) -> None:
    here = access_of(MATRIX, grant(Role.PSM, "34.71.03.1001"))
    there = access_of(MATRIX, grant(Role.PSM, "34.71.03.1002"))
    plan = plan_of(planner, here, {})
    assert plan is plan_of(planner, there, {})
    assert plan.scope(here) != plan.scope(there)


def test_other_permissions_have_other_plans(planner: Planner, admin: Access) -> None:
    analyst = access_of(MATRIX, grant(Role.MINISTRY_ANALYST, "34"))
    assert plan_of(planner, admin, {}) is not plan_of(planner, analyst, {})


def test_permissions_that_reach_less_far_have_other_plans(planner: Planner) -> None:
    analyst, social_worker = grant(Role.MINISTRY_ANALYST, "34"), grant(Role.PSM, "34.71.03.1001")
    everywhere = access_of(MATRIX, analyst, grant(Role.PSM, "34"))
    assert plan_of(planner, everywhere, {}) is not plan_of(planner, access_of(MATRIX, analyst, social_worker), {})


def test_a_document_is_read_once(planner: Planner) -> None:
    assert planner.document(FAMILIES) is planner.document(FAMILIES)


def test_a_document_that_is_wrong_is_not_remembered(planner: Planner) -> None:
    assert isinstance(planner.document("{ nothing }"), list)
    assert isinstance(planner.document("{ families {"), list)
    assert planner.document("{ nothing }") is not planner.document("{ nothing }")


def test_a_very_long_document_is_not_remembered(planner: Planner) -> None:
    text = "{ __typename }".ljust(LONGEST_REMEMBERED_DOCUMENT + 1)
    assert planner.document(text) is not planner.document(text)
    assert planner.document(text[:-1]) is planner.document(text[:-1])


def test_the_documents_used_last_are_remembered(planner: Planner) -> None:
    texts = ["{ __typename }" + " " * spaces for spaces in range(MOST_DOCUMENTS)]
    known = [planner.document(text) for text in texts]
    assert planner.document(texts[0]) is known[0]
    planner.document("query OneMore { __typename }")
    assert planner.document(texts[0]) is known[0]
    assert planner.document(texts[1]) is not known[1]


def test_the_plans_of_a_document_are_bounded(planner: Planner, admin: Access) -> None:
    names = "abcdefg"
    definitions = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: code @include(if: ${name})" for name in names)
    text = f'query ({definitions}) {{ region(code: "34") {{ name {fields} }} }}'
    for number in range(2 ** len(names)):
        plan_of(planner, admin, {name: bool(number >> at & 1) for at, name in enumerate(names)}, text)
    assert len(operation_of(planner, text).plans) == MOST_PLANS_OF_A_DOCUMENT
