"""A bank that holds no money: what it says of a card follows from its token and a seed alone.

It keeps the contract of docs/bank-files.md, so that a demonstration and the tests have somebody to send files to. It remembers whom it has
paid, so that a test can ask whether anybody was paid twice.
"""

import asyncio
import hashlib
import io
import random
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final
from uuid import UUID

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.domain.bansos.models.payments import FileKind
from app.domain.bansos.payments.contract import (
    ACCOUNTS_PATH,
    FILE_TYPE,
    FILES_PATH,
    LARGEST_FILE,
    Opened,
    OpenedAccount,
    Opening,
)
from app.domain.bansos.payments.file_errors import (
    BankFileChecksumWrong,
    BankFileMalformed,
    BankFileTotalsWrong,
)
from app.domain.bansos.payments.files import ANSWERS, OK, BankFileReader, BankFileWriter, Line, rows_of

ASKED_PATH: Final = "/simulator/asked"
_WRONG: Final = (BankFileChecksumWrong, BankFileMalformed, BankFileTotalsWrong)
_WHY: Final = (("ACCOUNT_CLOSED", 0.5), ("NAME_MISMATCH", 0.3), ("DORMANT", 0.2))
"""Why an account is not good, and how often of those that are not. Assumed."""
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Habits:
    """How the bank behaves; rates are shares of 1."""

    bad_accounts: float = 0.03
    failed_top_ups: float = 0.01
    seed: int = 1
    token: str | None = None
    latency_seconds: float = 0.0
    failures: float = 0.0
    """Requests that end in 503, half of them after the file was worked on."""


def verdict(token: str, kind: FileKind, habits: Habits) -> str:
    """What the bank says of a card; always the same for a token, a kind and a seed."""
    rate = habits.bad_accounts if kind is FileKind.ACCOUNT_CHECK else habits.failed_top_ups
    lot = _lot(f"{kind.value}:{token}", habits.seed)
    if lot >= rate:
        return OK
    lot /= rate
    for code, share in _WHY:
        if lot < share:
            return code
        lot -= share
    return _WHY[0][0]


def _digest(text: str, seed: int) -> bytes:
    return hashlib.blake2b(text.encode(), key=str(seed).encode(), digest_size=16).digest()


def _lot(text: str, seed: int) -> float:
    return int.from_bytes(_digest(text, seed)[:8]) / 2**64


def card_of(reference: str, seed: int) -> OpenedAccount:
    """The card of an account that is opened for ``reference``: always the same."""
    digest = _digest(reference, seed)
    first = _LETTERS[digest[0] % len(_LETTERS)]
    return OpenedAccount(
        reference=reference,
        token=f"{first}{digest.hex()}",
        last_four=f"{int.from_bytes(digest[:8]) % 10_000:04}",
    )


class SimulatedBank:
    """Answers files, and counts what it was asked and whom it has paid."""

    def __init__(self, habits: Habits) -> None:
        self._habits = habits
        # S311: what fails is chosen by chance and protects nothing.
        self._chance = random.Random(habits.seed)  # noqa: S311  (failures by lot, nothing secret)
        self._seen: set[bytes] = set()
        self._answered_again = 0
        self._paid: dict[tuple[UUID, UUID], int] = {}
        self._opened = 0
        self._refused: dict[str, int] = {}

    async def files(self, request: Request) -> Response:
        """``POST /v1/files``."""
        if not self._knows(request):
            return self._refuse(401, "TOKEN_INVALID")
        body = await _body(request)
        if body is None:
            return self._refuse(413, "TOO_LARGE")
        fails = self._chance.random() < self._habits.failures
        late = fails and self._chance.random() < 0.5
        await asyncio.sleep(self._habits.latency_seconds)
        if fails and not late:
            return self._refuse(503, "UNAVAILABLE")
        answered = await asyncio.to_thread(self._answer, body)
        if answered is None:
            return self._refuse(422, "FILE_INVALID")
        return self._refuse(503, "UNAVAILABLE") if late else Response(answered, media_type=FILE_TYPE)

    async def accounts(self, request: Request) -> Response:
        """``POST /v1/accounts``."""
        if not self._knows(request):
            return self._refuse(401, "TOKEN_INVALID")
        try:
            opening = Opening.model_validate_json(await _body(request) or b"")
        except ValidationError:
            return self._refuse(422, "REQUEST_INVALID")
        self._opened += len(opening.references)
        accounts = [card_of(reference, self._habits.seed) for reference in opening.references]
        return Response(Opened(accounts=accounts).model_dump_json(by_alias=True), media_type="application/json")

    async def asked(self, request: Request) -> Response:
        """``GET /simulator/asked``: what was asked so far, and what was paid out in all."""
        if not self._knows(request):
            return self._refuse(401, "TOKEN_INVALID")
        return JSONResponse(
            {
                "files": len(self._seen),
                "answeredAgain": self._answered_again,
                "families": len(self._paid),
                "paid": sum(self._paid.values()),
                "opened": self._opened,
                "refused": self._refused,
            }
        )

    def _knows(self, request: Request) -> bool:
        token = self._habits.token
        given = request.headers.get("authorization", "")
        return token is None or compare_digest(given.encode(), f"Bearer {token}".encode())

    def _refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> Response:
        self._refused[code] = self._refused.get(code, 0) + 1
        return JSONResponse({"code": code}, status, headers)

    def _answer(self, body: bytes) -> bytes | None:
        """The answer to a file; None where it cannot be believed. It has the date of the file: so the same file has the same answer."""
        try:
            reading = BankFileReader.of(rows_of(io.BytesIO(body)))
            lines = list(reading.lines())
        except _WRONG:
            return None
        kind = reading.header.kind
        if kind not in ANSWERS:
            return None
        digest = hashlib.sha256(body).digest()
        self._answered_again += digest in self._seen
        self._seen.add(digest)
        answers = [
            Line(each.entitlement_id, each.token, each.last_four, each.amount, verdict(each.token, kind, self._habits))
            for each in lines
        ]
        if kind is FileKind.TOP_UP:
            order = reading.header.order_id
            self._paid |= {(order, each.entitlement_id): each.amount for each in answers if each.result == OK}
        target = io.BytesIO()
        writer = BankFileWriter(target, reading.format, reading.header._replace(kind=ANSWERS[kind]))
        writer.write(answers)
        writer.end()
        return target.getvalue()


async def _body(request: Request) -> bytes | None:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FILE:
            return None
    return bytes(body)


def bank(habits: Habits) -> Starlette:
    """The bank as an application."""
    simulated = SimulatedBank(habits)
    return Starlette(
        routes=[
            Route(FILES_PATH, simulated.files, methods=["POST"]),
            Route(ACCOUNTS_PATH, simulated.accounts, methods=["POST"]),
            Route(ASKED_PATH, simulated.asked, methods=["GET"]),
        ]
    )
