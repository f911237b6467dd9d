"""Documents that an issuer publishes: fetched with care, remembered, and asked for again in time."""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

import httpx2
import orjson

FETCH_BYTES: Final = 64 * 1024
RETRY_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)
Document = TypeVar("Document")


class DocumentInvalid(Exception):
    """What the issuer answered is not what was asked for, or too large to be it; the text says what is wrong."""


class IssuerUnavailable(Exception):
    """The issuer gave no usable answer, and none is remembered."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the issuer is waited for, and how long its answers count, in seconds."""

    fetch_seconds: float = 5.0
    refresh_seconds: float = 60.0
    max_age_seconds: float = 3_600.0
    lapse_seconds: float = 86_400.0


USUAL: Final = Timing()


def is_local(url: str) -> bool:
    """Whether ``url`` leads to this machine."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_secure(url: object, *, local_allowed: bool = True) -> bool:
    """Whether nobody on the way can change what ``url`` answers: it is https, or http on this machine."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and local_allowed and is_local(url)


async def fetch_json(url: str, seconds: float) -> Any:
    """The JSON document at ``url``; each step of the way may take ``seconds``.

    Raises:
        DocumentInvalid: there is none, it has more than 64 KiB, or nobody answers.
    """
    # Compression is declined, so that a small answer cannot unfold into a large one; redirects are not followed.
    headers = {"accept": "application/json, application/jwk-set+json", "accept-encoding": "identity"}
    body = bytearray()
    try:
        async with (
            httpx2.AsyncClient(timeout=seconds, trust_env=not is_local(url)) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code != httpx2.codes.OK:
                raise DocumentInvalid(f"status {response.status_code}")
            async for part in response.aiter_raw():
                body += part
                if len(body) > FETCH_BYTES:
                    raise DocumentInvalid("too large")
        return orjson.loads(body)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise DocumentInvalid(type(error).__name__) from None


class RemoteDocument(Generic[Document]):
    """One document of the issuer, as this process remembers it.

    It is fetched at first use, again when it is an hour old, and when it lacks what somebody looks for, but for that at
    most once a minute. One caller waits for the issuer; meanwhile its last answer is good enough for all who find in it
    what they look for. While the issuer does not answer, that is so for a day.
    """

    def __init__(self, name: str, read: Callable[[], Awaitable[Document]], timing: Timing) -> None:
        """Remember how to ``read`` the document, which may raise DocumentInvalid; nothing is fetched yet."""
        self._name = name
        self._read = read
        self._timing = timing
        self._document: Document | None = None
        self._aged_at = self._lapses_at = self._next_fetch = float("-inf")
        self._lock = asyncio.Lock()

    @property
    def fresh(self) -> Document | None:
        """The document, where nobody need be asked for a newer one."""
        return self._document if time.monotonic() < self._aged_at else None

    async def get(self, wanted: Callable[[Document], bool] = lambda _: True) -> Document:
        """The newest version that can be had, ``wanted`` or not; may wait for the issuer, by default at most 5 seconds.

        Raises:
            IssuerUnavailable: there is none.
        """
        if not self._has(wanted, self._held if self._lock.locked() else self.fresh):
            async with self._lock:
                if not self._has(wanted, self.fresh) and time.monotonic() >= self._next_fetch:
                    await self._refresh()
        held = self._held
        if held is None:
            raise IssuerUnavailable
        return held

    @property
    def _held(self) -> Document | None:
        return self._document if time.monotonic() < self._lapses_at else None

    @staticmethod
    def _has(wanted: Callable[[Document], bool], document: Document | None) -> bool:
        return document is not None and wanted(document)

    async def _refresh(self) -> None:
        timing = self._timing
        try:
            async with asyncio.timeout(timing.fetch_seconds):
                self._document = await self._read()
            self._aged_at = time.monotonic() + timing.max_age_seconds
            self._lapses_at = time.monotonic() + timing.lapse_seconds
            _log.info("the %s of the issuer were read", self._name)
        except (DocumentInvalid, IssuerUnavailable, TimeoutError) as error:
            _log.error("the %s of the issuer could not be read", self._name, extra={"error": type(error).__name__})
        finally:
            # Also when the caller hangs up: the next one must not make us fetch again at once, nor must those who wait.
            pause = timing.refresh_seconds if self._document is not None else min(RETRY_SECONDS, timing.refresh_seconds)
            self._next_fetch = time.monotonic() + pause
            # Until then the document is as fresh as can be.
            self._aged_at = min(max(self._aged_at, self._next_fetch), self._lapses_at)
