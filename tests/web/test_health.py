"""Whether the process lives, whether it may be sent requests, and how much of that a stranger learns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx2
import pytest
from starlette.applications import Starlette

from app.settings import Settings
from app.tenants.server import ConnectArguments, DatabaseServer
from app.tenants.session import Database
from app.web import health
from app.web.health import Readiness, Stopping, operator_routes
from app.web.metrics import Metrics
from tests.support.client import ApiClient
from tests.support.statements import Statements
from tests.support.world import connected, drop, named

if TYPE_CHECKING:
    import asyncpg


@asynccontextmanager
async def asked(
    settings: Settings, readiness: Readiness, address: str = "127.0.0.1"
) -> AsyncIterator[httpx2.AsyncClient]:
    """Ask about ``readiness`` from ``address``."""
    app = Starlette(routes=operator_routes(settings, readiness, Metrics()))
    transport = httpx2.ASGITransport(app=app, client=(address, 12345))
    async with httpx2.AsyncClient(transport=transport, base_url="http://kesos") as http:
        yield http


@asynccontextmanager
async def pool_on(address: ConnectArguments, *, size: int = 1) -> AsyncIterator[Database]:
    database = Database(address, read_pool_size=size, write_pool_size=1)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_application_is_live_and_ready(api_client: ApiClient, path: str, method: str) -> None:
    answer = await api_client.http.request(method, path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert bool(answer.content) == (method == "GET")


async def test_a_process_lives_whatever_its_database_does(settings: Settings, server: DatabaseServer) -> None:
    unopened = Database(server.app, read_pool_size=1, write_pool_size=1)
    async with asked(settings, Readiness(unopened)) as http:
        assert (await http.get("/health/live")).json() == {"status": "live"}


async def test_without_its_regions_it_is_not_ready(settings: Settings, server: DatabaseServer) -> None:
    empty = named(server, "empty")
    async with connected(replace(server, admin=replace(server.admin, database="postgres"))) as owner:
        await owner.execute(f"create database {empty.admin.database}")
    try:
        async with connected(empty) as owner:
            await owner.execute("create table region (); grant select on region to public")
        async with pool_on(empty.app) as database, asked(settings, Readiness(database)) as http:
            answer = await http.get("/health/ready")
        assert (answer.status_code, answer.json()["failing"]) == (503, ["regions"])
    finally:
        await drop(empty)


async def test_when_the_database_is_gone_it_is_not_ready_and_afterwards_it_is_again(
    settings: Settings, world: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "REMEMBERED_SECONDS", 0.0)
    monkeypatch.setattr(health, "ANSWER_SECONDS", 0.1)
    async with pool_on(world.app) as database, asked(settings, Readiness(database)) as http, connected(world) as owner:
        assert (await http.get("/health/ready")).status_code == 200
        async with owner.transaction():
            # Nobody can read it now, which looks to the application like a database that has stopped answering.
            await owner.execute("lock table region in access exclusive mode")
            answer = await http.get("/health/ready")
            assert (answer.status_code, answer.json()["failing"]) == (503, ["database"])
        assert (await http.get("/health/ready")).status_code == 200


async def test_what_is_registered_beside_the_database_counts(settings: Settings, world_database: Database) -> None:
    async with asked(settings, Readiness(world_database, {"listener": lambda: False})) as http:
        answer = await http.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable", "failing": ["listener"]})


async def test_a_process_that_stops_is_not_ready_from_then_on(settings: Settings, world_database: Database) -> None:
    stopping = Stopping()
    async with asked(settings, Readiness(world_database, stopping=stopping)) as http:
        assert (await http.get("/health/ready")).status_code == 200
        stopping.has_begun = True
        answer = await http.get("/health/ready")
        assert (answer.status_code, answer.json()["failing"]) == (503, ["stopping"])
        assert (await http.get("/health/live")).status_code == 200


async def test_a_stranger_learns_that_and_not_why(settings: Settings, world_database: Database) -> None:
    failing = Readiness(world_database, {"listener": lambda: False})
    async with asked(settings, failing, "192.0.2.7") as http:
        assert (await http.get("/health/ready")).json() == {"status": "unavailable"}
        assert (await http.post("/health/ready")).status_code == 405


async def test_however_many_ask_the_database_is_asked_once_in_a_while(
    settings: Settings,
    world_database: Database,
    owner: "asyncpg.Connection[asyncpg.Record]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statements = Statements(owner)
    if not await statements.watch():
        pytest.skip("this server was not started with pg_stat_statements")
    monkeypatch.setattr(health, "REMEMBERED_SECONDS", 3_600.0)
    await statements.forget()
    async with asked(settings, Readiness(world_database)) as http:
        answers = await asyncio.gather(*(http.get("/health/ready") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert await statements.calls() == 1
