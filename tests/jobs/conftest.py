from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.jobs.workshop import Workshop
from tests.support.client import ApiClient, api_of
from tests.support.world import connected, drop, empty_country

if TYPE_CHECKING:
    import asyncpg

_TALLY = (
    "create table tally (job_id uuid not null, number int not null, primary key (job_id, number));"
    "grant select, insert on tally to kesos_app"
)


@pytest_asyncio.fixture(scope="package")
async def jobs_server(server: DatabaseServer) -> AsyncIterator[DatabaseServer]:
    """A database in which nobody but these tests has jobs, with a table that their handlers write to."""
    jobs_server = await empty_country(server, "jobs")
    async with connected(jobs_server) as owner:
        await owner.execute(_TALLY)
    yield jobs_server
    await drop(jobs_server)


@pytest_asyncio.fixture(scope="package")
async def jobs_owner(jobs_server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(jobs_server) as connection:
        yield connection


@pytest_asyncio.fixture(scope="package")
async def jobs_database(jobs_server: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(jobs_server.app, read_pool_size=1, write_pool_size=2)
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture
async def workshop(
    settings: Settings,
    jobs_server: DatabaseServer,
    jobs_database: Database,
    jobs_owner: "asyncpg.Connection[asyncpg.Record]",
) -> AsyncIterator[Workshop]:
    """An empty queue, and what it takes to fill it and to work on it."""
    yield Workshop(settings, jobs_server, jobs_database, jobs_owner)
    await jobs_owner.execute("truncate job, pgqueuer, pgqueuer_log, tally")


@pytest_asyncio.fixture(scope="package")
async def jobs_api(api_settings: Settings, jobs_server: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API over the database of jobs."""
    async with api_of(api_settings, jobs_server) as client:
        yield client
