"""The terms of a programme as they hold for one period: what decides who receives, and how much."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from app.domain.bansos.models.programmes import Benefit, Relation
from app.tenants.region_path import Span


class Rule(NamedTuple):
    """A condition that a family has to meet; the rule with the lowest number that it does not meet is why it receives nothing."""

    number: int
    code: str
    """Stable name of the reason, such as DECILE_TOO_HIGH."""
    condition: str
    """CEL over a family (docs/eligibility.md)."""
    met: str
    met_english: str
    unmet: str
    unmet_english: str
    """Parts of sentences; ``{family.decile}`` and other facts of the family stand for their values."""


class Component(NamedTuple):
    """What a person adds to the amount of a family. A person counts in the one component that pays most."""

    component: str
    name: str
    name_english: str
    condition: str
    """CEL over a person."""
    most_per_family: int | None
    amount: int
    """Whole rupiah a person for the period."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms in force for a period."""

    programme_code: str
    version: int
    name: str
    name_english: str
    benefit: Benefit
    villages: Span
    """Where the programme runs."""
    period_start: date
    period_end: date
    """The last day of the period."""
    months: int
    amount: int | None
    """Whole rupiah a family for the period; None: by components."""
    most_persons: int | None
    """Components count for this many persons at most, those that pay most."""
    second_approval_above: int | None
    idle_days: int | None
    rules: tuple[Rule, ...]
    """By number."""
    components: tuple[Component, ...]
    """None where the amount is the same for all."""


class RelatedProgramme(NamedTuple):
    """How a programme stands to another in a period, seen from the first."""

    other_code: str
    relation: Relation
