"""Making orders of payment: who of a released cycle has a card goes to the order of its bank, all others wait for one."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.bansos.models.cycles import CycleState, PaymentStep
from app.domain.bansos.models.payments import Bank, OrderState
from app.domain.bansos.payments.errors import OrderStateWrong
from app.domain.bansos.payments.rows import UNDER_WAY, Actor, Key, Order, join_by_hash, locked_cycle, locked_order
from app.domain.jobs.models import JobKind
from app.domain.jobs.service import enqueue
from app.tenants.region_path import Span

PAID_BEFORE: Final = "PAID_BEFORE"
"""Why an entitlement is cancelled: another revision has paid the family for the same programme and period, or is about to."""

# One statement, so that what is counted is what is ordered, however cards change meanwhile. The cycle is locked: nobody else orders.
# Who had no account and has none still is counted and not written: since when that is stays as it was.
# A card counts as new since its order was made: it may be activated before the bank finds fault with the old one.
_MAKE: Final = """
with others as materialized (
  select distinct o.family_id from entitlement o
  where o.regency_id = :regency and o.step = any(:under_way) and o.cycle_id in (
    select c.id from aid_cycle c
    where c.regency_id = :regency and c.programme_code = :programme and c.period_start = :period and c.id <> :cycle
  )
), waiting as materialized (
  select e.id, e.step, e.amount, card.bank, o.family_id is not null as paid_before
  from entitlement e
  left join kks_card card on card.regency_id = e.regency_id and card.family_id = e.family_id and card.state = 'ACTIVE'
  left join others o on o.family_id = e.family_id
  left join payment_order asked on asked.regency_id = :regency and asked.cycle_id = :cycle and asked.id = e.order_id
  where e.regency_id = :regency and e.cycle_id = :cycle and (
    e.step in ('WAITING', 'NO_ACCOUNT') or (e.step = 'ACCOUNT_FAILED' and card.activated_at > asked.made_at)
  )
), numbered as (
  select bank, max(number) as number from payment_order where regency_id = :regency and cycle_id = :cycle group by bank
), made as (
  insert into payment_order (regency_id, id, village_low, village_high, cycle_id, bank, number, entitlements, amount,
    made_by, made_by_name, made_at)
  select :regency, ids.id, :low, :high, :cycle, w.bank, coalesce(max(n.number), 0) + 1, count(*), sum(w.amount),
    :principal, :name, now()
  from waiting w
  join unnest(cast(:banks as text[]), cast(:ids as uuid[])) as ids (bank, id) on ids.bank = w.bank
  left join numbered n on n.bank = w.bank
  where not w.paid_before
  group by w.bank, ids.id
  returning id, bank, entitlements, amount
), changed as (
  update entitlement e set order_id = coalesce(made.id, e.order_id), step_at = now(),
    step = case when w.paid_before then 'CANCELLED' when made.id is null then 'NO_ACCOUNT' else 'ACCOUNT_CHECK' end,
    step_reason = case when w.paid_before then :paid_before end
  from waiting w left join made on made.bank = w.bank and not w.paid_before
  where e.regency_id = :regency and e.id = w.id and (w.step <> 'NO_ACCOUNT' or w.bank is not null or w.paid_before)
  returning e.step
)
select
  (select coalesce(array_agg(id), '{}') from made) as orders,
  (select coalesce(sum(entitlements), 0) from made)::int as entitlements,
  (select coalesce(sum(amount), 0) from made)::bigint as amount,
  (select count(*) from waiting where bank is null and not paid_before) as without_account,
  (select count(*) from changed where step = 'CANCELLED') as cancelled
"""


@dataclass(frozen=True, slots=True)
class Made:
    """What came of making orders: how many of them, of how many entitlements and rupiah, and who is in none."""

    orders: int
    entitlements: int
    amount: int
    without_account: int
    cancelled: int
    villages: Span


async def make_orders(session: AsyncSession, actor: Actor, cycle_key: Key, *, version: int) -> Made:
    """Order the payment of all families of a released cycle that have an active card, one order for each bank, and queue its file.

    Asking again makes orders of those alone who have got a card since; where there is nobody, it changes nothing.

    Raises:
        CycleUnknown, CycleStateWrong, CycleChanged: the cycle is not there, not released, or not as the caller saw it.
    """
    cycle = await locked_cycle(session, cycle_key, version, CycleState.RELEASED)
    banks = [bank.value for bank in Bank]
    made = sa.text(_MAKE).bindparams(
        sa.bindparam("under_way", [step.value for step in (PaymentStep.TOPPED_UP, *UNDER_WAY)], pg.ARRAY(sa.Text())),
        sa.bindparam("banks", banks, pg.ARRAY(sa.Text())),
        sa.bindparam("ids", [uuid7() for _ in banks], pg.ARRAY(pg.UUID(as_uuid=True))),
        sa.bindparam("regency", cycle.regency_id, sa.Integer()),
        sa.bindparam("cycle", cycle.id, pg.UUID(as_uuid=True)),
        sa.bindparam("programme", cycle.programme_code, sa.Text()),
        sa.bindparam("period", cycle.period_start, sa.Date()),
        sa.bindparam("low", cycle.villages.low, sa.BigInteger()),
        sa.bindparam("high", cycle.villages.high, sa.BigInteger()),
        sa.bindparam("principal", actor.id, pg.UUID(as_uuid=True)),
        sa.bindparam("name", actor.name, sa.Text()),
        sa.bindparam("paid_before", PAID_BEFORE, sa.Text()),
    )
    await join_by_hash(session)
    row = (await session.execute(made)).one()
    for order_id in row.orders:
        await enqueue_file(session, actor, order_id, cycle.villages)
    return Made(
        orders=len(row.orders),
        entitlements=row.entitlements,
        amount=row.amount,
        without_account=row.without_account,
        cancelled=row.cancelled,
        villages=cycle.villages,
    )


async def request_file(session: AsyncSession, actor: Actor, key: Key) -> Order:
    """Have the file that an order waits for sent to its bank once more, or written where it is not there yet.

    Raises:
        OrderUnknown: the order is not there.
        OrderStateWrong: it does not wait for its bank.
    """
    order = await locked_order(session, key)
    if order.state not in {OrderState.ACCOUNT_CHECK, OrderState.STANDING_INSTRUCTION}:
        raise OrderStateWrong(order.state)
    await enqueue_file(session, actor, order.id, order.villages)
    return order


async def enqueue_file(session: AsyncSession, actor: Actor, subject_id: UUID, villages: Span) -> None:
    """Queue the writing of the file that an order (or of the accounts that a cycle) waits for."""
    await enqueue(
        session,
        kind=JobKind.BANK_FILE,
        principal_id=actor.id,
        principal_name=actor.name,
        subject_id=subject_id,
        villages=villages,
    )
