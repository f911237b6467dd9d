"""One real PostgreSQL for the whole run: migrated, with the real region tree, and empty of families until a test puts some there.

The tests of the API have a small country beside it (``tests.support.world``), in which nothing is written but by them.
"""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.bansos.programmes.loading import load_programmes
from app.domain.ewarong.catalogue.loading import load_catalogue
from app.domain.ewarong.oversight.loading import load_checklist
from app.domain.regions.service import load_region_tree
from app.domain.registry.sealing import Seal
from app.settings import Settings
from app.tenants.migrate import migrate
from app.tenants.server import DatabaseServer, database_server, prepare
from app.tenants.session import Database, open_loader
from tests.support.client import ApiClient, api_of, enrol
from tests.support.world import BANYUMAS, CILACAP, EMPTY_COUNTRY, SLEMAN, clone, connected, drop, fill, named

if TYPE_CHECKING:
    import asyncpg

UNLIMITED = 100_000_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    # Not in pytest's folder: another run of pytest closes that to other users, and root's database runs as another user.
    with tempfile.TemporaryDirectory(prefix="kesos-", ignore_cleanup_errors=True) as folder:
        # Tests ask faster than anybody may, and what they leave in the audit trail is sealed when they say so.
        yield Settings(
            data_dir=Path(folder) / "data",
            requests_per_minute=UNLIMITED,
            requests_per_minute_per_address=UNLIMITED,
            cost_per_minute=UNLIMITED,
            seal_seconds=0,
        )


@pytest.fixture(scope="session")
def running_server(settings: Settings) -> Iterator[DatabaseServer]:
    with database_server(settings) as server:
        yield server


@pytest_asyncio.fixture(scope="session")
async def server(running_server: DatabaseServer, settings: Settings) -> AsyncIterator[DatabaseServer]:
    await prepare(running_server)
    await migrate(running_server)
    async with open_loader(running_server) as loader:
        await load_region_tree(loader)
    # A database is copied only while nobody is connected to it, so the copies that others are made of are made now.
    await clone(running_server, named(running_server, EMPTY_COUNTRY))
    async with open_loader(running_server) as loader:
        await load_programmes(loader)
        await load_catalogue(loader)
        await load_checklist(loader)
    await clone(running_server, named(running_server, "alone"))
    yield running_server
    # The embedded server goes with its folder; only one that stays is tidied.
    if settings.database_url is not None:
        await drop(named(running_server, "world"))
        await drop(named(running_server, "alone"))
        await drop(named(running_server, EMPTY_COUNTRY))


@pytest_asyncio.fixture(scope="session")
async def database(server: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(server.app, read_pool_size=4, write_pool_size=4)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="session")
def seal(settings: Settings) -> Seal:
    return Seal.of_settings(settings)


@pytest_asyncio.fixture(scope="session")
async def alone(server: DatabaseServer, seal: Seal) -> DatabaseServer:
    """The small country with families in Banyumas and nowhere else, whose administrator it knows."""
    alone = named(server, "alone")
    await fill(alone, seal, BANYUMAS)
    await enrol(alone, (Role.REGENCY_ADMIN, BANYUMAS.code))
    return alone


@pytest_asyncio.fixture(scope="session")
async def world(server: DatabaseServer, alone: DatabaseServer, seal: Seal) -> DatabaseServer:
    """The small country: the same Banyumas, with Cilacap beside it and Sleman in the next province."""
    world = named(server, "world")
    await clone(alone, world)
    await fill(world, seal, CILACAP, SLEMAN)
    return world


@pytest_asyncio.fixture(scope="session")
async def owner(world: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """The administrator of the small country, who sees every row."""
    async with connected(world) as connection:
        yield connection


@pytest.fixture(scope="session")
def api_settings(settings: Settings) -> Settings:
    """Grants are remembered for as long as tests run, so that counting statements counts those of the request."""
    return settings.model_copy(update={"principal_cache_seconds": 300.0, "read_pool_size": 4, "write_pool_size": 2})


@pytest_asyncio.fixture(scope="session")
async def world_database(world: DatabaseServer) -> AsyncIterator[Database]:
    """The small country as the application sees it, without the API."""
    database = Database(world.app, read_pool_size=1, write_pool_size=1)
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def api_client(api_settings: Settings, world: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API of the small country."""
    async with api_of(api_settings, world) as client:
        yield client
