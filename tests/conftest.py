"""One real PostgreSQL for the whole run: migrated, with the real region tree, and empty of families until a test puts some there."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.domain.regions.service import load_region_tree
from app.domain.registry.sealing import Seal
from app.settings import Settings
from app.tenants.migrate import migrate
from app.tenants.server import DatabaseServer, database_server, prepare
from app.tenants.session import Database, open_loader


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data_dir: Path = tmp_path_factory.mktemp("kesos")
    return Settings(data_dir=data_dir)


@pytest.fixture(scope="session")
def running_server(settings: Settings) -> Iterator[DatabaseServer]:
    with database_server(settings) as server:
        yield server


@pytest_asyncio.fixture(scope="session")
async def server(running_server: DatabaseServer) -> DatabaseServer:
    await prepare(running_server)
    await migrate(running_server)
    async with open_loader(running_server) as loader:
        await load_region_tree(loader)
    return running_server


@pytest_asyncio.fixture(scope="session")
async def database(server: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(server.app, read_pool_size=4, write_pool_size=4)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="session")
def seal(settings: Settings) -> Seal:
    return Seal.of_settings(settings)
