from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.bansos.programmes.bureau import Bureau
from tests.support.client import ApiClient, api_of
from tests.support.world import connected

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture(scope="package")
async def bureau_owner(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """The administrator of the database in which the tests of programmes write."""
    async with connected(server) as connection:
        yield connection


@pytest_asyncio.fixture(scope="package")
async def bureau_api(api_settings: Settings, server: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API over the database that all tests share."""
    async with api_of(api_settings, server) as client:
        yield client


@pytest_asyncio.fixture
async def bureau(bureau_api: ApiClient, bureau_owner: "asyncpg.Connection[asyncpg.Record]") -> Bureau:
    """People who propose and confirm terms, and a programme of Banyumas that no other test knows."""
    return await Bureau.opened(bureau_api, bureau_owner)
