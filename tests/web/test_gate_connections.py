"""Connections as uvicorn has them, before there is a request: on a real socket, with clients that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from app.web import connections
from app.web.connections import MOST_HEAD_BYTES, MOST_PIPELINED, GuardedConnection

GET = b"GET / HTTP/1.1\r\nhost: kesos\r\n\r\n"
LATE = 0.15
ANSWER_BYTES = 64_000_000


class Impatient(GuardedConnection):
    """A connection whose patience is short enough to be tried."""

    arrives_within = LATE
    read_within = LATE
    held_for = LATE


async def _echo(request: Request) -> Response:
    return PlainTextResponse(f"{len(await request.body())}")


async def _much(_request: Request) -> Response:
    return Response(bytes(ANSWER_BYTES))


async def _some(_request: Request) -> Response:
    return Response(bytes(ANSWER_BYTES // 8))


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


class Peer:
    """A client that sends whatever bytes it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        """The status of the next answer, whose body is read too."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        await self.reader.readexactly(length)
        return int(head.split(b" ")[1])

    async def send_on(self, part: bytes, *, times: int, every: float) -> None:
        """Send ``part`` again and again, every so many seconds."""
        for _ in range(times):
            await self.send(part)
            await asyncio.sleep(every)

    async def is_closed(self) -> bool:
        """Whether the server ends the connection, having sent nothing more."""
        try:
            async with asyncio.timeout(5):
                return await self.reader.read() == b""
        except ConnectionError:
            return True


Connect = Callable[[], Awaitable[Peer]]


@asynccontextmanager
async def serving(protocol: type[GuardedConnection], **options: Any) -> AsyncIterator[uvicorn.Server]:
    app = Starlette(
        routes=[
            Route("/", _echo, methods=["GET", "POST"]),
            Route("/much", _much),
            Route("/some", _some),
            WebSocketRoute("/socket", _socket),
        ]
    )
    named: dict[str, Any] = {"forwarded_allow_ips": [], "ws": "websockets-sansio", **options}
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, http=protocol, log_config=None, access_log=False, lifespan="off", **named)
    )
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
            assert not task.done()
        yield server
    finally:
        server.should_exit = True
        await task


async def until_none_is_open(protocol: type[GuardedConnection]) -> None:
    async with asyncio.timeout(10):
        while protocol.open:  # noqa: ASYNC110  (a connection that ends tells nobody)
            await asyncio.sleep(0.01)


def port_of(server: uvicorn.Server) -> int:
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


@asynccontextmanager
async def peers(protocol: type[GuardedConnection] = Impatient, **options: Any) -> AsyncIterator[Connect]:
    opened: list[Peer] = []
    async with serving(protocol, **options) as server:

        async def connect() -> Peer:
            opened.append(Peer(*await asyncio.open_connection("127.0.0.1", port_of(server))))
            return opened[-1]

        try:
            yield connect
        finally:
            for peer in opened:
                peer.writer.transport.abort()
            await until_none_is_open(protocol)


async def test_a_connection_is_kept_for_one_request_after_the_other() -> None:
    async with peers() as connect:
        peer = await connect()
        for _ in range(3):
            await peer.send(GET)
            assert await peer.status() == 200
            await asyncio.sleep(LATE * 1.2)  # between requests it may wait for longer than a request may take to come


@pytest.mark.parametrize("before", [b"", GET], ids=["at first", "after a request"])
async def test_empty_lines_are_no_request_and_win_no_time(before: bytes) -> None:
    async with peers() as connect:
        peer = await connect()
        if before:
            await peer.send(before)
            assert await peer.status() == 200
        await peer.send(b"\r\n")
        assert await peer.is_closed()


@pytest.mark.parametrize(
    "sent",
    [b"", b"G", b"GET / HTTP/1.1\r\nhost: kesos\r\n", b"POST / HTTP/1.1\r\nhost: k\r\ncontent-length: 9\r\n\r\n{"],
    ids=["nothing", "a letter", "half of a head", "half of a body"],
)
async def test_a_request_that_does_not_come_ends_its_connection(sent: bytes) -> None:
    async with peers() as connect:
        peer = await connect()
        await peer.send(sent)
        assert await peer.is_closed()


async def test_a_request_that_trickles_in_is_given_no_more_time_for_each_byte() -> None:
    async with peers() as connect:
        peer = await connect()
        await peer.send(GET)
        assert await peer.status() == 200
        await peer.send(b"GET / HTTP/1.1\r\nx: ")
        with pytest.raises(ConnectionError):
            await peer.send_on(b"y", times=200, every=LATE / 20)


async def test_a_head_without_end_ends_its_connection() -> None:
    async with peers(GuardedConnection) as connect:
        peer = await connect()
        await peer.send(b"GET / HTTP/1.1\r\nhost: kesos\r\n")
        with pytest.raises(ConnectionError):
            await peer.send_on(b"x: %b\r\n" % (b"y" * 1_000), times=1_000, every=0)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nhost: kesos\r\naccept-language: %b\r\n\r\n" % (b"en," * (MOST_HEAD_BYTES // 3)),
        b"GET /?%b HTTP/1.1\r\nhost: kesos\r\n\r\n" % (b"x" * MOST_HEAD_BYTES),
        GET + b"GET / HTTP/1.1\r\nhost: kesos\r\nx: %b\r\n\r\n" % (b"y" * MOST_HEAD_BYTES),
    ],
    ids=["a header", "a URL", "of a second request"],
)
async def test_a_large_head_is_refused_and_nothing_looks_at_it(head: bytes) -> None:
    async with peers(GuardedConnection) as connect:
        peer = await connect()
        await peer.send(head)
        if head.startswith(GET):
            assert await peer.status() == 200
        assert await peer.status() == 431
        assert await peer.is_closed()


async def test_a_large_body_is_no_large_head() -> None:
    body = b"x" * (MOST_HEAD_BYTES * 3)
    async with peers(GuardedConnection) as connect:
        peer = await connect()
        await peer.send(b"POST / HTTP/1.1\r\nhost: kesos\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        assert await peer.status() == 200


async def test_a_few_requests_may_be_sent_ahead_and_not_many() -> None:
    async with peers() as connect:
        modest, greedy = await connect(), await connect()
        await modest.send(GET * MOST_PIPELINED)
        assert [await modest.status() for _ in range(MOST_PIPELINED)] == [200] * MOST_PIPELINED
        await greedy.send(GET * 5_000)
        answers = (await greedy.reader.read()).count(b"HTTP/1.1 200")
        assert answers <= MOST_PIPELINED + 1


async def test_what_is_no_http_is_answered_late() -> None:
    async with peers() as connect:
        peer = await connect()
        await peer.send(b"\x16\x03\x01 nonsense\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(LATE / 2):
                await peer.reader.readexactly(1)
        assert await peer.status() == 400
        assert await peer.is_closed()


async def test_an_answer_that_is_not_read_ends_its_connection() -> None:
    async with peers() as connect:
        peer = await connect()
        await peer.send(GET.replace(b"/ ", b"/much ", 1))
        await until_none_is_open(Impatient)  # the client reads nothing; the server alone can end it


class Patient(GuardedConnection):
    """A connection that gives a client time to read, and no more than a test can wait for."""

    read_within = 1.0


async def test_an_answer_that_is_read_in_time_arrives_whole_and_its_connection_is_kept() -> None:
    async with peers(Patient) as connect:
        peer = await connect()
        await peer.send(GET.replace(b"/ ", b"/some ", 1))
        assert await peer.status() == 200
        await asyncio.sleep(Patient.read_within * 1.1)
        await peer.send(GET)
        assert await peer.status() == 200


async def test_an_address_has_only_so_many_connections_unless_it_is_a_trusted_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "MOST_OF_ADDRESS", 2)
    async with peers(GuardedConnection) as connect:
        first, second = await connect(), await connect()
        for peer in (first, second):
            await peer.send(GET)
            assert await peer.status() == 200
        assert await (await connect()).is_closed()
        first.writer.close()
        await first.writer.wait_closed()
        await asyncio.sleep(0.05)
        third = await connect()
        await third.send(GET)
        assert await third.status() == 200
    async with peers(GuardedConnection, forwarded_allow_ips=["127.0.0.0/8"]) as connect:
        for _ in range(3):
            peer = await connect()
            await peer.send(GET)
            assert await peer.status() == 200


async def test_a_websocket_goes_on_as_long_as_it_likes_and_is_counted_until_it_ends() -> None:
    async with (
        serving(Impatient) as server,
        websockets.connect(f"ws://127.0.0.1:{port_of(server)}/socket") as websocket,
    ):
        assert Impatient.open["127.0.0.1"] == 1
        await asyncio.sleep(LATE * 2)
        await websocket.send("still there")
        assert await websocket.recv() == "still there"
        await websocket.close()
        await until_none_is_open(Impatient)
