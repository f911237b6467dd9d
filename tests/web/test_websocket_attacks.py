"""What is tried against a WebSocket that stays open: each attempt ends with a code, and harms nobody else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest
from starlette.responses import Response
from websockets.exceptions import InvalidStatus

from app.web.gate import Tarpit
from app.web.rates import Rates
from app.web.reception import Reception
from app.web.refusals import RateLimited
from app.web.sessions import Sessions
from app.web.sockets import GuardedSocket
from tests.authz.people import People
from tests.support.sockets import Live, Sources, until
from tests.web.conftest import FRIEND

ME = "{ me { principal { subject } } }"
SECRET = "3302010101010001"
SITE = "https://kesos.test"
FOREIGN = "https://evil.test"


async def served(live: Live, token: str) -> None:
    """Somebody else is answered as ever."""
    async with live.begun(token) as other:
        await other.listen("1", ME)


async def test_who_does_not_begin_is_shown_out(live: Live) -> None:
    with live.allowing(initialisation_seconds=0.05):
        async with live.socket() as socket:
            assert await socket.end() == (4408, "Connection initialisation timeout")


async def test_pings_do_not_put_off_the_beginning(live: Live) -> None:
    with live.allowing(initialisation_seconds=0.6):
        async with live.socket() as socket:
            for _ in range(5):
                await socket.say("ping")
            assert (await socket.end())[0] == 4408


async def test_once_begun_a_connection_outlives_the_time_to_begin(live: Live, token: str) -> None:
    with live.allowing(initialisation_seconds=0.8):
        async with live.begun(token) as socket:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.connection.recv(), 1.0)
            await socket.listen("1", ME)


async def test_nothing_runs_before_the_connection_is_acknowledged(live: Live) -> None:
    async with live.socket() as socket:
        await socket.subscribe("1", ME)
        assert await socket.end() == (4401, "Unauthorized")


async def test_a_connection_begins_once(live: Live, token: str) -> None:
    async with live.begun(token) as socket:
        await socket.say("connection_init", payload={"authorization": f"Bearer {token}"})
        assert await socket.end() == (4429, "Too many initialisation requests")


async def test_a_flood_of_beginnings_ends_with_the_second(live: Live, token: str) -> None:
    beginning = orjson.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}).decode()
    async with live.socket() as socket:
        for _ in range(50):
            await socket.send(beginning)
        assert await socket.hear() == {"type": "connection_ack"}
        assert (await socket.end())[0] == 4429


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"authorization": ""},
        {"authorization": f"Bearer {SECRET}"},
        {"authorization": "Basic dXNlcjpwYXNz"},
        {"authorization": ["Bearer x"]},
        {"authorization": "Bearer " + "x" * 20_000},
        {"authorization": "Bearer \ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace")},
    ],
)
async def test_who_proves_nothing_is_sent_away_without_a_reason(live: Live, payload: dict[str, Any] | None) -> None:
    async with live.socket() as socket:
        await socket.say("connection_init", payload=payload)
        assert await socket.end() == (4403, "Forbidden")


async def test_an_address_that_proves_nothing_again_and_again_is_not_listened_to(live: Live) -> None:
    rates = Rates(requests=600, requests_of_address=600, cost=600)
    reception = Reception(live.endpoint.authenticator, rates, live.endpoint.reception._audit)
    codes = []
    with live.serving(rates=rates, reception=reception):
        for attempt in range(4):
            async with live.socket() as socket:
                await socket.say("connection_init", payload={"authorization": f"Bearer {attempt}"})
                codes.append((await socket.end())[0])
    assert codes == [4403, 1013, 1013, 1013]


async def test_an_id_that_is_in_use_ends_the_connection_and_all_that_runs_on_it(live: Live, token: str) -> None:
    async with live.begun(token) as socket:
        await socket.listen(SECRET, "subscription { silence }")
        await socket.subscribe(SECRET, ME)
        assert await socket.end() == (4409, "Subscriber already exists")
        await until(lambda: Sources.open == 0)


def deep(levels: int) -> str:
    return (
        '{"type":"subscribe","id":"1","payload":{"query":"{me{name}}","variables":' + "[" * levels + "]" * levels + "}}"
    )


@pytest.mark.parametrize(
    "message",
    [
        b"\x00\x01" + SECRET.encode(),
        b'{"type":"ping"}',
        "",
        SECRET,
        "null",
        '[{"type":"ping"}]',
        "{}",
        f'{{"type":"{SECRET}"}}',
        '{"type":["ping"]}',
        '{"type":"connection_ack"}',
        '{"type":"start","id":"1","payload":{"query":"{ me { name } }"}}',
        '{"type":"ping","payload":[]}',
        '{"type":"subscribe","payload":{"query":"{ me { name } }"}}',
        '{"type":"subscribe","id":7,"payload":{"query":"{ me { name } }"}}',
        '{"type":"subscribe","id":"","payload":{"query":"{ me { name } }"}}',
        '{"type":"subscribe","id":"' + "x" * 129 + '","payload":{"query":"{ me { name } }"}}',
        '{"type":"subscribe","id":"1"}',
        '{"type":"subscribe","id":"1","payload":"{ me { name } }"}',
        '{"type":"subscribe","id":"1","payload":{"query":7}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{ me { name } }","variables":[]}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{ me { name } }","operationName":{}}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{ me { name } }","variables":{"a":NaN}}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{ me { name } }","variables":{"a":"\\ud800"}}}',
        '{"type":"subscribe","id":"1","payload":{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"'
        + SECRET
        + '"}}}}',
        '{"type":"complete"}',
        deep(100),
        deep(100_000),
        '{"type":"ping"',
        '{"type":"ping"}{"type":"ping"}',
    ],
    ids=lambda message: str(message)[:40],
)
async def test_what_is_no_message_ends_the_connection(live: Live, token: str, message: str | bytes) -> None:
    async with live.begun(token) as socket:
        await socket.send(message)
        code, reason = await socket.end()
        assert code == 4400
        assert 0 < len(reason.encode()) <= 123
        assert SECRET not in reason


async def test_a_text_that_is_no_utf_8_ends_the_connection(live: Live, token: str) -> None:
    async with live.begun(token) as socket:
        await socket.connection.send(b'{"type":"ping","payload":{"a":"\xff\xfe"}}', text=True)
        assert (await socket.end())[0] == 1007


async def test_a_message_of_a_megabyte_ends_the_connection(live: Live, token: str) -> None:
    async with live.begun(token) as socket:
        await socket.send('{"type":"ping","payload":{"a":"' + "x" * 2**20 + '"}}')
        assert (await socket.end())[0] == 1009
    await served(live, token)


async def test_a_message_in_many_small_pieces_is_no_larger_than_one(live: Live, token: str) -> None:
    async def pieces() -> AsyncIterator[str]:
        yield '{"type":"ping","payload":{"a":"'
        for _ in range(1_000):
            yield "x" * 1_024

    async with live.begun(token) as socket:
        await socket.connection.send(pieces())
        assert (await socket.end())[0] == 1009


async def test_ten_thousand_pings_are_answered_while_others_are_served(live: Live, token: str) -> None:
    async with live.begun(token) as socket:

        async def ask() -> None:
            for _ in range(10_000):
                await socket.say("ping")

        asking = asyncio.create_task(ask())
        await served(live, token)
        for _ in range(10_000):
            assert await socket.hear() == {"type": "pong"}
        await asking


async def test_messages_that_come_in_one_piece_are_worked_off_with_turns_between_them(live: Live, token: str) -> None:
    turns, seen = 0, []

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    class Noted(Rates):
        def count_request(self, caller: UUID, body_bytes: int) -> None:
            assert caller
            assert body_bytes
            seen.append(turns)

    with live.serving(rates=Noted(requests=1, requests_of_address=1_000, cost=1)):
        async with live.begun(token) as socket:
            others = asyncio.create_task(take_turns())
            socket.connection.transport.write(b'\x81\x8f\0\0\0\0{"type":"ping"}' * 2_000)
            for _ in range(2_000):
                await socket.hear()
            others.cancel()
    assert len(set(seen)) == 2_000


async def test_every_message_counts(live: Live, token: str, clerk: str, people: People) -> None:
    rates = Rates(requests=60, requests_of_address=60, cost=60)
    principal = await people.id_of(clerk)
    with live.serving(rates=rates, tarpit=Tarpit(seconds=0)):
        async with live.socket() as socket:
            for _ in range(60):
                await socket.say("ping")
                await socket.hear()
            with pytest.raises(RateLimited):
                rates.count_address("127.0.0.1")
            rates.count_request(principal, 0)
            await socket.begin(token)
            for _ in range(60):
                await socket.say("ping")
                await socket.hear()
            with pytest.raises(RateLimited):
                rates.count_request(principal, 0)


async def test_an_address_that_floods_too_many_connections_loses_them(live: Live) -> None:
    rates = Rates(requests=6, requests_of_address=6, cost=6)
    with live.serving(rates=rates, tarpit=Tarpit(most=0)):
        async with live.socket() as socket:
            for _ in range(6):
                await socket.say("ping")
            assert (await socket.end())[0] == 1013


async def test_pings_of_the_protocol_are_answered_only_as_fast_as_answers_are_read(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that pings and does not read would have the server keep every answer."""
    monkeypatch.setattr(GuardedSocket, "read_within", 0.2)
    kept = []
    answer = GuardedSocket.handle_ping

    def noted(self: GuardedSocket) -> None:
        answer(self)
        kept.append(self.transport.get_write_buffer_size())

    monkeypatch.setattr(GuardedSocket, "handle_ping", noted)
    async with live.socket(max_queue=1) as socket:
        frame = b"\x89\xfd" + bytes(4) + b"x" * 125
        transport = socket.connection.transport
        transport.pause_reading()
        while not transport.is_closing() and len(live.streams):
            transport.write(frame * 1_000)
            await asyncio.sleep(0)
    assert 0 < max(kept) < 1_000_000


async def test_more_operations_than_a_connection_may_run_are_refused_one_by_one(live: Live, token: str) -> None:
    with live.allowing(operations=2):
        async with live.begun(token) as socket:
            await socket.listen("1", "subscription { silence }")
            await socket.listen("2", "subscription { silence }")
            for number in range(3, 200):
                await socket.subscribe(str(number), "subscription { silence }")
                refused = await socket.hear()
                assert (refused["id"], refused["type"]) == (str(number), "error")
                assert refused["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
            assert Sources.open == 2
            await socket.say("complete", id="1")
            await socket.listen("3", "subscription { silence }")


async def test_what_a_principal_sends_here_counts_as_elsewhere(live: Live, token: str) -> None:
    rates = Rates(requests=6, requests_of_address=10_000, cost=10_000)
    with live.serving(rates=rates, tarpit=Tarpit(seconds=0)):
        async with live.begun(token) as socket:
            await socket.listen("0", ME)
            await socket.hear()
            for number in range(1, 6):
                await socket.subscribe(str(number), ME)
                answer = await socket.hear()
                if answer["type"] == "error":
                    break
                await socket.hear()
    assert [entry["extensions"]["code"] for entry in answer["payload"]] == ["RATE_LIMITED"]


async def test_a_client_that_does_not_read_loses_its_connection(
    live: Live, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedSocket, "read_within", 0.3)
    async with live.begun(token, max_queue=1) as socket:
        for number in range(4):
            await socket.subscribe(str(number), "subscription { flood }")
        await until(lambda: Sources.open == 4)
        await served(live, token)
        await until(lambda: Sources.open == 0 and not len(live.streams))


async def test_an_address_has_no_more_connections_than_it_may(
    live: Live, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live.streams, "_most_of_address", 2)
    async with live.begun(token), live.socket():
        with pytest.raises(InvalidStatus) as refused:
            async with live.socket():
                pass
        assert refused.value.response.status_code == 429
        assert orjson.loads(refused.value.response.body or b"")["errors"][0]["extensions"]["code"] == "TOO_MANY_STREAMS"
        assert refused.value.response.headers["retry-after"] == "30"
    await until(lambda: not len(live.streams))
    await served(live, token)


async def test_a_process_has_no_more_connections_than_it_may(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.streams, "_most", 1)
    async with live.socket():
        with pytest.raises(InvalidStatus) as refused:
            async with live.socket():
                pass
        assert refused.value.response.status_code == 429


async def test_a_principal_has_no_more_connections_than_it_may(
    live: Live, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live.streams, "_most_of_principal", 2)
    async with live.begun(token), live.begun(token), live.socket() as third:
        await third.say("connection_init", payload={"authorization": f"Bearer {token}"})
        assert (await third.end())[0] == 1013
    await until(lambda: not len(live.streams))
    await served(live, token)


@pytest.mark.parametrize("origin", [FOREIGN, "null", f"{FRIEND}.evil.test", "http://127.0.0.1", f"{FRIEND}:8443"])
async def test_pages_of_other_sites_cannot_open_a_connection(live: Live, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with live.socket(origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_pages_of_the_site_and_of_friends_can(live: Live, token: str) -> None:
    for origin in (FRIEND, live.address):
        async with live.begun(token, origin=origin):
            pass


def session_cookie(sessions: Sessions, token: str) -> str:
    response = Response()
    sessions.begin(response, token, 2**31)
    return "; ".join(
        value.decode().partition(";")[0]
        for name, value in response.raw_headers
        if name == b"set-cookie" and b"Max-Age=0" not in value
    )


@pytest.mark.parametrize(("origin", "code"), [(SITE, None), (None, 4403), (FRIEND, 4403)])
async def test_a_session_counts_only_on_a_page_of_the_site(
    live: Live, token: str, origin: str | None, code: int | None
) -> None:
    sessions = Sessions(public_url=SITE, key=bytes(32))
    with live.serving(sessions=sessions):
        async with live.socket(origin=origin, headers={"cookie": session_cookie(sessions, token)}) as socket:
            await socket.say("connection_init")
            if code is None:
                assert await socket.hear() == {"type": "connection_ack"}
            else:
                assert await socket.end() == (code, "Forbidden")


@pytest.mark.parametrize("subprotocols", [(), ("graphql-ws",), ("graphql-ws", "chat"), ("Graphql-Transport-WS",)])
async def test_other_subprotocols_are_not_spoken(live: Live, subprotocols: tuple[str, ...]) -> None:
    async with live.socket(subprotocols=subprotocols) as socket:
        assert socket.connection.subprotocol is None
        assert await socket.end() == (4406, "Subprotocol not acceptable")


async def test_of_several_subprotocols_the_one_is_chosen(live: Live, token: str) -> None:
    async with live.begun(token, subprotocols=("graphql-ws", "graphql-transport-ws")) as socket:
        assert socket.connection.subprotocol == "graphql-transport-ws"


async def test_messages_are_not_compressed(live: Live) -> None:
    async with live.socket() as socket:
        assert socket.connection.response is not None
        assert "sec-websocket-extensions" not in socket.connection.response.headers
