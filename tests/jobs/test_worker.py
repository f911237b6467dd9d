"""What becomes of a job that a worker takes, whatever its handler does and whoever started it."""

import asyncio
import logging
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest

from app.authz.authorize import OPERATOR_ID, Access, NotPermitted, authorize
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.base import DomainError
from app.domain.jobs.errors import JobEnded
from app.domain.jobs.models import JobKind, JobState
from app.domain.jobs.work import Work
from app.settings import DEVELOPMENT_ISSUER
from app.worker import MOST_ATTEMPTS, MOST_FAILURES, Handler, Pace
from tests.authz.people import People
from tests.jobs.workshop import BANYUMAS, CILACAP, PATIENCE_SECONDS, Workshop

pytestmark = pytest.mark.long

SECRET: Final = "3302010101010001"
KIND: Final = JobKind.IMPORT_CHECK


class FileStrange(DomainError):
    code = "FILE_STRANGE"

    def __init__(self) -> None:
        super().__init__("Berkas ini aneh.", "This file is strange.")


class Panic(BaseException):
    """Of a library in Rust: no ``except Exception`` sees it."""


class Doing:
    """A handler that begins, says so, and goes on until it is let."""

    def __init__(self) -> None:
        self.begun, self.let = asyncio.Event(), asyncio.Event()
        self.now = self.most = self.times = 0

    async def __call__(self, work: Work, _access: Access) -> None:
        self.now += 1
        self.times += 1
        self.most = max(self.most, self.now)
        self.begun.set()
        try:
            while not self.let.is_set():
                await work.progress(self.times, 10, stage="WAITING")
                await asyncio.sleep(0.02)
        finally:
            self.now -= 1


def raising(*errors: BaseException) -> tuple[Handler, list[BaseException]]:
    """A handler that raises one after the other, and then nothing more; and what is left to raise."""
    left = list(errors)

    async def handle(_work: Work, _access: Access) -> None:
        if left:
            raise left.pop(0)

    return handle, left


async def seen(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await event.wait()


async def test_a_job_ends_with_all_that_its_work_has_said(workshop: Workshop) -> None:
    given: list[tuple[object, ...]] = []

    async def handle(work: Work, access: Access) -> None:
        given.append((work.job_id, work.subject_id, work.villages, access.principal.id))
        await work.progress(0, 3, stage="READING")
        await work.progress(3)
        await work.progress(1, stage="WRITING")
        await work.progress(7, 8)

    subject = uuid4()
    async with workshop.worker({KIND: handle}):
        job_id = await workshop.start(subject_id=subject)
        row = await workshop.until_ended(job_id)
    assert given == [(job_id, subject, BANYUMAS.villages, OPERATOR_ID)]
    assert (row["state"], row["stage"], row["done"], row["total"]) == ("SUCCEEDED", "WRITING", 7, 8)
    assert (row["attempts"], row["error_code"]) == (1, None)
    assert row["created_at"] <= row["started_at"] <= row["finished_at"]
    assert await workshop.owner.fetchval("select count(*) from pgqueuer") == 0


async def test_work_has_the_database_of_the_application_and_that_of_the_loader(workshop: Workshop) -> None:
    users = []

    async def handle(work: Work, access: Access) -> None:
        scope = authorize(access, Permission.REGISTRY_IMPORT_RUN)
        async with work.database.read(scope) as session:
            row = await session.row("select current_user, current_setting('statement_timeout') as timeout")
            assert row is not None
            users.append(tuple(row))
        async with work.loader() as loader:
            users.append((await loader.fetchval("select current_user"), "0"))

    async with workshop.worker({KIND: handle}):
        assert (await workshop.until_ended(await workshop.start()))["state"] == "SUCCEEDED"
    assert users == [("kesos_app", "0"), ("kesos_loader", "0")]


async def test_progress_may_be_told_often_and_is_written_seldom(workshop: Workshop) -> None:
    heard = []
    await workshop.owner.add_listener("kesos_job", lambda *told: heard.append(told[-1]))

    async def handle(work: Work, _access: Access) -> None:
        for number in range(20_000):
            await work.progress(number, 20_000)

    try:
        async with workshop.worker({KIND: handle}):
            job_id = await workshop.start()
            row = await workshop.until_ended(job_id)
        assert row["done"] == 19_999
        assert set(heard) == {f"3302 {job_id}"}
        assert 2 <= len(heard) < 200
    finally:
        await workshop.owner.reset()


async def test_a_refusal_of_the_domain_ends_the_job_with_its_texts(workshop: Workshop) -> None:
    handle, _ = raising(FileStrange())
    async with workshop.worker({KIND: handle}):
        row = await workshop.until_ended(await workshop.start())
    assert (row["state"], row["attempts"]) == ("FAILED", 1)
    assert (row["error_code"], row["error_indonesian"], row["error_english"]) == (
        "FILE_STRANGE",
        "Berkas ini aneh.",
        "This file is strange.",
    )


async def test_a_refusal_out_of_a_group_of_tasks_is_the_same(workshop: Workshop) -> None:
    handle, _ = raising(ExceptionGroup("unhandled errors in a TaskGroup", [FileStrange()]))
    async with workshop.worker({KIND: handle}):
        assert (await workshop.until_ended(await workshop.start()))["error_code"] == "FILE_STRANGE"


async def test_what_goes_by_itself_is_tried_again_until_it_has_gone(workshop: Workshop) -> None:
    handle, left = raising(ConnectionResetError(), OSError(28, "No space left"), TimeoutError(), OSError())
    async with workshop.worker({KIND: handle}):
        row = await workshop.until_ended(await workshop.start())
    assert left == []
    assert (row["state"], row["attempts"], row["failures"]) == ("SUCCEEDED", 5, 0)


async def test_each_pause_is_twice_as_long_as_the_one_before(workshop: Workshop) -> None:
    handle, _ = raising(*[OSError() for _ in range(9)])
    pauses = []
    async with workshop.worker(
        {KIND: handle}, pace=Pace(poll_seconds=0.1, first_pause_seconds=600.0, longest_pause_seconds=1_800.0)
    ):
        job_id = await workshop.start()
        for number in range(1, 4):
            await workshop.until_found(
                f"select attempts = {number} and exists (select from pgqueuer where status = 'queued') from job"  # noqa: S608  (a test's own words)
            )
            pauses.append(await workshop.owner.fetchval("select execute_after - updated from pgqueuer"))
            assert (await workshop.row(job_id))["state"] == "QUEUED"
            await workshop.owner.execute("update pgqueuer set execute_after = now() - interval '1 s'")
    assert pauses == [timedelta(seconds=seconds) for seconds in (600, 1_200, 1_800)]
    assert [Pace().pause(number).total_seconds() for number in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_an_error_of_the_program_is_tried_again_and_then_told_without_a_word_of_it(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    handle, left = raising(*[ValueError(SECRET) for _ in range(MOST_FAILURES + 1)])
    with caplog.at_level(logging.INFO):
        async with workshop.worker({KIND: handle}):
            job_id = await workshop.start()
            row = await workshop.until_ended(job_id)
    assert len(left) == 1
    assert (row["state"], row["attempts"], row["error_code"]) == ("FAILED", MOST_FAILURES, "INTERNAL")
    kept = await workshop.owner.fetchval(
        "select concat((select json_agg(j) from job j), (select json_agg(l) from pgqueuer_log l))"
    )
    assert str(job_id) in kept
    assert SECRET not in kept
    failed = [record for record in caplog.records if record.message == "an attempt at a job failed"]
    assert [record.__dict__["job_id"] for record in failed] == [str(job_id)] * MOST_FAILURES
    assert all(SECRET not in str(vars(record) | {"exc_info": None, "exc_text": None}) for record in caplog.records)


@pytest.mark.parametrize(
    "panic", [Panic(SECRET), BaseExceptionGroup("unhandled errors in a TaskGroup", [Panic(SECRET)])]
)
async def test_a_library_that_panics_ends_its_job_and_no_worker(workshop: Workshop, panic: BaseException) -> None:
    handle, left = raising(*[panic] * (MOST_FAILURES + 1))
    async with workshop.worker({KIND: handle}):
        row = await workshop.until_ended(await workshop.start())
    assert len(left) == 1
    assert (row["state"], row["attempts"], row["error_code"]) == ("FAILED", MOST_FAILURES, "INTERNAL")


async def test_a_job_that_nobody_survives_is_given_up_some_time(workshop: Workshop) -> None:
    doing = Doing()
    job_id = await workshop.start()
    await workshop.owner.execute("update job set attempts = $1", MOST_ATTEMPTS)
    async with workshop.worker({KIND: doing}):
        row = await workshop.until_ended(job_id)
    assert (row["state"], row["error_code"], doing.times) == ("FAILED", "INTERNAL", 0)


async def test_a_job_that_waits_is_cancelled_at_once_and_never_begun(workshop: Workshop) -> None:
    doing, other = Doing(), Doing()
    cancelled = await workshop.start()
    await workshop.cancel(cancelled)
    row = await workshop.row(cancelled)
    assert row["state"] == "CANCELLED"
    assert row["cancel_requested_at"] is not None
    other.let.set()
    async with workshop.worker({KIND: doing, JobKind.MATCHING: other}):
        await workshop.until(await workshop.start(JobKind.MATCHING), JobState.SUCCEEDED)
        await workshop.until_queue_is_empty()
    assert (doing.times, other.times) == (0, 1)
    with pytest.raises(JobEnded):
        await workshop.cancel(cancelled)


async def test_a_job_that_runs_is_cancelled_as_soon_as_its_work_asks(workshop: Workshop) -> None:
    doing = Doing()
    async with workshop.worker({KIND: doing}):
        job_id = await workshop.start()
        await seen(doing.begun)
        await workshop.cancel(job_id)
        await workshop.cancel(job_id)
        row = await workshop.until_ended(job_id)
        await workshop.until_queue_is_empty()
    assert (row["state"], row["error_code"], doing.times, doing.now) == ("CANCELLED", None, 1, 0)


async def test_a_job_that_was_to_be_cancelled_when_its_worker_died_is_not_begun_again(workshop: Workshop) -> None:
    doing = Doing()
    job_id = await workshop.start()
    await workshop.owner.execute("update job set state = 'RUNNING', cancel_requested_at = now()")
    async with workshop.worker({KIND: doing}):
        assert (await workshop.until_ended(job_id))["state"] == "CANCELLED"
    assert doing.times == 0


@pytest.mark.parametrize(
    ("change", "state", "code"),
    [
        ("select 1", "SUCCEEDED", None),
        ("update principal_grant set valid_to = now() where holder_subject = $1", "FAILED", "NOT_PERMITTED"),
        ("update principal_grant set role = 'REGENCY_VERIFIER' where holder_subject = $1", "FAILED", "NOT_PERMITTED"),
        ("update principal_grant set region_id = 330201 where holder_subject = $1", "FAILED", "NOT_PERMITTED"),
        ("update principal_grant set region_id = 3301 where holder_subject = $1", "FAILED", "NOT_PERMITTED"),
        ("update principal set active = false where subject = $1", "FAILED", "NOT_PERMITTED"),
    ],
)
async def test_a_job_is_done_with_the_grants_that_count_when_it_begins(
    workshop: Workshop, change: str, state: str, code: str | None
) -> None:
    held: list[Access] = []

    async def handle(_work: Work, access: Access) -> None:
        held.append(access)

    people = People(workshop.owner)
    subject = await people.add(DEVELOPMENT_ISSUER, (Role.REGENCY_ADMIN.value, BANYUMAS.id))
    job_id = await workshop.start(by=await people.id_of(subject))
    await workshop.owner.execute(change, *([subject] if "$1" in change else []))
    async with workshop.worker({KIND: handle}):
        row = await workshop.until_ended(job_id)
    assert (row["state"], row["error_code"]) == (state, code)
    assert [access.principal.subject for access in held] == ([subject] if code is None else [])
    for access in held:
        assert access.roles(Permission.REGISTRY_IMPORT_RUN) == ("REGENCY_ADMIN",)
        assert access.scope(Permission.REGISTRY_IMPORT_RUN).spans == (BANYUMAS.villages,)


async def test_a_permission_that_is_refused_during_the_work_ends_the_job(workshop: Workshop) -> None:
    handle, _ = raising(NotPermitted(Permission.REGISTRY_NIK_REVEAL))
    async with workshop.worker({KIND: handle}):
        row = await workshop.until_ended(await workshop.start())
    assert (row["state"], row["error_code"], row["attempts"]) == ("FAILED", "NOT_PERMITTED", 1)


async def test_a_job_survives_a_restart(workshop: Workshop) -> None:
    first, second = Doing(), Doing()
    second.let.set()
    async with workshop.worker({KIND: first}):
        job_id = await workshop.start()
        await seen(first.begun)
        await workshop.until(job_id, JobState.RUNNING)
    row = await workshop.row(job_id)
    assert (row["state"], row["attempts"], first.now) == ("QUEUED", 1, 0)
    async with workshop.worker({KIND: second}):
        row = await workshop.until_ended(job_id)
    assert (row["state"], row["attempts"], row["failures"], second.times) == ("SUCCEEDED", 2, 0, 1)


async def test_a_handler_that_fails_because_it_was_stopped_is_not_blamed(workshop: Workshop) -> None:
    begun = asyncio.Event()

    async def handle(_work: Work, _access: Access) -> None:
        begun.set()
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            raise ValueError(SECRET) from None

    async with workshop.worker({KIND: handle}):
        job_id = await workshop.start()
        await seen(begun)
    row = await workshop.row(job_id)
    assert (row["state"], row["failures"]) == ("QUEUED", 0)


async def test_a_worker_whose_connection_is_cut_lets_go_and_begins_anew(workshop: Workshop) -> None:
    doing = Doing()
    async with workshop.worker({KIND: doing}) as worker:
        job_id = await workshop.start()
        await seen(doing.begun)
        doing.begun.clear()
        cut = await workshop.owner.fetchval(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where usename = 'kesos_loader' and datname = current_database()"
        )
        assert cut == 1
        await seen(doing.begun)
        doing.let.set()
        row = await workshop.until_ended(job_id)
        await workshop.until_queue_is_empty()
    assert (row["state"], row["attempts"], doing.most, doing.times) == ("SUCCEEDED", 2, 1, 2)
    assert worker.ended[JobState.SUCCEEDED] == 1


async def test_a_worker_waits_for_a_database_that_is_not_there(workshop: Workshop) -> None:
    doing = Doing()
    doing.let.set()
    await workshop.owner.execute("alter role kesos_loader nologin")
    try:
        async with workshop.worker({KIND: doing}):
            job_id = await workshop.start()
            await asyncio.sleep(0.5)
            assert (await workshop.row(job_id))["state"] == "QUEUED"
            await workshop.owner.execute("alter role kesos_loader login")
            assert (await workshop.until_ended(job_id))["state"] == "SUCCEEDED"
    finally:
        await workshop.owner.execute("alter role kesos_loader login")


@pytest.mark.parametrize("at_once", [1, 2])
async def test_a_worker_works_on_as_many_jobs_at_once_as_it_may(workshop: Workshop, at_once: int) -> None:
    doing = Doing()
    jobs = [await workshop.start() for _ in range(4)]
    async with workshop.worker({KIND: doing}, jobs_at_once=at_once):
        await workshop.until_found(f"select count(*) = {at_once} from pgqueuer where status = 'picked'")  # noqa: S608  (a test's own words)
        # Time enough for the queue to be looked at several times.
        await asyncio.sleep(1.0)
        assert doing.now == at_once
        assert await workshop.owner.fetchval("select count(*) from pgqueuer where status = 'picked'") == at_once
        doing.let.set()
        for job_id in jobs:
            await workshop.until_ended(job_id)
    assert (doing.most, doing.times) == (at_once, 4)


async def test_a_job_whose_worker_seems_dead_and_is_not_is_not_done_twice_at_once(workshop: Workshop) -> None:
    doing = Doing()
    async with workshop.worker({KIND: doing}), workshop.worker({KIND: doing}):
        job_id = await workshop.start()
        await seen(doing.begun)
        for _ in range(5):
            await workshop.owner.execute("update pgqueuer set heartbeat = '-infinity' where status = 'picked'")
            await asyncio.sleep(0.3)
        doing.let.set()
        row = await workshop.until_ended(job_id)
        await workshop.until_queue_is_empty()
    assert (row["state"], row["attempts"], doing.most, doing.times) == ("SUCCEEDED", 1, 1, 1)


async def test_kinds_that_a_worker_cannot_do_wait_for_one_that_can(workshop: Workshop) -> None:
    doing = Doing()
    doing.let.set()
    ours, others = await workshop.start(), await workshop.start(JobKind.MATCHING)
    async with workshop.worker({KIND: doing}):
        await workshop.until_ended(ours)
    assert (await workshop.row(others))["state"] == "QUEUED"


async def test_each_place_in_the_tree_has_its_own_jobs(workshop: Workshop) -> None:
    handle, _ = raising()
    province = BANYUMAS.parse("33")
    started: dict[UUID, int] = {await workshop.start(region=each): each.id for each in (BANYUMAS, CILACAP, province)}
    async with workshop.worker({KIND: handle}):
        rows = [await workshop.until_ended(job_id) for job_id in started]
    assert [(row["regency_id"], row["state"]) for row in rows] == [
        (3302, "SUCCEEDED"),
        (3301, "SUCCEEDED"),
        (3300, "SUCCEEDED"),
    ]
