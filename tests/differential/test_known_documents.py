"""The stock executor and the plan agree on documents that people wrote."""

import pytest

from tests.differential.agreement import assert_agreement
from tests.differential.callers import Person
from tests.differential.known_aid import AID, REFUSED_AID
from tests.differential.known_documents import IDS, LISTS, TYPES, Case
from tests.differential.known_happenings import HAPPENINGS, REFUSED_HAPPENINGS
from tests.differential.known_language import LANGUAGE, REFUSALS, VARIABLES
from tests.differential.known_memberships import MEMBERSHIPS
from tests.differential.known_outlets import OUTLETS, REFUSED_OUTLETS
from tests.differential.known_oversight import OVERSIGHT
from tests.differential.known_programmes import PROGRAMMES
from tests.differential.known_sales import SALES
from tests.differential.known_signals import SIGNALS
from tests.differential.known_supply import REFUSED_SUPPLY, SUPPLY
from tests.differential.reference import Reference
from tests.differential.samples import Samples

pytestmark = pytest.mark.long

CASES = [
    *TYPES,
    *LISTS,
    *IDS,
    *LANGUAGE,
    *VARIABLES,
    *REFUSALS,
    *HAPPENINGS,
    *PROGRAMMES,
    *MEMBERSHIPS,
    *AID,
    *OUTLETS,
    *OVERSIGHT,
    *SUPPLY,
    *SALES,
    *SIGNALS,
    *REFUSED_HAPPENINGS,
    *REFUSED_AID,
    *REFUSED_OUTLETS,
    *REFUSED_SUPPLY,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_plan_answers_as_the_stock_executor_does(
    case: Case, people: dict[str, Person], reference: Reference, samples: Samples
) -> None:
    document, variables = case.filled(samples.named)
    for name in case.callers:
        person = people[name]
        expected = await reference.answer(document, variables, person.access)
        assert_agreement(await person.post(document, variables), expected)
