"""The end of a cycle: PAID once nobody waits, RECONCILED once three books tell of the same money, CLOSED."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.models.cycles import CycleState, PaymentStep, aid_cycle, entitlement
from app.domain.bansos.models.ledger import Account, EntryKind, journal_entry, journal_line
from app.domain.bansos.models.payments import OrderState, payment_order
from app.domain.bansos.payments.errors import CycleDiffers, CycleUnsettled
from app.domain.bansos.payments.rows import UNDER_WAY, Cycle, Key, at, locked_cycle

_WAITING: Final = [step.value for step in (PaymentStep.WAITING, *UNDER_WAY)]


async def settle_cycle(session: AsyncSession, key: Key, *, version: int) -> Cycle:
    """RELEASED -> PAID: every order has all its answers and what failed was returned. Who has no account or no good one goes without.

    Raises:
        CycleUnknown, CycleStateWrong, CycleChanged: the cycle is not there, not released, or not as the caller saw it.
        CycleUnsettled: an order is under way, or somebody waits.
    """
    cycle = await locked_cycle(session, key, version, CycleState.RELEASED)
    o, e = payment_order.c, entitlement.c
    orders, waiting = (
        await session.execute(
            sa.select(
                sa.select(sa.func.count())
                .where(
                    o.regency_id == cycle.regency_id,
                    o.cycle_id == cycle.id,
                    o.state != OrderState.SETTLED.value,
                )
                .scalar_subquery(),
                sa.select(sa.func.count())
                .where(e.regency_id == cycle.regency_id, e.cycle_id == cycle.id, e.step.in_(_WAITING))
                .scalar_subquery(),
            )
        )
    ).one()
    if orders or waiting:
        raise CycleUnsettled(orders, waiting)
    await _change(session, key, state=CycleState.PAID.value, paid_at=sa.func.now())
    return cycle


async def reconcile_cycle(session: AsyncSession, key: Key, *, version: int) -> Cycle:
    """PAID -> RECONCILED: to the rupiah, what the orders drew is what the ledger released, what entitlements say was paid and returned is
    what the ledger topped up and returned, and nothing is left in between.

    Raises:
        CycleUnknown, CycleStateWrong, CycleChanged: the cycle is not there, not paid, or not as the caller saw it.
        CycleDiffers: they do not agree, by so many rupiah.
    """
    cycle = await locked_cycle(session, key, version, CycleState.PAID)
    differences = await differences_of(session, cycle)
    if differences:
        raise CycleDiffers(differences)
    await _change(session, key, state=CycleState.RECONCILED.value, reconciled_at=sa.func.now())
    return cycle


async def close_cycle(session: AsyncSession, key: Key, *, version: int) -> Cycle:
    """RECONCILED -> CLOSED.

    Raises:
        CycleUnknown, CycleStateWrong, CycleChanged: the cycle is not there, not reconciled, or not as the caller saw it.
    """
    cycle = await locked_cycle(session, key, version, CycleState.RECONCILED)
    await _change(session, key, state=CycleState.CLOSED.value, closed_at=sa.func.now())
    return cycle


async def differences_of(session: AsyncSession, cycle: Cycle) -> dict[str, int]:
    """By how many rupiah what should be equal differs, without what does not."""
    o, e = payment_order.c, entitlement.c
    drawn = sa.select(sa.func.coalesce(sa.func.sum(o.valid_amount), 0)).where(
        o.regency_id == cycle.regency_id, o.cycle_id == cycle.id, o.sp2d_at.is_not(None)
    )
    paid, returned = (
        sa.select(sa.func.coalesce(sa.func.sum(e.amount), 0)).where(
            e.regency_id == cycle.regency_id, e.cycle_id == cycle.id, e.step == step.value
        )
        for step in (PaymentStep.TOPPED_UP, PaymentStep.RETURNED)
    )
    j, line = journal_entry.c, journal_line.c
    # A reversal leaves its trace in the clearing account: what it undid is for people to look at.
    moved = (
        sa.select(
            *(
                sa.func.coalesce(sa.func.sum(line.amount).filter(line.account == account.value, j.kind.in_(kinds)), 0)
                for account, kinds in (
                    (Account.TREASURY, [EntryKind.RELEASE.value]),
                    (Account.WALLET, [EntryKind.TOP_UP.value]),
                    (Account.TREASURY, [EntryKind.RELEASE_RETURN.value]),
                    (Account.CLEARING, [kind.value for kind in EntryKind]),
                )
            )
        )
        .join(journal_line, sa.and_(line.regency_id == j.regency_id, line.entry_id == j.id))
        .where(j.regency_id == cycle.regency_id, j.cycle_id == cycle.id)
    )
    released, topped_up, sent_back, left = (await session.execute(moved)).one()
    books: Any = (
        await session.execute(sa.select(drawn.scalar_subquery(), paid.scalar_subquery(), returned.scalar_subquery()))
    ).one()
    found = {
        "SP2D - RELEASE": int(books[0] + released),
        "TOPPED_UP - TOP_UP": int(books[1] - topped_up),
        "RETURNED - RELEASE_RETURN": int(books[2] - sent_back),
        "CLEARING": int(left),
    }
    return {name: rupiah for name, rupiah in found.items() if rupiah}


async def _change(session: AsyncSession, key: Key, **values: Any) -> None:
    await session.execute(
        sa.update(aid_cycle).where(at(aid_cycle, key)).values(**values, version=aid_cycle.c.version + 1)
    )
