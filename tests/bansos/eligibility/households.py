"""Families made for one test, written under a scope and never committed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.bansos.eligibility.decisions import decided
from app.domain.bansos.models.programmes import Benefit
from app.domain.bansos.terms import Component, Rule, Terms
from app.domain.registry.enums import (
    Difficulty,
    EducationLevel,
    FamilyRelationship,
    FamilyStatus,
    IdentityStatus,
    Presence,
    RegistryScheme,
    SchoolParticipation,
    Sex,
)
from app.domain.registry.models import DIFFICULTIES, family, person, welfare_rank
from app.tenants.region_path import Span

ON: Final = date(2026, 1, 1)
Columns = dict[str, Any]


def born(age: int, on: date = ON) -> date:
    """A birth date of somebody who is ``age`` years old ``on`` that day, half a year ago."""
    return date(on.year - age - 1, (on.month + 5) % 12 + 1, 15)


def member(
    age: int | None = 30, relationship: FamilyRelationship = FamilyRelationship.CHILD, **columns: Any
) -> Columns:
    """A person who lives with the family, all of whose functions are well; ``columns`` are those of ``person``."""
    return {
        "name": "Uji",
        "sex": Sex.FEMALE,
        "presence": Presence.PRESENT,
        "identity_status": IdentityStatus.MATCHED,
        "relationship": relationship,
        "birth_date": None if age is None else born(age),
        "pregnant": False,
        **{f"difficulty_{function}": Difficulty.NONE for function in DIFFICULTIES},
        **columns,
    }


def head(age: int | None = 40, **columns: Any) -> Columns:
    """The head of a family."""
    return member(age, FamilyRelationship.HEAD, **columns)


def pupil(age: int, level: EducationLevel, **columns: Any) -> Columns:
    """A child who goes to school."""
    return member(age, school_participation=SchoolParticipation.ATTENDING, education_level=level, **columns)


@dataclass(frozen=True)
class Household:
    """A family and its persons, by their columns."""

    members: Sequence[Columns]
    columns: Columns = field(default_factory=dict)
    percentile: int | None = None


def household(*members: Columns, percentile: int | None = None, **columns: Any) -> Household:
    """An active family of decile 2 unless ``columns`` of ``family`` say otherwise."""
    return Household(members, {"decile": 2, "status": FamilyStatus.ACTIVE, **columns}, percentile)


@dataclass(frozen=True)
class Registry:
    """A regency in which nobody lives but those whom the test registers."""

    session: AsyncSession
    village_id: int
    edition_id: int

    @property
    def regency_id(self) -> int:
        return self.village_id // 1_000_000

    async def register(self, *households: Household) -> list[tuple[UUID, list[UUID]]]:
        """The ids of the families, each with those of its members."""
        common = {"regency_id": self.regency_id, "village_id": self.village_id}
        ids: list[tuple[UUID, list[UUID]]] = []
        for each in households:
            family_id, members = uuid7(), [uuid7() for _ in each.members]
            ids.append((family_id, members))
            row = {**common, "id": family_id, "edition_id": self.edition_id, "head_name": "Uji", **each.columns}
            await self.session.execute(sa.insert(family).values(row))
            for member_id, columns in zip(members, each.members, strict=True):
                await self.session.execute(
                    sa.insert(person).values({**common, "id": member_id, "family_id": family_id, **columns})
                )
            if each.percentile is not None:
                rank = {
                    "id": uuid7(),
                    "family_id": family_id,
                    "scheme": RegistryScheme.DTSEN,
                    "edition_id": self.edition_id,
                    "decile": (each.percentile - 1) // 10 + 1,
                    "percentile": each.percentile,
                    "ranked_on": ON,
                }
                await self.session.execute(sa.insert(welfare_rank).values({**common, **rank}))
        return ids

    async def decide(self, terms: Terms, on: date | None = None) -> dict[UUID, Any]:
        """What becomes of each family that is registered, by its id."""
        chosen = decided(terms, on=on or terms.period_start, families=lambda f: [f.c.regency_id == self.regency_id])
        return {row.family_id: row for row in await self.session.execute(chosen)}

    async def decide_one(self, terms: Terms, given: Household) -> Any:
        """What becomes of one family."""
        ((family_id, _),) = await self.register(given)
        return (await self.decide(terms))[family_id]


def rule(condition: str, code: str = "UJI", number: int = 1) -> Rule:
    return Rule(number, code, condition, "memenuhi", "met", "tidak memenuhi", "not met")


def component(condition: str, amount: int, code: str, most: int | None = None) -> Component:
    return Component(code, code.lower(), code.lower(), condition, most, amount)


def terms(
    *rules: Rule,
    components: Sequence[Component] = (),
    amount: int | None = None,
    most_persons: int | None = None,
) -> Terms:
    """Terms of a programme for the first quarter of 2026."""
    return Terms(
        programme_code="UJI",
        version=1,
        name="Program Uji",
        name_english="Programme of tests",
        benefit=Benefit.CASH,
        villages=Span(0, 9_999_999_999),
        period_start=ON,
        period_end=date(2026, 3, 31),
        months=3,
        amount=amount if components else amount or 600_000,
        most_persons=most_persons,
        second_approval_above=None,
        idle_days=None,
        rules=tuple(rules),
        components=tuple(components),
    )
