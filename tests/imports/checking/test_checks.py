"""A check as a whole: what it counts, the batches it lays, what it sees, and that another one finds the same."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import pytest

from app.domain.jobs.work import JobCancelled
from app.domain.registry.enums import Presence, Sex
from app.domain.registry.imports import judging
from app.domain.registry.imports.batches import Batch, VillageWork, batches_of
from app.domain.registry.imports.findings import FINDINGS, told
from app.domain.registry.imports.intake import clear, take_in
from app.domain.registry.imports.models import COUNTS, ImportMode, RowSubject
from app.domain.registry.imports.reading_findings import CODE_UNKNOWN
from app.domain.registry.imports.staging import Parcel, ParcelWriter, Reading, Row
from tests.imports.checking.desk import BORN, Checked, Desk, DeskWork, Sheet, kk, nik


async def crowd(desk: Desk) -> Sheet:
    """A file in which everything happens, beside a registry in which some of it stands."""
    await desk.registered_home(1)
    await desk.registered_home(2, village=desk.neighbour)
    await desk.registered_home(3)
    await desk.registered_home(4)
    sheet = desk.sheet()
    sheet.family(kk(1))
    sheet.head(kk(1), nik(1), name="Budi Santoso")
    sheet.family(kk(2), decile=4)
    sheet.head(kk(2), nik(2), name="Budi Santosa")
    sheet.family(kk(3), decile=4)
    sheet.head(kk(3), nik(3), name="Budi Hartono")
    sheet.home(5)
    sheet.person(kk(5), nik(6), sex=Sex.FEMALE)
    sheet.person(kk(5), None, name="Siti Rahayu", birth_date=date(1990, 3, 4))
    sheet.home(7, village=desk.neighbour)
    sheet.person(kk(7), nik(5))
    sheet.family(kk(8))
    sheet.person(kk(8), nik(8))
    sheet.home(9)
    sheet.person(kk(9), None, name="Siti Rahaju", birth_date=date(1990, 3, 4), presence=Presence.NEW_MEMBER)
    sheet.person(kk(99), nik(10))
    return sheet


async def found_by(checked: Checked) -> list[object]:
    counts = await checked.counts()
    return [
        await checked.issues(),
        await checked.matches(),
        await checked.departures(),
        await checked.duplicates(),
        await checked.rows("number, first_village_id, last_village_id, families", "import_batch", "number"),
        {name: counts[name] for name in (*COUNTS, "stage")},
    ]


async def test_a_check_counts_what_it_finds(desk: Desk) -> None:
    checked = await desk.check(await crowd(desk), ImportMode.EDITION)
    counts = await checked.counts()
    assert {name: counts[name] for name in COUNTS} == {
        "families_staged": 7,
        "families_accepted": 6,
        "families_rejected": 1,
        "families_new": 3,
        "families_same": 1,
        "families_changed": 1,
        "families_moved": 1,
        "families_left": 1,
        "persons_staged": 12,
        "persons_accepted": 9,
        "persons_rejected": 3,
        "persons_new": 6,
        "persons_same": 1,
        "persons_changed": 1,
        "persons_moved": 1,
        "rows_with_warnings": 1,
        "probable_duplicates": 1,
    }
    assert (counts["stage"], counts["version"]) == ("VALIDATED", 2)
    assert counts["validated_at"] is not None


@pytest.mark.parametrize("mode", ImportMode)
async def test_accepted_and_rejected_rows_are_all_rows(desk: Desk, mode: ImportMode) -> None:
    checked = await desk.check(await crowd(desk), mode)
    counts = await checked.counts()
    for subject, table in (("FAMILY", "families"), ("PERSON", "persons")):
        assert len(await checked.accepted(subject)) == counts[f"{table}_accepted"]
        assert counts[f"{table}_accepted"] + counts[f"{table}_rejected"] == counts[f"{table}_staged"]
        known = sum(counts[f"{table}_{outcome}"] for outcome in ("new", "same", "changed", "moved"))
        assert known == counts[f"{table}_accepted"]
        assert (await checked.matches()).keys() <= await checked.accepted("FAMILY") | await checked.accepted("PERSON")


@pytest.mark.parametrize("mode", ImportMode)
async def test_another_check_finds_the_same(desk: Desk, mode: ImportMode) -> None:
    sheet = await crowd(desk)
    first = await desk.check(sheet, mode)
    found = await found_by(first)
    assert await found_by(await desk.run(first.check, sheet)) == found


async def test_a_check_that_was_killed_leaves_nothing_to_the_next(desk: Desk) -> None:
    sheet = await crowd(desk)
    whole = await found_by(await desk.check(sheet, ImportMode.EDITION))
    check = desk.check_of(await desk.start(ImportMode.EDITION), ImportMode.EDITION)
    work = DeskWork(desk.server, check.villages, check.import_id)
    # Read, but not judged; and half of another sheet before that.
    half = desk.sheet()
    half.home(50)
    await take_in(work, check, half.parcels(desk.reading(check)))
    assert await found_by(await desk.run(check, sheet)) == whole


async def test_a_check_sees_nothing_of_another_import(desk: Desk) -> None:
    for _ in range(2):
        sheet = desk.sheet()
        sheet.home(1)
        checked = await desk.check(sheet)
        assert await checked.issues() == []
        assert await checked.duplicates() == []
        assert (await checked.counts())["families_staged"] == 1


async def test_a_check_that_raises_says_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def raises(_check: object) -> int:
        raise ConnectionError

    monkeypatch.setattr(judging, "lay_batches", raises)
    sheet = desk.sheet()
    sheet.person(kk(1), nik(1))
    check = desk.check_of(await desk.start())
    with pytest.raises(ConnectionError):
        await desk.run(check, sheet)
    checked = Checked(check, DeskWork(desk.server, check.villages, check.import_id))
    assert await checked.issues() == []
    assert (await checked.counts())["stage"] == "PARSED"


async def test_progress_tells_persons_while_reading_and_then_the_steps(desk: Desk) -> None:
    sheet = desk.sheet()
    sheet.home(1)
    told_of = (await desk.check(sheet)).work.told
    assert told_of[:2] == [(0, None, "READING"), (1, 1, None)]
    assert [stage for _, _, stage in told_of[2:]] == ["RULES", "MATCHING", "DUPLICATES", "BATCHES"]


async def test_what_a_reader_raises_comes_out(desk: Desk) -> None:
    def parcels() -> Iterator[Parcel]:
        yield from desk.sheet().parcels(desk.reading(check))
        raise UnicodeError

    check = desk.check_of(await desk.start())
    with pytest.raises(UnicodeError):
        await take_in(DeskWork(desk.server, check.villages, check.import_id), check, parcels())


async def test_reading_ends_with_the_job_and_is_never_far_ahead(desk: Desk) -> None:
    made, closed = 0, False

    def parcels() -> Iterator[Parcel]:
        nonlocal made, closed
        try:
            for number in range(100):
                writer = ParcelWriter(desk.reading(check))
                writer.issue(Row(RowSubject.PERSON, number), "sex", "9", CODE_UNKNOWN)
                made += 1
                yield writer.hand_over(0.5)
        finally:
            closed = True

    class Cancelled(DeskWork):
        async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:
            await super().progress(done, total, stage=stage)
            if stage is None:
                await asyncio.sleep(0.1)
                raise JobCancelled

    check = desk.check_of(await desk.start())
    with pytest.raises(JobCancelled):
        await take_in(Cancelled(desk.server, check.villages, check.import_id), check, parcels())
    assert closed
    assert 1 <= made <= 5


async def test_memory_does_not_grow_with_the_errors_of_a_file(desk: Desk) -> None:
    def parcels(reading: Reading, of: int) -> Iterator[Parcel]:
        for number in range(of):
            writer = ParcelWriter(reading)
            for line in range(number * 2_000, (number + 1) * 2_000):
                writer.issue(Row(RowSubject.PERSON, line), "sex", "9", CODE_UNKNOWN)
            yield writer.hand_over((number + 1) / of)

    async def peak(of: int) -> int:
        check = desk.check_of(await desk.start())
        work = DeskWork(desk.server, check.villages, check.import_id)
        await clear(check)
        tracemalloc.start()
        try:
            await take_in(work, check, parcels(desk.reading(check), of))
            await judging.judge(work, check)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    await peak(2)
    few, many = await peak(2), await peak(20)
    assert many < few * 1.5 + 1_000_000


@pytest.mark.parametrize(
    ("villages", "batches"),
    [
        ([], []),
        ([(1, 3, 0)], [(1, 1, 3)]),
        ([(1, 3, 0), (2, 7, 0)], [(1, 2, 10)]),
        ([(1, 3, 0), (2, 8, 0)], [(1, 1, 3), (2, 2, 8)]),
        ([(1, 25, 0), (2, 1, 0)], [(1, 1, 25), (2, 2, 1)]),
        ([(1, 0, 2), (2, 5, 5), (5, 0, 1)], [(1, 1, 0), (2, 2, 5), (5, 5, 0)]),
    ],
)
def test_villages_are_never_split_between_batches(
    villages: list[tuple[int, int, int]], batches: list[tuple[int, int, int]]
) -> None:
    assert list(batches_of((VillageWork(*village) for village in villages), 10)) == [Batch(*batch) for batch in batches]


def test_batches_hold_every_village_once_and_in_order() -> None:
    villages = [VillageWork(village, village * 7 % 900, village % 3) for village in range(1, 400)]
    batches = list(batches_of(villages))
    assert sum(batch.families for batch in batches) == sum(village.accepted for village in villages)
    assert all(one.last_village_id < other.first_village_id for one, other in pairwise(batches))


async def test_batches_reach_from_the_first_village_to_the_last_that_anybody_leaves(desk: Desk) -> None:
    await desk.registered_home(1, village=desk.neighbour)
    sheet = desk.sheet()
    sheet.home(2)
    checked = await desk.check(sheet, ImportMode.EDITION)
    rows = await checked.rows(
        "number, first_village_id, last_village_id, families, applied_at", "import_batch", "number"
    )
    assert rows == [(1, desk.village.id, desk.neighbour.id, 1, None)]


def test_every_finding_is_told_in_two_languages_and_names_the_other_line() -> None:
    assert all(finding.indonesian and finding.english for finding in FINDINGS.values())
    assert told("NIK_REPEATED", 17).indonesian == "NIK ini sudah ada pada baris 17."
    assert told("NIK_REPEATED", 17).english == "This NIK is on line 17 already."


async def test_every_code_that_a_check_says_has_its_words(desk: Desk) -> None:
    sheet = await crowd(desk)
    sheet.head(kk(9), nik(90), birth_date=date(2026, 8, 1))
    sheet.person(kk(9), nik(91), birth_date=BORN, name=None)
    for mode in ImportMode:
        for codes in (await (await desk.check(sheet, mode)).codes()).values():
            assert codes <= FINDINGS.keys()
