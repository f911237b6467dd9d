"""Arguments are read alike, wherever in them the variables stand, and their values anew for each request."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from graphql import FieldNode, GraphQLInputType, GraphQLObjectType, ast_from_value, print_ast
from hypothesis import given
from hypothesis import strategies as st

from app.domain.registry.enums import FamilyStatus, Sex
from app.schema.plan.arguments import Argument, ArgumentNull, ArgumentReader, Arguments, Binder
from app.schema.plan.planner import Document, Operation
from app.schema.registry.sources import FamilyOrder
from app.schema.root import api
from tests.plan.evaluation import REPEATABLE

PLANNER = api().planner
SCHEMA = PLANNER.blueprint.schema
QUERY = cast("GraphQLObjectType", SCHEMA.query_type)
Json = dict[str, Any]


def operation_of(text: str) -> Operation:
    document = PLANNER.document(text)
    assert isinstance(document, Document), document
    (operation,) = document.operations.values()
    return operation


def arguments_of(text: str, variables: Json) -> tuple[Arguments, Mapping[str, Any]]:
    """The arguments of the first field of a document, and the coerced variables."""
    operation = operation_of(text)
    values = PLANNER.variables(operation, variables)
    assert not isinstance(values, list), values
    node = cast("FieldNode", operation.node.selection_set.selections[0])
    reader = ArgumentReader(Binder("root0"), values)
    return reader.read(QUERY.fields[node.name.value].args, node.arguments or ()), values.coerced


def values_of(arguments: Arguments, variables: Mapping[str, Any]) -> Json:
    """What a request with ``variables`` gives: the fields of input objects, and the values of everything else."""

    def value(argument: Argument) -> Any:
        given_ = argument.getter(variables)
        return values_of(argument.fields, variables) if given_ is None or isinstance(given_, dict) else given_

    return {name: value(argument) for name, argument in arguments.items()}


def read(text: str, **variables: Any) -> Json:
    arguments, coerced = arguments_of(text, variables)
    return values_of(arguments, coerced)


DEFAULTS = {"first": 25, "order": FamilyOrder.VILLAGE}


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("{ families { totalCount } }", {}, {}),
        ("{ families(first: 3, region: null) { totalCount } }", {}, {"first": 3}),
        ("{ families(filter: {}) { totalCount } }", {}, {"filter": {}}),
        ("{ families(filter: {search: null}) { totalCount } }", {}, {"filter": {}}),
        ("query ($n: Int!) { families(first: $n) { totalCount } }", {"n": 4}, {"first": 4}),
        ("query ($n: Int! = 5) { families(first: $n) { totalCount } }", {}, {"first": 5}),
        ("query ($n: Int) { families(first: $n) { totalCount } }", {}, {}),
        ("query ($r: String) { families(region: $r) { totalCount } }", {}, {}),
        ("query ($r: String) { families(region: $r) { totalCount } }", {"r": None}, {}),
        ('query ($r: String = "34") { families(region: $r) { totalCount } }', {}, {"region": "34"}),
        ('query ($r: String = "34") { families(region: $r) { totalCount } }', {"r": None}, {}),
        ("query ($o: FamilyOrder!) { families(order: $o) { totalCount } }", {"o": "NAME"}, {"order": FamilyOrder.NAME}),
        (
            "query ($f: FamilyFilter) { families(filter: $f) { totalCount } }",
            {"f": {"search": "a", "deciles": {"to": 3}, "statuses": "MOVED"}},
            {"filter": {"search": "a", "deciles": {"from": 1, "to": 3}, "statuses": [FamilyStatus.MOVED]}},
        ),
        (
            "query ($f: FamilyFilter) { families(filter: $f) { totalCount } }",
            {"f": {"search": None, "deciles": None, "statuses": []}},
            {"filter": {"statuses": []}},
        ),
        ("query ($f: FamilyFilter) { families(filter: $f) { totalCount } }", {"f": None}, {}),
        (
            "query ($d: DecileRange) { families(filter: {deciles: $d}) { totalCount } }",
            {"d": {"from": 2}},
            {"filter": {"deciles": {"from": 2, "to": 10}}},
        ),
        (
            "query ($to: Int) { families(filter: {deciles: {from: 2, to: $to}}) { totalCount } }",
            {},
            {"filter": {"deciles": {"from": 2, "to": 10}}},
        ),
        (
            "query ($s: FamilyStatus!) { families(filter: {statuses: [ACTIVE, $s]}) { totalCount } }",
            {"s": "MOVED"},
            {"filter": {"statuses": [FamilyStatus.ACTIVE, FamilyStatus.MOVED]}},
        ),
        (
            "query ($s: [FamilyStatus!]) { families(filter: {statuses: $s}) { totalCount } }",
            {"s": ["MOVED"]},
            {"filter": {"statuses": [FamilyStatus.MOVED]}},
        ),
    ],
)
def test_a_variable_may_stand_anywhere(text: str, variables: Json, expected: Json) -> None:
    assert read(text, **variables) == {**DEFAULTS, **expected}


@pytest.mark.parametrize(
    "text",
    [
        "query ($n: Int) { families(first: $n) { totalCount } }",
        "query ($n: Int = 3) { families(first: $n) { totalCount } }",
        "query ($n: Int) { families(filter: {deciles: {from: $n}}) { totalCount } }",
        "query ($n: Int = 3) { families(filter: {deciles: {to: $n}}) { totalCount } }",
    ],
)
def test_null_is_refused_where_only_a_default_may_stand_for_it(text: str) -> None:
    with pytest.raises(ArgumentNull):
        read(text, n=None)


@pytest.mark.parametrize(
    "text",
    [
        "query ($v: FamilyStatus = MOVED) { families(filter: {statuses: [$v]}) { totalCount } }",
        "query ($v: FamilyStatus = MOVED) { families(filter: {statuses: [ACTIVE, $v]}) { totalCount } }",
        'query ($v: ID = "Region:34") { nodes(ids: [$v]) { id } }',
    ],
)
def test_null_is_refused_in_a_list_that_holds_none(text: str) -> None:
    with pytest.raises(ArgumentNull):
        read(text, v=None)
    arguments, coerced = arguments_of(text, {})
    assert values_of(arguments, coerced)


def test_enum_values_are_known_when_the_plan_is_made() -> None:
    within, _ = arguments_of("query ($s: Sex) { persons(filter: {sex: $s}) { totalCount } }", {"s": "FEMALE"})
    assert within["filter"].fields["sex"].known is Sex.FEMALE
    whole, _ = arguments_of("query ($f: PersonFilter) { persons(filter: $f) { totalCount } }", {"f": {"sex": "MALE"}})
    assert whole["filter"].fields["sex"].known is Sex.MALE


@pytest.mark.parametrize(
    ("text", "one", "other", "expected"),
    [
        ("query ($n: Int!) { families(first: $n) { totalCount } }", {"n": 1}, {"n": 2}, {"first": 2}),
        (
            "query ($f: FamilyFilter) { families(filter: $f) { totalCount } }",
            {"f": {"deciles": {"from": 1, "to": 2}, "search": "a"}},
            {"f": {"deciles": {"from": 3, "to": 4}, "search": "b"}},
            {"filter": {"deciles": {"from": 3, "to": 4}, "search": "b"}},
        ),
        (
            'query ($a: ID!, $b: ID!) { nodes(ids: [$a, "Region:34", $b]) { id } }',
            {"a": "1", "b": "2"},
            {"a": "3", "b": "4"},
            {"ids": ["3", "Region:34", "4"]},
        ),
    ],
)
def test_values_are_those_of_the_request_that_is_bound(text: str, one: Json, other: Json, expected: Json) -> None:
    arguments, _ = arguments_of(text, one)
    values = PLANNER.variables(operation_of(text), other)
    assert not isinstance(values, list)
    found = values_of(arguments, values.coerced)
    assert {name: found[name] for name in expected} == expected


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "search": st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
        "deciles": st.none()
        | st.fixed_dictionaries({}, optional={"from": st.integers(1, 10), "to": st.integers(1, 10)}),
        "statuses": st.none() | st.lists(st.sampled_from(["ACTIVE", "MOVED", "NOT_FOUND"]), max_size=3),
    },
)


def with_enums(given_: Json) -> Json:
    if given_.get("statuses") is None:
        return given_
    return {**given_, "statuses": [FamilyStatus[name] for name in given_["statuses"]]}


@REPEATABLE
@given(FILTERS)
def test_an_input_object_reads_alike_from_a_literal_and_from_a_variable(filter_: Json) -> None:
    type_ = cast("GraphQLInputType", SCHEMA.type_map["FamilyFilter"])
    literal = ast_from_value(with_enums(filter_), type_)
    assert literal is not None
    written = read(f"{{ families(filter: {print_ast(literal)}) {{ totalCount }} }}")
    assert written == read("query ($f: FamilyFilter) { families(filter: $f) { totalCount } }", f=filter_)


def test_a_list_that_holds_variables_is_read_from_each_request_and_keeps_nothing_of_the_first() -> None:
    text = "query($first: ID!, $second: ID!) { nodes(ids: [$first, $second]) { id } }"
    arguments, _ = arguments_of(text, {"first": "of the first request", "second": "of the first request"})
    (getter,) = [argument.getter for argument in arguments.values()]
    assert getter({"first": "a", "second": "b"}) == ["a", "b"]
    kept = [cell.cell_contents for cell in getter.__closure__ or ()]
    assert "of the first request" not in repr(kept)
