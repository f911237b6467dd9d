"""The small country in a database of its own, with a worker beside the API, so that exports run as they do in a deployment."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.registry.sealing import Seal
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.worker import Worker, handlers
from tests.exports.exporting import Exporter
from tests.support.client import ApiClient, api_of
from tests.support.world import BANYUMAS, CILACAP, SLEMAN, connected, drop, empty_country, fill

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture(scope="session")
async def country(server: DatabaseServer, settings: Settings, seal: Seal) -> AsyncIterator[DatabaseServer]:
    own = await empty_country(server, "exports")
    await fill(own, seal, BANYUMAS, CILACAP, SLEMAN)
    yield own
    if settings.database_url is not None:
        await drop(own)


@pytest.fixture(scope="session")
def export_settings(api_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return api_settings.model_copy(
        update={"files_dir": tmp_path_factory.mktemp("files"), "principal_cache_seconds": 0.0}
    )


@pytest_asyncio.fixture(scope="session")
async def export_api(export_settings: Settings, country: DatabaseServer) -> AsyncIterator[ApiClient]:
    worker = Worker(export_settings, country, handlers(export_settings))
    async with api_of(export_settings, country) as client, worker.working():
        yield client


@pytest_asyncio.fixture
async def idle_api(export_settings: Settings, country: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API alone; where ``export_api`` is not asked for beside it, nobody works on what is queued."""
    async with api_of(export_settings, country) as client:
        yield client


@pytest_asyncio.fixture(scope="session")
async def country_owner(country: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """The administrator of the small country, who sees every row."""
    async with connected(country) as connection:
        yield connection


@pytest_asyncio.fixture
async def admin(export_api: ApiClient) -> Exporter:
    """Administrator of Banyumas: may read, reveal, export and compose documents there."""
    return Exporter(await export_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code))


@pytest_asyncio.fixture
async def analyst(export_api: ApiClient) -> Exporter:
    """Analyst of the ministry: sees the whole country, but neither names nor numbers."""
    return Exporter(await export_api.as_(Role.MINISTRY_ANALYST))
