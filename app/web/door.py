"""The middleware that every request passes first: it counts what an address sends, and slows down whoever is refused."""

import asyncio
from http import HTTPStatus
from typing import Final

import orjson
from graphql import GraphQLError
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.schema import errors
from app.schema.language import preferred_language
from app.settings import Settings
from app.web import headers
from app.web.gate import Tarpit
from app.web.rates import Rates
from app.web.refusals import RateLimited

_REFUSED_FOR_TOO_MUCH: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_MEDIA_TYPE: Final = "application/graphql-response+json"
_TRY_AGAIN_LATER: Final = 1013


def edge(settings: Settings, rates: Rates, tarpit: Tarpit) -> list[Middleware]:
    """The middleware of the application, outermost first."""
    return [
        *headers.proxies(settings),
        Middleware(headers.AnswerHeaders),
        Middleware(Door, rates=rates, tarpit=tarpit),
        *headers.known_hosts(settings),
        *headers.cross_origin(settings),
    ]


class Door:
    """Counts the requests of each address before anything of them is read, and holds the answers to refused ones."""

    def __init__(self, app: ASGIApp, *, rates: Rates, tarpit: Tarpit) -> None:
        self._app, self._rates, self._tarpit = app, rates, tarpit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        address = headers.client_address(scope)

        async def slow_down(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                if status in _REFUSED_FOR_TOO_MUCH or (
                    status == HTTPStatus.UNAUTHORIZED and not self._rates.count_failure(address)
                ):
                    await self._hold(address, message)
            await send(message)

        try:
            wait = self._rates.count_address(address)
        except RateLimited as refusal:
            self._rates.turned_away += 1
            await self._refuse(refusal, address, scope, receive, slow_down)
            return
        if wait:
            await asyncio.sleep(wait)
        await self._app(scope, receive, slow_down)

    async def _refuse(self, refusal: RateLimited, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._tarpit.hold(address)
            await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})
            return
        language = preferred_language(Headers(scope=scope).get("accept-language"))
        entry = errors.formatted(GraphQLError("", original_error=refusal), language, headers.request_id(scope))
        response = Response(
            orjson.dumps({"errors": [entry]}), refusal.status, dict(refusal.headers), media_type=_MEDIA_TYPE
        )
        await response(scope, receive, send)

    async def _hold(self, address: str, message: Message) -> None:
        if not await self._tarpit.hold(address):
            message["headers"] = [*message["headers"], (b"connection", b"close")]
