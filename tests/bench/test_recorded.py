"""What a request sends to PostgreSQL becomes a script of pgbench, as it was sent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import md5
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.settings import Settings
from app.tenants.server import DatabaseServer
from bench.pgbench import pgbench_load
from bench.recorded import Recorder, recorder, script_of

# Fails by division where an argument does not arrive as it was.
TEXT: Final = 'it\'s 12:30, {"a":1}\nat $2'
SENT: Final = f"""select 1 / (md5($1::text) = '{md5(TEXT.encode(), usedforsecurity=False).hexdigest()}')::int,
  1 / ($2::text is null)::int, 1 / ($3::uuid = $4::uuid)::int, 1 / ($5::text = '<' || $3::uuid || ':' || $6::uuid || '>')::int,
1 / ($6::uuid = '00000000-0000-4000-8000-000000000009')::int"""
KEPT: Final = UUID("00000000-0000-4000-8000-000000000009")
Send = Callable[..., Awaitable[object]]


@pytest_asyncio.fixture
async def recording(settings: Settings, server: DatabaseServer) -> AsyncIterator[tuple[Recorder, Send]]:
    async with recorder(settings, server) as recorded:
        connection = await server.app.connect()
        try:
            yield recorded, connection.fetch
        finally:
            await connection.close()


def arguments(fresh: UUID) -> tuple[Any, ...]:
    return TEXT, None, fresh, fresh, f"<{fresh}:{KEPT}>", KEPT


async def test_statements_are_recorded_with_what_was_bound(recording: tuple[Recorder, Send]) -> None:
    recorded, send = recording
    fresh = uuid4()

    async def request() -> None:
        await send("begin")
        await send(SENT, *arguments(fresh))

    (begin, sent), _ = await recorded.settled(request)
    assert (begin.text, begin.bound) == ("begin", {})
    assert sent.text == SENT
    assert sent.bound[2] == "NULL"
    assert sent.bound[3] == f"'{fresh}'"
    assert sent.uuids == {str(fresh), str(KEPT)}


async def test_the_script_makes_anew_what_each_request_makes_anew_and_keeps_the_rest(
    recording: tuple[Recorder, Send], server: DatabaseServer
) -> None:
    recorded, send = recording

    async def request() -> None:
        await send(SENT, *arguments(uuid4()))

    script = script_of(*await recorded.settled(request), name="one")
    variables = {**script.variables, "run": "1", "at": "0"}
    load = await pgbench_load(server, [script.text], variables, clients=1, seconds=1, begun=lambda: None)
    assert load.requests > 0
    assert script.text.count(":key::bigint") == 4
    assert str(KEPT) in script.text


async def test_a_request_that_sends_something_else_each_time_is_no_script(recording: tuple[Recorder, Send]) -> None:
    recorded, send = recording
    sent = 0

    async def request() -> None:
        nonlocal sent
        sent += 1
        await send(f"select {sent}")

    with pytest.raises(ValueError, match="each time"):
        await recorded.settled(request)


async def test_nothing_is_recorded_any_more_behind_the_block(settings: Settings, server: DatabaseServer) -> None:
    async with recorder(settings, server):
        pass
    connection = await server.app.connect()
    try:
        assert await connection.fetchval("show log_statement") == "none"
        assert await connection.fetchval("show log_error_verbosity") == "terse"
    finally:
        await connection.close()
