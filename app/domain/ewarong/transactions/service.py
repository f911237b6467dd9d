"""Reporting redemptions: one function of the database does it, in one statement (migrations 0025 and 0035).

The hot path calls that function without a session (``app.schema.calling``); what is here is the same for whoever has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.audit.service import Event
from app.domain.ewarong.transactions.errors import refusal_of_outcome
from app.domain.ewarong.transactions.items import Redemption, item_of

REPORTED: Final = "REPORTED"
REPEATED: Final = "REPEATED"
_DONE: Final = frozenset({REPORTED, REPEATED})
_REPORT: Final = sa.text(
    "select outcome, detail, regency_id, id, amount, balance, receipt "
    "from ewarong_transaction_report(cast(:item as jsonb), cast(:actor as jsonb))"
)


@dataclass(frozen=True, slots=True)
class Reported:
    """A transaction that is there, from now on or already."""

    regency_id: int
    id: UUID
    repeated: bool
    """Whether the same was reported before: this is what it has led to then."""
    amount: int
    balance: int
    """Rupiah left in the wallet right after it."""
    receipt: str


def told(event: Event) -> str:
    """``event`` as the functions of the database take it: they say of it what was done and where."""
    return orjson.dumps({"id": str(uuid7()), **orjson.loads(orjson.dumps(event, default=bytes.hex))}).decode()


def done_of_outcome(outcome: str, detail: Mapping[str, Any]) -> bool:
    """Whether a transaction was repeated, of an outcome that says that it is there.

    Raises:
        DomainError: the outcome is a refusal.
    """
    if outcome not in _DONE:
        raise refusal_of_outcome(outcome, detail)
    return outcome == REPEATED


async def report_transaction(session: AsyncSession, given: Redemption, event: Event) -> Reported:
    """Report a redemption in the transaction of ``session``, with its journal entry, totals and ``event``.

    Raises:
        DomainError: see ``app.domain.ewarong.transactions.errors``; nothing was written.
    """
    item = orjson.dumps(item_of(given)).decode()
    row = (await session.execute(_REPORT, {"item": item, "actor": told(event)})).one()
    detail = row.detail if row.detail is not None else {}
    repeated = done_of_outcome(row.outcome, orjson.loads(detail) if isinstance(detail, str) else detail)
    return Reported(row.regency_id, UUID(int=row.id.int), repeated, row.amount, row.balance, row.receipt)
