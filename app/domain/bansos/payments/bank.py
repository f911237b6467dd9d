"""Sends files to a bank and takes its answers, as docs/bank-files.md has it: patiently, and as often as it takes.

The same file may be sent any number of times: the bank gives the same answer, for it knows the order, the kind and the number.
"""

import asyncio
import ipaddress
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr, ValidationError

from app.domain.bansos.payments.bank_errors import (
    BankAnswerInvalid,
    BankDenied,
    BankRejected,
    BankUnavailable,
    BankUrlInsecure,
)
from app.domain.bansos.payments.contract import ACCOUNTS_PATH, FILE_TYPE, FILES_PATH, LARGEST_FILE, Opened, Opening
from app.settings import Settings

Waiting = Callable[[], Awaitable[None]]
"""Called again and again while there is nothing to do but wait; what it raises ends the waiting."""
Taking = Callable[[bytes], Awaitable[None]]
"""Takes the next part of an answer."""
_DENIED: Final = frozenset({401, 403})
_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_TICK_SECONDS: Final = 1.0
_PIECE: Final = 262_144

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a bank is waited for, in seconds."""

    answer_seconds: float = 300.0
    """For one answer, from the first byte sent to the last one read."""
    first_pause: float = 1.0
    """After the first failure; each one after that takes twice as long, up to ``longest_pause``."""
    longest_pause: float = 120.0
    total_seconds: float = 1_800.0
    """For one file, all failures together."""


USUAL: Final = Patience()


class _NotNow(Exception):
    """It could not be asked, or asks to be asked later: in ``seconds``, where it says so."""

    def __init__(self, fault: str, seconds: float | None = None) -> None:
        super().__init__(fault)
        self.fault, self.seconds = fault, seconds


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class BankClient:
    """One conversation with a bank; a context manager that keeps its connection."""

    def __init__(self, url: str, token: SecretStr | None, *, patience: Patience = USUAL) -> None:
        """Speak with the bank at ``url``; nothing is sent yet.

        Raises:
            BankUrlInsecure: others could read along.
        """
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            raise BankUrlInsecure from None
        is_here = _is_here(host)
        if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_here)):
            raise BankUrlInsecure
        self._url, self._patience = url.rstrip("/"), patience
        # Compression is declined, so that a small answer cannot unfold into a large one; redirects are not followed.
        headers = {"accept-encoding": "identity"}
        if token is not None and token.get_secret_value():
            headers["authorization"] = f"Bearer {token.get_secret_value()}"
        self._http = httpx2.AsyncClient(headers=headers, timeout=patience.answer_seconds, trust_env=not is_here)

    @classmethod
    def of_settings(cls, settings: Settings) -> Self | None:
        """As the settings say; None where they name no bank.

        Raises:
            BankUrlInsecure: others could read along.
        """
        return None if settings.bank_url is None else cls(settings.bank_url, settings.bank_token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def send(
        self, pieces: Callable[[], AsyncIterator[bytes]], begin: Callable[[], Awaitable[Taking]], *, waiting: Waiting
    ) -> None:
        """Send the file of ``pieces`` and hand the answer on: to what ``begin`` makes, which begins anew with each attempt.

        Raises:
            BankUnavailable: the bank did not answer for as long as our patience lasts.
            BankDenied, BankRejected: it refuses us, or the file.
            BankAnswerInvalid: the answer is larger than it can be.
        """

        async def attempt() -> None:
            await self._exchange(FILES_PATH, FILE_TYPE, pieces(), await begin(), LARGEST_FILE)

        await self._patiently(attempt, waiting)

    async def open_accounts(self, opening: Opening, *, waiting: Waiting) -> Opened:
        """Have accounts opened; which are open by now, and their cards.

        Raises:
            BankUnavailable, BankDenied, BankRejected: as for ``send``.
            BankAnswerInvalid: the answer is not what was asked for.
        """
        body = opening.model_dump_json(by_alias=True).encode()
        answer = bytearray()

        async def take(piece: bytes) -> None:
            answer.extend(piece)

        async def attempt() -> None:
            answer.clear()
            await self._exchange(ACCOUNTS_PATH, "application/json", body, take, _PIECE)

        await self._patiently(attempt, waiting)
        try:
            opened = Opened.model_validate_json(bytes(answer))
        except ValidationError:
            # What it quotes came from outside and may be anything.
            raise BankAnswerInvalid from None
        named = [account.reference for account in opened.accounts]
        if len(set(named)) != len(named) or not set(named) <= set(opening.references):
            raise BankAnswerInvalid
        return opened

    async def _patiently(self, attempt: Callable[[], Awaitable[None]], waiting: Waiting) -> None:
        gives_up_at = time.monotonic() + self._patience.total_seconds
        pause = self._patience.first_pause
        while True:
            try:
                await attempt()
            except _NotNow as later:
                seconds = min(later.seconds if later.seconds is not None else pause, self._patience.longest_pause)
                if time.monotonic() + seconds > gives_up_at:
                    raise BankUnavailable(later.fault) from None
                _log.warning("the bank is asked again later", extra={"fault": later.fault, "seconds": seconds})
                await _wait(seconds, waiting)
                pause = min(2 * pause, self._patience.longest_pause)
            else:
                return

    async def _exchange(
        self, path: str, content_type: str, content: bytes | AsyncIterator[bytes], take: Taking, most: int
    ) -> None:
        try:
            async with (
                asyncio.timeout(self._patience.answer_seconds),
                self._http.stream(
                    "POST", f"{self._url}{path}", content=content, headers={"content-type": content_type}
                ) as response,
            ):
                _check_status(response)
                size = 0
                async for piece in response.aiter_raw(_PIECE):
                    size += len(piece)
                    if size > most:
                        raise BankAnswerInvalid
                    await take(piece)
        except TimeoutError:
            raise _NotNow("no answer in time") from None
        except httpx2.HTTPError as error:
            # Its text may quote the address; what kind of failure it is says enough.
            raise _NotNow(type(error).__name__) from None


async def _wait(seconds: float, waiting: Waiting) -> None:
    ends_at = time.monotonic() + seconds
    while (left := ends_at - time.monotonic()) > 0:
        await waiting()
        await asyncio.sleep(min(left, _TICK_SECONDS))


def _check_status(response: httpx2.Response) -> None:
    status = response.status_code
    if status == httpx2.codes.OK:
        return
    if status in _DENIED:
        raise BankDenied(status)
    if status in _TRANSIENT:
        after = response.headers.get("retry-after", "").strip()
        raise _NotNow(f"status {status}", float(after) if after.isascii() and after.isdigit() else None)
    raise BankRejected(status)
