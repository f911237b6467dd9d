"""Coded values of the domain as GraphQL enums, with the Indonesian term of every value in its description."""

from enum import Enum
from typing import Any

import strawberry

from app.domain.audit.models import Purpose
from app.domain.base import Term
from app.domain.regions.models import CodeNamespace, Level, RegionChangeKind, RegionKind
from app.domain.registry import enums as registry_enums


def _described(terms: type[Term], name: str | None = None) -> None:
    """Make ``terms`` a GraphQL enum; fields may then be annotated with it."""
    strawberry.enum(terms, name=name, description=_first_line(terms))
    definition: Any = terms.__strawberry_definition__  # type: ignore[attr-defined]  # set by strawberry.enum
    for value, term in zip(definition.values, terms, strict=True):
        value.description = f"{term.indonesian[0].upper()}{term.indonesian[1:]}."


def described_by(descriptions: dict[Enum, str], name: str | None = None) -> None:
    """Make the enum of ``descriptions`` a GraphQL enum with these texts."""
    enum = type(next(iter(descriptions)))
    strawberry.enum(enum, name=name, description=_first_line(enum))
    definition: Any = enum.__strawberry_definition__  # type: ignore[attr-defined]  # set by strawberry.enum
    for value, member in zip(definition.values, enum, strict=True):
        value.description = descriptions[member]


def _first_line(enum: type[Enum]) -> str:
    return (enum.__doc__ or "").strip().splitlines()[0]


for _terms in vars(registry_enums).values():
    if isinstance(_terms, type) and issubclass(_terms, Term) and _terms is not Term:
        _described(_terms)
for _terms in (RegionKind, CodeNamespace, RegionChangeKind):
    _described(_terms)
_described(Level, "RegionLevel")
_described(Purpose, "RevealPurpose")
