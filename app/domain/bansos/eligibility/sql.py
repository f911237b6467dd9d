"""Conditions as SQL.

An unknown fact is NULL in SQL and an error in CEL. AND, OR and NOT treat the one as CEL's operators treat the other, so a condition is
true in SQL exactly where it is true in CEL; what is said of members together is written out to keep to that
(tests/bansos/eligibility/test_sql_and_cel.py).
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from app.domain.bansos.eligibility.facts import FAMILY_FACTS, PERSON_FACTS, Fact, Sources
from app.domain.bansos.eligibility.tree import (
    All,
    Choice,
    Comparator,
    Compare,
    Known,
    Literal,
    Members,
    Node,
    Not,
    OneOf,
    Quantifier,
    Value,
)
from app.domain.bansos.eligibility.tree import (
    Any as Either,
)
from app.domain.base import Term


def compiled(node: Node, sources: Sources) -> sa.ColumnElement[Any]:
    """``node`` over ``sources``: about a family in a statement that is grouped by family, about a person in any that reads persons."""
    return _COMPILERS[type(node)](node, sources)


def fact(value: Value) -> Fact:
    """The fact that ``value`` names."""
    return (FAMILY_FACTS if value.of_family else PERSON_FACTS)[value.fact]


def _not(part: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    # SQLAlchemy leaves the parentheses of NOT away where they matter: before IS NULL.
    return part == sa.false()


def _literal(value: bool | int | Term, beside: sa.ColumnElement[Any] | None) -> sa.ColumnElement[Any]:
    """A value that stands in the text, of the type of what it stands ``beside`` where that is a list of terms."""
    if isinstance(value, bool):
        return sa.literal(value, sa.Boolean())
    if isinstance(value, int):
        return sa.literal(value, sa.BigInteger())
    return sa.literal(value, beside.type if beside is not None else None)


def _all(node: All, sources: Sources) -> sa.ColumnElement[bool]:
    return sa.and_(*[compiled(part, sources) for part in node.parts])


def _either(node: Either, sources: Sources) -> sa.ColumnElement[bool]:
    return sa.or_(*[compiled(part, sources) for part in node.parts])


def _one_of(node: OneOf, sources: Sources) -> sa.ColumnElement[bool]:
    of = compiled(node.part, sources)
    return of.in_([_literal(each.value, of) for each in node.values])


def _choice(node: Choice, sources: Sources) -> sa.ColumnElement[Any]:
    chosen = compiled(node.condition, sources)
    return sa.case((chosen, compiled(node.then, sources)), (_not(chosen), compiled(node.otherwise, sources)))


_OPERATORS: Final[Mapping[Comparator, Callable[[Any, Any], Any]]] = {
    Comparator.LESS: operator.lt,
    Comparator.AT_MOST: operator.le,
    Comparator.MORE: operator.gt,
    Comparator.AT_LEAST: operator.ge,
    Comparator.EQUAL: operator.eq,
    Comparator.UNEQUAL: operator.ne,
}
_MIRRORED: Final = {
    Comparator.LESS: Comparator.MORE,
    Comparator.AT_MOST: Comparator.AT_LEAST,
    Comparator.MORE: Comparator.LESS,
    Comparator.AT_LEAST: Comparator.AT_MOST,
    Comparator.EQUAL: Comparator.EQUAL,
    Comparator.UNEQUAL: Comparator.UNEQUAL,
}


def _compared(node: Compare, sources: Sources) -> sa.ColumnElement[bool]:
    left, right, comparator = node.left, node.right, node.comparator
    if isinstance(left, Literal):
        left, right, comparator = right, left, _MIRRORED[comparator]
    if isinstance(left, Value) and isinstance(right, Literal) and isinstance(right.value, int):
        quick = fact(left).compared
        if quick is not None:
            return quick(sources, comparator, right.value)
    first = compiled(left, sources)
    second = _literal(right.value, first) if isinstance(right, Literal) else compiled(right, sources)
    compared: sa.ColumnElement[bool] = _OPERATORS[comparator](first, second)
    return compared


def _members(node: Members, sources: Sources) -> sa.ColumnElement[Any]:
    if node.condition is None:
        return sources.persons
    holds = compiled(node.condition, sources)

    def some(what: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        # Nobody lives there: null, which a CASE takes for no.
        return sa.func.bool_or(what).filter(sources.living)

    def unless_unknown(kind: sa.types.TypeEngine[Any]) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[Any]]:
        return some(holds.is_(None)), sa.cast(sa.null(), kind)

    how_many = sa.func.count().filter(sources.living, holds)
    match node.quantifier:
        case Quantifier.EXISTS:
            return sa.case((some(holds), sa.true()), unless_unknown(sa.Boolean()), else_=sa.false())
        case Quantifier.ALL:
            return sa.case((some(_not(holds)), sa.false()), unless_unknown(sa.Boolean()), else_=sa.true())
        case Quantifier.EXISTS_ONE:
            return sa.case(unless_unknown(sa.Boolean()), else_=how_many == 1)
        case Quantifier.COUNT:
            return sa.case(unless_unknown(sa.BigInteger()), else_=how_many)


_COMPILERS: Final[Mapping[type, Callable[[Any, Sources], sa.ColumnElement[Any]]]] = {
    Literal: lambda node, _sources: _literal(node.value, None),
    Value: lambda node, sources: fact(node).of(sources),
    Known: lambda node, sources: compiled(node.value, sources).is_not(None),
    Not: lambda node, sources: _not(compiled(node.part, sources)),
    All: _all,
    Either: _either,
    Compare: _compared,
    OneOf: _one_of,
    Choice: _choice,
    Members: _members,
}
