"""Many at once: the same key is one purchase, one wallet is spent once, and money is neither made nor lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.base import DomainError
from app.domain.ewarong.models.agents import AgentState
from app.domain.ewarong.transactions.errors import BalanceTooLow, KeyConflict
from app.domain.ewarong.transactions.items import Line, Redemption
from app.domain.ewarong.transactions.service import Reported
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.ewarong.transactions.selling import (
    BASKET,
    OTHER_VILLAGE,
    PRICE,
    RICE,
    VILLAGE,
    faults,
    plant_kpm,
    redemption,
    sell,
)
from tests.support.outlets import Kpm, Outlet, balance_of, plant_agent, set_state, top_up
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

TASKS = 8
HELD = 100_000


async def at_once(database: Database, sold: Sequence[tuple[Outlet, Redemption]]) -> list[Reported | BaseException]:
    return await asyncio.gather(*(sell(database, *each) for each in sold), return_exceptions=True)


async def test_the_same_from_eight_tasks_is_one_purchase_and_all_are_told_of_it(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id, balance=PRICE)
    same = redemption(outlet, kpm)
    done = await at_once(market_database, [(outlet, same)] * TASKS)
    told = [each for each in done if isinstance(each, Reported)]
    assert len(told) == TASKS, done
    assert len({(each.id, each.receipt, each.balance) for each in told}) == 1
    assert [each.repeated for each in told].count(False) == 1
    assert await balance_of(market_owner, kpm) == 0


async def test_one_key_for_two_purchases_is_a_conflict_whoever_comes_first(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    neighbour = await plant_agent(market_owner, VILLAGE)
    one = redemption(outlet, kpm)
    others = [
        (outlet, replace(one, lines=[RICE])),
        (outlet, replace(one, happened_at=one.happened_at - timedelta(seconds=1))),
        (neighbour, replace(one, agent_id=neighbour.id)),
    ]
    first = await sell(market_database, outlet, one)
    for told in await at_once(market_database, others):
        assert isinstance(told, KeyConflict)
    # Only the text differs, or what the device's clock is said to be: it is the same purchase.
    again = replace(one, lines=[replace(each, quantity=each.quantity * Decimal("1.000")) for each in BASKET])
    assert (await sell(market_database, outlet, replace(again, clock_skew=5))).id == first.id
    assert await balance_of(market_owner, kpm) == 200_000 - PRICE


async def test_a_replay_is_answered_whatever_has_become_of_outlet_card_and_balance(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id, balance=PRICE)
    once = redemption(outlet, kpm)
    first = await sell(market_database, outlet, once)
    await market_owner.execute("update kks_card set state = 'BLOCKED' where id = $1", kpm.card_id)
    await set_state(market_owner, outlet, AgentState.INACTIVE)
    assert await sell(market_database, outlet, once) == replace(first, repeated=True)


async def test_two_outlets_and_one_wallet_one_of_them_sells(
    market: DatabaseServer, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlets = [await plant_agent(market_owner, VILLAGE), await plant_agent(market_owner, OTHER_VILLAGE)]
    kpm = await plant_kpm(market_owner, BANYUMAS.id, balance=PRICE)
    done = await at_once(market_database, [(outlet, redemption(outlet, kpm)) for outlet in outlets * 4])
    assert len([each for each in done if isinstance(each, Reported)]) == 1
    assert all(isinstance(each, Reported) or (isinstance(each, BalanceTooLow) and each.balance == 0) for each in done)
    assert await balance_of(market_owner, kpm) == 0
    assert await faults(market) == []


@pytest.fixture(scope="session")
def kept() -> dict[str, tuple[list[Outlet], list[Kpm]]]:
    return {}


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    asked=st.lists(
        st.tuples(
            st.integers(0, 1), st.integers(0, 2), st.sampled_from([1_000, 30_000, 60_000, 250_000]), st.integers(0, 5)
        ),
        min_size=1,
        max_size=12,
    )
)
async def test_whatever_is_asked_at_once_money_is_conserved_and_no_balance_falls_below_nothing(
    asked: list[tuple[int, int, int, int]],
    kept: dict[str, tuple[list[Outlet], list[Kpm]]],
    market: DatabaseServer,
    market_database: Database,
    market_owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    if "planted" not in kept:
        kept["planted"] = (
            [await plant_agent(market_owner, VILLAGE), await plant_agent(market_owner, OTHER_VILLAGE)],
            [await plant_kpm(market_owner, BANYUMAS.id, balance=0) for _ in range(3)],
        )
    outlets, families = kept["planted"]
    await _fill(market_owner, families)
    keys: dict[int, UUID] = {}
    sold = []
    for outlet, family, price, key in asked:
        chosen = outlets[outlet]
        # A key may stand for two purchases: then one of them is a conflict.
        line = Line("RICE", Decimal(1), price)
        item = redemption(chosen, families[family], lines=[line], idempotency_key=keys.setdefault(key, uuid4()))
        sold.append((chosen, item))
    before = {kpm.token: await balance_of(market_owner, kpm) for kpm in families}
    done = await at_once(market_database, sold * 2)
    spent = dict.fromkeys(before, 0)
    seen: set[UUID] = set()
    for (_, item), told in zip(sold * 2, done, strict=True):
        assert isinstance(told, Reported | DomainError), told
        if isinstance(told, Reported) and told.id not in seen:
            seen.add(told.id)
            spent[item.token] += told.amount
    for kpm in families:
        left = await balance_of(market_owner, kpm)
        assert left == before[kpm.token] - spent[kpm.token]
        assert left >= 0
    assert await faults(market) == []


async def _fill(owner: "asyncpg.Connection[asyncpg.Record]", families: Sequence[Kpm]) -> None:
    for kpm in families:
        if (short := HELD - await balance_of(owner, kpm)) > 0:
            await top_up(owner, kpm, short)
