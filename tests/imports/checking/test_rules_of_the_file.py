"""What a file says against itself: each rule broken once, beside rows that keep it."""

from collections.abc import Callable
from datetime import date

import pytest

from app.domain.registry.enums import FamilyRelationship, Presence, Sex
from app.domain.registry.imports.models import ImportFormat
from tests.imports.checking.desk import BORN, Desk, Issue, Sheet, kk, nik

Case = Callable[[Sheet], list[Issue]]


async def test_a_valid_file_has_no_issue(desk: Desk) -> None:
    sheet = desk.sheet()
    sheet.home(1, decile=4, percentile=37, ranked_on=date(2026, 7, 31))
    sheet.person(kk(1), nik(2), presence=Presence.DECEASED)
    sheet.person(kk(1), nik(3, date(1926, 5, 17)), birth_date=date(1926, 5, 17))
    sheet.home(5, village=desk.neighbour)
    checked = await desk.check(sheet)
    assert await checked.issues() == []
    assert await checked.accepted("FAMILY") == {2, 6}
    assert await checked.accepted("PERSON") == {3, 4, 5, 7}


def no_village(sheet: Sheet) -> list[Issue]:
    family = sheet.family(kk(1), nowhere=True)
    sheet.head(kk(1))
    return [("FAMILY", family, "VILLAGE_UNKNOWN", "village", "ERROR", "99.99", None)]


def village_outside(sheet: Sheet) -> list[Issue]:
    sheet.home(1)
    family = sheet.family(kk(2), village=Sheet.ELSEWHERE)
    sheet.head(kk(2), nik(2))
    return [("FAMILY", family, "VILLAGE_OUTSIDE", "village", "ERROR", "33.02.01.2001", None)]


def kk_of_elsewhere(sheet: Sheet) -> list[Issue]:
    family = sheet.family("3302010101200001")
    sheet.head("3302010101200001")
    return [("FAMILY", family, "KK_ISSUED_ELSEWHERE", "kk", "WARNING", "3302********0001", None)]


def decile_eleven(sheet: Sheet) -> list[Issue]:
    family, _ = sheet.home(1, decile=11)
    return [("FAMILY", family, "DECILE_OUT_OF_RANGE", "decile", "ERROR", "11", None)]


def percentile_zero(sheet: Sheet) -> list[Issue]:
    family, _ = sheet.home(1, decile=1, percentile=0)
    return [("FAMILY", family, "PERCENTILE_OUT_OF_RANGE", "percentile", "ERROR", "0", None)]


def percentile_of_other_decile(sheet: Sheet) -> list[Issue]:
    sheet.home(1, decile=4, percentile=40)
    family, _ = sheet.home(2, decile=4, percentile=41)
    return [("FAMILY", family, "PERCENTILE_OF_OTHER_DECILE", "percentile", "ERROR", "41", None)]


def ranked_tomorrow(sheet: Sheet) -> list[Issue]:
    family, _ = sheet.home(1, decile=4, ranked_on=date(2026, 8, 1))
    return [("FAMILY", family, "RANKED_IN_FUTURE", "ranked_on", "ERROR", "20********", None)]


def half_a_place(sheet: Sheet) -> list[Issue]:
    family, _ = sheet.home(1, latitude=4.5)
    return [("FAMILY", family, "COORDINATES_INVALID", "latitude", "ERROR", "", None)]


def no_head(sheet: Sheet) -> list[Issue]:
    family = sheet.family(kk(1))
    sheet.person(kk(1), nik(1))
    return [("FAMILY", family, "KK_HEAD_MISSING", "relationship", "ERROR", "", None)]


def two_heads(sheet: Sheet) -> list[Issue]:
    family, head = sheet.home(1)
    sheet.head(kk(1), nik(2))
    return [("FAMILY", family, "KK_HEAD_DUPLICATE", "relationship", "ERROR", "", head)]


def head_refused(sheet: Sheet) -> list[Issue]:
    family = sheet.family(kk(1))
    head = sheet.head(kk(1), birth_date=date(2026, 8, 1))
    sheet.person(kk(1), nik(2))
    return [
        ("FAMILY", family, "KK_HEAD_REJECTED", "relationship", "ERROR", "", head),
        ("PERSON", head, "BIRTH_DATE_IN_FUTURE", "birth_date", "ERROR", "20********", None),
    ]


def member_refused(sheet: Sheet) -> list[Issue]:
    sheet.home(1)
    child = sheet.person(kk(1), birth_date=date(2026, 8, 1))
    return [("PERSON", child, "BIRTH_DATE_IN_FUTURE", "birth_date", "ERROR", "20********", None)]


def nobody_present(sheet: Sheet) -> list[Issue]:
    family = sheet.family(kk(1))
    sheet.head(kk(1), nik(1), presence=Presence.DECEASED)
    sheet.person(kk(1), nik(2), presence=Presence.MOVED_ABROAD)
    return [("FAMILY", family, "KK_NOBODY_PRESENT", "presence", "ERROR", "", None)]


def nobody_but_a_refused_row(sheet: Sheet) -> list[Issue]:
    sheet.family(kk(1))
    sheet.head(kk(1), nik(1), presence=Presence.DECEASED)
    child = sheet.person(kk(1), presence=Presence.NOT_FOUND, birth_date=date(2026, 8, 1))
    return [("PERSON", child, "BIRTH_DATE_IN_FUTURE", "birth_date", "ERROR", "20********", None)]


def family_alone(sheet: Sheet) -> list[Issue]:
    family = sheet.family(kk(1))
    return [("FAMILY", family, "FAMILY_WITHOUT_PERSONS", "kk", "ERROR", "9901********0001", None)]


def person_alone(sheet: Sheet) -> list[Issue]:
    person = sheet.person(kk(1), nik(1))
    return [("PERSON", person, "FAMILY_MISSING", "kk", "ERROR", "", None)]


def kk_twice_in_a_village(sheet: Sheet) -> list[Issue]:
    first, _ = sheet.home(1)
    second = sheet.family(kk(1))
    return [("FAMILY", second, "KK_REPEATED", "kk", "ERROR", "9901********0001", first)]


def kk_in_two_villages(sheet: Sheet) -> list[Issue]:
    first, _ = sheet.home(1)
    second = sheet.family(kk(1), village=sheet.neighbour)
    return [
        ("FAMILY", first, "KK_REPEATED", "kk", "ERROR", "9901********0001", second),
        ("FAMILY", second, "KK_REPEATED", "kk", "ERROR", "9901********0001", first),
    ]


def nik_twice(sheet: Sheet) -> list[Issue]:
    _, first = sheet.home(1)
    sheet.home(2)
    second = sheet.person(kk(2), nik(1))
    third = sheet.person(kk(2), nik(1))
    return [
        ("PERSON", second, "NIK_REPEATED", "nik", "ERROR", "9901********0001", first),
        ("PERSON", third, "NIK_REPEATED", "nik", "ERROR", "9901********0001", first),
    ]


def nameless_twice(sheet: Sheet) -> list[Issue]:
    sheet.home(1)
    first = sheet.person(kk(1), name="Siti Aminah")
    second = sheet.person(kk(1), name="SITI AMINAH")
    sheet.person(kk(1), name="Siti Aminah", birth_date=date(1981, 5, 17))
    sheet.home(2)
    sheet.person(kk(2), name="Siti Aminah", birth_date=date(1982, 5, 17))
    return [("PERSON", second, "PERSON_REPEATED", "name", "ERROR", "SI*********", first)]


def other_sex(sheet: Sheet) -> list[Issue]:
    sheet.home(1)
    person = sheet.person(kk(1), nik(2), sex=Sex.FEMALE)
    return [("PERSON", person, "NIK_SEX_DIFFERS", "nik", "WARNING", "9901********0002", None)]


def other_birth_date(sheet: Sheet) -> list[Issue]:
    sheet.home(1)
    person = sheet.person(kk(1), nik(2), birth_date=date(1980, 5, 18))
    return [("PERSON", person, "NIK_BIRTH_DATE_DIFFERS", "nik", "WARNING", "9901********0002", None)]


def nik_of_elsewhere(sheet: Sheet) -> list[Issue]:
    sheet.home(1)
    person = sheet.person(kk(1), nik(2, region="330201"))
    return [("PERSON", person, "NIK_ISSUED_ELSEWHERE", "nik", "WARNING", "3302********0002", None)]


def pregnant_man(sheet: Sheet) -> list[Issue]:
    sheet.home(1)
    person = sheet.person(kk(1), nik(2), pregnant=True)
    sheet.person(kk(1), nik(3, sex=Sex.FEMALE), sex=Sex.FEMALE, pregnant=True)
    return [("PERSON", person, "PREGNANT_NOT_FEMALE", "pregnant", "WARNING", "t", None)]


def nothing_told(sheet: Sheet) -> list[Issue]:
    sheet.home(1)
    person = sheet.person(kk(1), nik(2), name=None, sex=None, relationship=None)
    return [
        ("PERSON", person, "CODE_MISSING", "relationship", "ERROR", "", None),
        ("PERSON", person, "CODE_MISSING", "sex", "ERROR", "", None),
        ("PERSON", person, "NAME_MISSING", "name", "ERROR", "", None),
    ]


@pytest.mark.parametrize(
    "case",
    [
        no_village, village_outside, kk_of_elsewhere, decile_eleven, percentile_zero, percentile_of_other_decile, ranked_tomorrow,
        half_a_place, no_head, two_heads, head_refused, member_refused, nobody_present, nobody_but_a_refused_row, family_alone,
        person_alone, kk_twice_in_a_village, kk_in_two_villages, nik_twice, nameless_twice, other_sex, other_birth_date,
        nik_of_elsewhere, pregnant_man, nothing_told,
    ],
)  # fmt: skip
async def test_each_rule_says_exactly_what_is_wrong(desk: Desk, case: Case) -> None:
    sheet = desk.sheet()
    expected = case(sheet)
    checked = await desk.check(sheet)
    assert await checked.issues() == expected


async def test_a_family_goes_with_its_head_and_a_person_with_the_family(desk: Desk) -> None:
    sheet = desk.sheet()
    head_refused(sheet)
    family, head = sheet.home(5)
    child = sheet.person(kk(5), birth_date=date(2026, 8, 1))
    checked = await desk.check(sheet)
    assert await checked.accepted("FAMILY") == {family}
    assert await checked.accepted("PERSON") == {head}
    assert child in await checked.codes()


async def test_a_warning_refuses_nobody(desk: Desk) -> None:
    sheet = desk.sheet()
    [(_, line, *_)] = other_sex(sheet)
    checked = await desk.check(sheet)
    assert line in await checked.accepted("PERSON")
    assert (await checked.counts())["rows_with_warnings"] == 1


async def test_of_a_kk_that_stands_twice_the_first_is_accepted_with_all_persons(desk: Desk) -> None:
    sheet = desk.sheet()
    kk_twice_in_a_village(sheet)
    sheet.person(kk(1), nik(7))
    checked = await desk.check(sheet)
    assert await checked.accepted("FAMILY") == {2}
    assert await checked.accepted("PERSON") == {3, 5}


async def test_pregnancy_of_a_man_is_not_applied(desk: Desk) -> None:
    sheet = desk.sheet()
    pregnant_man(sheet)
    checked = await desk.check(sheet)
    assert await checked.rows("pregnant", "staged_person", "line") == [(None,), (None,), (True,)]


async def test_issues_name_the_columns_of_the_form_that_the_file_follows(desk: Desk) -> None:
    sheet = desk.sheet()
    sheet.home(1)
    sheet.person(kk(1), nik(2), birth_date=date(2026, 8, 1))
    sheet.family(kk(2))
    sheet.person(kk(2), nik(3))
    checked = await desk.check(sheet, file_format=ImportFormat.OPENSID)
    assert [(code, column) for _, _, code, column, *_ in await checked.issues()] == [
        ("BIRTH_DATE_IN_FUTURE", "tanggallahir"),
        ("NIK_BIRTH_DATE_DIFFERS", "nik"),
        ("KK_HEAD_MISSING", "kk_level"),
    ]


async def test_what_a_reader_has_said_of_a_row_is_said_once(desk: Desk) -> None:
    sheet = desk.sheet()
    sheet.home(1)
    broken = sheet.person(kk(1), relationship=FamilyRelationship.WIFE, sex=None, birth_date=BORN)
    sheet.broken.append((broken, "sex"))
    checked = await desk.check(sheet)
    assert await checked.issues() == [("PERSON", broken, "CODE_UNKNOWN", "sex", "ERROR", "9", None)]
