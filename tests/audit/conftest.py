from collections.abc import AsyncIterator

import pytest_asyncio

from app.tenants.migrate import migrate
from app.tenants.server import DatabaseServer, prepare
from tests.audit.trail import Trail, trail_of
from tests.support.world import connected, drop, named


@pytest_asyncio.fixture(scope="session")
async def trail_server(server: DatabaseServer) -> AsyncIterator[DatabaseServer]:
    """A migrated database in which nothing happens but the tests of the trail."""
    alone = named(server, "trail")
    await drop(alone)
    await prepare(alone)
    await migrate(alone)
    async with connected(alone) as owner:
        # Commands of the command line look for a region tree.
        await owner.execute(
            "insert into region (id, code, level, kind, name, village_low, village_high) "
            "values (33, '33', 'PROVINCE', 'PROVINCE', 'Jawa Tengah', 3300000000, 3399999999)"
        )
    yield alone
    await drop(alone)


@pytest_asyncio.fixture(scope="session")
async def whole_trail(trail_server: DatabaseServer) -> AsyncIterator[Trail]:
    async with trail_of(trail_server) as trail:
        yield trail


@pytest_asyncio.fixture
async def trail(whole_trail: Trail) -> Trail:
    """An empty trail."""
    await whole_trail.empty()
    return whole_trail
