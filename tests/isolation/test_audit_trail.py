"""The audit trail of two tenants: who sees which event, by whatever way it is asked for."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.registry.sealing import Seal
from app.tenants.server import DatabaseServer
from tests.isolation.arguments import Belongings, belongings, plant_belongings
from tests.isolation.happenings import FUTURE, READER, happening
from tests.support.client import ApiClient, Caller, Json
from tests.support.world import BANYUMAS, CILACAP, SLEMAN

if TYPE_CHECKING:
    import asyncpg

EVENTS: Final = """query($filter: AuditEventFilter, $region: String, $after: String, $first: Int = 100) {
  auditEvents(first: $first, after: $after, region: $region, filter: $filter) {
    nodes { id operation regionCode } pageInfo { hasNextPage endCursor } totalCount } }"""
ACCESS: Final = """query($nik: String!, $after: String) { subjectAccess(nik: $nik, since: "2100-01-01T00:00:00Z", after: $after) {
  nodes { id operation regionCode } pageInfo { hasNextPage } totalCount } }"""
NODES: Final = (
    "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on AuditEvent { requestId inclusionProof } } }"
)
SINCE: Final = {"since": FUTURE}


@pytest_asyncio.fixture(autouse=True)
async def events(world: DatabaseServer) -> AsyncIterator[None]:
    await plant_belongings(world, BANYUMAS, CILACAP)
    async with happening(world, BANYUMAS, CILACAP, SLEMAN):
        yield


@pytest_asyncio.fixture
async def banyumas(api_client: ApiClient) -> Caller:
    return await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)


@pytest_asyncio.fixture
async def own(api_client: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal) -> Belongings:
    return await belongings(api_client, owner, seal, BANYUMAS)


@pytest_asyncio.fixture
async def foreign(api_client: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal) -> Belongings:
    return await belongings(api_client, owner, seal, CILACAP)


async def listed(caller: Caller, **variables: Any) -> Json:
    page: Json = (await caller.query(EVENTS, **{"filter": SINCE, **variables}))["auditEvents"]
    return page


def operations(page: Json) -> set[str]:
    return {node["operation"] for node in page["nodes"]}


async def planted(owner: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    rows = await owner.fetch(
        "select 'AuditEvent:' || regency_id || ':' || id as id from audit_event where principal_id = $1", READER
    )
    return [row["id"] for row in rows]


async def test_a_regency_sees_the_events_that_lie_in_it_and_none_that_reaches_beyond(
    api_client: ApiClient, banyumas: Caller
) -> None:
    seen = await listed(banyumas)
    assert operations(seen) == {BANYUMAS.mark}
    assert {node["regionCode"][:5] for node in seen["nodes"]} == {BANYUMAS.code}
    assert seen["totalCount"] == len(seen["nodes"]) == 4
    assert await listed(banyumas, region="33") == seen
    assert await listed(banyumas, region=CILACAP.code) == await listed(banyumas, region="34.02")
    # Nothing of this is empty because nothing is there.
    everything = await listed(await api_client.as_(Role.AUDITOR))
    assert everything["totalCount"] == 3 * 4 + 7
    province = await listed(await api_client.as_(Role.AUDITOR), region="33")
    assert province["totalCount"] == 2 * 4 + 5


async def test_two_neighbouring_regencies_together_see_what_lies_across_them(api_client: ApiClient) -> None:
    both = await api_client.granted((Role.REGENCY_ADMIN, BANYUMAS.code), (Role.REGENCY_ADMIN, CILACAP.code))
    seen = await listed(both)
    across = [node for node in seen["nodes"] if node["regionCode"] == "33"]
    # From the last village of Cilacap to the first of Banyumas, and all of both.
    assert len(across) == 2
    assert seen["totalCount"] == 2 * 4 + 2
    apart = await api_client.granted((Role.REGENCY_ADMIN, BANYUMAS.code), (Role.REGENCY_ADMIN, SLEMAN.code))
    assert operations(await listed(apart)) == {BANYUMAS.mark, SLEMAN.mark}


async def test_an_event_of_the_neighbours_is_told_exactly_as_one_that_does_not_exist(
    api_client: ApiClient, banyumas: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    known = {node["id"] for node in (await listed(banyumas))["nodes"]}
    foreign = [identifier for identifier in await planted(owner) if identifier not in known]
    assert len(foreign) == 2 * 4 + 7
    nowhere = [f"{identifier[:-12]}999999{identifier[-6:]}" for identifier in foreign]
    auditor = await api_client.as_(Role.AUDITOR)
    assert None not in (await auditor.query(NODES, ids=foreign))["nodes"]
    answers = [(await banyumas.query(NODES, ids=ids))["nodes"] for ids in (foreign, nowhere)]
    assert answers == [[None] * len(foreign)] * 2
    # The id of an own event, moved to another regency, is the id of nothing.
    moved = [identifier.replace(f":{BANYUMAS.id}:", f":{CILACAP.id}:") for identifier in known]
    assert (await banyumas.query(NODES, ids=moved))["nodes"] == [None] * len(moved)


@pytest.mark.parametrize("first", [1, 100])
async def test_a_cursor_of_the_neighbours_leads_to_own_events_alone(
    banyumas: Caller, foreign: Belongings, first: int
) -> None:
    """It is a moment and an id, and what comes after them is the same whether or not they are those of an event."""
    page = await listed(banyumas, after=foreign.events_after, first=first)
    assert operations(page) <= {BANYUMAS.mark}
    whole = await listed(banyumas)
    assert page["totalCount"] == whole["totalCount"]
    assert page["nodes"] == [node for node in whole["nodes"] if node in page["nodes"]]


async def test_who_read_a_person_of_the_neighbours_is_told_exactly_as_of_a_person_whom_nobody_knows(
    api_client: ApiClient, banyumas: Caller, own: Belongings, foreign: Belongings
) -> None:
    cilacap = await api_client.as_(Role.REGENCY_ADMIN, CILACAP.code)
    assert operations((await cilacap.query(ACCESS, nik=foreign.nik))["subjectAccess"]) == {CILACAP.mark}
    nobody = f"{foreign.nik[:12]}9999"
    nothing = {"nodes": [], "pageInfo": {"hasNextPage": False}, "totalCount": 0}
    for after in (None, own.events_after, foreign.events_after):
        answers = [await banyumas.query(ACCESS, nik=nik, after=after) for nik in (foreign.nik, nobody)]
        assert [answer["subjectAccess"] | {"nodes": []} for answer in answers] == [nothing] * 2
        assert all(answer["subjectAccess"]["nodes"] == [] for answer in answers)


async def test_who_read_an_own_person_is_told_but_for_what_reaches_beyond(
    api_client: ApiClient, banyumas: Caller, own: Belongings
) -> None:
    """An event across regencies tells what else was read: whoever sees both answers for it."""
    seen = (await banyumas.query(ACCESS, nik=own.nik))["subjectAccess"]
    assert operations(seen) == {BANYUMAS.mark}
    assert seen["totalCount"] == 4
    everywhere = (await (await api_client.as_(Role.AUDITOR)).query(ACCESS, nik=own.nik))["subjectAccess"]
    assert everywhere["totalCount"] == 4 + 7


async def test_asking_for_the_neighbours_person_leaves_no_event_about_that_person(
    banyumas: Caller, foreign: Belongings, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Else the neighbour's trail would tell that somebody asked, and Banyumas that there is somebody to ask for."""
    asked = await banyumas.post(ACCESS, {"nik": foreign.nik})
    request_id = asked.headers["x-request-id"]
    assert await owner.fetch("select id from audit_event where request_id = $1 and action = 'READ'", request_id) == []


async def test_filters_find_nothing_of_the_neighbours(banyumas: Caller) -> None:
    for wanted in ({"principalId": READER}, {"actions": ["READ", "REVEAL"]}, {"until": "2100-01-02T00:00:00Z"}):
        seen = await listed(banyumas, filter=SINCE | wanted)
        assert operations(seen) == {BANYUMAS.mark}
        assert seen["totalCount"] == 4
