"""How far an attempt is: said as often as the work likes, written a few times a second."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from app.domain.jobs.runs import Attempt, is_cancelled, report
from app.domain.jobs.work import JobCancelled
from app.tenants.region_path import Span
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader

REPORT_SECONDS: Final = 0.3
_ASK_EVERY: Final = 3
"""Where there is nothing to write, a cancellation is asked for at every so manieth turn."""


class Progress(NamedTuple):
    """So much is done of a total, in a stage."""

    done: int
    total: int | None
    stage: str | None


class ReportedWork:
    """The ``Work`` of one attempt."""

    def __init__(
        self,
        attempt: Attempt,
        *,
        server: DatabaseServer,
        database: Database,
        scope: TenantScope,
        abandoned_seconds: float,
    ) -> None:
        """Write to the table of jobs under ``scope``. ``abandoned_seconds`` is that of ``Database``."""
        self._attempt, self._server, self._database, self._scope = attempt, server, database, scope
        self._abandoned_seconds = abandoned_seconds
        self._now = self._written = Progress(0, None, None)
        self._cancelled = False
        self._over = asyncio.Event()

    @property
    def job_id(self) -> UUID:
        """As in ``Work``."""
        return self._attempt.place.job_id

    @property
    def subject_id(self) -> UUID:
        """As in ``Work``."""
        return self._attempt.subject_id

    @property
    def villages(self) -> Span:
        """As in ``Work``."""
        return self._attempt.villages

    @property
    def database(self) -> Database:
        """As in ``Work``."""
        return self._database

    def loader(self) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]":
        """As in ``Work``."""
        return open_loader(self._server, abandoned_seconds=self._abandoned_seconds)

    async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:
        """As in ``Work``."""
        if self._cancelled:
            raise JobCancelled
        before = self._now
        if stage is None or stage == before.stage:
            self._now = Progress(done, before.total if total is None else total, before.stage)
        else:
            self._now = Progress(done, total, stage)
        # Whoever reports in a loop that waits for nothing else still lets others run.
        await asyncio.sleep(0)

    async def keep_reporting(self) -> None:
        """Write what is new every ``REPORT_SECONDS``, and hear of a cancellation, until the work is over."""
        turn = 0
        while not self._over.is_set():
            turn += 1
            if not await self.write() and turn % _ASK_EVERY == 0:
                async with self._database.write(self._scope) as session:
                    self._cancelled = await is_cancelled(session, self._attempt.place)
            with suppress(TimeoutError):
                async with asyncio.timeout(REPORT_SECONDS):
                    await self._over.wait()

    def end(self) -> None:
        """Report no more."""
        self._over.set()

    async def write(self) -> bool:
        """Write how far the work is, where that is new; whether it was."""
        now = self._now
        if now == self._written:
            return False
        async with self._database.write(self._scope) as session:
            self._cancelled = await report(session, self._attempt.place, *now)
        self._written = now
        return True
