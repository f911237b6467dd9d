"""A server that is asked, and ids of rows that it has."""

from collections.abc import Iterator

import httpx2
import pytest
import pytest_asyncio

from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.live import live
from tests.support.world import BANYUMAS, connected


@pytest_asyncio.fixture(scope="module")
async def known_ids(world: DatabaseServer) -> list[str]:
    """Ids of rows that are there, so that not every look-up ends in nothing."""
    async with connected(world) as owner:
        persons = await owner.fetch(
            "select 'Person:' || regency_id || ':' || id as id from person order by id limit 20"
        )
        families = await owner.fetch(
            "select 'Family:' || regency_id || ':' || id as id from family order by id limit 20"
        )
    return [row["id"] for row in [*persons, *families]] + ["Region:33", f"Region:{BANYUMAS.code}", BANYUMAS.code]


@pytest.fixture(scope="module")
def url(api_settings: Settings, world: DatabaseServer) -> Iterator[str]:
    with live(api_settings, world) as url:
        yield url


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=60) as client:
        yield client
