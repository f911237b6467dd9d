"""Conditions as they are once they have been checked: what they compare, and of which type each part is."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from app.domain.base import Term


class Plain(Enum):
    """Types that are no list of terms."""

    BOOLEAN = "BOOLEAN"
    INTEGER = "INTEGER"


Kind: TypeAlias = Plain | type[Term]
"""The type of a fact or of a part of a condition: yes or no, a whole number, or one of the terms of a list."""


class Comparator(Enum):
    """How two values are compared, as CEL writes it."""

    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    EQUAL = "=="
    UNEQUAL = "!="


class Quantifier(Enum):
    """What is asked of the members together."""

    EXISTS = "exists"
    ALL = "all"
    EXISTS_ONE = "exists_one"
    COUNT = "size"


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the text."""

    value: bool | int | Term


@dataclass(frozen=True, slots=True)
class Value:
    """A fact of the family (``family.decile``), or of the person that is looked at."""

    of_family: bool
    fact: str


@dataclass(frozen=True, slots=True)
class Known:
    """Whether a fact is known: ``has(family.decile)``."""

    value: Value


@dataclass(frozen=True, slots=True)
class Not:
    """What holds where ``part`` does not."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class All:
    """What holds where each of ``parts`` does (``&&``)."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """What holds where one of ``parts`` does (``||``)."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison of two values of one type."""

    comparator: Comparator
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Whether a value is among ``values``."""

    part: "Node"
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """``condition ? then : otherwise``."""

    condition: "Node"
    then: "Node"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Members:
    """What is asked of those who live with the family; ``condition`` is about one of them. A count without one is of them all."""

    quantifier: Quantifier
    condition: "Node | None"


Node: TypeAlias = Literal | Value | Known | Not | All | Any | Compare | OneOf | Choice | Members
