"""A database of jobs, people who start them, and workers that do what a test tells them to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from app.authz.authorize import OPERATOR_ID, authorize, operator_access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.domain.jobs.models import JobKind, JobState
from app.domain.jobs.service import cancel, enqueue
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from app.worker import Handler, Pace, Worker

if TYPE_CHECKING:
    import asyncpg

PATIENCE_SECONDS = 90.0
BANYUMAS = RegionPath.parse("33.02")
CILACAP = RegionPath.parse("33.01")
QUICK = Pace(heartbeat_seconds=2.0, poll_seconds=0.2, first_pause_seconds=0.05, longest_pause_seconds=0.4)
COUNTRY = authorize(operator_access(RegionPath.country(), load_role_matrix()), Permission.JOBS_JOB_READ)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until ``holds()``."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():  # noqa: ASYNC110  (what is waited for happens in another process)
            await asyncio.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Workshop:
    """Starts jobs, lets workers at them, and looks at what became of them."""

    settings: Settings
    server: DatabaseServer
    database: Database
    owner: "asyncpg.Connection[asyncpg.Record]"

    async def start(
        self,
        kind: JobKind = JobKind.IMPORT_CHECK,
        *,
        by: UUID = OPERATOR_ID,
        region: RegionPath = BANYUMAS,
        subject_id: UUID | None = None,
    ) -> UUID:
        """Start a job; its id."""
        async with self.database.write(COUNTRY) as session:
            return await enqueue(
                session,
                kind=kind,
                principal_id=by,
                principal_name="Sari",
                subject_id=subject_id or uuid4(),
                villages=region.villages,
            )

    async def cancel(self, job_id: UUID) -> None:
        async with self.database.write(COUNTRY) as session:
            await cancel(session, (await self.row(job_id))["regency_id"], job_id)

    async def row(self, job_id: UUID) -> "asyncpg.Record":
        row = await self.owner.fetchrow("select * from job where id = $1", job_id)
        assert row is not None
        return row

    async def until(self, job_id: UUID, *states: JobState) -> "asyncpg.Record":
        """The job, once it is in one of ``states``."""

        async def is_there() -> bool:
            return JobState((await self.row(job_id))["state"]) in states

        await eventually(is_there)
        return await self.row(job_id)

    async def until_ended(self, job_id: UUID) -> "asyncpg.Record":
        return await self.until(job_id, *(state for state in JobState if state.has_ended))

    async def until_queue_is_empty(self) -> None:
        await self.until_found("select not exists (select from pgqueuer)")

    async def until_found(self, question: str) -> None:
        """Wait until ``question``, a statement, is answered with true."""

        async def found() -> bool:
            return await self.owner.fetchval(question) is True

        await eventually(found)

    @asynccontextmanager
    async def worker(
        self, handlers: Mapping[JobKind, Handler], *, pace: Pace = QUICK, **settings: Any
    ) -> AsyncIterator[Worker]:
        """A worker of this process, for as long as the context is open."""
        worker = Worker(self.settings.model_copy(update=settings), self.server, handlers, pace=pace)
        async with worker.working():
            yield worker
