"""The job that looks through the memberships of a region, one regency after the other, each in a transaction of its own.

In each: whom the registry names as a member, and who never was one here, is taken over; memberships follow their persons to another
village; and every active membership is marked that may have to end, or is marked no longer. Nobody is ended by it: that takes a decree.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.bansos.insurance.errors import ReviewUnknown
from app.domain.bansos.insurance.people import people
from app.domain.bansos.insurance.targets import above_target
from app.domain.bansos.models.insurance import (
    DeactivationReason,
    MembershipState,
    Segment,
    health_membership,
    membership_review,
)
from app.domain.jobs.work import Work
from app.tenants.region_path import Span
from app.tenants.scope import REGENCY_WIDTH, TenantScope

_OPERATION: Final = "membershipReview"
_ID: Final = pg.UUID(as_uuid=True)


@dataclass(frozen=True, slots=True)
class Reviewer:
    """On whose behalf it is done: what rows and the audit trail keep."""

    principal_id: UUID
    name: str
    roles: tuple[str, ...]
    permission: str


@dataclass(frozen=True, slots=True)
class _Found:
    """What was done to a regency, in memberships."""

    taken_over: int = 0
    looked_at: int = 0
    at_risk: int = 0
    changed: int = 0


async def review(work: Work, scope: TenantScope, reviewer: Reviewer) -> None:
    """Do the review that ``work`` is about, from where an earlier attempt has left it.

    Raises:
        ReviewUnknown: it lies beyond ``scope`` by now.
    """
    total = work.villages.high // REGENCY_WIDTH - work.villages.low // REGENCY_WIDTH + 1
    while (done_to := await _one(work, scope, reviewer)) is not None:
        await work.progress(done_to - work.villages.low // REGENCY_WIDTH + 1, total, stage="REVIEWING")


async def _one(work: Work, scope: TenantScope, reviewer: Reviewer) -> int | None:
    """Look through the next regency; its id, None where none is left."""
    table = membership_review
    mine = sa.and_(table.c.regency_id == work.villages.low // REGENCY_WIDTH, table.c.id == work.subject_id)
    async with work.database.write(scope) as session:
        row = (await session.execute(sa.select(table).where(mine).with_for_update())).one_or_none()
        if row is None:
            raise ReviewUnknown
        if row.finished_at is not None:
            return None
        villages = await _next(session, row)
        if villages is None:
            await session.execute(sa.update(table).where(mine).values(finished_at=sa.func.now()))
            return None
        regency_id: int = villages.low // REGENCY_WIDTH
        found = await review_villages(
            session, villages, on=row.reviewed_on, made_by=reviewer.principal_id, name=reviewer.name
        )
        await session.execute(
            sa.update(table)
            .where(mine)
            .values(
                done_to=regency_id,
                taken_over=table.c.taken_over + found.taken_over,
                looked_at=table.c.looked_at + found.looked_at,
                at_risk=table.c.at_risk + found.at_risk,
            )
        )
        if found.changed:
            await append_events(session, [_event(work, reviewer, villages, found.changed)])
    return regency_id


async def _next(session: AsyncSession, row: Any) -> Span | None:
    """The villages of the next regency that holds persons, as far as the review is about them."""
    persons = people(row.reviewed_on).subquery().c
    low = max(row.village_low, (row.done_to + 1) * REGENCY_WIDTH)
    first: int | None = await session.scalar(
        sa.select(persons.village_id)
        .where(persons.village_id.between(low, row.village_high))
        .order_by(persons.village_id)
        .limit(1)
    )
    if first is None:
        return None
    start = first // REGENCY_WIDTH * REGENCY_WIDTH
    return Span(max(start, row.village_low), min(start + REGENCY_WIDTH - 1, row.village_high))


async def review_villages(session: AsyncSession, villages: Span, *, on: date, made_by: UUID, name: str) -> _Found:
    """Look through ``villages``, all of one regency, as of the day ``on``. Doing it again on that day changes nothing."""
    taken_over = await take_over(session, villages, on=on, made_by=made_by, name=name)
    followed = await _follow(session, villages, on)
    marked = await _mark(session, villages, on)
    c = health_membership.c
    here = (*_here(villages), c.state == MembershipState.ACTIVE.value)
    looked_at, at_risk = (
        await session.execute(sa.select(sa.func.count(), sa.func.count(c.risk_reason)).where(*here))
    ).one()
    return _Found(taken_over, looked_at, at_risk, taken_over + followed + marked)


def _here(villages: Span) -> tuple[sa.ColumnElement[bool], ...]:
    c = health_membership.c
    return c.regency_id == villages.low // REGENCY_WIDTH, c.village_id.between(villages.low, villages.high)


async def take_over(session: AsyncSession, villages: Span, *, on: date, made_by: UUID, name: str) -> int:
    """Open a membership for each person whom the registry names as a member, and for whom there never was one here; how many.

    They count from ``on``: since when they are members the registry does not say. Who was born later was no member then, and is left
    to a review as of a later day.
    """
    p = people(on).subquery().c
    m = health_membership
    known = sa.exists().where(m.c.regency_id == p.regency_id, m.c.person_id == p.id)
    # The id is made of the person and the segment: whoever is taken over twice at once is taken over once.
    identifier = sa.cast(sa.func.md5(sa.func.concat("registry:", p.id, ":", p.segment)), _ID)
    values: dict[str, Any] = {
        "regency_id": p.regency_id,
        "id": identifier,
        "village_id": p.village_id,
        "family_id": p.family_id,
        "person_id": p.id,
        "segment": p.segment,
        "state": sa.literal(MembershipState.ACTIVE.value),
        "valid_from": sa.literal(on, sa.Date()),
        "made_by": sa.literal(made_by, _ID),
        "made_by_name": sa.literal(name),
        "made_at": sa.func.now(),
        "state_at": sa.func.now(),
    }
    source = sa.select(*values.values()).where(
        p.regency_id == villages.low // REGENCY_WIDTH,
        p.village_id.between(villages.low, villages.high),
        p.present,
        p.segment.in_([segment.value for segment in Segment]),
        sa.or_(p.birth_date.is_(None), p.birth_date <= on),
        ~known,
    )
    done = await session.execute(pg.insert(m).from_select(list(values), source).on_conflict_do_nothing())
    return _rows(done)


async def _follow(session: AsyncSession, villages: Span, on: date) -> int:
    """Have memberships follow their persons to another village or family of the review."""
    p, c = people(on).subquery().c, health_membership.c
    moved = sa.or_(c.village_id != p.village_id, c.family_id.is_distinct_from(p.family_id))
    done = await session.execute(
        sa.update(health_membership)
        .values(village_id=p.village_id, family_id=p.family_id, version=c.version + 1)
        .where(
            *_here(villages),
            c.state == MembershipState.ACTIVE.value,
            p.regency_id == c.regency_id,
            p.id == c.person_id,
            p.village_id.between(villages.low, villages.high),
            moved,
        )
    )
    return _rows(done)


async def _mark(session: AsyncSession, villages: Span, on: date) -> int:
    """Mark the active memberships that may have to end, with the reason and since when; take the mark off those that need not."""
    c = health_membership.c
    found = (await _judged(session, villages, on)).subquery()
    done = await session.execute(
        sa.update(health_membership)
        .values(
            risk_reason=found.c.reason,
            risk_since=sa.case((found.c.reason.is_not(None), sa.literal(on, sa.Date()))),
            version=c.version + 1,
        )
        .where(
            c.regency_id == found.c.regency_id,
            c.id == found.c.id,
            c.risk_reason.is_distinct_from(found.c.reason),
        )
    )
    return _rows(done)


async def _judged(session: AsyncSession, villages: Span, on: date) -> sa.Select[Any]:
    """Each active membership of ``villages``, with the reason why it may have to end: regency_id, id, reason (null: there is none).

    Members meet the families above the target in a window over each family, and not by a join: of memberships that were just opened
    the planner knows nothing, takes them for one, and would decide about all families once for each member.
    """
    m, registered = health_membership.alias(), people(on).subquery()
    p = registered.c
    member = (
        sa.select(m.c.regency_id, m.c.id, p.family_id, m.c.segment, p.gone, sa.false().label("above"))
        .join(registered, sa.and_(p.regency_id == m.c.regency_id, p.id == m.c.person_id))
        .where(
            m.c.regency_id == villages.low // REGENCY_WIDTH,
            m.c.village_id.between(villages.low, villages.high),
            m.c.state == MembershipState.ACTIVE.value,
        )
    )
    nothing = sa.cast(sa.null(), sa.Text())
    above = [
        sa.select(
            sa.cast(sa.null(), sa.Integer()),
            sa.cast(sa.null(), _ID),
            families.c.family_id,
            sa.literal(segment.value, sa.Text()),
            nothing,
            sa.true(),
        )
        for segment in Segment
        if (beyond := await above_target(session, segment, villages, on)) is not None
        for families in (beyond.subquery(),)
    ]
    both = sa.union_all(member, *above).subquery().c
    too_high = sa.func.bool_or(both.above).over(partition_by=(both.family_id, both.segment))
    high = sa.case((too_high, DeactivationReason.DECILE_TOO_HIGH.value))
    judged = sa.select(both.regency_id, both.id, sa.func.coalesce(both.gone, high).label("reason")).subquery()
    return sa.select(judged).where(judged.c.id.is_not(None))


def _rows(done: Any) -> int:
    changed: int = done.rowcount
    return changed


def _event(work: Work, reviewer: Reviewer, villages: Span, changed: int) -> Event:
    return Event(
        action=Action.CHANGE,
        principal_id=reviewer.principal_id,
        roles=reviewer.roles,
        permission=reviewer.permission,
        operation=_OPERATION,
        document_hash=None,
        subject_type="MembershipReview",
        # asyncpg has a UUID of its own, which the audit trail cannot print.
        subject_ids=(UUID(int=work.subject_id.int),),
        row_count=changed,
        purpose=None,
        request_id=str(work.job_id),
        village_low=villages.low,
        village_high=villages.high,
    )
