"""What a device has kept while it was offline, reported in one call of the database, each item with its own result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.audit.service import Event
from app.domain.base import DomainError
from app.domain.ewarong.live import COMMITTED, NewTransaction
from app.domain.ewarong.transactions.errors import OutletUnknown, TransactionInvalid
from app.domain.ewarong.transactions.items import Redemption, item_of
from app.domain.ewarong.transactions.service import Reported, done_of_outcome, told
from app.tenants.session import announce

MOST_ITEMS: Final = 500
_MOST_SKEW: Final = 2**31 - 1
_SYNC: Final = sa.text(
    "select number, outcome, detail, id, amount, balance, receipt from ewarong_transactions_sync("
    "cast(:device as jsonb), cast(:items as jsonb), cast(:actor as jsonb)) order by number"
)
_VILLAGE: Final = sa.text("select village_id from ewarong_agent where regency_id = :regency_id and id = :id")


@dataclass(frozen=True, slots=True)
class Device:
    """A device of an outlet and what its clock said when it sent."""

    id: UUID
    regency_id: int
    agent_id: UUID
    now: datetime

    def skew(self, now: datetime) -> int:
        """Seconds that its clock is ahead of the server's, which says ``now``.

        Raises:
            TransactionInvalid: it is more than anybody's lifetime.
        """
        skew = round((self.now - now).total_seconds())
        if abs(skew) > _MOST_SKEW:
            raise TransactionInvalid(
                "device_now", "Jam perangkat berbeda lebih dari 68 tahun.", "The device's clock is 68 years off."
            )
        return skew


@dataclass(frozen=True, slots=True)
class Synced:
    """What became of one item of a batch: it is there, or it was refused."""

    idempotency_key: UUID
    device_sequence: int | None
    result: Reported | DomainError


async def sync_transactions(
    session: AsyncSession, device: Device, given: Sequence[Redemption], event: Event, *, now: datetime
) -> list[Synced]:
    """Report ``given`` in the order of their device sequences; what became of each, in that order.

    One that is refused changes nothing for the others; one that is there already is told again.

    Raises:
        OutletUnknown: the scope of ``session`` does not show the outlet.
        TransactionInvalid: the batch is empty or too large, or the clock cannot be.
    """
    if not 0 < len(given) <= MOST_ITEMS:
        raise TransactionInvalid("items", f"Kirim 1 sampai {MOST_ITEMS} transaksi.", f"Send 1 to {MOST_ITEMS} items.")
    skew = device.skew(now)
    village_id = await session.scalar(_VILLAGE, {"regency_id": device.regency_id, "id": device.agent_id})
    if village_id is None:
        raise OutletUnknown
    ordered = sorted(given, key=lambda each: each.device_sequence or 0)
    results: list[Reported | DomainError | None] = []
    items = []
    for each in ordered:
        try:
            items.append(item_of(replace(each, clock_skew=skew)))
            results.append(None)
        except TransactionInvalid as refusal:
            results.append(refusal)
    about = {
        "regencyId": device.regency_id,
        "agentId": str(device.agent_id),
        "deviceId": str(device.id),
        "lastSequence": max(each.device_sequence or 0 for each in ordered),
        "clockSkew": skew,
    }
    rows = await session.execute(
        _SYNC, {"device": orjson.dumps(about).decode(), "items": orjson.dumps(items).decode(), "actor": told(event)}
    )
    answers = iter([_read(device, row) for row in rows])
    synced = [
        Synced(each.idempotency_key, each.device_sequence, result if result is not None else next(answers))
        for each, result in zip(ordered, results, strict=True)
    ]
    for done in synced:
        if isinstance(done.result, Reported) and not done.result.repeated:
            new = NewTransaction(device.regency_id, village_id, device.agent_id, done.result.id)
            announce(session, COMMITTED, new.text)
    return synced


def _read(device: Device, row: sa.Row[tuple[object, ...]]) -> Reported | DomainError:
    detail = orjson.loads(row.detail) if isinstance(row.detail, str) else row.detail
    try:
        repeated = done_of_outcome(row.outcome, detail if detail is not None else {})
    except DomainError as refusal:
        return refusal
    return Reported(device.regency_id, UUID(int=row.id.int), repeated, row.amount, row.balance, row.receipt)
