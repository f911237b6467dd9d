"""Changing programmes: terms are proposed by one and confirmed or rejected by another; quotas are set.

Each function works in the transaction of its session. A programme is changed by whoever holds the whole region in which it runs; to
others it does not exist here, though everybody may read it. None commits.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.bansos.models.cycles import aid_cycle
from app.domain.bansos.models.programmes import (
    TermsState,
    legal_basis,
    programme,
    programme_quota,
    programme_terms,
)
from app.domain.bansos.programmes.drafts import Check, Draft, check_draft
from app.domain.bansos.programmes.errors import (
    LegalBasisUnknown,
    OwnProposal,
    ProgrammeUnknown,
    ProposalPending,
    QuotaInvalid,
    QuotaRegionUnknown,
    ReasonInvalid,
    TermsDecided,
    TermsOutOfStep,
    TermsOverlap,
    TermsUnknown,
)
from app.domain.bansos.programmes.periods import YEARS, begins_period
from app.tenants.region_path import RegionLevel, RegionPath, Span
from app.tenants.scope import TenantScope

LONGEST_REASON: Final = 1_000
MOST_FAMILIES: Final = 10_000_000
_TURN: Final = sa.text("select pg_advisory_xact_lock(hashtext('programme'), hashtext(:code))")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and where they may do it."""

    id: UUID
    name: str
    scope: TenantScope


@dataclass(frozen=True, slots=True)
class ChangedTerms:
    """Terms that were proposed or decided on."""

    id: UUID
    programme_code: str
    version: int
    villages: Span
    """Of the programme."""


@dataclass(frozen=True, slots=True)
class ChangedQuota:
    """A quota that was set."""

    regency_id: int
    id: UUID
    villages: Span


async def terms_propose(session: AsyncSession, actor: Actor, code: str, draft: Draft, *, check: Check) -> ChangedTerms:
    """Propose ``draft`` as the next terms of the programme ``code``; they count once another person confirms them.

    Raises:
        ProgrammeUnknown: there is none that ``actor`` may change.
        TermsInvalid, LegalBasisUnknown, TermsOverlap, TermsOutOfStep: the terms cannot be so, as ``fields`` say.
        ProposalPending: others wait for a decision.
    """
    villages = await _own_programme(session, actor, code)
    check_draft(draft, check)
    await _check_basis(session, draft)
    await session.execute(_TURN, {"code": code})
    await _check_beginning(session, code, draft.valid_from)
    row = programme_terms.c
    of_programme = row.programme_code == code
    if await session.scalar(sa.select(sa.exists().where(of_programme, row.state == TermsState.PROPOSED.value))):
        raise ProposalPending
    last = await session.scalar(sa.select(sa.func.coalesce(sa.func.max(row.version), 0)).where(of_programme))
    terms = ChangedTerms(uuid7(), code, (last or 0) + 1, villages)
    await session.execute(
        sa.insert(programme_terms).values(
            programme_code=code,
            version=terms.version,
            id=terms.id,
            state=TermsState.PROPOSED.value,
            proposed_by=actor.id,
            proposed_by_name=actor.name,
            proposed_at=sa.func.now(),
            **draft.columns,
        )
    )
    for table, rows in draft.rows(code, terms.version).items():
        if rows:
            await session.execute(sa.insert(table), rows)
    return terms


async def terms_confirm(session: AsyncSession, actor: Actor, terms_id: UUID) -> ChangedTerms:
    """Make proposed terms count.

    Raises:
        TermsUnknown: there are none that ``actor`` may decide on.
        OwnProposal: ``actor`` has proposed them.
        TermsDecided: they do not wait any more.
        TermsOverlap, TermsOutOfStep: a cycle was made meanwhile for a period in which they would count.
    """
    row, villages = await _waiting(session, actor, terms_id)
    await _check_beginning(session, row.programme_code, row.valid_from)
    return await _decide(session, actor, row, villages, TermsState.ACTIVE, reason=None)


async def terms_reject(session: AsyncSession, actor: Actor, terms_id: UUID, *, reason: str) -> ChangedTerms:
    """Turn proposed terms down.

    Raises:
        TermsUnknown: there are none that ``actor`` may decide on.
        ReasonInvalid: no reason is given, or a very long one.
        OwnProposal: ``actor`` has proposed them.
        TermsDecided: they do not wait any more.
    """
    said = reason.strip()
    if not 0 < len(said) <= LONGEST_REASON or not said.replace("\n", " ").isprintable():
        raise ReasonInvalid(LONGEST_REASON)
    row, villages = await _waiting(session, actor, terms_id)
    return await _decide(session, actor, row, villages, TermsState.REJECTED, reason=said)


async def quota_set(
    session: AsyncSession, actor: Actor, code: str, *, regency: RegionPath, year: int, families: int, source: str
) -> ChangedQuota:
    """Set how many families of ``regency`` the programme ``code`` may reach in ``year``; ``source`` is the decree that says so.

    Raises:
        ProgrammeUnknown: there is none that ``actor`` may change.
        QuotaRegionUnknown: the region is no regency or city in which the programme runs.
        QuotaInvalid: another input cannot be, as ``fields`` say.
    """
    villages = await _own_programme(session, actor, code)
    said = source.strip()
    if year not in YEARS:
        raise QuotaInvalid("year", f"{YEARS.start} - {YEARS.stop - 1}")
    if not 0 <= families <= MOST_FAMILIES:
        raise QuotaInvalid("families", f"0 - {MOST_FAMILIES}")
    if not 0 < len(said) <= LONGEST_REASON or not said.isprintable():
        raise QuotaInvalid("source", f"1 - {LONGEST_REASON}")
    if regency.level is not RegionLevel.REGENCY or not villages.holds(regency.villages):
        raise QuotaRegionUnknown(regency)
    span = regency.villages
    statement = pg.insert(programme_quota).values(
        regency_id=regency.id,
        programme_code=code,
        year=year,
        id=uuid7(),
        village_low=span.low,
        village_high=span.high,
        families=families,
        source=said,
        updated_at=sa.func.clock_timestamp(),
    )
    new = statement.excluded
    upsert = statement.on_conflict_do_update(
        index_elements=["regency_id", "programme_code", "year"],
        set_={"families": new.families, "source": new.source, "updated_at": new.updated_at},
    ).returning(programme_quota.c.id)
    identifier = (await session.execute(upsert)).scalar_one()
    return ChangedQuota(regency.id, identifier, span)


async def _own_programme(session: AsyncSession, actor: Actor, code: str) -> Span:
    row = programme.c
    found = (await session.execute(sa.select(row.village_low, row.village_high).where(row.code == code))).one_or_none()
    if found is None or not _holds(actor.scope, Span(*found)):
        raise ProgrammeUnknown
    return Span(*found)


def _holds(scope: TenantScope, villages: Span) -> bool:
    return any(span.holds(villages) for span in scope.spans)


async def _check_basis(session: AsyncSession, draft: Draft) -> None:
    if draft.legal_basis_id is None:
        return
    row, day = legal_basis.c, draft.valid_from
    in_force = sa.and_(row.valid_from <= day, sa.func.coalesce(row.valid_to >= day, sa.true()))
    if not await session.scalar(sa.select(sa.exists().where(row.id == draft.legal_basis_id, in_force))):
        raise LegalBasisUnknown


async def _check_beginning(session: AsyncSession, code: str, first: date) -> None:
    """Make sure that terms that begin on ``first`` count in no period that has other terms in force or a cycle."""
    row = programme_terms.c
    active = sa.select(row.valid_from, row.period_months).where(
        row.programme_code == code, row.state == TermsState.ACTIVE.value
    )
    before = (await session.execute(active.order_by(row.valid_from.desc()).limit(1))).one_or_none()
    cycle = aid_cycle.c
    paid_until: date | None = await session.scalar(
        sa.select(sa.func.max(cycle.period_end)).where(cycle.programme_code == code)
    )
    taken = [day for day in (before and before.valid_from, paid_until) if day is not None]
    if taken and first <= max(taken):
        raise TermsOverlap(max(taken))
    if before is not None and not begins_period(first, before.period_months):
        raise TermsOutOfStep(before.period_months)


async def _waiting(session: AsyncSession, actor: Actor, terms_id: UUID) -> tuple[Any, Span]:
    row = programme_terms.c
    found = (
        await session.execute(
            sa.select(row.programme_code, row.version, row.id, row.valid_from, row.state, row.proposed_by)
            .where(row.id == terms_id)
            .with_for_update()
        )
    ).one_or_none()
    if found is None:
        raise TermsUnknown
    try:
        villages = await _own_programme(session, actor, found.programme_code)
    except ProgrammeUnknown:
        raise TermsUnknown from None
    if found.state != TermsState.PROPOSED.value:
        raise TermsDecided
    if found.proposed_by == actor.id:
        raise OwnProposal
    return found, villages


async def _decide(
    session: AsyncSession, actor: Actor, found: Any, villages: Span, state: TermsState, *, reason: str | None
) -> ChangedTerms:
    await session.execute(
        sa.update(programme_terms)
        .where(programme_terms.c.id == found.id)
        .values(
            state=state.value,
            reason=reason,
            confirmed_by=actor.id,
            confirmed_by_name=actor.name,
            confirmed_at=sa.func.now(),
        )
    )
    return ChangedTerms(found.id, found.programme_code, found.version, villages)
