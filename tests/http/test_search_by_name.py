"""Families and persons by the words of their names: rare names are found by an index, common ones along the list, and listed alike."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.schema.registry.names import COMMON
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import ApiClient, Caller, Json, api_of
from tests.support.world import BANYUMAS, CILACAP, Regency, clone, connected, drop, named

if TYPE_CHECKING:
    import asyncpg

PAGES = """query($search: String, $region: String, $order: FamilyOrder!, $after: String) {
  families(first: 100, filter: {search: $search, deciles: {to: 9}}, region: $region, order: $order, after: $after) {
    totalCount nodes { id } pageInfo { hasNextPage endCursor } } }"""
ORDERS = {"VILLAGE": "village_id, id", "NAME": "head_name, id", "DECILE": "decile, village_id, id"}
NAMED = "select complete, cardinality(ids) from families_named($1, $2)"
CENTRAL_JAVA = (3300_000000, 3399_999999)
APOSTROPHES = "'`\u2018\u2019\u02bc"
"""As people type them, as phones and typesetters write them, and as those do who write Arabic names letter by letter."""

IN_CILACAP = 30
IN_BANYUMAS = COMMON + 1 - IN_CILACAP
"""Together one more than are still rare; every third of them has a name that is."""
NAMESAKES = IN_BANYUMAS + IN_CILACAP

_NAMESAKES = """
insert into family (regency_id, id, village_id, edition_id, head_name, decile)
select $1, gen_random_uuid(), v.id, (select max(edition_id) from family),
  'SENAMA' || case when n % 3 = 0 then ' Langka-' || n % 7 else ', S.Pd' end || $3, 1 + n % 10
from generate_series(1, $2::int) n, lateral (
  select id from region where level = 'VILLAGE' and id / 1000000 = $1 and n > 0 order by id limit 1 offset n % 5
) v"""
_NAMED_SO = """
insert into family (regency_id, id, village_id, edition_id, head_name, decile)
select regency_id, gen_random_uuid(), village_id, edition_id, name, 1
from (select * from family where regency_id = $1 limit 1) as f, unnest($2::text[]) as name"""


@pytest_asyncio.fixture(scope="module")
async def namesakes(server: DatabaseServer, alone: DatabaseServer) -> AsyncIterator[DatabaseServer]:
    assert alone
    ours = named(server, "namesakes")
    await clone(named(server, "alone"), ours)
    async with connected(ours) as owner:
        await owner.execute(_NAMESAKES, BANYUMAS.id, IN_BANYUMAS, "")
        await owner.execute(_NAMESAKES, CILACAP.id, IN_CILACAP, " Nusakambangan")
        await owner.execute(_NAMED_SO, BANYUMAS.id, [f"ZAINUDIN NU{apostrophe}MAN" for apostrophe in APOSTROPHES])
    yield ours
    await drop(ours)


@pytest_asyncio.fixture(scope="module")
async def register(namesakes: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(namesakes) as owner:
        yield owner


@pytest_asyncio.fixture(scope="module")
async def api(api_settings: Settings, namesakes: DatabaseServer) -> AsyncIterator[ApiClient]:
    async with api_of(api_settings, namesakes) as client:
        yield client


@pytest_asyncio.fixture(scope="module")
async def officer(api: ApiClient) -> Caller:
    return await api.as_(Role.PROVINCE_OFFICER, "33")


async def found(caller: Caller, search: str, order: str, region: str | None = None) -> list[str]:
    """The ids on all pages, which the count must agree with."""
    ids: list[str] = []
    page: Json = {"pageInfo": {"hasNextPage": True, "endCursor": None}, "totalCount": 0}
    while page["pageInfo"]["hasNextPage"]:
        after = page["pageInfo"]["endCursor"]
        page = (await caller.query(PAGES, search=search, region=region, order=order, after=after))["families"]
        ids += [node["id"] for node in page["nodes"]]
    assert page["totalCount"] == len(ids)
    return ids


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("search", "name"),
    [
        ("senama", "senama%"),
        ("langka", "% langka-%"),
        ("Langka 4 SENA", "senama langka-4%"),
        ("s.pd,senama", "senama, s.pd%"),
        ("s l 4", "senama langka-4%"),
        ("senama s pd q", "nobody"),
        ("enama", "nobody"),
    ],
    ids=["common", "rare", "rarer", "common of three words", "letters", "a letter too many", "none"],
)
async def test_all_who_have_the_words_in_their_names_are_listed_however_many(
    officer: Caller, register: "asyncpg.Connection[asyncpg.Record]", search: str, name: str, order: str
) -> None:
    rows = await register.fetch(
        "select 'Family:' || regency_id || ':' || id from family where lower(head_name) like $1 and decile <= 9 "  # noqa: S608  (a test's own words)
        f"order by {ORDERS[order]}",
        name,
    )
    assert await found(officer, search, order) == [row[0] for row in rows]


async def test_the_index_finds_the_rare_and_the_walk_the_common(namesakes: DatabaseServer) -> None:
    async with connected(namesakes) as owner:
        await owner.execute("set role kesos_app")
        await scoped(owner, *CENTRAL_JAVA)
        assert tuple(await owner.fetchrow(NAMED, "langka", COMMON)) == (True, (IN_BANYUMAS + IN_CILACAP) // 3)
        assert tuple(await owner.fetchrow(NAMED, "senama", COMMON)) == (False, None)
        assert tuple(await owner.fetchrow(NAMED, "senama", 2 * COMMON)) == (True, NAMESAKES)
        assert tuple(await owner.fetchrow(NAMED, "", 2 * COMMON)) == (False, None)


async def test_a_name_that_is_common_elsewhere_alone_is_found_by_the_index_as_long_as_it_is_not_very_common(
    namesakes: DatabaseServer,
) -> None:
    async with connected(namesakes) as owner:
        await owner.execute("set role kesos_app")
        await scoped(owner, *regency(CILACAP))
        assert tuple(await owner.fetchrow(NAMED, "senama", NAMESAKES // 5 + 1)) == (True, IN_CILACAP)
        assert tuple(await owner.fetchrow(NAMED, "senama", NAMESAKES // 5 - 1)) == (False, None)
        assert tuple(await owner.fetchrow(NAMED, "senama nusa", IN_CILACAP)) == (True, IN_CILACAP)
        assert tuple(await owner.fetchrow(NAMED, "senama nusa", IN_CILACAP - 1)) == (False, None)


@pytest.mark.parametrize(
    ("search", "asked"),
    [
        ("siti aminah", "'aminah':* & 'siti':*"),
        ("siti nur aminah rahmawati", "'rahmawati':* & 'aminah':* & 'siti':*"),
        ("s a b siti w d", "'siti':*"),
        ("s ny a b w li d", "'li':* & 'ny':*"),
        ("s a b w d", "'a':* & 'b':* & 'd':*"),
        (" .", None),
    ],
)
async def test_the_index_is_asked_for_three_words_at_most_the_longest(
    register: "asyncpg.Connection[asyncpg.Record]", search: str, asked: str | None
) -> None:
    assert await register.fetchval("select name_sought($1)::text", search) == asked


async def test_words_that_the_index_is_not_asked_for_must_be_held_too(namesakes: DatabaseServer) -> None:
    async with connected(namesakes) as owner:
        await owner.execute("set role kesos_app")
        await scoped(owner, *regency(CILACAP))
        assert tuple(await owner.fetchrow(NAMED, "senama langka nusakambangan 4", COMMON)) == (True, 1)
        assert tuple(await owner.fetchrow(NAMED, "senama langka nusakambangan 8", COMMON)) == (True, None)
        assert tuple(await owner.fetchrow(NAMED, "langka l", COMMON)) == (True, IN_CILACAP // 3)
        assert tuple(await owner.fetchrow(NAMED, "langka x", COMMON)) == (True, None)


async def test_the_index_tells_of_no_family_beyond_the_scope(namesakes: DatabaseServer) -> None:
    async with connected(namesakes) as owner:
        await owner.execute("set role kesos_app")
        assert tuple(await owner.fetchrow(NAMED, "nusakambangan", COMMON)) == (True, None)
        await scoped(owner, *regency(BANYUMAS))
        assert tuple(await owner.fetchrow(NAMED, "nusakambangan", COMMON)) == (True, None)
        await scoped(owner, *regency(CILACAP))
        assert tuple(await owner.fetchrow(NAMED, "nusakambangan", COMMON)) == (True, IN_CILACAP)


def regency(of: Regency) -> tuple[int, int]:
    """Its first and last village."""
    return of.id * 1_000_000, of.id * 1_000_000 + 999_999


async def scoped(connection: "asyncpg.Connection[asyncpg.Record]", low: int, high: int) -> None:
    """Set the scope of the villages from ``low`` to ``high``, for the session."""
    for name, value in {"village_low": low, "village_high": high, "villages": ""}.items():
        await connection.execute("select set_config($1, $2, false)", f"app.{name}", str(value))


@pytest.mark.parametrize("apostrophe", APOSTROPHES)
async def test_a_name_with_an_apostrophe_is_found_by_any_apostrophe(officer: Caller, apostrophe: str) -> None:
    assert len(await found(officer, f"nu{apostrophe}man", "VILLAGE")) == len(APOSTROPHES)
    assert await found(officer, f"nu{apostrophe}min", "VILLAGE") == []


async def test_a_blank_that_keeps_words_on_one_line_parts_them_as_any_other(officer: Caller) -> None:
    together = await found(officer, "nusakambangan\u00a0langka", "VILLAGE")
    assert len(together) > 0
    assert together == await found(officer, "nusakambangan langka", "VILLAGE")


@pytest.mark.parametrize("search", ["senama", "langka"], ids=["common", "rare"])
async def test_a_regency_lists_its_own(api: ApiClient, officer: Caller, search: str) -> None:
    banyumas = await api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    cilacap = await api.as_(Role.REGENCY_ADMIN, CILACAP.code)
    everywhere = await found(officer, search, "VILLAGE")
    own, others = await found(banyumas, search, "VILLAGE"), await found(cilacap, search, "VILLAGE")
    assert own == await found(officer, search, "VILLAGE", BANYUMAS.code)
    assert others == await found(officer, search, "VILLAGE", CILACAP.code)
    assert len(own) > 0
    assert len(own) + len(others) == len(everywhere)


async def test_persons_are_sought_by_the_same_words(
    officer: Caller, register: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    id_, name = await register.fetchrow("select id, name from person where name like '% %' order by id limit 1")
    backwards = " ".join(word[:3].upper() for word in reversed(name.split()))
    document = "query($text: String!) { persons(first: 100, filter: {search: $text}) { nodes { id } } }"
    nodes = (await officer.query(document, text=backwards))["persons"]["nodes"]
    assert any(node["id"].endswith(str(id_)) for node in nodes)
    assert (await officer.query(document, text=f"{backwards} zzz"))["persons"]["nodes"] == []
