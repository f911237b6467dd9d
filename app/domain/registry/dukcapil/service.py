"""Starting a matching: what a mutation does in its transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.jobs.models import JobKind
from app.domain.jobs.service import enqueue
from app.domain.registry.dukcapil.errors import (
    DukcapilUnconfigured,
    MatchingKeyUsed,
    MatchingRegionUnknown,
    MatchingStatusesWrong,
)
from app.domain.registry.dukcapil.models import BEFORE_ALL, COMPARABLE, civil_registry_matching
from app.domain.registry.enums import IdentityStatus
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.scope import REGENCY_WIDTH

USUAL_STATUSES: Final = (IdentityStatus.NIK_ISSUED, IdentityStatus.UNMATCHED)
_OUT_OF_REACH: Final = frozenset({"42501", "23503"})
"""What PostgreSQL says of a row behind the wall, and of a region that is not there."""


@dataclass(frozen=True, slots=True)
class StartedMatching:
    """A matching that waits for a worker, or that was started before with the same key."""

    regency_id: int
    id: UUID
    region: RegionPath


async def start_matching(
    session: AsyncSession,
    *,
    principal_id: UUID,
    principal_name: str,
    region: RegionPath,
    statuses: Iterable[IdentityStatus] | None,
    idempotency_key: UUID,
    configured: bool,
) -> StartedMatching:
    """Have the persons of ``region`` whose identity is in one of ``statuses`` compared with the civil registry, by a job.

    Without ``statuses`` they are all who have a NIK and are not matched. ``configured`` says whether there is a civil registry to ask.

    Raises:
        DukcapilUnconfigured: there is none.
        MatchingStatusesWrong: a state in which nobody has a NIK to compare.
        MatchingRegionUnknown: there is no such region, or it is not the caller's.
        MatchingKeyUsed: the key belongs to another matching of the caller.
    """
    if not configured:
        raise DukcapilUnconfigured
    wanted = _statuses(statuses)
    if region.level is RegionLevel.COUNTRY:
        raise MatchingRegionUnknown(region)
    villages = region.villages
    regency_id = villages.low // REGENCY_WIDTH
    table = civil_registry_matching
    row: dict[str, Any] = {
        "regency_id": regency_id,
        "id": uuid7(),
        "village_low": villages.low,
        "village_high": villages.high,
        "region_id": region.id,
        "statuses": wanted,
        "idempotency_key": idempotency_key,
        "cursor_village_id": villages.low,
        "cursor_person_id": BEFORE_ALL,
        "created_by": principal_id,
        "created_by_name": principal_name,
    }
    # A second request with the same key waits here for the first one, and then finds its row.
    insertion = pg.insert(table).values(row).on_conflict_do_nothing().returning(table.c.id)
    try:
        made = (await session.execute(insertion)).scalar_one_or_none()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _OUT_OF_REACH:
            raise MatchingRegionUnknown(region) from error
        raise
    if made is None:
        return await _before(session, row, region)
    job_id = await enqueue(
        session,
        kind=JobKind.MATCHING,
        principal_id=principal_id,
        principal_name=principal_name,
        subject_id=row["id"],
        villages=villages,
    )
    mine = sa.and_(table.c.regency_id == regency_id, table.c.id == row["id"])
    await session.execute(sa.update(table).where(mine).values(job_id=job_id))
    return StartedMatching(regency_id, row["id"], region)


def _statuses(given: Iterable[IdentityStatus] | None) -> list[str]:
    chosen = set(USUAL_STATUSES if given is None else given)
    if not chosen or not chosen <= set(COMPARABLE):
        raise MatchingStatusesWrong
    return [status.value for status in COMPARABLE if status in chosen]


async def _before(session: AsyncSession, row: dict[str, Any], region: RegionPath) -> StartedMatching:
    """The matching that the caller has started with the key of ``row``."""
    table = civil_registry_matching
    found = (
        await session.execute(
            sa.select(table.c.id, table.c.region_id, table.c.statuses).where(
                *(table.c[name] == row[name] for name in ("regency_id", "created_by", "idempotency_key"))
            )
        )
    ).one_or_none()
    if found is None or (found.region_id, found.statuses) != (region.id, row["statuses"]):
        raise MatchingKeyUsed
    return StartedMatching(row["regency_id"], found.id, region)
