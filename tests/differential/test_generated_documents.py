"""The stock executor and the plan agree on documents that hypothesis wrote."""

import os

import pytest
from graphql import build_schema
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from app.authz.permissions import Permission
from app.schema.root import api
from tests.differential.additions import with_caller, with_numbers
from tests.differential.agreement import assert_agreement
from tests.differential.callers import TRUSTED, Person
from tests.differential.generation import Generated
from tests.differential.reference import Reference

pytestmark = pytest.mark.long

MORE = int(os.environ.get("KESOS_DIFFERENTIAL_EXAMPLES", "0"))
SCHEMA = build_schema(api().sdl)


@settings(
    max_examples=MORE or 150,
    # The same documents in every run of `make test`; other ones each time that more are asked for.
    derandomize=not MORE,
    database=None,
    print_blob=True,
    deadline=None,
    # A document is large and two executors answer it, one of them row by row: slow is how this test is meant to be.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
async def test_the_plan_answers_as_the_stock_executor_does(
    data: st.DataObject,
    written: st.SearchStrategy[Generated],
    people: dict[str, Person],
    reference: Reference,
) -> None:
    document, variables = data.draw(written)
    name = data.draw(st.sampled_from(sorted(people)) | st.sampled_from(TRUSTED))
    person = people[name]
    if data.draw(st.booleans(), label="beside a Python field"):
        document = with_caller(document)
    note(f"{name}, with {variables}:\n{document}")
    expected = await reference.answer(document, variables, person.access)
    assert_agreement(await person.post(document, variables), expected)
    if not expected.refusals and Permission.REGISTRY_NIK_REVEAL in person.access.permissions:
        revealing = with_numbers(SCHEMA, document)
        expected = await reference.answer(revealing, variables, person.access)
        assert_agreement(await person.post(revealing, variables), expected)
