"""A matching as it runs in earnest: started through the API, done by `kesos worker`, which is killed on the way."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.insights.service import verify_summaries
from app.domain.registry.sealing import Seal
from app.domain.registry.seed import seed_registry
from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.registry.dukcapil.gateways import TOKEN, Simulated, digest_of, simulated
from tests.registry.dukcapil.test_over_http import START
from tests.support.client import Caller, api_of
from tests.support.process import ROOT, url_of
from tests.support.world import connected, drop, empty_country

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.long

REGION = RegionPath.parse("33.02.01")
FAMILIES = 1_000
PATIENCE_SECONDS = 240
PROGRESS = """query($id: ID!) { civilRegistryMatching(id: $id) { finishedAt counts { found done matched skipped }
  job { state done total attempts error { code message } } } }"""


@dataclass(frozen=True, slots=True)
class Country:
    """A database of its own, with its administrator and somebody who has people compared."""

    server: DatabaseServer
    owner: "asyncpg.Connection[asyncpg.Record]"
    caller: Caller

    async def start(self) -> str:
        """A matching; its id."""
        answer = await self.caller.query(START, input={"region": REGION.code, "idempotencyKey": str(uuid4())})
        identifier: str = answer["answer"]["matching"]["id"]
        return identifier

    async def matching(self, identifier: str) -> Any:
        return (await self.caller.query(PROGRESS, id=identifier))["civilRegistryMatching"]

    async def until(self, identifier: str, *states: str) -> Any:
        """The matching, once its job is in one of ``states``."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (matching := await self.matching(identifier))["job"]["state"] not in states:  # noqa: ASYNC110  (another process does it)
                await asyncio.sleep(0.1)
        return matching


@pytest_asyncio.fixture(scope="module")
async def country(api_settings: Settings, server: DatabaseServer, seal: Seal) -> AsyncIterator[Country]:
    own = await empty_country(server, "matching")
    async with open_loader(own) as loader:
        await load_editions(loader)
        await seed_registry(loader, region=REGION, families=FAMILIES, seed=9, seal=seal, today=date(2026, 7, 31))
    asking = api_settings.model_copy(update={"dukcapil_url": "http://127.0.0.1:9"})
    async with connected(own) as owner, api_of(asking, own) as api:
        await owner.execute("update person set identity_status = 'NIK_ISSUED' where nik_sealed is not null")
        yield Country(own, owner, await api.as_(Role.REGENCY_ADMIN, "33.02"))
    await drop(own)


@contextmanager
def kesos_worker(
    settings: Settings, server: DatabaseServer, folder: Path, url: str, token: str = TOKEN
) -> Iterator[Any]:
    """`kesos worker` over ``server``, as a process that ends with the context."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KESOS_", "OTEL_"))}
    own = {
        "KESOS_DATABASE_URL": url_of(server),
        "KESOS_DATA_DIR": str(settings.data_dir),
        "KESOS_DUKCAPIL_URL": url,
        "KESOS_DUKCAPIL_TOKEN": token,
        "KESOS_DUKCAPIL_REQUESTS_PER_SECOND": "1000",
        "KESOS_JOBS_AT_ONCE": "1",
        "KESOS_LOG_LEVEL": "DEBUG",
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


async def until_asked(simulator: Simulated, batches: int) -> None:
    """Wait until ``simulator`` was asked for so many batches; nothing else of this process is held up."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len((await asyncio.to_thread(simulator.asked))["batches"]) < batches:  # noqa: ASYNC110  (another process does it)
            await asyncio.sleep(0.02)


async def test_a_worker_that_is_killed_again_and_again_sends_everybody_once_and_counts_right(
    country: Country, settings: Settings, seal: Seal, tmp_path: Path
) -> None:
    identifier = await country.start()
    with simulated(tmp_path, "--rate", "1000", "--latency-ms", "400") as simulator:
        for killed_after in (1, 3):
            with kesos_worker(settings, country.server, tmp_path, simulator.url) as worker:
                await until_asked(simulator, killed_after)
                worker.kill()
        with kesos_worker(settings, country.server, tmp_path, simulator.url):
            matching = await country.until(identifier, "SUCCEEDED", "FAILED")
        asked = simulator.asked()
    people = await country.owner.fetch("select * from person where nik_sealed is not null and presence <> 'DECEASED'")
    niks = [seal.unseal(row["nik_sealed"]) for row in people]
    assert len(people) > 5 * 500
    assert matching["job"]["error"] is None
    assert matching["job"]["attempts"] >= 3
    assert (matching["job"]["done"], matching["job"]["total"]) == (len(people), len(people))
    assert matching["finishedAt"] is not None
    sent = Counter(person for batch in asked["batches"] for person in batch["persons"])
    assert sent == Counter(map(digest_of, niks)), "everybody is in one batch, however often that was sent"
    counts = Counter(row["mismatch_reason"] or row["identity_status"] for row in people)
    assert matching["counts"] == {
        "found": len(people),
        "done": len(people),
        "matched": counts["MATCHED"],
        "skipped": 0,
    }
    assert "NIK_ISSUED" not in counts
    assert {row["version"] for row in people} == {2}
    exports = await country.owner.fetch("select * from audit_event where action = 'EXPORT'")
    assert len(exports) == len(asked["batches"])
    assert Counter(each for event in exports for each in event["subject_ids"]) == Counter(row["id"] for row in people)
    async with open_loader(country.server) as loader:
        assert await verify_summaries(loader) == []
    written = (tmp_path / "worker.txt").read_text()
    assert "a job ends" in written
    assert not any(nik in written for nik in niks)
    assert not any(row["name"] in written for row in people)
    assert TOKEN not in written


async def test_whoever_is_refused_by_the_civil_registry_is_told_so_in_the_job(
    country: Country, settings: Settings, tmp_path: Path
) -> None:
    identifier = await country.start()
    with simulated(tmp_path) as simulator:
        with kesos_worker(settings, country.server, tmp_path, simulator.url, token="wrong"):
            matching = await country.until(identifier, "SUCCEEDED", "FAILED")
        assert simulator.persons() == []
    assert matching["job"]["state"] == "FAILED"
    assert matching["job"]["error"]["code"] == "DUKCAPIL_DENIED"
    assert "KESOS_DUKCAPIL_TOKEN" in matching["job"]["error"]["message"]
    assert matching["finishedAt"] is None
    assert matching["counts"]["done"] == 0
