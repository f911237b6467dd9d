"""That something happened to a job, told across processes: a trigger notifies ``kesos_job``; each process hears it on one connection."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.domain.jobs.queue import Place
from app.tenants.session import Database, LineLost

CHANNEL: Final = "kesos_job"
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


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
        self._database = database
        self._tried: asyncio.Event | None = None
        self._events: defaultdict[Place, set[JobEvents]] = defaultdict(set)
        database.hear(CHANNEL, self._hear)

    @asynccontextmanager
    async def of(self, place: Place) -> AsyncIterator[JobEvents]:
        """Hear of one job, for as long as the context is open: ``async for _ in events``.

        An item also comes when jobs are heard of again after something may have been missed.
        """
        if self._tried is None:
            self._tried = asyncio.Event()
            self._database.attend(self._listen(self._tried))
        await self._tried.wait()
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

    async def _listen(self, tried: asyncio.Event) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._database.listening(CHANNEL) as line:
                    tried.set()
                    pause = _FIRST_PAUSE_SECONDS
                    for events in (each for waiting in self._events.values() for each in waiting):
                        events.happen()
                    await line.until_lost()
            except LineLost as lost:
                _log.warning("jobs are not heard of", extra={"error": type(lost.__cause__).__name__})
            except Exception:  # noqa: BLE001  (a process that never hears again would show no progress any more)
                _log.exception("jobs are not heard of")
            finally:
                tried.set()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
