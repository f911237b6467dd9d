from dataclasses import replace
from datetime import date

import pytest

from app.domain.regions.errors import RegionChangeRefused, RegionUnknown
from app.domain.regions.models import RegionChangeKind
from app.domain.regions.rules import RegionChange
from app.domain.regions.service import Loader, record_change
from app.tenants.region_path import RegionPath

DAY = date(2026, 1, 2)
EARLIER = date(2026, 1, 1)
DECREE = "Perda 1/2026"


def _change(kind: RegionChangeKind, origin: str, successor: str, name: str | None = None) -> RegionChange:
    return RegionChange(
        kind=kind,
        origin=RegionPath.parse(origin),
        successor=RegionPath.parse(successor),
        changed_on=DAY,
        decree=DECREE,
        name=name,
    )


RENAME = _change(RegionChangeKind.RENAME, "33.02.01", "33.02.01", "Lumbir Baru")
SPLIT = _change(RegionChangeKind.SPLIT, "33.02.01", "33.02.40", "Lumbir Timur")
MERGE = _change(RegionChangeKind.MERGE, "33.02.01.2002", "33.02.01.2001")
STATUS = _change(RegionChangeKind.STATUS, "33.02.01.2001", "33.02.01.1001", "Cingebul")


async def _state(loader: Loader, code: str) -> tuple[object, ...]:
    row = await loader.fetchrow("select name, kind, valid_from, valid_to from region where code = $1", code)
    assert row is not None
    return tuple(row)


async def _changes(loader: Loader) -> list[tuple[object, ...]]:
    rows = await loader.fetch(
        "select change.kind, was.code, becomes.code, changed_on, change.decree, former_name from region_change change "
        "join region was on was.id = from_id join region becomes on becomes.id = to_id order by change.id"
    )
    return [tuple(row) for row in rows]


async def test_a_rename_keeps_the_region_and_remembers_its_former_name(loader: Loader) -> None:
    assert await record_change(loader, RENAME) == 0

    assert await _state(loader, "33.02.01") == ("Lumbir Baru", "DISTRICT", None, None)
    assert await _changes(loader) == [("RENAME", "33.02.01", "33.02.01", DAY, DECREE, "Lumbir")]


async def test_a_split_adds_a_region_beside_the_one_that_goes_on(loader: Loader) -> None:
    assert await record_change(loader, SPLIT) == 0

    assert await _state(loader, "33.02.01") == ("Lumbir", "DISTRICT", None, None)
    assert await _state(loader, "33.02.40") == ("Lumbir Timur", "DISTRICT", DAY, None)
    assert await loader.fetchval("select parent_id from region where code = '33.02.40'") == 3302
    assert await loader.fetchval("select decree from region where code = '33.02.40'") == DECREE
    assert await _changes(loader) == [("SPLIT", "33.02.01", "33.02.40", DAY, DECREE, None)]


async def test_two_regions_may_give_parts_to_the_same_new_one(loader: Loader) -> None:
    await record_change(loader, SPLIT)
    await record_change(loader, replace(SPLIT, origin=RegionPath.parse("33.02.02"), name=None))

    assert [change[1:3] for change in await _changes(loader)] == [("33.02.01", "33.02.40"), ("33.02.02", "33.02.40")]


async def test_a_regency_moves_to_a_new_province_with_what_is_in_it(loader: Loader) -> None:
    province = _change(RegionChangeKind.SPLIT, "33", "37", "Banyumasan")
    regency = replace(_change(RegionChangeKind.SPLIT, "33.02", "37.01", "Kabupaten Banyumas"), origin_ends=True)
    district = replace(_change(RegionChangeKind.SPLIT, "33.02.01", "37.01.01", "Lumbir"), origin_ends=True)

    assert await record_change(loader, province) == 0
    assert await record_change(loader, regency) == 1 + 27 + 331
    assert await record_change(loader, district) == 0

    assert await _state(loader, "33") == ("Jawa Tengah", "PROVINCE", None, None)
    assert await _state(loader, "37.01") == ("Kabupaten Banyumas", "KABUPATEN", DAY, None)
    assert await _state(loader, "37.01.01") == ("Lumbir", "DISTRICT", DAY, None)
    assert await _state(loader, "33.02.01") == ("Lumbir", "DISTRICT", None, DAY)


async def test_a_merge_ends_the_region_that_goes_up_in_the_other(loader: Loader) -> None:
    _, kind, _, _ = await _state(loader, "33.02.01.2001")

    assert await record_change(loader, MERGE) == 1

    assert (await _state(loader, "33.02.01.2002"))[2:] == (None, DAY)
    assert (await _state(loader, "33.02.01.2001"))[1:] == (kind, None, None)
    assert await _changes(loader) == [("MERGE", "33.02.01.2002", "33.02.01.2001", DAY, DECREE, None)]


async def test_a_desa_that_becomes_a_kelurahan_goes_on_under_a_new_code(loader: Loader) -> None:
    assert await record_change(loader, STATUS) == 1

    assert (await _state(loader, "33.02.01.2001"))[1:] == ("DESA", None, DAY)
    assert await _state(loader, "33.02.01.1001") == ("Cingebul", "KELURAHAN", DAY, None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (replace(RENAME, name=None), "needs the new name"),
        (replace(RENAME, name="Lumbir"), "already bears the name"),
        (replace(RENAME, successor=RegionPath.parse("33.02.02")), "keeps the region and its code"),
        (replace(RENAME, name="Lum\x00bir"), "readable text"),
        (replace(SPLIT, decree=" "), "readable text"),
        (replace(SPLIT, successor=RegionPath.parse("33.02.01.2999")), "of the same level"),
        (replace(SPLIT, successor=RegionPath.parse("33.02.02"), name=None), "already the code of Wangon"),
        (replace(SPLIT, changed_on=date(2999, 1, 1)), "lies ahead"),
        (replace(MERGE, name="Nama Lain"), "already the code of"),
        (replace(STATUS, successor=RegionPath.parse("33.02.01.2999")), "the same status"),
        (_change(RegionChangeKind.SPLIT, "33.02", "33.40", "Kota Purwokerto"), "must begin with Kabupaten"),
        (_change(RegionChangeKind.RENAME, "33.71", "33.71", "Magelang"), "must begin with Kota"),
    ],
)
async def test_a_change_that_does_not_fit_the_tree_is_refused_and_leaves_no_trace(
    loader: Loader, change: RegionChange, reason: str
) -> None:
    with pytest.raises(RegionChangeRefused, match=reason):
        await record_change(loader, change)

    assert await _changes(loader) == []
    assert (
        await loader.fetchval("select count(*) from region where valid_from is not null or valid_to is not null") == 0
    )


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (replace(RENAME, origin=RegionPath.parse("33.02.77"), successor=RegionPath.parse("33.02.77")), "33.02.77"),
        (replace(SPLIT, name=None), "33.02.40"),
        (replace(SPLIT, successor=RegionPath.parse("33.40.01")), "33.40"),
    ],
)
async def test_a_change_names_the_region_that_is_not_in_the_tree(
    loader: Loader, change: RegionChange, missing: str
) -> None:
    with pytest.raises(RegionUnknown, match=f"code {missing}\\."):
        await record_change(loader, change)


async def test_a_change_is_recorded_once(loader: Loader) -> None:
    await record_change(loader, MERGE)

    with pytest.raises(RegionChangeRefused, match="recorded already"):
        await record_change(loader, MERGE)

    assert len(await _changes(loader)) == 1


async def test_a_region_that_has_ended_changes_no_more_and_takes_no_children(loader: Loader) -> None:
    district = replace(SPLIT, origin_ends=True, changed_on=EARLIER)
    await record_change(loader, district)

    with pytest.raises(RegionChangeRefused, match=r"33\.02\.01 was not in force"):
        await record_change(loader, RENAME)
    with pytest.raises(RegionChangeRefused, match=r"33\.02\.01 was not in force"):
        await record_change(loader, _change(RegionChangeKind.SPLIT, "33.02.02.2001", "33.02.01.2999", "Desa Baru"))
