"""A streaming replica that answers reads, and how much it may lack.

What it lacks is measured by the log and not by clocks, of which two machines have two: what the primary had flushed at a moment of this
process is complete on the replica once that has replayed as far. So an idle primary does not look like a replica that lags, and a bound in
seconds holds: a read of the replica shows all that was acknowledged so many seconds before it was asked. This is looked at beside the
requests; where it does not hold, or the replica fails, the caller of ``row`` asks the primary.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import asyncpg

from app.tenants.server import ConnectArguments

GONE: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises where a server, a connection or a statement fails.

The last is among them because that is what a connection raises whose server has said that it ends, until it has ended.
"""

LONGEST_LOOK_SECONDS: Final = 1.0
_LOOKS_WITHIN_BOUND: Final = 4
_ANSWER_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 1.0

# Flushed, not inserted: what nobody waits for may stand in the primary's memory for as long as it is idle, and is sent to no replica.
WRITTEN: Final = """
select (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint as position,
  ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int as timeline,
  (select system_identifier from pg_control_system()) as cluster,
  (select oid from pg_database where datname = current_database()) as database
"""
"""What a primary says of its log; a server that is none refuses to."""

# The timeline is that of the last restart point, the only one that a role without privileges sees. After a failover it is late by some
# minutes, and until then the replica is not used: a log that split off from the primary's may be the longer one.
_REPLAYED: Final = """
select (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint as position,
  (select timeline_id from pg_control_checkpoint()) as timeline,
  (select system_identifier from pg_control_system()) as cluster,
  (select oid from pg_database where datname = current_database()) as database,
  pg_is_in_recovery() as follows
"""

_log = logging.getLogger(__name__)


class Unfit(Exception):
    """The server is no replica of the primary; the message says what it is."""


@dataclass(frozen=True, slots=True)
class ReplicaSettings:
    """Where a replica is, and how many seconds its answers may lack."""

    address: ConnectArguments
    staleness_seconds: float


class Answers(NamedTuple):
    """Reads that the replica answered, and reads that it might have answered but for its state: the primary did."""

    of_replica: int
    of_primary: int


class _Mark(NamedTuple):
    """How far the log of the primary was, in bytes, at a moment of this process."""

    moment: float
    position: int


class Replica:
    """The replica of one ``Database``."""

    def __init__(
        self,
        settings: ReplicaSettings,
        *,
        ask_primary: Callable[[], Awaitable[Sequence[asyncpg.Record]]],
        open_pool: Callable[[], Awaitable["asyncpg.Pool[asyncpg.Record]"]],
    ) -> None:
        """``ask_primary`` runs ``WRITTEN`` on the primary; ``open_pool`` connects to the replica."""
        self._address, self._bound = settings.address, settings.staleness_seconds
        self._ask_primary, self._open_pool = ask_primary, open_pool
        self._marks: deque[_Mark] = deque()
        self._timeline = 0
        self._complete_at = float("-inf")
        self._said: str | None = "not looked at yet"
        self._of_replica = self._of_primary = 0
        self.pool: asyncpg.Pool[asyncpg.Record] | None = None

    @property
    def answers(self) -> Answers:
        """Who has answered until now."""
        return Answers(self._of_replica, self._of_primary)

    @property
    def staleness_seconds(self) -> float:
        """What a read may lack that begins now: at most what was acknowledged in so many seconds. Infinite where none may begin."""
        return time.monotonic() - self._complete_at if self.pool is not None else float("inf")

    async def row(self, staleness: float, statement: str, arguments: Sequence[Any]) -> asyncpg.Record | None:
        """The first row of ``statement``, lacking at most what is younger than ``staleness`` seconds.

        None where the replica cannot tell: it lags, is gone, or failed. Only a statement that took too long fails here too.
        """
        if self.pool is not None and self.staleness_seconds <= min(staleness, self._bound):
            try:
                async with self.pool.acquire() as connection:
                    record = await connection.fetchrow(statement, *arguments)
            except asyncpg.QueryCanceledError:
                raise
            except GONE as error:
                # Among them what is no fault of anybody: replay cancels whoever reads rows that it must remove.
                _log.debug("a read of the replica failed", extra={"error": type(error).__name__})
            else:
                self._of_replica += 1
                return record
        self._of_primary += 1
        return None

    async def follow(self) -> None:
        """Look again and again how far the replica is, and come back to it when it was lost."""
        while True:
            try:
                await self._follow_until_lost()
            except Unfit as unfit:
                self._say(str(unfit))
            except GONE as error:
                self._say(f"it does not answer ({type(error).__name__})")
            except Exception:  # noqa: BLE001  (a replica that nobody looks at any more would never be read again)
                _log.exception("the replica cannot be followed")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _follow_until_lost(self) -> None:
        async with AsyncExitStack() as stack:
            connection = await self._address.connect(timeout=_ANSWER_SECONDS)
            stack.callback(connection.terminate)
            stack.callback(self._forget)
            while True:
                await self._look(connection)
                if self.pool is None:
                    self.pool = await self._open_pool()
                    # Terminated, so that no read waits for a machine that is gone: it fails here and is asked of the primary.
                    stack.callback(self.pool.terminate)
                await asyncio.sleep(min(LONGEST_LOOK_SECONDS, self._bound / _LOOKS_WITHIN_BOUND))

    def _forget(self) -> None:
        self.pool = None
        self._complete_at = float("-inf")
        self._marks.clear()

    async def _look(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Find the last moment of which everything is on the replica.

        Raises:
            Unfit: it is no replica, or not one of the primary.
        """
        asked_at = time.monotonic()
        written = await self._written()
        replayed = await connection.fetchrow(_REPLAYED, timeout=_ANSWER_SECONDS)
        if replayed is None or not replayed["follows"]:
            raise Unfit("it follows no primary")
        if written is None:
            # Without the primary nobody knows what is missing here: reads go on until the bound is over.
            return
        if (replayed["cluster"], replayed["database"]) != (written["cluster"], written["database"]):
            raise Unfit("it follows another server")
        if written["timeline"] != self._timeline:
            self._timeline = written["timeline"]
            self._marks.clear()
            self._complete_at = float("-inf")
        self._marks.append(_Mark(asked_at, written["position"]))
        if replayed["timeline"] == written["timeline"]:
            while self._marks and self._marks[0].position <= replayed["position"]:
                self._complete_at = self._marks.popleft().moment
        while self._marks and asked_at - self._marks[0].moment > self._bound:
            self._marks.popleft()
        if self.pool is not None:
            self._say(None if self.staleness_seconds <= self._bound else "it lags")

    async def _written(self) -> asyncpg.Record | None:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return (await self._ask_primary())[0]
        except GONE:
            return None

    def _say(self, wrong: str | None) -> None:
        """Log that the replica is used from now on, or what is ``wrong`` with it; once."""
        if wrong != self._said:
            self._said = wrong
            if wrong is None:
                _log.info("the replica answers queries")
            else:
                _log.warning("the primary answers queries in place of the replica", extra={"reason": wrong})
