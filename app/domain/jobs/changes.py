"""That something happened to a job, told across processes: a trigger notifies ``kesos_job``; each process hears it on one connection."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.domain.hearing import Hearing
from app.domain.jobs.queue import Place
from app.tenants.session import Database

CHANNEL: Final = "kesos_job"


class JobEvents:
    """What happens to one job: the next item comes once something has, however often."""

    def __init__(self) -> None:
        self._happened = asyncio.Event()

    def happen(self) -> None:
        """Wake whoever waits for the next item."""
        self._happened.set()

    def __aiter__(self) -> "JobEvents":
        return self

    async def __anext__(self) -> None:
        await self._happened.wait()
        self._happened.clear()


class JobChanges:
    """Hears in one process what happens to jobs, whichever process works on them."""

    def __init__(self, database: Database) -> None:
        """Hear through ``database``, from the first time that somebody wants to know."""
        self._events: defaultdict[Place, set[JobEvents]] = defaultdict(set)
        self._hearing = Hearing(database, CHANNEL, heard=self._hear, missed=self._wake_all)

    @asynccontextmanager
    async def of(self, place: Place) -> AsyncIterator[JobEvents]:
        """Hear of one job, for as long as the context is open: ``async for _ in events``.

        An item also comes when jobs are heard of again after something may have been missed.
        """
        await self._hearing.begin()
        events = JobEvents()
        self._events[place].add(events)
        try:
            yield events
        finally:
            self._events[place].discard(events)
            if not self._events[place]:
                del self._events[place]

    def _hear(self, payload: str) -> None:
        for events in self._events.get(Place.of_text(payload), ()):
            events.happen()

    def _wake_all(self) -> None:
        for events in (each for waiting in self._events.values() for each in waiting):
            events.happen()
