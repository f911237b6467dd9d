"""The WebSocket under the subprotocol: uvicorn's, with bounds on what a client that does not read can make the server keep.

uvicorn answers every ping at once, whether or not the answers are read, and waits for ever until what it wrote last is read.
``GuardedSocket`` is given to ``uvicorn.Config(ws=...)``.
"""

import asyncio
from asyncio.events import TimerHandle
from typing import Any, ClassVar, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.web.streams import STATE_NAME, Streams

_READ_WITHIN: Final = 15.0
_CLOSE_WITHIN: Final = 3.0
_BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class GuardedSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, with bounds in seconds."""

    read_within: ClassVar[float] = _READ_WITHIN
    """How long a client may leave unread what it was sent, once that is more than the transport's buffer holds."""
    close_within: ClassVar[float] = _CLOSE_WITHIN
    """How long a client may take to answer that the connection is closed."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._reading: TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come. A handshake that cannot be read ends the connection: uvicorn would keep it for ever, and say nothing."""
        super().data_received(data)
        if not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()) or _BAD_REQUEST)
            self.transport.close()

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to; it has some time to catch up."""
        super().pause_writing()
        self._stop_timer()
        self._reading = self.loop.call_later(self.read_within, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def handle_ping(self) -> None:
        """Answer a ping, unless the answers to those before it are not read."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        """The client has not answered a ping: nothing that was written to it will be read."""
        super().keepalive_timeout()
        self.transport.abort()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """The application has done its part; the client has some time to do its own."""
        super().on_task_complete(task)
        self.loop.call_later(self.close_within, self.transport.abort)

    def shutdown(self) -> None:
        """The server stops: streams are told, and close their connections themselves."""
        streams: Streams | None = self.app_state.get(STATE_NAME)
        if streams is None or not self.handshake_complete or self.close_sent:
            super().shutdown()
        else:
            streams.stop()
