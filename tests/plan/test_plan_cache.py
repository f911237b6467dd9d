"""Documents are read once and planned once for what decides the SQL, and neither memory grows without end."""

import gc
import tracemalloc
import weakref
from typing import Any

import pytest

from app.authz.authorize import Access
from app.authz.enforcer import load_role_matrix
from app.authz.roles import Role
from app.schema.plan.limits.memory import DocumentMemory
from app.schema.plan.planner import Document, Operation, OperationPlan, Planner, plan_memory
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


@pytest.mark.parametrize("text", ["{ nothing }", "{ families {", "{ families { totalCount } }" + " " * 20_000])
def test_what_is_wrong_with_a_document_is_found_once(planner: Planner, text: str) -> None:
    found = planner.document(text)
    assert isinstance(found, list)
    assert planner.document(text) is found
    assert all(error.nodes is None and error.__traceback__ is None for error in found)


def test_the_memory_of_documents_is_bounded_by_their_weight() -> None:
    memory: DocumentMemory[str] = DocumentMemory(composed_bytes=100_000)
    memory.keep("long", "1", 150, trusted=False)
    for number in range(10):
        memory.keep(f"short {number}", "2", 1, trusted=False)
    assert memory.recall("short 0", trusted=False) == "2"
    memory.keep("other", "3", 30, trusted=False)
    assert [memory.knows(text) for text in ("long", "short 1", "short 0", "other")] == [False, True, True, True]
    memory.keep("longer than everything", "4", 200, trusted=False)
    assert not memory.knows("longer than everything")
    assert memory.knows("other")


def test_composed_documents_without_end_push_out_no_trusted_one() -> None:
    memory: DocumentMemory[str] = DocumentMemory(composed_bytes=50_000)
    memory.keep("trusted", "1", 10, trusted=True)
    memory.keep("composed", "2", 10, trusted=False)
    for number in range(1_000):
        memory.keep(str(number), "3", 10, trusted=False)
    assert memory.knows("trusted")
    assert not memory.knows("composed")


def test_a_document_that_was_composed_before_it_was_trusted_is_kept_as_a_trusted_one() -> None:
    memory: DocumentMemory[str] = DocumentMemory()
    memory.keep("document", "1", 10, trusted=False)
    assert memory.recall("document", trusted=True) is None
    memory.keep("document", "1", 10, trusted=True)
    assert memory.recall("document", trusted=True) == "1"


def test_the_plans_of_a_process_are_bounded_by_their_weight(planner: Planner, admin: Access) -> None:
    planner._composed_plans = plans = plan_memory(100_000)
    names = "abcdefg"
    definitions = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: code @include(if: ${name})" for name in names)
    text = f'query ({definitions}) {{ region(code: "34") {{ name {fields} }} }}'
    variables = [{name: bool(number >> at & 1) for at, name in enumerate(names)} for number in range(2 ** len(names))]
    first, *_, last = [plan_of(planner, admin, each, text) for each in variables]
    assert 10 < len(plans) < len(variables)
    assert plan_of(planner, admin, variables[-1], text) is last
    assert plan_of(planner, admin, variables[0], text) is not first


def weight_and_bytes(planner: Planner, access: Access, texts: list[str]) -> tuple[int, int]:
    """What the documents ``texts`` and a plan of each are weighed, and the memory that they take."""
    documents, plans = planner._memory._composed, planner._composed_plans
    before = documents.currsize + plans.currsize
    gc.collect()
    tracemalloc.start()
    for text in texts:
        plan = plan_of(planner, access, {}, text)
        plan.statement(tuple(plan.roots))
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return int(documents.currsize + plans.currsize - before), taken


@pytest.mark.parametrize(("lists", "documents"), [(1, 9), (5, 4), (20, 2)])
def test_documents_and_plans_weigh_what_they_take(planner: Planner, admin: Access, lists: int, documents: int) -> None:
    texts = [
        "{" + " ".join(f"a{n}: families(first: {n + first}) {{ nodes {{ id headName }} }}" for n in range(lists)) + "}"
        for first in range(1, documents + 2)
    ]
    plan_of(planner, admin, {}, texts.pop())
    weight, taken = weight_and_bytes(planner, admin, texts)
    assert weight / 2 < taken < weight * 2


def test_a_plan_keeps_nothing_of_a_document_that_was_forgotten(planner: Planner, admin: Access) -> None:
    planner._memory = DocumentMemory(composed_bytes=1)
    operation = operation_of(planner, "{ families { nodes { id } } }")
    values = planner.variables(operation, {})
    assert not isinstance(values, list)
    plan = planner.plan(operation, values, admin)
    node = weakref.ref(operation.node)
    del operation, values
    gc.collect()
    assert plan in planner._composed_plans.values()
    assert node() is None
