"""What HTTP and WebSocket share: an operation is prepared, paid for, waits for its turn, and runs within its time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from math import inf
from typing import Final
from uuid import UUID, uuid5

from graphql import OperationType

from app.authz.authorize import Access
from app.schema.language import Language
from app.schema.operations import Answered, Asked, Operations, Prepared
from app.schema.plan.planner import Made
from app.web.gate import Gate, Workshop
from app.web.rates import Budget, Rates
from app.web.refusals import BadRequest, TookTooLong
from app.web.standing import Following


class MethodNotAllowed(BadRequest):
    """The HTTP method does not do that."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Which method does it."""
        return {**super().headers, "allow": "POST"}

    def __init__(self) -> None:
        super().__init__(
            "Kirim mutation dan subscription dengan POST; GET hanya untuk query.",
            "Send mutations and subscriptions with POST; GET is for queries.",
            405,
        )


class StreamNeeded(BadRequest):
    """A subscription was sent where one answer is expected."""

    def __init__(self) -> None:
        super().__init__(
            "Subscription memerlukan aliran: pakai WebSocket (graphql-transport-ws) atau Accept: text/event-stream.",
            "A subscription needs a stream: use a WebSocket (graphql-transport-ws) or Accept: text/event-stream.",
            400,
        )


_PUBLIC_CALLERS: Final = UUID("6b1d7f0e-57a5-4a54-9d6b-8c0d6a3c9a11")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and from where. Whoever has no token is counted by address."""

    access: Access | None
    address: str

    @property
    def id(self) -> UUID:
        """Whose limits, budget and turns these are."""
        return self.access.principal.id if self.access is not None else uuid5(_PUBLIC_CALLERS, self.address)


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of a caller: the language of its messages, and the id that its answer and its log entries carry.

    ``staleness``: what is younger than so many seconds may be missing in the answer of a query, as far as the caller is concerned.
    """

    language: Language
    request_id: str
    staleness: float = inf


@dataclass(frozen=True, slots=True)
class Charged:
    """An operation that may run, the caller that it was charged to, and what is left to that caller."""

    prepared: Prepared
    caller: Caller
    budget: Budget

    @property
    def extensions(self) -> bytes:
        """What an answer tells about its cost, as JSON."""
        budget = self.budget
        return b'{"cost":{"requested":%d,"remaining":%d,"limit":%d,"resetsIn":%d}}' % (
            self.prepared.cost,
            budget.remaining,
            budget.limit,
            budget.resets_in,
        )


@dataclass(frozen=True, slots=True)
class _Effort:
    """What is new to this process is counted, and read and planned beside the event loop, the callers in turns."""

    rates: Rates
    workshop: Workshop
    caller_id: UUID

    def charge(self, characters: int) -> None:
        self.rates.count_document(self.caller_id, characters)

    async def run(self, work: Callable[[], Made]) -> Made:
        return await self.workshop.run(self.caller_id, work)


class Execution:
    """Runs operations for whoever brings them."""

    def __init__(
        self, operations: Operations, *, rates: Rates, gate: Gate, workshop: Workshop, request_seconds: float
    ) -> None:
        self._operations = operations
        self._rates, self._gate, self._workshop = rates, gate, workshop
        self._request_seconds = request_seconds

    async def prepare(self, asked: Asked, caller: Caller) -> Charged:
        """The operation of ``asked``, charged to ``caller``.

        Raises:
            DomainError, DocumentRefused, Unauthenticated: as ``Operations.prepare``; or the caller asks for too much.
        """
        effort = _Effort(self._rates, self._workshop, caller.id)
        prepared = await self._operations.prepare(asked, caller.access, effort)
        return Charged(prepared, caller, self._rates.charge(caller.id, prepared.cost))

    async def answer(self, charged: Charged, turn: Turn) -> Answered:
        """Run a query or a mutation.

        Raises:
            TookTooLong: it took longer than a request may.
            Overloaded: too many wait already.
            StreamNeeded: it is a subscription.
        """
        prepared = charged.prepared
        if prepared.kind is OperationType.SUBSCRIPTION:
            raise StreamNeeded
        try:
            async with asyncio.timeout(self._request_seconds):
                return await self._operations.answer(
                    prepared,
                    self._gate.enter(charged.caller.id, prepared.cost),
                    language=turn.language,
                    request_id=turn.request_id,
                    staleness=turn.staleness,
                    extensions=charged.extensions,
                )
        except TimeoutError as error:
            raise TookTooLong(self._request_seconds) from error

    async def stream(self, charged: Charged, turn: Turn, following: Following) -> AsyncGenerator[Answered, None]:
        """The answers of an operation of any kind: of a subscription as they come, else one.

        ``following`` tells a subscription of changes of its caller's access.
        """
        if charged.prepared.kind is not OperationType.SUBSCRIPTION:
            yield await self.answer(charged, turn)
            return
        answers = self._operations.subscribe(
            charged.prepared, following.changes, language=turn.language, request_id=turn.request_id
        )
        async with aclosing(answers):
            async for answered in answers:
                yield answered
                # A source that has much to tell at once leaves others their turn, and hears that nobody listens any more.
                await asyncio.sleep(0)
