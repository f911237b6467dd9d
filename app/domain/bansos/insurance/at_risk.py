"""Ending all memberships of a region that the last review found at risk for one reason."""

from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.insurance.errors import MembershipRegionUnknown
from app.domain.bansos.insurance.service import Actor, checked_text, ended
from app.domain.bansos.models.insurance import DeactivationReason, health_membership
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope

MOST_AT_ONCE: Final = 10_000
"""A transaction that the audit trail can name person by person."""


class Ended(NamedTuple):
    """Whose memberships were ended, by regency, and how many are left."""

    persons: dict[int, list[UUID]]
    left: int

    @property
    def number(self) -> int:
        """How many were ended."""
        return sum(map(len, self.persons.values()))


async def deactivate_at_risk(
    session: AsyncSession,
    actor: Actor,
    region: RegionPath,
    scope: TenantScope,
    *,
    reason: DeactivationReason,
    decree: str,
    today: date,
    most: int = MOST_AT_ONCE,
) -> Ended:
    """End the memberships of ``region`` that are at risk for ``reason``, ``most`` of them, by a decree. Their last day is today.

    Raises:
        MembershipRegionUnknown: the region does not lie in ``scope``, under which ``session`` writes.
        MembershipTextInvalid: ``decree`` is no text.
    """
    number = checked_text("decree", decree)
    if not scope.covers(region):
        raise MembershipRegionUnknown(region)
    c, villages = health_membership.c, region.villages
    at_risk = (c.village_id.between(villages.low, villages.high), c.risk_reason == reason.value)
    chosen = (
        sa.select(c.regency_id, c.id)
        .where(*at_risk)
        .order_by(c.village_id, c.id)
        .limit(most)
        .with_for_update()
        .cte("chosen")
    )
    found = await session.execute(
        sa.update(health_membership)
        .values(
            valid_to=sa.func.greatest(sa.literal(today, sa.Date()), c.valid_from),
            state_at=sa.func.now(),
            version=c.version + 1,
            **ended(actor, reason=reason, decree=number),
        )
        .where(c.regency_id == chosen.c.regency_id, c.id == chosen.c.id)
        .returning(c.regency_id, c.person_id)
    )
    persons: dict[int, list[UUID]] = {}
    for regency_id, person_id in found:
        persons.setdefault(regency_id, []).append(person_id)
    left = await session.scalar(sa.select(sa.func.count()).select_from(health_membership).where(*at_risk))
    return Ended(persons, left or 0)
