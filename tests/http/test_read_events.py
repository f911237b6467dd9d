"""Whoever reads personal data leaves an event in the tenant of those it is about; whoever is refused leaves one, too."""

from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx2
import pytest

from app.authz.roles import Role
from app.domain.registry.sealing import Seal
from tests.support.client import ApiClient, Caller
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg


async def events_of(owner: "asyncpg.Connection[asyncpg.Record]", response: httpx2.Response) -> "list[asyncpg.Record]":
    assert response.status_code == 200, response.text
    rows: list[Any] = await owner.fetch(
        "select * from audit_event where request_id = $1 and action <> 'LOGIN' order by regency_id, action, permission",
        response.headers["x-request-id"],
    )
    return rows


def uuids(nodes: list[dict[str, Any]]) -> set[UUID]:
    return {UUID(node["id"].rpartition(":")[2]) for node in nodes}


async def test_a_page_of_families_names_exactly_those_that_it_shows(
    banyumas: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    document = "query Page { families(first: 7) { nodes { id headName } } }"
    response = await banyumas.post(document)
    (event,) = await events_of(owner, response)
    shown = response.json()["data"]["families"]["nodes"]
    assert set(event["subject_ids"]) == uuids(shown)
    assert (event["action"], event["subject_type"], event["row_count"]) == ("READ", "Family", 7)
    assert (event["permission"], event["roles"]) == ("registry:family:read", ["REGENCY_ADMIN"])
    assert (event["operation"], event["document_hash"]) == ("Page", sha256(document.encode()).digest())
    assert event["purpose"] is None
    assert event["regency_id"] == BANYUMAS.id
    villages = await owner.fetchrow(
        "select min(village_id) as low, max(village_id) as high from family where id = any($1)", event["subject_ids"]
    )
    assert villages is not None
    assert (event["village_low"], event["village_high"]) == (villages["low"], villages["high"])


async def test_a_page_over_two_regencies_leaves_an_event_in_each(
    province: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    response = await province.post("{ families(first: 100) { edges { node { id } } } }")
    events = await events_of(owner, response)
    assert [event["regency_id"] for event in events] == [CILACAP.id, BANYUMAS.id]
    shown = [edge["node"] for edge in response.json()["data"]["families"]["edges"]]
    for event in events:
        own = [node for node in shown if node["id"].startswith(f"Family:{event['regency_id']}:")]
        assert set(event["subject_ids"]) == uuids(own)
        assert event["row_count"] == len(own)


@pytest.mark.parametrize(
    "document",
    [
        "{ families { totalCount } persons { __typename totalCount } }",
        '{ registrySummary(region: "33.02", by: DISTRICT) { total { persons } } }',
        "{ regions(first: 5) { nodes { name } } me { permissions } registryEditions { label } }",
        '{ families(filter: {search: "nobody is called that"}) { nodes { id } } }',
        '{ family(id: "Family:3302:01890000-0000-7000-8000-000000000000") { headName } }',
        '{ node(id: "Region:33.02") { id } }',
    ],
    ids=["counts", "totals", "regions", "an empty page", "nobody", "a region by id"],
)
async def test_what_is_about_nobody_leaves_no_event(
    banyumas: Caller, owner: "asyncpg.Connection[asyncpg.Record]", document: str
) -> None:
    assert await events_of(owner, await banyumas.post(document)) == []


async def test_persons_read_with_their_families_name_both(
    banyumas: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    alone = await banyumas.post("{ persons(first: 9) { nodes { id } } }")
    together = await banyumas.post("{ persons(first: 9) { nodes { id family { id } } } }")
    (without,), (with_families,) = await events_of(owner, alone), await events_of(owner, together)
    persons = together.json()["data"]["persons"]["nodes"]
    families = [person["family"] for person in persons if person["family"]]
    assert families
    assert set(without["subject_ids"]) == uuids(persons)
    assert set(with_families["subject_ids"]) == uuids(persons) | uuids(families)
    assert with_families["row_count"] == 9


async def test_one_row_by_id_or_nik_or_node_is_read_by_somebody_too(
    banyumas: Caller, owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal
) -> None:
    person = await owner.fetchrow(
        "select id, nik_sealed from person where regency_id = $1 and nik_sealed is not null and presence = 'PRESENT' "
        "order by id limit 1",
        BANYUMAS.id,
    )
    assert person is not None
    node_id = f"Person:{BANYUMAS.id}:{person['id']}"
    documents: list[tuple[str, dict[str, Any]]] = [
        ("query($id: ID!) { person(id: $id) { name } }", {"id": node_id}),
        ("query($id: ID!) { node(id: $id) { id } }", {"id": node_id}),
        ('query($id: ID!) { nodes(ids: [$id, "Region:33"]) { id } }', {"id": node_id}),
        ("query($nik: String!) { personByNik(nik: $nik) { name } }", {"nik": seal.unseal(person["nik_sealed"])}),
        ("query($id: ID!) { me { permissions } person(id: $id) { name } }", {"id": node_id}),
    ]
    for document, variables in documents:
        (event,) = await events_of(owner, await banyumas.post(document, variables))
        assert (event["subject_type"], event["subject_ids"], event["row_count"]) == ("Person", [person["id"]], 1)


async def test_a_neighbours_row_is_not_read_and_leaves_no_event(
    banyumas: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    foreign = await owner.fetchval("select id from person where regency_id = $1 limit 1", CILACAP.id)
    response = await banyumas.post(f'{{ node(id: "Person:{CILACAP.id}:{foreign}") {{ id }} }}')
    assert response.json() == {"data": {"node": None}, "extensions": response.json()["extensions"]}
    assert await events_of(owner, response) == []


async def test_a_refusal_is_an_event_where_the_principal_works(
    api_client: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    agent = await api_client.as_(Role.EWARONG_AGENT, BANYUMAS.code)
    (event,) = await events_of(owner, await agent.post("query Try { families { nodes { headName } } }"))
    assert (event["action"], event["permission"], event["roles"]) == (
        "REFUSAL",
        "registry:family:read",
        ["EWARONG_AGENT"],
    )
    assert (event["village_low"], event["village_high"]) == (BANYUMAS.path.villages.low, BANYUMAS.path.villages.high)
    assert (event["subject_ids"], event["row_count"], event["operation"]) == ([], 0, "Try")


async def test_what_is_read_beside_a_refusal_leaves_both_events(
    api_client: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    psm = await api_client.as_(Role.PSM, BANYUMAS.village(1, 1))
    response = await psm.post(
        '{ families(first: 1) { nodes { id } } person(id: "Person:3302:x") { nikRevealed(purpose: AUDIT) } }'
    )
    assert [event["action"] for event in await events_of(owner, response)] == ["READ", "REFUSAL"]


async def test_a_token_that_is_new_is_a_login_and_known_it_is_none(
    api_client: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    caller = await api_client.granted((Role.LKS_ASSESSOR, "33"), (Role.LKS_MANAGER, "33.01"))
    first, again = [await caller.post("{ me { principal { id } } }") for _ in range(2)]
    me = UUID(first.json()["data"]["me"]["principal"]["id"])
    logins = await owner.fetch("select * from audit_event where principal_id = $1 and action = 'LOGIN'", me)
    assert [login["request_id"] for login in logins] == [first.headers["x-request-id"]]
    assert (logins[0]["roles"], logins[0]["regency_id"]) == (["LKS_ASSESSOR", "LKS_MANAGER"], 3300)
    assert again.status_code == 200
