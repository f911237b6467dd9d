"""What the treasury and the bank do with an order as a whole: SPM, OMSPAN, SP2D, the standing instruction, and the return of what failed.

Each step is noted by an officer; it moves the order and all of its entitlements together, and posts what it means in the same transaction.
"""

import re
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.ledger.posting import Side, moved, post_entries
from app.domain.bansos.models.cycles import PaymentStep, aid_cycle, entitlement
from app.domain.bansos.models.ledger import Account, EntryKind
from app.domain.bansos.models.payments import OrderState, kks_card, payment_order
from app.domain.bansos.payments.entries import entries_of
from app.domain.bansos.payments.errors import NothingFailed, NumberInvalid
from app.domain.bansos.payments.orders import enqueue_file
from app.domain.bansos.payments.rows import Actor, Key, Order, at, change_order, join_by_hash, move, order_in

CARD_NOT_ACTIVE: Final = "CARD_NOT_ACTIVE"
"""Why a top-up failed that the bank was never asked for: the family has no active card of that bank any more."""
_NUMBER: Final = re.compile(r"[A-Za-z0-9./_-]{1,60}")


def _letter(number: str) -> str:
    text = number.strip()
    if _NUMBER.fullmatch(text) is None:
        raise NumberInvalid
    return text


async def note_spm(session: AsyncSession, key: Key, *, version: int, number: str) -> Order:
    """The order to pay (SPM) is issued, for all whose accounts the bank found good.

    Raises:
        NumberInvalid: its number cannot be.
        OrderUnknown, OrderStateWrong, OrderChanged: the order is not there, not checked, or not as the caller saw it.
    """
    letter = _letter(number)
    order = await order_in(session, key, version, OrderState.ACCOUNTS_CHECKED)
    await move(session, order, PaymentStep.ACCOUNT_VALID, PaymentStep.SPM)
    await change_order(session, order, state=OrderState.SPM.value, spm_number=letter, spm_at=sa.func.now())
    return order


async def note_omspan(session: AsyncSession, key: Key, *, version: int) -> Order:
    """The order to pay has entered OMSPAN.

    Raises:
        OrderUnknown, OrderStateWrong, OrderChanged: as for ``note_spm``.
    """
    order = await order_in(session, key, version, OrderState.SPM)
    await move(session, order, PaymentStep.SPM, PaymentStep.OMSPAN)
    await change_order(session, order, state=OrderState.OMSPAN.value, omspan_at=sa.func.now())
    return order


async def note_sp2d(session: AsyncSession, actor: Actor, key: Key, *, version: int, number: str) -> Order:
    """The treasury has paid (SP2D): the money lies in the clearing account of the bank, and the ledger says so.

    Raises:
        NumberInvalid: its number cannot be.
        OrderUnknown, OrderStateWrong, OrderChanged: as for ``note_spm``.
    """
    letter = _letter(number)
    order = await order_in(session, key, version, OrderState.OMSPAN)
    await move(session, order, PaymentStep.OMSPAN, PaymentStep.SP2D)
    o, c = payment_order.c, aid_cycle.c
    await post_entries(
        session,
        sa.select(
            o.regency_id,
            o.village_low,
            o.village_high,
            c.programme_code,
            o.cycle_id,
            sa.cast(sa.null(), o.id.type).label("family_id"),
            o.id.label("source_id"),
            sa.func.concat("RELEASE:", o.id).label("source_key"),
            o.valid_amount.label("amount"),
            *moved(EntryKind.RELEASE, Side(Account.TREASURY), Side(Account.CLEARING), by=actor.id),
        )
        .join(aid_cycle, sa.and_(c.regency_id == o.regency_id, c.id == o.cycle_id))
        .where(at(payment_order, order.key)),
    )
    await change_order(session, order, state=OrderState.SP2D.value, sp2d_number=letter, sp2d_at=sa.func.now())
    return order


async def instruct(session: AsyncSession, actor: Actor, key: Key, *, version: int) -> Order:
    """Have the bank move the money to the families (standing instruction): its file is queued.

    Whose card was blocked, lost or withdrawn since the check is not in it: that top-up has failed.

    Raises:
        OrderUnknown, OrderStateWrong, OrderChanged: as for ``note_spm``.
    """
    order = await order_in(session, key, version, OrderState.SP2D)
    await join_by_hash(session)
    e, card = entitlement.c, kks_card.c
    has_card = (
        sa.select(sa.literal_column("1"))
        .where(
            card.regency_id == e.regency_id,
            card.family_id == e.family_id,
            card.bank == order.bank.value,
            sa.literal_column("kks_card.state = 'ACTIVE'"),
        )
        .exists()
    )
    await session.execute(
        sa.update(entitlement)
        .where(order.entitlements, e.step == PaymentStep.SP2D.value, ~has_card)
        .values(step=PaymentStep.TOP_UP_FAILED.value, step_reason=CARD_NOT_ACTIVE, step_at=sa.func.now())
    )
    await move(session, order, PaymentStep.SP2D, PaymentStep.STANDING_INSTRUCTION)
    if await _is_anybody(session, order, PaymentStep.STANDING_INSTRUCTION):
        await change_order(session, order, state=OrderState.STANDING_INSTRUCTION.value, instructed_at=sa.func.now())
        await enqueue_file(session, actor, order.id, order.villages)
    else:
        await change_order(
            session,
            order,
            state=OrderState.SETTLED.value,
            instructed_at=sa.func.now(),
            settled_at=sa.func.now(),
        )
    return order


async def return_failed(session: AsyncSession, actor: Actor, key: Key, *, version: int) -> Order:
    """What could not be topped up goes from the clearing account back to the treasury.

    Raises:
        OrderUnknown, OrderStateWrong, OrderChanged: as for ``note_spm``.
        NothingFailed: there is nothing to return.
    """
    order = await order_in(session, key, version, OrderState.STANDING_INSTRUCTION, OrderState.SETTLED)
    returned = moved(EntryKind.RELEASE_RETURN, Side(Account.CLEARING), Side(Account.TREASURY), by=actor.id)
    source_key = sa.func.concat("RELEASE_RETURN:", entitlement.c.id)
    is_failed = entitlement.c.step == PaymentStep.TOP_UP_FAILED.value
    posted = await post_entries(session, entries_of(source_key, returned).where(order.entitlements, is_failed))
    if not posted:
        raise NothingFailed
    await move(session, order, PaymentStep.TOP_UP_FAILED, PaymentStep.RETURNED)
    await change_order(session, order)
    return order


async def _is_anybody(session: AsyncSession, order: Order, step: PaymentStep) -> bool:
    found = sa.select(sa.exists().where(order.entitlements, entitlement.c.step == step.value))
    return bool((await session.execute(found)).scalar_one())
