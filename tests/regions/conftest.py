from collections.abc import AsyncIterator

import pytest_asyncio

from app.domain.regions.service import Loader
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader


@pytest_asyncio.fixture
async def loader(server: DatabaseServer) -> AsyncIterator[Loader]:
    """A loader's connection whose work is undone: all tests share one region tree."""
    async with open_loader(server) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()
