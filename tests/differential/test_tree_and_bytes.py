"""What the plan prints as bytes and what the stock executor makes of the same plan are the same JSON."""

import pytest
from graphql import FieldNode, TypeInfo, TypeInfoVisitor, Visitor, build_schema, parse, visit

from app.schema.plan.planner import Document, OperationPlan
from app.schema.plan.statement import RootText
from app.schema.root import api
from tests.differential.additions import ADDED, with_caller, with_numbers, without_additions
from tests.differential.agreement import assert_agreement, difference, same
from tests.differential.callers import ADMINISTRATOR, Person
from tests.differential.known_aid import AID
from tests.differential.known_documents import IDS, LISTS, TYPES, Case
from tests.differential.known_happenings import HAPPENINGS
from tests.differential.known_language import LANGUAGE, VARIABLES
from tests.differential.known_memberships import MEMBERSHIPS
from tests.differential.known_outlets import OUTLETS
from tests.differential.known_oversight import OVERSIGHT
from tests.differential.known_programmes import PROGRAMMES
from tests.differential.known_signals import SIGNALS
from tests.differential.known_supply import SUPPLY
from tests.differential.reference import Reference
from tests.differential.samples import Samples

pytestmark = pytest.mark.long

SCHEMA = build_schema(api().sdl)
CASES = [
    case
    for case in (
        *TYPES,
        *LISTS,
        *IDS,
        *LANGUAGE,
        *VARIABLES,
        *HAPPENINGS,
        *PROGRAMMES,
        *MEMBERSHIPS,
        *AID,
        *OUTLETS,
        *OVERSIGHT,
        *SUPPLY,
        *SIGNALS,
    )
    if ADMINISTRATOR in case.callers
]

OF_PYTHON = frozenset(
    {
        "ImportIssueCount.message",
        "ImportRow.message",
        "JobError.message",
        "Export.downloadUrl",
        "AuditEvent.inclusionProof",
        "JournalEntry.inclusionProof",
        "BankFile.downloadUrl",
    }
)
"""What only Python resolves of that which these documents ask for: texts in the caller's language, links and proofs."""

WITHOUT_FAMILY = [
    "skip and include with variables False and {}",
    "skip and include with variables False and {'no': False}",
    "variables within a filter, null where it has a default",
    "variables within a filter, null over a default",
    "variables with defaults of the argument, null",
    "variables with defaults of the argument, a null order",
    "a variable within a list that takes no null, null",
]
"""Documents whose variables leave the families out, or refuse them."""
LEAST_WALKED = 80
"""Of those documents so many ask for a family or a person, whose number in full only Python resolves."""


def plan_of(document: str, variables: dict[str, object], person: Person) -> OperationPlan | None:
    """How the API answers; None where it refuses the variables."""
    planner = api().planner
    known = planner.document(document)
    assert isinstance(known, Document)
    (operation,) = known.operations.values()
    values = planner.variables(operation, variables)
    return None if isinstance(values, list) else planner.plan(operation, values, person.access)


class _Asked(Visitor):
    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types
        self.fields: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self._types.get_parent_type()
        self.fields.add(f"{parent.name if parent is not None else ''}.{node.name.value}")


def asks_python(document: str) -> bool:
    """Whether a document asks by itself for what only Python resolves."""
    types = TypeInfo(SCHEMA)
    asked = _Asked(types)
    visit(parse(document), TypeInfoVisitor(types, asked))
    return not asked.fields.isdisjoint(OF_PYTHON)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_python_field_beside_it_changes_nothing_of_an_answer(
    case: Case, people: dict[str, Person], samples: Samples
) -> None:
    document, variables = case.filled(samples.named)
    person = people[ADMINISTRATOR]
    alone = (await person.post(document, variables)).json()
    beside = (await person.post(with_caller(document), variables)).json()
    assert same(without_additions(beside.get("data")), alone.get("data")), difference(beside, alone)
    if "errors" not in alone and alone["data"] and "__typename" not in alone["data"]:
        bytes_, framed = plan_of(document, variables, person), plan_of(with_caller(document), variables, person)
        assert bytes_ is not None
        assert bytes_.complete is not asks_python(document)
        assert framed is not None
        assert not framed.complete


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_python_field_within_it_changes_nothing_of_an_answer(
    case: Case, people: dict[str, Person], samples: Samples, reference: Reference
) -> None:
    document, variables = case.filled(samples.named)
    person = people[ADMINISTRATOR]
    revealing = with_numbers(SCHEMA, document)
    alone = (await person.post(document, variables)).json()
    within = await person.post(revealing, variables)
    assert same(without_additions(within.json().get("data")), alone.get("data")), difference(within.json(), alone)
    assert_agreement(within, await reference.answer(revealing, variables, person.access))


def test_the_trees_of_these_documents_are_walked(people: dict[str, Person], samples: Samples) -> None:
    walked, printed = [], []
    for case in CASES:
        document, variables = case.filled(samples.named)
        revealing = with_numbers(SCHEMA, document)
        plan = plan_of(revealing, variables, people[ADMINISTRATOR])
        roots = plan.roots.values() if plan is not None else ()
        if any(isinstance(root, RootText) and root.needs_python for root in roots):
            walked.append(case.name)
        elif ADDED in revealing:
            printed.append(case.name)
    assert printed == WITHOUT_FAMILY
    assert len(walked) > LEAST_WALKED
