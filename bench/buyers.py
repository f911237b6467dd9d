"""Clients that behave as badly as the field does: they cut connections, send things twice and at once, and send again what was answered."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import orjson

from bench.chaos import Server
from bench.market import REPORT, Stall

_PATIENCE: Final = 40.0
_PAUSE: Final = 0.2
_MOST_UNSURE: Final = 20
_SETTLED_WITHIN: Final = 300.0
_DONE: Final = "EwarongTransactionReported"
_FORGETFUL: Final = 0.10
"""Part of the requests whose answer is thrown away."""
_TWICE: Final = 0.06
_AGAIN: Final = 0.10
_OTHERWISE: Final = 0.03
_ELSEWHERE: Final = 0.25
"""Part of the purchases with a card that all outlets share."""


class Unanswered(Exception):
    """Nobody knows what came of a request."""


@dataclass(slots=True)
class Purchase:
    """What is bought under one key, and what is known of it."""

    stall: Stall
    given: dict[str, Any]
    answer: dict[str, Any] | None = None
    refused: str | None = None

    @property
    def key(self) -> UUID:
        """Its idempotency key."""
        return UUID(self.given["idempotencyKey"])


@dataclass(slots=True)
class Ledger:
    """What the clients know: every purchase, what went on, and whatever must not be."""

    purchases: list[Purchase] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)


class Buyer:
    """One client: an outlet that sells for as long as it is let."""

    def __init__(self, stall: Stall, shared: Sequence[str], servers: Sequence[Server], ledger: Ledger) -> None:
        self._stall, self._shared, self._servers, self._ledger = stall, shared, servers, ledger
        self._mine: list[Purchase] = []
        self._unsure: list[Purchase] = []
        self._link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def sell(self, until: float) -> None:
        """Sell until the clock of the event loop says ``until``."""
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            try:
                await self._act()
            except Unanswered:
                self._ledger.counted["not answered"] += 1
                await asyncio.sleep(random.uniform(0, _PAUSE))  # noqa: S311  (no secret)

    async def settle(self) -> None:
        """Ask for whatever is unsure until there is an answer; it is a breach where there is none for minutes."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _SETTLED_WITHIN
        while self._unsure:
            if loop.time() > until:
                self._ledger.breaches.append(f"{len(self._unsure)} keys of {self._stall.node} are never answered")
                break
            try:
                await self._ask(self._unsure[-1])
            except Unanswered:
                await asyncio.sleep(_PAUSE)
        self._hang_up()

    async def _act(self) -> None:
        lot = random.random()  # noqa: S311  (no secret)
        count = self._ledger.counted
        if self._unsure and (lot < 0.5 or len(self._unsure) > _MOST_UNSURE):
            count["asked again after a lost answer"] += 1
            await self._ask(self._unsure[-1])
        elif self._mine and lot < 0.5 + _AGAIN:
            count["sent again after the answer"] += 1
            await self._ask(random.choice(self._mine))  # noqa: S311
        elif self._mine and lot < 0.5 + _AGAIN + _OTHERWISE:
            count["the same key for something else"] += 1
            await self._contradict(random.choice(self._mine))  # noqa: S311
        else:
            await self._buy()

    async def _buy(self) -> None:
        pool = self._shared if random.random() < _ELSEWHERE else self._stall.cards  # noqa: S311
        purchase = Purchase(self._stall, self._stall.purchase(random.choice(pool), uuid4()))  # noqa: S311
        self._ledger.purchases.append(purchase)
        self._unsure.append(purchase)
        lot = random.random()  # noqa: S311
        if lot < _FORGETFUL:
            self._ledger.counted["answers thrown away"] += 1
            await self._throw_away(purchase)
        elif lot < _FORGETFUL + _TWICE:
            self._ledger.counted["sent twice at once"] += 1
            other = Buyer(self._stall, self._shared, self._servers, self._ledger)
            both = await asyncio.gather(self._ask(purchase), other._ask(purchase), return_exceptions=True)
            other._hang_up()
            for each in both:
                if isinstance(each, BaseException):
                    raise each
        else:
            await self._ask(purchase)

    async def _ask(self, purchase: Purchase) -> None:
        """Send ``purchase`` and keep what is answered.

        Raises:
            Unanswered: there is no answer.
        """
        answer = await self._send(purchase.given)
        kind = answer["__typename"]
        self._ledger.counted[kind if kind == _DONE else f"refused: {answer['code']}"] += 1
        if kind == _DONE:
            told = {**answer["transaction"]}
            if purchase.answer is None:
                purchase.answer = told
                self._mine.append(purchase)
            elif purchase.answer != told:
                self._ledger.breaches.append(f"{purchase.key} was answered as {purchase.answer}, then as {told}")
        elif purchase.answer is not None:
            self._ledger.breaches.append(f"{purchase.key} was acknowledged, and then refused: {answer['code']}")
        else:
            purchase.refused = answer["code"]
        with contextlib.suppress(ValueError):
            self._unsure.remove(purchase)

    async def _contradict(self, purchase: Purchase) -> None:
        answer = await self._send({**purchase.given, "total": None, "lines": purchase.given["lines"][:1]})
        if answer.get("code") != "IDEMPOTENCY_CONFLICT":
            self._ledger.breaches.append(f"{purchase.key} was taken for something else: {answer}")

    async def _throw_away(self, purchase: Purchase) -> None:
        """Send, and hang up before the answer, or in the middle of the request."""
        _, writer = await self._connected()
        request = self._request(purchase.given)
        cut = len(request) if random.random() < 0.8 else random.randrange(len(request))  # noqa: S311
        with contextlib.suppress(OSError):
            writer.write(request[:cut])
            await writer.drain()
            await asyncio.sleep(random.choice((0, 0, 0.002, 0.02)))  # noqa: S311
        self._hang_up()

    def _request(self, given: dict[str, Any]) -> bytes:
        body = orjson.dumps({"query": REPORT, "variables": {"input": given}})
        head = (
            f"POST /graphql HTTP/1.1\r\nhost: kesos\r\nauthorization: Bearer {self._stall.token}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        # Whoever was killed has closed it since; uvloop writes no more to such, and raises no OSError.
        if self._link is None or self._link[1].is_closing():
            port = random.choice(self._servers).port  # noqa: S311
            try:
                self._link = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 5)
            except (OSError, TimeoutError) as error:
                raise Unanswered from error
        return self._link

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link[1].transport.abort()
            self._link = None

    async def _send(self, given: dict[str, Any]) -> dict[str, Any]:
        """The member of the union that is answered.

        Raises:
            Unanswered: there is none.
        """
        reader, writer = await self._connected()
        try:
            async with asyncio.timeout(_PATIENCE):
                writer.write(self._request(given))
                await writer.drain()
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
                answer = orjson.loads(await reader.readexactly(length))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, IndexError, orjson.JSONDecodeError) as error:
            self._hang_up()
            raise Unanswered from error
        except BaseException:
            self._hang_up()
            raise
        found: dict[str, Any] | None = (answer.get("data") or {}).get("ewarongTransactionReport")
        if found is None:
            for each in answer.get("errors", ()):
                self._ledger.counted[f"error: {each['extensions']['code']}"] += 1
            raise Unanswered
        return found
