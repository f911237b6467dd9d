from collections.abc import AsyncIterator

import pytest_asyncio

from app.domain.registry.service import load_editions
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.imports.applying.office import Office, office_of

PROVINCE = "61"
"""A province that no other test writes to."""


@pytest_asyncio.fixture(scope="package")
async def applying_server(server: DatabaseServer) -> DatabaseServer:
    async with open_loader(server) as loader:
        await load_editions(loader)
    return server


@pytest_asyncio.fixture
async def office(applying_server: DatabaseServer) -> AsyncIterator[Office]:
    async with office_of(applying_server, PROVINCE) as office:
        yield office
