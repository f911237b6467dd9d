"""The API behind a real socket in the event loop of the tests, where a test sees what the server keeps; and clients of it."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import httpx2
import orjson
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.authz.authorize import NotPermitted
from app.authz.permissions import Permission
from app.cli.serving import _configuration
from app.schema.subscriptions import Subscription
from app.settings import Settings
from app.web.streams import Streams
from app.web.websocket import WebSocketEndpoint

Json = dict[str, Any]
PATIENCE_SECONDS = 20.0
SUBPROTOCOL = "graphql-transport-ws"
BIG = 200_000


class Sources:
    """What the subscriptions of the tests listen to: how many do now."""

    open: ClassVar[int] = 0

    @classmethod
    @asynccontextmanager
    async def listening(cls) -> AsyncIterator[None]:
        cls.open += 1
        try:
            yield
        finally:
            cls.open -= 1


def refuse() -> None:
    raise NotPermitted(Permission.REGISTRY_NIK_REVEAL)


@strawberry.type
class Listening(Subscription):
    """What Kesos tells, and what tests need to hear besides."""

    @strawberry.subscription
    async def silence(self) -> AsyncGenerator[int, None]:
        """Yields once and then never again."""
        async with Sources.listening():
            yield 0
            await asyncio.Event().wait()

    @strawberry.subscription
    async def few(self) -> AsyncGenerator[int, None]:
        for number in range(3):
            yield number

    @strawberry.subscription
    async def flood(self) -> AsyncGenerator[str, None]:
        """Yields large values as fast as somebody takes them."""
        async with Sources.listening():
            while True:
                yield "x" * BIG

    @strawberry.subscription
    async def broken(self) -> AsyncGenerator[int, None]:
        yield 0
        raise RuntimeError("3302010101010001 must not be told")

    @strawberry.subscription
    async def forbidden(self) -> AsyncGenerator[int, None]:
        refuse()
        yield 0


@dataclass(frozen=True, slots=True)
class Live:
    """A server that answers."""

    app: Starlette
    port: int
    uvicorn: uvicorn.Server
    task: asyncio.Task[None]

    async def stopped(self) -> None:
        """Wait until the server has come to its end."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.shield(self.task)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> WebSocketEndpoint:
        found = self._route.app
        assert isinstance(found, WebSocketEndpoint)
        return found

    @property
    def _route(self) -> WebSocketRoute:
        return next(route for route in self.app.routes if isinstance(route, WebSocketRoute))

    @property
    def streams(self) -> Streams:
        return self.endpoint.streams

    @contextmanager
    def serving(self, **changes: Any) -> Iterator[None]:
        """Serve connections by an endpoint with ``changes`` for a while."""
        usual = self.endpoint
        self._route.app = replace(usual, **changes)
        try:
            yield
        finally:
            self._route.app = usual

    def allowing(self, **limits: Any) -> AbstractContextManager[None]:
        """Serve connections under other limits for a while."""
        return self.serving(limits=replace(self.endpoint.limits, **limits))

    @asynccontextmanager
    async def socket(
        self, *, subprotocols: Sequence[str] = (SUBPROTOCOL,), headers: dict[str, str] | None = None, **options: Any
    ) -> AsyncIterator["Socket"]:
        """A WebSocket that is open; handshakes that are refused raise ``InvalidStatus``."""
        async with connect(
            f"ws://127.0.0.1:{self.port}/graphql",
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            additional_headers=headers,
            max_size=None,
            proxy=None,
            compression=None,
            close_timeout=1,
            **options,
        ) as connection:
            yield Socket(connection)

    @asynccontextmanager
    async def begun(self, token: str, **options: Any) -> AsyncIterator["Socket"]:
        """A connection that is acknowledged."""
        async with self.socket(**options) as opened:
            await opened.begin(token)
            yield opened

    @asynccontextmanager
    async def events(self, token: str | None, document: str, **headers: str) -> AsyncIterator["EventReader"]:
        """The answer to ``document`` as server-sent events."""
        async with httpx2.AsyncClient(base_url=self.address, trust_env=False, timeout=PATIENCE_SECONDS) as http:
            sent = {"accept": "text/event-stream", **headers}
            if token is not None:
                sent["authorization"] = f"Bearer {token}"
            async with http.stream("POST", "/graphql", json={"query": document}, headers=sent) as response:
                yield EventReader(response)


class Socket:
    """A client of graphql-transport-ws that does what it is told, allowed or not."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: str | bytes) -> None:
        await self.connection.send(message)

    async def say(self, kind: str, **members: Any) -> None:
        await self.send(orjson.dumps({"type": kind, **members}).decode())

    async def hear(self) -> Json:
        """The next message."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            message: Json = orjson.loads(await self.connection.recv())
        return message

    async def begin(self, token: str) -> None:
        await self.say("connection_init", payload={"Authorization": f"Bearer {token}"})
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, key: str, document: str, **members: Any) -> None:
        await self.say("subscribe", id=key, payload={"query": document, **members})

    async def listen(self, key: str, document: str, **members: Any) -> Json:
        """Subscribe; the data of the first answer."""
        await self.subscribe(key, document, **members)
        answer = await self.hear()
        assert (answer["type"], answer["id"]) == ("next", key), answer
        assert "errors" not in answer["payload"], answer
        data: Json = answer["payload"]["data"]
        return data

    async def end(self) -> tuple[int, str]:
        """Wait until the server closes the connection, whatever it says before; the code and the reason."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                while True:
                    await self.connection.recv()
            except ConnectionClosed:
                pass
        closed = self.connection.protocol.close_rcvd
        assert closed is not None, "the connection was cut without a word"
        return closed.code, closed.reason


class EventReader:
    """Reads server-sent events."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def data(self) -> Json:
        """The data of the next answer, which has no errors."""
        event = await self.next()
        assert event is not None
        name, answer = event
        assert name == "next"
        assert answer is not None
        assert "errors" not in answer, answer
        data: Json = answer["data"]
        return data

    async def codes(self) -> list[str]:
        """The codes of the errors of the next answer."""
        event = await self.next()
        assert event is not None
        name, answer = event
        assert name == "next"
        assert answer is not None
        return [entry["extensions"]["code"] for entry in answer["errors"]]

    async def comment(self) -> str:
        """The next line, which is a comment, and the empty one after it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            line, empty = await anext(self._lines), await anext(self._lines)
        assert empty == ""
        return line

    async def next(self) -> tuple[str, Json | None] | None:
        """Name and data of the next event; None at the end of the stream."""
        name, data = "", ""
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in self._lines:
                field, _, value = line.partition(":")
                if field == "event":
                    name = value.strip()
                elif field == "data":
                    data += value.strip()
                elif not line and name:
                    return name, orjson.loads(data) if data else None
        return None


@asynccontextmanager
async def live_on(settings: Settings, app: Starlette) -> AsyncIterator[Live]:
    """Serve ``app`` on a free port of this machine, as ``kesos serve`` does."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = _configuration(settings, app)
        http, port = uvicorn.Server(config), taken.getsockname()[1]
        task = asyncio.create_task(http.serve(sockets=[taken]))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not http.started:
                assert not task.done(), task
                await asyncio.sleep(0.01)
        try:
            yield Live(app, port, http, task)
        finally:
            http.should_exit = True
            await task


async def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition()`` holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  (what is waited for tells nobody when it happens)
            await asyncio.sleep(0.005)
