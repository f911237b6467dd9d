"""graphql-transport-ws as a front end uses it."""

import asyncio
from typing import Any

import pytest

from tests.support.sockets import PATIENCE_SECONDS, Live, Sources, until

ME = "{ me { principal { subject } } }"


async def test_a_query_has_one_answer_and_completes(live: Live, token: str, clerk: str) -> None:
    async with live.begun(token) as socket:
        await socket.subscribe("1", ME)
        answer = await socket.hear()
        assert (answer["id"], answer["type"]) == ("1", "next")
        assert answer["payload"]["data"] == {"me": {"principal": {"subject": clerk}}}
        assert answer["payload"]["extensions"]["cost"]["requested"] > 0
        assert await socket.hear() == {"id": "1", "type": "complete"}


async def test_variables_and_the_name_of_the_operation_count(live: Live, token: str) -> None:
    document = "query A($code: String!) { region(code: $code) { name } } query B { me { permissions } }"
    async with live.begun(token) as socket:
        await socket.subscribe("1", document, operationName="A", variables={"code": "33.02"})
        answer = await socket.hear()
        assert answer["payload"]["data"] == {"region": {"name": "Kabupaten Banyumas"}}


async def test_a_mutation_runs_here_too(live: Live, token: str) -> None:
    document = 'mutation { grantRevoke(input: {id: "PrincipalGrant:33:7", reason: "x"}) { __typename } }'
    async with live.begun(token) as socket:
        await socket.subscribe("1", document)
        answer = await socket.hear()
        assert (answer["id"], answer["type"]) == ("1", "next")
        assert (await socket.hear())["type"] == "complete"


async def test_a_subscription_answers_each_event_and_completes_with_its_source(live: Live, token: str) -> None:
    async with live.begun(token) as socket:
        await socket.subscribe("1", "subscription { few }")
        for number in range(3):
            assert await socket.hear() == {"id": "1", "type": "next", "payload": {"data": {"few": number}}}
        assert await socket.hear() == {"id": "1", "type": "complete"}


async def test_operations_run_beside_each_other(live: Live, token: str) -> None:
    async with live.begun(token) as socket:
        assert await socket.listen("a", "subscription { silence }") == {"silence": 0}
        assert await socket.listen("b", "subscription { silence }") == {"silence": 0}
        await socket.listen("c", ME)
        assert await socket.hear() == {"id": "c", "type": "complete"}
        assert Sources.open == 2


async def test_what_a_client_completes_is_freed_and_its_id_is_free_again(live: Live, token: str) -> None:
    async with live.begun(token) as socket:
        for _ in range(3):
            assert await socket.listen("1", "subscription { silence }") == {"silence": 0}
            assert Sources.open == 1
            await socket.say("complete", id="1")
            await until(lambda: Sources.open == 0)
        # What was completed says nothing any more: the next message is about what was asked next.
        await socket.say("ping")
        assert await socket.hear() == {"type": "pong"}


async def test_completing_what_does_not_run_is_no_fault(live: Live, token: str) -> None:
    async with live.begun(token) as socket:
        await socket.say("complete", id="never")
        await socket.say("ping")
        assert await socket.hear() == {"type": "pong"}


async def test_nothing_is_left_of_a_client_that_vanishes(live: Live, token: str) -> None:
    async with live.begun(token) as warm:
        await warm.listen("1", ME)
    await until(lambda: not len(live.streams))
    before = len(asyncio.all_tasks())
    async with live.begun(token) as socket:
        for number in range(8):
            await socket.listen(str(number), "subscription { silence }")
        assert (Sources.open, len(live.streams)) == (8, 1)
        socket.connection.transport.abort()
        await until(lambda: Sources.open == 0 and not len(live.streams))
    await until(lambda: len(asyncio.all_tasks()) <= before)
    assert not live.streams._held


async def test_pings_are_answered_and_pongs_are_heard(live: Live, token: str) -> None:
    async with live.socket() as socket:
        await socket.say("ping", payload={"sent": 1})
        assert await socket.hear() == {"type": "pong"}
        await socket.begin(token)
        await socket.say("pong")
        await socket.say("ping")
        assert await socket.hear() == {"type": "pong"}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{ nobody }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ me {"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "query($code: String!) { region(code: $code) { name } }"}, "BAD_USER_INPUT"),
        ({"query": ME, "operationName": "Other"}, "OPERATION_UNKNOWN"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}, "PERSISTED_QUERY_NOT_FOUND"),
    ],
)
async def test_what_cannot_run_is_an_error_of_its_operation_alone(
    live: Live, token: str, payload: dict[str, Any], code: str
) -> None:
    async with live.begun(token) as socket:
        await socket.say("subscribe", id="1", payload=payload)
        refused = await socket.hear()
        assert (refused["id"], refused["type"]) == ("1", "error")
        assert [entry["extensions"]["code"] for entry in refused["payload"]] == [code]
        await socket.listen("1", ME)


async def test_what_goes_wrong_while_listening_is_told_without_detail(live: Live, token: str) -> None:
    async with live.begun(token) as socket:
        assert await socket.listen("1", "subscription { broken }") == {"broken": 0}
        answer = await socket.hear()
        assert answer["payload"]["data"] is None
        (entry,) = answer["payload"]["errors"]
        assert entry["extensions"]["code"] == "INTERNAL_ERROR"
        assert "3302" not in entry["message"]
        assert await socket.hear() == {"id": "1", "type": "complete"}


async def test_what_may_not_be_heard_is_refused_with_its_permission(live: Live, token: str) -> None:
    async with live.begun(token) as socket:
        await socket.subscribe("1", "subscription { forbidden }")
        (entry,) = (await socket.hear())["payload"]["errors"]
        assert entry["extensions"] == {"code": "NOT_PERMITTED", "permission": "registry:nik:reveal"}


@pytest.mark.parametrize("name", ["authorization", "Authorization"])
async def test_the_token_comes_with_the_first_message(live: Live, token: str, name: str) -> None:
    async with live.socket() as socket:
        await socket.say("connection_init", payload={name: f"bearer {token}"})
        assert await socket.hear() == {"type": "connection_ack"}


async def test_the_token_may_come_with_the_handshake(live: Live, token: str) -> None:
    async with live.socket(headers={"authorization": f"Bearer {token}"}) as socket:
        await socket.say("connection_init")
        assert await socket.hear() == {"type": "connection_ack"}


async def test_the_token_of_the_first_message_counts_before_that_of_the_handshake(live: Live, token: str) -> None:
    async with live.socket(headers={"authorization": f"Bearer {token}"}) as socket:
        await socket.say("connection_init", payload={"authorization": "Bearer other"})
        assert await socket.end() == (4403, "Forbidden")


async def test_messages_are_in_the_language_that_the_page_or_else_the_browser_prefers(live: Live, token: str) -> None:
    said = {"authorization": f"Bearer {token}"}
    texts = []
    for headers, payload in (
        ({}, said),
        ({"accept-language": "en"}, said),
        ({"accept-language": "id"}, said | {"accept-language": "en"}),
    ):
        async with live.socket(headers=headers) as socket:
            await socket.say("connection_init", payload=payload)
            await socket.hear()
            await socket.subscribe("1", ME, operationName="Other")
            texts.append((await socket.hear())["payload"][0]["message"])
    assert texts[0].startswith("Sebutkan")
    assert texts[1] == texts[2]
    assert texts[1].startswith("Name one")


async def test_who_neither_asks_nor_listens_is_let_go(live: Live, token: str) -> None:
    with live.allowing(idle_seconds=0.05):
        async with live.begun(token) as socket:
            assert await socket.end() == (1000, "Idle")


async def test_who_listens_may_be_silent(live: Live, token: str) -> None:
    with live.allowing(idle_seconds=0.6):
        async with live.begun(token) as socket:
            await socket.listen("1", "subscription { silence }")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.connection.recv(), 1.3)
            await socket.say("complete", id="1")
            assert await socket.end() == (1000, "Idle")


async def test_a_client_that_says_goodbye_is_gone(live: Live, token: str) -> None:
    async with live.begun(token) as socket:
        await socket.listen("1", "subscription { silence }")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await socket.connection.close(1000)
        await until(lambda: Sources.open == 0 and not len(live.streams))
