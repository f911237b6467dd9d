"""The reference audits of GraphQL over HTTP, by the npm package `graphql-http`, against a server with a real socket."""

import asyncio
import json
import os
from pathlib import Path

from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import ApiClient
from tests.support.live import live
from tests.support.node import node_modules
from tests.support.world import BANYUMAS

AUDITS = 61
SCRIPT = Path(__file__).with_name("graphql_http_audit.cjs")


async def test_every_reference_audit_is_ok(
    api_client: ApiClient, api_settings: Settings, world: DatabaseServer
) -> None:
    modules = node_modules()
    caller = await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    with live(api_settings, world) as url:
        process = await asyncio.create_subprocess_exec(
            "node",
            SCRIPT,
            url,
            env={**os.environ, "NODE_PATH": str(modules)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(caller.token.encode())
    assert process.returncode == 0, err.decode()
    audits = [json.loads(line) for line in out.splitlines()]
    assert len(audits) == AUDITS
    assert [audit for audit in audits if audit["status"] != "ok"] == []
