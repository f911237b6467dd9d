"""Starting a review of memberships: what a mutation does in its transaction."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.bansos.insurance.errors import MembershipDayWrong, MembershipRegionUnknown, ReviewKeyUsed
from app.domain.bansos.insurance.service import Actor
from app.domain.bansos.models.insurance import membership_review
from app.domain.jobs.models import JobKind
from app.domain.jobs.service import enqueue
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.scope import REGENCY_WIDTH

_OUT_OF_REACH: Final = frozenset({"42501", "23503"})
"""What PostgreSQL says of a row behind the wall, and of a region that is not there."""
_EARLIEST: Final = date(2014, 1, 1)
"""JKN began."""


@dataclass(frozen=True, slots=True)
class StartedReview:
    """A review that waits for a worker, or that was started before with the same key."""

    regency_id: int
    id: UUID
    region: RegionPath


async def start_review(
    session: AsyncSession, actor: Actor, *, region: RegionPath, on: date | None, idempotency_key: UUID, today: date
) -> StartedReview:
    """Have the memberships of ``region`` looked through as of the day ``on``, today where it is left out, by a job.

    Raises:
        MembershipRegionUnknown: there is no such region, or it is not the caller's.
        MembershipDayWrong: the day lies ahead.
        ReviewKeyUsed: the key belongs to another review of the caller.
    """
    if region.level is RegionLevel.COUNTRY:
        raise MembershipRegionUnknown(region)
    if on is not None and not _EARLIEST <= on <= today:
        raise MembershipDayWrong("on", _EARLIEST, today)
    table, villages = membership_review, region.villages
    row: dict[str, Any] = {
        "regency_id": villages.low // REGENCY_WIDTH,
        "id": uuid7(),
        "village_low": villages.low,
        "village_high": villages.high,
        "region_id": region.id,
        "reviewed_on": today if on is None else on,
        "idempotency_key": idempotency_key,
        **actor.did("made"),
    }
    # A second request with the same key waits here for the first one, and then finds its row.
    insertion = pg.insert(table).values(row).on_conflict_do_nothing().returning(table.c.id)
    try:
        made = (await session.execute(insertion)).scalar_one_or_none()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _OUT_OF_REACH:
            raise MembershipRegionUnknown(region) from error
        raise
    if made is None:
        return await _before(session, row, region, on)
    job_id = await enqueue(
        session,
        kind=JobKind.MEMBERSHIP_REVIEW,
        principal_id=actor.id,
        principal_name=actor.name,
        subject_id=row["id"],
        villages=villages,
    )
    mine = sa.and_(table.c.regency_id == row["regency_id"], table.c.id == row["id"])
    await session.execute(sa.update(table).where(mine).values(job_id=job_id))
    return StartedReview(row["regency_id"], row["id"], region)


async def _before(session: AsyncSession, row: dict[str, Any], region: RegionPath, on: date | None) -> StartedReview:
    """The review that the caller has started with the key of ``row``. A day that was left out may be another one by now."""
    table = membership_review
    found = (
        await session.execute(
            sa.select(table.c.id, table.c.region_id, table.c.reviewed_on).where(
                *(table.c[name] == row[name] for name in ("regency_id", "made_by", "idempotency_key"))
            )
        )
    ).one_or_none()
    if found is None or found.region_id != region.id or (on is not None and found.reviewed_on != on):
        raise ReviewKeyUsed
    return StartedReview(row["regency_id"], found.id, region)
