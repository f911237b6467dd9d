"""Uploads on real sockets: what is not read, what is cut off, and who may be slow."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from starlette.routing import Route

from app.authz.authentication import Authenticator
from app.main import create_app
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.web.connections import GuardedConnection
from app.web.uploads import Uploads
from tests.support.client import Caller
from tests.support.sockets import PATIENCE_SECONDS, Live, live_on, until
from tests.uploads.conftest import LARGEST, Kept
from tests.uploads.files import CSV, EXE

TEN_GIGABYTES = 10 * 1024**3
BUFFERS = 16_000_000
"""What the kernel takes from a client before the server has read it."""
LATE = 0.3


@pytest_asyncio.fixture(scope="session")
async def live(upload_settings: Settings, world: DatabaseServer) -> AsyncIterator[Live]:
    async with live_on(upload_settings, create_app(upload_settings, world)) as live:
        yield live


def route_of(live: Live) -> Any:
    return next(route for route in live.app.routes if isinstance(route, Route) and route.path == "/uploads")


def endpoint_of(live: Live) -> Uploads:
    found = route_of(live).app
    assert isinstance(found, Uploads)
    return found


class Client:
    """Sends whatever it likes of a request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def begin(self, token: str, *headers: str, path: str = "/uploads?region=33.02") -> None:
        lines = [f"POST {path} HTTP/1.1", "host: kesos", f"authorization: Bearer {token}", *headers, "", ""]
        await self.send("\r\n".join(lines).encode())

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = await self.reader.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        return int(line.split()[1])

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        status = await self.status()
        headers = {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while line := (await self.reader.readline()).decode().strip():
                name, _, value = line.partition(":")
                headers[name] = value.strip()
            body = await self.reader.readexactly(int(headers["content-length"]))
        return status, headers, json.loads(body)

    async def refusal(self) -> tuple[int, str]:
        status, headers, body = await self.answer()
        assert headers["connection"] == "close"
        return status, body["errors"][0]["extensions"]["code"]

    async def is_hung_up(self) -> bool:
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True

    def vanish(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def connected(live: Live) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize("expects", [(), ("expect: 100-continue",)])
async def test_ten_gigabytes_are_refused_before_any_of_them_is_sent(
    expects: tuple[str, ...], live: Live, clerk: Caller, kept: Kept
) -> None:
    async with connected(live) as client:
        await client.begin(clerk.token, f"content-length: {TEN_GIGABYTES}", *expects)
        assert await client.refusal() == (413, "UPLOAD_TOO_LARGE")
    assert await kept.nothing()


async def test_who_asks_whether_to_send_is_told_to_go_on(live: Live, clerk: Caller, kept: Kept) -> None:
    async with connected(live) as client:
        await client.begin(clerk.token, f"content-length: {len(CSV)}", "expect: 100-continue")
        assert await client.status() == 100
        await client.reader.readline()
        await client.send(CSV)
        status, headers, body = await client.answer()
        assert (status, body["size"], headers.get("connection")) == (201, len(CSV), None)
    assert len(kept.files()) == 1


async def test_a_body_without_end_is_cut_at_the_limit(live: Live, clerk: Caller, kept: Kept) -> None:
    sent, piece = 0, chunk(b"1,SITI\n" * 10_000)
    async with connected(live) as client:
        await client.begin(clerk.token, "transfer-encoding: chunked")
        await client.send(chunk(b"nik,nama\n"))

        async def go_on() -> None:
            nonlocal sent
            while True:
                await client.send(piece)
                sent += len(piece)

        sending = asyncio.create_task(go_on())
        assert await client.refusal() == (413, "UPLOAD_TOO_LARGE")
        assert sent > LARGEST / 2
        await asyncio.wait([sending], timeout=PATIENCE_SECONDS)
        assert isinstance(sending.exception(), ConnectionError)
    assert await kept.nothing()


async def test_a_program_is_refused_at_its_first_bytes(live: Live, clerk: Caller, kept: Kept) -> None:
    async with connected(live) as client:
        await client.begin(clerk.token, f"content-length: {LARGEST}")
        await client.send(EXE.ljust(LARGEST // 2, b"\0"))
        assert await client.refusal() == (415, "UPLOAD_TYPE_UNSUPPORTED")
    assert await kept.nothing()


@pytest.mark.parametrize("part", [b"", CSV, CSV * (LARGEST // 2 // len(CSV))])
async def test_an_upload_that_breaks_off_leaves_nothing(part: bytes, live: Live, clerk: Caller, kept: Kept) -> None:
    async with connected(live) as client:
        await client.begin(clerk.token, f"content-length: {LARGEST}")
        await client.send(part)
        await until(lambda: len(kept.files()) == 1)
        client.vanish()
        await until(lambda: kept.files() == [])
    assert await kept.nothing()


@pytest.fixture
def impatient(live: Live) -> Iterator[None]:
    """What stops coming is given up at once."""
    route, usual = route_of(live), endpoint_of(live)
    route.app = replace(usual, patience=0.1)
    yield
    route.app = usual


@pytest.mark.usefixtures("impatient")
async def test_chunks_that_are_none_leave_nothing(live: Live, clerk: Caller, kept: Kept) -> None:
    async with connected(live) as client:
        await client.begin(clerk.token, "transfer-encoding: chunked")
        await client.send(chunk(CSV) + b"what\r\n")
        await client.reader.readline()
    await until(lambda: kept.files() == [])
    assert await kept.nothing()


@pytest.mark.usefixtures("impatient")
async def test_an_upload_that_stops_coming_is_given_up(live: Live, clerk: Caller, kept: Kept) -> None:
    async with connected(live) as client:
        await client.begin(clerk.token, f"content-length: {LARGEST}")
        await client.send(CSV)
        assert await client.refusal() == (408, "BAD_REQUEST")
    assert await kept.nothing()


async def test_an_upload_may_take_longer_than_other_requests(
    live: Live, clerk: Caller, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedConnection, "arrives_within", LATE)
    async with connected(live) as client:
        await client.begin(clerk.token, f"content-length: {2 * len(CSV)}")
        await client.send(CSV)
        await asyncio.sleep(2 * LATE)
        await client.send(CSV)
        status, _, body = await client.answer()
        assert (status, body["size"]) == (201, 2 * len(CSV))
        await client.begin(clerk.token, "content-type: application/json", "content-length: 100", path="/graphql")
        await client.send(b"{")
        assert await client.is_hung_up()
    assert len(kept.files()) == 1


async def test_who_may_not_upload_may_not_be_slow_either(
    live: Live, clerk: Caller, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedConnection, "arrives_within", LATE)
    async with connected(live) as client:
        await client.begin("nobody", f"content-length: {LARGEST}")
        assert await client.refusal() == (401, "UNAUTHENTICATED")
        assert await client.is_hung_up()

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Authenticator, "authenticate", never)
    monkeypatch.setattr(Authenticator, "remembered", lambda *_: None)
    async with connected(live) as client:
        await client.begin(clerk.token, f"content-length: {LARGEST}")
        await client.send(CSV)
        assert await client.is_hung_up()
    assert await kept.nothing()


async def test_a_connection_serves_the_next_request_after_an_upload(live: Live, clerk: Caller, kept: Kept) -> None:
    async with connected(live) as client:
        for _ in range(2):
            await client.begin(clerk.token, f"content-length: {len(CSV)}")
            await client.send(CSV)
            assert (await client.answer())[0] == 201
        await client.begin(clerk.token, f"content-length: {len(EXE)}")
        await client.send(EXE)
        status, headers, _ = await client.answer()
        assert (status, headers.get("connection")) == (415, None)
        await client.begin(clerk.token, f"content-length: {len(CSV)}")
        await client.send(CSV)
        assert (await client.answer())[0] == 201
    assert len(kept.files()) == 3
