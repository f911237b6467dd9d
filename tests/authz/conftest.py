from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.authz.enforcer import RoleMatrix, load_role_matrix
from app.tenants.server import ConnectArguments, DatabaseServer
from app.tenants.session import Database
from tests.authz.people import People


@pytest.fixture(scope="session")
def matrix() -> RoleMatrix:
    return load_role_matrix()


@pytest.fixture(scope="session")
def closed_database() -> Database:
    """A database that was never opened: whoever asks it before a token is verified fails the test."""
    return Database(ConnectArguments("127.0.0.1", 1, "nobody", None, "nowhere"), read_pool_size=1, write_pool_size=1)


@pytest_asyncio.fixture
async def people(server: DatabaseServer) -> AsyncIterator[People]:
    connection = await server.admin.connect()
    yield People(connection)
    await connection.close()
