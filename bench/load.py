"""A load generator that costs little: keep-alive connections on uvloop that send one prepared request and count whole answers."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from statistics import quantiles
from urllib.parse import urlsplit

import orjson


@dataclass(slots=True)
class Load:
    """What a number of connections got through in a while."""

    requests: int
    seconds: float
    latencies: list[float] = field(default_factory=list, repr=False)

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    def percentile(self, percent: int) -> float:
        """A percentile of the latencies, in milliseconds."""
        return quantiles(self.latencies, n=100)[percent - 1] * 1000


class UnexpectedAnswer(RuntimeError):
    """A server answered something else than the first time; the figures would mean nothing."""


class _Connection(asyncio.Protocol):
    def __init__(
        self, requests: Iterator[bytes], expected: bytes, until: float, done: "asyncio.Future[list[float]]"
    ) -> None:
        self._requests, self._expected, self._until, self._done = requests, expected, until, done
        self._missing = 0
        self._body = b""
        self._head = b""
        self._latencies: list[float] = []
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))  # type: ignore[attr-defined]  # a stream transport

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
            self._body += data
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, body = self._head[:end].lower(), len(self._head) - end - 4
            self._body = self._head[end + 4 :]
            self._head = b""
            if not head.startswith(b"http/1.1 200"):
                self._done.set_exception(UnexpectedAnswer(head.decode()))
                self._transport.close()
                return
            length = head[head.index(b"content-length:") + 15 :].split(b"\r\n", 1)[0]
            self._missing = int(length) - body
        if self._missing == 0:
            if self._expected not in self._body:
                self._done.set_exception(UnexpectedAnswer(self._body.decode()))
                self._transport.close()
                return
            now = time.perf_counter()
            self._latencies.append(now - self._sent_at)
            if now < self._until:
                self._send()
            else:
                self._transport.close()
                self._done.set_result(self._latencies)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or UnexpectedAnswer("the server closed the connection"))


def http_request(url: str, payload: object | None = None, token: str | None = None) -> bytes:
    """The bytes of a POST of ``payload`` as JSON, or of a GET where there is none."""
    parts = urlsplit(url)
    body = orjson.dumps(payload) if payload is not None else b""
    lines = [
        f"{'POST' if body else 'GET'} {parts.path} HTTP/1.1",
        f"host: {parts.netloc}",
        *([f"authorization: Bearer {token}"] if token else []),
        *([f"content-type: application/json\r\ncontent-length: {len(body)}"] if body else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def run_load(url: str, request: bytes, *, connections: int, seconds: float) -> Load:
    """Send ``request`` over and over on ``connections`` connections for ``seconds``.

    Raises:
        UnexpectedAnswer: an answer is not 200, or a connection ends early.
    """
    return await run_loads(url, [repeat(request)] * connections, seconds=seconds)


async def run_loads(url: str, requests: Sequence[Iterator[bytes]], *, seconds: float, expected: bytes = b"") -> Load:
    """Send the ``requests`` of each on a connection of its own for ``seconds``, the next when the last is answered.

    Raises:
        UnexpectedAnswer: an answer is not 200 or does not hold ``expected``, or a connection ends early.
    """
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    futures: list[asyncio.Future[list[float]]] = [loop.create_future() for _ in requests]
    for each, future in zip(requests, futures, strict=True):
        await loop.create_connection(
            lambda each=each, future=future: _Connection(each, expected, started + seconds, future),  # type: ignore[misc]  # bound now
            parts.hostname or "127.0.0.1",
            parts.port or 80,
        )
    latencies = [latency for future in futures for latency in await future]
    return Load(len(latencies), time.perf_counter() - started, latencies)
