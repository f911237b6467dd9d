"""Fairness between callers: how many requests of one are worked on at a time, and how those wait that are refused.

Work is done a few requests at a time for each caller; the others wait, and the callers take turns. Expensive requests have a lane of
their own, so that the cheap ones of others never stand behind them. Whoever is refused is answered late: a client that sends its next
request when it has the answer to the last then sends few.
"""

import asyncio
import sys
from collections import Counter, deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self, TypeVar

from app.settings import Settings
from app.web.refusals import Overloaded

EXPENSIVE: Final = 5_000
"""Values from which on a request takes the lane of the expensive ones."""
_HOLD_SECONDS: Final = 1.0
_MOST_HELD: Final = 2_048
_MOST_HELD_OF_ADDRESS: Final = 256
_MOST_WAITING: Final = 1_024
_MOST_WAITING_OF_CALLER: Final = 128
_SWITCH_SECONDS: Final = 0.001

Made = TypeVar("Made")


class Lane:
    """At most ``most`` requests at a time, ``most_of_caller`` of them of one caller; those that wait are let in caller by caller."""

    def __init__(
        self,
        most: int,
        most_of_caller: int,
        *,
        most_waiting: int = _MOST_WAITING,
        most_waiting_of_caller: int = _MOST_WAITING_OF_CALLER,
    ) -> None:
        self._most, self._most_of_caller = most, most_of_caller
        self._most_waiting, self._most_waiting_of_caller = most_waiting, most_waiting_of_caller
        self._inside: Counter[Hashable] = Counter()
        self._taken = 0
        self._queues: dict[Hashable, deque[asyncio.Future[None]]] = {}
        self._waiting = 0
        # Callers who wait for a place in the lane, and not for one of their own places, in the order of their turns.
        self._turns: deque[Hashable] = deque()

    async def take(self, caller: Hashable) -> None:
        """Take a place for ``caller``, now or when its turn comes.

        Raises:
            Overloaded: too many wait already.
        """
        if self._taken < self._most and self._inside[caller] < self._most_of_caller:
            self._let_in(caller)
            return
        queue = self._queues.setdefault(caller, deque())
        if self._waiting >= self._most_waiting or len(queue) >= self._most_waiting_of_caller:
            if not queue:
                del self._queues[caller]
            raise Overloaded
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(place)
        self._waiting += 1
        if len(queue) == 1 and self._inside[caller] < self._most_of_caller:
            self._turns.append(caller)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give_back(caller)
            else:
                self._forget(caller, place)
            raise

    def give_back(self, caller: Hashable) -> None:
        """Give back a place of ``caller``, and let in who is next."""
        self._taken -= 1
        if self._inside[caller] == self._most_of_caller and caller in self._queues:
            self._turns.append(caller)
        self._inside[caller] -= 1
        if not self._inside[caller]:
            del self._inside[caller]
        while self._turns and self._taken < self._most:
            self._next()

    def _next(self) -> None:
        caller = self._turns.popleft()
        queue = self._queues[caller]
        place = queue.popleft()
        self._waiting -= 1
        # Who was cancelled in this turn of the event loop has not run yet to leave the queue.
        if not place.cancelled():
            self._let_in(caller)
            place.set_result(None)
        if not queue:
            del self._queues[caller]
        elif self._inside[caller] < self._most_of_caller:
            self._turns.append(caller)

    def _let_in(self, caller: Hashable) -> None:
        self._inside[caller] += 1
        self._taken += 1

    def _forget(self, caller: Hashable, place: "asyncio.Future[None]") -> None:
        queue = self._queues.get(caller)
        if queue is None or place not in queue:
            return
        queue.remove(place)
        self._waiting -= 1
        if not queue:
            del self._queues[caller]
            if caller in self._turns:
                self._turns.remove(caller)


class Place(AbstractAsyncContextManager[None]):
    """A place in a lane for the length of an ``async with``."""

    __slots__ = ("_caller", "_lane")

    def __init__(self, lane: Lane, caller: Hashable) -> None:
        self._lane, self._caller = lane, caller

    async def __aenter__(self) -> None:
        """Wait for the place."""
        await self._lane.take(self._caller)

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Give it back."""
        self._lane.give_back(self._caller)


class Gate:
    """Where requests wait for their turn before they reach the database."""

    def __init__(self, connections: int) -> None:
        """Share ``connections`` to the database: a quarter of them to expensive requests, one of each caller at a time.

        Of the others a caller has at most two thirds, so that one caller never takes all.
        """
        expensive = max(1, connections // 4)
        cheap = max(2, connections - expensive)
        self._cheap = Lane(cheap, max(1, cheap * 2 // 3))
        self._expensive = Lane(expensive, 1)

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """A gate as wide as the pool that requests read through."""
        return cls(settings.read_pool_size)

    def enter(self, caller: Hashable, cost: int = 0) -> Place:
        """A place for a request of ``caller`` that may yield ``cost`` values; to be entered with ``async with``.

        Entering raises ``Overloaded`` where too many wait already.
        """
        return Place(self._expensive if cost >= EXPENSIVE else self._cheap, caller)


class Tarpit:
    """Holds the answers to refused requests for a moment, so many at a time."""

    def __init__(
        self,
        *,
        seconds: float = _HOLD_SECONDS,
        most: int = _MOST_HELD,
        most_of_address: int = _MOST_HELD_OF_ADDRESS,
    ) -> None:
        self._seconds, self._most, self._most_of_address = seconds, most, most_of_address
        self._held: Counter[str] = Counter()
        self._total = 0

    async def hold(self, address: str) -> bool:
        """Wait for a moment; False at once where too many answers are held, of ``address`` or in all: hang up then."""
        if self._total >= self._most or self._held[address] >= self._most_of_address:
            return False
        self._held[address] += 1
        self._total += 1
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self._total -= 1
            self._held[address] -= 1
            if not self._held[address]:
                del self._held[address]
        return True


class Workshop:
    """Computing that takes many milliseconds, in a thread of its own: one piece at a time, the callers in turns.

    The event loop goes on meanwhile, because the thread lets it in after a millisecond at the latest.
    """

    def __init__(self) -> None:
        self._lane = Lane(1, 1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kesos-workshop")
        sys.setswitchinterval(_SWITCH_SECONDS)

    async def run(self, caller: Hashable, work: Callable[[], Made]) -> Made:
        """What ``work`` returns, which must touch nothing that the event loop changes.

        Raises:
            Overloaded: too much waits already.
        """
        await self._lane.take(caller)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._lane.give_back(caller)

    def close(self) -> None:
        """Finish the piece that is being worked on, and drop the others."""
        self._thread.shutdown(cancel_futures=True)
