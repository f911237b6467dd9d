from collections.abc import AsyncIterator
from datetime import datetime

import pytest_asyncio

from app.domain.bansos.programmes.loading import load_programmes
from app.domain.ewarong.catalogue.loading import load_catalogue
from app.domain.registry.service import load_editions
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.ewarong.signals.bazaar import first_month, open_bazaar
from tests.ewarong.signals.stall import WIB, Bazaar, Stall
from tests.support.world import connected, drop, empty_country


@pytest_asyncio.fixture(scope="session")
async def bazaar(server: DatabaseServer) -> AsyncIterator[Bazaar]:
    """A hundred thousand ordinary purchases, in a database of their own."""
    alone = await empty_country(server, "bazaar")
    async with open_loader(alone) as loader:
        await load_programmes(loader)
        await load_editions(loader)
        await load_catalogue(loader)
    first = first_month(datetime.now(WIB).date())
    database = Database(alone.app, read_pool_size=1, write_pool_size=2)
    await database.open()
    async with connected(alone) as owner:
        await open_bazaar(owner, first)
        yield Bazaar(alone, owner, database, first)
    await database.close()
    await drop(alone)


@pytest_asyncio.fixture
async def stall(bazaar: Bazaar) -> AsyncIterator[Stall]:
    """A place in the bazaar, cleared when the test is over."""
    stall = Stall(bazaar)
    yield stall
    await stall.clear()
