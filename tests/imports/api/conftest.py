from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.imports.api.clerk import Imports
from tests.support.client import ApiClient, api_of
from tests.support.world import connected

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture(scope="package")
async def registrar(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """The administrator of the database in which these tests write."""
    async with open_loader(server) as loader:
        await load_editions(loader)
    async with connected(server) as connection:
        yield connection


@pytest_asyncio.fixture(scope="package")
async def office_api(api_settings: Settings, server: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API over the database that all tests share."""
    async with api_of(api_settings, server) as client:
        yield client


@pytest_asyncio.fixture
async def imports(office_api: ApiClient, registrar: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[Imports]:
    """Clerks and their imports, which are gone afterwards."""
    imports = Imports(office_api, registrar)
    yield imports
    await imports.forget()
