from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

import pytest_asyncio

from app.authz.authentication import Authenticator
from app.authz.development import issue_token
from app.authz.enforcer import load_role_matrix
from app.authz.roles import Role
from app.domain.registry.sealing import Seal
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.isolation.arguments import Belongings, argument_values, belongings, plant_belongings
from tests.isolation.happenings import happening
from tests.isolation.walking import Values
from tests.plan_shapes.country import own_rows, populate
from tests.plan_shapes.plans import Asking
from tests.support.client import api_of, enrol
from tests.support.world import BANYUMAS, clone, connected, drop, named

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture(scope="session")
async def country(alone: DatabaseServer) -> AsyncIterator[DatabaseServer]:
    """Banyumas with all that happens in a regency, not populated yet."""
    country = named(alone, "shapes")
    await clone(alone, country)
    await plant_belongings(country, BANYUMAS)
    yield country
    await drop(country)


@pytest_asyncio.fixture(scope="session")
async def own(api_settings: Settings, country: DatabaseServer, seal: Seal) -> AsyncIterator[Belongings]:
    """Things of Banyumas by which something is asked, in a country that is populated with their like."""
    async with happening(country, BANYUMAS):
        async with api_of(api_settings, country) as client, connected(country) as owner:
            found = await belongings(client, owner, seal, BANYUMAS)
        await populate(country)
        yield found


@pytest_asyncio.fixture(scope="session")
async def values(own: Belongings) -> Mapping[str, Values]:
    """What arguments are given."""
    return argument_values(own=own, foreign=own)


@pytest_asyncio.fixture(scope="session")
async def rows(own: Belongings, country: DatabaseServer) -> Mapping[str, int]:
    """How many rows of each table are those of Banyumas."""
    assert own
    async with connected(country) as owner:
        return await own_rows(owner)


@pytest_asyncio.fixture(scope="session")
async def office(own: Belongings, api_settings: Settings, country: DatabaseServer, seal: Seal) -> Asking:
    """The administrator of Banyumas, who may do nearly everything there."""
    assert own
    subject = await enrol(country, (Role.REGENCY_ADMIN, BANYUMAS.code))
    database = Database(country.app, read_pool_size=1, write_pool_size=1)
    await database.open()
    try:
        authenticator = Authenticator.of_settings(api_settings, database, load_role_matrix())
        return Asking(await authenticator.authenticate(issue_token(api_settings, subject)), seal)
    finally:
        await database.close()


@pytest_asyncio.fixture
async def application(own: Belongings, country: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection like those that requests read through."""
    assert own
    connection = await country.app.connect(server_settings={"TimeZone": "UTC", "jit": "off"})
    try:
        yield connection
    finally:
        await connection.close()
