"""Taking a transaction back: the opposite entry in the journal, with a reason, once. Nothing is ever edited."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.catalogue.queries import threshold
from app.domain.ewarong.models.transactions import ewarong_reversal, ewarong_transaction
from app.domain.ewarong.texts import PersonalNumber, holds_number
from app.domain.ewarong.transactions.errors import (
    KeyConflict,
    ReversalTooLate,
    TransactionInvalid,
    TransactionReversed,
    TransactionUnknown,
)
from app.tenants.scope import TenantScope

REVERSAL_DAYS: Final = "REVERSAL_DAYS"
_LONGEST_REASON: Final = 500
_COUNTED: Final = sa.text(
    "insert into ewarong_day as d (regency_id, agent_id, day, slot, village_id, reversals, reversed_amount) "
    "values (:regency_id, :agent_id, :day, ledger_slot(), :village_id, 1, :amount) "
    "on conflict (regency_id, agent_id, day, slot) do update set "
    "reversals = d.reversals + 1, reversed_amount = d.reversed_amount + excluded.reversed_amount"
)


@dataclass(frozen=True, slots=True)
class Reversed:
    """A transaction that was taken back."""

    transaction: Key
    village_id: int
    repeated: bool
    """Whether this was done before, with the same key."""


async def reverse_transaction(
    session: AsyncSession, scope: TenantScope, key: Key, *, reason: str, idempotency_key: UUID, actor: Actor
) -> Reversed:
    """Take the transaction ``key`` back, all of it, in the transaction of ``session``, which runs under ``scope``.

    Whoever acts for one outlet alone takes back what came in within so many days as the threshold REVERSAL_DAYS says.

    Raises:
        TransactionUnknown: the scope does not show it.
        TransactionReversed: it was taken back before.
        ReversalTooLate: that is for the office to do.
        KeyConflict: the key was used to take back another, which the scope may not show, or for another reason.
        TransactionInvalid: the reason says nothing, or too much.
        PersonalNumber: the reason holds what may be somebody's number; the journal would keep it for good.
    """
    why = reason.strip()
    if not 0 < len(why) <= _LONGEST_REASON or not why.isprintable():
        raise TransactionInvalid(
            "reason", "Alasan terdiri atas 1 sampai 500 karakter.", "A reason has 1 to 500 characters."
        )
    if holds_number(why):
        raise PersonalNumber("reason")
    found = await _found(session, key)
    if await _is_repeated(session, key, why, idempotency_key):
        return Reversed(key, found.village_id, repeated=True)
    if found.late and not _for_the_office(scope, found.village_id):
        raise ReversalTooLate
    made = await session.execute(
        pg.insert(ewarong_reversal)
        .values(
            regency_id=key[0],
            id=uuid7(),
            village_id=found.village_id,
            agent_id=found.agent_id,
            transaction_id=key[1],
            amount=found.amount,
            reason=why,
            entry_id=sa.func.ledger_entry_id(found.family_regency_id, f"REVERSAL:{found.entry_id}"),
            day=found.today,
            idempotency_key=idempotency_key,
            **actor.did("reversed"),
        )
        .on_conflict_do_nothing()
        .returning(ewarong_reversal.c.id)
    )
    if made.one_or_none() is None:
        # Somebody was faster, or it was done long ago: it is the same only under the same key, which may be that of another outlet.
        if await _is_repeated(session, key, why, idempotency_key):
            return Reversed(key, found.village_id, repeated=True)
        r = ewarong_reversal.c
        is_reversed = sa.exists().where(r.regency_id == key[0], r.transaction_id == key[1])
        raise TransactionReversed if await session.scalar(sa.select(is_reversed)) else KeyConflict
    await session.execute(
        _COUNTED,
        {
            "regency_id": key[0],
            "agent_id": found.agent_id,
            "day": found.today,
            "village_id": found.village_id,
            "amount": found.amount,
        },
    )
    return Reversed(key, found.village_id, repeated=False)


async def _found(session: AsyncSession, key: Key) -> Any:
    t = ewarong_transaction.c
    today = sa.cast(sa.func.timezone(sa.func.region_time_zone(t.regency_id), sa.func.now()), sa.Date())
    days = sa.func.make_interval(0, 0, 0, sa.cast(threshold(REVERSAL_DAYS, today), sa.Integer()))
    found = (
        await session.execute(
            sa.select(
                t.id,
                t.village_id,
                t.agent_id,
                t.amount,
                t.entry_id,
                t.family_regency_id,
                today.label("today"),
                (t.received_at < sa.func.now() - days).label("late"),
            ).where(t.regency_id == key[0], t.id == key[1])
        )
    ).one_or_none()
    if found is None:
        raise TransactionUnknown
    return found


def _for_the_office(scope: TenantScope, village_id: int) -> bool:
    """Whether ``scope`` holds the village by a grant that is bound to no outlet."""
    return not scope.entities or any(span.low <= village_id <= span.high for span in scope.unbound)


async def _is_repeated(session: AsyncSession, key: Key, why: str, idempotency_key: UUID) -> bool:
    """Whether the transaction was taken back before with this key, for the same reason.

    Raises:
        KeyConflict: the key stands for another transaction or another reason.
    """
    r = ewarong_reversal.c
    known = (
        await session.execute(
            sa.select(r.transaction_id, r.reason).where(r.regency_id == key[0], r.idempotency_key == idempotency_key)
        )
    ).one_or_none()
    if known is None:
        return False
    if UUID(int=known.transaction_id.int) != key[1] or known.reason != why:
        raise KeyConflict
    return True
