"""Transactions are heard of as they come in, by whoever may see them, whichever process they were reported to."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest_asyncio

from app.authz.roles import Role
from app.domain.ewarong.live import MOST_WAITING, NewTransaction, TransactionEvents
from app.main import create_app
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.ewarong.transactions.selling import OTHER_VILLAGE, VILLAGE
from tests.ewarong.transactions.test_over_http import report, sale
from tests.support.client import ApiClient
from tests.support.outlets import agent_principal, plant_agent, plant_kpm
from tests.support.sockets import Live, Socket, live_on
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

LISTEN: Final = """subscription($region: String, $agent: ID) {
  ewarongTransactionReported(region: $region, agent: $agent) { missed transaction { id amount agent { id } } } }"""


@pytest_asyncio.fixture(scope="module")
async def live(api_settings: Settings, market: DatabaseServer) -> AsyncIterator[Live]:
    """Another process than the one that the tests report to: it hears by PostgreSQL alone."""
    async with live_on(api_settings, create_app(api_settings, market)) as live:
        yield live


async def listening(socket: Socket, **variables: Any) -> None:
    first = await socket.listen("1", LISTEN, variables=variables)
    assert first == {"ewarongTransactionReported": {"missed": True, "transaction": None}}


async def heard(socket: Socket) -> dict[str, Any]:
    answer = await socket.hear()
    assert "errors" not in answer["payload"], answer
    news: dict[str, Any] = answer["payload"]["data"]["ewarongTransactionReported"]
    assert news["missed"] is False
    told: dict[str, Any] = news["transaction"]
    return told


async def test_an_agent_hears_of_its_own_outlet_and_the_office_of_all_of_its_region(
    live: Live, market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, neighbour = [await plant_agent(market_owner, VILLAGE) for _ in range(2)]
    kpm = await plant_kpm(market_owner, BANYUMAS.id)
    agent, other = [await agent_principal(market_api, market_owner, each) for each in (outlet, neighbour)]
    office = await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    async with live.begun(agent.token) as at_outlet, live.begun(office.token) as at_office:
        await listening(at_outlet)
        await listening(at_office)
        lines = [{"commodity": "RICE", "quantity": "1", "unitPrice": 12_000}]
        theirs = (await report(other, sale(neighbour, kpm, lines=lines)))["transaction"]
        own = (await report(agent, sale(outlet, kpm, lines=lines)))["transaction"]
        assert (await heard(at_outlet))["id"] == own["id"]
        told = [await heard(at_office), await heard(at_office)]
        assert {each["id"] for each in told} == {own["id"], theirs["id"]}
        assert {each["agent"]["id"] for each in told} == {outlet.node, neighbour.node}


async def test_who_listens_for_a_region_or_an_outlet_hears_of_no_other(
    live: Live, market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    here, there = await plant_agent(market_owner, VILLAGE), await plant_agent(market_owner, OTHER_VILLAGE)
    kpm = await plant_kpm(market_owner, BANYUMAS.id)
    office = await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    abroad = await market_api.as_(Role.REGENCY_ADMIN, CILACAP.code)
    lines = [{"commodity": "RICE", "quantity": "1", "unitPrice": 12_000}]
    async with (
        live.begun(office.token) as by_region,
        live.begun(office.token) as by_outlet,
        live.begun(abroad.token) as elsewhere,
    ):
        await listening(by_region, region=VILLAGE)
        await listening(by_outlet, agent=here.node)
        await listening(elsewhere)
        for outlet in (there, here):
            agent = await agent_principal(market_api, market_owner, outlet)
            await report(agent, sale(outlet, kpm, lines=lines))
        assert (await heard(by_region))["agent"]["id"] == here.node
        assert (await heard(by_outlet))["agent"]["id"] == here.node
        # What comes next for the neighbour is its own, so nothing of Banyumas was on its way to it.
        shop = await plant_agent(market_owner, CILACAP.village(1, 1))
        family = await plant_kpm(market_owner, CILACAP.id)
        await report(await agent_principal(market_api, market_owner, shop), sale(shop, family, lines=lines))
        assert (await heard(elsewhere))["agent"]["id"] == shop.node


async def test_a_repeated_report_is_told_once(
    live: Live, market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    agent = await agent_principal(market_api, market_owner, outlet)
    lines = [{"commodity": "RICE", "quantity": "1", "unitPrice": 12_000}]
    first, second = sale(outlet, kpm, lines=lines), sale(outlet, kpm, lines=lines)
    async with live.begun(agent.token) as socket:
        await listening(socket)
        done = [(await report(agent, given))["transaction"]["id"] for given in (first, first, second)]
        assert [(await heard(socket))["id"], (await heard(socket))["id"]] == [done[0], done[2]]


async def test_without_the_permission_nobody_listens(live: Live, market_api: ApiClient) -> None:
    volunteer = await market_api.as_(Role.PSM, VILLAGE)
    async with live.begun(volunteer.token) as socket:
        await socket.subscribe("1", LISTEN)
        answer = await socket.hear()
        errors = answer["payload"] if answer["type"] == "error" else answer["payload"]["errors"]
        assert [error["extensions"]["code"] for error in errors] == ["NOT_PERMITTED"]


async def test_who_is_too_slow_is_told_that_something_was_missed() -> None:
    events = TransactionEvents()
    news = [NewTransaction(3302, 3302012001, uuid4(), uuid4()) for _ in range(MOST_WAITING + 2)]
    for new in news:
        events.offer(new)
    waiting = aiter(events)
    assert await anext(waiting) is None
    assert await anext(waiting) == news[-1]


def test_news_are_read_as_they_were_written() -> None:
    new = NewTransaction(3302, 3302012001, uuid4(), uuid4())
    assert NewTransaction.of_text(new.text) == new
