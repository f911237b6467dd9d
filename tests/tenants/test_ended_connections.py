"""Connections that PostgreSQL has ended, as a failover or an administrator does, and whose end has not arrived yet."""

from dataclasses import replace
from http import HTTPStatus

import pytest

from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import Caller, Json, api_of
from tests.support.road import end_connections, slow_to_close
from tests.support.world import BANYUMAS, connected

FAMILIES = "query($region: String!) { families(region: $region, first: 1) { nodes { hamlet } } }"
FAMILIES_AND_ME = (
    "query($region: String!) { me { permissions } families(region: $region, first: 1) { nodes { hamlet } } }"
)


@pytest.mark.parametrize("document", [FAMILIES, FAMILIES_AND_ME], ids=["as planned", "by the stock executor"])
async def test_whoever_meets_one_is_told_to_come_again_and_may(
    api_settings: Settings, server: DatabaseServer, document: str
) -> None:
    async with slow_to_close(server.admin) as road, connected(server) as admin:
        begun = await admin.fetchval("select now()")
        async with api_of(api_settings, replace(server, admin=road)) as api:
            caller = await api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
            assert await asked(caller, document) == (HTTPStatus.OK, [])
            await end_connections(admin, begun)
            answers = [await asked(caller, document) for _ in range(40)]
    assert {codes[0] for _, codes in answers if codes} == {"UNAVAILABLE"}
    assert answers[-1] == (HTTPStatus.OK, [])


async def asked(caller: Caller, document: str) -> tuple[int, list[str]]:
    response = await caller.post(document, {"region": BANYUMAS.code})
    body: Json = response.json()
    return response.status_code, [error["extensions"]["code"] for error in body.get("errors", ())]
