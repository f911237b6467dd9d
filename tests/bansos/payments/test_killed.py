"""Workers and the database are killed at any moment: what was half done is done again, and nobody is paid twice."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
import pytest_asyncio

from app.domain.bansos.ledger.checking import check_ledger
from app.domain.regions.service import load_region_tree
from app.domain.registry.sealing import Seal
from app.domain.registry.seed import seed_registry
from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.migrate import migrate
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer, database_server, prepare
from app.tenants.session import Database, open_loader
from tests.bansos.payments.banks import TOKEN, SimulatedBank, simulated_bank
from tests.bansos.payments.office import AMOUNT, PROGRAMME, Office, key_of
from tests.support.aid import plant_programme
from tests.support.client import api_of
from tests.support.process import ROOT, url_of
from tests.support.world import connected

pytestmark = pytest.mark.long

PATIENCE_SECONDS: Final = 240
FAMILIES: Final = 1_500
KILLS: Final = 3
REGION: Final = RegionPath.parse("33.02.01")
_AT_WORK: Final = "select exists (select from job where kind = $1 and state = 'RUNNING')"
_BACKENDS: Final = """
select pid from pg_stat_activity where application_name = 'kesos' and state in ('active', 'idle in transaction')
  and pid <> pg_backend_pid() order by xact_start limit 1
"""
_GONE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


@pytest.fixture(scope="module")
def own_settings(api_settings: Settings) -> Iterator[Settings]:
    """A server of its own: others must not feel how its database is killed."""
    with tempfile.TemporaryDirectory(prefix="kesos-", ignore_cleanup_errors=True) as folder:
        yield api_settings.model_copy(update={"data_dir": Path(folder) / "data", "database_url": None})


@pytest.fixture(scope="module")
def own_server(own_settings: Settings) -> Iterator[DatabaseServer]:
    with database_server(own_settings) as server:
        yield server


@pytest_asyncio.fixture(scope="module")
async def mortal(own_settings: Settings, own_server: DatabaseServer) -> DatabaseServer:
    """A database with 3,000 families."""
    await prepare(own_server)
    await migrate(own_server)
    async with open_loader(own_server) as loader:
        await load_region_tree(loader)
        await load_editions(loader)
        await seed_registry(
            loader,
            region=REGION,
            families=FAMILIES,
            seed=9,
            seal=Seal.of_settings(own_settings),
            today=date(2026, 7, 31),
        )
    async with connected(own_server) as owner:
        await plant_programme(owner, PROGRAMME, amount=AMOUNT)
    return own_server


@asynccontextmanager
async def office_at(settings: Settings, server: DatabaseServer) -> AsyncIterator[Office]:
    """An office that has not noticed what happened to the database before."""
    database = Database(server.app, read_pool_size=1, write_pool_size=1)
    await database.open()
    try:
        async with connected(server) as owner, api_of(settings, server) as api:
            yield Office(settings, server, owner, database, api)
    finally:
        await database.close()


@contextmanager
def kesos_worker(settings: Settings, server: DatabaseServer, folder: Path, bank: SimulatedBank) -> Iterator[Any]:
    """`kesos worker` over ``server``, as a process that ends with the context."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KESOS_", "OTEL_"))}
    own = {
        "KESOS_DATABASE_URL": url_of(server),
        "KESOS_DATA_DIR": str(settings.data_dir),
        "KESOS_BANK_URL": bank.url,
        "KESOS_BANK_TOKEN": TOKEN,
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


async def ask(server: DatabaseServer, question: str, *given: Any) -> Any:
    """The answer of the database, once it is there to give one."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(*_GONE):
                async with connected(server) as owner:
                    return await owner.fetchval(question, *given)
            await asyncio.sleep(0.1)


async def until(server: DatabaseServer, question: str, *given: Any) -> None:
    """Wait until ``question`` is answered with true."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await ask(server, question, *given):  # noqa: ASYNC110  (another process does it)
            await asyncio.sleep(0.02)


async def kill_database(server: DatabaseServer) -> None:
    """End a backend of Kesos by SIGKILL: PostgreSQL ends all others, and recovers as after a crash."""
    with suppress(*_GONE, ProcessLookupError):
        async with connected(server) as owner:
            pid = await owner.fetchval(_BACKENDS)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(("victim", "period"), [("worker", date(2026, 1, 1)), ("database", date(2026, 4, 1))])
async def test_whoever_is_killed_whenever_nobody_is_paid_twice(
    own_settings: Settings, mortal: DatabaseServer, tmp_path: Path, victim: str, period: date
) -> None:
    chance = random.Random(victim)  # noqa: S311  (when to kill, nothing secret)
    async with office_at(own_settings, mortal) as office:
        cycle = await office.cycle(period_start=period)
        assert (await office.make(cycle))["entitlements"] == FAMILIES
        (order,) = await office.orders(cycle)
    with simulated_bank(tmp_path, "--bad-accounts", "0.1", "--failed-top-ups", "0.1", "--failures", "0.3") as bank:
        for state in ("ACCOUNTS_CHECKED", "SETTLED"):
            await survived(own_settings, mortal, tmp_path, bank, victim, chance)
            with kesos_worker(own_settings, mortal, tmp_path, bank):
                await until(mortal, "select state = $2 from payment_order where id = $1", key_of(order["id"]), state)
            async with office_at(own_settings, mortal) as office:
                await office.assert_right()
                if state == "ACCOUNTS_CHECKED":
                    await office.to_instruction(order["id"])
        asked = bank.asked()
    async with office_at(own_settings, mortal) as office:
        steps = await office.steps(cycle)
        assert set(steps) == {"ACCOUNT_FAILED", "TOPPED_UP", "TOP_UP_FAILED"}
        assert (asked["families"], asked["paid"]) == (steps["TOPPED_UP"], steps["TOPPED_UP"] * AMOUNT)
        kinds = await office.owner.fetch("select kind, format from bank_file where order_id = $1", key_of(order["id"]))
        assert Counter(row["kind"] for row in kinds) == {
            "ACCOUNT_CHECK": 2,
            "ACCOUNT_RESULT": 1,
            "TOP_UP": 2,
            "TOP_UP_RESULT": 1,
        }
        assert (await office.step("paymentOrderReturn", order["id"]))["__typename"] == "PaymentOrderMoved"
        await office.assert_right()
    async with open_loader(mortal) as loader:
        assert await check_ledger(loader) == []


async def survived(  # noqa: PLR0917  (all that is killed, and when)
    settings: Settings, server: DatabaseServer, folder: Path, bank: SimulatedBank, victim: str, chance: random.Random
) -> None:
    """Kill ``victim`` again and again, at moments when a job is at work."""
    for number in range(KILLS):
        kind = "BANK_RESULTS" if number else "BANK_FILE"
        with kesos_worker(settings, server, folder, bank) as worker:
            with suppress(TimeoutError):
                async with asyncio.timeout(6):
                    await until(server, _AT_WORK, kind)
            await asyncio.sleep(chance.random() * 0.6)
            if victim == "database":
                await kill_database(server)
                await ask(server, "select true")
            worker.kill()
