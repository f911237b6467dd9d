"""The client that front ends use, npm's graphql-ws, finds the server that it expects."""

import asyncio
import json
import os
from pathlib import Path

from tests.support.node import node_modules
from tests.support.sockets import PATIENCE_SECONDS, Live, Sources, until

SCRIPT = Path(__file__).parent / "graphql_ws_client.cjs"


async def test_the_reference_client_and_the_server_understand_each_other(live: Live, token: str) -> None:
    modules = node_modules()
    client = await asyncio.create_subprocess_exec(
        "node",
        str(SCRIPT),
        f"ws://127.0.0.1:{live.port}/graphql",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"NODE_PATH": str(modules)},
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        out, _ = await client.communicate(token.encode())
    seen = json.loads(out)
    assert len(seen["query"]) == 1
    assert [each["data"]["few"] for each in seen["few"]] == [0, 1, 2]
    assert seen["left"] == [{"data": {"silence": 0}}]
    assert [grant["role"] for grant in seen["access"][0]["data"]["accessChanged"]["grants"]] == ["REGENCY_ADMIN"]
    assert seen["invalid"] == ["GRAPHQL_VALIDATION_FAILED"]
    assert seen["together"] == [3, 3, 3]
    assert seen["stranger"] == {"code": 4403, "reason": "Forbidden"}
    await until(lambda: Sources.open == 0 and not len(live.streams))
