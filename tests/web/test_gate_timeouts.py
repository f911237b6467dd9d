"""A request that is given up leaves nothing behind: its statement ends on the server, and its connection and its place are free."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from app.web.gate import Gate
from tests.support.world import connected

NOBODY = TenantScope.of([])
SLEEPING = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep(6%' and pid <> $1"
NO_TIME = 0.1


async def none_sleeps(server: DatabaseServer) -> None:
    """Wait until no statement sleeps any more, as the server tells; it is told to stop, and does so in its own time."""
    async with connected(server) as owner, asyncio.timeout(10):
        own = await owner.fetchval("select pg_backend_pid()")
        while await owner.fetchval(SLEEPING, own):  # noqa: ASYNC110  (the server tells only who asks)
            await asyncio.sleep(0.02)


async def read_once(database: Database) -> Any:
    return await database.reference("select pg_sleep(60)")


async def read(database: Database) -> Any:
    async with database.read(NOBODY) as session:
        return await session.row("select pg_sleep(61)")


async def write(database: Database) -> Any:
    async with database.write(NOBODY) as session:
        return await session.execute(text("select pg_sleep(62)"))


@pytest.mark.parametrize("work", [read_once, read, write])
async def test_a_statement_that_is_given_up_ends_and_its_connection_serves_the_next(
    database: Database, server: DatabaseServer, work: Any
) -> None:
    gate = Gate(4)

    async def request() -> None:
        async with asyncio.timeout(NO_TIME), gate.enter("a"):
            await work(database)

    # More than there are connections and places: those that are lost would be missed.
    ends = await asyncio.gather(*(request() for _ in range(12)), return_exceptions=True)
    assert {type(end) for end in ends} == {TimeoutError}
    await none_sleeps(server)

    async def quick() -> int:
        async with asyncio.timeout(10), gate.enter("a"):
            async with database.write(NOBODY) as session:
                written: int = (await session.execute(text("select 20"))).scalar_one()
            return written + int((await database.reference("select 22"))[0][0])

    assert await asyncio.gather(*(quick() for _ in range(12))) == [42] * 12
