"""What HTTP and WebSocket share: an operation is prepared, paid for, waits for its turn, and runs within its time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from graphql import OperationType

from app.authz.authorize import Access
from app.schema.language import Language
from app.schema.operations import Answered, Asked, Operations, Prepared
from app.web.bodies import BadRequest
from app.web.gate import Gate
from app.web.rates import Budget, Rates


class MethodNotAllowed(BadRequest):
    """The HTTP method does not do that; ``allow`` names the one that does."""

    allow: Final = "POST"

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


class Execution:
    """Runs operations for whoever brings them."""

    def __init__(self, operations: Operations, *, rates: Rates, gate: Gate, request_seconds: float) -> None:
        self._operations = operations
        self._rates, self._gate = rates, gate
        self._request_seconds = request_seconds

    async def prepare(self, asked: Asked, access: Access | None) -> tuple[Prepared, Budget]:
        """The operation of ``asked``, charged to its caller.

        Raises:
            DomainError, DocumentRefused, Unauthenticated: as ``Operations.prepare``; or the caller asks for too much.
        """
        prepared = await self._operations.prepare(asked, access)
        return prepared, self._rates.charge(str(prepared.access.principal.id), prepared.cost)

    async def answer(
        self, asked: Asked, access: Access | None, *, language: Language, request_id: str, queries_only: bool = False
    ) -> tuple[Prepared, Answered]:
        """Run a query, or a mutation unless ``queries_only``.

        Raises:
            TimeoutError: it took longer than a request may.
            DomainError, DocumentRefused, Unauthenticated: it cannot be executed.
        """
        prepared, budget = await self.prepare(asked, access)
        if prepared.kind is not OperationType.QUERY and queries_only:
            raise MethodNotAllowed
        if prepared.kind is OperationType.SUBSCRIPTION:
            raise StreamNeeded
        async with self._gate.enter(str(prepared.access.principal.id)), asyncio.timeout(self._request_seconds):
            answered = await self._operations.answer(
                prepared, language=language, request_id=request_id, extensions=_told(prepared, budget)
            )
        return prepared, answered

    async def stream(
        self, prepared: Prepared, budget: Budget, *, language: Language, request_id: str
    ) -> AsyncIterator[Answered]:
        """The answers of a prepared operation of any kind: of a subscription as they come, else one."""
        if prepared.kind is OperationType.SUBSCRIPTION:
            async with aclosing(
                self._operations.subscribe(prepared, language=language, request_id=request_id)
            ) as answers:
                async for answered in answers:
                    yield answered
            return
        async with self._gate.enter(str(prepared.access.principal.id)), asyncio.timeout(self._request_seconds):
            answered = await self._operations.answer(
                prepared, language=language, request_id=request_id, extensions=_told(prepared, budget)
            )
        yield answered


def _told(prepared: Prepared, budget: Budget) -> bytes:
    return b'{"cost":{"requested":%d,"remaining":%d,"limit":%d,"resetsIn":%d}}' % (
        prepared.cost,
        budget.remaining,
        budget.limit,
        budget.resets_in,
    )
