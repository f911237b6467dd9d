"""Jobs are queued with what they are for, in tables that the library takes for its own."""

import asyncio

import pytest
import sqlalchemy as sa
from pgqueuer.core.qm import QueueManager

from app.authz.authorize import OPERATOR_ID
from app.domain.jobs.models import JobKind, JobState
from app.domain.jobs.queue import CHANNEL, SETTINGS, Place, queue_on
from app.domain.jobs.service import enqueue
from app.tenants.session import open_loader
from app.worker import Pace
from tests.jobs.workshop import BANYUMAS, COUNTRY, Workshop


async def test_the_library_is_content_with_the_tables_that_the_migration_made(workshop: Workshop) -> None:
    async with open_loader(workshop.server) as loader:
        await QueueManager(queue_on(loader), CHANNEL).verify_structure()
    plan = await queue_on(workshop.owner).plan_upgrade()
    assert plan.notes == ()
    # Nothing is scheduled, so that one table is left out; of all else the library would change nothing.
    assert [statement.split("(")[0].strip() for statement in plan.statements] == ["CREATE TABLE pgqueuer_schedules"]


async def test_the_library_would_notice_a_table_that_is_not_its_own(workshop: Workshop) -> None:
    await workshop.owner.execute("begin; alter table pgqueuer drop column slot")
    try:
        plan = await queue_on(workshop.owner).plan_upgrade()
        with pytest.raises(RuntimeError):
            await QueueManager(queue_on(workshop.owner), CHANNEL).verify_structure()
    finally:
        await workshop.owner.execute("rollback")
    assert any("slot" in statement for statement in plan.statements)


async def test_a_job_is_queued_with_the_transaction_that_started_it(workshop: Workshop) -> None:
    async with workshop.database.write(COUNTRY) as session:
        job_id = await enqueue(
            session,
            kind=JobKind.IMPORT_CHECK,
            principal_id=OPERATOR_ID,
            principal_name="Sari",
            subject_id=OPERATOR_ID,
            villages=BANYUMAS.villages,
        )
        assert await workshop.owner.fetchval("select count(*) from pgqueuer") == 0
        assert await workshop.owner.fetchval("select count(*) from job") == 0
    (entry,) = await workshop.owner.fetch("select entrypoint, payload, dedupe_key, status::text from pgqueuer")
    assert dict(entry) == {
        "entrypoint": "IMPORT_CHECK",
        "payload": f"3302 {job_id}".encode(),
        "dedupe_key": f"3302 {job_id}",
        "status": "queued",
    }
    row = await workshop.row(job_id)
    assert (row["regency_id"], row["village_low"], row["village_high"]) == (3302, 3_302_000_000, 3_302_999_999)
    assert (row["state"], row["done"], row["attempts"]) == ("QUEUED", 0, 0)


async def test_a_job_of_a_transaction_that_is_rolled_back_was_never_queued(workshop: Workshop) -> None:
    async def start_and_fail() -> None:
        async with workshop.database.write(COUNTRY) as session:
            await enqueue(
                session,
                kind=JobKind.IMPORT_CHECK,
                principal_id=OPERATOR_ID,
                principal_name="Sari",
                subject_id=OPERATOR_ID,
                villages=BANYUMAS.villages,
            )
            assert await session.scalar(sa.text("select count(*) from job")) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await start_and_fail()
    for table in ("job", "pgqueuer", "pgqueuer_log"):
        assert await workshop.owner.fetchval(f"select count(*) from {table}") == 0  # noqa: S608  (a test's own words)


async def test_a_worker_hears_of_a_job_when_it_is_committed_and_not_at_the_next_look(workshop: Workshop) -> None:
    done = asyncio.Event()

    async def handle(_work: object, _access: object) -> None:
        done.set()

    async with workshop.worker({JobKind.IMPORT_CHECK: handle}, pace=Pace(poll_seconds=3_600.0)):
        await asyncio.sleep(1.0)
        job_id = await workshop.start()
        async with asyncio.timeout(20):
            await done.wait()
        await workshop.until(job_id, JobState.SUCCEEDED)


async def test_what_is_lost_from_the_queue_is_queued_again_and_nothing_twice(workshop: Workshop) -> None:
    lost, kept = await workshop.start(), await workshop.start()
    await workshop.owner.execute("delete from pgqueuer where dedupe_key = $1", str(Place(3302, lost)))

    async def handle(_work: object, _access: object) -> None:
        """Do nothing."""

    async with workshop.worker({JobKind.IMPORT_CHECK: handle}):
        for job_id in (lost, kept):
            assert (await workshop.until_ended(job_id))["state"] == "SUCCEEDED"
            assert (await workshop.row(job_id))["attempts"] == 1


async def test_the_log_of_the_queue_is_not_kept_for_ever(workshop: Workshop) -> None:
    await workshop.owner.execute(
        "insert into pgqueuer_log (created, job_id, status, priority, entrypoint) "
        "select now() - make_interval(days => days), days, 'successful', 0, 'IMPORT_CHECK' from unnest(array[6, 8]) as days"
    )
    async with workshop.worker({}):
        await workshop.until_found("select count(*) = 1 from pgqueuer_log")
    assert await workshop.owner.fetchval("select job_id from pgqueuer_log") == 6


def test_the_names_of_the_queue_are_none_of_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHANNEL", "TRIGGER", "PGQUEUER_QUEUE_TABLE", "PGQUEUER_PREFIX"):
        monkeypatch.setenv(name, "somebody_elses")
    named = {name: getattr(SETTINGS, name) for name in SETTINGS.model_fields_set}
    assert named.keys() == type(SETTINGS).model_fields.keys()
    assert type(SETTINGS)() != SETTINGS
    assert type(SETTINGS)(**named) == SETTINGS
