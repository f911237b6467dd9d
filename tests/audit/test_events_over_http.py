"""The audit trail as auditors and officers read it."""

from typing import TYPE_CHECKING, Any

import orjson
import pytest
import pytest_asyncio

from app.authz.authorize import authorize, operator_access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.audit.proofs import check_proof, read_proof
from app.domain.audit.seals import seal_new
from app.domain.registry.sealing import Seal
from app.tenants.region_path import RegionPath
from app.tenants.session import Database
from tests.support.client import ApiClient, Caller
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

EVENTS = """query($filter: AuditEventFilter, $after: String, $region: String) {
  auditEvents(first: 10, after: $after, filter: $filter, region: $region) {
    nodes { id happenedAt action principalId roles permission operation documentHash subjectType subjectIds rowCount
      purpose requestId regionCode }
    pageInfo { hasNextPage endCursor } totalCount } }"""


@pytest_asyncio.fixture(scope="session")
async def auditor(api_client: ApiClient) -> Caller:
    return await api_client.as_(Role.AUDITOR)


@pytest_asyncio.fixture(scope="session")
async def banyumas(api_client: ApiClient) -> Caller:
    return await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)


@pytest_asyncio.fixture(scope="session")
async def cilacap(api_client: ApiClient) -> Caller:
    return await api_client.as_(Role.REGENCY_ADMIN, CILACAP.code)


async def told(caller: Caller, request_id: str, **variables: Any) -> list[dict[str, Any]]:
    """The events of a request among the newest that ``caller`` sees."""
    nodes = (await caller.query(EVENTS, **variables))["auditEvents"]["nodes"]
    return [node for node in nodes if node["requestId"] == request_id and node["action"] != "LOGIN"]


async def test_an_event_tells_who_read_whom_by_which_permission_in_which_request(
    banyumas: Caller, auditor: Caller
) -> None:
    read = await banyumas.post('query Mine { families(first: 3, region: "33.02.01") { nodes { id } } }')
    request_id = read.headers["x-request-id"]
    me = (await banyumas.query("{ me { principal { id } } }"))["me"]["principal"]["id"]
    (event,) = await told(auditor, request_id)
    families = [node["id"].rpartition(":")[2] for node in read.json()["data"]["families"]["nodes"]]
    assert sorted(event["subjectIds"]) == sorted(families)
    assert (event["action"], event["subjectType"], event["rowCount"]) == ("READ", "Family", 3)
    assert (event["principalId"], event["roles"]) == (me, ["REGENCY_ADMIN"])
    assert (event["permission"], event["operation"], event["purpose"]) == ("registry:family:read", "Mine", None)
    assert event["regionCode"].startswith("33.02.01")
    assert await told(banyumas, request_id) == [event]
    assert (await auditor.query("query($id: ID!) { node(id: $id) { id } }", id=event["id"]))["node"]["id"] == event[
        "id"
    ]


async def test_a_regency_sees_what_happened_to_its_own_and_nothing_else(
    api_client: ApiClient, banyumas: Caller, cilacap: Caller
) -> None:
    province = await api_client.as_(Role.PROVINCE_OFFICER, "33")
    read = await province.post("{ families(first: 100) { nodes { id } } }")
    own, theirs = [await told(caller, read.headers["x-request-id"]) for caller in (banyumas, cilacap)]
    assert [event["regionCode"] for event in own] == [BANYUMAS.code]
    assert [event["regionCode"] for event in theirs] == [CILACAP.code]
    gone = await banyumas.query("query($id: ID!) { node(id: $id) { id } }", id=theirs[0]["id"])
    assert gone == {"node": None}


async def test_the_refusal_of_a_province_is_not_for_its_regencies(api_client: ApiClient, auditor: Caller) -> None:
    province = await api_client.as_(Role.PROVINCE_OFFICER, "33")
    refused = await province.post("{ auditEvents { nodes { id } } }")
    assert refused.json()["errors"][0]["extensions"]["code"] == "NOT_PERMITTED"
    (event,) = await told(auditor, refused.headers["x-request-id"])
    assert (event["action"], event["permission"], event["regionCode"]) == ("REFUSAL", "audit:event:read", "33")
    regency = await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    assert await told(regency, refused.headers["x-request-id"]) == []


async def test_events_come_newest_first_page_by_page_without_gaps(auditor: Caller, banyumas: Caller) -> None:
    for _ in range(32):
        await banyumas.post("{ families(first: 1) { nodes { id } } }")
    until = (await auditor.query(EVENTS))["auditEvents"]["nodes"][0]["happenedAt"]
    seen: list[dict[str, Any]] = []
    after = None
    for _ in range(3):
        page = (await auditor.query(EVENTS, after=after, filter={"until": until}))["auditEvents"]
        seen += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasNextPage"]
    moments = [(event["happenedAt"], event["id"].rpartition(":")[2]) for event in seen]
    assert moments == sorted(moments, reverse=True)
    assert len(set(moments)) == len(seen) == 30


async def test_filters_hold_together(auditor: Caller, banyumas: Caller) -> None:
    me = (await banyumas.query("{ me { principal { id } } }"))["me"]["principal"]["id"]
    person = (await banyumas.query("{ persons(first: 1) { nodes { id } } }"))["persons"]["nodes"][0]["id"]
    await banyumas.query("query($id: ID!) { person(id: $id) { nikRevealed(purpose: COMPLAINT) } }", id=person)
    wanted = {"actions": ["REVEAL", "CHANGE"], "principalId": me, "since": "2020-01-01T00:00:00+07:00"}
    events = (await auditor.query(EVENTS, filter=wanted, region="33.02"))["auditEvents"]["nodes"]
    assert events
    assert {(event["action"], event["principalId"], event["purpose"]) for event in events} >= {
        ("REVEAL", me, "COMPLAINT")
    }
    assert {event["action"] for event in events} <= {"REVEAL", "CHANGE"}
    assert (await auditor.query(EVENTS, filter={**wanted, "until": "2020-01-02T00:00:00Z"}))["auditEvents"][
        "totalCount"
    ] == 0
    assert await auditor.codes(EVENTS, filter={"principalId": "somebody"}) == ["ID_INVALID"]


@pytest.mark.parametrize("role", [Role.PSM, Role.EWARONG_AGENT, Role.REGENCY_VERIFIER])
async def test_whoever_is_watched_does_not_read_the_trail(api_client: ApiClient, role: Role) -> None:
    caller = await api_client.as_(role, BANYUMAS.village(1, 1) if role is Role.PSM else BANYUMAS.code)
    assert await caller.codes("{ auditEvents { totalCount } }") == ["NOT_PERMITTED"]
    assert await caller.codes('{ subjectAccess(nik: "9912345") { totalCount } }') == ["NOT_PERMITTED"]


ACCESS = """query($nik: String!) { subjectAccess(nik: $nik, first: 100) {
  nodes { requestId action operation } totalCount } }"""


async def test_a_person_who_asks_is_told_everybody_who_read_the_person_or_the_family(
    banyumas: Caller, cilacap: Caller, auditor: Caller, owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal
) -> None:
    person = await owner.fetchrow(
        "select * from person where regency_id = $1 and nik_sealed is not null and family_id is not null "
        "and presence = 'PRESENT' order by id desc limit 1",
        BANYUMAS.id,
    )
    assert person is not None
    nik = seal.unseal(person["nik_sealed"])
    mine = f"Person:{BANYUMAS.id}:{person['id']}"
    home = f"Family:{BANYUMAS.id}:{person['family_id']}"
    read = await banyumas.post("query A($id: ID!) { person(id: $id) { name } }", {"id": mine})
    family = await auditor.post("query B($id: ID!) { family(id: $id) { members { name } } }", {"id": home})
    other = await banyumas.post("query C { families(first: 1) { nodes { id } } }")
    answer = (await banyumas.query(ACCESS, nik=nik))["subjectAccess"]
    requests = {node["requestId"]: (node["action"], node["operation"]) for node in answer["nodes"]}
    assert requests[read.headers["x-request-id"]] == ("READ", "A")
    assert requests[family.headers["x-request-id"]] == ("READ", "B")
    assert (other.headers["x-request-id"] in requests) == (other.json()["data"]["families"]["nodes"][0]["id"] == home)
    assert answer["totalCount"] == len(answer["nodes"]) < 100
    assert (await cilacap.query(ACCESS, nik=nik))["subjectAccess"] == {"nodes": [], "totalCount": 0}


async def test_asking_who_read_is_kept_as_reading(
    banyumas: Caller, owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal
) -> None:
    person = await owner.fetchrow(
        "select id, nik_sealed from person where regency_id = $1 and nik_sealed is not null limit 1", BANYUMAS.id
    )
    assert person is not None
    asked = await banyumas.post(ACCESS, {"nik": seal.unseal(person["nik_sealed"])})
    (event,) = await owner.fetch("select * from audit_event where request_id = $1", asked.headers["x-request-id"])
    assert (event["action"], event["subject_type"], event["subject_ids"]) == ("READ", "Person", [person["id"]])


async def test_a_sealed_event_proves_itself_without_the_database(
    banyumas: Caller, cilacap: Caller, world_database: Database
) -> None:
    document = """query($id: ID!) { node(id: $id) { ... on AuditEvent { requestId inclusionProof } } }"""
    read = await banyumas.post("{ families(first: 1) { nodes { id } } }")
    (event,) = await told(banyumas, read.headers["x-request-id"])
    assert (await banyumas.query(document, id=event["id"]))["node"]["inclusionProof"] is None
    country = authorize(operator_access(RegionPath.country(), load_role_matrix()), Permission.AUDIT_EVENT_SEAL)
    assert await seal_new(world_database, country) > 0
    proof = (await banyumas.query(document, id=event["id"]))["node"]["inclusionProof"]
    assert proof["record"]["request_id"] == read.headers["x-request-id"]
    assert check_proof(read_proof(orjson.dumps(proof))).leaf_count > 0
    assert (await cilacap.query(document, id=event["id"]))["node"] is None
