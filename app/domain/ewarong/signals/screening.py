"""Screening: a mutation starts it, a job looks for one signal after the other and keeps what it finds.

Each signal is one transaction, and what was told is told once: an attempt after one that died finds the same and adds nothing.
A signal changes neither outlet nor family; what follows from it people decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.ewarong.actors import Actor
from app.domain.ewarong.catalogue.queries import local_today, thresholds
from app.domain.ewarong.models.signals import SignalCode, ewarong_screening
from app.domain.ewarong.signals.errors import (
    ScreeningDaysWrong,
    ScreeningKeyUsed,
    ScreeningRegionUnknown,
    ScreeningUnknown,
)
from app.domain.ewarong.signals.telling import Asked, tell
from app.domain.jobs.models import JobKind
from app.domain.jobs.starting import Started, Starting, start_once
from app.domain.jobs.work import Work
from app.tenants.region_path import RegionLevel, RegionPath, Span
from app.tenants.scope import REGENCY_WIDTH, TenantScope

MOST_DAYS: Final = 92
"""A quarter."""
SUBJECT: Final = "EwarongScreening"


@dataclass(frozen=True, slots=True)
class Screener:
    """On whose behalf is screened: what the audit trail keeps."""

    principal_id: UUID
    roles: tuple[str, ...]
    permission: str


async def start_screening(
    session: AsyncSession,
    actor: Actor,
    *,
    region: RegionPath,
    first_day: date,
    last_day: date,
    idempotency_key: UUID,
) -> Started:
    """Have a job look for signals in the months in which the days from ``first_day`` to ``last_day`` lie.

    Raises:
        ScreeningRegionUnknown: there is no such region, or it is not the caller's.
        ScreeningDaysWrong: there are none, too many, or days to come.
        ScreeningKeyUsed: the key belongs to another screening of the caller.
    """
    if region.level is RegionLevel.COUNTRY:
        raise ScreeningRegionUnknown(region)
    # In the east of the country a day begins before it does here, and a day is nothing to refuse anybody for.
    today = await local_today(session, region.villages.low // REGENCY_WIDTH) + timedelta(days=1)
    if not first_day <= last_day <= today or last_day - first_day >= timedelta(days=MOST_DAYS):
        raise ScreeningDaysWrong(MOST_DAYS)
    if not await thresholds(session, first_day):
        raise ScreeningDaysWrong(MOST_DAYS)
    return await start_once(
        session,
        Starting(
            kind=JobKind.EWARONG_SCREENING,
            table=ewarong_screening,
            region=region,
            principal_id=actor.id,
            principal_name=actor.name,
            idempotency_key=idempotency_key,
            values={"first_day": first_day, "last_day": last_day, "made_at": sa.func.now()},
            asked=("first_day", "last_day"),
            region_unknown=ScreeningRegionUnknown,
            key_used=ScreeningKeyUsed,
        ),
    )


async def screen(work: Work, scope: TenantScope, screener: Screener) -> None:
    """Look for all signals of the screening of ``work``.

    Raises:
        ScreeningUnknown: it lies beyond ``scope`` by now.
    """
    async with work.database.write(scope) as session:
        screening = await _screening(session, work)
        if screening.finished_at is not None:
            return
        asked = Asked(
            Span(screening.village_low, screening.village_high),
            screening.first_day.replace(day=1),
            (screening.last_day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1),
            await local_today(session, screening.village_low // REGENCY_WIDTH),
        )
        numbers = await thresholds(session, screening.last_day)
    codes = list(SignalCode)
    for done, code in enumerate(codes):
        await work.progress(done, len(codes))
        await _look(work, scope, code, asked, numbers)
    async with work.database.write(scope) as session:
        screening = await _screening(session, work)
        await _keep(session, screening, finished_at=sa.func.now())
        await append_events(session, [_event(work, screening, screener)])
    await work.progress(len(codes), len(codes))


async def _look(work: Work, scope: TenantScope, code: SignalCode, asked: Asked, numbers: Mapping[str, Decimal]) -> None:
    async with work.database.write(scope) as session:
        screening = await _screening(session, work)
        new = await tell(session, code, asked, numbers)
        await _keep(session, screening, signals=(screening.signals or 0) + new)


async def _screening(session: AsyncSession, work: Work) -> Any:
    table = ewarong_screening
    mine = (table.c.regency_id == work.villages.low // REGENCY_WIDTH, table.c.id == work.subject_id)
    found = (await session.execute(sa.select(table).where(*mine).with_for_update())).one_or_none()
    if found is None:
        raise ScreeningUnknown
    return found


async def _keep(session: AsyncSession, screening: Any, **values: Any) -> None:
    table = ewarong_screening
    mine = (table.c.regency_id == screening.regency_id, table.c.id == screening.id)
    await session.execute(sa.update(table).where(*mine).values(values))


def _event(work: Work, screening: Any, screener: Screener) -> Event:
    return Event(
        action=Action.CHANGE,
        principal_id=screener.principal_id,
        roles=screener.roles,
        permission=screener.permission,
        operation="ewarongScreeningStart",
        document_hash=None,
        subject_type=SUBJECT,
        # asyncpg has a UUID of its own, which the audit trail cannot print.
        subject_ids=(UUID(int=screening.id.int),),
        row_count=screening.signals or 0,
        purpose=None,
        request_id=str(work.job_id),
        village_low=screening.village_low,
        village_high=screening.village_high,
    )
