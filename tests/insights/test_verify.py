"""`kesos check` finds every total that was tampered with, and nothing where nothing was."""

from collections.abc import AsyncIterator

import pytest_asyncio

from app.domain.insights.models import YEAR_COLUMNS
from app.domain.insights.service import Discrepancy, verify_summaries
from app.domain.regions.service import Loader
from app.tenants.region_path import RegionLevel
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.support.world import BANYUMAS


@pytest_asyncio.fixture
async def loader(world: DatabaseServer) -> AsyncIterator[Loader]:
    """A loader's connection to the small country whose tampering is undone."""
    async with open_loader(world) as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        yield connection
        await transaction.rollback()


async def families_of_banyumas(loader: Loader) -> int:
    families: int = await loader.fetchval(
        "select count(*) from family where regency_id = $1 and status = 'ACTIVE'", BANYUMAS.id
    )
    return families


async def test_the_totals_of_the_small_country_equal_its_rows(loader: Loader) -> None:
    assert await families_of_banyumas(loader) > 0
    assert await verify_summaries(loader) == []


async def test_one_family_too_many_in_one_slot_is_named_with_both_numbers(loader: Loader) -> None:
    families = await families_of_banyumas(loader)
    await loader.execute(
        "update registry_summary set families = families + 1 "
        "where (region_id, slot) = (select region_id, slot from registry_summary where region_id = $1 limit 1)",
        BANYUMAS.id,
    )
    assert await verify_summaries(loader) == [
        Discrepancy(RegionLevel.REGENCY, BANYUMAS.id, "families", families + 1, families)
    ]


async def test_a_cohort_that_is_gone_is_named_by_year_and_sex(loader: Loader) -> None:
    gone = await loader.fetchrow(
        "delete from registry_cohort where ctid = (select ctid from registry_cohort "
        "where depth = 4 and regency_id = $1 and persons_0 + persons_2 + persons_4 + persons_6 + persons_8 > 0 limit 1) returning *",
        BANYUMAS.id,
    )
    assert gone is not None
    assert await verify_summaries(loader) == [
        Discrepancy(
            RegionLevel.VILLAGE,
            gone["region_id"],
            f"persons {gone['birth_decade'] * 10 + year} {gone['sex']}",
            stored=0,
            counted=gone[name],
        )
        for year, name in enumerate(YEAR_COLUMNS)
        if gone[name]
    ]


async def test_totals_of_a_region_without_rows_are_found(loader: Loader) -> None:
    empty = 9471012001
    await loader.execute(
        "insert into registry_summary (regency_id, region_id, slot, depth, village_low, village_high, persons_matched) "
        "values ($1::bigint / 1000000, $1::bigint, 0, 4, $1::bigint, $1::bigint, 2)",
        empty,
    )
    assert await verify_summaries(loader) == [Discrepancy(RegionLevel.VILLAGE, empty, "persons_matched", 2, 0)]


async def test_a_span_that_would_show_a_total_to_others_is_found(loader: Loader) -> None:
    whole = BANYUMAS.path.villages
    await loader.execute(
        "update registry_cohort set village_low = $2, village_high = $2 where region_id = $1", BANYUMAS.id, whole.low
    )
    found = set(await verify_summaries(loader))
    assert found == {Discrepancy(RegionLevel.REGENCY, BANYUMAS.id, "village_high", whole.low, whole.high)}
