"""Transactions of outlets as they come in, told across processes.

PostgreSQL commits transactions that notify one after the other, with the lock of all of them held until each is on disk. So a transaction
does not notify: the process that has committed it tells of it a moment later, of many at once. Where that process dies in between, nobody
is told; what is told is a hint, and the list of transactions is the truth.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from app.domain.hearing import Hearing
from app.tenants.session import Database

COMMITTED: Final = "ewarong_transaction_committed"
"""What a process announces to itself: the text of a ``NewTransaction``."""
CHANNEL: Final = "kesos_ewarong"
_PAUSE_SECONDS: Final = 0.1
_MOST_TEXTS: Final = 80
"""A notification holds less than 8,000 bytes, and one transaction takes 90."""
_MOST_UNTOLD: Final = 10_000
MOST_WAITING: Final = 1_000
_log = logging.getLogger(__name__)


class NewTransaction(NamedTuple):
    """What decides who hears of a transaction."""

    regency_id: int
    village_id: int
    agent_id: UUID
    id: UUID

    @property
    def text(self) -> str:
        """``<regency> <village> <agent> <transaction>``."""
        return f"{self.regency_id} {self.village_id} {self.agent_id} {self.id}"

    @classmethod
    def of_text(cls, text: str) -> "NewTransaction":
        """Read what ``text`` has written."""
        regency, village, agent, id_ = text.split(" ")
        return cls(int(regency), int(village), UUID(agent), UUID(id_))


class TransactionEvents:
    """New transactions for one listener; None stands for those that may have been missed."""

    def __init__(self) -> None:
        self._waiting: deque[NewTransaction | None] = deque()
        self._came = asyncio.Event()

    def offer(self, new: NewTransaction | None) -> None:
        """Keep ``new`` until it is asked for. Who asks too slowly is told that something was missed, and the rest is let go."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            new = None
        if new is not None or not self._waiting or self._waiting[-1] is not None:
            self._waiting.append(new)
        self._came.set()

    async def __aiter__(self) -> AsyncIterator[NewTransaction | None]:
        while True:
            await self._came.wait()
            while self._waiting:
                yield self._waiting.popleft()
            self._came.clear()


class TransactionNews:
    """Tells other processes what this one has committed, and hears what any of them has."""

    def __init__(self, database: Database) -> None:
        """Tell and hear through ``database``; the line for hearing opens the first time that somebody wants to know."""
        self._database = database
        self._untold: deque[str] = deque(maxlen=_MOST_UNTOLD)
        self._telling = False
        self._listeners: set[TransactionEvents] = set()
        self._hearing = Hearing(database, CHANNEL, heard=self._hear, missed=self._miss)
        database.hear(COMMITTED, self._collect)

    @contextmanager
    def _listener(self) -> Iterator[TransactionEvents]:
        events = TransactionEvents()
        self._listeners.add(events)
        try:
            yield events
        finally:
            self._listeners.discard(events)

    async def events(self) -> AsyncGenerator[NewTransaction | None, None]:
        """Every new transaction of the country from now on; first None, once they are listened for."""
        await self._hearing.begin()
        with self._listener() as events:
            events.offer(None)
            async for event in events:
                yield event

    def _hear(self, payload: str) -> None:
        news = [NewTransaction.of_text(text) for text in payload.split(",")]
        for listener in self._listeners:
            for new in news:
                listener.offer(new)

    def _miss(self) -> None:
        for listener in self._listeners:
            listener.offer(None)

    def _collect(self, text: str) -> None:
        self._untold.append(text)
        if not self._telling:
            self._telling = True
            self._database.attend(self._tell())

    async def _tell(self) -> None:
        try:
            while self._untold:
                # Those that come within a moment are told together.
                await asyncio.sleep(_PAUSE_SECONDS)
                await self._tell_waiting()
        finally:
            self._telling = False

    async def _tell_waiting(self) -> None:
        while self._untold:
            texts = [self._untold.popleft() for _ in range(min(len(self._untold), _MOST_TEXTS))]
            try:
                await self._database.append("select pg_notify($1, $2)", CHANNEL, ",".join(texts))
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning(
                    "transactions were not told of", extra={"error": type(error).__name__, "number": len(texts)}
                )
