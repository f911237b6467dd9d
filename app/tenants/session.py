"""The only module that opens connections to act for a principal.

Reads run on raw asyncpg connections that are read only and REPEATABLE READ by default; writes run through SQLAlchemy, or as one
statement on a raw connection, and are READ COMMITTED. Either way the
scope is set by ``kesos_scope`` for the transaction alone, so a pooled connection carries nothing from one request to the next.
What PostgreSQL is told by NOTIFY is heard on a connection beside the pools, for pooled ones are never reset.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from typing import Any, Final, NamedTuple

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.tenants.observation import Observer, observe_connection, observe_engine
from app.tenants.pooler import of_reads, require, session_options
from app.tenants.replica import GONE, WRITTEN, Replica, ReplicaSettings
from app.tenants.scope import TenantScope
from app.tenants.server import ConnectArguments, DatabaseServer, notice_silence

SCOPE_ARGUMENTS: Final = 7
SCOPE_CALL: Final = "kesos_scope($1::int, $2::int, $3::bigint, $4::bigint, $5::text, $6::text, $7::text)"
_SET_SCOPE: Final = f"select {SCOPE_CALL}"
_SESSION_DEFAULTS: Final = {"TimeZone": "UTC", "jit": "off", "application_name": "kesos"}
_READ_DEFAULTS: Final = {"default_transaction_isolation": "repeatable read", "default_transaction_read_only": "on"}
# Whoever was told that something is done finds it done, whatever crashes, and whatever the database is set to otherwise.
_WRITE_DEFAULTS: Final = {"synchronous_commit": "on"}
# A crash of PostgreSQL's machine may lose the last fraction of a second of what was appended, a crash of Kesos none of it. Where that
# must not happen either, events are appended in the transaction of what they tell of.
_APPEND_DEFAULTS: Final = {"synchronous_commit": "off"}
# Plans of wide selections are longer than the default 15 kB.
_PREPARING: Final = {"statement_cache_size": 500, "max_cacheable_statement_size": 65_536}
_CONNECT_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 10.0
# A statement that PostgreSQL cancels is answered a moment later. A machine that vanished without a word answers nothing.
_SILENCE_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 5.0
_ANNOUNCED: Final = "announced"

Heard = Callable[[str], None]
"""Takes the payload of what was announced."""


def _session_defaults(abandoned_seconds: float | None) -> dict[str, str]:
    if abandoned_seconds is None:
        return dict(_SESSION_DEFAULTS)
    return {**_SESSION_DEFAULTS, "client_connection_check_interval": f"{round(abandoned_seconds * 1000)}ms"}


async def _read_json_as_bytes(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")


async def _keep_session(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Reset nothing between requests: no statement of ours leaves state on a session (a test holds us to it)."""


class LineLost(Exception):
    """The connection that hears what is announced could not be opened, or is gone."""


class Line:
    """A connection that hears what is announced."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", ended: asyncio.Event) -> None:
        self._connection = connection
        self._ended = ended

    async def until_lost(self) -> None:
        """Wait until the connection is lost. One that nobody hangs up is asked every few seconds whether it is still there."""
        while not self._ended.is_set():
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await self._ended.wait()
            except TimeoutError:
                # An empty query is no statement, but it is answered, and that is all that is wanted.
                await self._connection.fetch("", timeout=_ANSWER_SECONDS)


def announce(session: AsyncSession, channel: str, payload: str) -> None:
    """Tell the hearers of ``channel`` in this process as soon as the transaction of ``session`` is committed.

    Other processes hear what a trigger tells PostgreSQL, a moment later; this one must not answer before it knows.
    """
    session.info.setdefault(_ANNOUNCED, []).append((channel, payload))


class Load(NamedTuple):
    """Connections of the read pools in use, requests that wait for one, and connections of the write pool in use."""

    reads: int
    waiting: int
    writes: int


class ReadSession:
    """One read-only snapshot under one scope."""

    def __init__(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        self._connection = connection

    async def row(self, statement: str, arguments: Sequence[Any] = ()) -> asyncpg.Record | None:
        """The first row of ``statement``."""
        return await self._connection.fetchrow(statement, *arguments)

    async def rows(self, statement: str, arguments: Sequence[Any] = ()) -> list[asyncpg.Record]:
        """All rows of ``statement``."""
        rows: list[asyncpg.Record] = await self._connection.fetch(statement, *arguments)
        return rows


class Database:
    """The database as kesos_app sees it: always through a scope, except for tables that have no tenant."""

    def __init__(
        self,
        address: ConnectArguments,
        *,
        read_pool_size: int,
        write_pool_size: int,
        statement_seconds: float | None = None,
        abandoned_seconds: float | None = None,
        observer: Observer | None = None,
        replica: ReplicaSettings | None = None,
        pooler: ConnectArguments | None = None,
    ) -> None:
        """Connect to ``address``; PostgreSQL cancels a statement that takes longer than ``statement_seconds``.

        Where they are given, whoever waits for it is let go a little later, whether PostgreSQL has answered or not.
        Where ``abandoned_seconds`` are given, it looks so often whether this process still lives, and cancels what it has left behind.
        ``observer`` is told how long statements of requests took; without one that costs nothing. ``replica`` answers what ``read_once``
        may read from it. The pools connect to ``pooler`` where there is one; what a session of its own needs (to append, to hear) does not.
        """
        self._address = address
        self._observer = observer
        self._read_pool_size, self._write_pool_size = read_pool_size, write_pool_size
        self._defaults = _session_defaults(abandoned_seconds)
        self._patience: dict[str, float] = {}
        if statement_seconds is not None:
            self._defaults["statement_timeout"] = f"{round(statement_seconds * 1000)}ms"
            self._patience["command_timeout"] = statement_seconds + _SILENCE_SECONDS
        self._pooler = pooler
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect_to_write,
            pool_size=write_pool_size,
            max_overflow=0,
            hide_parameters=True,
            connect_args={} if pooler is None else {"prepared_statement_cache_size": 0},
        )
        if observer is not None:
            observe_engine(self._engine, observer)
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._write_pool: asyncpg.Pool[asyncpg.Record] | None = None
        self.replica: Replica | None = None
        if replica is not None:
            self.replica = Replica(
                replica,
                ask_primary=lambda: self.reference(WRITTEN),
                open_pool=lambda: self._make_pool(
                    replica.address, self._read_pool_size, self._read_pool_size, _READ_DEFAULTS, is_pooled=False
                ),
            )
        self._appender: asyncpg.Connection[asyncpg.Record] | None = None
        self._appending = asyncio.Lock()
        self._hearers: defaultdict[str, list[Heard]] = defaultdict(list)
        self._attended: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Open the pools."""
        is_pooled = self._pooler is not None
        reads, writes = (of_reads(self._pooler), self._pooler) if self._pooler is not None else (self._address,) * 2
        # As many as if there were no replica: these take over where it fails.
        self._pool = await self._make_pool(
            reads, self._read_pool_size, self._read_pool_size, _READ_DEFAULTS, is_pooled=is_pooled
        )
        if is_pooled:
            # What the pooler does not set is told now, and not to the first who writes.
            (await self._connect_to_write()).terminate()
        # Filled as it is needed: what calls no function of the database needs none of it.
        self._write_pool = await self._make_pool(writes, 0, self._write_pool_size, _WRITE_DEFAULTS, is_pooled=is_pooled)
        if self.replica is not None:
            self.attend(self.replica.follow())

    async def _make_pool(
        self, address: ConnectArguments, least: int, most: int, defaults: Mapping[str, str], *, is_pooled: bool
    ) -> "asyncpg.Pool[asyncpg.Record]":
        settings = {**self._defaults, **defaults}

        async def prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
            notice_silence(connection)
            if is_pooled:
                await require(connection, address.database, settings)
            await _read_json_as_bytes(connection)
            if self._observer is not None:
                observe_connection(connection, self._observer)

        return await asyncpg.create_pool(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=address.database,
            min_size=least,
            max_size=most,
            max_inactive_connection_lifetime=0,
            timeout=_CONNECT_SECONDS,
            init=prepare,
            reset=_keep_session,
            **self._patience,
            **(session_options(settings) if is_pooled else {**_PREPARING, "server_settings": settings}),
        )

    async def _connect_to_write(self) -> "asyncpg.Connection[asyncpg.Record]":
        settings = {**self._defaults, **_WRITE_DEFAULTS}
        if self._pooler is None:
            return await self._address.connect(server_settings=settings, **self._patience)
        connection = await self._pooler.connect(**session_options(settings), **self._patience)
        try:
            await require(connection, self._pooler.database, settings)
        except BaseException:
            connection.terminate()
            raise
        return connection

    @property
    def load(self) -> Load:
        """How busy the pools are."""
        engine: Any = self._engine.pool
        writes = engine.checkedout()
        if self._write_pool is not None:
            writes += self._write_pool.get_size() - self._write_pool.get_idle_size()
        replica = self.replica.pool if self.replica is not None else None
        reading = [pool for pool in (self._pool, replica) if pool is not None]
        in_use = sum(pool.get_size() - pool.get_idle_size() for pool in reading)
        waiting = sum(len(pool._queue._getters) for pool in reading)  # noqa: SLF001  (asyncpg does not tell how many wait)
        return Load(in_use, waiting, writes)

    async def close(self) -> None:
        """Close the pools, and end what runs beside them. What does not take leave within seconds is cut off."""
        for task in self._attended:
            task.cancel()
        await asyncio.gather(*self._attended, return_exceptions=True)
        for pool in (self._pool, self._write_pool):
            if pool is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CLOSE_SECONDS):
                        await pool.close()
        self._pool = self._write_pool = None
        async with self._appending:
            if self._appender is not None:
                with suppress(TimeoutError):
                    await self._appender.close(timeout=_CLOSE_SECONDS)
                self._appender = None
        await self._engine.dispose()

    @property
    def _reads(self) -> "asyncpg.Pool[asyncpg.Record]":
        if self._pool is None:
            raise RuntimeError("Database.open() has not been awaited")
        return self._pool

    async def read_once(
        self, scope: TenantScope, statement: str, arguments: Sequence[Any], *, staleness: float = 0.0
    ) -> asyncpg.Record:
        """Run one statement, of one row, that sets its scope itself, in one round trip.

        ``statement`` begins with ``with scope as materialized (select kesos_scope($1 .. $7))`` and selects from it; its own
        parameters follow from $8. Where what is younger than ``staleness`` seconds may be missing, a replica may answer; 0 is for whatever
        must be the latest.
        """
        if self.replica is not None and staleness > 0:
            record = await self.replica.row(staleness, statement, (*scope.settings, *arguments))
            if record is not None:
                return record
        async with self._reads.acquire() as connection:
            record = await connection.fetchrow(statement, *scope.settings, *arguments)
        if record is None:
            raise LookupError("a statement that selects from its scope has one row")
        return record

    @asynccontextmanager
    async def read(self, scope: TenantScope) -> AsyncIterator[ReadSession]:
        """One snapshot for several statements."""
        async with self._reads.acquire() as connection, connection.transaction():
            await connection.fetchval(_SET_SCOPE, *scope.settings)
            yield ReadSession(connection)

    async def write_once(self, scope: TenantScope, statement: str, arguments: Sequence[Any]) -> asyncpg.Record:
        """Run one statement, of one row, that writes and sets its scope itself, as ``read_once`` does; it is committed when this returns.

        Where this raises it may be committed all the same, if the connection was lost on the way back: what is written must be such that
        it can be asked for again.
        """
        if self._write_pool is None:
            raise RuntimeError("Database.open() has not been awaited")
        async with self._write_pool.acquire() as connection:
            record = await connection.fetchrow(statement, *scope.settings, *arguments)
        if record is None:
            raise LookupError("a statement that selects from its scope has one row")
        return record

    @asynccontextmanager
    async def write(self, scope: TenantScope) -> AsyncIterator[AsyncSession]:
        """One transaction: commits when the block ends, rolls back when it raises."""
        async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
            # As it is written for the driver: SQLAlchemy would read it anew for each transaction.
            connection = await session.connection()
            await connection.exec_driver_sql(_SET_SCOPE, tuple(scope.settings))
            yield session
        for channel, payload in session.info.get(_ANNOUNCED, ()):
            self.tell(channel, payload)

    async def append(self, statement: str, *arguments: object) -> None:
        """Run one statement that appends rows, one after the other on the connection that is kept for it.

        It is committed when this returns, and sure to outlive PostgreSQL's machine a moment later (see ``_APPEND_DEFAULTS``).
        """
        async with self._appending:
            connection = await self._append_connection()
            try:
                await connection.execute(statement, *arguments)
            except asyncio.CancelledError:
                # It takes a while to cancel a statement, and until then a connection is of no use to the next.
                connection.terminate()
                raise

    async def _append_connection(self) -> "asyncpg.Connection[asyncpg.Record]":
        # No pool of one: its lending and taking back costs 40 us, as much as all else that Python does for an appended row.
        if self._appender is None or self._appender.is_closed():
            if self._pool is None:
                raise RuntimeError("Database.open() has not been awaited")
            self._appender = await self._address.connect(
                server_settings={**self._defaults, **_APPEND_DEFAULTS}, **self._patience
            )
            if self._observer is not None:
                observe_connection(self._appender, self._observer)
        return self._appender

    async def reference(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Read tables that have no tenant (regions, principals by their function); tenant tables show no row here."""
        async with self._reads.acquire() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
        return rows

    def hear(self, channel: str, heard: Heard) -> None:
        """Call ``heard`` with whatever is announced on ``channel``, by this process or, while a line is open, by PostgreSQL."""
        self._hearers[channel].append(heard)

    def tell(self, channel: str, payload: str) -> None:
        """Tell the hearers of ``channel`` in this process, and no others."""
        for heard in self._hearers[channel]:
            heard(payload)

    @asynccontextmanager
    async def listening(self, channel: str) -> AsyncIterator[Line]:
        """A line to PostgreSQL on ``channel``: what is told there from now on is heard.

        Raises:
            LineLost: it cannot be opened, or is gone.
        """
        try:
            connection = await self._address.connect(
                server_settings={**_SESSION_DEFAULTS, "application_name": "kesos listener"}, timeout=_ANSWER_SECONDS
            )
        except GONE as error:
            raise LineLost from error
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _connection: ended.set())
        try:
            await connection.add_listener(channel, lambda _connection, _pid, name, payload: self.tell(name, payload))
            yield Line(connection, ended)
        except GONE as error:
            raise LineLost from error
        finally:
            connection.terminate()

    def attend(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` beside the requests until the database is closed."""
        # In a context of its own: the trace and the log of the request that comes first are not this work's.
        task = asyncio.create_task(work, context=Context())
        self._attended.add(task)
        task.add_done_callback(self._attended.discard)


@asynccontextmanager
async def open_loader(
    server: DatabaseServer, *, abandoned_seconds: float | None = None
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of kesos_loader for COPY. Jobs use it; nothing that answers a request does.

    ``abandoned_seconds`` is that of ``Database``.
    """
    connection = await server.loader.connect(server_settings=_session_defaults(abandoned_seconds))
    try:
        yield connection
    finally:
        # It waits for PostgreSQL to have cancelled what was given up, and PostgreSQL may not be there any more.
        with suppress(TimeoutError):
            await connection.close(timeout=_CLOSE_SECONDS)
