"""SIGTERM: not ready at once, then no new connection, and whoever was being answered is answered."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from app.authz.development import issue_token
from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import enrol
from tests.support.process import kesos_serve
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.long

QUERY = "{ families(first: 3) { nodes { headName } } }"
GOING_AWAY = 1001
SUBPROTOCOL = Subprotocol("graphql-transport-ws")


@pytest.fixture
async def token(settings: Settings, world: DatabaseServer) -> str:
    return issue_token(settings, await enrol(world, (Role.REGENCY_ADMIN, BANYUMAS.code)))


@asynccontextmanager
async def answer_withheld(
    http: httpx2.AsyncClient, owner: "asyncpg.Connection[asyncpg.Record]"
) -> "AsyncIterator[asyncio.Task[httpx2.Response]]":
    """A request whose statement waits for a lock as long as the context is open."""
    async with owner.transaction():
        await owner.execute("lock table family in access exclusive mode")
        asked = asyncio.create_task(http.post("/graphql", json={"query": QUERY}))
        while not await owner.fetchval("select exists (select from pg_locks where not granted)"):
            assert not asked.done(), asked
            await asyncio.sleep(0.02)
        yield asked


def accepts(address: str) -> bool:
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=5).close()
    except OSError:
        return False
    return True


def readiness_until_refused(address: str) -> list[int]:
    """What /health/ready answers, again and again, until nobody answers any more."""
    statuses = []
    while True:
        try:
            statuses.append(httpx2.get(f"{address}/health/ready", trust_env=False).status_code)
        except httpx2.TransportError:
            return statuses


@pytest.mark.parametrize("arguments", [(), ("--workers", "2")], ids=["one process", "two processes"])
async def test_who_is_being_answered_is_answered_and_everybody_else_is_sent_away(
    *,
    settings: Settings,
    world: DatabaseServer,
    owner: "asyncpg.Connection[asyncpg.Record]",
    tmp_path: Path,
    token: str,
    arguments: tuple[str, ...],
) -> None:
    headers = {"authorization": f"Bearer {token}"}
    with kesos_serve(settings, world, tmp_path, *arguments) as served:
        address = served.address
        async with (
            httpx2.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=60) as http,
            connect(f"{address.replace('http', 'ws', 1)}/graphql", subprotocols=[SUBPROTOCOL], proxy=None) as websocket,
        ):
            await websocket.send(f'{{"type": "connection_init", "payload": {{"authorization": "Bearer {token}"}}}}')
            assert "connection_ack" in str(await websocket.recv())
            async with answer_withheld(http, owner) as asked:
                served.signal(signal.SIGTERM)
                # First it is not ready while it still answers; then it takes no connection any more.
                assert 503 in await asyncio.to_thread(readiness_until_refused, address)
                assert not accepts(address)
                assert not asked.done()
            assert len((await asked).json()["data"]["families"]["nodes"]) == 3
            await websocket.wait_closed()
            assert websocket.close_code == GOING_AWAY
        await asyncio.to_thread(served.wait)
        assert served.lines[-1]["event"] == "stopped"
        assert [line for line in served.lines if line["level"] in {"error", "critical"}] == []
