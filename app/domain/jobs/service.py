"""Starting jobs and asking them to stop."""

from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.jobs.errors import JobEnded, JobUnknown
from app.domain.jobs.models import JobKind, JobState, job
from app.domain.jobs.queue import Place, queue_on
from app.tenants.region_path import Span
from app.tenants.scope import REGENCY_WIDTH
from app.tenants.session import ReadSession


async def enqueue(
    session: AsyncSession, *, kind: JobKind, principal_id: UUID, principal_name: str, subject_id: UUID, villages: Span
) -> UUID:
    """Start a job about ``villages`` for a principal; its id.

    It is queued in the transaction of ``session``: workers see it once that is committed, and never where it is not.
    """
    place = Place(villages.low // REGENCY_WIDTH, uuid7())
    await session.execute(
        sa.insert(job).values(
            regency_id=place.regency_id,
            id=place.job_id,
            village_low=villages.low,
            village_high=villages.high,
            kind=kind.value,
            subject_id=subject_id,
            principal_id=principal_id,
            principal_name=principal_name,
        )
    )
    await queue_on(await _connection_of(session)).put_in(kind, place)
    return place.job_id


async def unfinished(session: AsyncSession, kind: JobKind, principal_id: UUID) -> int:
    """How many jobs of ``kind`` a principal has started that have not ended, in the scope of ``session``."""
    theirs = (job.c.kind == kind.value, job.c.principal_id == principal_id)
    waiting = job.c.state.in_([state.value for state in JobState if not state.has_ended])
    count: int = (
        await session.execute(sa.select(sa.func.count()).select_from(job).where(*theirs, waiting))
    ).scalar_one()
    return count


async def _connection_of(session: AsyncSession) -> "asyncpg.Connection[asyncpg.Record]":
    """The connection below ``session``, in whose transaction it is after the first statement."""
    wrapped = await (await session.connection()).get_raw_connection()
    connection: asyncpg.Connection[asyncpg.Record] = wrapped.driver_connection
    return connection


async def kind_of(session: ReadSession, regency_id: int, job_id: UUID) -> JobKind | None:
    """What the job does; None where there is none in the scope of ``session``."""
    row = await session.row("select kind from job where regency_id = $1 and id = $2", (regency_id, job_id))
    return None if row is None else JobKind(row["kind"])


async def has_ended(session: ReadSession, regency_id: int, job_id: UUID) -> bool:
    """Whether nothing more happens to the job; so it is with one that is not in the scope of ``session``."""
    row = await session.row("select state from job where regency_id = $1 and id = $2", (regency_id, job_id))
    return row is None or JobState(row["state"]).has_ended


async def cancel(session: AsyncSession, regency_id: int, job_id: UUID) -> Span:
    """Cancel a job: at once where nobody works on it yet, else as soon as the work hears of it. What the job is about.

    Asking again changes nothing.

    Raises:
        JobUnknown: there is none in the scope of ``session``.
        JobEnded: it is over.
    """
    here = sa.and_(job.c.regency_id == regency_id, job.c.id == job_id)
    # Whoever begins the job waits for this lock, and then finds it cancelled.
    row = (await session.execute(sa.select(job).where(here).with_for_update())).one_or_none()
    if row is None:
        raise JobUnknown
    state = JobState(row.state)
    if state.has_ended:
        raise JobEnded
    changes: dict[str, Any] = {"cancel_requested_at": sa.func.coalesce(job.c.cancel_requested_at, sa.func.now())}
    if state is JobState.QUEUED:
        changes |= {"state": JobState.CANCELLED.value, "finished_at": sa.func.now()}
    await session.execute(sa.update(job).where(here).values(changes))
    return Span(row.village_low, row.village_high)
