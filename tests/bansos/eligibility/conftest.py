from collections.abc import AsyncIterator

import pytest_asyncio

from app.domain.registry.service import load_editions
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.bansos.eligibility.households import Registry

REGENCY = RegionPath.parse("36.73")
"""The city of Serang: nobody else's tests write there."""


@pytest_asyncio.fixture(scope="package")
async def village_and_edition(server: DatabaseServer) -> tuple[int, int]:
    async with open_loader(server) as loader:
        await load_editions(loader)
        edition: int = await loader.fetchval("select max(id) from registry_edition where scheme = 'DTSEN'")
        villages = REGENCY.villages
        village: int = await loader.fetchval(
            "select min(id) from region where level = 'VILLAGE' and id between $1 and $2", villages.low, villages.high
        )
    return village, edition


@pytest_asyncio.fixture
async def registry(database: Database, village_and_edition: tuple[int, int]) -> AsyncIterator[Registry]:
    """A regency in which nobody lives, seen by somebody who may see that regency."""
    async with database.write(TenantScope.of([REGENCY])) as session:
        yield Registry(session, *village_and_edition)
        await session.rollback()
