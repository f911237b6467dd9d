"""Whoever runs an outlet sees that outlet alone: nothing of one beside it, in the same village, on any way through the schema."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.registry.sealing import Seal
from app.schema.root import api as schema_api
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.isolation.arguments import argument_values, at_outlets, belongings, plant_belongings, plant_market
from tests.isolation.asking import answer_to
from tests.isolation.ewarong_agents import outlet_of
from tests.isolation.happenings import happening
from tests.isolation.walking import Walk, Way
from tests.support.client import api_of
from tests.support.outlets import Outlet, agent_principal
from tests.support.world import BANYUMAS, Regency, clone, connected, drop, named

pytestmark = pytest.mark.long


class _Neighbour(Regency):
    """The same regency, for things that are planted beside those of ``BANYUMAS``, under ids and a mark of their own."""

    @property
    def tag(self) -> int:
        return 9_000_000_000 + self.id

    @property
    def mark(self) -> str:
        return f"Y{self.id}Y"


NEIGHBOUR = _Neighbour(BANYUMAS.path, BANYUMAS.seed)
MINE = Outlet(BANYUMAS.village(1, 2), UUID(outlet_of(BANYUMAS).rpartition(":")[2]))
OF_OUTLETS = {
    *(
        "ewarongAgents",
        "ewarongDayTotals",
        "ewarongDeliveries",
        "ewarongOtherSales",
        "ewarongServices",
        "ewarongSettlement",
    ),
    *("ewarongTransactions", "ewarongViolations", "node", "nodes"),
}
"""Where an outlet meets itself."""
OF_EVERYBODY = {"ewarongSuppliers", "ewarongReceipt", "supplierConcentration"}
"""Suppliers are of a regency, whomever they serve; and whoever holds a receipt may know what is on it."""


class _Markets(NamedTuple):
    quiet: DatabaseServer
    busy: DatabaseServer


@pytest_asyncio.fixture
async def markets(server: DatabaseServer, alone: DatabaseServer, api_settings: Settings) -> AsyncIterator[_Markets]:
    """The same village twice: as it is, and with one more outlet at which as much happens."""
    markets = _Markets(named(server, "quiet_market"), named(server, "busy_market"))
    await clone(alone, markets.quiet)
    await plant_belongings(markets.quiet, BANYUMAS)
    # Whoever runs the outlet has the same id in both.
    async with api_of(api_settings, markets.quiet) as api, connected(markets.quiet) as owner:
        await agent_principal(api, owner, MINE)
    await clone(*markets)
    await plant_market(markets.busy, NEIGHBOUR)
    yield markets
    for each in markets:
        await drop(each)


async def test_nothing_of_an_outlet_shows_to_the_one_beside_it(
    markets: _Markets, api_settings: Settings, seal: Seal
) -> None:
    blueprint = schema_api().planner.blueprint
    async with (
        api_of(api_settings, markets.busy) as busy,
        api_of(api_settings, markets.quiet) as quiet,
        connected(markets.busy) as owner,
        connected(markets.quiet) as owner_of_quiet,
        happening(markets.busy, BANYUMAS),
        happening(markets.quiet, BANYUMAS),
    ):
        own = await belongings(busy, owner, seal, BANYUMAS)
        walk = Walk(
            blueprint.schema,
            public=frozenset(name for name, source in blueprint.sources.items() if source.tenancy is None),
            values=argument_values(own, replace(own, of_ewarong=at_outlets(NEIGHBOUR)), (BANYUMAS, NEIGHBOUR)),
        )
        requests = walk.requests()
        keeper = await agent_principal(busy, owner, MINE)
        undisturbed = await agent_principal(quiet, owner_of_quiet, MINE)
        met: set[Way] = set()
        for request in requests:
            answer = await answer_to(request, keeper)
            assert NEIGHBOUR.mark not in answer, request
            assert str(NEIGHBOUR.tag) not in answer, request
            # What its role may not ask for is refused before anything is read.
            if "NOT_PERMITTED" not in answer:
                # A count, a sum, an order: nothing at all may depend on what happens next door.
                assert answer == await answer_to(request, undisturbed), request
            if BANYUMAS.mark in answer:
                met.add(request.way)
        # Where it meets itself, the office meets both: the walk would notice.
        office = await busy.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
        both: set[Way] = set()
        for request in requests:
            if request.way in met - both and NEIGHBOUR.mark in await answer_to(request, office):
                both.add(request.way)
        assert {way[0].field for way in both} == OF_OUTLETS
        assert {way[0].field for way in met} - OF_OUTLETS == OF_EVERYBODY
