"""Reading memberships, and what the regulation of their segment says."""

from datetime import date
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.insurance.errors import MembershipUnknown, MemberUnknown, SegmentUnregulated
from app.domain.bansos.insurance.people import people
from app.domain.bansos.models.insurance import MembershipState, Segment, health_membership, health_segment_rule
from app.domain.registry.enums import Sex
from app.domain.registry.models import person
from app.tenants.region_path import Span

Key: TypeAlias = tuple[int, UUID]
"""The regency and the id of a row."""


class Member(NamedTuple):
    """A person of the registry who is, or may become, a member."""

    regency_id: int
    id: UUID
    village_id: int
    family_id: UUID | None
    birth_date: date | None
    segment: str | None
    present: bool
    gone: str | None


class SegmentRule(NamedTuple):
    """What the regulation in force on a day says of a segment."""

    reactivation_months: int
    newborn_days: int


class Membership(NamedTuple):
    """A membership that was written: what an answer and the audit trail need."""

    regency_id: int
    id: UUID
    person_id: UUID
    village_id: int

    @property
    def key(self) -> Key:
        """Regency and id."""
        return self.regency_id, self.id

    @property
    def villages(self) -> Span:
        """Where it is."""
        return Span(self.village_id, self.village_id)


async def member(session: AsyncSession, key: Key, on: date) -> Member:
    """A person in the scope of ``session``.

    Raises:
        MemberUnknown: there is none.
    """
    found = people(on).subquery()
    row = (
        await session.execute(sa.select(found).where(found.c.regency_id == key[0], found.c.id == key[1]))
    ).one_or_none()
    if row is None:
        raise MemberUnknown
    return Member(*row)


async def locked_membership(session: AsyncSession, key: Key) -> "sa.Row[Any]":
    """The row of a membership in the scope of ``session``, which nobody else changes until the transaction ends.

    Raises:
        MembershipUnknown: there is none.
    """
    row = (await session.execute(sa.select(health_membership).where(at(key)).with_for_update())).one_or_none()
    if row is None:
        raise MembershipUnknown
    return row


def at(key: Key) -> sa.ColumnElement[bool]:
    """The row of a key."""
    return sa.and_(health_membership.c.regency_id == key[0], health_membership.c.id == key[1])


async def segment_rule(session: AsyncSession, segment: Segment, on: date) -> SegmentRule:
    """What was in force of a segment on a day.

    Raises:
        SegmentUnregulated: nothing.
    """
    rule = health_segment_rule.c
    row = (
        await session.execute(
            sa.select(rule.reactivation_months, rule.newborn_days)
            .where(rule.segment == segment.value, rule.valid_from <= on)
            .order_by(rule.valid_from.desc())
            .limit(1)
        )
    ).one_or_none()
    if row is None:
        raise SegmentUnregulated(on)
    return SegmentRule(*row)


async def last_day_of_person(session: AsyncSession, regency_id: int, person_id: UUID) -> date | None:
    """The last day of the newest stretch of membership of a person that has ended."""
    c = health_membership.c
    last: date | None = await session.scalar(
        sa.select(sa.func.max(c.valid_to)).where(c.regency_id == regency_id, c.person_id == person_id)
    )
    return last


async def is_member_mother(session: AsyncSession, key: Key, child: Member, segment: Segment) -> bool:
    """Whether the person with ``key`` may be the mother of ``child`` as the registry has them, and is an active member of ``segment``.

    Who is whose mother the registry does not say: a woman of the same family may be.
    """
    c, p = health_membership.c, person.c
    found: bool | None = await session.scalar(
        sa.select(
            sa.exists().where(
                p.regency_id == key[0],
                p.id == key[1],
                p.sex == Sex.FEMALE,
                p.family_id == child.family_id,
                c.regency_id == p.regency_id,
                c.person_id == p.id,
                c.segment == segment.value,
                c.state == MembershipState.ACTIVE.value,
            )
        )
    )
    return bool(found)
