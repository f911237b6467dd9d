from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.authz.enforcer import RoleMatrix, load_role_matrix
from app.domain.bansos.programmes.loading import load_programmes
from app.domain.registry.sealing import Seal
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.bansos.insurance.office import Office
from tests.support.client import ApiClient, api_of
from tests.support.world import BANYUMAS, CILACAP, connected, drop, empty_country, fill

if TYPE_CHECKING:
    import asyncpg

_KEPT = "create table kept_person as select * from person; create table kept_family as select * from family"
_AS_IT_WAS = (
    "truncate health_membership, membership_review, job, pgqueuer cascade",
    "delete from person",
    "delete from welfare_rank",
    "delete from family",
    "insert into family select * from kept_family",
    "insert into person select * from kept_person",
)


@pytest_asyncio.fixture(scope="package")
async def insurance_server(server: DatabaseServer, seal: Seal) -> AsyncIterator[DatabaseServer]:
    """A database of its own, with the families of two regencies and no membership."""
    own = await empty_country(server, "insurance")
    async with open_loader(own) as loader:
        await load_programmes(loader)
    await fill(own, seal, BANYUMAS, CILACAP)
    async with connected(own) as owner:
        await owner.execute(_KEPT)
    yield own
    await drop(own)


@pytest_asyncio.fixture(scope="package")
async def insurance_owner(insurance_server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(insurance_server) as connection:
        yield connection


@pytest_asyncio.fixture(scope="package")
async def insurance_database(insurance_server: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(insurance_server.app, read_pool_size=1, write_pool_size=3)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="package")
def matrix() -> RoleMatrix:
    return load_role_matrix()


@pytest_asyncio.fixture
async def office(
    insurance_server: DatabaseServer,
    insurance_database: Database,
    insurance_owner: "asyncpg.Connection[asyncpg.Record]",
    matrix: RoleMatrix,
) -> AsyncIterator[Office]:
    """An office without members, whose people stand as they stood at first."""
    yield Office(insurance_server, insurance_database, insurance_owner, matrix)
    for statement in _AS_IT_WAS:
        await insurance_owner.execute(statement)


@pytest_asyncio.fixture(scope="package")
async def insurance_api(api_settings: Settings, insurance_server: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API over that database."""
    async with api_of(api_settings, insurance_server) as client:
        yield client
