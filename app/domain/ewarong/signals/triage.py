"""What a person makes of a signal. Nothing else follows from it: a violation is recorded by somebody, and names the signal."""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.models.signals import TriageState, ewarong_signal
from app.domain.ewarong.oversight.texts import MOST_REASON, checked_text
from app.domain.ewarong.signals.errors import SignalChanged, SignalNotFound
from app.tenants.region_path import Span


class Triaged(NamedTuple):
    """A signal that was triaged: what an answer and the audit trail need."""

    regency_id: int
    id: UUID
    villages: Span


async def triage(
    session: AsyncSession, actor: Actor, key: Key, *, version: int, state: TriageState, reason: str
) -> Triaged:
    """Keep that a signal is worth a check on the spot, or that there is an innocent explanation. Whoever looks again may say otherwise.

    Raises:
        SignalNotFound, SignalChanged: it is not there, or not as the caller saw it.
        TextWrong, PersonalNumber: the reason cannot be kept.
    """
    why = checked_text("reason", reason, most=MOST_REASON)
    c = ewarong_signal.c
    mine = (c.regency_id == key[0], c.id == key[1])
    found = (await session.execute(sa.select(ewarong_signal).where(*mine).with_for_update())).one_or_none()
    if found is None:
        raise SignalNotFound
    if found.version != version:
        raise SignalChanged
    await session.execute(
        sa.update(ewarong_signal)
        .where(*mine)
        .values(state=state.value, triage_reason=why, version=c.version + 1, **actor.did("triaged"))
    )
    return Triaged(found.regency_id, UUID(int=found.id.int), Span(found.village_low, found.village_high))
