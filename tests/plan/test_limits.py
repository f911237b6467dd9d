"""What a document may hold, decided before it is validated and in time that grows with its text alone."""

import sys
from collections.abc import Callable
from typing import Any, Final

import pytest
from graphql import GraphQLError, Lexer, Source, TokenKind, get_introspection_query, parse
from graphql.language import FieldNode, NameNode, OperationDefinitionNode, OperationType, SelectionSetNode
from graphql.language.ast import DocumentNode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries

from app.schema import errors
from app.schema.language import Language
from app.schema.plan.limits.measure import Measure, Meter
from app.schema.plan.limits.refusals import CostTooHigh, Limit, LimitExceeded
from app.schema.plan.limits.text import count_tokens
from app.schema.plan.planner import Document, Planner
from app.schema.root import api
from tests.plan.expansion import GARBAGE, VARIABLES, Expansion, documents

BLUEPRINT: Final = api().planner.blueprint
METER: Final = Meter(BLUEPRINT)
OF_ONE_OPERATION: Final = {
    Limit.LEVELS: "levels",
    Limit.ROOT_FIELDS: "root_fields",
    Limit.OBJECTS: "objects",
    Limit.FIELDS: "fields",
}
PATIENT: Final = settings(deadline=None, suppress_health_check=list(HealthCheck))


def read(text: str) -> Document | list[GraphQLError]:
    """Read ``text`` for the first time."""
    return Planner(BLUEPRINT).document(text)


def refused(text: str) -> Limit | None:
    """The limit that ``text`` is refused for, by the planner as a whole."""
    found = read(text)
    if isinstance(found, Document):
        return None
    (error,) = found
    assert isinstance(error.original_error, LimitExceeded), error
    return error.original_error.limit


def repeated(unit: str, times: int, joint: str = " ") -> str:
    return joint.join(unit.replace("#", str(number)) for number in range(times))


def region(selections: str) -> str:
    return f'{{ region(code: "33") {{ {selections} }} }}'


AT_THE_LIMIT: Final[dict[Limit, Callable[[int], str]]] = {
    Limit.CHARACTERS: lambda most: "{ __typename }".ljust(most),
    Limit.TOKENS: lambda most: "{ __typename }" + "#\n" * (most - 3),
    Limit.NESTING: lambda most: "{ __typename " + "... {" * (most - 1) + "__typename" + "}" * most,
    Limit.OPERATIONS: lambda most: repeated("query q# { __typename }", most),
    Limit.FRAGMENTS: lambda most: (
        f"{{ {repeated('...f#', most)} }} {repeated('fragment f# on Query { __typename }', most)}"
    ).replace("{ __typename }", "{ ... @skip(if: true) { __typename } }", 0),
    Limit.SPREADS: lambda most: region(repeated("...f", most)) + "fragment f on Region { name }",
    Limit.VARIABLES: lambda most: (
        f"query ({repeated('$a#: Int!', most)}) {{ region(code: 1) {{ {repeated('children(first: $a#) { nodes { name } }', 0)} }} }}"
    ),
    Limit.ALIASES: lambda most: region(repeated("a#: name", most)),
    Limit.DIRECTIVES: lambda most: region(repeated("a#: name @skip(if: true)", most)),
    Limit.LEVELS: lambda most: region("parent { " * (most - 1) + "name" + " }" * (most - 1)),
    Limit.ROOT_FIELDS: lambda most: f"{{ {repeated('a#: __typename', most)} }}",
    Limit.OBJECTS: lambda most: region(repeated("parent { name }", most - 1)),
    Limit.FIELDS: lambda most: region(repeated("name", most - 1)),
}
