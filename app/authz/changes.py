"""That grants of a principal changed, told across processes, so that whoever remembers them can forget at once.

Triggers notify ``kesos_principal`` for every change of a principal or of its grants. Each process hears that on one connection;
while it does not, it may remember nothing. The process that made a change knows it before its mutation answers.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.tenants.session import Database, LineLost, announce

CHANNEL: Final = "kesos_principal"
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


def principal_changes(session: AsyncSession, principal_id: UUID) -> None:
    """This process forgets what it knows of the principal when the transaction of ``session`` is committed."""
    announce(session, CHANNEL, str(principal_id))


class PrincipalChange(NamedTuple):
    """A principal whose grants changed, and the transaction that did it; None where this process tells itself."""

    principal_id: UUID
    transaction: int | None

    @classmethod
    def of_payload(cls, payload: str) -> "PrincipalChange":
        """Read ``<principal id> <transaction id>``, or the id alone."""
        principal_id, _, transaction = payload.partition(" ")
        return cls(UUID(principal_id), int(transaction) if transaction else None)

    def is_seen_by(self, snapshot: str) -> bool:
        """Whether what was read under ``snapshot``, a text of ``pg_current_snapshot()``, was read after the change."""
        if self.transaction is None:
            return False
        oldest_running, next_one, running = snapshot.split(":")
        if self.transaction < int(oldest_running):
            return True
        return self.transaction < int(next_one) and str(self.transaction) not in running.split(",")


class Lookup:
    """One look-up of a principal: what changed while it was under way decides whether its answer may be remembered."""

    def __init__(self, *, hears: bool) -> None:
        self.hears = hears
        self.heard: list[PrincipalChange] = []

    def is_fresh(self, principal_id: UUID, snapshot: str) -> bool:
        """Whether nothing that was heard meanwhile is missing in what was read under ``snapshot``."""
        return all(change.is_seen_by(snapshot) for change in self.heard if change.principal_id == principal_id)


class Events:
    """What happens to one principal: the next item comes once something has, however often."""

    def __init__(self) -> None:
        self._happened = asyncio.Event()

    def happen(self) -> None:
        """Wake whoever waits for the next item."""
        self._happened.set()

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> None:
        await self._happened.wait()
        self._happened.clear()


class Changes:
    """Hears in one process whose grants changed, wherever that was done."""

    def __init__(
        self, database: Database, *, changed: Callable[[PrincipalChange], None], forget_all: Callable[[], None]
    ) -> None:
        """Call ``changed`` at every change, and ``forget_all`` when changes can no longer be heard."""
        self._database = database
        self._changed, self._forget_all = changed, forget_all
        self._hears = False
        self._tried: asyncio.Event | None = None
        self._lookups: set[Lookup] = set()
        self._events: defaultdict[UUID, set[Events]] = defaultdict(set)
        database.hear(CHANNEL, self._hear)

    async def begin(self) -> None:
        """Begin to hear; the first call waits until that has succeeded or failed once, all others return at once."""
        if self._tried is None:
            self._tried = asyncio.Event()
            self._database.attend(self._listen(self._tried))
            await self._tried.wait()

    @contextmanager
    def looking_up(self) -> Iterator[Lookup]:
        """Note what is heard while a principal is looked up."""
        lookup = Lookup(hears=self._hears)
        self._lookups.add(lookup)
        try:
            yield lookup
        finally:
            self._lookups.discard(lookup)

    @asynccontextmanager
    async def of(self, principal_id: UUID) -> AsyncIterator[Events]:
        """Hear of changes of one principal, for as long as the context is open: ``async for _ in events``.

        An item also comes when changes are heard again after some may have been missed. That a grant ends by its date is
        no change; ``Authenticator.usable_until`` tells when.
        """
        await self.begin()
        events = Events()
        self._events[principal_id].add(events)
        try:
            yield events
        finally:
            self._events[principal_id].discard(events)
            if not self._events[principal_id]:
                del self._events[principal_id]

    def _hear(self, payload: str) -> None:
        change = PrincipalChange.of_payload(payload)
        for lookup in self._lookups:
            lookup.heard.append(change)
        self._changed(change)
        for events in self._events.get(change.principal_id, ()):
            events.happen()

    async def _listen(self, tried: asyncio.Event) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._database.listening(CHANNEL) as line:
                    self._hears = True
                    tried.set()
                    pause = FIRST_PAUSE_SECONDS
                    for events in (each for waiting in self._events.values() for each in waiting):
                        events.happen()
                    await line.until_lost()
            except LineLost as lost:
                _log.warning("changes of grants are not heard", extra={"error": type(lost.__cause__).__name__})
            except Exception:  # noqa: BLE001  (a process that never hears again would never remember again)
                _log.exception("changes of grants are not heard")
            else:
                _log.warning("changes of grants are not heard", extra={"error": "hung up"})
            finally:
                tried.set()
                self._hears = False
                for lookup in self._lookups:
                    lookup.hears = False
                self._forget_all()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
