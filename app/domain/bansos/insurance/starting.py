"""Starting a review of memberships: what a mutation does in its transaction."""

from datetime import date
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.insurance.errors import MembershipDayWrong, MembershipRegionUnknown, ReviewKeyUsed
from app.domain.bansos.insurance.service import Actor
from app.domain.bansos.models.insurance import membership_review
from app.domain.jobs.models import JobKind
from app.domain.jobs.starting import Started, Starting, start_once
from app.tenants.region_path import RegionLevel, RegionPath

_EARLIEST: Final = date(2014, 1, 1)
"""JKN began."""


async def start_review(
    session: AsyncSession, actor: Actor, *, region: RegionPath, on: date | None, idempotency_key: UUID, today: date
) -> Started:
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
    return await start_once(
        session,
        Starting(
            kind=JobKind.MEMBERSHIP_REVIEW,
            table=membership_review,
            region=region,
            principal_id=actor.id,
            principal_name=actor.name,
            idempotency_key=idempotency_key,
            values={"reviewed_on": today if on is None else on, "made_at": sa.func.now()},
            # A day that was left out may be another one by now.
            asked=() if on is None else ("reviewed_on",),
            region_unknown=MembershipRegionUnknown,
            key_used=ReviewKeyUsed,
        ),
    )
