"""The persons of the registry as health insurance looks at them."""

from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from app.domain.bansos.eligibility.facts import LIVING, Sources
from app.domain.bansos.models.insurance import DeactivationReason
from app.domain.registry.enums import FamilyStatus, HealthInsurance, Presence

_ELSEWHERE: Final = {
    HealthInsurance.WAGE_EARNER: DeactivationReason.WAGE_EARNER,
    HealthInsurance.INDEPENDENT: DeactivationReason.MOVED_SEGMENT,
}
"""What it says of a member that the registry names another segment."""


def people(on: date) -> sa.Select[Any]:
    """Every person in the scope, with what of them and of their family counts for a membership.

    Columns: regency_id, id, village_id, family_id, birth_date, segment (text of what the registry names; null: unknown), present
    (whether the person lives in an active family), gone (text of the reason why a membership may have to end for what the registry
    says of the person alone; null: there is none).
    """
    sources = Sources(on)
    p, f = sources.person.c, sources.family.c
    active = sa.and_(f.id.is_not(None), f.status == FamilyStatus.ACTIVE)
    gone = sa.case(
        (p.presence == Presence.DECEASED, DeactivationReason.DECEASED.value),
        (sa.not_(sa.and_(sources.living, active)), DeactivationReason.NOT_REGISTERED.value),
        *[(p.health_insurance == named, reason.value) for named, reason in _ELSEWHERE.items()],
    )
    return sa.select(
        p.regency_id,
        p.id,
        p.village_id,
        p.family_id,
        p.birth_date,
        sa.cast(p.health_insurance, sa.Text()).label("segment"),
        sa.and_(p.presence.in_(LIVING), active).label("present"),
        gone.label("gone"),
    ).select_from(sources.person.outerjoin(sources.family, sa.and_(f.regency_id == p.regency_id, f.id == p.family_id)))
