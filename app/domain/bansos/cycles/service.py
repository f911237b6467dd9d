"""Making cycles and leading them from DRAFT to RELEASED: what mutations do in their transaction.

Maker, verifier, first and second approver are different people, by rule here and by CHECK in the table. What was released is not
changed any more; before that a new revision takes the place of one, and tells why.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.bansos.cycles.errors import (
    LONGEST_REASON,
    CycleChanged,
    CycleEmpty,
    CycleExists,
    CycleKeyUsed,
    CycleOfContributions,
    CyclePeriodOverlaps,
    CycleRegionTooSmall,
    CycleRegionUnknown,
    CycleSamePerson,
    CycleStateWrong,
    CycleUnknown,
    ReasonInvalid,
)
from app.domain.bansos.cycles.queries import (
    Cycle,
    Key,
    at,
    generation_of,
    living_cycles,
    locked_cycle,
    regencies_with_families,
)
from app.domain.bansos.models.cycles import CycleState, PaymentStep, aid_cycle, cycle_generation, entitlement
from app.domain.bansos.models.programmes import Benefit
from app.domain.bansos.programmes.queries import terms_for, terms_of_version
from app.domain.bansos.terms import Terms
from app.domain.jobs.models import JobKind
from app.domain.jobs.service import enqueue
from app.tenants.region_path import RegionLevel, RegionPath, Span
from app.tenants.scope import REGENCY_WIDTH
from app.tenants.sqlstates import INSUFFICIENT_PRIVILEGE, UNIQUE_VIOLATION, refused_as

GENERATED_AGAIN: Final = frozenset({CycleState.DRAFT, CycleState.GENERATED})
"""In these states the list is made anew; after them only a new revision changes it."""
REVISED: Final = GENERATED_AGAIN | {CycleState.VERIFIED, CycleState.APPROVED}


class Actor(NamedTuple):
    """Who acts."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation that a job does, or that was asked for before with the same key."""

    regency_id: int
    id: UUID
    villages: Span

    @property
    def key(self) -> Key:
        """Regency and id."""
        return self.regency_id, self.id


async def make(
    session: AsyncSession, actor: Actor, *, programme: str, period: date, region: RegionPath, idempotency_key: UUID
) -> Generation:
    """Have a cycle of ``programme`` for the period that begins on ``period`` generated in each regency of ``region`` with families.

    Cycles that are DRAFT or GENERATED are generated again, by whoever asks now.

    Raises:
        CycleRegionTooSmall, CycleRegionUnknown, CycleEmpty: there is nowhere to make cycles for the caller.
        ProgrammeUnknown, TermsUnknown, PeriodWrong: the programme has no such period.
        CycleOfContributions: it pays for the insurance of persons, and families nothing.
        CycleExists: a cycle of the period is VERIFIED or further; nothing is made in the other regencies either.
        CyclePeriodOverlaps: the programme pays for part of the period otherwise.
        CycleKeyUsed: the key belongs to something else.
    """
    if region.level.depth > RegionLevel.REGENCY.depth:
        raise CycleRegionTooSmall
    terms = await terms_for(session, programme, period)
    if terms.benefit is Benefit.HEALTH_INSURANCE:
        raise CycleOfContributions(programme)
    asked = _Asked(programme, period, region.villages, idempotency_key)
    with refused_as(lambda: CycleRegionUnknown(region), INSUFFICIENT_PRIVILEGE):
        made, is_new = await _generation(session, actor, asked)
    if not is_new:
        return made
    regencies = await _regencies(session, terms, region)
    there = await living_cycles(
        session, programme, (terms.period_start, terms.period_end), [each.id for each in regencies]
    )
    if others := [cycle for cycle in there if cycle.period_start != period]:
        raise CyclePeriodOverlaps(_where(others))
    if beyond := [cycle for cycle in there if cycle.state not in GENERATED_AGAIN]:
        raise CycleExists(_where(beyond))
    values = {**_list_of(terms, made.id), **_by(actor, "made")}
    for cycle in there:
        await session.execute(
            sa.update(aid_cycle)
            .where(at(aid_cycle, cycle.key))
            .values(
                **values,
                state=CycleState.DRAFT.value,
                families=None,
                entitled=None,
                amount=None,
                generated_at=None,
                version=aid_cycle.c.version + 1,
            )
        )
    known = {cycle.regency_id for cycle in there}
    new = [each.villages for each in regencies if each.id not in known]
    await _insert_cycles(session, [{**_place(villages), **values} for villages in new])
    await _enqueue(session, actor, made)
    return made


async def verify(session: AsyncSession, actor: Actor, key: Key, *, version: int) -> Cycle:
    """Say that the generated list was looked at and is right: GENERATED becomes VERIFIED.

    Raises:
        CycleUnknown, CycleChanged, CycleStateWrong: there is no such cycle in that state.
        CycleSamePerson: the actor has made it.
    """
    cycle = await _at_hand(session, key, version, {CycleState.GENERATED})
    _differs(actor, cycle.made_by)
    return await _change(session, cycle, state=CycleState.VERIFIED.value, **_by(actor, "verified"))


async def approve(session: AsyncSession, actor: Actor, key: Key, *, version: int) -> Cycle:
    """Approve a verified list. Above the amount that its terms name it stays VERIFIED until a second person approves it too.

    Raises:
        CycleUnknown, CycleChanged, CycleStateWrong: there is no such cycle in that state.
        CycleSamePerson: the actor has made, verified or approved it.
    """
    cycle = await _at_hand(session, key, version, {CycleState.VERIFIED})
    _differs(actor, cycle.made_by, cycle.verified_by, cycle.approved_by)
    if cycle.approved_by is not None:
        return await _change(session, cycle, state=CycleState.APPROVED.value, **_by(actor, "second_approved"))
    terms = await terms_of_version(session, cycle.programme_code, cycle.terms_version, cycle.period_start)
    limit = terms.second_approval_above
    two = limit is not None and (cycle.amount or 0) > limit
    state = CycleState.VERIFIED if two else CycleState.APPROVED
    return await _change(session, cycle, state=state.value, **_by(actor, "approved"))


async def release(session: AsyncSession, actor: Actor, key: Key, *, version: int) -> Cycle:
    """Give an approved list to payment: from now on it is not changed any more.

    Raises:
        CycleUnknown, CycleChanged, CycleStateWrong: there is no such cycle in that state.
    """
    cycle = await _at_hand(session, key, version, {CycleState.APPROVED})
    return await _change(session, cycle, state=CycleState.RELEASED.value, **_by(actor, "released"))


async def revise(
    session: AsyncSession, actor: Actor, key: Key, *, version: int, reason: str, idempotency_key: UUID
) -> Cycle:
    """Put a new revision in the place of a cycle that was not released, and have its list generated; the new cycle.

    Nobody receives anything by the old one: its entitlements are CANCELLED. The terms are those that hold by now.

    Raises:
        CycleUnknown, CycleChanged, CycleStateWrong: there is no such cycle, or it was released.
        ReasonInvalid: no reason, or one that is too long.
        CycleKeyUsed: the key belongs to something else.
    """
    cycle = await locked_cycle(session, key)
    if cycle is None:
        raise CycleUnknown
    asked = _Asked(cycle.programme_code, cycle.period_start, cycle.villages, idempotency_key, cycle.id)
    made, is_new = await _generation(session, actor, asked)
    if not is_new:
        return await _living(session, cycle)
    _may_go_on(cycle, version, REVISED)
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST_REASON:
        raise ReasonInvalid
    terms = await terms_for(session, cycle.programme_code, cycle.period_start)
    await _change(session, cycle, state=CycleState.SUPERSEDED.value)
    await session.execute(
        sa.update(entitlement)
        .where(entitlement.c.regency_id == cycle.regency_id, entitlement.c.cycle_id == cycle.id)
        .values(step=PaymentStep.CANCELLED.value, step_at=sa.func.now())
    )
    values = {**_place(cycle.villages), **_list_of(terms, made.id), **_by(actor, "made")}
    await _insert_cycles(session, [{**values, "revision": cycle.revision + 1, "reason": reason}])
    await _enqueue(session, actor, made)
    return await _living(session, cycle)


class _Asked(NamedTuple):
    """What is to be generated; ``revises`` is the cycle that a new revision replaces."""

    programme: str
    period: date
    villages: Span
    idempotency_key: UUID
    revises: UUID | None = None


async def _generation(session: AsyncSession, actor: Actor, asked: _Asked) -> tuple[Generation, bool]:
    """The generation that was asked for, and whether it is new.

    Raises:
        CycleKeyUsed: the key belongs to another one.
    """
    place = _place(asked.villages)
    # A second request with the same key waits here for the first one, and then finds its row.
    made: UUID | None = await session.scalar(
        pg.insert(cycle_generation)
        .values(
            **place,
            programme_code=asked.programme,
            period_start=asked.period,
            revises=asked.revises,
            idempotency_key=asked.idempotency_key,
            **_by(actor, "made"),
        )
        .on_conflict_do_nothing()
        .returning(cycle_generation.c.id)
    )
    if made is not None:
        return Generation(place["regency_id"], made, asked.villages), True
    found = await generation_of(session, place["regency_id"], asked.idempotency_key)
    if found is None or found.made_by != actor.id:
        raise CycleKeyUsed
    before = (found.programme_code, found.period_start, Span(found.village_low, found.village_high), found.revises)
    if before != (asked.programme, asked.period, asked.villages, asked.revises):
        raise CycleKeyUsed
    return Generation(found.regency_id, found.id, asked.villages), False


async def _regencies(session: AsyncSession, terms: Terms, region: RegionPath) -> list[RegionPath]:
    both = Span(max(terms.villages.low, region.villages.low), min(terms.villages.high, region.villages.high))
    found = await regencies_with_families(session, both) if both.low <= both.high else []
    if not found:
        raise CycleEmpty
    return found


async def _insert_cycles(session: AsyncSession, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    with refused_as(CycleChanged, UNIQUE_VIOLATION):
        await session.execute(sa.insert(aid_cycle).values(rows))


async def _enqueue(session: AsyncSession, actor: Actor, made: Generation) -> None:
    job_id = await enqueue(
        session,
        kind=JobKind.CYCLE_GENERATION,
        principal_id=actor.id,
        principal_name=actor.name,
        subject_id=made.id,
        villages=made.villages,
    )
    await session.execute(sa.update(cycle_generation).where(at(cycle_generation, made.key)).values(job_id=job_id))


async def _living(session: AsyncSession, cycle: Cycle) -> Cycle:
    """The revision that counts of ``cycle``, whichever that is."""
    period = (cycle.period_start, cycle.period_end)
    (living,) = [
        each
        for each in await living_cycles(session, cycle.programme_code, period, [cycle.regency_id])
        if each.period_start == cycle.period_start
    ]
    return living


async def _at_hand(session: AsyncSession, key: Key, version: int, states: Iterable[CycleState]) -> Cycle:
    cycle = await locked_cycle(session, key)
    if cycle is None:
        raise CycleUnknown
    _may_go_on(cycle, version, states)
    return cycle


def _may_go_on(cycle: Cycle, version: int, states: Iterable[CycleState]) -> None:
    if cycle.version != version:
        raise CycleChanged
    if cycle.state not in states:
        raise CycleStateWrong(cycle.state)


def _differs(actor: Actor, *before: UUID | None) -> None:
    # asyncpg has a UUID of its own, which equals that of Python.
    if actor.id in before:
        raise CycleSamePerson


async def _change(session: AsyncSession, cycle: Cycle, **values: Any) -> Cycle:
    changed = await session.execute(
        sa.update(aid_cycle)
        .where(at(aid_cycle, cycle.key))
        .values(**values, version=aid_cycle.c.version + 1)
        .returning(aid_cycle)
    )
    return Cycle.of_row(changed.one())


def _place(villages: Span) -> dict[str, Any]:
    return {
        "regency_id": villages.low // REGENCY_WIDTH,
        "id": uuid7(),
        "village_low": villages.low,
        "village_high": villages.high,
    }


def _list_of(terms: Terms, generation_id: UUID) -> dict[str, Any]:
    return {
        "programme_code": terms.programme_code,
        "terms_version": terms.version,
        "period_start": terms.period_start,
        "period_end": terms.period_end,
        "generation_id": generation_id,
    }


def _by(actor: Actor, prefix: str) -> dict[str, Any]:
    return {f"{prefix}_by": actor.id, f"{prefix}_by_name": actor.name, f"{prefix}_at": sa.func.now()}


def _where(cycles: Iterable[Cycle]) -> list[RegionPath]:
    return [RegionPath.of_id(cycle.regency_id) for cycle in cycles]
