"""Appending to the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils import compat

from app.domain.audit.models import Purpose, audit_event


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a principal did to one subject."""

    principal_id: UUID
    permission: str
    action: str
    subject_type: str
    subject_id: UUID
    village_id: int
    purpose: Purpose
    request_id: str


async def append_events(session: AsyncSession, events: Sequence[Event]) -> None:
    """Append ``events`` in the transaction of ``session``: they are kept exactly when what they tell of is."""
    await session.execute(
        sa.insert(audit_event),
        [
            {
                "regency_id": event.village_id // 1_000_000,
                "id": compat.uuid7(),
                "village_id": event.village_id,
                "principal_id": event.principal_id,
                "permission": event.permission,
                "action": event.action,
                "subject_type": event.subject_type,
                "subject_id": event.subject_id,
                "purpose": event.purpose.value,
                "request_id": event.request_id,
            }
            for event in events
        ],
    )
