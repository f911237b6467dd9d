from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

from app.domain.bansos.programmes.loading import load_programmes
from app.domain.ewarong.catalogue.loading import load_catalogue
from app.domain.ewarong.oversight.loading import load_checklist
from app.domain.registry.sealing import Seal
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.support.client import ApiClient, api_of
from tests.support.world import BANYUMAS, CILACAP, SLEMAN, connected, drop, empty_country, fill

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture(scope="session")
async def market(server: DatabaseServer, seal: Seal) -> AsyncIterator[DatabaseServer]:
    """The small country, in which nothing is sold but by the tests of e-Warong."""
    alone = await empty_country(server, "market")
    async with open_loader(alone) as loader:
        await load_programmes(loader)
        await load_catalogue(loader)
        await load_checklist(loader)
    await fill(alone, seal, BANYUMAS, CILACAP, SLEMAN)
    yield alone
    await drop(alone)


@pytest_asyncio.fixture(scope="session")
async def market_owner(market: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """The administrator of the market, who sees every row."""
    async with connected(market) as connection:
        yield connection


@pytest_asyncio.fixture(scope="session")
async def market_database(market: DatabaseServer) -> AsyncIterator[Database]:
    """The market as the application sees it, without the API."""
    database = Database(market.app, read_pool_size=2, write_pool_size=4)
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def market_api(api_settings: Settings, market: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API of the market."""
    async with api_of(api_settings, market) as client:
        yield client
