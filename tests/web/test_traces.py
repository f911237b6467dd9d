"""Spans, as a collector gets them: of requests by their root field, of statements by their verb, of errors by their code."""

import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from app.authz.development import issue_token
from app.authz.roles import Role
from app.main import create_app
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.web.telemetry import Telemetry
from app.web.traces import Traces
from tests.support.client import Caller, enrol, served
from tests.support.collector import Collector, attributes, collecting
from tests.support.sabotage import when_persons_are_read
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

NAME = "Suwarsihrahayu"
PERSON = "query Secret($id: ID!) { person(id: $id) { name nikRevealed(purpose: COMPLAINT) } }"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


@asynccontextmanager
async def caller_of(settings: Settings, world: DatabaseServer) -> AsyncIterator[Caller]:
    """Somebody who asks an application of its own; when the context ends, the application has sent all its spans."""
    token = issue_token(settings, await enrol(world, (Role.REGENCY_ADMIN, BANYUMAS.code)))
    async with served(create_app(settings, world)) as http:
        yield Caller(http, token)


def server_spans(collector: Collector) -> list[Span]:
    return [span for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER]


def statements_of(collector: Collector, request: Span) -> list[Span]:
    return [span for span in collector.spans if span.parent_span_id == request.span_id]


async def test_a_request_is_a_span_with_its_statements_below_it(
    collector: Collector, api_settings: Settings, world: DatabaseServer
) -> None:
    async with caller_of(api_settings, world) as caller:
        answer = await caller.post("query Secret { page: families(first: 3) { nodes { headName } } }")
    (request,) = server_spans(collector)
    assert request.name == "query families"
    assert attributes(request) == {
        "graphql.operation.name": "families",
        "graphql.operation.type": "query",
        "http.response.status_code": 200,
        "kesos.request_id": answer.headers["x-request-id"],
        "url.path": "/graphql",
    }
    assert request.status.code == Status.STATUS_CODE_UNSET
    (read,) = [span for span in statements_of(collector, request) if span.name == "WITH postgresql"]
    assert read.kind == Span.SPAN_KIND_CLIENT
    assert attributes(read) == {"db.system.name": "postgresql", "db.operation.name": "WITH"}
    assert request.start_time_unix_nano <= read.start_time_unix_nano <= read.end_time_unix_nano
    assert collector.resource["service.name"] == "kesos"


async def test_the_caller_may_name_the_span_above_and_nothing_else(
    collector: Collector, api_settings: Settings, world: DatabaseServer
) -> None:
    async with caller_of(api_settings, world) as caller:
        await caller.post("{ me { permissions } }", traceparent=PARENT, tracestate=f"x={NAME}", baggage=f"x={NAME}")
        await caller.post("{ me { permissions } }", traceparent=NAME)
    below, alone = sorted(server_spans(collector), key=lambda span: span.parent_span_id, reverse=True)
    assert (below.trace_id.hex(), below.parent_span_id.hex()) == tuple(PARENT.split("-")[1:3])
    assert alone.parent_span_id == b""
    assert NAME.encode() not in collector.received


async def test_a_refusal_is_no_error_of_the_server_and_a_fault_is(
    collector: Collector,
    api_settings: Settings,
    world: DatabaseServer,
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    async with caller_of(api_settings, world) as caller:
        await caller.post("{ nothing }")
        async with when_persons_are_read(owner, f"raise exception '{NAME}' using errcode = 'XX001';"):
            await caller.post("{ families(first: 2) { nodes { members { name } } } }")
    refused, failed = sorted(server_spans(collector), key=lambda span: span.start_time_unix_nano)
    assert (attributes(refused)["error.type"], refused.status.code) == (
        "GRAPHQL_VALIDATION_FAILED",
        Status.STATUS_CODE_UNSET,
    )
    assert (attributes(failed)["error.type"], failed.status.code) == ("INTERNAL_ERROR", Status.STATUS_CODE_ERROR)
    broken = [span for span in statements_of(collector, failed) if span.status.code == Status.STATUS_CODE_ERROR]
    assert {attributes(span)["error.type"] for span in broken} == {"XX001"}
    assert [span.status.message for span in collector.spans if span.status.message] == []
    assert [event for span in collector.spans for event in span.events] == []


async def test_no_span_holds_what_a_caller_wrote_or_read(
    collector: Collector,
    api_settings: Settings,
    world: DatabaseServer,
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    person = await owner.fetchrow(
        "select id, name from person where regency_id = $1 and nik_sealed is not null", BANYUMAS.id
    )
    assert person is not None
    node = f"Person:{BANYUMAS.id}:{person['id']}"
    async with caller_of(api_settings, world) as caller:
        answer = await caller.query(PERSON, id=node)
        await caller.answer(f'query {NAME} {{ {NAME}: person(id: "{NAME}") {{ name }} }} # {NAME}')
        await caller.post("{ me { permissions } }", x_request_id=NAME, user_agent=NAME)
    assert len(server_spans(collector)) == 3
    texts = (
        NAME,
        "Secret",
        node,
        person["name"],
        answer["person"]["nikRevealed"],
        caller.token,
        "select",
        "kesos_scope",
    )
    assert [text for text in texts if text.encode() in collector.received] == []


async def test_writes_are_told_with_their_transaction(
    collector: Collector,
    api_settings: Settings,
    world: DatabaseServer,
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    person = await owner.fetchrow("select id from person where regency_id = $1 and nik_sealed is not null", BANYUMAS.id)
    assert person is not None
    async with caller_of(api_settings, world) as caller:
        await caller.query(PERSON, id=f"Person:{BANYUMAS.id}:{person['id']}")
    (request,) = server_spans(collector)
    verbs = {attributes(span)["db.operation.name"] for span in statements_of(collector, request)}
    assert {"WITH", "SELECT"} <= verbs


@pytest.mark.parametrize(
    "environment", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}]
)
def test_without_a_collector_there_are_no_spans(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Traces.of_environment() is None
    assert Telemetry.of_process().observer is None


def test_without_a_collector_the_sdk_is_not_even_loaded() -> None:
    program = "import sys, app.main; sys.exit('opentelemetry.sdk.trace' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=False).returncode == 0  # noqa: S603


async def test_a_collector_that_never_answers_does_not_keep_the_server_from_ending(
    monkeypatch: pytest.MonkeyPatch, api_settings: Settings, world: DatabaseServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr("app.web.traces._LAST_EXPORT_SECONDS", 0.2)
        async with caller_of(api_settings, world) as caller:
            await caller.query("{ me { permissions } }")
            began = time.monotonic()
        # The exporter itself would wait for ten seconds and try again.
        assert time.monotonic() - began < 5
