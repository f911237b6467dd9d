"""Lists and single objects, held against what the administrator of the database reads in plain SQL."""

from typing import TYPE_CHECKING

import pytest

from app.authz.permissions import Permission
from app.authz.roles import Role
from tests.support.client import ApiClient, Caller
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

PROVINCE = "regency_id / 100 = 33"
REGIONS = {
    "33": PROVINCE,
    BANYUMAS.code: "regency_id = 3302",
    BANYUMAS.district(1): "village_id / 10000 = 330201",
    BANYUMAS.village(2, 3): "village_id = 3302022003",
    CILACAP.village(1, 1): "village_id = 3301012001",
    "33.05": "false",
    "34": "false",
}
FAMILIES = {
    "{}": "true",
    "{deciles: {from: 2, to: 4}}": "decile between 2 and 4",
    "{deciles: {to: 3}}": "decile <= 3",
    "{deciles: {from: 9}}": "decile >= 9",
    "{deciles: {}}": "decile is not null",
    "{deciles: {from: 6, to: 2}}": "false",
    "{statuses: [ACTIVE]}": "status = 'ACTIVE'",
    "{statuses: MOVED}": "status = 'MOVED'",
    "{statuses: [MOVED, NOT_FOUND, DISSOLVED]}": "status <> 'ACTIVE'",
    "{statuses: []}": "false",
    "{statuses: null, search: null, deciles: null}": "true",
    '{search: "wayan"}': "head_name like 'Wayan %'",
    '{search: "SuD"}': r"head_name ~* '(^| )sud'",
    '{search: "off\\\\ WAYAN"}': "false",
    '{search: "50%_oFF\\\\ WAYAN"}': r"head_name like 'Wayan 50\%\_off%'",
    '{search: " x33, (50%) "}': r"head_name like 'Wayan 50\%\_off% X33%'",
    '{search: "%"}': "false",
    '{search: "_"}': "false",
    '{search: "50_"}': "false",
    '{search: "\\\\"}': "false",
    '{search: "a\' or 1=1 --"}': "false",
    '{search: "wayan | sud"}': "false",
    '{search: "wayan:*"}': "false",
    '{search: ""}': "true",
    '{search: ".,-"}': "true",
    '{search: "x3302", deciles: {from: 1, to: 5}, statuses: [ACTIVE]}': "regency_id = 3302 and decile <= 5 and status = 'ACTIVE'",
}
PERSONS = {
    "{}": "true",
    '{search: "a"}': "name ~* '(^| )a'",
    "{sex: FEMALE}": "sex = 'FEMALE'",
    "{identityStatuses: [MATCHED]}": "identity_status = 'MATCHED'",
    "{identityStatuses: [NO_IDENTITY, IN_PROCESS, UNMATCHED]}": (
        "identity_status in ('NO_IDENTITY', 'IN_PROCESS', 'UNMATCHED')"
    ),
    "{presences: [DECEASED]}": "presence = 'DECEASED'",
    '{bornFrom: "1990-01-01"}': "birth_date >= '1990-01-01'",
    '{bornTo: "1960-12-31"}': "birth_date <= '1960-12-31'",
    '{bornFrom: "2000-01-01", bornTo: "2010-12-31", sex: MALE}': (
        "birth_date between '2000-01-01' and '2010-12-31' and sex = 'MALE'"
    ),
}


class Truth:
    """Ids as plain SQL finds them."""

    def __init__(self, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._owner = owner

    async def ids(self, table: str, where: str) -> list[str]:
        ids = f"select '{table.capitalize()}:' || regency_id || ':' || id from {table}"  # noqa: S608  (a test's own words)
        rows = await self._owner.fetch(f"{ids} where {PROVINCE} and ({where}) order by village_id, id")
        return [row[0] for row in rows]


@pytest.fixture
def truth(owner: "asyncpg.Connection[asyncpg.Record]") -> Truth:
    return Truth(owner)


async def ids_of(caller: Caller, field: str, arguments: str) -> list[str]:
    """The ids of the first page, which the count must agree with."""
    found = (await caller.query(f"{{ {field}(first: 100, {arguments}) {{ totalCount nodes {{ id }} }} }}"))[field]
    ids = [node["id"] for node in found["nodes"]]
    assert len(ids) == min(found["totalCount"], 100)
    return ids


@pytest.mark.parametrize("code", REGIONS)
async def test_a_list_is_narrowed_to_a_region_of_any_level(province: Caller, truth: Truth, code: str) -> None:
    assert await ids_of(province, "families", f'region: "{code}"') == await truth.ids("family", REGIONS[code])
    persons = await ids_of(province, "persons", f'region: "{code}"')
    assert persons == (await truth.ids("person", REGIONS[code]))[:100]


@pytest.mark.parametrize("given", FAMILIES)
async def test_families_are_filtered(province: Caller, truth: Truth, given: str) -> None:
    assert await ids_of(province, "families", f"filter: {given}") == await truth.ids("family", FAMILIES[given])


@pytest.mark.parametrize("given", PERSONS)
async def test_persons_are_filtered(province: Caller, truth: Truth, given: str) -> None:
    found = await ids_of(province, "persons", f"filter: {given}")
    assert found == (await truth.ids("person", PERSONS[given]))[:100] != []


async def test_a_filter_and_a_region_hold_together(province: Caller, truth: Truth) -> None:
    found = await ids_of(province, "families", f'region: "{BANYUMAS.district(2)}", filter: {{deciles: {{to: 5}}}}')
    assert found == await truth.ids("family", "village_id / 10000 = 330202 and decile <= 5")


async def test_filters_come_in_variables_as_in_literals(province: Caller, truth: Truth) -> None:
    document = """query($filter: FamilyFilter, $from: Int = 2, $search: String, $statuses: [FamilyStatus!]) {
      whole: families(first: 100, filter: $filter) { nodes { id } }
      parts: families(first: 100, filter: {deciles: {from: $from}, search: $search, statuses: $statuses}) { nodes { id } }
    }"""
    answer = await province.query(document, filter={"deciles": {"to": 3}, "statuses": ["ACTIVE"]}, statuses=["ACTIVE"])
    of_whole = await truth.ids("family", "decile <= 3 and status = 'ACTIVE'")
    of_parts = await truth.ids("family", "decile >= 2 and status = 'ACTIVE'")
    assert [node["id"] for node in answer["whole"]["nodes"]] == of_whole
    assert [node["id"] for node in answer["parts"]["nodes"]] == of_parts
    answer = await province.query(document, filter=None, **{"from": 8}, search="WAYAN")
    assert len(answer["whole"]["nodes"]) == len(await truth.ids("family", "true"))
    assert [node["id"] for node in answer["parts"]["nodes"]] == await truth.ids(
        "family", "decile >= 8 and head_name like '%Wayan%'"
    )


async def test_a_family_shows_its_columns_its_members_and_its_ranks(
    province: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    row = await owner.fetchrow(
        "select f.*, e.label, r.name as village from family f join registry_edition e on e.id = f.edition_id "
        "join region r on r.id = f.village_id where f.regency_id = 3302 order by f.id offset 10 limit 1"
    )
    assert row is not None
    document = """query($id: ID!) { family(id: $id) {
      __typename id headName kk decile address rt latitude status version updatedAt housing { floor floorAreaM2 }
      assets { motorcycle cattle } programmesReceived { pkh } village { name } district { code } regency { code }
      edition { label } members { name sex birthDate relationship } ranks { scheme decile percentile edition { id: label } }
    } }"""
    shown = (await province.query(document, id=f"Family:3302:{row['id']}"))["family"]
    assert shown["__typename"] == "Family"
    assert (shown["headName"], shown["kk"], shown["decile"]) == (row["head_name"], row["kk_masked"], row["decile"])
    assert (shown["address"], shown["rt"], shown["latitude"]) == (row["address"], row["rt"], row["latitude"])
    assert shown["housing"] == {"floor": row["floor"], "floorAreaM2": row["floor_area_m2"]}
    assert shown["assets"] == {"motorcycle": row["has_motorcycle"], "cattle": row["cattle_count"]}
    received = row["last_pkh_on"]
    assert shown["programmesReceived"] == {"pkh": received.isoformat() if received else None}
    assert (shown["village"]["name"], shown["regency"]["code"]) == (row["village"], BANYUMAS.code)
    assert shown["edition"]["label"] == row["label"]
    members = await owner.fetch(
        "select name, sex::text, birth_date, relationship::text from person where regency_id = 3302 and family_id = $1 "
        "order by member_no",
        row["id"],
    )
    assert [tuple(member.values()) for member in shown["members"]] == [
        (name, sex, born.isoformat(), relationship) for name, sex, born, relationship in members
    ]
    ranks = await owner.fetch(
        "select w.scheme::text, w.decile, w.percentile, e.label from welfare_rank w join registry_edition e "
        "on e.id = w.edition_id where w.regency_id = 3302 and w.family_id = $1 order by w.ranked_on desc",
        row["id"],
    )
    assert [(*list(rank.values())[:3], rank["edition"]["id"]) for rank in shown["ranks"]] == [
        tuple(rank) for rank in ranks
    ]


async def test_objects_are_fetched_again_by_their_ids_in_the_order_asked_for(province: Caller) -> None:
    page = await province.query("{ families(first: 2) { nodes { id members { id } } } }")
    first, second = page["families"]["nodes"]
    ids = [second["id"], "Region:33.02", first["members"][0]["id"], first["id"], second["id"]]
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"
    found = (await province.query(document, ids=ids))["nodes"]
    assert [node["id"] for node in found] == ids
    assert [node["__typename"] for node in found] == ["Family", "Region", "Person", "Family", "Family"]
    assert await province.query("{ nodes(ids: []) { id } }") == {"nodes": []}
    for each in ids:
        assert (await province.query("query($id: ID!) { node(id: $id) { id } }", id=each))["node"]["id"] == each


async def test_a_living_person_is_found_by_the_exact_nik(banyumas: Caller) -> None:
    document = "query($nik: String!) { personByNik(nik: $nik) { id family { id } } }"
    revealed = await banyumas.query(
        """{ living: persons(first: 100, filter: {presences: [PRESENT]}) { nodes { id nikRevealed(purpose: AUDIT) } }
             dead: persons(first: 5, filter: {presences: [DECEASED]}) { nodes { id nikRevealed(purpose: AUDIT) } } }"""
    )
    for person in [person for person in revealed["living"]["nodes"] if person["nikRevealed"]][:5]:
        assert (await banyumas.query(document, nik=person["nikRevealed"]))["personByNik"]["id"] == person["id"]
    gone = [person["nikRevealed"] for person in revealed["dead"]["nodes"] if person["nikRevealed"]]
    assert gone
    assert (await banyumas.query(document, nik=gone[0]))["personByNik"] is None
    assert (await banyumas.query(document, nik="9933020101700099"))["personByNik"] is None


async def test_editions_come_newest_first(province: Caller, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    rows = await owner.fetch(
        "select scheme::text, period, label, legal_basis, published_on::text from registry_edition "
        "order by published_on desc, id desc"
    )
    document = "{ registryEditions { scheme period label legalBasis publishedOn } }"
    editions = (await province.query(document))["registryEditions"]
    assert [tuple(edition.values()) for edition in editions] == [tuple(row) for row in rows]


async def test_me_tells_who_asks_what_was_granted_and_what_that_permits(api_client: ApiClient) -> None:
    document = "{ me { principal { subject name } grants { role regionCode level entityKind } permissions } }"
    caller = await api_client.granted((Role.PSM, BANYUMAS.village(1, 1)), (Role.MINISTRY_ANALYST, ""))
    me = (await caller.query(document))["me"]
    assert me["principal"]["subject"] == f"dev:PSM:{BANYUMAS.village(1, 1)}+dev:MINISTRY_ANALYST:0"
    assert {grant["role"]: (grant["regionCode"], grant["level"]) for grant in me["grants"]} == {
        "PSM": (BANYUMAS.village(1, 1), "VILLAGE"),
        "MINISTRY_ANALYST": (None, None),
    }
    assert me["permissions"] == sorted(me["permissions"])
    assert Permission.REGISTRY_FAMILY_READ in me["permissions"]
    assert Permission.REGISTRY_NIK_REVEAL not in me["permissions"]
