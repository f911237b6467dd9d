"""How an attempt at a job is written down: begun, how far it is, and how it ended. Workers do this."""

from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.base import DomainError
from app.domain.jobs.models import ENDED, JobKind, JobState, job
from app.domain.jobs.queue import Place, Queue
from app.tenants.region_path import Span

_OVER: Final = [state.value for state in ENDED]
# A job and its entry in the queue come in one transaction, and the entry goes after the job has ended.
_FORGOTTEN: Final = """
select kind, regency_id, id from job j where state in ('QUEUED', 'RUNNING')
and not exists (select from pgqueuer q where q.dedupe_key = concat(j.regency_id, ' ', j.id) and q.status in ('queued', 'picked'))
"""
_OLD_ENTRIES: Final = "delete from pgqueuer_log where created < now() - $1::interval"


class Attempt(NamedTuple):
    """An attempt that has begun, the ``number``-th at its job; ``failures`` of those before met an unknown error."""

    place: Place
    kind: JobKind
    subject_id: UUID
    villages: Span
    principal_id: UUID
    number: int
    failures: int
    is_cancelled: bool


def _at(place: Place) -> sa.ColumnElement[bool]:
    return sa.and_(job.c.regency_id == place.regency_id, job.c.id == place.job_id, job.c.state.not_in(_OVER))


async def begin(session: AsyncSession, place: Place) -> Attempt | None:
    """Begin an attempt; None where the job is over, or gone."""
    begun = (
        sa.update(job)
        .where(_at(place))
        .values(
            state=JobState.RUNNING.value,
            attempts=job.c.attempts + 1,
            started_at=sa.func.coalesce(job.c.started_at, sa.func.now()),
            paced_from=sa.func.now(),
            paced_done=None,
        )
        .returning(job)
    )
    row = (await session.execute(begun)).one_or_none()
    if row is None:
        return None
    return Attempt(
        place=place,
        kind=JobKind(row.kind),
        subject_id=row.subject_id,
        villages=Span(row.village_low, row.village_high),
        principal_id=row.principal_id,
        number=row.attempts,
        failures=row.failures,
        is_cancelled=row.cancel_requested_at is not None,
    )


async def report(session: AsyncSession, place: Place, done: int, total: int | None, stage: str | None) -> bool:
    """Write down how far the job is; whether somebody has asked to cancel it. The pace counts from the first report of a stage."""
    anew = sa.or_(job.c.paced_done.is_(None), job.c.stage.is_distinct_from(stage))
    reported = (
        sa.update(job)
        .where(_at(place))
        .values(
            done=done,
            total=total,
            stage=stage,
            paced_from=sa.case((anew, sa.func.now()), else_=job.c.paced_from),
            paced_done=sa.case((anew, done), else_=job.c.paced_done),
        )
        .returning(job.c.cancel_requested_at)
    )
    row = (await session.execute(reported)).one_or_none()
    return row is not None and row.cancel_requested_at is not None


async def is_cancelled(session: AsyncSession, place: Place) -> bool:
    """Whether somebody has asked to cancel the job."""
    asked = sa.select(job.c.cancel_requested_at).where(_at(place))
    return (await session.execute(asked)).scalar_one_or_none() is not None


async def finish(session: AsyncSession, place: Place, state: JobState, error: DomainError | None = None) -> None:
    """End the job; one that has failed tells of ``error``."""
    await session.execute(
        sa.update(job)
        .where(_at(place))
        .values(
            state=state.value,
            finished_at=sa.func.now(),
            error_code=error.code if error else None,
            error_indonesian=error.indonesian if error else None,
            error_english=error.english if error else None,
        )
    )


async def put_back(session: AsyncSession, place: Place, *, failed: bool) -> None:
    """Let the job wait for its next attempt; ``failed``: this one met an unknown error."""
    await session.execute(
        sa.update(job)
        .where(_at(place))
        .values(state=JobState.QUEUED.value, failures=job.c.failures + (1 if failed else 0))
    )


async def tidy(queue: Queue, keep: timedelta) -> int:
    """Queue again what waits and is in no queue, and forget entries of the queue's log that are older than ``keep``.

    Nothing should be lost from the queue; a worker that is ended in the wrong moment may have taken an entry with it. How many were.
    """
    await queue.driver.execute(_OLD_ENTRIES, keep)
    forgotten: list[dict[str, Any]] = await queue.driver.fetch(_FORGOTTEN)
    for row in forgotten:
        await queue.put_in(JobKind(row["kind"]), Place(row["regency_id"], row["id"]))
    return len(forgotten)
