"""SIGTERM: not ready at once, then no new connection, and whoever was being answered is answered."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect

from app.authz.development import issue_token
from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import enrol
from tests.support.process import Served, kesos_serve, until
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

QUERY = "{ families(first: 3) { nodes { headName } } }"
GOING_AWAY = 1001


@pytest.fixture
async def token(settings: Settings, world: DatabaseServer) -> str:
    return issue_token(settings, await enrol(world, (Role.REGENCY_ADMIN, BANYUMAS.code)))


@pytest.fixture(params=[(), ("--workers", "2")], ids=["one process", "two processes"])
def served(request: pytest.FixtureRequest, settings: Settings, world: DatabaseServer, tmp_path: Path) -> Iterator[Served]:
    with kesos_serve(settings, world, tmp_path, *request.param) as served:
        yield served


@pytest.fixture
async def http(served: Served, token: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=served.address, headers=headers, trust_env=False, timeout=30) as client:
        yield client


@asynccontextmanager
async def answer_withheld(
    http: httpx.AsyncClient, owner: "asyncpg.Connection[asyncpg.Record]"
) -> "AsyncIterator[asyncio.Task[httpx.Response]]":
    """A request whose statement waits for a lock as long as the context is open."""
    async with owner.transaction():
        await owner.execute("lock table family in access exclusive mode")
        asked = asyncio.create_task(http.post("/graphql", json={"query": QUERY}))
        while not await owner.fetchval("select exists (select from pg_locks where not granted)"):  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.02)
        yield asked


def accepts(address: str) -> bool:
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=5).close()
    except OSError:
        return False
    return True


def is_ready(address: str) -> bool:
    return httpx.get(f"{address}/health/ready", trust_env=False).status_code == 200


async def test_a_request_in_flight_is_answered_and_a_new_one_is_refused(
    served: Served, http: httpx.AsyncClient, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async with answer_withheld(http, owner) as asked:
        served.signal(signal.SIGTERM)
        # First it is not ready, while it still answers; then it takes no connection any more.
        await asyncio.to_thread(until, lambda: not is_ready(served.address), "it is still ready")
        await asyncio.to_thread(until, lambda: not accepts(served.address), "it still accepts connections")
        assert not asked.done()
    answer = await asked
    assert len(answer.json()["data"]["families"]["nodes"]) == 3
    assert await asyncio.to_thread(served.wait) in {0, 1, 130, 143}
    events = [line["event"] for line in served.lines]
    assert events[-1] == "stopped"
    assert [line for line in served.lines if line["level"] in {"error", "critical"}] == []


async def test_ctrl_c_stops_at_once(served: Served) -> None:
    served.signal(signal.SIGINT)
    await asyncio.to_thread(served.wait)
    assert served.lines[-1]["event"] == "stopped"
    assert served.events("stopping") == []


async def test_websockets_are_told_that_the_server_goes_away(served: Served, token: str) -> None:
    address = served.address.replace("http://", "ws://")
    async with connect(f"{address}/graphql", subprotocols=["graphql-transport-ws"], proxy=None) as websocket:  # type: ignore[list-item]  # a NewType of str
        await websocket.send(f'{{"type": "connection_init", "payload": {{"authorization": "Bearer {token}"}}}}')
        assert "connection_ack" in str(await websocket.recv())
        served.signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await websocket.wait_closed()
        assert websocket.close_code == GOING_AWAY
    await asyncio.to_thread(served.wait)
