from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.authz.enforcer import RoleMatrix, load_role_matrix
from app.domain.registry.sealing import Seal
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.bansos.cycles.bureau import Bureau
from tests.support.client import ApiClient, api_of
from tests.support.world import BANYUMAS, CILACAP, connected, drop, empty_country, fill

if TYPE_CHECKING:
    import asyncpg

_EMPTIED = (
    "truncate entitlement, aid_exclusion, cycle_outcome, aid_cycle, cycle_generation, kks_card, job, pgqueuer cascade"
)


@pytest_asyncio.fixture(scope="package")
async def cycles_server(server: DatabaseServer, seal: Seal) -> AsyncIterator[DatabaseServer]:
    """A database of its own, with the families of two regencies and no cycle."""
    own = await empty_country(server, "cycles")
    await fill(own, seal, BANYUMAS, CILACAP)
    yield own
    await drop(own)


@pytest_asyncio.fixture(scope="package")
async def cycles_owner(cycles_server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(cycles_server) as connection:
        yield connection


@pytest_asyncio.fixture(scope="package")
async def cycles_database(cycles_server: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(cycles_server.app, read_pool_size=1, write_pool_size=3)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="package")
def matrix() -> RoleMatrix:
    return load_role_matrix()


@pytest_asyncio.fixture
async def bureau(
    cycles_server: DatabaseServer,
    cycles_database: Database,
    cycles_owner: "asyncpg.Connection[asyncpg.Record]",
    matrix: RoleMatrix,
) -> AsyncIterator[Bureau]:
    """A bureau without cycles."""
    yield Bureau(cycles_server, cycles_database, cycles_owner, matrix)
    await cycles_owner.execute(_EMPTIED)


@pytest_asyncio.fixture(scope="package")
async def cycles_api(api_settings: Settings, cycles_server: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API over the database of cycles."""
    async with api_of(api_settings, cycles_server) as client:
        yield client
