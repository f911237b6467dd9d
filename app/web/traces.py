"""Spans of requests and of the statements that they run, sent by OpenTelemetry to a collector of the operator.

Off unless the environment names a collector (the standard ``OTEL_EXPORTER_OTLP_ENDPOINT``), and then the SDK is not even imported.
A span holds names of this program and codes: never a document, a variable, SQL, a parameter, or what an exception says.
"""

import threading
import time
from collections.abc import Mapping
from contextvars import Token
from os import environ
from typing import TYPE_CHECKING, Final, Self

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.tenants.observation import RanStatement

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PARENT: Final = "traceparent"
_LAST_EXPORT_SECONDS: Final = 5.0


class RequestSpan:
    """The span of a request, current for the task that answers it."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[Context] = context.attach(trace.set_span_in_context(span))

    def end(self, operation: str, kind: str, status: int, code: str | None, *, failed: bool) -> None:
        """Say what came of it. ``operation`` and ``kind`` are names of this program, ``code`` that of the first error."""
        context.detach(self._token)
        span = self._span
        if span.is_recording():
            span.update_name(f"{kind} {operation}")
            span.set_attribute("graphql.operation.name", operation)
            span.set_attribute("graphql.operation.type", kind)
            span.set_attribute("http.response.status_code", status)
            if code is not None:
                span.set_attribute("error.type", code)
            if failed:
                span.set_status(StatusCode.ERROR)
        span.end()


class Traces:
    """Makes spans and hands them to the exporter."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(__name__)
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def of_environment(cls) -> Self | None:
        """Traces to the collector that OpenTelemetry's own variables name; None where they name none or say no."""
        if not any(map(environ.get, _ENDPOINTS)) or environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return None
        # A quarter of the time and of the memory that starting takes; most processes do without.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  (as said above)
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415  (as said above)
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  (as said above)
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  (as said above)

        ours = Resource.create({"service.name": "kesos"})
        provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return cls(provider)

    def begin(self, request_id: str, headers: Mapping[str, str]) -> RequestSpan:
        """The span of a request, below that which its ``traceparent`` names."""
        # Its tracestate is left alone: it is free text of the caller.
        parent = headers.get(_PARENT)
        above = self._propagator.extract({_PARENT: parent}, Context()) if parent is not None else Context()
        span = self._tracer.start_span(
            "graphql", above, SpanKind.SERVER, attributes={"kesos.request_id": request_id, "url.path": "/graphql"}
        )
        return RequestSpan(span)

    def statement(self, ran: RanStatement) -> None:
        """A span for a statement that has just ended, below that of the request that ran it; none for what no request ran."""
        if not trace.get_current_span().get_span_context().is_valid:
            return
        ended = time.time_ns()
        span = self._tracer.start_span(
            f"{ran.verb} postgresql",
            kind=SpanKind.CLIENT,
            start_time=ended - int(ran.seconds * 1e9),
            attributes={"db.system.name": "postgresql", "db.operation.name": ran.verb},
        )
        if ran.failure is not None:
            span.set_attribute("error.type", ran.failure)
            span.set_status(StatusCode.ERROR)
        span.end(ended)

    def close(self) -> None:
        """Send what is left; blocks for at most five seconds, even if the collector never answers."""
        # The SDK would wait for half a minute, and again when the process ends.
        last = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        last.start()
        last.join(_LAST_EXPORT_SECONDS)
