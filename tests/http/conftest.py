import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey

from app.authz.development import KEY_FILE
from app.authz.roles import Role
from app.settings import Settings
from tests.support.client import ApiClient, Caller
from tests.support.statements import Statements
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture
async def statements(api_client: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]") -> Statements:
    """What the database of the API was sent."""
    assert api_client
    statements = Statements(owner)
    if not await statements.watch():
        pytest.skip("this server was not started with pg_stat_statements")
    return statements


@pytest_asyncio.fixture(scope="session")
async def banyumas(api_client: ApiClient) -> Caller:
    """The administrator of one regency, who may do nearly everything there."""
    return await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)


@pytest_asyncio.fixture(scope="session")
async def province(api_client: ApiClient) -> Caller:
    """An officer of the province of both regencies."""
    return await api_client.as_(Role.PROVINCE_OFFICER, "33")


@pytest.fixture(scope="session")
def development_key(settings: Settings, banyumas: Caller) -> ECKey:
    """The private key of the development issuer, which has signed at least one token."""
    assert banyumas.token
    return ECKey.import_key(json.loads((settings.data_dir / KEY_FILE).read_bytes()))
