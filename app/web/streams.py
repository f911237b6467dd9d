"""Answers that keep coming: how many streams a process holds and what ends them; and those that come as server-sent events.

Events follow the protocol graphql-sse in its mode of distinct connections: one request, one stream of ``next`` events, one ``complete``.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Hashable, Iterator
from contextlib import ExitStack, aclosing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Final
from uuid import UUID

import orjson
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.authz.authorize import Access
from app.schema.language import Language
from app.schema.operations import Answered
from app.web.answers import refusal_of
from app.web.bodies import JSON
from app.web.headers import client_address
from app.web.refusals import Refused
from app.web.standing import AccessChanged, Following, Standing

STATE_NAME: Final = "streams"
"""The name under which the application's lifespan state holds its ``Streams``, for the server to stop them."""
_MOST: Final = 4_096
_MOST_OF_ADDRESS: Final = 512
_MOST_OF_PRINCIPAL: Final = 32
_COMMENT: Final = b":\n\n"
_COMPLETE: Final = b"event: complete\ndata:\n\n"


class TooManyStreams(Refused):
    """A principal or an address has as many streams open as it may."""

    code = "TOO_MANY_STREAMS"
    status = HTTPStatus.TOO_MANY_REQUESTS
    retry_after = 30

    def __init__(self) -> None:
        super().__init__(
            "Terlalu banyak aliran terbuka. Tutup yang tidak dipakai lagi, atau pakai satu WebSocket untuk beberapa langganan.",
            "Too many streams are open. Close those that are not needed, or use one WebSocket for several subscriptions.",
        )


def end(life: asyncio.Timeout) -> None:
    """End what runs within ``life`` now, unless it is ending already."""
    if not life.expired():
        life.reschedule(asyncio.get_running_loop().time())


class Streams:
    """The streams of one process: WebSockets and streams of server-sent events alike."""

    def __init__(
        self,
        *,
        most: int = _MOST,
        most_of_address: int = _MOST_OF_ADDRESS,
        most_of_principal: int = _MOST_OF_PRINCIPAL,
    ) -> None:
        """Hold at most so many at a time."""
        self._most, self._most_of_address, self._most_of_principal = most, most_of_address, most_of_principal
        self._held: Counter[Hashable] = Counter()
        self._lives: set[asyncio.Timeout] = set()
        self.is_stopping = False

    def __len__(self) -> int:
        """How many are open."""
        return len(self._lives)

    @contextmanager
    def open(self, address: str, life: asyncio.Timeout) -> Iterator[None]:
        """A place for a stream to ``address``; ``life``, which is running, ends when the server stops.

        Raises:
            TooManyStreams: there is none.
        """
        if len(self._lives) >= self._most:
            raise TooManyStreams
        with self._place(address, self._most_of_address):
            self._lives.add(life)
            if self.is_stopping:
                end(life)
            try:
                yield
            finally:
                self._lives.discard(life)

    @contextmanager
    def of_principal(self, principal_id: UUID) -> Iterator[None]:
        """A place for a stream of a principal.

        Raises:
            TooManyStreams: there is none.
        """
        with self._place(principal_id, self._most_of_principal):
            yield

    @contextmanager
    def _place(self, holder: Hashable, most: int) -> Iterator[None]:
        if self._held[holder] >= most:
            raise TooManyStreams
        self._held[holder] += 1
        try:
            yield
        finally:
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]

    def stop(self) -> None:
        """End all of them, and whichever comes later. Every connection of the server says so when it stops."""
        if not self.is_stopping:
            self.is_stopping = True
            for life in self._lives:
                end(life)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Whose subscription a stream is: the token it rests on, the access it began with, and how it hears of another."""

    standing: Standing
    access: Access
    following: Following

    async def watch(self) -> None:
        """Wait until the stream must end, and say why.

        Raises:
            AccessChanged: its caller may do something else now, and the subscription does not ask for that.
            Unauthenticated: its caller may do nothing any more.
        """
        async with aclosing(self.standing.changes(self.access)) as changes:
            async for access in changes:
                if not self.following.tell(access):
                    raise AccessChanged


class EventStream(Response):
    """``answers`` as server-sent events, for as long as their caller listens and may listen."""

    media_type = "text/event-stream"
    silence_seconds: ClassVar[float] = 12.0
    """How often a comment is sent, so that no proxy takes the stream for dead."""

    def __init__(
        self,
        answers: AsyncGenerator[Answered, None],
        *,
        streams: Streams,
        language: Language,
        request_id: str,
        subscriber: Subscriber | None = None,
    ) -> None:
        """Send ``answers``; ``subscriber`` is whose subscription they are of, None where they are of a query or a mutation."""
        self.status_code = HTTPStatus.OK
        self.background = None
        # What nginx gathers before it passes anything on may be all that there is for an hour.
        self.init_headers({"x-accel-buffering": "no"})
        self._answers = answers
        self._streams = streams
        self._language, self._request_id = language, request_id
        self._subscriber = subscriber
        self._ended_by: Exception | None = None
        self._is_left = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        # A life that ends has been ended by the server that stops, or by a task of this stream that has said why.
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as life:
                try:
                    with self._places(client_address(scope), life):
                        await send(
                            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
                        )
                        await self._run(life, receive, send)
                except TooManyStreams as refusal:
                    await self._refuse(refusal, scope, receive, send)
                    return
        if not self._is_left:
            await send({"type": "http.response.body", "body": self._last(), "more_body": False})

    @contextmanager
    def _places(self, address: str, life: asyncio.Timeout) -> Iterator[None]:
        with ExitStack() as places:
            places.enter_context(self._streams.open(address, life))
            if self._subscriber is not None:
                places.enter_context(self._streams.of_principal(self._subscriber.access.principal.id))
            yield

    async def _run(self, life: asyncio.Timeout, receive: Receive, send: Send) -> None:
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(self._until_left(life, receive)),
                tasks.create_task(self._breathe(send)),
                tasks.create_task(self._watch(life)),
            ]
            try:
                async with aclosing(self._answers) as answers:
                    async for answered in answers:
                        await send(_part(_next(answered.body)))
            except Exception as error:  # noqa: BLE001  (the headers are sent; whatever it is, the caller gets a coded answer)
                self._ended_by = error
            finally:
                for task in beside:
                    task.cancel()

    async def _until_left(self, life: asyncio.Timeout, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._is_left = True
        end(life)

    async def _breathe(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self.silence_seconds)
            await send(_part(_COMMENT))

    async def _watch(self, life: asyncio.Timeout) -> None:
        if self._subscriber is None:
            return
        try:
            await self._subscriber.watch()
        except Exception as error:  # noqa: BLE001  (as above)
            self._ended_by = error
            end(life)

    def _last(self) -> bytes:
        """How the stream ends. One that the server cuts short ends without ``complete``: the client asks again."""
        if self._ended_by is not None:
            refusal = refusal_of(self._ended_by, self._language, self._request_id)
            return _errors(refusal.entries)
        return b"" if self._streams.is_stopping else _COMPLETE

    async def _refuse(self, refusal: TooManyStreams, scope: Scope, receive: Receive, send: Send) -> None:
        entries = refusal_of(refusal, self._language, self._request_id).entries
        response = Response(orjson.dumps({"errors": entries}), refusal.status, refusal.headers, JSON)
        await response(scope, receive, send)


def refused_stream(entries: list[dict[str, Any]]) -> Response:
    """The stream of a request that GraphQL refuses: an event tells the errors, because an EventSource reads no other answer."""
    return Response(_errors(entries), media_type=EventStream.media_type)


def _errors(entries: list[dict[str, Any]]) -> bytes:
    return _next(orjson.dumps({"errors": entries})) + _COMPLETE


def _next(body: bytes) -> bytes:
    # PostgreSQL breaks lines between the rows of a list, and a line is where an event's data ends.
    return b"event: next\ndata: %b\n\n" % body.replace(b"\n", b" ")


def _part(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}
