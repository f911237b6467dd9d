"""A database whose machine vanishes without a word holds nobody for ever: who waits for it is told, and may ask again."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import asyncpg
import pytest
import sqlalchemy as sa

from app.authz.authorize import authorize, operator_access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.tenants import session
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import SCOPE_CALL, Database, open_loader
from tests.support.road import falling_silent

SCOPE: Final = authorize(operator_access(RegionPath.country(), load_role_matrix()), Permission.JOBS_JOB_READ)
STATEMENT: Final = f"with scope as materialized (select {SCOPE_CALL}) select 1 from scope"  # noqa: S608  (a constant)
STATEMENT_SECONDS: Final = 0.3
SILENCE_SECONDS: Final = 0.3
# Whoever waited for ever would wait for longer.
PATIENCE_SECONDS: Final = 60


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_SILENCE_SECONDS", SILENCE_SECONDS)
    monkeypatch.setattr(session, "_CLOSE_SECONDS", SILENCE_SECONDS)


async def written(database: Database) -> None:
    async with database.write(SCOPE) as writing:
        await writing.execute(sa.text("select 1"))


WAYS: Final[dict[str, Callable[[Database], Awaitable[object]]]] = {
    "a read": lambda database: database.read_once(SCOPE, STATEMENT, ()),
    "a reference": lambda database: database.reference("select 1"),
    "a function that writes": lambda database: database.write_once(SCOPE, STATEMENT, ()),
    "a transaction": written,
    "an event": lambda database: database.append("select 1"),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_request_waits_a_little_longer_than_a_statement_may_take(
    server: DatabaseServer, way: Callable[[Database], Awaitable[object]]
) -> None:
    async with falling_silent(server.app) as (address, silent):
        database = Database(address, read_pool_size=1, write_pool_size=1, statement_seconds=STATEMENT_SECONDS)
        await database.open()
        await way(database)
        silent.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises((TimeoutError, asyncpg.InterfaceError, ConnectionError)):
                await way(database)
            await database.close()


async def test_a_job_that_is_let_go_of_does_not_wait_for_its_connection_to_be_closed(server: DatabaseServer) -> None:
    async with falling_silent(server.loader) as (address, silent):

        async def load() -> None:
            async with open_loader(replace(server, admin=address)) as connection:
                silent.set()
                await connection.fetch("select 2")

        loading = asyncio.create_task(load())
        await silent.wait()
        loading.cancel()
        done, _ = await asyncio.wait({loading}, timeout=PATIENCE_SECONDS)
        assert done
        assert loading.cancelled()


async def test_the_other_side_of_a_connection_without_an_answer_is_asked_whether_it_is_there(
    server: DatabaseServer,
) -> None:
    async with falling_silent(server.app) as (address, _):
        connection = await address.connect()
        line = connection._transport.get_extra_info("socket")
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3
        connection.terminate()
