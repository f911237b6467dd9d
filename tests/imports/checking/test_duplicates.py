"""Probable duplicates: alike names of one village and day, for a person to decide."""

from datetime import date

import pytest

from app.domain.registry.imports.duplicates import MOST_OF_ONE_DAY
from app.domain.registry.imports.models import ImportMode
from app.domain.registry.imports.names import comparable, likeness
from tests.imports.checking.desk import Desk, kk, nik


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("H. Soekarno Hadi", "Sukarno Hadi"),
        ("Hj. Siti Djuwariyah", "SITI JUWARIYAH"),
        ("Nur Hayati", "Nurhayati"),
        ("Muhammad Ridwan", "Moh. Ridwan"),
        ("Achmad Tjahjono", "Ahmad Cahyono"),
        ("Sri Wahyuni", "Wahyuni, Sri"),
        ("Budi Santoso", "Budi Santosa"),
        ("Ma'ruf", "Maruf"),
        ("Ma\u2019ruf", "Ma'ruf"),
        ("Ma\u2018ruf", "Ma'ruf"),
        ("Ma\u02bcruf", "Ma'ruf"),
    ],
)
def test_names_that_may_be_one(one: str, other: str) -> None:
    assert likeness(comparable(one), comparable(other)) >= 85


@pytest.mark.parametrize(
    ("one", "other"),
    [("Budi Santoso", "Bambang Santoso"), ("Siti Aminah", "Siti Rahma"), ("Sumarni", "Sumarno Hadi"), ("", "Budi")],
)
def test_names_that_are_not(one: str, other: str) -> None:
    assert likeness(comparable(one), comparable(other)) == 0


async def test_alike_names_of_one_village_and_day_are_told(desk: Desk) -> None:
    family_id, _ = await desk.registered_home(90, name="Hj. Soekarti")
    person_id = await desk.registered_person(family_id, None, "Bambang Widodo", relationship="CHILD")
    sheet = desk.sheet()
    sheet.home(1)
    first = sheet.person(kk(1), nik(12), name="Budi Santoso", birth_date=date(1990, 3, 4))
    sheet.home(2)
    second = sheet.person(kk(2), None, name="Budi Santosa", birth_date=date(1990, 3, 4))
    third = sheet.person(kk(2), nik(14), name="Bambang Widodo")
    # Another day, another village, another name.
    sheet.person(kk(2), None, name="Budi Santoso", birth_date=date(1990, 3, 5))
    sheet.home(3, village=desk.neighbour)
    sheet.person(kk(3), None, name="Budi Santoso", birth_date=date(1990, 3, 4))
    sheet.person(kk(2), None, name="Slamet Riyadi", birth_date=date(1990, 3, 4))
    checked = await desk.check(sheet)
    assert await checked.duplicates() == [(second, first, None, 91), (third, None, person_id, 100)]
    assert (await checked.counts())["probable_duplicates"] == 2


async def test_twins_and_people_who_are_known_are_no_question(desk: Desk) -> None:
    family_id, _ = await desk.registered_home(1)
    await desk.registered_person(family_id, None, "Siti Aminah", relationship="CHILD")
    sheet = desk.sheet()
    sheet.family(kk(1))
    sheet.head(kk(1), nik(1), name="Budi Santoso")
    sheet.person(kk(1), None, name="Siti Aminah")
    sheet.person(kk(1), nik(3), name="Hasan Basri")
    sheet.person(kk(1), nik(4), name="Husan Basri")
    # The head is registered; a stranger like him is a question, he himself is none.
    stranger = sheet.person(kk(1), None, name="Budi Santosa")
    checked = await desk.check(sheet, ImportMode.EDITION)
    assert [(line, other) for line, other, *_ in await checked.duplicates()] == [(stranger, 3)]


async def test_persons_who_are_refused_are_not_compared(desk: Desk) -> None:
    sheet = desk.sheet()
    sheet.home(1)
    sheet.person(kk(1), None, name="Budi Santoso")
    sheet.family(kk(2))
    sheet.person(kk(2), None, name="Budi Santoso")
    assert await (await desk.check(sheet)).duplicates() == []


@pytest.mark.parametrize(("others", "told"), [(MOST_OF_ONE_DAY - 2, True), (MOST_OF_ONE_DAY - 1, False)])
async def test_a_day_that_everybody_is_born_on_tells_nothing(desk: Desk, others: int, told: bool) -> None:
    sheet, day = desk.sheet(), date(1970, 1, 1)
    sheet.home(1)
    sheet.home(2)
    for _ in range(others):
        sheet.person(kk(1), None, birth_date=day)
    first = sheet.person(kk(1), None, name="Budi Santoso", birth_date=day)
    second = sheet.person(kk(2), None, name="Budi Santoso", birth_date=day)
    found = await (await desk.check(sheet)).duplicates()
    assert found == ([(second, first, None, 100)] if told else [])


async def test_what_somebody_has_decided_outlives_another_check(desk: Desk) -> None:
    await desk.registered_home(90, name="Bambang Widodo")
    sheet = desk.sheet()
    sheet.home(1)
    first = sheet.person(kk(1), None, name="Budi Santoso", birth_date=date(1990, 3, 4))
    sheet.home(2)
    second = sheet.person(kk(2), None, name="Budi Santosa", birth_date=date(1990, 3, 4))
    third = sheet.person(kk(2), None, name="Bambang Widodo")
    checked = await desk.check(sheet)
    await desk.loader.execute(
        "update import_duplicate set decision = 'SAME_PERSON' where import_id = $1 and line = $2",
        checked.check.import_id,
        second,
    )
    again = await desk.run(checked.check, sheet)
    assert await again.duplicates() == await checked.duplicates()
    assert [row[:2] for row in await again.duplicates()] == [(second, first), (third, None)]
    assert await again.rows("line, decision", "import_duplicate", "line") == [(second, "SAME_PERSON"), (third, None)]
