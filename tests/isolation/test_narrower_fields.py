"""A field cannot borrow the scope of its parent: each is read where its own permission reaches, and no further."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.authz.enforcer import POLICY_FOLDER
from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import ApiClient, Caller, Json, api_with_policies
from tests.support.world import BANYUMAS, CILACAP

FAMILIES = """query($region: String) { families(first: 100, region: $region) {
  nodes { id headName address members { id name } village { code } }
} }"""
PERSONS = """query($region: String) { persons(first: 100, region: $region) {
  nodes { id name identityStatus family { id } health { nutrition healthInsurance chronicDisease } }
} }"""


async def listed(caller: Caller, document: str, region: str) -> list[Json]:
    (found,) = (await caller.query(document, region=region)).values()
    nodes: list[Json] = found["nodes"]
    assert nodes
    return nodes


@pytest_asyncio.fixture(scope="module")
async def api_without_persons(
    api_settings: Settings, world: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ApiClient]:
    """The API under policies in which a province may read families and not persons."""
    folder: Path = tmp_path_factory.mktemp("policies")
    shutil.copytree(POLICY_FOLDER, folder, dirs_exist_ok=True)
    policy = folder / "registry.csv"
    policy.write_text(policy.read_text().replace("p, PROVINCE_OFFICER, registry:person:read\n", ""))
    async with api_with_policies(api_settings, world, folder) as client:
        yield client


async def test_members_outside_the_reach_of_the_person_permission_are_not_shown(
    api_without_persons: ApiClient,
) -> None:
    caller = await api_without_persons.granted((Role.PROVINCE_OFFICER, "33"), (Role.REGENCY_VERIFIER, BANYUMAS.code))
    assert all(family["members"] for family in await listed(caller, FAMILIES, BANYUMAS.code))
    assert not any(family["members"] for family in await listed(caller, FAMILIES, CILACAP.code))
    seen = await caller.query("{ persons(first: 100) { nodes { village { code } } } }")
    assert {person["village"]["code"][:5] for person in seen["persons"]["nodes"]} == {BANYUMAS.code}


async def test_persons_without_any_permission_for_persons_are_refused(api_without_persons: ApiClient) -> None:
    caller = await api_without_persons.as_(Role.PROVINCE_OFFICER, "33")
    assert await caller.codes("{ families { nodes { id members { id } } } }") == ["NOT_PERMITTED"]
    assert await caller.codes("{ families { nodes { id } } }") == []


async def test_families_outside_the_reach_of_the_family_permission_are_not_shown(api_client: ApiClient) -> None:
    caller = await api_client.granted((Role.DUKCAPIL_OFFICER, "33"), (Role.REGENCY_VERIFIER, BANYUMAS.code))
    document = "query($region: String) { persons(first: 100, region: $region) { nodes { id family { id } } } }"
    assert any(person["family"] for person in await listed(caller, document, BANYUMAS.code))
    assert not any(person["family"] for person in await listed(caller, document, CILACAP.code))


async def test_names_outside_the_reach_of_the_name_permission_are_masked(api_client: ApiClient) -> None:
    caller = await api_client.granted((Role.MINISTRY_ANALYST, ""), (Role.REGENCY_VERIFIER, BANYUMAS.code))
    own = await listed(caller, FAMILIES.replace("address", ""), BANYUMAS.code)
    assert all(BANYUMAS.mark in family["headName"] for family in own)
    foreign = await listed(caller, FAMILIES.replace("address", ""), CILACAP.code)
    assert all(family["headName"].endswith("***") for family in foreign)
    assert all(member["name"].endswith("***") for family in foreign for member in family["members"])


async def test_addresses_outside_the_reach_of_the_address_permission_are_null(api_client: ApiClient) -> None:
    caller = await api_client.granted((Role.MINISTRY_ANALYST, ""), (Role.REGENCY_VERIFIER, BANYUMAS.code))
    document = """query($region: String) { families(first: 100, region: $region) {
      nodes { address hamlet rw rt latitude longitude } } }"""
    assert any(family["address"] for family in await listed(caller, document, BANYUMAS.code))
    assert all(set(family.values()) == {None} for family in await listed(caller, document, CILACAP.code))


async def test_health_outside_the_reach_of_the_health_permission_is_null(api_client: ApiClient) -> None:
    caller = await api_client.granted((Role.PROVINCE_OFFICER, "33"), (Role.REGENCY_VERIFIER, BANYUMAS.code))
    own = await listed(caller, PERSONS, BANYUMAS.code)
    assert any(value for person in own for value in person["health"].values())
    foreign = await listed(caller, PERSONS, CILACAP.code)
    assert not any(value for person in foreign for value in (person["health"] or {}).values())


async def test_a_search_by_name_finds_nobody_outside_the_reach_of_the_name_permission(api_client: ApiClient) -> None:
    caller = await api_client.granted((Role.MINISTRY_ANALYST, ""), (Role.REGENCY_VERIFIER, BANYUMAS.code))
    document = """query($text: String!) { families(filter: {search: $text}) { totalCount }
      persons(filter: {search: $text}) { totalCount } }"""
    assert (await caller.query(document, text=BANYUMAS.mark))["families"]["totalCount"] > 0
    assert await caller.query(document, text=CILACAP.mark) == {
        "families": {"totalCount": 0},
        "persons": {"totalCount": 0},
    }


async def test_an_order_by_name_and_its_cursors_tell_no_name_outside_the_reach_of_the_name_permission(
    api_client: ApiClient,
) -> None:
    caller = await api_client.granted((Role.MINISTRY_ANALYST, ""), (Role.REGENCY_VERIFIER, BANYUMAS.code))
    seen = await caller.query("{ families(first: 100, order: NAME) { nodes { village { code } } } }")
    assert {family["village"]["code"][:5] for family in seen["families"]["nodes"]} == {BANYUMAS.code}


async def test_a_number_outside_the_reach_of_the_reveal_permission_is_null(api_client: ApiClient) -> None:
    caller = await api_client.granted((Role.PROVINCE_OFFICER, "33"), (Role.REGENCY_ADMIN, BANYUMAS.code))
    document = """query($region: String) { families(first: 20, region: $region) {
      nodes { kk kkRevealed(purpose: AUDIT) members { nikRevealed(purpose: AUDIT) } } } }"""
    assert all(family["kkRevealed"] for family in await listed(caller, document, BANYUMAS.code))
    foreign = await listed(caller, document, CILACAP.code)
    assert all(family["kk"] and family["kkRevealed"] is None for family in foreign)
    assert all(member["nikRevealed"] is None for family in foreign for member in family["members"])


async def test_a_nik_is_looked_up_only_where_the_look_up_permission_reaches(api_client: ApiClient) -> None:
    cilacap = await api_client.as_(Role.REGENCY_ADMIN, CILACAP.code)
    document = """{ persons(first: 100, filter: {presences: [PRESENT]}) { nodes {
      name nikRevealed(purpose: AUDIT) } } }"""
    people = (await cilacap.query(document))["persons"]["nodes"]
    nik = next(person["nikRevealed"] for person in people if person["nikRevealed"])
    look_up = "query($nik: String!) { personByNik(nik: $nik) { id } }"
    assert (await cilacap.query(look_up, nik=nik))["personByNik"]
    caller = await api_client.granted((Role.PROVINCE_OFFICER, "33"), (Role.REGENCY_VERIFIER, BANYUMAS.code))
    assert (await caller.query(look_up, nik=nik)) == {"personByNik": None}
