"""What every answer carries, whatever it is: headers that tell browsers to be careful, and the id of the request.

Beside it what is read from a request before anything else: who sends it (behind proxies that are trusted), to which host, and from a page
of which origin. All are plain ASGI middleware; ``edge`` puts them in their order.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

import uuid_utils
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.settings import Settings
from app.web.staleness import STALENESS

_OF_EVERY_ANSWER: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
_BY_HTTPS: Final = (*_OF_EVERY_ANSWER, (b"strict-transport-security", b"max-age=31536000"))
_REQUEST_ID: Final = re.compile(rb"[0-9a-f-]{32,36}")
"""A UUID or a trace id. What else callers write there could be the name of somebody, and ends in the audit trail."""
_ADDRESS_CHARACTERS: Final = 45
_UNKNOWN_ADDRESS: Final = "unknown"
_PREFLIGHT_SECONDS: Final = 3_600
_PROBED: Final = ("/health/", "/metrics")
_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "[::1]")


def request_id(scope: Scope) -> str:
    """The id of the request, which its answer and its log entries carry."""
    known: str = scope["state"]["request_id"]
    return known


def client_address(scope: Scope) -> str:
    """The address that a request comes from; of IPv6 the network of 64 bits, which is what one customer has."""
    client = scope.get("client")
    return folded(client[0]) if client else _UNKNOWN_ADDRESS


def folded(host: str) -> str:
    """``host`` as limits count it. What a proxy wrote may be no address at all; that counts as one, the unknown."""
    if len(host) > _ADDRESS_CHARACTERS:
        return _UNKNOWN_ADDRESS
    return host if ":" not in host else _network(host)


@lru_cache(maxsize=4096)
def _network(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return _UNKNOWN_ADDRESS
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), 64), strict=False))


@lru_cache(maxsize=4096)
def is_one_of(host: str, networks: tuple[str, ...]) -> bool:
    """Whether the address ``host`` is one of ``networks``, each an address or a network such as 10.0.0.0/8."""
    try:
        address = ip_address(host)
        return any(address in ip_network(network) for network in networks)
    except ValueError:
        return False


class AnswerHeaders:
    """Gives each request an id and each answer the headers that it does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        known = _request_id_of(scope["headers"])
        scope.setdefault("state", {})["request_id"] = known
        defaults = _BY_HTTPS if scope["scheme"] in {"https", "wss"} else _OF_EVERY_ANSWER

        async def complete(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                headers = message.get("headers", ())
                set_already = {name for name, _ in headers}
                message["headers"] = [
                    *(pair for pair in headers if pair[0] != b"x-request-id"),
                    *(pair for pair in defaults if pair[0] not in set_already),
                    (b"x-request-id", known.encode()),
                ]
            await send(message)

        await self._app(scope, receive, complete)


def _request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode()
    return str(uuid_utils.uuid4())


class KnownHost(TrustedHostMiddleware):
    """Refuses requests to another host, but not those that ask whether the server is well: they name its address."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"].startswith(_PROBED):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def proxies(settings: Settings) -> list[Middleware]:
    """Believes X-Forwarded-For and X-Forwarded-Proto of the proxies that the settings name, and of nobody else."""
    if not settings.trusted_proxies:
        return []
    trusted: Any = ProxyHeadersMiddleware  # uvicorn has its own names for the types of ASGI
    return [Middleware(trusted, trusted_hosts=sorted(settings.trusted_proxies))]


def known_hosts(settings: Settings) -> list[Middleware]:
    """Refuses requests to another host than that of the public URL, where there is one, and this machine."""
    if settings.public_url is None:
        return []
    host = urlsplit(settings.public_url).hostname
    if host is None:
        raise ValueError("KESOS_PUBLIC_URL names no host: write it as https://kesos.example.go.id.")
    public = f"[{host}]" if ":" in host else host
    return [Middleware(KnownHost, allowed_hosts=[public, *_THIS_MACHINE], www_redirect=False)]


def cross_origin(settings: Settings) -> list[Middleware]:
    """Lets pages of the origins that the settings name call the API with a token of theirs; cookies stay out of it."""
    if not settings.cors_origins:
        return []
    if "*" in settings.cors_origins:
        raise ValueError("KESOS_CORS_ORIGINS lists origins one by one; * would be all of them.")
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=sorted(settings.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=[
                "authorization",
                "content-type",
                "content-disposition",
                "repr-digest",
                "x-kesos-csrf",
                "accept-language",
                "apollo-require-preflight",
                "x-apollo-operation-name",
                STALENESS,
            ],
            expose_headers=["x-request-id", "retry-after"],
            max_age=_PREFLIGHT_SECONDS,
        )
    ]
