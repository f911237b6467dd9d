"""A request is one statement: it cannot ask more of the database by being nested, wide, or asked again."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import pytest
from graphql.execution.execute import execute
from graphql.language.parser import parse
from graphql.validation.validate import validate

from app.authz.roles import Role
from app.schema.plan.compile import Compiler
from app.schema.plan.statement import Statement
from app.web.gate import Workshop
from tests.support.client import ApiClient, Caller
from tests.support.statements import Statements
from tests.support.world import BANYUMAS

PAGE = """query($first: Int!) { families(first: $first) { totalCount nodes {
  id headName village { name district: parent { name } } regency { name }
  members { name nik family { id } } ranks { scheme decile edition { label } } housing { floor } edition { label }
} pageInfo { hasNextPage endCursor } } }"""
THREE_ROOTS = """{ families(first: 5) { nodes { members { name } } } persons(first: 5) { totalCount }
  registrySummary(region: "33", by: VILLAGE) { total { persons } rows { counts { personsByAge { persons } } } } }"""
ONE_STATEMENT = {
    "a page": "{ families(first: 50) { nodes { id } } }",
    "a nested page": PAGE.replace("query($first: Int!)", "").replace("$first", "50"),
    "three root fields": THREE_ROOTS,
    "a root field beside me": "{ me { permissions } families(first: 1) { totalCount } persons(first: 1) { totalCount } }",
    "nodes by id": '{ nodes(ids: ["Region:33", "Region:33.02"]) { id ... on Region { children { totalCount } } } }',
    "an alias of every root": '{ a: region(code: "33") { name } b: region(code: "34") { name } }',
}


@contextmanager
def called_code() -> Iterator[set[CodeType]]:
    """The code of every Python function that is called meanwhile."""
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            called.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize("document", ONE_STATEMENT.values(), ids=ONE_STATEMENT)
async def test_a_request_is_one_statement_that_carries_its_scope(
    banyumas: Caller, statements: Statements, document: str
) -> None:
    await banyumas.post(document)
    await statements.forget()
    await banyumas.post(document)
    (sent,) = await statements.sent()
    assert sent.calls == 1
    assert sent.text.startswith("with scope as materialized (select kesos_scope(")


@pytest.mark.parametrize("first", [1, 50])
async def test_a_page_of_many_rows_takes_as_many_statements_as_a_page_of_one(
    banyumas: Caller, statements: Statements, first: int
) -> None:
    await banyumas.post(PAGE, {"first": first})
    await statements.forget()
    page = (await banyumas.query(PAGE, first=first))["families"]
    assert len(page["nodes"]) == min(first, page["totalCount"])
    assert await statements.calls() == 1


async def test_the_same_document_with_other_variables_is_the_same_statement(
    banyumas: Caller, statements: Statements
) -> None:
    await statements.forget()
    for first in (2, 3, 4):
        assert len((await banyumas.query(PAGE, first=first))["families"]["nodes"]) == first
    (sent,) = await statements.sent()
    assert sent.calls == 3


async def test_a_known_document_is_not_parsed_validated_compiled_or_executed_again(banyumas: Caller) -> None:
    document = PAGE.replace("{ families", "{ # asked for twice\n families")
    with called_code() as first_time:
        await banyumas.query(document, first=2)
    with called_code() as second_time:
        await banyumas.query(document, first=3)
    work = {parse.__code__, validate.__code__, Compiler.root.__code__, Statement.of.__func__.__code__}  # type: ignore[attr-defined]  # a class method
    # What is new is worked on in a thread beside the loop, which is not watched here.
    assert Workshop.run.__code__ in first_time
    assert Workshop.run.__code__ not in second_time
    assert work.isdisjoint(second_time)
    assert execute.__code__ not in first_time | second_time


async def test_another_caller_with_the_same_permissions_finds_the_plan_ready(api_client: ApiClient) -> None:
    document = "{ families(first: 1) { # shared\n nodes { id } } }"
    await (await api_client.as_(Role.TKSK, BANYUMAS.district(1))).query(document)
    other = await api_client.as_(Role.TKSK, BANYUMAS.district(2))
    await other.query("{ me { permissions } }")
    with called_code() as called:
        await other.query(document)
    assert called.isdisjoint({parse.__code__, validate.__code__, Compiler.root.__code__})


async def test_a_field_that_needs_python_costs_one_read_and_one_write(banyumas: Caller, statements: Statements) -> None:
    document = "{ families(first: 5) { nodes { members { name nikRevealed(purpose: AUDIT) } } } }"
    await banyumas.post(document)
    await statements.forget()
    await banyumas.query(document)
    sent = await statements.sent()
    reads = [each for each in sent if each.text.startswith("with scope as materialized")]
    assert [each.calls for each in reads] == [1]
    writes = {each.text.partition(" ")[0].strip(";").lower(): each.calls for each in sent if each not in reads}
    assert writes == {"begin": 1, "select": 1, "commit": 1}
    # One statement for what was revealed, in that transaction; one for what was read.
    assert await statements.kept() == 2


async def test_whoever_reads_persons_costs_one_statement_more(banyumas: Caller, statements: Statements) -> None:
    await banyumas.query("{ persons(first: 2) { nodes { id } } families(first: 2) { nodes { id } } }")
    await statements.forget()
    await banyumas.query("{ persons(first: 2) { nodes { id } } families(first: 2) { nodes { id } } }")
    assert (await statements.calls(), await statements.kept()) == (1, 1)
    await statements.forget()
    await banyumas.query("{ persons { totalCount } families { totalCount } }")
    assert (await statements.calls(), await statements.kept()) == (1, 0)


@pytest.mark.parametrize(
    "document",
    [
        "{ me { permissions grants { role regionCode } } }",
        "{ __schema { types { name } } }",
        "{ __typename }",
        "{ nope }",
    ],
)
async def test_what_is_not_in_the_database_is_not_asked_of_it(
    banyumas: Caller, statements: Statements, document: str
) -> None:
    await banyumas.post("{ me { permissions } }")
    await statements.forget()
    await banyumas.post(document)
    assert await statements.sent() == []


async def test_a_caller_is_looked_up_once_and_remembered(api_client: ApiClient, statements: Statements) -> None:
    caller = await api_client.as_(Role.LKS_MANAGER, BANYUMAS.code)
    await statements.forget()
    for _ in range(3):
        await caller.query("{ me { principal { name } } }")
    (sent,) = await statements.sent()
    assert sent == ("select principal_by_subject($1, $2)", 1)
