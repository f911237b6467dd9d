"""What a connection may do before there is a request: how many an address opens, how long a request takes to arrive, how big its head is.

uvicorn bounds none of these: a connection that sends nothing, a byte a minute, headers without end or a thousand requests at once is
served for as long as it likes. ``GuardedConnection`` is given to ``uvicorn.Config(http=...)``; connections of the proxies that
``forwarded_allow_ips`` names are not counted, because everybody comes through them.
"""

import asyncio
from asyncio.events import TimerHandle
from collections import Counter
from http import HTTPStatus
from typing import Any, ClassVar, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.web.headers import folded, is_one_of
from app.web.streams import STATE_NAME, Streams

MOST_OF_ADDRESS: Final = 512
MOST_PIPELINED: Final = 8
MOST_HEAD_BYTES: Final = 32_768
LONG_BODY: Final = "kesos.long_body"
"""The extension of the scope with which ``expect_long_body`` reaches the connection."""
_ARRIVES_WITHIN: Final = 20.0
_READ_WITHIN: Final = 60.0
_HELD_FOR: Final = 1.0


async def _refuse_head(scope: Scope, receive: Receive, send: Send) -> None:
    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    await Response(status_code=status, headers={"connection": "close"})(scope, receive, send)


def expect_long_body(scope: Scope) -> None:
    """Say that the caller reads the body of ``scope`` at a pace of its own, and sees to it that it comes."""
    allow = scope.get("extensions", {}).get(LONG_BODY)
    if allow is not None:
        allow(scope)


class PipelineTooLong(Exception):
    """A client sends one request after the other and waits for no answer."""


class GuardedConnection(HttpToolsProtocol):
    """uvicorn's connection, with bounds; seconds and bytes are those of one request."""

    open: ClassVar[Counter[str]] = Counter()
    """How many connections each address has in this process."""
    arrives_within: ClassVar[float] = _ARRIVES_WITHIN
    read_within: ClassVar[float] = _READ_WITHIN
    held_for: ClassVar[float] = _HELD_FOR

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._address: str | None = None
        self._is_arriving = self._is_head = self._is_long = False
        self._chunk = self._arrived = 0
        self._arrival: TimerHandle | None = None
        self._reading: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Count the connection, and end it where its address has too many."""
        super().connection_made(transport)
        host = self.client[0] if self.client else None
        if host is not None and not is_one_of(host, tuple(self.config.forwarded_allow_ips)):
            self._address = folded(host)
            self.open[self._address] += 1
            if self.open[self._address] > MOST_OF_ADDRESS:
                transport.abort()
                return
        self._arrival = self.loop.call_later(self.arrives_within, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        for timer in (self._arrival, self._reading):
            if timer is not None:
                timer.cancel()
        if self._address is not None:
            self.open[self._address] -= 1
            if not self.open[self._address]:
                del self.open[self._address]
            self._address = None

    def data_received(self, data: bytes) -> None:
        """Take what has come. What is not a whole request yet has some time to become one."""
        self._chunk = len(data)
        if self._is_arriving:
            self._arrived += self._chunk
        super().data_received(data)
        if self._is_arriving:
            if self._is_head and self._arrived > MOST_HEAD_BYTES:
                self.transport.abort()
            elif self._arrival is None and not (self._is_long and self._is_engaged):
                self._arrival = self.loop.call_later(self.arrives_within, self.transport.abort)
        elif self._is_engaged:
            if self._arrival is not None:
                self._arrival.cancel()
                self._arrival = None
        elif self._arrival is None:
            # Empty lines are no request, and end the wait for the next one that uvicorn limits.
            self._arrival = self.loop.call_later(self.arrives_within, self.transport.abort)

    @property
    def _is_engaged(self) -> bool:
        """Whether a request is being answered, or the connection is a WebSocket by now."""
        if self.transport.get_protocol() is not self:
            return True
        return self.cycle is not None and not self.cycle.response_complete

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_arriving = self._is_head = True
        self._is_long = False
        # Where several requests came in one piece, this is more than what belongs to this one; then its head is measured.
        self._arrived = self._chunk
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head. One that follows the body is passed over: it would be taken for one of the head, and they have no end."""
        if self._is_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head of a request is there.

        Raises:
            PipelineTooLong: too many requests wait for the one before them; uvicorn answers 400.
        """
        self._is_head = False
        if len(self.pipeline) >= MOST_PIPELINED:
            raise PipelineTooLong
        if self._arrived > MOST_HEAD_BYTES:
            head = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if head > MOST_HEAD_BYTES:
                self.app = _refuse_head
        scope: Any = self.scope
        scope["extensions"] = {LONG_BODY: self._expect_long_body}
        super().on_headers_complete()

    def _expect_long_body(self, scope: Scope) -> None:
        """Let the body of the request ``scope`` take its time for as long as the request is being answered."""
        if self.scope is not scope or not self._is_arriving:
            return
        self._is_long = True
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def on_message_complete(self) -> None:
        """The whole request is there."""
        self._is_arriving = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Tell later that this is no HTTP: who sends it again at once would otherwise be answered at once."""
        self.flow.pause_reading()
        if self._arrival is not None:
            self._arrival.cancel()
        self._arrival = self.loop.call_later(self.held_for, self._refuse_garbage, msg)

    def _refuse_garbage(self, msg: str) -> None:
        super().send_400_response(msg)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered; it has some time to catch up."""
        super().pause_writing()
        if self._reading is None:
            self._reading = self.loop.call_later(self.read_within, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def shutdown(self) -> None:
        """The server stops: streams of events end; what else is under way is finished."""
        streams: Streams | None = self.app_state.get(STATE_NAME)
        if streams is not None:
            streams.stop()
        super().shutdown()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to the WebSocket protocol, and go on counting it until it ends."""
        super().handle_websocket_upgrade()
        self._is_arriving = False
        successor: Any = self.transport.get_protocol()
        if successor is self:
            return
        lost = successor.connection_lost

        def connection_lost(exc: Exception | None) -> None:
            self._forget()
            lost(exc)

        successor.connection_lost = connection_lost
