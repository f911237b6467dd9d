"""The queue that hands jobs to workers: pgqueuer, in the same database and so in the same transactions.

An entry names the regency and the id of a job and says nothing else. What happened to a job stands in the table ``job``.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel, QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

from app.domain.jobs.models import JobKind

CHANNEL: Final = Channel("ch_pgqueuer")
# Named one by one: the library would otherwise read them from variables of the environment as common as CHANNEL and TRIGGER.
SETTINGS: Final = DBSettings(
    prefix="",
    db_schema=None,
    channel=CHANNEL,
    function="fn_pgqueuer_changed",
    trigger="tg_pgqueuer_changed",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    statistics_table="pgqueuer_statistics",
    schedules_table="pgqueuer_schedules",
    durability=Durability.durable,
    widen_id=True,
)


class Place(NamedTuple):
    """Where a job stands in its table."""

    regency_id: int
    job_id: UUID

    @classmethod
    def of_text(cls, text: str) -> "Place":
        """Read ``<regency id> <job id>``."""
        regency_id, _, job_id = text.partition(" ")
        return cls(int(regency_id), UUID(job_id))

    def __str__(self) -> str:
        return f"{self.regency_id} {self.job_id}"


@dataclass
class Queue(Queries):
    """The queue; a worker is handed no more than ``at_once`` entries at a time."""

    at_once: int | None = None

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,  # noqa: ARG002  (the library's signature; its manager asks for no fewer than two)
        heartbeat_timeout: timedelta,
    ) -> list[Job]:
        """Take entries that are due, or whose worker gives no sign of life any more."""
        return await super().dequeue(batch_size, entrypoints, queue_manager_id, self.at_once, heartbeat_timeout)

    async def put_in(self, kind: JobKind, place: Place) -> None:
        """Queue the job at ``place``. A job that is in the queue already stays as it is."""
        await self.enqueue(kind.value, str(place).encode(), dedupe_key=str(place), on_conflict="skip")


def queue_on(connection: "asyncpg.Connection[asyncpg.Record]", *, at_once: int | None = None) -> Queue:
    """The queue as ``connection`` works on it, in its transaction where it is in one."""
    driver = AsyncpgDriver(connection)
    return Queue(driver, QueryBuilderEnvironment(SETTINGS), QueryQueueBuilder(SETTINGS), at_once=at_once)
