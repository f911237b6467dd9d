"""How much is asked."""

import graphql

from tests.fuzz.asking import CASES, OPERATIONS, SDL

ROLES = 3


def test_the_cases_are_as_many_as_promised() -> None:
    schema = graphql.build_schema(SDL)
    roots = [root for root in (schema.query_type, schema.mutation_type) if root is not None]
    assert len(OPERATIONS) == sum(len(root.fields) for root in roots)
    assert len(OPERATIONS) * ROLES * CASES >= 2500
