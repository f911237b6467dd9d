"""The only module that opens connections to act for a principal.

Reads run on raw asyncpg connections that are read only and REPEATABLE READ by default; writes run through SQLAlchemy. Either way the
scope is set by ``kesos_scope`` for the transaction alone, so a pooled connection carries nothing from one request to the next.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.tenants.scope import TenantScope
from app.tenants.server import ConnectArguments, DatabaseServer

SCOPE_ARGUMENTS: Final = 6
SCOPE_CALL: Final = "kesos_scope($1::int, $2::int, $3::bigint, $4::bigint, $5::text, $6::text)"
_SET_SCOPE: Final = f"select {SCOPE_CALL}"
_SESSION_DEFAULTS: Final = {"TimeZone": "UTC", "jit": "off", "application_name": "kesos"}
_READ_DEFAULTS: Final = {
    **_SESSION_DEFAULTS,
    "default_transaction_isolation": "repeatable read",
    "default_transaction_read_only": "on",
}


async def _read_json_as_bytes(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")


async def _keep_session(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Reset nothing between requests: no statement of ours leaves state on a session (a test holds us to it)."""


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

    def __init__(self, address: ConnectArguments, *, read_pool_size: int, write_pool_size: int) -> None:
        self._address = address
        self._read_pool_size = read_pool_size
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: address.connect(server_settings=_SESSION_DEFAULTS),
            pool_size=write_pool_size,
            max_overflow=0,
            hide_parameters=True,
        )
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

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
            max_cacheable_statement_size=0,  # plans of wide selections are longer than the default 15 kB
            server_settings=_READ_DEFAULTS,
            init=_read_json_as_bytes,
            reset=_keep_session,
        )

    async def close(self) -> None:
        """Close both pools."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None
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

    async def reference(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Read tables that have no tenant (regions, principals by their function); tenant tables show no row here."""
        async with self._reads.acquire() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
        return rows


@asynccontextmanager
async def open_loader(server: DatabaseServer) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of kesos_loader for COPY. Jobs use it; nothing that answers a request does."""
    connection = await server.loader.connect(server_settings=_SESSION_DEFAULTS)
    try:
        yield connection
    finally:
        await connection.close()
