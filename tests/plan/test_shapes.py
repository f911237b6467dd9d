"""What of the variables decides the SQL, and so which plan is used."""

from typing import Any, cast

import pytest
from graphql import GraphQLBoolean, GraphQLInputType, GraphQLInt, GraphQLList, GraphQLNonNull, GraphQLString
from graphql.pyutils import Undefined
from hypothesis import given
from hypothesis import strategies as st

from app.domain.registry.enums import FamilyStatus, Sex
from app.schema.plan.arguments import shape_of
from app.schema.root import api
from tests.plan.evaluation import REPEATABLE


def input_type(name: str) -> GraphQLInputType:
    return cast("GraphQLInputType", api().planner.blueprint.schema.type_map[name])


FAMILIES = input_type("FamilyFilter")
PERSONS = input_type("PersonFilter")


@REPEATABLE
@given(st.text(), st.text())
def test_texts_do_not_decide(one: str, other: str) -> None:
    assert shape_of(GraphQLString, one) == shape_of(GraphQLString, other)
    assert shape_of(FAMILIES, {"search": one}) == shape_of(FAMILIES, {"search": other})


@REPEATABLE
@given(st.integers(), st.integers())
def test_numbers_do_not_decide(one: int, other: int) -> None:
    assert shape_of(GraphQLInt, one) == shape_of(GraphQLInt, other)
    assert shape_of(FAMILIES, {"deciles": {"from": one, "to": other}}) == shape_of(
        FAMILIES, {"deciles": {"from": other, "to": one}}
    )


def test_the_items_of_a_list_do_not_decide() -> None:
    one = shape_of(FAMILIES, {"statuses": [FamilyStatus.ACTIVE]})
    assert one == shape_of(FAMILIES, {"statuses": [FamilyStatus.MOVED, FamilyStatus.ACTIVE]})
    assert shape_of(GraphQLList(GraphQLInt), []) == shape_of(GraphQLList(GraphQLInt), [1])


def test_enum_values_decide() -> None:
    assert shape_of(PERSONS, {"sex": Sex.MALE}) != shape_of(PERSONS, {"sex": Sex.FEMALE})
    assert shape_of(PERSONS, {"sex": Sex.MALE}) == shape_of(PERSONS, {"sex": Sex.MALE})


def test_booleans_decide() -> None:
    assert shape_of(GraphQLBoolean, value=True) != shape_of(GraphQLBoolean, value=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"search": "a"}),
        ({"search": "a"}, {"search": None}),
        ({"search": "a"}, {"deciles": {"from": 1, "to": 2}}),
        ({"deciles": None}, {"deciles": {"from": 1, "to": 2}}),
        ({"statuses": []}, {"statuses": None}),
        ({}, None),
    ],
)
def test_presence_decides(one: dict[str, Any] | None, other: dict[str, Any] | None) -> None:
    assert shape_of(FAMILIES, one) != shape_of(FAMILIES, other)


def test_a_variable_that_is_absent_is_not_one_that_is_null() -> None:
    assert shape_of(GraphQLInt, None) != shape_of(GraphQLInt, Undefined)
    assert shape_of(GraphQLInt, None) != shape_of(GraphQLInt, 1)


@pytest.mark.parametrize("value", [None, {}, {"search": "a"}, {"deciles": {"from": 1, "to": 2}}])
def test_that_a_type_takes_no_null_does_not_decide(value: dict[str, Any] | None) -> None:
    assert shape_of(GraphQLNonNull(cast("Any", FAMILIES)), value) == shape_of(FAMILIES, value)
