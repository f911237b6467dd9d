"""An empty registry in the database that nobody else writes documents to."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.support.world import connected

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture
async def loader(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Whoever registers documents. What a test registers is gone after it."""
    async with open_loader(server) as loader:
        yield loader
    async with connected(server) as owner:
        await owner.execute("truncate trusted_document")
