from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.authz.enforcer import RoleMatrix, load_role_matrix
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.principals.office import Office
from tests.support.client import ApiClient, api_of
from tests.support.statements import Statements
from tests.support.world import connected

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture(scope="package")
async def registrar(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """The administrator of the database in which the tests of grants write."""
    async with connected(server) as connection:
        yield connection


@pytest_asyncio.fixture(scope="package")
async def office_api(api_settings: Settings, server: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API over the database that all tests share."""
    async with api_of(api_settings, server) as client:
        yield client


@pytest_asyncio.fixture
async def office(office_api: ApiClient, registrar: "asyncpg.Connection[asyncpg.Record]") -> Office:
    """People who give, confirm and revoke grants."""
    return Office(office_api, registrar)


@pytest_asyncio.fixture
async def statements_of_office(office: Office) -> Statements:
    """What the database of the office was sent."""
    statements = Statements(office.owner)
    if not await statements.watch():
        pytest.skip("this server was not started with pg_stat_statements")
    return statements


@pytest.fixture(scope="session")
def matrix() -> RoleMatrix:
    return load_role_matrix()
