"""The only module that opens connections to act for a principal.

Reads run on raw asyncpg connections that are read only and REPEATABLE READ by default; writes run through SQLAlchemy. Either way the
scope is set by ``kesos_scope`` for the transaction alone, so a pooled connection carries nothing from one request to the next.
What PostgreSQL is told by NOTIFY is heard on a connection beside the pools, for pooled ones are never reset.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any, Final, NamedTuple

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.tenants.observation import Observer, observe_connection, observe_engine
from app.tenants.scope import TenantScope
from app.tenants.server import ConnectArguments, DatabaseServer

SCOPE_ARGUMENTS: Final = 6
SCOPE_CALL: Final = "kesos_scope($1::int, $2::int, $3::bigint, $4::bigint, $5::text, $6::text)"
_SET_SCOPE: Final = f"select {SCOPE_CALL}"
_SESSION_DEFAULTS: Final = {"TimeZone": "UTC", "jit": "off", "application_name": "kesos"}
_READ_DEFAULTS: Final = {"default_transaction_isolation": "repeatable read", "default_transaction_read_only": "on"}
# A crash of PostgreSQL's machine may lose the last fraction of a second of what was appended, a crash of Kesos none of it. Where that
# must not happen either, events are appended in the transaction of what they tell of.
_APPEND_DEFAULTS: Final = {"synchronous_commit": "off"}
_ANSWER_SECONDS: Final = 5.0
_ANNOUNCED: Final = "announced"
_GONE: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)

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
    """Connections of the read pool in use, requests that wait for one, and connections of the write pool in use."""

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
    ) -> None:
        """Connect to ``address``; PostgreSQL cancels a statement that takes longer than ``statement_seconds``.

        Where ``abandoned_seconds`` are given, it looks so often whether this process still lives, and cancels what it has left behind.
        ``observer`` is told how long statements of requests took; without one that costs nothing.
        """
        self._address = address
        self._observer = observer
        self._read_pool_size = read_pool_size
        self._defaults = _session_defaults(abandoned_seconds)
        if statement_seconds is not None:
            self._defaults["statement_timeout"] = f"{round(statement_seconds * 1000)}ms"
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: address.connect(server_settings=self._defaults),
            pool_size=write_pool_size,
            max_overflow=0,
            hide_parameters=True,
        )
        if observer is not None:
            observe_engine(self._engine, observer)
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._appender: asyncpg.Connection[asyncpg.Record] | None = None
        self._appending = asyncio.Lock()
        self._hearers: defaultdict[str, list[Heard]] = defaultdict(list)
        self._attended: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Open the read pool."""
        self._pool = await asyncpg.create_pool(
            host=self._address.host,
            port=self._address.port,
            user=self._address.user,
            password=self._address.password,
            database=self._address.database,
            min_size=self._read_pool_size,
            max_size=self._read_pool_size,
            max_inactive_connection_lifetime=0,
            statement_cache_size=500,
            max_cacheable_statement_size=65_536,  # plans of wide selections are longer than the default 15 kB
            server_settings={**self._defaults, **_READ_DEFAULTS},
            init=self._prepare,
            reset=_keep_session,
        )

    async def _prepare(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await _read_json_as_bytes(connection)
        if self._observer is not None:
            observe_connection(connection, self._observer)

    @property
    def load(self) -> Load:
        """How busy the pools are."""
        writes: Any = self._engine.pool
        if self._pool is None:
            return Load(0, 0, writes.checkedout())
        in_use = self._pool.get_size() - self._pool.get_idle_size()
        waiting = len(self._pool._queue._getters)  # noqa: SLF001  (asyncpg does not tell how many wait)
        return Load(in_use, waiting, writes.checkedout())

    async def close(self) -> None:
        """Close the pools, and end what runs beside them."""
        for task in self._attended:
            task.cancel()
        await asyncio.gather(*self._attended, return_exceptions=True)
        if self._pool is not None:
            await self._pool.close()
            self._pool = None
        async with self._appending:
            if self._appender is not None:
                await self._appender.close()
                self._appender = None
        await self._engine.dispose()

    @property
    def _reads(self) -> "asyncpg.Pool[asyncpg.Record]":
        if self._pool is None:
            raise RuntimeError("Database.open() has not been awaited")
        return self._pool

    async def read_once(self, scope: TenantScope, statement: str, arguments: Sequence[Any]) -> asyncpg.Record:
        """Run one statement, of one row, that sets its scope itself, in one round trip.

        ``statement`` begins with ``with scope as materialized (select kesos_scope($1 .. $6))`` and selects from it; its own
        parameters follow from $7.
        """
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

    @asynccontextmanager
    async def write(self, scope: TenantScope) -> AsyncIterator[AsyncSession]:
        """One transaction: commits when the block ends, rolls back when it raises."""
        async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
            await session.execute(
                text("select kesos_scope(:a, :b, :c, :d, :e, :f)"), dict(zip("abcdef", scope.settings, strict=True))
            )
            yield session
        for channel, payload in session.info.get(_ANNOUNCED, ()):
            self._tell(channel, payload)

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
            self._appender = await self._address.connect(server_settings={**self._defaults, **_APPEND_DEFAULTS})
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

    def _tell(self, channel: str, payload: str) -> None:
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
        except _GONE as error:
            raise LineLost from error
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _connection: ended.set())
        try:
            await connection.add_listener(channel, lambda _connection, _pid, name, payload: self._tell(name, payload))
            yield Line(connection, ended)
        except _GONE as error:
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
        await connection.close()
