from collections.abc import Iterator
from typing import NamedTuple

import pytest
import pytest_asyncio

from app.domain.registry.service import load_editions
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader


@pytest_asyncio.fixture(scope="session")
async def edition_id(server: DatabaseServer) -> int:
    """An edition for tests that register families."""
    async with open_loader(server) as loader:
        await load_editions(loader)
        edition_id: int = await loader.fetchval("select max(id) from registry_edition where scheme = 'DTSEN'")
    return edition_id


class Place(NamedTuple):
    """A regency that no other test writes to, and two of its villages."""

    regency: RegionPath
    village: RegionPath
    neighbour: RegionPath


@pytest_asyncio.fixture(scope="session")
async def places(server: DatabaseServer) -> Iterator[Place]:
    """The regencies of Sulawesi, Maluku and Papua, one after the other."""
    async with open_loader(server) as loader:
        rows = await loader.fetch(
            "select id / 1000000 as regency, (array_agg(id order by id))[:2] as villages from region "
            "where level = 'VILLAGE' and id / 100000000 between 71 and 96 group by 1 order by 1"
        )
    return iter([Place(RegionPath.of_id(row["regency"]), *map(RegionPath.of_id, row["villages"])) for row in rows])


@pytest.fixture
def place(places: Iterator[Place]) -> Place:
    """A regency without families."""
    return next(places)
