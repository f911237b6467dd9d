"""Administrators and auditors see the grants of their regions: by list, by id, and no others."""

from uuid import uuid4

import pytest

from app.authz.roles import Role
from tests.principals.office import BANYUMAS, CILACAP, Office

LIST = """query($region: String, $status: GrantStatus, $role: Role, $first: Int! = 100, $after: String) {
  grants(region: $region, status: $status, role: $role, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } nodes { id role status region { code } principal { subject } } } }"""
DISTRICT = "33.02.26"


async def test_the_newest_comes_first_and_pages_follow_each_other(office: Office) -> None:
    admin = await office.admin()
    given = [(await office.give(admin, Role.TKSK, DISTRICT))["grant"]["id"] for _ in range(3)]
    first = (await admin.query(LIST, region=DISTRICT, first=2))["grants"]
    assert [node["id"] for node in first["nodes"]] == given[:0:-1]
    assert first["pageInfo"]["hasNextPage"]
    second = (await admin.query(LIST, region=DISTRICT, first=2, after=first["pageInfo"]["endCursor"]))["grants"]
    assert second["nodes"][0]["id"] == given[0]
    assert first["totalCount"] == second["totalCount"]


async def test_a_list_can_be_narrowed_to_a_region_a_state_and_a_role(office: Office) -> None:
    admin = await office.admin()
    await office.give(admin, Role.PSM, f"{DISTRICT}.1001")
    proposed = (await office.give(admin, Role.REGENCY_APPROVER))["grant"]["id"]
    below = (await admin.query(LIST, region=DISTRICT))["grants"]["nodes"]
    assert {node["region"]["code"][:8] for node in below} == {DISTRICT}
    waiting = (await admin.query(LIST, status="PROPOSED", role="REGENCY_APPROVER"))["grants"]["nodes"]
    assert proposed in {node["id"] for node in waiting}
    assert {(node["status"], node["role"]) for node in waiting} == {("PROPOSED", "REGENCY_APPROVER")}


async def test_a_regency_sees_its_own_and_the_ministry_sees_all(office: Office) -> None:
    own = (await office.give(await office.admin(), Role.PSM, "33.02.25.1001"))["grant"]["id"]
    foreign = (await office.give(await office.admin(CILACAP), Role.PSM, "33.01.01.2001"))["grant"]["id"]
    country = (await office.give(await office.admin(""), Role.MINISTRY_ANALYST, "0"))["grant"]["id"]
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    banyumas = await (await office.admin()).query(document, ids=[own, foreign, country])
    assert banyumas == {"nodes": [{"id": own}, None, None]}
    ministry = await (await office.admin("")).query(document, ids=[own, foreign, country])
    assert [node["id"] for node in ministry["nodes"]] == [own, foreign, country]
    listed = (await (await office.admin()).query(LIST))["grants"]["nodes"]
    assert {node["region"]["code"][:5] for node in listed} == {BANYUMAS}


async def test_an_auditor_reads_and_changes_nothing(office: Office) -> None:
    grant = (await office.give(await office.admin()))["grant"]["id"]
    auditor = office.api.named(await office.newcomer((Role.AUDITOR, BANYUMAS)))
    document = "query($id: ID!) { node(id: $id) { ... on PrincipalGrant { principal { name } givenBy } } }"
    assert (await auditor.query(document, id=grant))["node"]["principal"] == {"name": "Sari Wulandari"}
    revoke = 'mutation($id: ID!) { grantRevoke(input: {id: $id, reason: "x"}) { __typename } }'
    assert await auditor.codes(revoke, id=grant) == ["NOT_PERMITTED"]


@pytest.mark.parametrize("role", [Role.REGENCY_VERIFIER, Role.REGENCY_APPROVER])
async def test_others_do_not_read_grants(office: Office, role: Role) -> None:
    caller = office.api.named(await office.newcomer((role, BANYUMAS)))
    assert await caller.codes(LIST) == ["NOT_PERMITTED"]
    grant = (await office.give(await office.admin()))["grant"]["id"]
    assert await caller.query("query($id: ID!) { node(id: $id) { id } }", id=grant) == {"node": None}


async def test_a_role_that_this_version_does_not_know_is_null(office: Office) -> None:
    subject = await office.newcomer((Role.PSM, "33.02.24.1001"))
    await office.owner.execute("update principal_grant set role = 'SATGAS_2031' where holder_subject = $1", subject)
    listed = (await (await office.admin()).query(LIST, region="33.02.24"))["grants"]["nodes"]
    assert [node["role"] for node in listed if node["principal"]["subject"] == subject] == [None]


async def test_an_unknown_region_is_refused(office: Office) -> None:
    assert await (await office.admin()).codes(LIST, region="33.99") == ["REGION_UNKNOWN"]
    assert await (await office.admin()).codes(f'{{ node(id: "PrincipalGrant:{uuid4()}x") {{ id }} }}') == ["ID_INVALID"]
