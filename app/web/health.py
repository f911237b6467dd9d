"""What operators ask over HTTP: does the process live, may it be sent requests, what are its numbers.

``/health/live`` and ``/health/ready`` answer everybody with a word. What is wrong in detail, and ``/metrics``, is for whoever holds
``KESOS_METRICS_TOKEN``; where none is set, for this machine. Anybody else finds that ``/metrics`` does not exist.
"""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable, Mapping
from hmac import compare_digest
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.settings import Settings
from app.tenants.replica import GONE
from app.tenants.session import Database
from app.web.metrics import Metrics

ANSWER_SECONDS: Final = 1.0
"""How long the database may take to be called reachable."""

REMEMBERED_SECONDS: Final = 1.0
_REGIONS_THERE: Final = "select exists (select from region)"
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_HEADERS: Final = {"cache-control": "no-store"}

_log = logging.getLogger(__name__)


class Stopping:
    """Whether a process is about to end."""

    def __init__(self) -> None:
        self.has_begun = False


this_process: Final = Stopping()
"""Signals are sent to the process, whatever runs in it."""


class Readiness:
    """Whether this process may be sent requests."""

    def __init__(
        self,
        database: Database,
        others: Mapping[str, Callable[[], bool]] | None = None,
        *,
        stopping: Stopping = this_process,
    ) -> None:
        """Look at ``database``, and at whatever ``others`` say about themselves, by name."""
        self._database = database
        self._others = dict(others or {})
        self._stopping = stopping
        self._failing: tuple[str, ...] = ()
        self._stale_at = float("-inf")
        self._looking = asyncio.Lock()

    async def failing(self) -> tuple[str, ...]:
        """The names of what is not as it should be; looked at no more than once a second, however many ask."""
        if self._stopping.has_begun:
            return ("stopping",)
        async with self._looking:
            if time.monotonic() >= self._stale_at:
                await self._look()
        return self._failing

    async def _look(self) -> None:
        failing = [name for name, is_well in self._others.items() if not is_well()]
        if (wrong := await self._wrong_with_the_database()) is not None:
            failing.append(wrong)
        if tuple(failing) != self._failing:
            level = logging.WARNING if failing else logging.INFO
            _log.log(level, "readiness has changed", extra={"failing": failing})
        self._failing = tuple(failing)
        self._stale_at = time.monotonic() + REMEMBERED_SECONDS

    async def _wrong_with_the_database(self) -> str | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                rows = await self._database.reference(_REGIONS_THERE)
        except GONE:
            return "database"
        return None if rows[0][0] else "regions"


class Insiders:
    """Knows who may see what strangers may not."""

    def __init__(self, settings: Settings) -> None:
        token = settings.metrics_token
        self._token = token.get_secret_value().encode() if token is not None else None

    def admit(self, request: Request) -> bool:
        """Whether ``request`` carries the token; where there is none, whether it comes from this machine itself."""
        if self._token is not None:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            return scheme.lower() == "bearer" and compare_digest(given.strip().encode(errors="replace"), self._token)
        # A proxy on this machine speaks for strangers.
        if any(name in request.headers for name in _FORWARDED):
            return False
        return request.client is not None and _is_loopback(request.client.host)


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


class _MetricsPage:
    """The ASGI application behind /metrics."""

    def __init__(self, metrics: Metrics, insiders: Insiders) -> None:
        self._metrics = metrics
        self._insiders = insiders
        self._writing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method not in {"GET", "HEAD"} or not self._insiders.admit(request):
            # As Starlette answers where there is no route.
            raise HTTPException(HTTPStatus.NOT_FOUND)
        async with self._writing:
            self._metrics.look()
            # Several processes are added up from files, which would hold up requests here.
            body, media_type = await asyncio.to_thread(self._metrics.exposition, request.headers.get("accept", ""))
        response = Response(body, headers={**_HEADERS, "content-type": media_type})
        await response(scope, receive, send)


def operator_routes(settings: Settings, readiness: Readiness, metrics: Metrics) -> list[Route]:
    """The routes of health and metrics."""
    insiders = Insiders(settings)

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "live"}, headers=_HEADERS)

    async def ready(request: Request) -> Response:
        failing = await readiness.failing()
        told: dict[str, object] = {"status": "unavailable" if failing else "ready"}
        if insiders.admit(request):
            told["failing"] = failing
        status = HTTPStatus.SERVICE_UNAVAILABLE if failing else HTTPStatus.OK
        return JSONResponse(told, status, headers=_HEADERS)

    return [
        Route("/health/live", live),
        Route("/health/ready", ready),
        # The second, so that nobody is redirected to the first and learns of it.
        *(Route(path, _MetricsPage(metrics, insiders)) for path in ("/metrics", "/metrics/")),
    ]
