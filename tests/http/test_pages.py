"""Pages: every row once, in order, whatever the size of the page and whatever arrives meanwhile."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from tests.support.client import Caller, Json
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

ORDERS = {
    ("families", "VILLAGE"): ("family", "village_id, id"),
    ("families", "NAME"): ("family", "head_name, id"),
    ("families", "DECILE"): ("family", "coalesce(decile, 11), village_id, id"),
    ("persons", "VILLAGE"): ("person", "village_id, id"),
    ("persons", "NAME"): ("person", "name, id"),
}
PAGE = """query($first: Int!, $after: String) { FIELD(first: $first, after: $after, order: ORDER) {
  edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
} }"""


async def pages(caller: Caller, field: str, order: str, first: int) -> AsyncIterator[Json]:
    """Every page of a list, as a front end that shows one after the other asks for them."""
    document = PAGE.replace("FIELD", field).replace("ORDER", order)
    after = None
    while True:
        page: Json = (await caller.query(document, first=first, after=after))[field]
        yield page
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


async def expected(owner: "asyncpg.Connection[asyncpg.Record]", field: str, order: str) -> list[str]:
    table, sql = ORDERS[field, order]
    ids = f"select '{table.capitalize()}:' || regency_id || ':' || id from {table}"  # noqa: S608  (a test's own words)
    return [row[0] for row in await owner.fetch(f"{ids} where regency_id / 100 = 33 order by {sql}")]


@pytest.mark.parametrize(("field", "order"), ORDERS)
async def test_pages_give_every_row_once_and_in_order(
    province: Caller, owner: "asyncpg.Connection[asyncpg.Record]", field: str, order: str
) -> None:
    whole = await expected(owner, field, order)
    seen: list[str] = []
    async for page in pages(province, field, order, 7 if field == "families" else 41):
        assert [edge["node"] for edge in page["edges"]] == page["nodes"]
        info = page["pageInfo"]
        assert (info["startCursor"], info["endCursor"]) == (page["edges"][0]["cursor"], page["edges"][-1]["cursor"])
        assert info["hasPreviousPage"] is bool(seen)
        assert page["totalCount"] == len(whole)
        seen += [node["id"] for node in page["nodes"]]
        assert info["hasNextPage"] is (len(seen) < len(whole))
    assert seen == whole


async def test_a_row_that_arrives_before_the_cursor_shifts_nothing(
    province: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    whole = await expected(owner, "families", "VILLAGE")
    seen: list[str] = []
    newcomer = "00000000-0000-7000-8000-000000000000"
    try:
        async for page in pages(province, "families", "VILLAGE", 7):
            if not seen:
                await owner.execute(
                    "insert into family (regency_id, id, village_id, edition_id, head_name) "
                    "select 3301, $1, min(village_id), min(edition_id), 'Pendatang' from family where regency_id = 3301",
                    newcomer,
                )
            seen += [node["id"] for node in page["nodes"]]
    finally:
        await owner.execute("delete from family where id = $1", newcomer)
    assert seen == whole


async def test_a_row_that_leaves_before_the_cursor_shifts_nothing(
    province: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    newcomer = "00000000-0000-7000-8000-000000000001"
    await owner.execute(
        "insert into family (regency_id, id, village_id, edition_id, head_name) "
        "select 3301, $1, min(village_id), min(edition_id), 'Pendatang' from family where regency_id = 3301",
        newcomer,
    )
    seen: list[str] = []
    try:
        async for page in pages(province, "families", "VILLAGE", 7):
            if not seen:
                assert page["nodes"][0]["id"].endswith(newcomer)
                await owner.execute("delete from family where id = $1", newcomer)
            seen += [node["id"] for node in page["nodes"]]
    finally:
        await owner.execute("delete from family where id = $1", newcomer)
    assert seen[1:] == await expected(owner, "families", "VILLAGE")


async def test_an_empty_page_has_no_cursors(province: Caller) -> None:
    document = """{ families(region: "33.05") { totalCount nodes { id } edges { cursor }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    assert (await province.query(document))["families"] == {
        "totalCount": 0,
        "nodes": [],
        "edges": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }


async def test_a_page_after_the_last_row_is_empty(province: Caller) -> None:
    last = (await province.query("{ families(first: 100) { pageInfo { endCursor } totalCount } }"))["families"]
    document = "query($after: String) { families(after: $after) { nodes { id } totalCount pageInfo { hasNextPage } } }"
    after = (await province.query(document, after=last["pageInfo"]["endCursor"]))["families"]
    assert after == {"nodes": [], "totalCount": last["totalCount"], "pageInfo": {"hasNextPage": False}}


async def test_a_page_is_twenty_five_rows_unless_asked_otherwise(province: Caller) -> None:
    answer = await province.query("{ families { nodes { id } } least: families(first: 1) { nodes { id } } }")
    assert len(answer["families"]["nodes"]) == 25
    assert len(answer["least"]["nodes"]) == 1


async def test_connections_below_connections_have_pages_of_their_own(province: Caller) -> None:
    document = """query($after: String) { regions(within: "33", level: REGENCY, first: 2, after: $after) {
      nodes { code children(first: 3) { totalCount nodes { code } pageInfo { endCursor hasNextPage } } }
      pageInfo { endCursor } } }"""
    answer = (await province.query(document))["regions"]
    assert [node["code"] for node in answer["nodes"]] == ["33.01", BANYUMAS.code]
    for node in answer["nodes"]:
        assert [child["code"] for child in node["children"]["nodes"]] == [f"{node['code']}.0{n}" for n in (1, 2, 3)]
        assert node["children"]["totalCount"] > 20
        assert node["children"]["pageInfo"]["hasNextPage"] is True
