"""Services of mobile outlets: planned once, seen where they take place, called off once."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app.authz.roles import Role
from app.domain.ewarong.models.agents import AgentState
from tests.ewarong.agents.paperwork import mutate
from tests.support.client import ApiClient, Caller, Json
from tests.support.outlets import Outlet, agent_principal, plant_agent
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

HOME, SERVED, ELSEWHERE = BANYUMAS.village(1, 1), BANYUMAS.village(1, 2), BANYUMAS.village(2, 1)
SERVICE = "id place weekday validFrom validTo opens closes village { code } agent { id } cancelledBy"
FIRST = date(2036, 1, 7)
"""A Monday that this code will not live to see."""
LISTED = (
    f"query ($region: String!, $on: Date) {{ ewarongServices(region: $region, on: $on) {{ nodes {{ {SERVICE} }} }} }}"
)


def service(outlet: Outlet, **others: Any) -> Json:
    return {
        "agent": outlet.node,
        "village": SERVED,
        "weekday": 3,
        "validFrom": FIRST.isoformat(),
        "validTo": (FIRST + timedelta(days=60)).isoformat(),
        "opens": "08:00",
        "closes": "12:30",
        "place": "Balai desa",
        "idempotencyKey": str(uuid4()),
    } | others


async def plan(caller: Caller, **given: Any) -> Json:
    answer = f"... on EwarongServicePlanned {{ service {{ {SERVICE} }} }}"
    return await mutate(caller, "ewarongServicePlan", answer, **given)


async def cancel(caller: Caller, identifier: str) -> Json:
    answer = f"... on EwarongServiceCancelled {{ service {{ {SERVICE} }} }}"
    return await mutate(caller, "ewarongServiceCancel", answer, id=identifier)


async def mobile(owner: "asyncpg.Connection[asyncpg.Record]", **others: Any) -> Outlet:
    return await plant_agent(owner, HOME, kind="MOBILE", **others)


async def test_a_service_is_planned_once_and_told_on_its_days(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await mobile(market_owner)
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    given = service(outlet)
    planned = await plan(tksk, **given)
    assert planned["service"] | {"id": ""} == {
        "id": "",
        "place": "Balai desa",
        "weekday": 3,
        "validFrom": given["validFrom"],
        "validTo": given["validTo"],
        "opens": "08:00",
        "closes": "12:30",
        "village": {"code": SERVED},
        "agent": {"id": outlet.node},
        "cancelledBy": None,
    }
    assert await plan(tksk, **given) == planned
    reused = await plan(tksk, **(given | {"place": "Masjid"}))
    assert (reused["__typename"], reused["code"]) == ("Conflict", "IDEMPOTENCY_KEY_REUSED")

    async def on(day: date) -> list[str]:
        data = await tksk.query(LISTED, region=SERVED, on=day.isoformat())
        return [each["id"] for each in data["ewarongServices"]["nodes"] if each["agent"]["id"] == outlet.node]

    assert await on(FIRST + timedelta(days=2)) == [planned["service"]["id"]]
    assert await on(FIRST + timedelta(days=3)) == await on(FIRST + timedelta(days=65)) == []


async def test_it_is_seen_where_it_takes_place_wherever_the_outlet_comes_from(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await mobile(market_owner)
    admin = await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    identifier = (await plan(admin, **service(outlet, village=ELSEWHERE)))["service"]["id"]
    there = await market_api.as_(Role.PSM, ELSEWHERE)
    (seen,) = (
        each for each in (await there.query(LISTED, region=ELSEWHERE))["ewarongServices"]["nodes"]
        if each["id"] == identifier
    )  # fmt: skip
    # The outlet itself stands in another village.
    assert seen["agent"] is None
    not_there = await market_api.as_(Role.PSM, SERVED)
    assert (await not_there.query("query ($id: ID!) { node(id: $id) { id } }", id=identifier)) == {"node": None}


async def test_a_grant_for_the_district_plans_nothing_beyond_it(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await mobile(market_owner)
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    for village in (ELSEWHERE, CILACAP.village(1, 1), "33.02.01.2999", BANYUMAS.district(1)):
        refused = await plan(tksk, **service(outlet, village=village))
        assert (refused["code"], refused["fields"]) == ("REGION_UNKNOWN", ["village"])


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ({"validFrom": "2020-01-06", "validTo": "2020-02-06"}, "EWARONG_DAYS_INVALID"),
        ({"validTo": "2037-06-01"}, "EWARONG_DAYS_INVALID"),
        ({"validTo": "2036-01-01"}, "EWARONG_DAYS_INVALID"),
        ({"weekday": 8}, "EWARONG_DAYS_INVALID"),
        ({"weekday": None}, "EWARONG_DAYS_INVALID"),
        ({"weekday": 5, "validTo": "2036-01-09"}, "EWARONG_DAYS_INVALID"),
        ({"opens": "12:30"}, "EWARONG_DAYS_INVALID"),
        ({"opens": "8"}, "EWARONG_DAYS_INVALID"),
        ({"place": ""}, "TEXT_INVALID"),
    ],
)
async def test_days_and_hours_that_cannot_be_are_refused(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", others: Json, code: str
) -> None:
    outlet = await mobile(market_owner)
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    refused = await plan(tksk, **service(outlet, **others))
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", code)


async def test_a_key_of_a_service_that_the_caller_does_not_see_is_taken(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    here = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    there = await market_api.as_(Role.TKSK, BANYUMAS.district(2))
    given = service(await mobile(market_owner))
    assert "service" in await plan(here, **given)
    outlet = await plant_agent(market_owner, ELSEWHERE, kind="MOBILE")
    elsewhere = service(outlet, village=ELSEWHERE, idempotencyKey=given["idempotencyKey"])
    refused = await plan(there, **elsewhere)
    assert (refused["__typename"], refused["code"]) == ("Conflict", "IDEMPOTENCY_KEY_REUSED")
    assert "service" in await plan(there, **(elsewhere | {"idempotencyKey": str(uuid4())}))


async def test_the_last_days_of_the_calendar_are_days(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await mobile(market_owner)
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    last = {"validFrom": "9999-12-25", "validTo": "9999-12-30"}
    assert (await plan(tksk, **service(outlet, weekday=4, **last)))["service"]["validTo"] == "9999-12-30"
    refused = await plan(tksk, **service(outlet, weekday=4, validFrom="9998-12-28", validTo="9999-12-30"))
    assert refused["code"] == "EWARONG_DAYS_INVALID"


async def test_only_what_moves_and_serves_serves_elsewhere(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    shop = await plant_agent(market_owner, HOME)
    assert (await plan(tksk, **service(shop)))["code"] == "EWARONG_SERVICE_NOT_MOBILE"
    frozen = await mobile(market_owner, state=AgentState.FROZEN)
    assert (await plan(tksk, **service(frozen)))["code"] == "EWARONG_AGENT_STATE_WRONG"
    one_day = await plan(tksk, **service(await mobile(market_owner), weekday=None, validTo=FIRST.isoformat()))
    assert one_day["service"]["weekday"] is None


async def test_a_service_is_called_off_once(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await mobile(market_owner)
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    identifier = (await plan(tksk, **service(outlet)))["service"]["id"]
    elsewhere = await market_api.as_(Role.TKSK, BANYUMAS.district(2))
    assert (await cancel(elsewhere, identifier))["code"] == "EWARONG_SERVICE_NOT_FOUND"
    assert (await cancel(tksk, identifier))["service"]["cancelledBy"] is not None
    again = await cancel(tksk, identifier)
    assert (again["__typename"], again["code"]) == ("Conflict", "EWARONG_SERVICE_OVER")
    nodes = (await tksk.query(LISTED, region=SERVED, on=(FIRST + timedelta(days=2)).isoformat()))["ewarongServices"]
    assert identifier not in {each["id"] for each in nodes["nodes"]}


async def test_whoever_runs_an_outlet_sees_its_services_and_no_others(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mine, other = await mobile(market_owner), await mobile(market_owner)
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    for outlet in (mine, other):
        await plan(tksk, **service(outlet))
    keeper = await agent_principal(market_api, market_owner, mine, region=BANYUMAS.code)
    nodes = (await keeper.query(LISTED, region=BANYUMAS.code))["ewarongServices"]["nodes"]
    assert [each["agent"]["id"] for each in nodes] == [mine.node]
