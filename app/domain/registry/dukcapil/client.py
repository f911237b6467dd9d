"""Asks the civil registry, as docs/dukcapil.md has it: patiently, not too often, and believing no more than it was asked for."""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
from pydantic import SecretStr, ValidationError

from app.domain.registry.dukcapil.contract import LARGEST_ANSWER, PATH, Answer, Batch, MatchResult
from app.domain.registry.dukcapil.errors import (
    DukcapilAnswerInvalid,
    DukcapilDenied,
    DukcapilRejected,
    DukcapilUnavailable,
    DukcapilUnconfigured,
    DukcapilUrlInsecure,
)
from app.settings import Settings

Waiting = Callable[[], Awaitable[None]]
"""Called again and again while there is nothing to do but wait; what it raises ends the waiting."""
_DENIED: Final = frozenset({401, 403})
_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_TICK_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the civil registry is waited for, in seconds."""

    answer_seconds: float = 60.0
    """For one answer, from the first byte sent to the last one read."""
    first_pause: float = 1.0
    """After the first failure; each one after that takes twice as long, up to ``longest_pause``."""
    longest_pause: float = 120.0
    """Also where it asks for more by ``Retry-After``."""
    total_seconds: float = 900.0
    """For one batch, all failures together."""


USUAL: Final = Patience()


class _NotNow(Exception):
    """It could not be asked, or asks to be asked later: in ``seconds``, where it says so."""

    def __init__(self, fault: str, seconds: float | None = None) -> None:
        super().__init__(fault)
        self.fault = fault
        self.seconds = seconds


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _place_of(url: str) -> tuple[str, bool]:
    """``url`` without its last slash, and whether it leads to this machine.

    Raises:
        DukcapilUrlInsecure: others could read along.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise DukcapilUrlInsecure from None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))):
        raise DukcapilUrlInsecure
    return url.rstrip("/"), _is_here(host)


class DukcapilClient:
    """One conversation with the civil registry; a context manager that keeps its connection."""

    def __init__(
        self, url: str, token: SecretStr | None, *, requests_per_second: float, patience: Patience = USUAL
    ) -> None:
        """Ask at ``url`` at most ``requests_per_second``; nothing is sent yet.

        Raises:
            DukcapilUrlInsecure: others could read along.
        """
        self._url, is_here = _place_of(url)
        self._patience = patience
        self._interval = 1 / requests_per_second
        self._next_turn = float("-inf")
        # Compression is declined, so that a small answer cannot unfold into a large one; redirects are not followed.
        headers = {"accept": "application/json", "accept-encoding": "identity", "content-type": "application/json"}
        if token is not None and token.get_secret_value():
            headers["authorization"] = f"Bearer {token.get_secret_value()}"
        self._http = httpx2.AsyncClient(headers=headers, timeout=patience.answer_seconds, trust_env=not is_here)

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """As the settings say.

        Raises:
            DukcapilUnconfigured: they do not say where.
            DukcapilUrlInsecure: others could read along.
        """
        if settings.dukcapil_url is None:
            raise DukcapilUnconfigured
        return cls(
            settings.dukcapil_url,
            settings.dukcapil_token,
            requests_per_second=settings.dukcapil_requests_per_second,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def match(self, batch: Batch, *, waiting: Waiting) -> Mapping[str, MatchResult]:
        """What the civil registry says of each item of ``batch``, by reference.

        The same batch may be sent any number of times: it is about the same persons and has the same id.

        Raises:
            DukcapilUnavailable: it did not answer for as long as our patience lasts.
            DukcapilDenied, DukcapilRejected: it refuses us, or the batch.
            DukcapilAnswerInvalid: what it answered is not what it was asked for.
        """
        body = batch.model_dump_json(by_alias=True).encode()
        gives_up_at = time.monotonic() + self._patience.total_seconds
        pause = self._patience.first_pause
        while True:
            await self._wait(self._next_turn - time.monotonic(), waiting)
            self._next_turn = time.monotonic() + self._interval
            request_id = str(uuid4())
            try:
                return _results(await self._post(body, request_id), batch)
            except _NotNow as later:
                seconds = min(later.seconds if later.seconds is not None else pause, self._patience.longest_pause)
                if time.monotonic() + seconds > gives_up_at:
                    raise DukcapilUnavailable(later.fault) from None
                _log.warning(
                    "the civil registry is asked again later",
                    extra={"fault": later.fault, "seconds": seconds, "dukcapil_request": request_id},
                )
                await self._wait(seconds, waiting)
                pause = min(2 * pause, self._patience.longest_pause)

    async def _wait(self, seconds: float, waiting: Waiting) -> None:
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            await waiting()
            await asyncio.sleep(min(left, _TICK_SECONDS))

    async def _post(self, body: bytes, request_id: str) -> bytes:
        answer = bytearray()
        try:
            async with (
                asyncio.timeout(self._patience.answer_seconds),
                self._http.stream(
                    "POST", f"{self._url}{PATH}", content=body, headers={"x-request-id": request_id}
                ) as response,
            ):
                _check_status(response)
                async for part in response.aiter_raw():
                    answer += part
                    if len(answer) > LARGEST_ANSWER:
                        raise DukcapilAnswerInvalid("lebih besar daripada semestinya", "it is larger than it can be")
        except TimeoutError:
            raise _NotNow("no answer in time") from None
        except httpx2.HTTPError as error:
            # Its text may quote the address; what kind of failure it is says enough.
            raise _NotNow(type(error).__name__) from None
        return bytes(answer)


def _check_status(response: httpx2.Response) -> None:
    status = response.status_code
    if status == httpx2.codes.OK:
        return
    if status in _DENIED:
        raise DukcapilDenied(status)
    if status in _TRANSIENT:
        raise _NotNow(f"status {status}", _seconds_of(response.headers.get("retry-after", "")))
    raise DukcapilRejected(status)


def _seconds_of(retry_after: str) -> float | None:
    """What ``Retry-After`` asks for, in seconds or as a date; none where it is neither."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date in its old form has no zone; it means UTC.
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(tz=UTC)).total_seconds())


def _results(body: bytes, batch: Batch) -> Mapping[str, MatchResult]:
    """The results of ``batch`` in ``body``.

    Raises:
        DukcapilAnswerInvalid: it is not an answer to exactly this batch.
    """
    try:
        answer = Answer.model_validate_json(body)
    except ValidationError:
        # What it quotes came from outside and may be anything.
        raise DukcapilAnswerInvalid("bukan JSON menurut kontrak", "it is not the JSON of the contract") from None
    if answer.batch_id != batch.batch_id:
        raise DukcapilAnswerInvalid("untuk permintaan lain", "it is about another batch")
    results = {result.reference: result.result for result in answer.results}
    if len(results) != len(answer.results):
        raise DukcapilAnswerInvalid("seseorang disebut dua kali", "somebody stands in it twice")
    asked = {item.reference for item in batch.items}
    if not results.keys() <= asked:
        raise DukcapilAnswerInvalid(
            "menyebut orang yang tidak ditanyakan", "somebody stands in it who was not asked for"
        )
    if missing := len(asked) - len(results):
        raise DukcapilAnswerInvalid(f"{missing} orang tidak dijawab", f"{missing} persons are missing from it")
    return results
