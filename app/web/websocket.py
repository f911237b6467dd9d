"""GraphQL over WebSocket: the subprotocol graphql-transport-ws, and no other.

A connection rests on the token that its ``connection_init`` brings. Queries and mutations run here under the same limits as over HTTP.
Nothing waits unboundedly: an answer is written before the next one is made, and a client that does not read loses its connection
(``app.web.sockets``). How connections end, docs/decisions/0012 tells.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, aclosing, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from http import HTTPStatus
from math import inf
from typing import Final
from uuid import UUID, uuid4

import orjson
from graphql import OperationType
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from app.authz.authentication import Authenticator, Unauthenticated
from app.authz.authorize import Access
from app.schema.language import Language, preferred_language
from app.schema.operations import Asked
from app.web.answers import refusal_of
from app.web.bodies import JSON
from app.web.execution import Caller, Execution, Turn
from app.web.gate import Tarpit
from app.web.headers import client_address, request_id
from app.web.messages import (
    ACKNOWLEDGED,
    PONG,
    SUBPROTOCOL,
    ClientMessage,
    Closed,
    Code,
    Kind,
    complete_message,
    error_message,
    next_message,
)
from app.web.parameters import asked_by_payload
from app.web.rates import Rates
from app.web.reception import Reception
from app.web.refusals import BadRequest, RateLimited, Refused
from app.web.sessions import Sessions
from app.web.staleness import STALENESS, accepted_staleness
from app.web.standing import AccessChanged, Following, Standing
from app.web.streams import Streams, TooManyStreams, end
from app.web.telemetry import CALLER_HUNG_UP, CANCELLED, RequestTelemetry, Telemetry

_LONGEST_LANGUAGE: Final = 200
_NO_TOKEN: Final = ""
_CLOSE_SECONDS: Final = 2.0


class TooManyOperations(Refused):
    """A connection runs as many operations as it may."""

    code = "TOO_MANY_OPERATIONS"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Koneksi ini sudah menjalankan {most} operasi; akhiri salah satunya dahulu.",
            f"This connection runs {most} operations already; end one of them first.",
        )


class _Gone(Exception):
    """Nobody is there to be written to."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may do: seconds to wait for ``connection_init``, seconds without message or operation, operations at a time."""

    initialisation_seconds: float = 10.0
    idle_seconds: float = 600.0
    operations: int = 32


class _Operation:
    """One that runs. It has a life while it may be ended because its caller's access has changed."""

    def __init__(self, key: str, asked: Asked, turn: Turn) -> None:
        self.key, self.asked, self.turn = key, asked, turn
        self.following = Following()
        self.task: asyncio.Task[None] | None = None
        self._life: asyncio.Timeout | None = None
        self._is_outdated = False

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def tell(self, access: Access) -> None:
        """Its caller has ``access`` now."""
        self._is_outdated = not self.following.tell(access)
        if self._is_outdated and self._life is not None:
            end(self._life)

    @asynccontextmanager
    async def streaming(self) -> AsyncIterator[None]:
        """The time in which it may be ended.

        Raises:
            AccessChanged: it was, or should not have begun.
        """
        if self._is_outdated:
            raise AccessChanged
        try:
            async with asyncio.timeout(None) as self._life:
                yield
        except TimeoutError:
            if self._life is not None and self._life.expired():
                raise AccessChanged from None
            raise
        finally:
            self._life = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketEndpoint:
    """The ASGI application behind WebSocket connections to /graphql.

    Pages of ``origins`` may open one, and pages of the site itself; ``sessions`` are those of browsers that logged in, where they can.
    """

    execution: Execution
    authenticator: Authenticator
    reception: Reception
    rates: Rates
    tarpit: Tarpit
    streams: Streams
    telemetry: Telemetry
    origins: frozenset[str]
    sessions: Sessions | None = None
    limits: Limits = Limits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        websocket = WebSocket(scope, receive, send)
        if not self._is_welcome(websocket):
            await websocket.close()
        elif SUBPROTOCOL not in scope["subprotocols"]:
            # Accepted first, because a handshake that is refused tells a developer nothing.
            await websocket.accept()
            await websocket.close(Code.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")
        else:
            await _Connection(self, websocket).serve()

    def _is_welcome(self, websocket: WebSocket) -> bool:
        """Whether no page of a foreign site opened the connection: browsers let every page do so, and say which it was."""
        origin = websocket.headers.get("origin")
        if origin is None or origin in self.origins or (self.sessions is not None and origin == self.sessions.origin):
            return True
        scheme = "https" if websocket.url.scheme == "wss" else "http"
        return origin == f"{scheme}://{websocket.headers.get('host')}"


class _Connection:
    """One WebSocket, from its handshake to its end."""

    def __init__(self, endpoint: WebSocketEndpoint, websocket: WebSocket) -> None:
        self._of, self._websocket = endpoint, websocket
        self._address = client_address(websocket.scope)
        self._language = preferred_language(websocket.headers.get("accept-language"))
        self._staleness = inf
        self._operations: dict[str, _Operation] = {}
        self._places = ExitStack()
        self._holder: tuple[Standing, UUID] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._closed: Closed | None = None

    async def serve(self) -> None:
        try:
            with self._places:
                # Everything that ends a connection ends its life, unless the reader itself finds out.
                async with asyncio.timeout(self._of.limits.initialisation_seconds) as self._life:
                    self._places.enter_context(self._of.streams.open(self._address, self._life))
                    await self._websocket.accept(SUBPROTOCOL)
                    async with asyncio.TaskGroup() as self._tasks:
                        await self._run()
        except TooManyStreams as refusal:
            await self._deny(refusal)
        except TimeoutError:
            if self._of.streams.is_stopping:
                self._closed = self._closed or Closed(Code.GOING_AWAY, "The server stops")
            self._closed = self._closed or Closed(Code.INITIALISATION_TIMEOUT, "Connection initialisation timeout")
        if self._closed is not None:
            # To a client that does not read, nothing more can be said.
            with suppress(WebSocketDisconnect, WebSocketDisconnected, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._websocket.close(self._closed.code, self._closed.reason)

    async def _deny(self, refusal: Refused) -> None:
        entries = refusal_of(refusal, self._language, request_id(self._websocket.scope)).entries
        body = orjson.dumps({"errors": entries})
        await self._websocket.send_denial_response(Response(body, refusal.status, refusal.headers, JSON))

    async def _run(self) -> None:
        try:
            await self._read()
        except Closed as closed:
            self._closed = closed
        except _Gone:
            pass
        except Exception as error:  # noqa: BLE001  (whatever it is, the connection ends with a code and the log has the trace)
            self._closed = self._closed_by(error)
        finally:
            for operation in self._operations.values():
                operation.cancel()
            if self._watching is not None:
                self._watching.cancel()

    def _end(self, closed: Closed) -> None:
        self._closed = self._closed or closed
        end(self._life)

    def _closed_by(self, error: Exception) -> Closed:
        """How a connection ends that cannot go on because of ``error``."""
        if isinstance(error, Unauthenticated):
            return Closed(Code.FORBIDDEN, "Token expired" if error.reason == "TOKEN_EXPIRED" else "Forbidden")
        if isinstance(error, Refused):
            return Closed(Code.TRY_AGAIN_LATER, error.english)
        refusal = refusal_of(error, Language.ENGLISH, request_id(self._websocket.scope))
        code = Code.TRY_AGAIN_LATER if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE else Code.INTERNAL_ERROR
        return Closed(code, refusal.entries[0]["message"])

    async def _send(self, message: bytes) -> None:
        try:
            await self._websocket.send_text(message.decode())
        except (WebSocketDisconnect, RuntimeError):
            # uvicorn takes it for an error of ours to write to a connection that it has closed itself.
            raise _Gone from None

    async def _read(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._of.limits.idle_seconds):
                    message = await self._websocket.receive()
            except TimeoutError:
                if self._operations:
                    continue
                raise Closed(Code.NORMAL, "Idle") from None
            if message["type"] == "websocket.disconnect":
                return
            if (text := message.get("text")) is None:
                raise Closed(Code.BAD_REQUEST, "Messages are texts.")
            refusal = await self._count(len(text))
            await self._take(ClientMessage.of_text(text), refusal)
            # What came in one piece is not worked off in one piece: others have their turn between two messages.
            await asyncio.sleep(0)

    async def _count(self, characters: int) -> RateLimited | None:
        """Count a message before anything of it is looked at. Whoever sends too many is read more slowly, and may run nothing."""
        try:
            if self._holder is None:
                self._of.rates.count_address(self._address)
            else:
                self._of.rates.count_request(self._holder[1], characters)
        except RateLimited as refusal:
            if not await self._of.tarpit.hold(self._address):
                raise self._closed_by(refusal) from None
            return refusal
        return None

    async def _take(self, message: ClientMessage, refusal: RateLimited | None) -> None:
        match message.kind:
            case Kind.INITIALISE:
                await self._initialise(message)
            case Kind.SUBSCRIBE:
                await self._subscribe(message, refusal)
            case Kind.COMPLETE:
                operation = self._operations.pop(message.key, None)
                if operation is not None:
                    operation.cancel()
            case Kind.PING:
                await self._send(PONG)
            case Kind.PONG:
                pass

    async def _initialise(self, message: ClientMessage) -> None:
        if self._holder is not None:
            raise Closed(Code.TOO_MANY_INITIALISATIONS, "Too many initialisation requests")
        given = {name.lower(): value for name, value in message.payload.items() if isinstance(value, str)}
        token = self._token(given)
        access = await self._authenticate(token)
        language = given.get("accept-language")
        if language is not None and len(language) <= _LONGEST_LANGUAGE:
            self._language = preferred_language(language)
        self._staleness = self._accepted_staleness(message)
        self._places.enter_context(self._of.streams.of_principal(access.principal.id))
        standing = Standing(self._of.authenticator, token)
        self._holder = standing, access.principal.id
        self._watching = self._tasks.create_task(self._watch(standing, access))
        self._life.reschedule(None)
        if self._of.streams.is_stopping:
            end(self._life)
        await self._send(ACKNOWLEDGED)

    def _accepted_staleness(self, message: ClientMessage) -> float:
        # Whoever writes a number into JSON means it.
        named = {name.lower(): str(value) for name, value in message.payload.items()}
        try:
            return accepted_staleness(named.get(STALENESS, self._websocket.headers.get(STALENESS)))
        except BadRequest as fault:
            raise Closed(Code.BAD_REQUEST, fault.english) from None

    def _token(self, given: Mapping[str, str]) -> str:
        header = given.get("authorization", self._websocket.headers.get("authorization"))
        if header is not None:
            scheme, _, token = header.partition(" ")
            return token if scheme.lower() == "bearer" else _NO_TOKEN
        sessions = self._of.sessions
        # A cookie comes whoever opens the connection; only the browser's word that it was our page makes it count.
        if sessions is None or self._websocket.headers.get("origin") != sessions.origin:
            return _NO_TOKEN
        return sessions.page_token(self._websocket) or _NO_TOKEN

    async def _authenticate(self, token: str) -> Access:
        try:
            return await self._of.reception.access(
                token, address=self._address, request_id=request_id(self._websocket.scope)
            )
        except Unauthenticated:
            self._of.rates.count_failure(self._address)
            raise

    async def _watch(self, standing: Standing, access: Access) -> None:
        try:
            async with aclosing(standing.changes(access)) as changes:
                async for now in changes:
                    for operation in self._operations.values():
                        operation.tell(now)
        except Exception as error:  # noqa: BLE001  (whatever it is, nobody knows any more what the caller may do)
            self._end(self._closed_by(error))

    async def _subscribe(self, message: ClientMessage, refusal: Refused | None) -> None:
        if self._holder is None:
            raise Closed(Code.UNAUTHORIZED, "Unauthorized")
        if message.key in self._operations:
            raise Closed(Code.SUBSCRIBER_EXISTS, "Subscriber already exists")
        try:
            asked = asked_by_payload(message.payload)
        except BadRequest as fault:
            raise Closed(Code.BAD_REQUEST, fault.english) from None
        if refusal is None and len(self._operations) >= self._of.limits.operations:
            refusal = TooManyOperations(self._of.limits.operations)
        if refusal is not None:
            await self._send(error_message(message.key, refusal_of(refusal, self._language, str(uuid4()))))
            return
        operation = _Operation(message.key, asked, Turn(self._language, str(uuid4()), self._staleness))
        self._operations[message.key] = operation
        operation.task = self._tasks.create_task(self._execute(operation, self._holder[0]))

    async def _execute(self, operation: _Operation, standing: Standing) -> None:
        key, turn = operation.key, operation.turn
        with self._of.telemetry.request(turn.request_id, self._websocket.headers) as told:
            try:
                told.answered(HTTPStatus.OK, await self._answer(operation, standing, told))
                last = complete_message(key)
            except _Gone:
                told.answered(CALLER_HUNG_UP, CANCELLED)
                return
            except Unauthenticated as error:
                told.answered(HTTPStatus.UNAUTHORIZED, error.code)
                self._end(self._closed_by(error))
                return
            except Exception as error:  # noqa: BLE001  (whatever it is, the caller gets a coded answer and the log has the trace)
                refusal = refusal_of(error, turn.language, turn.request_id)
                told.answered(refusal.status, refusal.code)
                last = error_message(key, refusal)
            finally:
                # Before its last message: a client that has read that may use the id again.
                if self._operations.get(key) is operation:
                    del self._operations[key]
            with suppress(_Gone):
                await self._send(last)

    async def _answer(self, operation: _Operation, standing: Standing, told: RequestTelemetry) -> str | None:
        """Send the answers of an operation; the code of the first error in the first one that has any."""
        caller = Caller(await standing.access(), self._address)
        charged = await self._of.execution.prepare(operation.asked, caller)
        prepared = charged.prepared
        told.asked(prepared.operation.node, prepared.operation.fragments, prepared.access.principal.id)
        codes: tuple[str, ...] = ()
        answers = self._of.execution.stream(charged, operation.turn, operation.following)
        is_lasting = prepared.kind is OperationType.SUBSCRIPTION
        async with operation.streaming() if is_lasting else nullcontext(), aclosing(answers):
            async for answered in answers:
                codes = codes or answered.codes
                await self._send(next_message(operation.key, answered.body))
        return next(iter(codes), None)
