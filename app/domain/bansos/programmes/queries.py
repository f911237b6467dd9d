"""Reading programmes: the terms that hold for a period, relations and quotas. Programmes are no secret; quotas are read under the scope."""

from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.models.programmes import (
    Benefit,
    Relation,
    TermsState,
    benefit_component,
    benefit_index,
    eligibility_rule,
    programme,
    programme_quota,
    programme_relation,
    programme_terms,
)
from app.domain.bansos.programmes.errors import PeriodWrong, ProgrammeUnknown, TermsUnknown
from app.domain.bansos.programmes.periods import YEARS, begins_period, last_day
from app.domain.bansos.terms import Component, RelatedProgramme, Rule, Terms
from app.tenants.region_path import Span

_MONTHS: Final = 12


async def terms_for(session: AsyncSession, code: str, period_start: date) -> Terms:
    """The terms of the programme ``code`` for the period that begins on ``period_start``.

    Raises:
        ProgrammeUnknown: there is no such programme.
        TermsUnknown: it has none in force on that day.
        PeriodWrong: none of its periods begins then.
    """
    if period_start.year not in YEARS:
        raise TermsUnknown
    known = programme_terms.c
    found = await session.execute(
        _terms_of(code)
        .where(
            known.state == TermsState.ACTIVE.value,
            known.valid_from <= period_start,
            programme.c.valid_from <= period_start,
            sa.func.coalesce(programme.c.valid_to >= period_start, sa.true()),
        )
        .order_by(known.valid_from.desc())
        .limit(1)
    )
    return await _read(session, code, found.one_or_none(), period_start)


async def terms_of_version(session: AsyncSession, code: str, version: int, period_start: date) -> Terms:
    """The terms ``version`` of the programme ``code``, whatever their state, for the period that begins on ``period_start``.

    Raises:
        ProgrammeUnknown: there is no such programme.
        TermsUnknown: it has no such version.
        PeriodWrong: none of its periods begins then.
    """
    found = await session.execute(_terms_of(code).where(programme_terms.c.version == version))
    return await _read(session, code, found.one_or_none(), period_start)


async def related(session: AsyncSession, code: str, on: date) -> tuple[RelatedProgramme, ...]:
    """How the programme ``code`` stands to others on the day ``on``, by the code of the other.

    Exclusive and stackable are so from either side; TOP_UP and REQUIRES are told of the programme that adds or requires alone.
    """
    row = programme_relation.c
    in_force = sa.and_(row.valid_from <= on, sa.func.coalesce(row.valid_to >= on, sa.true()))
    mutual = row.relation.in_([Relation.EXCLUSIVE.value, Relation.STACKABLE.value])
    own = sa.select(row.other_code.label("other_code"), row.relation).where(row.programme_code == code, in_force)
    others = sa.select(row.programme_code, row.relation).where(row.other_code == code, in_force, mutual)
    found = await session.execute(sa.union(own, others).order_by("other_code", "relation"))
    return tuple(RelatedProgramme(other, Relation(relation)) for other, relation in found)


async def quota(session: AsyncSession, code: str, regency_id: int, year: int) -> int | None:
    """How many families of a regency the programme ``code`` may reach in ``year``; None where no quota was set."""
    row = programme_quota.c
    families: int | None = await session.scalar(
        sa.select(row.families).where(row.regency_id == regency_id, row.programme_code == code, row.year == year)
    )
    return families


def _terms_of(code: str) -> "sa.Select[*tuple[object, ...]]":
    columns = [column for column in programme_terms.c if column.name not in programme.c]
    return (
        sa.select(programme, *columns, programme_terms.c.valid_from.label("terms_valid_from"))
        .join_from(programme, programme_terms)
        .where(programme.c.code == code)
    )


async def _read(session: AsyncSession, code: str, row: "sa.Row[*tuple[object, ...]] | None", start: date) -> Terms:
    if row is None:
        known = await session.scalar(sa.select(sa.exists().where(programme.c.code == code)))
        raise TermsUnknown if known else ProgrammeUnknown
    if not begins_period(start, row.period_months):
        raise PeriodWrong(start, row.period_months)
    return Terms(
        programme_code=code,
        version=row.version,
        name=row.name,
        name_english=row.name_english,
        benefit=Benefit(row.benefit),
        villages=Span(row.village_low, row.village_high),
        period_start=start,
        period_end=last_day(start, row.period_months),
        months=row.period_months,
        amount=row.amount,
        most_persons=row.most_persons,
        second_approval_above=row.second_approval_above,
        idle_days=row.idle_days,
        rules=await _rules(session, code, row.version),
        components=await _components(session, code, row.version, start.year, row.period_months),
    )


async def _rules(session: AsyncSession, code: str, version: int) -> tuple[Rule, ...]:
    row = eligibility_rule.c
    found = await session.execute(
        sa.select(*[row[name] for name in Rule._fields])
        .where(row.programme_code == code, row.version == version)
        .order_by(row.number)
    )
    return tuple(Rule._make(each) for each in found)


async def _components(session: AsyncSession, code: str, version: int, year: int, months: int) -> tuple[Component, ...]:
    row, index = benefit_component.c, benefit_index.c
    share = index.amount * months // _MONTHS
    found = await session.execute(
        sa.select(*[row[name] for name in Component._fields if name in row], share)
        .join_from(benefit_component, benefit_index)
        .where(row.programme_code == code, row.version == version, index.year <= year)
        .ext(pg.distinct_on(row.component))
        .order_by(row.component, index.year.desc())
    )
    return tuple(Component._make(each) for each in found)
