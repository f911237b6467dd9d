"""Roads between the application and PostgreSQL: one on which the end of a connection arrives late, one that falls silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from app.tenants.server import ConnectArguments

if TYPE_CHECKING:
    import asyncpg

_PIECE = 65_536
# What a client sends before it closes: the message Terminate.
_GOODBYE = b"X\x00\x00\x00\x04"


@asynccontextmanager
async def slow_to_close(address: ConnectArguments) -> AsyncIterator[ConnectArguments]:
    """Another address of ``address``: all that its server says arrives, but that it hung up only when it is spoken to again."""

    async def travel(near: asyncio.StreamReader, nearby: asyncio.StreamWriter) -> None:
        far, afar = await asyncio.open_unix_connection(f"{address.host}/.s.PGSQL.{address.port}")
        back = asyncio.create_task(_carry_back(far, nearby))
        with suppress(ConnectionError):
            while (piece := await near.read(_PIECE)) and not back.done():
                afar.write(piece)
                await afar.drain()
                if piece.endswith(_GOODBYE):
                    break
        afar.close()
        await back
        nearby.close()

    server = await asyncio.start_server(travel, "127.0.0.1", 0)
    try:
        yield replace(address, host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    finally:
        server.close()


@asynccontextmanager
async def falling_silent(address: ConnectArguments) -> AsyncIterator[tuple[ConnectArguments, asyncio.Event]]:
    """Another address of ``address``; once the event is set nothing arrives any more, as where a machine or a cable is gone."""
    silent, travellers = asyncio.Event(), set[asyncio.Task[None]]()

    async def carry(near: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while piece := await near.read(_PIECE):
                    if silent.is_set():
                        await asyncio.Event().wait()
                    far.write(piece)
                    await far.drain()
        finally:
            far.close()

    async def travel(near: asyncio.StreamReader, nearby: asyncio.StreamWriter) -> None:
        far, afar = await asyncio.open_unix_connection(f"{address.host}/.s.PGSQL.{address.port}")
        travellers.update(map(asyncio.create_task, (carry(near, afar), carry(far, nearby))))

    server = await asyncio.start_server(travel, "127.0.0.1", 0)
    try:
        yield replace(address, host="127.0.0.1", port=server.sockets[0].getsockname()[1]), silent
    finally:
        server.close()
        for traveller in travellers:
            traveller.cancel()
        await asyncio.gather(*travellers, return_exceptions=True)


async def end_connections(admin: "asyncpg.Connection[asyncpg.Record]", since: datetime) -> None:
    """Have PostgreSQL end what the application has opened ``since`` then, and wait until it has."""
    ours = "from pg_stat_activity where usename = 'kesos_app' and datname = current_database() and backend_start > $1"
    await admin.execute(f"select pg_terminate_backend(pid) {ours}", since)
    while await admin.fetchval(f"select count(*) {ours}", since):  # noqa: ASYNC110  (PostgreSQL tells nobody)
        await asyncio.sleep(0.01)


async def _carry_back(far: asyncio.StreamReader, nearby: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await far.read(_PIECE):
            nearby.write(piece)
            await nearby.drain()
