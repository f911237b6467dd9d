"""Who may receive a programme, and how much: one statement for as many families as there are."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.bansos.eligibility.facts import FAMILY_FACTS, Sources, years_before
from app.domain.bansos.eligibility.language import Expression, Subject, parse
from app.domain.bansos.eligibility.sentences import named_facts
from app.domain.bansos.eligibility.sql import compiled
from app.domain.bansos.exclusions import Exclusion
from app.domain.bansos.terms import Component, Rule, Terms
from app.domain.registry.enums import FamilyStatus

ADULT_YEARS: Final = 18
_FIRST_DAY: Final = date(100, 1, 1)
_GONE: Final = {
    FamilyStatus.MOVED: Exclusion.FAMILY_MOVED,
    FamilyStatus.DISSOLVED: Exclusion.FAMILY_DISSOLVED,
    FamilyStatus.NOT_FOUND: Exclusion.FAMILY_NOT_FOUND,
}
OWN_EXCLUSIONS: Final = (*_GONE.values(), Exclusion.NO_RECIPIENT, Exclusion.NO_COMPONENT)
"""What a family is excluded for by its own row of ``decided``."""
Families = Callable[[sa.FromClause], list[sa.ColumnElement[bool]]]
"""Which families are looked at: conditions over the table ``family``."""


def decided(terms: Terms, *, on: date, families: Families) -> sa.Select[Any]:
    """One row for every family that ``families`` lets through, whatever its status, as it is on the day ``on``.

    Its columns: regency_id, village_id, family_id, status, decile, percentile; recipient_id (the head if living there, else the oldest
    adult who does; null: nobody) and head_presence; failed (code of the first rule that the family does not meet; null: it meets all);
    amount (whole rupiah of the period; null: no component applies) with components ([{component, person_id, amount}]; null where the
    amount is the same for all); facts (what the rules and their sentences name). A family that fails has its amount all the same.

    A person counts in the one component that pays most, of a component so many as it allows, and of all those the ``most_persons``
    that pay most. Of two that pay the same the one with the smaller code, and of two persons the one with the smaller id, goes first.

    Raises:
        RuleInvalid: a condition cannot be read.
    """
    sources = Sources(on)
    f = sources.family.c
    rules = [(rule, parse(rule.condition, Subject.FAMILY)) for rule in sorted(terms.rules)]
    components = _Components(terms, sources)
    gathered = (
        sa.select(
            f.regency_id,
            f.village_id,
            f.id.label("family_id"),
            sa.cast(f.status, sa.Text()).label("status"),
            f.decile,
            FAMILY_FACTS["percentile"].of(sources).label("percentile"),
            recipient(sources).label("recipient_id"),
            _head_presence(sources).label("head_presence"),
            _failed(rules, sources).label("failed"),
            _facts(rules, sources).label("facts"),
            *components.gathered,
        )
        .select_from(components.joined)
        .where(*families(sources.family))
        .group_by(f.regency_id, f.id)
        .subquery("gathered")
    )
    told = [column for column in gathered.c if column.name not in components.names]
    return sa.select(
        *told, components.amount(gathered).label("amount"), components.listed(gathered).label("components")
    )


def unmet(found: sa.FromClause) -> list[tuple[sa.ColumnElement[bool], Exclusion | None]]:
    """Why families of ``found``, rows of ``decided``, receive nothing, in the order in which it is told.

    None stands for the rule that ``failed`` names.
    """
    gone = [(found.c.status == status.value, exclusion) for status, exclusion in _GONE.items()]
    return [
        *gone,
        (found.c.failed.is_not(None), None),
        (found.c.recipient_id.is_(None), Exclusion.NO_RECIPIENT),
        (found.c.amount.is_(None), Exclusion.NO_COMPONENT),
    ]


def _failed(rules: Sequence[tuple[Rule, Expression]], sources: Sources) -> sa.ColumnElement[Any]:
    none = sa.cast(sa.null(), sa.Text())
    failing = [
        (compiled(condition.node, sources).is_not(sa.true()), sa.literal(rule.code, sa.Text()))
        for rule, condition in rules
    ]
    return sa.case(*failing, else_=none) if failing else none


def _facts(rules: Sequence[tuple[Rule, Expression]], sources: Sources) -> sa.ColumnElement[Any]:
    names = dict.fromkeys(name for rule, condition in rules for name in (*condition.family_facts, *named_facts(rule)))
    pairs = [
        part for name in names for part in (sa.literal(f"family.{name}", sa.Text()), FAMILY_FACTS[name].of(sources))
    ]
    return sa.func.jsonb_build_object(*pairs, type_=pg.JSONB())


def recipient(sources: Sources) -> sa.ColumnElement[Any]:
    """Who receives for a family of ``sources.joined``, grouped by family: the head if living there, else the oldest adult who does."""
    # The smallest of texts that sort as persons do: heads before others, older before younger (days since the year 100, six digits
    # for whoever lives), ids last. To sort the persons of each family would take longer than all the rest.
    p = sources.person.c
    adult = p.birth_date <= years_before(sources.day, ADULT_YEARS)
    days = sa.cast(p.birth_date - sa.literal(_FIRST_DAY, sa.Date()), sa.Text())
    key = sa.case((sources.heads, sa.literal("0", sa.Text())), (adult, sa.literal("1", sa.Text()) + days))
    ranked = sa.func.min(sa.collate(key + sa.cast(p.id, sa.Text()), "C")).filter(sources.living)
    return sa.cast(sa.func.right(ranked, 36), pg.UUID(as_uuid=True))


def _head_presence(sources: Sources) -> sa.ColumnElement[str | None]:
    presence = sources.person.c.presence
    living = sa.func.min(presence).filter(sources.heads, sources.living)
    return sa.cast(sa.func.coalesce(living, sa.func.min(presence).filter(sources.heads)), sa.Text())


class _Components:
    """What the components of ``terms`` add up to for a family."""

    def __init__(self, terms: Terms, sources: Sources) -> None:
        self._flat, self._most = terms.amount, terms.most_persons
        by_amount = sorted(terms.components, key=lambda each: (-each.amount, each.component))
        self._ordered: list[Component] = [] if terms.amount is not None else by_amount
        self._sources = sources
        self.names = [f"paid_{place}" for place in range(len(self._ordered))]
        self._best = self._best_of_person().lateral("best") if self._ordered else None

    def _best_of_person(self) -> sa.Select[Any]:
        """The place of the component that pays most for a person who lives with the family; null where none does."""
        living, person = self._sources.living, self._sources.person
        conditions = [
            (sa.and_(living, compiled(parse(each.condition, Subject.PERSON).node, self._sources)), _constant(place))
            for place, each in enumerate(self._ordered)
        ]
        # OFFSET 0 keeps PostgreSQL from working the CASE out once for each place where it is looked at.
        return sa.select(sa.case(*conditions).label("place")).offset(_constant(0)).correlate(person)

    @property
    def joined(self) -> sa.FromClause:
        """Families beside their persons, with the component of each."""
        joined = self._sources.joined
        return joined if self._best is None else joined.outerjoin(self._best, sa.true())

    @property
    def gathered(self) -> list[sa.ColumnElement[Any]]:
        """A column for each component, the best paid first: the entries of the persons who count in it, by their ids."""
        if self._best is None:
            return []
        return [
            sa.func.array_agg(pg.aggregate_order_by(self._entry(each), self._sources.person.c.id))
            .filter(self._best.c.place == _constant(place))
            .label(self.names[place])
            for place, each in enumerate(self._ordered)
        ]

    def _entry(self, component: Component) -> sa.ColumnElement[Any]:
        pairs = {
            "component": sa.literal(component.component, sa.Text()),
            "person_id": self._sources.person.c.id,
            "amount": sa.literal(component.amount, sa.BigInteger()),
        }
        parts = [part for name, value in pairs.items() for part in (sa.literal(name, sa.Text()), value)]
        return sa.func.jsonb_build_object(*parts, type_=pg.JSONB())

    def _paid(self, gathered: sa.FromClause) -> list[sa.ColumnElement[int]]:
        """For how many persons each component is paid: of a family's allowance those take first that pay more."""
        paid: list[sa.ColumnElement[int]] = []
        allowed: list[sa.ColumnElement[int]] = []
        for name, each in zip(self.names, self._ordered, strict=True):
            found = sa.func.coalesce(sa.func.cardinality(gathered.c[name]), 0)
            before = self._within(allowed)
            allowed.append(found if each.most_per_family is None else sa.func.least(found, each.most_per_family))
            paid.append(self._within(allowed) - before)
        return paid

    def _within(self, allowed: Sequence[sa.ColumnElement[int]]) -> sa.ColumnElement[int]:
        together = _sum(allowed)
        return together if self._most is None else sa.func.least(together, self._most)

    def amount(self, gathered: sa.FromClause) -> sa.ColumnElement[int | None]:
        """Rupiah of the period."""
        if self._flat is not None:
            return sa.literal(self._flat, sa.BigInteger())
        paid = zip(self._paid(gathered), self._ordered, strict=True)
        return sa.func.nullif(_sum([many * sa.literal(each.amount, sa.BigInteger()) for many, each in paid]), 0)

    def listed(self, gathered: sa.FromClause) -> sa.ColumnElement[Any]:
        """Which persons are paid for, and how much each."""
        if not self._ordered:
            return sa.cast(sa.null(), pg.JSONB())
        whole: sa.ColumnElement[Any] | None = None
        for name, many in zip(self.names, self._paid(gathered), strict=True):
            found = gathered.c[name]
            taken = sa.func.trim_array(found, sa.func.cardinality(found) - many)
            whole = taken if whole is None else sa.func.array_cat(whole, taken)
        nothing = sa.cast(sa.literal("[]", sa.Text()), pg.JSONB())
        return sa.func.nullif(sa.func.to_jsonb(whole), nothing, type_=pg.JSONB())


def _constant(number: int) -> sa.ColumnElement[int]:
    return sa.literal_column(str(number), sa.Integer())


def _sum(parts: Sequence[sa.ColumnElement[int]]) -> sa.ColumnElement[int]:
    total = parts[0] if parts else _constant(0)
    for part in parts[1:]:
        total = total + part
    return total
