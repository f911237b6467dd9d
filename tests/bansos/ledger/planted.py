"""A cycle with one order of payment, as the tables hold them: what the ledger is compared with."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid4

from app.domain.bansos.models.cycles import PaymentStep
from app.domain.bansos.models.ledger import EntryKind
from app.domain.bansos.models.payments import OrderState
from tests.bansos.ledger.books import CASHIER, Books, entry
from tests.support.triggers import past_triggers

PERIOD: Final = date(2026, 1, 1)
_CYCLE: Final = """
insert into aid_cycle (regency_id, id, village_low, village_high, programme_code, terms_version, period_start, period_end, state,
  generation_id, made_by, made_by_name, made_at, released_by, released_by_name, released_at, families, entitled, amount, generated_at)
values (3302, $1, 3302000000, 3302999999, 'UJI_A', 1, $2, '2026-03-31', 'RELEASED', $1, $3, 'Kasir', now(), $3, 'Kasir', now(), $4, $4, $5,
  now())
"""
_OUTCOME: Final = """
insert into cycle_outcome (regency_id, cycle_id, outcome, reason, village_low, village_high, families, amount)
values (3302, $1, 'ENTITLED', '', 3302000000, 3302999999, $2, $3)
"""
_ORDER: Final = """
insert into payment_order (regency_id, id, village_low, village_high, cycle_id, bank, number, state, entitlements, amount,
  valid_entitlements, valid_amount, sp2d_at, made_by, made_by_name, made_at)
values (3302, $1, 3302000000, 3302999999, $2, 'BRI', 1, $6, $4, $5, $4, $5, now(), $3, 'Kasir', now())
"""
_ENTITLEMENT: Final = """
insert into entitlement (regency_id, id, village_id, cycle_id, programme_code, terms_version, period_start, family_id, recipient_id,
  amount, facts, step, step_at, order_id)
select 3302, $1, $2, $3, 'UJI_A', 1, $4, $5, p.id, $6, '{}', $7, now(), $8 from person p
where p.regency_id = 3302 limit 1
"""


@dataclass(frozen=True, slots=True)
class Planted:
    """An order of payment for which the treasury has paid, and the entitlements in it, by family."""

    cycle: UUID
    order: UUID
    entitlements: tuple[UUID, ...]
    release: dict[str, Any]
    """The row for ``Books.post`` that releases the money."""


async def plant_order(
    books: Books, *steps: PaymentStep, amount: int, state: OrderState = OrderState.SETTLED
) -> Planted:
    """An order with an entitlement to ``amount`` at each of ``steps``, of the first families of Banyumas in turn; nothing is posted yet."""
    cycle, order, count = uuid4(), uuid4(), len(steps)
    await books.owner.execute(_CYCLE, cycle, PERIOD, CASHIER, count, count * amount)
    await books.owner.execute(_ORDER, order, cycle, CASHIER, count, count * amount, state.value)
    ids = tuple(uuid4() for _ in steps)
    async with past_triggers(books.owner):
        await books.owner.execute(_OUTCOME, cycle, count, count * amount)
        for at, (id_, step) in enumerate(zip(ids, steps, strict=True)):
            purse = books.purse(number=at)
            await books.owner.execute(
                _ENTITLEMENT, *(id_, purse.village_id, cycle, PERIOD, purse.family_id, amount, step.value, order)
            )
    released = entry(
        EntryKind.RELEASE,
        books.purse(),
        count * amount,
        village_low=3302000000,
        village_high=3302999999,
        family_id=None,
        source_id=order,
        cycle_id=cycle,
        source_key=f"RELEASE:{order}",
    )
    return Planted(cycle, order, ids, released)
