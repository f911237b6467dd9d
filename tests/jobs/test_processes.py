"""Workers as processes of their own: killed, stopped, started again, and watched from another process."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from app.authz.authorize import OPERATOR_ID
from app.authz.development import issue_token
from app.authz.roles import Role
from app.domain.jobs.models import JobState
from app.main import create_app
from app.settings import DEVELOPMENT_ISSUER, Settings
from app.tenants.server import DatabaseServer
from tests.authz.people import People
from tests.jobs.workshop import BANYUMAS, PATIENCE_SECONDS, Workshop, eventually
from tests.support.process import ROOT, url_of
from tests.support.sockets import Live, live_on

pytestmark = pytest.mark.long

STEPS = 60
_LABOUR = ("-m", "tests.jobs.labour")
_WORKER = ("-m", "app.cli", "worker")
_PROGRESS = """subscription($id: ID!) {
  jobProgress(id: $id) { job { id state stage done total attempts estimatedSecondsLeft startedBy } } }"""


@pytest_asyncio.fixture
async def live(api_settings: Settings, jobs_server: DatabaseServer) -> AsyncIterator[Live]:
    async with live_on(api_settings, create_app(api_settings, jobs_server)) as live:
        yield live


@asynccontextmanager
async def process(workshop: Workshop, folder: Path, *arguments: str) -> "AsyncIterator[subprocess.Popen[bytes]]":
    """A worker beside this process; it is killed where it still runs at the end."""
    server = workshop.server
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KESOS_", "OTEL_"))}
    own = {
        "KESOS_DATABASE_URL": url_of(server),
        "KESOS_DATA_DIR": str(workshop.settings.data_dir),
        "PYTHONPATH": str(ROOT),
        "STEPS": str(STEPS),
    }
    passwords = {"KESOS_APP_PASSWORD": server.app_password, "KESOS_LOADER_PASSWORD": server.loader_password}
    own |= {name: value for name, value in passwords.items() if value is not None}
    with (folder / "err.txt").open("ab") as err:
        running = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, *arguments],
            cwd=folder,
            env={**inherited, **own},
            stdout=err,
            stderr=err,
        )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        await asyncio.to_thread(running.wait, PATIENCE_SECONDS)


async def ended(running: "subprocess.Popen[bytes]", number: signal.Signals) -> int:
    running.send_signal(number)
    return await asyncio.to_thread(running.wait, PATIENCE_SECONDS)


async def until_working(running: "subprocess.Popen[bytes]", folder: Path) -> None:
    async def works() -> bool:
        written = await asyncio.to_thread((folder / "err.txt").read_text)
        assert running.poll() is None, written
        return '"working"' in written

    await eventually(works)


async def counted(workshop: Workshop) -> list[int]:
    return [row["number"] for row in await workshop.owner.fetch("select number from tally order by number")]


async def until_counted(workshop: Workshop, least: int) -> None:
    await workshop.until_found(f"select count(*) >= {least} from tally")  # noqa: S608  (a test's own words)


async def test_a_worker_is_killed_and_another_takes_its_job_over(workshop: Workshop, tmp_path: Path) -> None:
    job_id = await workshop.start()
    async with process(workshop, tmp_path, *_LABOUR) as first:
        await until_counted(workshop, 10)
        async with process(workshop, tmp_path, *_LABOUR):
            assert await ended(first, signal.SIGKILL) == -signal.SIGKILL
            assert (await workshop.row(job_id))["state"] == "RUNNING"
            row = await workshop.until_ended(job_id)
            await workshop.until_queue_is_empty()
    assert (row["state"], row["attempts"], row["failures"]) == ("SUCCEEDED", 2, 0)
    assert (row["done"], row["total"], row["stage"]) == (STEPS, STEPS, "COUNTING")
    assert await counted(workshop) == list(range(STEPS))


async def test_a_worker_that_is_asked_to_stop_lets_go_and_ends_well(workshop: Workshop, tmp_path: Path) -> None:
    job_id = await workshop.start()
    async with process(workshop, tmp_path, *_LABOUR) as first:
        await until_counted(workshop, 5)
        assert await ended(first, signal.SIGTERM) == 0
    row = await workshop.row(job_id)
    assert (row["state"], row["attempts"]) == ("QUEUED", 1)
    assert await workshop.owner.fetchval("select count(*) from pgqueuer where status = 'queued'") == 1
    async with process(workshop, tmp_path, *_LABOUR):
        row = await workshop.until_ended(job_id)
    assert (row["state"], row["attempts"]) == ("SUCCEEDED", 2)
    assert await counted(workshop) == list(range(STEPS))


async def test_progress_is_heard_in_this_process_while_another_does_the_job(
    live: Live, settings: Settings, workshop: Workshop, tmp_path: Path
) -> None:
    people = People(workshop.owner)
    subject = await people.add(DEVELOPMENT_ISSUER, (Role.REGENCY_ADMIN.value, BANYUMAS.id))
    job_id = await workshop.start(by=await people.id_of(subject))
    told = []
    async with live.begun(issue_token(settings, subject)) as socket:
        await socket.subscribe("1", _PROGRESS, variables={"id": f"Job:3302:{job_id}"})
        first = await socket.hear()
        assert first["payload"]["data"]["jobProgress"]["job"] == {
            "id": f"Job:3302:{job_id}",
            "state": "QUEUED",
            "stage": None,
            "done": 0,
            "total": None,
            "attempts": 0,
            "estimatedSecondsLeft": None,
            "startedBy": "Sari",
        }
        async with process(workshop, tmp_path, *_LABOUR) as worker:
            while (message := await socket.hear())["type"] == "next":
                told.append(message["payload"]["data"]["jobProgress"]["job"])
            assert worker.poll() is None
        assert message == {"type": "complete", "id": "1"}
    counts = [job["done"] for job in told]
    assert counts == sorted(counts)
    # Of sixty steps some were heard of while they were made: more than the beginning and the end.
    assert len({count for count in counts if 0 < count < STEPS}) >= 2
    assert {job["state"] for job in told} == {"RUNNING", "SUCCEEDED"}
    assert any(job["estimatedSecondsLeft"] is not None for job in told)
    last = told[-1]
    assert (last["state"], last["stage"], last["done"], last["total"]) == ("SUCCEEDED", "COUNTING", STEPS, STEPS)


async def test_who_is_killed_while_it_is_watched_is_taken_over_before_those_who_watch(
    live: Live, settings: Settings, workshop: Workshop, tmp_path: Path
) -> None:
    people = People(workshop.owner)
    subject = await people.add(DEVELOPMENT_ISSUER, (Role.REGENCY_ADMIN.value, BANYUMAS.id))
    job_id = await workshop.start()
    told = []
    async with live.begun(issue_token(settings, subject)) as socket, process(workshop, tmp_path, *_LABOUR) as first:
        await socket.subscribe("1", _PROGRESS, variables={"id": f"Job:3302:{job_id}"})
        await until_counted(workshop, 10)
        await ended(first, signal.SIGKILL)
        async with process(workshop, tmp_path, *_LABOUR):
            while (message := await socket.hear())["type"] == "next":
                told.append(message["payload"]["data"]["jobProgress"]["job"])
    assert {job["attempts"] for job in told} >= {1, 2}
    assert told[-1]["state"] == "SUCCEEDED"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_works_until_it_is_told_to_stop(
    workshop: Workshop, tmp_path: Path, number: signal.Signals
) -> None:
    async with process(workshop, tmp_path, *_WORKER) as worker:
        await until_working(worker, tmp_path)
        assert await ended(worker, number) == 0
    written = (tmp_path / "err.txt").read_text()
    assert "Kesos works on jobs; Ctrl-C stops it." in written
    assert '"stopped working"' in written
    assert "Traceback" not in written


async def test_the_command_refuses_a_database_that_is_not_ready(workshop: Workshop, tmp_path: Path) -> None:
    await workshop.owner.execute("alter table region rename to region_elsewhere")
    try:
        async with process(workshop, tmp_path, *_WORKER) as worker:
            assert await asyncio.to_thread(worker.wait, PATIENCE_SECONDS) == 1
    finally:
        await workshop.owner.execute("alter table region_elsewhere rename to region")
    assert (tmp_path / "err.txt").read_text().startswith("kesos: The database is empty: run `kesos migrate` first")


async def test_a_server_works_on_jobs_where_it_is_told_to(workshop: Workshop, tmp_path: Path) -> None:
    arguments = ("-m", "app.cli", "serve", "--port", "0", "--with-worker")
    job_id = await workshop.start(by=OPERATOR_ID)
    async with process(workshop, tmp_path, *arguments) as served:
        await until_working(served, tmp_path)
        # There is no such import, and that somebody has found that out is all that is asked here.
        assert (await workshop.until_ended(job_id))["state"] == JobState.FAILED.value
        assert await ended(served, signal.SIGTERM) == 0
    assert '"stopped working"' in (tmp_path / "err.txt").read_text()


async def test_several_serving_processes_leave_jobs_to_the_command(workshop: Workshop, tmp_path: Path) -> None:
    arguments = ("-m", "app.cli", "serve", "--port", "0", "--with-worker", "--workers", "2")
    async with process(workshop, tmp_path, *arguments) as served:
        assert await asyncio.to_thread(served.wait, PATIENCE_SECONDS) == 1
    assert "run `kesos worker` beside `kesos serve --workers`" in (tmp_path / "err.txt").read_text()
