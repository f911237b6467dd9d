import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
import pytest_asyncio

from app.domain.regions.models import RegionKind
from app.domain.regions.rules import kind_of
from app.domain.regions.service import Loader, load_region_tree
from app.tenants.migrate import migrate
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.server import DatabaseServer, prepare
from app.tenants.session import open_loader

REGIONS = 91_599

COUNT_BELOW = """
select count(*) filter (where below.level = 'REGENCY'), count(*) filter (where below.level = 'DISTRICT'),
  count(*) filter (where below.kind = 'DESA'), count(*) filter (where below.kind = 'KELURAHAN')
from region above join region below
  on below.village_low >= above.village_low and below.village_high <= above.village_high
where above.code = $1
"""


@pytest_asyncio.fixture
async def empty_database(server: DatabaseServer) -> AsyncIterator[DatabaseServer]:
    """A second database of the same server: migrated, without a tree."""
    other = replace(server, admin=replace(server.admin, database="kesos_without_tree"))
    await prepare(other)
    await migrate(other)
    yield other
    maintenance = await server.admin.connect()
    try:
        await maintenance.execute("drop database kesos_without_tree")
    finally:
        await maintenance.close()


async def test_the_tree_has_the_regions_of_the_decree(loader: Loader) -> None:
    counted = await loader.fetch("select kind, count(*) from region group by kind")

    assert dict(map(tuple, counted)) == {
        "PROVINCE": 38,
        "KABUPATEN": 416,
        "KOTA": 98,
        "DISTRICT": 7_285,
        "DESA": 75_252,
        "KELURAHAN": 8_496,
        "DESA_ADAT": 14,
    }


async def test_every_region_is_what_its_code_says_and_hangs_on_the_code_without_its_last_segment(
    loader: Loader,
) -> None:
    rows = await loader.fetch("select id, code, level, kind, parent_id, village_low, village_high from region")
    ids = {row["id"] for row in rows}

    for row in rows:
        path = RegionPath.parse(row["code"])
        above, _, _ = row["code"].rpartition(".")
        assert (row["id"], row["level"], row["kind"]) == (path.id, path.level.value, kind_of(path).value)
        assert (row["village_low"], row["village_high"]) == (path.villages.low, path.villages.high)
        assert row["parent_id"] == (RegionPath.parse(above).id if above else None)
        assert row["parent_id"] is None or row["parent_id"] in ids


async def test_a_regency_has_the_kind_that_its_name_begins_with(loader: Loader) -> None:
    assert await loader.fetchval(
        "select bool_and(initcap(kind::text) = split_part(name, ' ', 1)) from region where level = 'REGENCY'"
    )


@pytest.mark.parametrize(
    ("code", "counts"),
    [
        ("33", (35, 576, 7_810, 753)),
        ("33.02", (1, 27, 301, 30)),
        ("36", (8, 155, 1_238, 314)),
        ("31", (6, 44, 0, 267)),
    ],
)
async def test_a_region_holds_as_many_regencies_districts_and_villages_as_in_law(
    loader: Loader, code: str, counts: tuple[int, ...]
) -> None:
    row = await loader.fetchrow(COUNT_BELOW, code)

    assert row is not None
    assert tuple(row) == counts


async def test_names_keep_what_csv_must_quote(loader: Loader) -> None:
    names = await loader.fetch("select name from region where code in ('12.07.28.1007', '35.29.22') order by id")

    assert [row["name"] for row in names] == ['Ra"as', "Lubuk Pakam I,II"]


async def test_loading_again_changes_nothing_and_keeps_the_history(loader: Loader) -> None:
    await loader.execute("update region set name = 'Kabupaten Lain' where code = '33.02'")
    await loader.execute("delete from region_alias where code = '3302'")
    heard: list[int] = []

    assert await load_region_tree(loader, heard.append) == 0

    assert heard == []
    assert await loader.fetchval("select name from region where code = '33.02'") == "Kabupaten Lain"
    assert await loader.fetchval("select count(*) from region_alias where code = '3302'") == 0


async def test_of_two_processes_that_find_no_tree_one_loads_it_and_tells_its_progress(
    empty_database: DatabaseServer,
) -> None:
    heard: list[int] = []

    async with open_loader(empty_database) as first, open_loader(empty_database) as second:
        loaded = await asyncio.gather(*(load_region_tree(loader, heard.append) for loader in (first, second)))
        kept = await first.fetchval("select count(*) from region")

    assert sorted(loaded) == [0, REGIONS]
    assert kept == REGIONS
    assert heard == sorted(heard)
    assert heard[-1] == REGIONS


@pytest.mark.parametrize(
    ("bps_code", "name"),
    [
        ("1903", "Kabupaten Bangka Barat"),
        ("1905", "Kabupaten Bangka Selatan"),
        ("1901", "Kabupaten Bangka"),
        ("3302", "Kabupaten Banyumas"),
        ("3674", "Kota Tangerang Selatan"),
        ("91", "Papua Barat"),
        ("94", "Papua"),
        ("33", "Jawa Tengah"),
    ],
)
async def test_a_bps_code_leads_to_the_region_that_bps_means(loader: Loader, bps_code: str, name: str) -> None:
    assert name == await loader.fetchval(
        "select name from region join region_alias on region.id = region_id "
        "where namespace = 'BPS' and region_alias.code = $1",
        bps_code,
    )


async def test_a_bps_code_that_nobody_vouches_for_leads_nowhere(loader: Loader) -> None:
    vouched = await loader.fetch(
        "select left(code, 2) as province, count(*) from region_alias where length(code) = 4 group by 1 order by 1"
    )

    assert [tuple(row) for row in vouched] == [("19", 7), ("33", 35), ("36", 8)]


async def test_the_application_role_reads_the_tree_and_cannot_change_it(server: DatabaseServer) -> None:
    application = await server.app.connect()
    try:
        assert await application.fetchval("select count(*) from region") == REGIONS
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await application.execute("update region set name = name where code = '33'")
    finally:
        await application.close()


def test_the_kind_of_a_village_is_in_its_code() -> None:
    villages = [RegionPath.parse(f"91.03.01.{digit}001") for digit in "123"]

    assert [kind_of(village) for village in villages] == [RegionKind.KELURAHAN, RegionKind.DESA, RegionKind.DESA_ADAT]
    assert villages[0].level is RegionLevel.VILLAGE
