"""A gateway to the civil registry that knows nobody: what it says of a NIK follows from the number and a seed alone.

It keeps the contract of docs/dukcapil.md, rate limit and idempotency included, and reports which batches it was asked for, so that a
demonstration and the tests have somebody to talk to. Rates: 83.9 % matched and 2.1 % dead is what the ministry published in October 2020
for 128,450,803 rows; how the others spread over the reasons is assumed.
"""

import asyncio
import hashlib
import random
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.domain.registry.dukcapil.contract import (
    LARGEST_REQUEST,
    MOST_ITEMS,
    PATH,
    Answer,
    Batch,
    Item,
    MatchResult,
    Result,
)

MATCHED_RATE: Final = 0.839
ASKED_PATH: Final = "/simulator/asked"
_OF_THE_UNMATCHED: Final = (
    (MatchResult.NIK_NOT_FOUND, 0.32),
    (MatchResult.NAME_DIFFERS, 0.25),
    (MatchResult.DECEASED, 0.13),  # 2.1 of the 16.1 % that do not match
    (MatchResult.BIRTH_DATE_DIFFERS, 0.12),
    (MatchResult.NIK_DUPLICATE, 0.10),
    (MatchResult.NOT_RECORDED, 0.07),
    (MatchResult.MOVED_ABROAD, 0.01),
)
_FEMALE_DAY: Final = 40
_REMEMBERED: Final = 2_000
_NO_NUMBER: Final = "0" * 16


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the gateway behaves; rates are shares of 1."""

    matched: float = MATCHED_RATE
    seed: int = 1
    token: str | None = None
    latency_seconds: float = 0.0
    failures: float = 0.0
    """Requests that end in 503, half of them after the batch was answered and remembered."""
    requests_per_second: float = 20.0


class _Remembered(NamedTuple):
    """A batch that was answered: what was in it, and the answer."""

    content: bytes
    answer: bytes
    persons: list[str]


class _Limit:
    """A token bucket that holds one second's worth."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._left = max(1.0, per_second)
        self._at = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._left = min(max(1.0, self._per_second), self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Gateway:
    """Answers batches, remembers the last 2,000 of them, and counts what it was asked."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._limit = _Limit(behaviour.requests_per_second)
        # S311: what fails is chosen by chance and protects nothing.
        self._chance = random.Random(behaviour.seed)  # noqa: S311  (failures by lot, nothing secret)
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()
        self._answered_again = 0
        self._refused: dict[str, int] = {}

    async def matches(self, request: Request) -> Response:
        """``POST /v1/matches``."""
        if not self._knows(request):
            return self._refuse(401, "TOKEN_INVALID", "The bearer token is missing or not known.")
        body = await _body(request)
        if body is None:
            return self._refuse(
                413, "TOO_LARGE", f"A request has at most {LARGEST_REQUEST} bytes and {MOST_ITEMS} items."
            )
        if not self._limit.take():
            return self._refuse(429, "TOO_MANY_REQUESTS", "Ask again later.", {"retry-after": "1"})
        fails = self._chance.random() < self._behaviour.failures
        late = fails and self._chance.random() < 0.5
        await asyncio.sleep(self._behaviour.latency_seconds)
        if fails and not late:
            return self._refuse(503, "UNAVAILABLE", "The civil registry does not answer.")
        answered = self._answer(body)
        return self._refuse(503, "UNAVAILABLE", "The answer was lost.") if late else answered

    async def asked(self, request: Request) -> Response:
        """``GET /simulator/asked``: what was asked so far, persons by the SHA-256 of their NIK."""
        if not self._knows(request):
            return self._refuse(401, "TOKEN_INVALID", "The bearer token is missing or not known.")
        batches = [{"batchId": key, "persons": each.persons} for key, each in self._remembered.items()]
        return JSONResponse({"batches": batches, "answeredAgain": self._answered_again, "refused": self._refused})

    def _knows(self, request: Request) -> bool:
        token = self._behaviour.token
        given = request.headers.get("authorization", "")
        return token is None or compare_digest(given.encode(), f"Bearer {token}".encode())

    def _refuse(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
        self._refused[code] = self._refused.get(code, 0) + 1
        return JSONResponse({"code": code, "message": message}, status, headers)

    def _answer(self, body: bytes) -> Response:
        try:
            batch = Batch.model_validate_json(body)
        except ValidationError as error:
            if _is_too_long(error):
                return self._refuse(413, "TOO_LARGE", f"A request has at most {MOST_ITEMS} items.")
            return self._refuse(422, "BATCH_INVALID", f"The batch is not valid: {'; '.join(_places(error.errors()))}.")
        if len({item.reference for item in batch.items}) < len(batch.items):
            return self._refuse(422, "BATCH_INVALID", "The batch is not valid: a reference stands twice.")
        content = hashlib.sha256(body).digest()
        before = self._remembered.get(batch.batch_id)
        if before is None:
            results = [self._result(item) for item in batch.items]
            answer = Answer(batch_id=batch.batch_id, results=results)
            persons = [hashlib.sha256(item.nik.encode()).hexdigest() for item in batch.items]
            before = _Remembered(content, answer.model_dump_json(by_alias=True, exclude_none=True).encode(), persons)
            self._remembered[batch.batch_id] = before
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        elif before.content != content:
            return self._refuse(409, "BATCH_DIFFERS", "This batch id belongs to other items.")
        else:
            self._answered_again += 1
        return Response(before.answer, media_type="application/json")

    def _result(self, item: Item) -> Result:
        result, score = verdict(item, matched=self._behaviour.matched, seed=self._behaviour.seed)
        return Result(reference=item.reference, result=result, name_score=score)


def verdict(item: Item, *, matched: float, seed: int) -> tuple[MatchResult, float | None]:
    """What the gateway says of ``item``, and how alike the names are; always the same for a number and a seed.

    Whoever would match does so only with the birth date that stands in the number, so that mending it helps.
    """
    if item.nik == _NO_NUMBER:
        return MatchResult.NIK_EMPTY, None
    digest = hashlib.blake2b(item.nik.encode(), key=str(seed).encode(), digest_size=16).digest()
    lot, shade = (int.from_bytes(part) / 2**64 for part in (digest[:8], digest[8:]))
    if lot < matched:
        agrees = item.birth_date is None or item.birth_date.strftime("%d%m%y") == _date_in(item.nik)
        return (MatchResult.MATCHED, 1.0) if agrees else (MatchResult.BIRTH_DATE_DIFFERS, 1.0)
    lot = (lot - matched) / (1 - matched)
    for result, share in _OF_THE_UNMATCHED:
        if lot < share:
            return result, round(0.80 + 0.19 * shade, 2) if result is MatchResult.NAME_DIFFERS else None
        lot -= share
    return MatchResult.NIK_NOT_FOUND, None


def _date_in(nik: str) -> str:
    """The birth date in a NIK as DDMMYY, a woman's day without the 40."""
    day = int(nik[6:8])
    return f"{day - _FEMALE_DAY if day > _FEMALE_DAY else day:02}{nik[8:12]}"


async def _body(request: Request) -> bytes | None:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_REQUEST:
            return None
    return bytes(body)


def _is_too_long(error: ValidationError) -> bool:
    return any(
        found["type"] == "too_long" and found["loc"] == ("items",) for found in error.errors(include_input=False)
    )


def _places(errors: Sequence[Any]) -> Iterable[str]:
    """Where the first of ``errors`` are; what was given there is nobody's business."""
    return [".".join(map(str, error["loc"])) or "JSON" for error in errors[:3]]


def simulator(behaviour: Behaviour) -> Starlette:
    """The gateway as an application."""
    gateway = Gateway(behaviour)
    return Starlette(
        routes=[
            Route(PATH, gateway.matches, methods=["POST"]),
            Route(ASKED_PATH, gateway.asked, methods=["GET"]),
        ]
    )
