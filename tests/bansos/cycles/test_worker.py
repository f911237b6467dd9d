"""Generation as it runs in earnest: asked for over HTTP, done by `kesos worker`, which is killed on the way."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.bansos.cycles.generation import AT_ONCE
from app.domain.registry.sealing import Seal
from app.domain.registry.seed import seed_registry
from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.bansos.cycles.bureau import PERIOD, Bureau
from tests.bansos.cycles.test_over_http import GENERATE
from tests.support.aid import plant_programme
from tests.support.client import Caller, api_of
from tests.support.process import ROOT, url_of
from tests.support.world import connected, drop, empty_country

if TYPE_CHECKING:
    import asyncpg

    from app.authz.enforcer import RoleMatrix

pytestmark = pytest.mark.long

REGION = RegionPath.parse("36")
REGENCIES = 8
FAMILIES = 4_000
KILLS = 3
PATIENCE_SECONDS = 240
_JOB = (
    "select state, attempts, done, total, error_code from job where kind = 'CYCLE_GENERATION' order by id desc limit 1"
)


@pytest_asyncio.fixture(scope="module")
async def province(server: DatabaseServer, seal: Seal) -> AsyncIterator[DatabaseServer]:
    """A database of its own, with the families of a province of eight regencies."""
    own = await empty_country(server, "generation")
    async with open_loader(own) as loader:
        await load_editions(loader)
        await seed_registry(loader, region=REGION, families=FAMILIES, seed=9, seal=seal, today=date(2026, 7, 31))
    yield own
    await drop(own)


@contextmanager
def kesos_worker(settings: Settings, server: DatabaseServer, folder: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """`kesos worker` over ``server``, as a process that ends with the context."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KESOS_", "OTEL_"))}
    own = {
        "KESOS_DATABASE_URL": url_of(server),
        "KESOS_DATA_DIR": str(settings.data_dir),
        "KESOS_JOBS_AT_ONCE": "1",
        "PYTHONPATH": str(ROOT),
    }
    passwords = {"KESOS_APP_PASSWORD": server.app_password, "KESOS_LOADER_PASSWORD": server.loader_password}
    own |= {name: value for name, value in passwords.items() if value is not None}
    with (folder / "worker.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "worker"], cwd=folder, env={**inherited, **own}, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


async def until(connection: "asyncpg.Connection[asyncpg.Record]", question: str, *arguments: Any) -> None:
    """Wait until ``question``, a statement, is answered with true."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await connection.fetchval(question, *arguments) is not True:  # noqa: ASYNC110  (another process does it)
            await asyncio.sleep(0.005)


async def generate(caller: Caller) -> None:
    given = {"programme": "PANGAN", "period": str(PERIOD), "region": REGION.code, "idempotencyKey": str(uuid4())}
    assert (await caller.query(GENERATE, input=given))["answer"]["__typename"] == "CycleGenerated"


async def test_a_worker_that_is_killed_again_and_again_leaves_the_lists_that_one_left_alone_makes(
    province: DatabaseServer, api_settings: Settings, settings: Settings, matrix: "RoleMatrix", tmp_path: Path
) -> None:
    database = Database(province.app, read_pool_size=1, write_pool_size=1)
    # Who watches is not in the transaction that holds the locks: within one, pg_stat_activity stays as it was first read.
    async with connected(province) as owner, connected(province) as watcher, api_of(api_settings, province) as api:
        bureau = Bureau(province, database, owner, matrix)
        await plant_programme(owner, "PANGAN")
        maker = await api.as_(Role.MINISTRY_ADMIN)
        await generate(maker)
        # Of the lists that are left the worker can make the first; for the next ones it waits, with all that it has, until it is killed.
        for _ in range(KILLS):
            cycles = await bureau.cycles("PANGAN")
            async with owner.transaction():
                waiting = [cycle["id"] for cycle in cycles if cycle["state"] == "DRAFT"][1:]
                await owner.fetch("select from aid_cycle where id = any($1) for update", waiting)
                with kesos_worker(settings, province, tmp_path) as worker:
                    await until(
                        watcher,
                        "select count(distinct l.pid) = $1 from pg_locks l join pg_stat_activity a using (pid) "
                        "where not l.granted and a.datname = current_database() and a.query like '%aid_cycle%'",
                        AT_ONCE,
                    )
                    worker.kill()
                    worker.wait()
        states = [cycle["state"] for cycle in await bureau.cycles("PANGAN")]
        assert states.count("GENERATED") == KILLS
        with kesos_worker(settings, province, tmp_path):
            await until(owner, "select count(*) = 1 from job where state in ('SUCCEEDED', 'FAILED')")
            job = await owner.fetchrow(_JOB)
            assert job is not None
            assert (job["state"], job["error_code"]) == ("SUCCEEDED", None)
            assert job["attempts"] > KILLS
            assert (job["done"], job["total"]) == (FAMILIES, FAMILIES)
            cycles = await bureau.cycles("PANGAN")
            assert {cycle["state"] for cycle in cycles} == {"GENERATED"}
            assert len(cycles) == REGENCIES
            assert sum(cycle["families"] for cycle in cycles) == FAMILIES
            ids = [cycle["id"] for cycle in cycles]
            interrupted = await bureau.lists(*ids)
            assert len(interrupted["entitlement"]) + len(interrupted["aid_exclusion"]) == FAMILIES
            await generate(maker)
            await until(owner, "select count(*) = 2 from job where state in ('SUCCEEDED', 'FAILED')")
        assert await bureau.lists(*ids) == interrupted
    await database.close()
