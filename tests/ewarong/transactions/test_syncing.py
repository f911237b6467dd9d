"""A device that was offline sends what it has kept: each item has its own result, whatever is sent again and in whatever order."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app.domain.base import DomainError
from app.domain.ewarong.transactions.errors import BalanceTooLow, OutletUnknown, TransactionInvalid
from app.domain.ewarong.transactions.items import Line, Redemption
from app.domain.ewarong.transactions.service import Reported
from app.domain.ewarong.transactions.syncing import Device, Synced, sync_transactions
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.ewarong.transactions.selling import (
    MATRIX,
    OTHER_VILLAGE,
    PRICE,
    REPORT,
    VILLAGE,
    event_of,
    faults,
    plant_kpm,
    redemption,
    sell,
)
from tests.support.outlets import Outlet, balance_of, plant_agent
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

EGG = Line("EGGS", Decimal(1), 1_000)


def device_of(outlet: Outlet, *, ahead: timedelta = timedelta(0)) -> Device:
    return Device(uuid4(), outlet.regency_id, outlet.id, datetime.now(UTC) + ahead)


async def sync(database: Database, outlet: Outlet, device: Device, given: Sequence[Redemption]) -> list[Synced]:
    access = outlet.access(MATRIX)
    async with database.write(access.scope(REPORT)) as session:
        return await sync_transactions(
            session, device, given, event_of(access, "ewarongTransactionsSync"), now=datetime.now(UTC)
        )


def reported(synced: Sequence[Synced]) -> list[Reported]:
    assert all(isinstance(each.result, Reported) for each in synced), synced
    return [each.result for each in synced if isinstance(each.result, Reported)]


async def test_five_hundred_replayed_in_parts_and_out_of_order_are_there_once(
    market: DatabaseServer, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, VILLAGE)
    families = [await plant_kpm(market_owner, BANYUMAS.id, balance=300_000) for _ in range(3)]
    device = device_of(outlet)
    kept = [
        redemption(outlet, families[at % 3], lines=[EGG], device_id=device.id, device_sequence=at) for at in range(500)
    ]
    shuffled = random.Random(7).sample(kept, len(kept))  # noqa: S311  (an order, no secret)
    first = reported(await sync(market_database, outlet, device, shuffled[:200]))
    assert not any(each.repeated for each in first)
    everything = await sync(market_database, outlet, device, shuffled)
    assert [each.device_sequence for each in everything] == list(range(500))
    again = reported(everything)
    assert [each.repeated for each in again].count(True) == 200
    assert {each.id for each in first} < {each.id for each in again}
    backwards = reported(await sync(market_database, outlet, device, kept[::-1]))
    assert [(each.id, each.receipt) for each in backwards] == [(each.id, each.receipt) for each in again]
    assert all(each.repeated for each in backwards)
    spent = sum([300_000 - await balance_of(market_owner, kpm) for kpm in families])
    assert spent == 500 * 1_000
    events = await market_owner.fetch(
        "select row_count from audit_event where subject_ids && $1 order by row_count", [each.id for each in again]
    )
    assert [row["row_count"] for row in events] == [200, 300]
    last = await market_owner.fetchval("select last_sequence from ewarong_device where id = $1", device.id)
    assert last == 499
    assert await faults(market) == []


async def test_one_that_is_refused_loses_nothing_of_the_others(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id, balance=2_500)
    device = device_of(outlet)

    def item(sequence: int, **others: Any) -> Redemption:
        made = redemption(outlet, kpm, lines=[EGG], device_id=device.id, device_sequence=sequence)
        return replace(made, **others)

    synced = await sync(
        market_database,
        outlet,
        device,
        [
            item(5),
            item(4, lines=[Line("CIGARETTES", Decimal(1), 1)]),
            item(3, total=999),
            item(2, lines=[]),
            item(1, token="nobody"),
            item(0),
            item(6),
        ],
    )
    told = [each.result.code if isinstance(each.result, DomainError) else each.result.balance for each in synced]
    assert told == [
        1_500,
        "CARD_UNKNOWN",
        "EWARONG_TRANSACTION_INVALID",
        "TOTAL_MISMATCH",
        "PROHIBITED_COMMODITY",
        500,
        "INSUFFICIENT_BALANCE",
    ]
    low = synced[-1].result
    assert isinstance(low, BalanceTooLow)
    assert low.balance == 500


async def test_how_far_ahead_a_clock_was_is_noted_and_taken_off(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    years = timedelta(days=9_000)
    device = device_of(outlet, ahead=-years)
    sold = redemption(
        outlet,
        kpm,
        device_id=device.id,
        device_sequence=1,
        happened_at=datetime.now(UTC) - years,
    )
    (done,) = reported(await sync(market_database, outlet, device, [sold]))
    row = await market_owner.fetchrow("select * from ewarong_transaction where id = $1", done.id)
    assert row is not None
    assert abs(row["clock_skew"] + years.total_seconds()) < 60
    assert row["happened_at"] == sold.happened_at
    assert row["day"] == (sold.happened_at + years + timedelta(hours=7)).date()
    kept = await market_owner.fetchval("select clock_skew from ewarong_device where id = $1", device.id)
    assert kept == row["clock_skew"]


async def test_what_a_device_has_sent_before_by_itself_is_told_again(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    device = device_of(outlet)
    sold = redemption(outlet, kpm, device_id=device.id, device_sequence=1)
    alone = await sell(market_database, outlet, sold)
    (again,) = reported(await sync(market_database, outlet, device, [sold]))
    assert again == replace(alone, repeated=True)


async def test_what_was_sent_alone_and_then_from_a_device_that_was_set_up_anew_is_one_sale(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    alone = redemption(outlet, kpm)
    first = await sell(market_database, outlet, alone)
    for sequence in (7, 1):
        device = device_of(outlet)
        queued = replace(alone, device_id=device.id, device_sequence=sequence)
        (again,) = reported(await sync(market_database, outlet, device, [queued]))
        assert again == replace(first, repeated=True)
    other = await sync(market_database, outlet, device, [replace(queued, total=PRICE)])
    assert [each.result.code for each in other if isinstance(each.result, DomainError)] == ["IDEMPOTENCY_CONFLICT"]
    assert await balance_of(market_owner, kpm) == 200_000 - PRICE


async def test_a_device_that_is_handed_to_another_outlet_syncs_for_each(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    kpm, identifier = await plant_kpm(market_owner, BANYUMAS.id), uuid4()
    outlets = [await plant_agent(market_owner, village) for village in (VILLAGE, VILLAGE, OTHER_VILLAGE)]
    for at, outlet in enumerate([*outlets, outlets[0]]):
        device = Device(identifier, outlet.regency_id, outlet.id, datetime.now(UTC))
        sold = redemption(outlet, kpm, lines=[EGG], device_id=identifier, device_sequence=at)
        assert len(reported(await sync(market_database, outlet, device, [sold]))) == 1
    rows = await market_owner.fetch("select agent_id, last_sequence from ewarong_device where id = $1", identifier)
    assert {row["agent_id"]: row["last_sequence"] for row in rows} == {
        outlet.id: last for outlet, last in zip(outlets, (3, 1, 2), strict=True)
    }


async def test_batches_that_want_the_same_wallets_in_other_orders_do_not_wait_for_each_other_for_ever(
    market: DatabaseServer, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlets = [await plant_agent(market_owner, VILLAGE) for _ in range(3)]
    families = [await plant_kpm(market_owner, BANYUMAS.id, balance=100_000) for _ in range(3)]

    def batch(outlet: Outlet, step: int) -> list[Redemption]:
        ordered = families[::step]
        device = uuid4()
        return [
            redemption(outlet, ordered[at % 3], lines=[EGG], device_id=device, device_sequence=at) for at in range(30)
        ]

    same = batch(outlets[0], 1)
    batches = [
        (outlets[0], same),
        (outlets[1], batch(outlets[1], -1)),
        (outlets[2], batch(outlets[2], 1)),
        (outlets[0], same),
    ]
    done = await asyncio.gather(
        *(sync(market_database, outlet, device_of(outlet), items) for outlet, items in batches),
        *(sell(market_database, outlets[1], redemption(outlets[1], kpm, lines=[EGG])) for kpm in families * 2),
        return_exceptions=True,
    )
    assert not [each for each in done if isinstance(each, BaseException)]
    spent = sum([100_000 - await balance_of(market_owner, kpm) for kpm in families])
    assert spent == (3 * 30 + 6) * 1_000
    assert await faults(market) == []


@pytest.mark.parametrize("size", [0, 501])
async def test_a_batch_is_neither_empty_nor_larger_than_five_hundred(
    size: int, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    items = [redemption(outlet, kpm) for _ in range(size)]
    with pytest.raises(TransactionInvalid) as told:
        await sync(market_database, outlet, device_of(outlet), items)
    assert told.value.fields == ("items",)


async def test_whoever_syncs_for_another_outlet_finds_none(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mine, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    other = await plant_agent(market_owner, VILLAGE)
    device = device_of(other)
    sold = redemption(other, kpm, device_id=device.id, device_sequence=1)
    with pytest.raises(OutletUnknown):
        await sync(market_database, mine, device, [sold])
    assert not await market_owner.fetchval("select exists (select from ewarong_device where id = $1)", device.id)
    assert await balance_of(market_owner, kpm) == 200_000
