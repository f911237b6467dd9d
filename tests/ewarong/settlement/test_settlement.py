"""A settlement is what was sold less what was taken back, day by day, and says whether the journal agrees."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import pytest

from app.authz.roles import Role
from tests.ewarong.transactions.selling import VILLAGE
from tests.ewarong.transactions.test_over_http import REVERSE, report, sale
from tests.support.client import ApiClient, Caller
from tests.support.outlets import Outlet, agent_principal, plant_agent, plant_kpm
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

SETTLE: Final = """query($agent: ID!, $from: Date!, $to: Date!) {
  ewarongSettlement(agent: $agent, from: $from, to: $to) {
    agent { id } firstDay lastDay
    total { transactions amount reversals reversedAmount due booked reconciled }
    days { day transactions amount reversals reversedAmount due }
  } }"""
TODAY: Final = datetime.now(UTC).astimezone(ZoneInfo("Asia/Jakarta")).date().isoformat()


async def settled(caller: Caller, outlet: Outlet, first: str = TODAY, last: str = TODAY) -> Any:
    return (await caller.query(SETTLE, agent=outlet.node, **{"from": first, "to": last}))["ewarongSettlement"]


async def sold(caller: Caller, outlet: Outlet, kpm: Any, *prices: int) -> list[str]:
    lines = [[{"commodity": "RICE", "quantity": "1", "unitPrice": price}] for price in prices]
    return [(await report(caller, sale(outlet, kpm, lines=each)))["transaction"]["id"] for each in lines]


async def test_what_was_taken_back_is_not_owed_and_the_journal_agrees(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, VILLAGE)
    agent = await agent_principal(market_api, market_owner, outlet)
    # A family of another regency buys too: its entry lies where nobody of this one sees it.
    here, abroad = await plant_kpm(market_owner, BANYUMAS.id), await plant_kpm(market_owner, CILACAP.id)
    done = await sold(agent, outlet, here, 10_000, 20_000) + await sold(agent, outlet, abroad, 40_000)
    taken_back = await agent.query(
        REVERSE,
        input={
            "id": done[1],
            "reason": "Salah timbang",
            "idempotencyKey": "01a40000-0000-7000-8000-000000000001",
        },
    )
    assert "transaction" in taken_back["ewarongTransactionReverse"], taken_back
    amounts = {"transactions": 3, "amount": 70_000, "reversals": 1, "reversedAmount": 20_000, "due": 50_000}
    office = await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    bank = await market_api.as_(Role.BANK_OFFICER, BANYUMAS.code)
    for caller in (agent, office, bank):
        assert await settled(caller, outlet) == {
            "agent": {"id": outlet.node},
            "firstDay": TODAY,
            "lastDay": TODAY,
            "total": {**amounts, "booked": 50_000, "reconciled": True},
            "days": [{"day": TODAY, **amounts}],
        }


async def test_days_on_which_nothing_moved_owe_nothing(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, VILLAGE)
    agent = await agent_principal(market_api, market_owner, outlet)
    found = await settled(agent, outlet, "2026-01-01", "2026-01-31")
    assert found["days"] == []
    assert (found["total"]["due"], found["total"]["booked"], found["total"]["reconciled"]) == (0, 0, True)


async def test_a_journal_that_says_something_else_is_seen(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    agent = await agent_principal(market_api, market_owner, outlet)
    await sold(agent, outlet, kpm, 10_000)
    async with market_owner.transaction():
        await market_owner.execute("set local session_replication_role = replica")
        await market_owner.execute("update journal_line set amount = 9000 where holder_id = $1", outlet.id)
    total = (await settled(agent, outlet))["total"]
    assert (total["due"], total["booked"], total["reconciled"]) == (10_000, 9_000, False)
    await market_owner.execute("update journal_line set amount = 10000 where holder_id = $1", outlet.id)


async def test_whoever_does_not_see_the_outlet_sees_no_settlement(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, neighbour = [await plant_agent(market_owner, VILLAGE) for _ in range(2)]
    other = await agent_principal(market_api, market_owner, neighbour)
    abroad = await market_api.as_(Role.REGENCY_ADMIN, CILACAP.code)
    for caller in (other, abroad):
        assert await settled(caller, outlet) is None
    volunteer = await market_api.as_(Role.PSM, VILLAGE)
    assert await volunteer.codes(SETTLE, agent=outlet.node, **{"from": TODAY, "to": TODAY}) == ["NOT_PERMITTED"]


@pytest.mark.parametrize(("first", "last"), [("2026-02-01", "2026-01-31"), ("2026-01-01", "2026-04-03")])
async def test_days_that_are_none_or_too_many_are_refused(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", first: str, last: str
) -> None:
    outlet = await plant_agent(market_owner, VILLAGE)
    agent = await agent_principal(market_api, market_owner, outlet)
    assert await agent.codes(SETTLE, agent=outlet.node, **{"from": first, "to": last}) == ["SETTLEMENT_DAYS_WRONG"]
    assert await settled(agent, outlet, "2026-01-01", "2026-04-02") is not None
