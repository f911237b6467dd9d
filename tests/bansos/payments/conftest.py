from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.domain.registry.sealing import Seal
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.bansos.payments.banks import SimulatedBank, simulated_bank
from tests.bansos.payments.office import Office
from tests.support.client import ApiClient, api_of
from tests.support.world import BANYUMAS, CILACAP, connected, drop, empty_country, fill

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture(scope="package")
async def payments_server(server: DatabaseServer, seal: Seal) -> AsyncIterator[DatabaseServer]:
    """A database of its own, with the families of two regencies and no cycle."""
    own = await empty_country(server, "payments")
    await fill(own, seal, BANYUMAS, CILACAP)
    yield own
    await drop(own)


@pytest_asyncio.fixture(scope="package")
async def payments_owner(payments_server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(payments_server) as connection:
        yield connection


@pytest_asyncio.fixture(scope="package")
async def payments_database(payments_server: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(payments_server.app, read_pool_size=2, write_pool_size=3)
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="package")
async def payments_api(api_settings: Settings, payments_server: DatabaseServer) -> AsyncIterator[ApiClient]:
    async with api_of(api_settings, payments_server) as client:
        yield client


@pytest_asyncio.fixture(scope="package")
async def any_office(
    settings: Settings,
    payments_server: DatabaseServer,
    payments_owner: "asyncpg.Connection[asyncpg.Record]",
    payments_database: Database,
    payments_api: ApiClient,
) -> Office:
    """An office in whatever state somebody has left it."""
    return Office(settings, payments_server, payments_owner, payments_database, payments_api)


@pytest_asyncio.fixture
async def office(any_office: Office) -> Office:
    """Nobody has a card, nothing was paid, and no job waits."""
    await any_office.empty()
    return any_office


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedBank]:
    """A bank that finds fault with many, so that every answer comes up."""
    with simulated_bank(
        tmp_path_factory.mktemp("bank"), "--bad-accounts", "0.3", "--failed-top-ups", "0.3"
    ) as simulated:
        yield simulated
