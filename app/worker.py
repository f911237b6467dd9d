"""Working on jobs: takes them from the queue, runs their handlers, and writes down how each ended.

A worker holds one connection to the queue. On it stand the lock of every job that it works on and the pulse that tells others that
it lives: when the process dies, the locks are gone at once, and within ``Pace.heartbeat_seconds`` another worker takes its jobs over.
When only the connection is lost, the worker lets go of its jobs itself and begins anew.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import Any, Final, NamedTuple, TypeAlias

import asyncpg
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import FailingListenerError, RetryRequested
from pgqueuer.domain.models import Job as Entry
from sqlalchemy.exc import DBAPIError, InterfaceError

from app.authz.authorize import Access, NotPermitted, authorize, operator_access
from app.authz.behalf import access_of
from app.authz.enforcer import RoleMatrix, load_role_matrix
from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.domain.jobs import runs
from app.domain.jobs.errors import JobBroken, JobNotPermitted
from app.domain.jobs.models import JobKind, JobState
from app.domain.jobs.progress import ReportedWork
from app.domain.jobs.queue import CHANNEL, Place, Queue, queue_on
from app.domain.jobs.runs import Attempt
from app.domain.jobs.work import JobCancelled, Work
from app.domain.registry.imports.clearing import clear_staged
from app.schema.bansos.cycles_running import generate_cycles
from app.schema.bansos.idle_running import return_balances
from app.schema.bansos.membership_running import review_memberships
from app.schema.bansos.payment_running import PaymentHandlers
from app.schema.ewarong.signals_running import screen_transactions
from app.schema.exports.running import ExportHandler
from app.schema.jobs import PERMISSIONS
from app.schema.registry.comparing import MatchingHandler
from app.schema.registry.imports.running import ImportHandlers
from app.schema.root import api
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.replica import GONE
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader

Handler: TypeAlias = Callable[[Work, Access], Awaitable[None]]
"""Does one kind of job, with the access of whoever started it as that is now. It may run again after any part of it (see ``Work``)."""

ABANDONED_SECONDS: Final = 1.0
"""Less than others wait before they take a job over: by then no statement of a dead worker runs any more."""
MOST_FAILURES: Final = 3
"""Attempts at a job that may meet an unknown error."""
MOST_ATTEMPTS: Final = 50
"""A job that takes its worker down with it, or never meets a database that holds, is given up some time."""
_KEEP_LOG: Final = timedelta(days=7)
_TIDY_SECONDS: Final = 60.0
_TRANSIENT: Final = ("08", "40", "53", "57P", "55P03")
"""What PostgreSQL says when trying again helps: connections, rolled back, no resources, shut down, locked."""
_GONE: Final = (*GONE, DBAPIError)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a worker is, in seconds."""

    heartbeat_seconds: float = 6.0
    poll_seconds: float = 2.0
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 60.0

    def pause(self, number: int) -> timedelta:
        """How long to wait after the attempt ``number``: twice as long each time."""
        return timedelta(seconds=min(self.first_pause_seconds * 2 ** (number - 1), self.longest_pause_seconds))


class _End(NamedTuple):
    """How an attempt ended: ``state`` None means that there is another one, after ``pause``."""

    state: JobState | None
    error: DomainError | None = None
    pause: timedelta = timedelta(0)
    failed: bool = False


def handlers(settings: Settings) -> Mapping[JobKind, Handler]:
    """The handlers of all kinds of job that this Kesos knows how to do."""
    imports, payments = ImportHandlers.of_settings(settings), PaymentHandlers.of_settings(settings)
    return {
        JobKind.IMPORT_CHECK: imports.check,
        JobKind.IMPORT_APPLY: imports.apply,
        JobKind.EXPORT: ExportHandler.of_settings(settings, api().planner),
        JobKind.MATCHING: MatchingHandler.of_settings(settings),
        JobKind.CYCLE_GENERATION: generate_cycles,
        JobKind.BANK_FILE: payments.write,
        JobKind.BANK_RESULTS: payments.read,
        JobKind.IDLE_RETURN: return_balances,
        JobKind.MEMBERSHIP_REVIEW: review_memberships,
        JobKind.EWARONG_SCREENING: screen_transactions,
    }


def connections_of_worker(settings: Settings) -> int:
    """How many connections a worker opens: the pools, the queue, and one of kesos_loader for each job."""
    return _reads(settings) + _writes(settings) + 1 + settings.jobs_at_once


def _reads(settings: Settings) -> int:
    return settings.jobs_at_once + 1


def _writes(settings: Settings) -> int:
    # A job writes on two at once where that is faster, and beside them how far it is.
    return 3 * settings.jobs_at_once + 1


class Worker:
    """Works on jobs of the kinds that it has handlers for."""

    def __init__(
        self,
        settings: Settings,
        server: DatabaseServer,
        handlers: Mapping[JobKind, Handler],
        *,
        matrix: RoleMatrix | None = None,
        pace: Pace | None = None,
    ) -> None:
        """Work on ``settings.jobs_at_once`` jobs at a time. ``matrix`` says what roles may do where that is not what ``policies/`` say."""
        self._server, self._handlers, self._at_once = server, handlers, settings.jobs_at_once
        self._matrix = matrix or load_role_matrix()
        self._pace = pace or Pace()
        self._scope = authorize(operator_access(RegionPath.country(), self._matrix), Permission.JOBS_JOB_READ)
        self._database = Database(
            server.app,
            read_pool_size=_reads(settings),
            write_pool_size=_writes(settings),
            abandoned_seconds=ABANDONED_SECONDS,
        )
        self._stopping = asyncio.Event()
        self.running = 0
        self.ended: Counter[JobState] = Counter()

    def stop(self) -> None:
        """Take no more jobs and let go of those that run; others, or this worker started again, take them up."""
        self._stopping.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work beside what the block does, and stop when it ends."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            self.stop()
            await task

    async def run(self) -> None:
        """Work until ``stop``. A database that goes away is waited for."""
        await self._database.open()
        try:
            number = 0
            while not self._stopping.is_set():
                number += 1
                try:
                    async with open_loader(self._server, abandoned_seconds=ABANDONED_SECONDS) as connection:
                        _log.info("working", extra={"jobs_at_once": self._at_once})
                        number = 0
                        await self._work_on(connection)
                except (*_GONE, FailingListenerError) as error:
                    _log.warning("the queue cannot be reached", extra={"error": type(error).__name__})
                except Exception:  # noqa: BLE001  (a worker that gives up works on nothing until somebody notices)
                    _log.exception("the queue cannot be worked on")
                await self._rest(self._pace.pause(min(number + 1, 10)))
        finally:
            await self._database.close()
            _log.info("stopped working")

    async def _rest(self, pause: timedelta) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause.total_seconds()):
                await self._stopping.wait()

    async def _work_on(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Take jobs through ``connection`` until it is lost or the worker stops."""
        session = _Session(connection, queue_on(connection, at_once=self._at_once))
        manager = QueueManager(session.queue, CHANNEL)
        for kind in self._handlers:
            manager.entrypoint(kind.value, accepts_context=False)(self._taker(session))
        # Whichever comes first: what is told to stop takes no more, and what it works on is broken off where it stands.
        connection.add_termination_listener(lambda _connection: session.left.set())
        watching = [
            asyncio.create_task(self._leave(session, manager)),
            asyncio.create_task(_tidy(session)),
        ]
        try:
            await manager.run(
                dequeue_timeout=timedelta(seconds=self._pace.poll_seconds),
                batch_size=1,
                # The library asks for two; the queue itself hands out no more than may run.
                max_concurrent_tasks=max(2, self._at_once),
                shutdown_on_listener_failure=True,
                heartbeat_timeout=timedelta(seconds=self._pace.heartbeat_seconds),
                log_aggregation_interval=timedelta(0),
            )
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def _leave(self, session: "_Session", manager: QueueManager) -> None:
        await _first(self._stopping.wait(), session.left.wait())
        session.left.set()
        manager.shutdown.set()

    def _taker(self, session: "_Session") -> Callable[[Entry], Awaitable[None]]:
        async def take(entry: Entry) -> None:
            pause: timedelta | None = timedelta(0)
            # The library takes the entry of a task that is cancelled out of the queue, and this job is not done yet.
            with suppress(asyncio.CancelledError):
                pause = await self._take(session, Place.of_text((entry.payload or b"").decode()))
            if pause is not None:
                raise RetryRequested(pause)

        return take

    async def _take(self, session: "_Session", place: Place) -> timedelta | None:
        """Make an attempt at a job unless another worker is at it; after which pause there is another, None where it is over."""
        try:
            if not await session.lock(place):
                return timedelta(seconds=self._pace.poll_seconds)
            try:
                return await self._attempt(session, place)
            finally:
                await session.unlock(place)
        except _GONE as error:
            _log.warning("a job found no database", extra={"job_id": str(place.job_id), "error": type(error).__name__})
            return self._pace.pause(1)

    async def _attempt(self, session: "_Session", place: Place) -> timedelta | None:
        async with self._database.write(self._scope) as writing:
            attempt = await runs.begin(writing, place)
        if attempt is None:
            return None
        told = {"job_id": str(place.job_id), "kind": attempt.kind.value, "attempt": attempt.number}
        _log.info("a job begins", extra=told)
        began = perf_counter()
        self.running += 1
        try:
            end = await self._end_of(session, attempt)
        finally:
            self.running -= 1
        told |= {"seconds": round(perf_counter() - began, 3)}
        if end.state is None:
            _log.info("a job is put back", extra={**told, "pause_seconds": end.pause.total_seconds()})
            # Where the lock went with the connection, another worker may be at the job by now: it is not ours to write about.
            if not session.connection.is_closed():
                async with self._database.write(self._scope) as writing:
                    await runs.put_back(writing, place, failed=end.failed)
            return end.pause
        async with self._database.write(self._scope) as writing:
            await runs.finish(writing, place, end.state, end.error)
        self.ended[end.state] += 1
        _log.info("a job ends", extra={**told, "state": end.state.value, "code": end.error.code if end.error else None})
        return None

    async def _end_of(self, session: "_Session", attempt: Attempt) -> _End:
        if attempt.is_cancelled:
            return _End(JobState.CANCELLED)
        if attempt.number > MOST_ATTEMPTS:
            return _End(JobState.FAILED, JobBroken())
        access = await access_of(self._database, attempt.principal_id, self._matrix)
        if access is None or not _may(access, attempt):
            return _End(JobState.FAILED, JobNotPermitted())
        work = ReportedWork(
            attempt,
            server=self._server,
            database=self._database,
            scope=self._scope,
            abandoned_seconds=ABANDONED_SECONDS,
        )
        try:
            if not await self._done(session, attempt, work, access):
                return _End(None)
            await work.write()
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001  (whatever a handler raises is how its job ends, the panics of Rust, too)
            return self._judged(error, attempt)
        return _End(JobState.SUCCEEDED)

    async def _done(self, session: "_Session", attempt: Attempt, work: ReportedWork, access: Access) -> bool:
        """Run the handler to its end; False where it was broken off because the worker leaves. Raises what the handler raises."""
        doing = asyncio.ensure_future(self._handlers[attempt.kind](work, access))
        reporting = asyncio.create_task(work.keep_reporting())
        leaving = asyncio.create_task(session.left.wait())
        try:
            await asyncio.wait({doing, reporting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            work.end()
            if not doing.done():
                doing.cancel()
                await asyncio.wait({doing})
            await reporting
            # What a handler makes of being broken off is no fault of its job.
            if leaving.done() and (doing.cancelled() or doing.exception() is not None):
                return False
            await doing
        finally:
            await _cancelled(doing, reporting, leaving)
        return True

    def _judged(self, error: BaseException, attempt: Attempt) -> _End:
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        pause = self._pace.pause(attempt.number)
        match error:
            case JobCancelled():
                return _End(JobState.CANCELLED)
            case NotPermitted():
                return _End(JobState.FAILED, JobNotPermitted())
            case DomainError():
                return _End(JobState.FAILED, error)
            case _ if _is_transient(error):
                return _End(None, pause=pause)
        _log.error("an attempt at a job failed", extra={"job_id": str(attempt.place.job_id)}, exc_info=error)
        if attempt.failures + 1 >= MOST_FAILURES:
            return _End(JobState.FAILED, JobBroken())
        return _End(None, pause=pause, failed=True)


class _Session:
    """A connection to the queue: ``left`` is set when it is lost, or the worker stops."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", queue: Queue) -> None:
        self.connection, self.queue = connection, queue
        self.left = asyncio.Event()

    async def lock(self, place: Place) -> bool:
        """Be the only one who works on a job, for as long as the connection lasts; False where another is."""
        rows = await self.queue.driver.fetch("select pg_try_advisory_lock($1) as held", _lock_of(place))
        return rows[0]["held"] is True

    async def unlock(self, place: Place) -> None:
        """Let others work on a job."""
        await self.queue.driver.fetch("select pg_advisory_unlock($1)", _lock_of(place))


def _lock_of(place: Place) -> int:
    # The random half of the id; the other half is the time, which many share.
    return int.from_bytes(place.job_id.bytes[8:], signed=True)


def _may(access: Access, attempt: Attempt) -> bool:
    """Whether whoever started the job may still do what it does, all over what it is about."""
    permission = PERMISSIONS[attempt.kind]
    return permission in access.permissions and any(
        span.holds(attempt.villages) for span in access.scope(permission).spans
    )


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError | InterfaceError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    return isinstance(state, str) and state.startswith(_TRANSIENT)


async def _tidy(session: _Session) -> None:
    """Look after the queue, and what jobs left behind, every minute.

    A connection on which that takes so long is lost, whatever the network says.
    """
    while True:
        try:
            async with asyncio.timeout(_TIDY_SECONDS):
                found = await runs.tidy(session.queue, _KEEP_LOG)
                await clear_staged(session.queue)
        except TimeoutError:
            session.connection.terminate()
            return
        if found:
            _log.warning("jobs were lost from the queue and are in it again", extra={"jobs": found})
        await asyncio.sleep(_TIDY_SECONDS)


async def _first(*waiting: Coroutine[Any, Any, object]) -> None:
    tasks = [asyncio.create_task(each) for each in waiting]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancelled(*tasks)


async def _cancelled(*tasks: "asyncio.Future[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
