"""Whoever runs an outlet sees that one alone, by whichever way they ask, and whatever else they hold."""

from typing import TYPE_CHECKING, Final

from app.authz.development import ensure_principal
from app.authz.roles import Role
from app.domain.ewarong.models.agents import AgentState
from app.tenants.region_path import RegionPath
from tests.support.client import ApiClient, Caller
from tests.support.outlets import Outlet, agent_principal, plant_agent
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

VILLAGE: Final = BANYUMAS.village(1, 3)
LISTED: Final = "query ($region: String!) { ewarongAgents(region: $region, first: 100) { totalCount nodes { id } } }"
NODES: Final = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
OWNER: Final = "query ($id: ID!) { node(id: $id) { ... on EwarongAgent { name owner { name nikMasked } } } }"


async def listed(caller: Caller, region: str) -> set[str]:
    data = (await caller.query(LISTED, region=region))["ewarongAgents"]
    assert data["totalCount"] == len(data["nodes"])
    return {each["id"] for each in data["nodes"]}


async def test_an_outlet_sees_itself_and_its_neighbour_is_not_there(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mine, other = await plant_agent(market_owner, VILLAGE), await plant_agent(market_owner, VILLAGE)
    admin = await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    assert {mine.node, other.node} <= await listed(admin, VILLAGE)
    for region in ("", BANYUMAS.code):
        keeper = await agent_principal(market_api, market_owner, mine, region=region)
        assert await listed(keeper, BANYUMAS.code) == {mine.node}
        found = await keeper.query(NODES, ids=[mine.node, other.node])
        assert found["nodes"] == [{"id": mine.node}, None]
        assert (await keeper.query(OWNER, id=mine.node))["node"]["owner"]["nikMasked"] == "9902********0001"
        assert (await keeper.query(OWNER, id=other.node))["node"] is None


async def both(
    api: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]", mine: Outlet, role: Role, region: str
) -> Caller:
    """Somebody who runs an outlet and holds a role in a region besides."""
    subject = f"dev:both:{role.value}:{mine.id}"
    for given, where, entity in ((Role.EWARONG_AGENT, VILLAGE, mine.binding), (role, region, None)):
        await ensure_principal(
            owner, subject=subject, name="Berdua", role=given, region=RegionPath.parse(where), entity=entity
        )
    return api.named(subject)


async def test_what_the_outlet_may_see_of_itself_says_nothing_of_a_neighbour_that_another_role_shows(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """A PSM sees the outlets of the village, without their owners and their sales."""
    mine, other = await plant_agent(market_owner, VILLAGE), await plant_agent(market_owner, VILLAGE)
    caller = await both(market_api, market_owner, mine, Role.PSM, VILLAGE)
    assert {mine.node, other.node} <= await listed(caller, VILLAGE)
    document = 'query ($id: ID!) { node(id: $id) { ... on EwarongAgent { id owner { name } families(month: "2026-07-01") { served } } } }'
    own = (await caller.query(document, id=mine.node))["node"]
    assert (own["owner"], own["families"]) == ({"name": "Pemilik Uji"}, {"served": 0})
    theirs = (await caller.query(document, id=other.node))["node"]
    assert theirs == {"id": other.node, "owner": None, "families": None}


async def test_a_role_that_does_not_see_outlets_widens_nothing(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mine, other = await plant_agent(market_owner, VILLAGE), await plant_agent(market_owner, VILLAGE)
    caller = await both(market_api, market_owner, mine, Role.VILLAGE_OPERATOR, VILLAGE)
    document = "query ($region: String!) { families(first: 1) { nodes { id } } ewarongAgents(region: $region) { nodes { id } } }"
    found = await caller.query(document, region=VILLAGE)
    assert found["ewarongAgents"]["nodes"] == [{"id": mine.node}]
    asked = "query ($ids: [ID!]!) { families(first: 1) { nodes { id } } nodes(ids: $ids) { id } }"
    assert (await caller.query(asked, ids=[mine.node, other.node]))["nodes"] == [{"id": mine.node}, None]


async def test_lists_are_narrowed_and_a_neighbouring_regency_is_not_there(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    village = BANYUMAS.village(2, 3)
    shop = await plant_agent(market_owner, village)
    frozen = await plant_agent(market_owner, village, kind="KUBE", bank="BNI", state=AgentState.FROZEN)
    elsewhere = await plant_agent(market_owner, CILACAP.village(1, 1))
    admin = await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    document = (
        "query ($region: String!, $state: EwarongAgentState, $kind: EwarongAgentKind, $bank: Bank) "
        "{ ewarongAgents(region: $region, state: $state, kind: $kind, bank: $bank) { nodes { id } } }"
    )
    for given, expected in (
        ({}, {shop.node, frozen.node}),
        ({"state": "FROZEN"}, {frozen.node}),
        ({"kind": "SHOP"}, {shop.node}),
        ({"bank": "BNI"}, {frozen.node}),
    ):
        found = await admin.query(document, region=village, **given)
        assert {each["id"] for each in found["ewarongAgents"]["nodes"]} == expected
    province = await market_api.as_(Role.PROVINCE_OFFICER, "33")
    assert await listed(admin, CILACAP.code) == set()
    assert elsewhere.node in await listed(province, CILACAP.code)
    nobody = await market_api.as_(Role.VILLAGE_OPERATOR, village)
    assert await nobody.codes(LISTED, region=village) == ["NOT_PERMITTED"]
