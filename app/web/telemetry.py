"""What is told about a request: a line in the log, counts and seconds for Prometheus, a span for OpenTelemetry.

The endpoint says three things, what is asked, what came of it, and nothing more::

    with telemetry.request(request_id, request.headers) as told:
        ...
        told.asked(operation.node, operation.fragments, access.principal.id)
        ...
        told.answered(response.status_code, code_of_the_first_error)

Nothing that a caller wrote is ever told: an operation is called by the root field that it asks for, not by the name that its caller
gave it, and errors by their code.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import Token
from http import HTTPStatus
from time import perf_counter
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)
from graphql.execution.collect_fields import FragmentDetails
from structlog.typing import FilteringBoundLogger

from app.schema import errors
from app.tenants.observation import Observer
from app.web import logs
from app.web.metrics import Metrics
from app.web.traces import RequestSpan, Traces

OK: Final = "ok"
CANCELLED: Final = "CANCELLED"
CALLER_HUNG_UP: Final = 499
UNREAD: Final = "unread"
SEVERAL: Final = "several"
INTROSPECTION: Final = "introspection"
UPLOAD: Final = "upload"
"""What files that are sent in are called, and their kind beside query, mutation and subscription."""
DOWNLOAD: Final = "download"
"""What fetching a file is called, and its kind: never by its link."""
SLOW_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 1.0
_LASTING: Final = frozenset({OperationType.SUBSCRIPTION.value, UPLOAD, DOWNLOAD})
_FAULTS: Final = frozenset(
    code for code, status in errors.HTTP_STATUS.items() if status >= HTTPStatus.INTERNAL_SERVER_ERROR
)
"""Codes that no caller is to blame for, even in an answer with status 200."""

_log = logging.getLogger(__name__)


def operation_label(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDetails]) -> str:
    """What a valid operation is called: its root field, "several" where it has more, "introspection" where it has no real one."""
    fields = set(_root_fields(operation.selection_set, fragments, set()))
    real = {name for name in fields if not name.startswith("__")}
    if len(real) > 1:
        return SEVERAL
    return real.pop() if real else INTROSPECTION


def _root_fields(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDetails], seen: set[str]
) -> Iterator[str]:
    for selection in selections.selections:
        match selection:
            case FieldNode():
                yield selection.name.value
            case InlineFragmentNode():
                yield from _root_fields(selection.selection_set, fragments, seen)
            case FragmentSpreadNode() if selection.name.value not in seen:
                seen.add(selection.name.value)
                yield from _root_fields(fragments[selection.name.value].definition.selection_set, fragments, seen)


class Telemetry:
    """Everything that one application tells about its requests."""

    def __init__(self, metrics: Metrics, traces: Traces | None, line: FilteringBoundLogger | None) -> None:
        """Count in ``metrics``; make spans and write lines where there is somebody to read them."""
        self.metrics = metrics
        self._traces = traces
        self._line = line

    @classmethod
    def of_process(cls) -> Self:
        """As this process was set up: by ``logs.configure``, and by the variables of OpenTelemetry and prometheus-client."""
        return cls(Metrics(), Traces.of_environment(), logs.request_line())

    @property
    def observer(self) -> Observer | None:
        """Who is to be told of every statement; None where nobody wants to know."""
        return None if self._traces is None else self._traces.statement

    def request(self, request_id: str, headers: Mapping[str, str]) -> "RequestTelemetry":
        """The request ``request_id`` with its HTTP headers, told of when the context ends."""
        return RequestTelemetry(self.metrics, self._traces, self._line, request_id, headers)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at the vitals of the process every second; send the last spans at the end."""
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
            if self._traces is not None:
                await asyncio.to_thread(self._traces.close)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LOOK_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                self.metrics.look(max(0.0, loop.time() - due))
            except Exception:  # noqa: BLE001  (a number that cannot be had must not end the others)
                _log.exception("the vitals of the process could not be read")


class RequestTelemetry:
    """One request, from its first byte to its last."""

    __slots__ = (
        "_began", "_code", "_headers", "_kind", "_line", "_metrics", "_operation", "_span", "_status", "_token", "_traces",
        "is_over", "principal_id", "request_id",
    )  # fmt: skip

    def __init__(
        self,
        metrics: Metrics,
        traces: Traces | None,
        line: FilteringBoundLogger | None,
        request_id: str,
        headers: Mapping[str, str],
    ) -> None:
        self._metrics, self._traces, self._line, self._headers = metrics, traces, line, headers
        self.request_id = logs.identified(request_id)
        self.principal_id: UUID | None = None
        self.is_over = False
        self._operation = self._kind = UNREAD
        self._status = int(HTTPStatus.INTERNAL_SERVER_ERROR)
        self._code: str | None = None
        self._span: RequestSpan | None = None

    def __enter__(self) -> Self:
        self._token: Token[logs.Ongoing | None] = logs.ongoing.set(self)
        self._metrics.in_flight += 1
        if self._traces is not None:
            self._span = self._traces.begin(self.request_id, self._headers)
        self._began = perf_counter()
        return self

    def asked(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDetails],
        principal_id: UUID | None,
    ) -> None:
        """What is asked, once the document is known to be valid, and who asks, None where that is nobody known."""
        self._operation = self._metrics.operations[operation_label(operation, fragments)]
        self._kind = operation.operation.value
        self.principal_id = principal_id

    def named(self, operation: str, kind: str, principal_id: UUID | None) -> None:
        """What is asked by something else than a document of GraphQL: a name and a kind of this program, never a caller's words."""
        self._operation, self._kind, self.principal_id = operation, kind, principal_id

    def answered(self, status: int, code: str | None = None) -> None:
        """What came of it: the HTTP status, and the code of the first error."""
        self._status, self._code = status, None if code is None else self._metrics.outcomes[code]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = perf_counter() - self._began
        if isinstance(error, asyncio.CancelledError):
            self._status, self._code = CALLER_HUNG_UP, CANCELLED
        elif error is not None:
            self._status, self._code = int(HTTPStatus.INTERNAL_SERVER_ERROR), errors.INTERNAL
        self._metrics.in_flight -= 1
        self._metrics.answered(self._operation, self._kind, self._code or OK, None if self._lasts else seconds)
        if self._line is not None:
            self._write(self._line, seconds)
        if self._span is not None:
            self._span.end(self._operation, self._kind, self._status, self._code, failed=self._is_fault)
        self.is_over = True
        logs.ongoing.reset(self._token)

    @property
    def _is_fault(self) -> bool:
        return self._status >= HTTPStatus.INTERNAL_SERVER_ERROR or self._code in _FAULTS

    @property
    def _lasts(self) -> bool:
        """Whether the request goes on for as long as its caller listens or sends, so that its seconds mean nothing."""
        return self._kind in _LASTING

    def _write(self, line: FilteringBoundLogger, seconds: float) -> None:
        level = logging.INFO
        if self._code in {errors.INTERNAL, errors.UNAVAILABLE}:
            level = logging.ERROR
        elif self._is_fault or (seconds >= SLOW_SECONDS and not self._lasts):
            level = logging.WARNING
        line.log(
            level,
            "request",
            request_id=self.request_id,
            principal_id=self.principal_id,
            operation=self._operation,
            type=self._kind,
            status=self._status,
            code=self._code,
            milliseconds=round(seconds * 1_000, 3),
        )
