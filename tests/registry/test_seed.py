"""Synthetic families: made without a database, and loaded into one."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import date
from statistics import mean
from typing import NamedTuple
from uuid import UUID

import pytest
import pytest_asyncio

from app.domain.regions.errors import RegionUnknown
from app.domain.regions.models import RegionKind
from app.domain.registry.copy_text import NULL
from app.domain.registry.enums import IdentityStatus, Presence, Sex
from app.domain.registry.errors import EditionUnknown
from app.domain.registry.nik import check_kk, check_nik
from app.domain.registry.sealing import Seal
from app.domain.registry.seed import SeedProgress, SeedResult, loading, seed_registry
from app.domain.registry.seed.errors import RegistryNotEmpty
from app.domain.registry.seed.identity import IDENTITY_MIX
from app.domain.registry.seed.places import Village, spread
from app.domain.registry.seed.population import (
    FAMILY_COLUMNS,
    PERSON_COLUMNS,
    RANK_COLUMNS,
    Population,
    SeedRun,
    sealed_numbers,
)
from app.domain.registry.service import STANDARD_EDITIONS
from app.settings import TEST_NIK_PROVINCE
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.insights.counted import counted_totals, stored_totals

TODAY = date(2026, 2, 28)
YOGYAKARTA = RegionPath.parse("34")
VILLAGES = [
    Village(3401012001, RegionKind.DESA, "Kabupaten Kulon Progo"),
    Village(3401012002, RegionKind.DESA, "Kabupaten Kulon Progo"),
    Village(3471011001, RegionKind.KELURAHAN, "Kota Yogyakarta"),
]
SEAL = Seal({"test": b"k" * 32}, b"d" * 32)

Row = dict[str, str]


class Made(NamedTuple):
    """Rows as they would be copied."""

    families: list[Row]
    persons: list[Row]
    ranks: list[Row]

    def without_sealed(self) -> list[list[Row]]:
        return [[{key: row[key] for key in row if not key.endswith("_sealed")} for row in rows] for rows in self]


def make(families: int, *, seed: int = 1, size: int = 1_000, region: RegionPath = YOGYAKARTA) -> Made:
    made = Made([], [], [])
    run = SeedRun(region, families, seed, TODAY, STANDARD_EDITIONS[4:2:-1])
    for batch in Population(run, sealed_numbers(SEAL)).batches(VILLAGES, size):
        texts = (batch.family_rows, batch.person_rows, batch.rank_rows)
        for rows, text, columns in zip(made, texts, (FAMILY_COLUMNS, PERSON_COLUMNS, RANK_COLUMNS), strict=True):
            lines = text.decode().splitlines()
            rows += [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]
    return made


def unsealed(row: Row, number: str) -> str:
    return SEAL.unseal(bytes.fromhex(row[f"{number}_sealed"].removeprefix(r"\\x")))


@pytest.fixture(scope="module")
def made() -> Made:
    return make(5_000)


def test_the_same_run_makes_the_same_rows_whatever_the_batches() -> None:
    assert make(200).without_sealed() == make(200, size=7).without_sealed()


@pytest.mark.parametrize(("seed", "code"), [(2, "34"), (1, "34.01")])
def test_another_run_makes_others(seed: int, code: str) -> None:
    made, other = make(100), make(100, seed=seed, region=RegionPath.parse(code))
    assert not {row["id"] for rows in made for row in rows} & {row["id"] for rows in other for row in rows}
    assert [row["head_name"] for row in made.families] != [row["head_name"] for row in other.families]


def test_a_family_has_three_members_on_average(made: Made) -> None:
    assert len(made.families) == 5_000
    assert len(made.persons) / len(made.families) == pytest.approx(3.04, abs=0.06)


def test_each_family_has_one_head_who_gives_it_its_name(made: Made) -> None:
    heads = [row for row in made.persons if row["relationship"] == "HEAD"]
    assert [(row["family_id"], row["name"]) for row in heads] == [
        (row["id"], row["head_name"]) for row in made.families
    ]
    assert {row["member_no"] for row in heads} == {"1"}


def test_members_and_ranks_are_where_their_family_is(made: Made) -> None:
    village = {row["id"]: (row["regency_id"], row["village_id"]) for row in made.families}
    for row in made.persons + made.ranks:
        assert (row["regency_id"], row["village_id"]) == village[row["family_id"]]


def test_every_nik_is_valid_and_of_nobody_else(made: Made) -> None:
    holders = [row for row in made.persons if row["nik_digest"] != NULL]
    numbers = [unsealed(row, "nik") for row in holders]
    assert len(set(numbers)) == len({row["nik_digest"] for row in holders}) == len(holders)
    for row, number in zip(holders, numbers, strict=True):
        verdict = check_nik(
            number,
            sex=Sex[row["sex"]],
            birth_date=date.fromisoformat(row["birth_date"]),
            village=RegionPath.of_id(int(row["village_id"])),
            today=TODAY,
            test_provinces=frozenset({TEST_NIK_PROVINCE}),
        )
        assert (verdict.errors, verdict.warnings) == ((), ())
        assert number.startswith(TEST_NIK_PROVINCE + row["regency_id"])


def test_every_kk_is_valid_and_of_one_family(made: Made) -> None:
    numbers = [unsealed(row, "kk") for row in made.families]
    assert len(set(numbers)) == len(numbers)
    for number in numbers:
        verdict = check_kk(number, test_provinces=frozenset({TEST_NIK_PROVINCE}))
        assert (verdict.errors, verdict.warnings) == ((), ())


def test_ids_are_uuids_of_version_7_in_the_order_of_writing(made: Made) -> None:
    for rows in made:
        ids = [UUID(row["id"]) for row in rows]
        assert {found.version for found in ids} == {7}
        assert ids == sorted(set(ids))


def test_deciles_hold_a_tenth_each_and_some_families_are_unranked(made: Made) -> None:
    deciles = Counter(row["decile"] for row in made.families)
    assert 0.005 < deciles.pop(NULL) / 5_000 < 0.03
    assert set(deciles) == set(map(str, range(1, 11)))
    assert all(0.06 < count / 5_000 < 0.14 for count in deciles.values())


def test_the_newest_edition_ranks_as_the_family_says_and_the_one_before_ranks_some(made: Made) -> None:
    newest, before = (str(edition.id) for edition in STANDARD_EDITIONS[4:2:-1])
    ranked = {row["id"]: row["decile"] for row in made.families if row["decile"] != NULL}
    assert {row["family_id"]: row["decile"] for row in made.ranks if row["edition_id"] == newest} == ranked
    assert 0.25 < sum(row["edition_id"] == before for row in made.ranks) / len(ranked) < 0.35
    assert {(int(row["percentile"]) - 1) // 10 + 1 - int(row["decile"]) for row in made.ranks} == {0}


def test_all_identity_statuses_occur_as_often_as_documented(made: Made) -> None:
    here = [row for row in made.persons if row["presence"] in {"PRESENT", "NEW_MEMBER"}]
    statuses = Counter(row["identity_status"] for row in here)
    for status, share in IDENTITY_MIX.items():
        assert statuses[status.value] / len(here) == pytest.approx(share, rel=0.4)


def test_who_has_no_nik_has_a_reason(made: Made) -> None:
    without = {IdentityStatus.NO_IDENTITY.value, IdentityStatus.IN_PROCESS.value}
    for row in made.persons:
        is_without = row["identity_status"] in without
        assert (row["temporary_id"] != NULL) == (row["no_nik_reason"] != NULL) == is_without
        assert (row["nik_digest"] == NULL) == (is_without or row["mismatch_reason"] == "NIK_EMPTY")
        assert (row["mismatch_reason"] != NULL) == (row["identity_status"] == "UNMATCHED")


def test_a_family_that_left_left_with_all_its_members(made: Made) -> None:
    status = {row["id"]: row["status"] for row in made.families}
    assert set(status.values()) == {"ACTIVE", "MOVED", "NOT_FOUND"}
    presence = {"MOVED": Presence.MOVED_WITHIN_COUNTRY.value, "NOT_FOUND": Presence.NOT_FOUND.value}
    for row in made.persons:
        left = presence.get(status[row["family_id"]])
        assert left is None or row["presence"] == left


def test_only_women_of_15_to_49_are_asked_whether_they_are_pregnant(made: Made) -> None:
    asked = [row for row in made.persons if row["pregnant"] != NULL]
    assert any(row["pregnant"] == "t" for row in asked)
    assert all(row["sex"] == "FEMALE" and 15 <= age_of(row) <= 49 for row in asked)


def test_children_go_to_school_and_do_not_work(made: Made) -> None:
    pupils = [row for row in made.persons if 7 <= age_of(row) <= 12]
    assert mean(row["school_participation"] == "ATTENDING" for row in pupils) > 0.95
    assert not any(row["working"] == "t" for row in pupils)
    assert {row["education_level"] for row in pupils if row["school_participation"] == "ATTENDING"} == {"PRIMARY"}


def test_parents_are_older_than_their_children(made: Made) -> None:
    born: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in made.persons:
        born[row["family_id"]][row["relationship"]] = row["birth_date"]
    for family in born.values():
        assert family["HEAD"] < family.get("CHILD", "9")
        assert family.get("PARENT", "0") < family["HEAD"]


def test_poorer_families_live_poorer_and_are_larger(made: Made) -> None:
    sizes = Counter(row["family_id"] for row in made.persons)
    poor, rich = ([row for row in made.families if row["decile"] in deciles] for deciles in ({"1", "2"}, {"9", "10"}))
    for column, value in (("floor", "EARTH"), ("cooking_fuel", "FIREWOOD"), ("meter_1", "VA_450")):
        assert mean(row[column] == value for row in poor) > 0.05 + mean(row[column] == value for row in rich)
    assert mean(row["has_refrigerator"] == "t" for row in poor) < mean(row["has_refrigerator"] == "t" for row in rich)
    assert mean(sizes[row["id"]] for row in poor) > mean(sizes[row["id"]] for row in rich)


def test_houses_stand_in_the_box_of_the_province(made: Made) -> None:
    for row in made.families:
        assert -8.2 < float(row["latitude"]) < -7.5
        assert 110.0 < float(row["longitude"]) < 110.9


@pytest.mark.parametrize("families", [1, 2, 3, 10, 999_999, 13_000_000])
def test_families_spread_over_all_villages_to_the_last_one(families: int) -> None:
    counts = spread(VILLAGES, families)
    assert sum(counts) == families
    assert min(counts) >= 0
    if families > 10:
        assert counts[2] > max(counts[:2]) > 0


def age_of(row: Row) -> int:
    born = date.fromisoformat(row["birth_date"])
    return TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day))


class Interrupted(Exception):
    """Somebody pulled the plug."""


class Seeded(NamedTuple):
    """A seed of Yogyakarta and what it told while it ran."""

    result: SeedResult
    progress: list[SeedProgress]


async def clear(server: DatabaseServer, region: RegionPath) -> None:
    low, high = region.villages.low // 1_000_000, region.villages.high // 1_000_000
    async with open_loader(server) as loader:
        for table in ("welfare_rank", "person", "family", "registry_summary", "registry_cohort"):
            await loader.execute(f"delete from {table} where regency_id between $1 and $2", low, high)  # noqa: S608


async def seed(server: DatabaseServer, seal: Seal, region: RegionPath, families: int) -> Seeded:
    progress: list[SeedProgress] = []
    async with open_loader(server) as loader:
        result = await seed_registry(
            loader, region=region, families=families, seed=1, seal=seal, today=TODAY, on_progress=progress.append
        )
    return Seeded(result, progress)


@pytest_asyncio.fixture(scope="module")
async def seeded(server: DatabaseServer, edition_id: int, seal: Seal) -> AsyncIterator[Seeded]:
    assert edition_id
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "BATCH_FAMILIES", 150)
        yield await seed(server, seal, YOGYAKARTA, 400)
    await clear(server, YOGYAKARTA)


async def test_a_seed_loads_what_it_says(server: DatabaseServer, seeded: Seeded) -> None:
    async with open_loader(server) as loader:
        families, regencies = await loader.fetchrow(
            "select count(*), count(distinct regency_id) from family where regency_id / 100 = 34"
        )
        persons = await loader.fetchval("select count(*) from person where regency_id / 100 = 34")
    assert (families, regencies) == (400, 5)
    assert seeded.result[:2] == (400, persons)
    assert [done.families for done in seeded.progress] == [150, 300, 400]
    assert {done.of_families for done in seeded.progress} == {400}


@pytest.mark.usefixtures("seeded")
async def test_a_seed_is_ranked_by_the_edition_of_its_day(server: DatabaseServer) -> None:
    async with open_loader(server) as loader:
        periods = await loader.fetch(
            "select distinct e.scheme || ' ' || e.period as name from welfare_rank r "
            "join registry_edition e on e.id = r.edition_id where r.regency_id / 100 = 34 order by 1"
        )
    assert [row["name"] for row in periods] == ["DTSEN 2025-Q4", "DTSEN 2026-Q1"]


@pytest.mark.usefixtures("seeded")
async def test_the_summary_rows_of_a_seed_equal_a_count(server: DatabaseServer) -> None:
    regencies = (3401, 3402, 3403, 3404, 3471)
    async with open_loader(server) as loader:
        stored = await stored_totals(loader, *regencies)
        assert stored == await counted_totals(loader, *regencies)
    for what in {what for _, what in stored}:
        by_level = Counter[int]()
        for (region_id, counted), count in stored.items():
            by_level[len(str(region_id))] += count if counted == what else 0
        assert len(set(by_level.values())) == 1, what


@pytest.mark.usefixtures("seeded")
async def test_stored_numbers_open_with_the_seal_and_are_found_by_digest(server: DatabaseServer, seal: Seal) -> None:
    async with open_loader(server) as loader:
        row = await loader.fetchrow("select * from person where regency_id = 3404 and nik_sealed is not null limit 1")
    number = seal.unseal(row["nik_sealed"])
    assert (row["nik_digest"], row["nik_masked"]) == (seal.digest(number), f"9934********{number[-4:]}")


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("code", ["34", "34.04", "34.04.01", "34.04.01.2001"])
async def test_a_region_with_families_is_not_seeded_again(server: DatabaseServer, seal: Seal, code: str) -> None:
    with pytest.raises(RegistryNotEmpty) as refused:
        await seed(server, seal, RegionPath.parse(code), 10)
    assert refused.value.code == "REGISTRY_NOT_EMPTY"
    assert code in refused.value.english


@pytest.mark.usefixtures("edition_id")
async def test_an_interrupted_seed_leaves_whole_families(
    server: DatabaseServer, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = RegionPath.parse("61.72")
    monkeypatch.setattr(loading, "BATCH_FAMILIES", 20)

    def interrupt(done: SeedProgress) -> None:
        if done.families == 40:
            raise Interrupted

    try:
        async with open_loader(server) as loader:
            with pytest.raises(Interrupted):
                await seed_registry(
                    loader, region=region, families=100, seed=1, seal=seal, today=TODAY, on_progress=interrupt
                )
        async with open_loader(server) as loader:
            families = await loader.fetchval("select count(*) from family where regency_id = 6172")
            heads = await loader.fetchval(
                "select count(*) from person where regency_id = 6172 and relationship = 'HEAD'"
            )
            assert await stored_totals(loader, 6172) == await counted_totals(loader, 6172)
        assert (families, heads) == (40, 40)
    finally:
        await clear(server, region)


@pytest.mark.usefixtures("edition_id")
async def test_what_cannot_be_seeded_is_refused_by_name(server: DatabaseServer, seal: Seal) -> None:
    async with open_loader(server) as loader:
        with pytest.raises(RegionUnknown):
            await seed_registry(loader, region=RegionPath.parse("34.99"), families=1, seed=1, seal=seal, today=TODAY)
        with pytest.raises(EditionUnknown):
            await seed_registry(
                loader, region=RegionPath.parse("61.72"), families=1, seed=1, seal=seal, today=date(2025, 1, 1)
            )
        with pytest.raises(ValueError, match="families must be 1 to"):
            await seed_registry(loader, region=YOGYAKARTA, families=0, seed=1, seal=seal, today=TODAY)
