"""What a job is given to work with."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

import asyncpg

from app.tenants.region_path import Span
from app.tenants.session import Database


class JobCancelled(Exception):
    """Somebody has asked to cancel the job: whoever works on it lets this through."""


class Work(Protocol):
    """One attempt at a job.

    It may end at any moment, by ``kill -9`` too, and another attempt begins elsewhere: what is committed must be such that doing the
    rest gives the same as if nothing had happened. Where it is only told to stop, the work is cancelled as any task of asyncio is.
    """

    @property
    def job_id(self) -> UUID:
        """The job."""

    @property
    def subject_id(self) -> UUID:
        """What the job works on: an import, an export."""

    @property
    def villages(self) -> Span:
        """What the job is about."""

    @property
    def database(self) -> Database:
        """The database as kesos_app sees it; statements may take as long as they need."""

    def loader(self) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]":
        """A connection of kesos_loader, for COPY."""

    async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:
        """Say that ``done`` of ``total`` is done; cheap, and told to others a few times a second.

        ``total`` and ``stage`` stay as they are where they are not given; a new ``stage`` has a total of its own.

        Raises:
            JobCancelled: somebody has asked to cancel the job.
        """
