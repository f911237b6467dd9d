"""The listeners of the bench, at the protocol that they speak."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from bench.fanout import heard_by
from bench.listeners import Listener, listening
from bench.load import UnexpectedAnswer

_PATIENCE_SECONDS: Final = 10.0


def told(identifier: str | None, *, padding: int = 0) -> str:
    transaction = (
        None if identifier is None else {"id": f"EwarongTransaction:3302:{identifier}", "receipt": "x" * padding}
    )
    news = {"missed": identifier is None, "transaction": transaction}
    payload = {"data": {"ewarongTransactionReported": news}}
    return orjson.dumps({"type": "next", "id": "1", "payload": payload}).decode()


@asynccontextmanager
async def heard(*messages: str, tokens: tuple[str, ...] = ("token",)) -> AsyncIterator[list[Listener]]:
    """Listeners of a server that tells ``messages`` and a ping between them."""

    async def tell(connection: ServerConnection) -> None:
        begun: dict[str, Any] = orjson.loads(await connection.recv())
        assert begun == {"type": "connection_init", "payload": {"Authorization": "Bearer token"}}
        await connection.send('{"type":"connection_ack"}')
        asked: dict[str, Any] = orjson.loads(await connection.recv())
        assert (asked["type"], asked["id"]) == ("subscribe", "1")
        for message in messages:
            await connection.send(message)
            await (await connection.ping())
        await connection.wait_closed()

    async with serve(tell, "127.0.0.1", 0, subprotocols=[Subprotocol("graphql-transport-ws")]) as server:
        port = server.sockets[0].getsockname()[1]
        yield await listening(f"http://127.0.0.1:{port}/graphql", list(tokens))


async def until(listener: Listener, number: int) -> None:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while len(listener.heard.told) < number:  # noqa: ASYNC110  (a listener tells nobody)
            await asyncio.sleep(0.01)


async def test_a_listener_notes_what_it_is_told_however_long_it_is() -> None:
    async with heard(told(None), told("a"), told("b", padding=300), told("c", padding=70_000)) as (listener,):
        await until(listener, 3)
        assert list(listener.heard.told) == [b"3302:a", b"3302:b", b"3302:c"]
        assert (listener.heard.missed, listener.heard.repeated) == (0, 0)
        listener.close()


async def test_what_was_told_again_or_missed_is_counted() -> None:
    async with heard(told(None), told("a"), told("a"), told(None), told("b")) as (listener,):
        await until(listener, 2)
        assert (listener.heard.missed, listener.heard.repeated) == (1, 1)
        listener.close()


async def test_delays_count_from_the_answer_and_what_nobody_was_told_is_refused() -> None:
    async with heard(told(None), told("a")) as (listener,):
        await until(listener, 1)
        moment = listener.heard.told[b"3302:a"]
        assert await heard_by([listener], {b"3302:a": moment - 2}, patience=0.1) == [2]
        with pytest.raises(UnexpectedAnswer, match="not told of 1"):
            await heard_by([listener], {b"3302:a": moment, b"3302:b": moment}, patience=0.1)
        listener.close()


async def test_a_server_that_refuses_to_tell_anything_is_no_listener() -> None:
    async with serve(lambda connection: connection.close(4401, "Unauthorized"), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UnexpectedAnswer, match="Unauthorized"):
            await listening(f"http://127.0.0.1:{port}/graphql", ["token"])
