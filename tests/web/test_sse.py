"""Server-sent events as graphql-sse's mode of distinct connections has them, and what is tried against them."""

import asyncio
import logging
from collections.abc import Callable

import httpx2
import pytest
from starlette.applications import Starlette

from app.settings import Settings
from app.web.connections import GuardedConnection
from app.web.sockets import GuardedSocket
from app.web.streams import EventStream
from tests.support.sockets import PATIENCE_SECONDS, Live, Sources, live_on, until
from tests.support.world import BANYUMAS

ME = "{ me { principal { subject } } }"
EVENTS = "text/event-stream"


async def test_a_subscription_is_a_stream_of_events(live: Live, token: str) -> None:
    async with live.events(token, "subscription { few }") as events:
        headers = events.response.headers
        assert events.response.status_code == 200
        assert headers["content-type"].partition(";")[0] == EVENTS
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
        for number in range(3):
            assert await events.next() == ("next", {"data": {"few": number}})
        assert await events.next() == ("complete", None)
        assert await events.next() is None


async def test_a_query_is_one_event(live: Live, token: str, clerk: str) -> None:
    async with live.events(token, ME) as events:
        assert await events.data() == {"me": {"principal": {"subject": clerk}}}
        assert await events.next() == ("complete", None)


async def test_an_answer_over_several_lines_is_one_event(live: Live, token: str) -> None:
    """PostgreSQL breaks lines between the rows of a list."""
    async with live.events(token, "{ families(first: 3) { nodes { members { name } } } }") as events:
        families = (await events.data())["families"]["nodes"]
        assert BANYUMAS.mark in families[2]["members"][0]["name"]
        assert await events.next() == ("complete", None)


@pytest.mark.parametrize(
    ("document", "code"),
    [("subscription { nobody }", "GRAPHQL_VALIDATION_FAILED"), ("subscription {", "GRAPHQL_PARSE_FAILED")],
)
async def test_what_graphql_refuses_is_told_by_an_event(live: Live, token: str, document: str, code: str) -> None:
    async with live.events(token, document) as events:
        assert events.response.status_code == 200
        assert await events.codes() == [code]
        assert await events.next() == ("complete", None)
        assert await events.next() is None


@pytest.mark.parametrize(("token", "document"), [(None, ME), ("other", "subscription { few }")])
async def test_who_proves_nothing_gets_no_stream(live: Live, token: str | None, document: str) -> None:
    async with live.events(token, document) as events:
        assert events.response.status_code == 401
        assert events.response.headers["content-type"] == "application/json"


async def test_what_goes_wrong_while_listening_is_told_without_detail(live: Live, token: str) -> None:
    async with live.events(token, "subscription { broken }") as events:
        assert await events.data() == {"broken": 0}
        assert await events.codes() == ["INTERNAL_ERROR"]
        assert await events.next() == ("complete", None)


async def test_a_subscription_needs_a_stream_and_a_post(live: Live, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=live.address, trust_env=False, headers=headers) as http:
        document = "subscription { few }"
        plain = await http.post("/graphql", json={"query": document})
        assert (plain.status_code, plain.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
        got = await http.get("/graphql", params={"query": document}, headers={"accept": EVENTS})
        assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert Sources.open == 0


async def test_silence_is_broken_by_comments(live: Live, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventStream, "silence_seconds", 0.02)
    async with live.events(token, "subscription { silence }") as events:
        await events.data()
        assert await events.comment() == ":"
        assert await events.comment() == ":"


async def test_nothing_is_left_of_a_client_that_goes(live: Live, token: str) -> None:
    async with live.events(token, ME) as warm:
        await warm.data()
    await until(lambda: not len(live.streams))
    before = len(asyncio.all_tasks())
    async with live.events(token, "subscription { silence }") as events:
        await events.data()
        assert (Sources.open, len(live.streams)) == (1, 1)
    await until(lambda: Sources.open == 0 and not len(live.streams))
    await until(lambda: len(asyncio.all_tasks()) <= before)
    assert not live.streams._held


async def test_a_client_that_does_not_read_loses_its_stream(
    live: Live, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedConnection, "read_within", 0.3)
    async with live.events(token, "subscription { flood }"):
        await until(lambda: Sources.open == 1)
        await until(lambda: Sources.open == 0 and not len(live.streams))


async def test_a_principal_has_no_more_streams_than_it_may(
    live: Live, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live.streams, "_most_of_principal", 1)
    async with live.events(token, "subscription { silence }") as events:
        await events.data()
        async with live.events(token, "subscription { silence }") as second:
            assert (second.response.status_code, second.response.headers["retry-after"]) == (429, "30")
        # One answer is no stream.
        async with live.events(token, ME) as third:
            await third.data()
        assert Sources.open == 1


async def test_streams_end_when_the_server_stops(
    settings: Settings, listening: Callable[[], Starlette], token: str
) -> None:
    async with live_on(settings, listening()) as live:
        async with live.begun(token) as socket, live.events(token, "subscription { silence }") as events:
            await socket.listen("1", "subscription { silence }")
            await events.data()
            live.uvicorn.should_exit = True
            assert await socket.end() == (1001, "The server stops")
            # Without `complete`: whoever still wants to listen asks another server.
            assert await events.next() is None
        await until(lambda: Sources.open == 0)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await live.stopped()


async def test_a_server_that_stops_waits_for_no_client(
    settings: Settings,
    listening: Callable[[], Starlette],
    token: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(GuardedSocket, "read_within", 1_000.0)
    served: list[GuardedSocket] = []
    made = GuardedSocket.connection_made

    def noted(self: GuardedSocket, transport: asyncio.BaseTransport) -> None:
        served.append(self)
        made(self, transport)

    monkeypatch.setattr(GuardedSocket, "connection_made", noted)
    async with live_on(settings, listening()) as live, live.begun(token, max_queue=1) as socket:
        await socket.subscribe("1", "subscription { flood }")
        await until(lambda: len(served) == 1)
        await stalled(served[0])
        live.uvicorn.should_exit = True
        await live.stopped()
    assert Sources.open == 0
    # uvicorn cancels what does not end by itself, and says so.
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def stalled(connection: GuardedSocket) -> None:
    """Wait until nothing that is written to ``connection`` is read any more."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            await until(lambda: not connection.writable.is_set())
            try:
                await asyncio.wait_for(connection.writable.wait(), 0.3)
            except TimeoutError:
                return
