"""Starting a matching and reading what came of it, through the API."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.registry.dukcapil.gateways import agreeing, scripted
from tests.registry.dukcapil.office import Office
from tests.support.client import ApiClient, Caller, api_of

MATCHING = """id region { code } statuses startedBy startedAt finishedAt job { kind state startedBy regionCode }
  counts { found done matched nikEmpty nikNotFound nameDiffers birthDateDiffers nikDuplicate notRecorded deceased movedAbroad skipped }"""
START = f"""mutation($input: CivilRegistryMatchingStartInput!) {{ answer: civilRegistryMatchingStart(input: $input) {{
  __typename ... on UserError {{ code message }} ... on InvalidInput {{ fields }}
  ... on CivilRegistryMatchingStarted {{ matching {{ {MATCHING} }} }} }} }}"""
ONE = f"query($id: ID!) {{ civilRegistryMatching(id: $id) {{ {MATCHING} }} }}"
LIST = f"""query($region: String, $after: String) {{ civilRegistryMatchings(first: 1, region: $region, after: $after) {{
  totalCount nodes {{ {MATCHING} }} pageInfo {{ hasNextPage endCursor }} }} }}"""


@pytest_asyncio.fixture(scope="module")
async def matching_api(api_settings: Settings, server: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API of a Kesos that knows where the civil registry is; no worker takes up what it starts."""
    connected = api_settings.model_copy(update={"dukcapil_url": "http://127.0.0.1:9"})
    async with api_of(connected, server) as client:
        yield client


@pytest_asyncio.fixture
async def officer(matching_api: ApiClient, office: Office) -> Caller:
    """The officer of the civil registry in the town."""
    return await matching_api.as_(Role.DUKCAPIL_OFFICER, office.place.regency.code)


async def start(caller: Caller, region: str, **others: Any) -> Any:
    given = {"region": region, "idempotencyKey": str(uuid4())} | others
    return (await caller.query(START, input=given))["answer"]


async def test_a_matching_is_started_with_its_job_in_the_same_transaction(office: Office, officer: Caller) -> None:
    code = office.place.regency.code
    answer = await start(officer, code)
    assert answer["__typename"] == "CivilRegistryMatchingStarted"
    matching = answer["matching"]
    assert matching["region"] == {"code": code}
    assert matching["statuses"] == ["NIK_ISSUED", "UNMATCHED"]
    assert matching["counts"].pop("found") is None
    assert set(matching["counts"].values()) == {0}
    assert matching["finishedAt"] is None
    assert matching["job"] == {
        "kind": "MATCHING",
        "state": "QUEUED",
        "startedBy": matching["startedBy"],
        "regionCode": code,
    }
    identifier = matching["id"].rpartition(":")[2]
    events = await office.owner.fetch(
        "select * from audit_event where subject_ids @> array[$1::text::uuid]", identifier
    )
    (event,) = events
    assert (event["action"], event["operation"]) == ("CHANGE", "civilRegistryMatchingStart")
    assert event["subject_type"] == "CivilRegistryMatching"


async def test_what_came_of_it_is_read_as_it_goes(office: Office, officer: Caller) -> None:
    started = (await start(officer, office.place.village.code, statuses=["NIK_ISSUED"]))["matching"]
    attempt = await office.matching(office.place.village)
    attempt.subject_id = await office.owner.fetchval("select $1::uuid", started["id"].rpartition(":")[2])
    async with scripted(agreeing) as gateway:
        await office.run(attempt, gateway.url)
    read = (await officer.query(ONE, id=started["id"]))["civilRegistryMatching"]
    people = len(await office.persons(f"village_id = {office.place.village.id} and nik_sealed is not null"))
    counts = {name: number for name, number in read["counts"].items() if number}
    assert counts == {"found": people, "done": people, "matched": people}
    assert read["finishedAt"] is not None
    assert read["statuses"] == ["NIK_ISSUED"]


async def test_the_same_key_starts_one_matching_and_another_input_is_a_conflict(
    office: Office, officer: Caller
) -> None:
    code, key = office.place.regency.code, str(uuid4())
    jobs = "select count(*) from job where regency_id = $1"
    first = await start(officer, code, idempotencyKey=key)
    before = await office.owner.fetchval(jobs, office.place.regency.id)
    assert await start(officer, code, idempotencyKey=key) == first
    assert await start(officer, code, idempotencyKey=key, statuses=["UNMATCHED", "NIK_ISSUED"]) == first
    assert await office.owner.fetchval(jobs, office.place.regency.id) == before
    for other in (
        await start(officer, code, idempotencyKey=key, statuses=["MATCHED"]),
        await start(officer, office.place.village.code, idempotencyKey=key),
    ):
        assert (other["__typename"], other["code"]) == ("Conflict", "IDEMPOTENCY_KEY_REUSED")


async def test_a_key_is_the_callers_own(office: Office, officer: Caller, matching_api: ApiClient) -> None:
    code, key = office.place.regency.code, str(uuid4())
    mine = await start(officer, code, idempotencyKey=key)
    admin = await matching_api.as_(Role.REGENCY_ADMIN, code)
    theirs = await start(admin, code, idempotencyKey=key)
    assert theirs["matching"]["id"] != mine["matching"]["id"]


@pytest.mark.parametrize("statuses", [[], ["NO_IDENTITY"], ["NIK_ISSUED", "IN_PROCESS"]])
async def test_states_without_a_nik_cannot_be_compared(office: Office, officer: Caller, statuses: list[str]) -> None:
    answer = await start(officer, office.place.regency.code, statuses=statuses)
    assert (answer["code"], answer["fields"]) == ("MATCHING_STATUSES_WRONG", ["statuses"])


@pytest.mark.parametrize("code", ["33.98", "33.02", "3302", ""])
async def test_a_region_that_is_not_there_and_one_of_others_are_refused_alike(
    office: Office, officer: Caller, code: str
) -> None:
    before = await office.owner.fetchval("select count(*) from civil_registry_matching")
    answer = await start(officer, code)
    assert (answer["__typename"], answer["fields"]) == ("InvalidInput", ["region"])
    assert answer["code"] == ("REGION_UNKNOWN" if "." in code else "REGION_CODE_MALFORMED")
    assert await office.owner.fetchval("select count(*) from civil_registry_matching") == before


async def test_whoever_may_not_send_people_out_starts_nothing(office: Office, matching_api: ApiClient) -> None:
    code = office.place.regency.code
    for role in (Role.REGENCY_VERIFIER, Role.PROVINCE_OFFICER, Role.TKSK):
        caller = await matching_api.as_(role, code if role is not Role.PROVINCE_OFFICER else code[:2])
        given = {"region": code, "idempotencyKey": str(uuid4())}
        assert await caller.codes(START, input=given) == ["NOT_PERMITTED"]
        assert "NOT_PERMITTED" in await caller.codes("{ civilRegistryMatchings { totalCount } }")


async def test_without_a_civil_registry_nothing_is_started(office: Office, api_settings: Settings) -> None:
    async with api_of(api_settings, office.server) as client:
        officer = await client.as_(Role.DUKCAPIL_OFFICER, office.place.regency.code)
        answer = await start(officer, office.place.regency.code)
    assert (answer["__typename"], answer["code"]) == ("Refused", "DUKCAPIL_UNCONFIGURED")
    assert "KESOS_DUKCAPIL_URL" in answer["message"]


async def test_a_neighbour_sees_no_matching_and_the_whole_country_sees_it(
    office: Office, officer: Caller, matching_api: ApiClient
) -> None:
    matching = (await start(officer, office.place.village.code))["matching"]
    neighbour = await matching_api.as_(Role.DUKCAPIL_OFFICER, "33.02")
    assert (await neighbour.query(ONE, id=matching["id"]))["civilRegistryMatching"] is None
    listed = (await neighbour.query(LIST, region=office.place.regency.code))["civilRegistryMatchings"]
    assert (listed["totalCount"], listed["nodes"]) == (0, [])
    ministry = await matching_api.as_(Role.MINISTRY_ADMIN)
    assert (await ministry.query(ONE, id=matching["id"]))["civilRegistryMatching"]["id"] == matching["id"]
    node = await officer.query("query($id: ID!) { node(id: $id) { __typename id } }", id=matching["id"])
    assert node["node"] == {"__typename": "CivilRegistryMatching", "id": matching["id"]}


async def test_matchings_are_listed_newest_first_and_by_region(office: Office, officer: Caller) -> None:
    village = office.place.neighbour.code
    older = (await start(officer, village))["matching"]["id"]
    newer = (await start(officer, village))["matching"]["id"]
    first = (await officer.query(LIST, region=village))["civilRegistryMatchings"]
    assert [each["id"] for each in first["nodes"]] == [newer]
    second = (await officer.query(LIST, region=village, after=first["pageInfo"]["endCursor"]))["civilRegistryMatchings"]
    assert [each["id"] for each in second["nodes"]] == [older]
