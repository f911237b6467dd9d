"""Whom a segment is meant for: by the rules of the programme that pays its contributions, as they are in force on a day."""

from dataclasses import replace
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.eligibility.decisions import Families, decided
from app.domain.bansos.eligibility.sentences import why_not
from app.domain.bansos.models.insurance import DeactivationReason, Segment
from app.domain.bansos.programmes.errors import PeriodWrong, ProgrammeUnknown, TermsUnknown
from app.domain.bansos.programmes.periods import LENGTHS
from app.domain.bansos.programmes.queries import terms_for
from app.domain.bansos.terms import Terms
from app.tenants.region_path import Span

_PROGRAMMES: Final = {Segment.PBI_JK: "PBI_JK"}
"""The programme of a segment. What a region pays for it decides itself: of that the state knows no rule."""


class Unmet(NamedTuple):
    """Why a family does not meet the rules, as a sentence in both languages."""

    indonesian: str
    english: str


async def above_target(session: AsyncSession, segment: Segment, villages: Span, on: date) -> sa.Select[Any] | None:
    """The families of ``villages`` above the target deciles of the segment; None where no rule says so. Column: family_id.

    A family whose decile nobody knows is not above it.
    """
    terms = await _terms(session, segment, on)
    if terms is None:
        return None
    found = _decided(terms, on, lambda f: [f.c.village_id.between(villages.low, villages.high)])
    return sa.select(found.c.family_id).where(
        found.c.failed == DeactivationReason.DECILE_TOO_HIGH.value, found.c.decile.is_not(None)
    )


async def unmet_rule(
    session: AsyncSession, segment: Segment, regency_id: int, family_id: UUID | None, on: date
) -> Unmet | None:
    """The first rule of the segment that a family does not meet; None where it meets all."""
    terms = await _terms(session, segment, on)
    if terms is None:
        return None
    found = _decided(terms, on, lambda f: [f.c.regency_id == regency_id, f.c.id == family_id])
    row = (await session.execute(sa.select(found.c.failed, found.c.facts))).one()
    if row.failed is None:
        return None
    indonesian, english = (why_not(terms, row.failed, row.facts, indonesian=each) for each in (True, False))
    return Unmet(indonesian, english)


def _decided(terms: Terms, on: date, families: Families) -> sa.Subquery:
    # What a contribution comes to is of no interest here, and to work it out takes a look at every person.
    return decided(replace(terms, amount=0, components=()), on=on, families=families).subquery()


async def _terms(session: AsyncSession, segment: Segment, on: date) -> Terms | None:
    """The terms of the period that ``on`` lies in; None where the segment has no programme, or that has none in force."""
    code = _PROGRAMMES.get(segment)
    if code is None:
        return None
    # How long periods are the terms say themselves: the first day that begins one, from the shortest to the longest, is that of ``on``.
    for months in LENGTHS:
        first = date(on.year, (on.month - 1) // months * months + 1, 1)
        try:
            return await terms_for(session, code, first)
        except PeriodWrong:
            continue
        except (ProgrammeUnknown, TermsUnknown):
            return None
    return None
