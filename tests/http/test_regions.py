"""The region tree through the API: up, down, by name, and by the codes of others."""

from typing import TYPE_CHECKING

import pytest

from app.authz.roles import Role
from tests.support.client import ApiClient, Caller, Json
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

CHILDREN = """query($code: String!, $after: String, $search: String, $order: RegionOrder! = CODE) {
  region(code: $code) { children(first: 100, after: $after, search: $search, order: $order) {
    totalCount nodes { code name level kind parent { code } } pageInfo { hasNextPage endCursor }
  } } }"""


async def children(caller: Caller, code: str, **variables: str) -> list[Json]:
    """All regions below ``code``, page by page."""
    found: list[Json] = []
    after = None
    while True:
        page = (await caller.query(CHILDREN, code=code, after=after, **variables))["region"]["children"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            assert len(found) == page["totalCount"]
            return found
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("code", ["33", BANYUMAS.code, BANYUMAS.district(1)])
async def test_the_tree_is_walked_downwards(
    province: Caller, owner: "asyncpg.Connection[asyncpg.Record]", code: str
) -> None:
    rows = await owner.fetch(
        "select c.code, c.name, c.level::text, c.kind::text from region c join region p on p.id = c.parent_id "
        "where p.code = $1 order by c.code",
        code,
    )
    found = await children(province, code)
    assert [(node["code"], node["name"], node["level"], node["kind"]) for node in found] == [tuple(row) for row in rows]
    assert {node["parent"]["code"] for node in found} == {code}


async def test_the_tree_is_walked_upwards(province: Caller) -> None:
    village = BANYUMAS.village(1, 1)
    document = """query($code: String!) { region(code: $code) {
      name kind ancestors { code level } parent { code parent { code parent { code parent { code } } } } } }"""
    region = (await province.query(document, code=village))["region"]
    assert (region["name"], region["kind"]) == ("Cirahab", "DESA")
    assert [above["code"] for above in region["ancestors"]] == ["33", "33.02", "33.02.01"]
    assert [above["level"] for above in region["ancestors"]] == ["PROVINCE", "REGENCY", "DISTRICT"]
    climbed = []
    while (region := region["parent"]) is not None:
        climbed.append(region["code"])
    assert climbed == ["33.02.01", "33.02", "33"]


async def test_a_village_has_no_children_and_a_province_no_parent(province: Caller) -> None:
    assert await children(province, BANYUMAS.village(1, 1)) == []
    assert await province.query('{ region(code: "33") { parent { code } ancestors { code } } }') == {
        "region": {"parent": None, "ancestors": []}
    }


async def test_children_are_searched_and_sorted_by_name(
    province: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    rows = await owner.fetch("select code from region where parent_id = 33 and name ilike '%kota%' order by name, id")
    found = await children(province, "33", search="KOTA", order="NAME")
    assert [node["code"] for node in found] == [row["code"] for row in rows] != []


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ('search: "banyumas"', "lower(name) like '%banyumas%'"),
        ("level: PROVINCE", "level = 'PROVINCE'"),
        ('within: "33.02", level: DISTRICT', "level = 'DISTRICT' and id / 100 = 3302"),
        ('within: "33.02.01"', "village_low between 3302010000 and 3302019999 and level = 'VILLAGE'"),
        ('within: "33", search: "an", level: REGENCY', "level = 'REGENCY' and id / 100 = 33 and name ilike '%an%'"),
        ('search: "100%"', "false"),
    ],
)
async def test_regions_are_found_by_name_level_and_place(
    province: Caller, owner: "asyncpg.Connection[asyncpg.Record]", arguments: str, where: str
) -> None:
    rows = await owner.fetch(f"select code from region where {where} order by code")  # noqa: S608  (a test's own words)
    found = (await province.query(f"{{ regions(first: 100, {arguments}) {{ totalCount nodes {{ code }} }} }}"))[
        "regions"
    ]
    assert found["totalCount"] == len(rows)
    assert [node["code"] for node in found["nodes"]] == [row["code"] for row in rows[:100]]


async def test_a_region_is_found_by_its_bps_code(province: Caller, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The two numberings collide: the same digits denote different regions in each."""
    rows = await owner.fetch(
        "select a.code as bps, r.code, r.name from region_alias a join region r on r.id = a.region_id "
        "where a.namespace = 'BPS' order by (replace(r.code, '.', '') <> a.code) desc, a.code limit 5"
    )
    assert rows[0]["bps"] != rows[0]["code"].replace(".", "")
    document = """query($code: String!) { region(code: $code, namespace: BPS) {
      code name aliases { namespace code source } } }"""
    for row in rows:
        region = (await province.query(document, code=row["bps"]))["region"]
        assert (region["code"], region["name"]) == (row["code"], row["name"])
        assert ("BPS", row["bps"]) in [(alias["namespace"], alias["code"]) for alias in region["aliases"]]
        assert all(alias["source"] for alias in region["aliases"])


async def test_what_happened_to_a_region_is_told_from_both_sides(
    province: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    document = """query($code: String!) { region(code: $code) {
      changes { kind changedOn decree formerName fromRegion { code } toRegion { code } } } }"""
    assert await province.query(document, code="33.29") == {"region": {"changes": []}}
    change = await owner.fetchval(
        "insert into region_change (kind, from_id, to_id, changed_on, decree) "
        "values ('SPLIT', 3329, 3376, '1986-05-02', 'PP 22/1986') returning id"
    )
    try:
        told = {
            "kind": "SPLIT",
            "changedOn": "1986-05-02",
            "decree": "PP 22/1986",
            "formerName": None,
            "fromRegion": {"code": "33.29"},
            "toRegion": {"code": "33.76"},
        }
        for code in ("33.29", "33.76"):
            assert await province.query(document, code=code) == {"region": {"changes": [told]}}
    finally:
        await owner.execute("delete from region_change where id = $1", change)


async def test_the_tree_is_the_same_for_everybody_who_may_read_it(api_client: ApiClient) -> None:
    document = '{ region(code: "33.01") { name children(first: 5) { totalCount nodes { name parent { name } } } } }'
    agent = await api_client.as_(Role.EWARONG_AGENT, BANYUMAS.code)
    ministry = await api_client.as_(Role.MINISTRY_ADMIN)
    assert await agent.query(document) == await ministry.query(document)
