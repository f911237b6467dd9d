"""Listeners that cost little: WebSockets of graphql-transport-ws that subscribe to new transactions and note when each is told."""

import asyncio
import base64
import os
import time
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

import orjson

from bench.load import UnexpectedAnswer

LISTEN: Final = """
subscription Reported {
  ewarongTransactionReported { missed transaction { id amount balance receipt happenedAt } }
}
"""
_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A
_SHORT, _MEDIUM, _LONG = 125, 126, 127
_MASKED: Final = 0x80
_NO_MASK: Final = bytes(4)
_ID: Final = b'"id":"EwarongTransaction:'
_MISSED: Final = b'"missed":true'
_NEXT: Final = b'"type":"next"'
_ACKNOWLEDGED: Final = b'"type":"connection_ack"'
_PATIENCE_SECONDS: Final = 30.0


@dataclass(slots=True)
class Heard:
    """What one listener was told: moments by transaction, and how often that it may have missed some, the first time left out."""

    told: dict[bytes, float] = field(default_factory=dict)
    missed: int = 0
    repeated: int = 0


class Listener(asyncio.Protocol):
    """One WebSocket with one subscription."""

    def __init__(self, host: str, token: str) -> None:
        """Listen at ``host`` as whoever has ``token``."""
        self._host, self._token = host, token
        self._buffer = b""
        self._is_open = False
        self.listening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard = Heard()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the protocol."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is one by its methods alone
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            (
                f"GET /graphql HTTP/1.1\r\nhost: {self._host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                f"sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n"
                "sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take all frames that have come whole."""
        self._buffer += data
        if not self._is_open:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._fail(head.decode())
                return
            self._is_open, self._buffer = True, rest
            self._say({"type": "connection_init", "payload": {"Authorization": f"Bearer {self._token}"}})
        at = 0
        while (frame := _frame(self._buffer, at)) is not None:
            kind, begins, at = frame
            self._take(kind, self._buffer[begins:at])
        self._buffer = self._buffer[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, early or not."""
        if not self.listening.done():
            self.listening.set_exception(exc or UnexpectedAnswer("the server hung up on a listener"))

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _take(self, kind: int, body: bytes) -> None:
        if kind == _PING:
            self._send(_PONG, body)
        elif kind == _CLOSE:
            self._fail(body[2:].decode())
        elif _NEXT in body:
            self._hear(body)
        elif _ACKNOWLEDGED in body:
            self._say({"type": "subscribe", "id": "1", "payload": {"query": LISTEN}})
        else:
            self._fail(body.decode())

    def _hear(self, body: bytes) -> None:
        now = time.perf_counter()
        begins = body.find(_ID) + len(_ID)
        if begins >= len(_ID):
            identifier = body[begins : body.index(b'"', begins)]
            self.heard.repeated += identifier in self.heard.told
            self.heard.told[identifier] = now
        elif _MISSED not in body:
            self._fail(body.decode())
        elif self.listening.done():
            self.heard.missed += 1
        else:
            self.listening.set_result(None)

    def _say(self, message: object) -> None:
        self._send(_TEXT, orjson.dumps(message))

    def _send(self, kind: int, body: bytes) -> None:
        size = (
            bytes([_MASKED | len(body)]) if len(body) <= _SHORT else bytes([_MASKED | _MEDIUM]) + len(body).to_bytes(2)
        )
        self._transport.write(bytes([kind]) + size + _NO_MASK + body)

    def _fail(self, reason: str) -> None:
        if not self.listening.done():
            self.listening.set_exception(UnexpectedAnswer(reason))
        # Whatever comes too few is noticed by who counts.
        self._transport.close()


def _frame(data: bytes, at: int) -> tuple[int, int, int] | None:
    """First byte, begin and end of the frame that begins at ``at``; None where it has not come whole."""
    if len(data) < at + 2:
        return None
    length, begins = data[at + 1], at + 2
    if length in (_MEDIUM, _LONG):
        width = 2 if length == _MEDIUM else 8
        length, begins = int.from_bytes(data[begins : begins + width]), begins + width
    return (data[at], begins, begins + length) if len(data) >= begins + length else None


def transaction_in(body: bytes) -> bytes:
    """The transaction in the answer to a report, as ``Heard`` names it.

    Raises:
        UnexpectedAnswer: there is none.
    """
    _, found, rest = body.partition(_ID)
    if not found:
        raise UnexpectedAnswer(body.decode())
    return rest[: rest.index(b'"')]


async def listening(url: str, tokens: list[str]) -> list[Listener]:
    """A listener for each of ``tokens``, once all of them listen."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    listeners: list[Listener] = []
    for token in tokens:
        _, listener = await loop.create_connection(
            lambda token=token: Listener(parts.netloc, token),  # type: ignore[misc]  # bound now
            parts.hostname or "127.0.0.1",
            parts.port or 80,
        )
        listeners.append(listener)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await asyncio.gather(*(each.listening for each in listeners))
    return listeners
