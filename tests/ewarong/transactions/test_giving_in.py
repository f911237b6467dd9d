"""PostgreSQL has a transaction give in to another: a sale is begun anew, and whoever has to come again is told so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app.tenants.server import DatabaseServer
from tests.ewarong.transactions.selling import PRICE, VILLAGE, faults, plant_kpm
from tests.ewarong.transactions.test_over_http import REPORT, REVERSE, SYNC, now, report, sale
from tests.support.client import ApiClient, Caller, Json
from tests.support.outlets import Kpm, Outlet, agent_principal, balance_of, plant_agent
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

ALWAYS = 1_000
# Numbers that were taken stay taken, whatever is undone.
_GIVES_IN = """
create sequence gave_in;
create function gives_in() returns trigger language plpgsql security definer as $$
begin
  if nextval('gave_in') <= {times} then
    raise exception using errcode = '{state}';
  end if;
  return null;
end
$$;
create trigger gives_in after insert on {table} for each statement execute function gives_in()
"""
BUSY = {
    "id": "Orang lain sedang mengubah hal yang sama; tidak ada yang diproses. Kirim lagi.",
    "en": "Somebody else is changing the same at this moment; nothing of yours was done. Send it again.",
}


@asynccontextmanager
async def giving_in(
    owner: "asyncpg.Connection[asyncpg.Record]", *, times: int, state: str = "40P01", table: str = "ewarong_transaction"
) -> AsyncIterator[None]:
    """Whoever inserts into ``table`` has to give in, so many times."""
    await owner.execute(_GIVES_IN.format(times=times, state=state, table=table))
    try:
        yield
    finally:
        await owner.execute("drop function gives_in() cascade; drop sequence gave_in")


def batch(outlet: Outlet, kpm: Kpm) -> Json:
    item = {name: value for name, value in sale(outlet, kpm, deviceSequence=1).items() if name != "agent"}
    return {"agent": outlet.node, "deviceId": str(uuid4()), "deviceNow": now().isoformat(), "items": [item]}


async def told(caller: Caller, document: str, given: Json, language: str) -> list[tuple[str, str]]:
    """Code and message of each error."""
    answer: Json = (await caller.post(document, {"input": given}, accept_language=language)).json()
    return [(each["extensions"]["code"], each["message"]) for each in answer.get("errors", ())]


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_a_sale_that_gives_in_is_begun_anew_and_is_there_once(
    state: str, market: DatabaseServer, market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    agent = await agent_principal(market_api, market_owner, outlet)
    async with giving_in(market_owner, times=2, state=state):
        assert (await report(agent, sale(outlet, kpm)))["repeated"] is False
    async with giving_in(market_owner, times=2, state=state):
        (item,) = (await agent.query(SYNC, input=batch(outlet, kpm)))["ewarongTransactionsSync"]["results"]
    assert item["status"] == "REPORTED"
    assert await balance_of(market_owner, kpm) == 200_000 - 2 * PRICE
    assert await faults(market) == []


@pytest.mark.parametrize("language", ["id", "en"])
async def test_whoever_always_has_to_give_in_is_told_to_send_it_again_and_may(
    language: str, market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    agent = await agent_principal(market_api, market_owner, outlet)
    asked: list[tuple[str, Any]] = [(REPORT, sale(outlet, kpm)), (SYNC, batch(outlet, kpm))]
    async with giving_in(market_owner, times=ALWAYS):
        for document, given in asked:
            assert await told(agent, document, given, language) == [("BUSY", BUSY[language])]
    assert await balance_of(market_owner, kpm) == 200_000
    for document, given in asked:
        assert await told(agent, document, given, language) == []
    assert await balance_of(market_owner, kpm) == 200_000 - 2 * PRICE


async def test_a_mutation_that_is_not_begun_anew_says_so_too(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    agent = await agent_principal(market_api, market_owner, outlet)
    sold = (await report(agent, sale(outlet, kpm)))["transaction"]
    given = {"id": sold["id"], "reason": "Salah barang", "idempotencyKey": str(uuid4())}
    async with giving_in(market_owner, times=1, state="40001", table="ewarong_reversal"):
        assert await told(agent, REVERSE, given, "en") == [("BUSY", BUSY["en"])]
        assert await told(agent, REVERSE, given, "en") == []
    assert await balance_of(market_owner, kpm) == 200_000
