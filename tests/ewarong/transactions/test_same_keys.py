"""Keys that another outlet uses at the same moment: nobody waits for ever, and nobody is told of a sale that is not there."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from app.domain.base import DomainError
from app.domain.ewarong.transactions.items import Redemption
from app.domain.ewarong.transactions.service import Reported, report_transaction
from app.domain.ewarong.transactions.syncing import Synced
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.ewarong.transactions.selling import (
    MATRIX,
    REPORT,
    VILLAGE,
    event_of,
    faults,
    plant_kpm,
    redemption,
    rows_of,
    sell,
)
from tests.ewarong.transactions.test_syncing import EGG, device_of, sync
from tests.support.outlets import Kpm, Outlet, balance_of, plant_agent
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

_WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


def batch(outlet: Outlet, kpm: Kpm, keys: Sequence[UUID]) -> list[Redemption]:
    """One egg for each of ``keys``: the same sale where the key is the same."""
    egg = redemption(outlet, kpm, lines=[EGG], device_id=uuid4())
    return [replace(egg, device_sequence=at, idempotency_key=key) for at, key in enumerate(keys)]


def outcomes(synced: Sequence[Synced]) -> list[str]:
    """What each item was told."""
    return [
        each.result.code if isinstance(each.result, DomainError) else "REPEATED" if each.result.repeated else "REPORTED"
        for each in synced
    ]


async def waiting(owner: "asyncpg.Connection[asyncpg.Record]", callers: int) -> None:
    """Wait until so many wait for somebody's lock."""
    async with asyncio.timeout(10):
        while await owner.fetchval(_WAITING) < callers:  # noqa: ASYNC110  (the server tells only who asks)
            await asyncio.sleep(0.02)


class _TakenBack(Exception):
    """What is written is not to be committed."""


@asynccontextmanager
async def selling(database: Database, outlet: Outlet, given: Redemption, *, committed: bool) -> AsyncIterator[None]:
    """A sale that others find undecided while the context is open."""
    access = outlet.access(MATRIX)
    with suppress(_TakenBack):
        async with database.write(access.scope(REPORT)) as session:
            await report_transaction(session, given, event_of(access))
            yield
            if not committed:
                raise _TakenBack


async def test_batches_with_the_same_keys_in_other_orders_do_not_wait_for_each_other_for_ever(
    market: DatabaseServer, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlets = [await plant_agent(market_owner, VILLAGE) for _ in range(3)]
    families = [await plant_kpm(market_owner, BANYUMAS.id) for _ in range(3)]
    keys = sorted(uuid4() for _ in range(11))
    # Both come as far as the key in the middle, which a third one has for a moment.
    held = redemption(outlets[2], families[2], lines=[EGG], idempotency_key=keys[5])
    async with selling(market_database, outlets[2], held, committed=False):
        tasks = [
            asyncio.create_task(sync(market_database, outlet, device_of(outlet), batch(outlet, kpm, keys[::step])))
            for outlet, kpm, step in zip(outlets[:2], families[:2], (1, -1), strict=True)
        ]
        await waiting(market_owner, 2)
    done = [outcomes(each) for each in await asyncio.gather(*tasks)]
    assert sorted(done) == [["IDEMPOTENCY_CONFLICT"] * 11, ["REPORTED"] * 11]
    spent = [200_000 - await balance_of(market_owner, kpm) for kpm in families]
    assert spent == [11_000 if each[0] == "REPORTED" else 0 for each in done] + [0]
    assert await faults(market) == []


async def test_what_lost_its_key_to_another_outlet_is_told_so_and_costs_the_others_nothing(
    market: DatabaseServer, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mine, other = await plant_agent(market_owner, VILLAGE), await plant_agent(market_owner, VILLAGE)
    kpm, customer = (
        await plant_kpm(market_owner, BANYUMAS.id, balance=1_500),
        await plant_kpm(market_owner, BANYUMAS.id),
    )
    key = uuid4()
    items = batch(mine, kpm, [key, key, uuid4()])
    sold = redemption(other, customer, lines=[EGG], idempotency_key=key)
    async with selling(market_database, other, sold, committed=True):
        task = asyncio.create_task(sync(market_database, mine, device_of(mine), items))
        await waiting(market_owner, 1)
    done = await task
    assert outcomes(done) == ["IDEMPOTENCY_CONFLICT", "IDEMPOTENCY_CONFLICT", "REPORTED"]
    assert await balance_of(market_owner, kpm) == 500
    (there,) = [each.result for each in done if isinstance(each.result, Reported)]
    assert [row["agent_id"] for row in await rows_of(market_owner, "ewarong_transaction", there.id)] == [mine.id]
    again = await sync(market_database, mine, device_of(mine), items)
    assert outcomes(again)[2] == "REPEATED"
    assert await balance_of(market_owner, kpm) == 500
    assert await faults(market) == []


async def test_a_key_that_is_free_again_is_used(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mine, other = await plant_agent(market_owner, VILLAGE), await plant_agent(market_owner, VILLAGE)
    kpm, customer = await plant_kpm(market_owner, BANYUMAS.id), await plant_kpm(market_owner, BANYUMAS.id)
    key = uuid4()
    sold = redemption(other, customer, lines=[EGG], idempotency_key=key)
    async with selling(market_database, other, sold, committed=False):
        task = asyncio.create_task(sync(market_database, mine, device_of(mine), batch(mine, kpm, [key, key])))
        await waiting(market_owner, 1)
    assert outcomes(await task) == ["REPORTED", "REPEATED"]
    assert await balance_of(market_owner, kpm) == 199_000


async def test_every_other_key_of_a_batch_was_used_elsewhere_long_ago(
    market: DatabaseServer, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mine, other = await plant_agent(market_owner, VILLAGE), await plant_agent(market_owner, VILLAGE)
    kpm, customer = (
        await plant_kpm(market_owner, BANYUMAS.id, balance=3_000),
        await plant_kpm(market_owner, BANYUMAS.id),
    )
    keys = [uuid4() for _ in range(6)]
    for key in keys[::2]:
        await sell(market_database, other, redemption(other, customer, lines=[EGG], idempotency_key=key))
    done = await sync(market_database, mine, device_of(mine), batch(mine, kpm, [*keys, uuid4()]))
    assert outcomes(done) == ["IDEMPOTENCY_CONFLICT", "REPORTED"] * 3 + ["INSUFFICIENT_BALANCE"]
    assert await balance_of(market_owner, kpm) == 0
    assert await faults(market) == []
