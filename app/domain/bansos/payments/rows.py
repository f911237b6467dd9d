"""The rows that payments work on: cycles and orders, found and locked, and who works on them."""

from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.cycles.errors import CycleStateWrong
from app.domain.bansos.models.cycles import CycleState, PaymentStep, aid_cycle, entitlement
from app.domain.bansos.models.payments import Bank, OrderState, payment_order
from app.domain.bansos.payments.errors import (
    CycleChanged,
    CycleUnknown,
    OrderChanged,
    OrderStateWrong,
    OrderUnknown,
)
from app.tenants.region_path import Span

Key: TypeAlias = tuple[int, UUID]
"""Regency and id of a row."""
UNDER_WAY: Final = frozenset(
    {
        PaymentStep.ACCOUNT_CHECK,
        PaymentStep.ACCOUNT_VALID,
        PaymentStep.SPM,
        PaymentStep.OMSPAN,
        PaymentStep.SP2D,
        PaymentStep.STANDING_INSTRUCTION,
        PaymentStep.TOP_UP_FAILED,
    }
)
"""Steps from which a family may still be paid, or its money is yet to come back."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Cycle:
    """What payments need to know of a cycle."""

    regency_id: int
    id: UUID
    villages: Span
    programme_code: str
    period_start: Any
    state: CycleState
    version: int

    @classmethod
    def of(cls, row: Any) -> Self:
        """The cycle of ``row``."""
        return cls(
            row.regency_id,
            UUID(int=row.id.int),
            Span(row.village_low, row.village_high),
            row.programme_code,
            row.period_start,
            CycleState(row.state),
            row.version,
        )


@dataclass(frozen=True, slots=True)
class Order:
    """An order of payment."""

    regency_id: int
    id: UUID
    villages: Span
    cycle_id: UUID
    bank: Bank
    state: OrderState
    valid_amount: int | None
    version: int

    @classmethod
    def of(cls, row: Any) -> Self:
        """The order of ``row``."""
        # asyncpg has a UUID of its own, which the audit trail cannot print.
        return cls(
            row.regency_id,
            UUID(int=row.id.int),
            Span(row.village_low, row.village_high),
            UUID(int=row.cycle_id.int),
            Bank(row.bank),
            OrderState(row.state),
            row.valid_amount,
            row.version,
        )

    @property
    def key(self) -> Key:
        """Regency and id."""
        return self.regency_id, self.id

    @property
    def entitlements(self) -> sa.ColumnElement[bool]:
        """Its entitlements. The cycle is named because an index leads from it to them."""
        c = entitlement.c
        return sa.and_(c.regency_id == self.regency_id, c.cycle_id == self.cycle_id, c.order_id == self.id)


def at(table: sa.Table, key: Key) -> sa.ColumnElement[bool]:
    """The row of ``table`` with ``key``."""
    return sa.and_(table.c.regency_id == key[0], table.c.id == key[1])


async def join_by_hash(session: AsyncSession) -> None:
    """Have the rest of the transaction join whole sets.

    Behind row-level security the planner takes every range for half a per cent of its table, and a list that was made a moment ago has no
    statistics: it would go through thousands of families once for each of them.
    """
    await session.execute(sa.text("set local enable_nestloop = off"))


async def locked_cycle(session: AsyncSession, key: Key, version: int | None, *states: CycleState) -> Cycle:
    """The cycle with ``key``, which nobody else changes until the transaction ends.

    Raises:
        CycleUnknown: there is none in scope.
        CycleChanged: its version is another than ``version``.
        CycleStateWrong: it is in none of ``states``.
    """
    row = (await session.execute(sa.select(aid_cycle).where(at(aid_cycle, key)).with_for_update())).one_or_none()
    if row is None:
        raise CycleUnknown
    cycle = Cycle.of(row)
    if cycle.state not in states:
        raise CycleStateWrong(cycle.state)
    if version is not None and cycle.version != version:
        raise CycleChanged
    return cycle


async def locked_order(session: AsyncSession, key: Key) -> Order:
    """The order with ``key``, which nobody else changes until the transaction ends.

    Raises:
        OrderUnknown: there is none in scope.
    """
    row = (
        await session.execute(sa.select(payment_order).where(at(payment_order, key)).with_for_update())
    ).one_or_none()
    if row is None:
        raise OrderUnknown
    return Order.of(row)


async def order_in(session: AsyncSession, key: Key, version: int, *states: OrderState) -> Order:
    """``locked_order`` as the caller saw it.

    Raises:
        OrderUnknown: there is none in scope.
        OrderStateWrong: it is in none of ``states``.
        OrderChanged: its version is another than ``version``.
    """
    order = await locked_order(session, key)
    if order.state not in states:
        raise OrderStateWrong(order.state)
    if order.version != version:
        raise OrderChanged
    return order


async def change_order(session: AsyncSession, order: Order, **values: Any) -> None:
    """Write ``values`` to an order that is locked."""
    await session.execute(
        sa.update(payment_order)
        .where(at(payment_order, order.key))
        .values(**values, version=payment_order.c.version + 1)
    )


async def move(session: AsyncSession, order: Order, before: PaymentStep, after: PaymentStep) -> None:
    """Take all entitlements of an order that are at one step to the next."""
    await session.execute(
        sa.update(entitlement)
        .where(order.entitlements, entitlement.c.step == before.value)
        .values(step=after.value, step_at=sa.func.now())
    )
