"""Starting a matching: what a mutation does in its transaction."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.jobs.models import JobKind
from app.domain.jobs.starting import Started, Starting, start_once
from app.domain.registry.dukcapil.errors import (
    DukcapilUnconfigured,
    MatchingKeyUsed,
    MatchingRegionUnknown,
    MatchingStatusesWrong,
)
from app.domain.registry.dukcapil.models import BEFORE_ALL, COMPARABLE, civil_registry_matching
from app.domain.registry.enums import IdentityStatus
from app.tenants.region_path import RegionLevel, RegionPath

USUAL_STATUSES: Final = (IdentityStatus.NIK_ISSUED, IdentityStatus.UNMATCHED)


async def start_matching(
    session: AsyncSession,
    *,
    principal_id: UUID,
    principal_name: str,
    region: RegionPath,
    statuses: Iterable[IdentityStatus] | None,
    idempotency_key: UUID,
    configured: bool,
) -> Started:
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
    return await start_once(
        session,
        Starting(
            kind=JobKind.MATCHING,
            table=civil_registry_matching,
            region=region,
            principal_id=principal_id,
            principal_name=principal_name,
            idempotency_key=idempotency_key,
            values={
                "statuses": wanted,
                "cursor_village_id": region.villages.low,
                "cursor_person_id": BEFORE_ALL,
            },
            asked=("statuses",),
            region_unknown=MatchingRegionUnknown,
            key_used=MatchingKeyUsed,
            by="created_by",
        ),
    )


def _statuses(given: Iterable[IdentityStatus] | None) -> list[str]:
    chosen = set(USUAL_STATUSES if given is None else given)
    if not chosen or not chosen <= set(COMPARABLE):
        raise MatchingStatusesWrong
    return [status.value for status in COMPARABLE if status in chosen]
