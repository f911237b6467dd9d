"""Who of a file is registered, what becomes of that in an addition and in a full edition, and who leaves."""

from datetime import date

import pytest

from app.domain.registry.enums import FamilyRelationship, Presence
from app.domain.registry.imports.models import ImportFormat, ImportMode
from tests.imports.checking.desk import BORN, Desk, kk, nik

ADDITION, EDITION = ImportMode.ADDITION, ImportMode.EDITION


async def test_a_family_as_it_is_registered_is_the_same(desk: Desk) -> None:
    family_id, person_id = await desk.registered_home(1)
    sheet = desk.sheet()
    family, head = sheet.family(kk(1)), sheet.head(kk(1), nik(1), name="Budi Santoso")
    for mode in (ADDITION, EDITION):
        checked = await desk.check(sheet, mode)
        assert await checked.issues() == []
        assert await checked.matches() == {family: (family_id, "SAME", []), head: (person_id, "SAME", [])}


async def test_only_values_that_the_file_has_are_changes(desk: Desk) -> None:
    family_id = await desk.registered_family(kk(1), decile=3, address="Jalan Melati 1")
    person_id = await desk.registered_person(family_id, nik(1), "Budi Santoso")
    sheet = desk.sheet()
    family = sheet.family(kk(1), decile=4, rt="001")
    head = sheet.head(kk(1), nik(1), name="Budi Santosa", birth_date=None, presence=Presence.DECEASED, member_no=9)
    checked = await desk.check(sheet, EDITION)
    assert await checked.matches() == {
        family: (family_id, "CHANGED", ["decile", "rt"]),
        head: (person_id, "CHANGED", ["name", "presence"]),
    }
    assert await checked.issues() == []


async def test_an_addition_warns_of_each_value_that_differs(desk: Desk) -> None:
    family_id = await desk.registered_family(kk(1), decile=3)
    await desk.registered_person(family_id, nik(1), "Budi Santoso")
    sheet = desk.sheet()
    family = sheet.family(kk(1), decile=4)
    head = sheet.head(kk(1), nik(2), name="Budi Santoso", presence=Presence.DECEASED)
    checked = await desk.check(sheet)
    assert await checked.issues() == [
        ("FAMILY", family, "CHANGED", "decile", "WARNING", "4", None),
        ("PERSON", head, "CHANGED", "nik", "WARNING", "9901********0002", None),
        ("PERSON", head, "CHANGED", "presence", "WARNING", "DE******", None),
    ]
    checked = await desk.check(sheet, file_format=ImportFormat.OPENSID)
    assert [column for _, _, _, column, *_ in await checked.issues()] == ["decile", "nik", "status_dasar"]


async def test_somebody_without_nik_is_known_in_the_family_by_name_and_birth_date(desk: Desk) -> None:
    family_id, _ = await desk.registered_home(1)
    child_id = await desk.registered_person(family_id, None, "Siti Aminah", relationship="CHILD")
    await desk.registered_person(family_id, None, "Siti Aminah", relationship="CHILD", birth_date=date(2001, 1, 1))
    undated_id = await desk.registered_person(family_id, None, "Joko", relationship="CHILD", birth_date=None)
    sheet = desk.sheet()
    sheet.family(kk(1))
    sheet.head(kk(1), nik(1), name="Budi Santoso")
    child = sheet.person(kk(1), nik(2), name="SITI AMINAH")
    undated = sheet.person(kk(1), None, name="Joko", birth_date=None)
    stranger = sheet.person(kk(1), None, name="Siti Rahma")
    matches = await (await desk.check(sheet, EDITION)).matches()
    assert matches[child] == (child_id, "CHANGED", ["nik", "name"])
    assert matches[undated] == (undated_id, "SAME", [])
    assert stranger not in matches


async def test_the_same_name_in_another_family_is_another_person(desk: Desk) -> None:
    family_id, _ = await desk.registered_home(1)
    await desk.registered_person(family_id, None, "Siti Aminah", relationship="CHILD")
    sheet = desk.sheet()
    sheet.home(2)
    other = sheet.person(kk(2), None, name="Siti Aminah")
    assert other not in await (await desk.check(sheet, EDITION)).matches()


async def test_a_kk_of_another_village_is_refused_in_an_addition_and_a_move_in_an_edition(desk: Desk) -> None:
    family_id, person_id = await desk.registered_home(1, village=desk.neighbour)
    sheet = desk.sheet()
    family, head = sheet.family(kk(1)), sheet.head(kk(1), nik(1), name="Budi Santoso")
    checked = await desk.check(sheet, ADDITION)
    assert await checked.issues() == [
        ("FAMILY", family, "KK_REGISTERED_ELSEWHERE", "kk", "ERROR", "9901********0001", None)
    ]
    assert await checked.matches() == {}
    checked = await desk.check(sheet, EDITION)
    assert await checked.issues() == []
    assert await checked.matches() == {family: (family_id, "MOVED", []), head: (person_id, "MOVED", [])}


async def test_a_nik_of_another_family_is_refused_in_an_addition_and_a_move_in_an_edition(desk: Desk) -> None:
    _, person_id = await desk.registered_home(1)
    sheet = desk.sheet()
    family, _ = sheet.home(2)
    member = sheet.person(kk(2), nik(1), name="Budi Santoso", relationship=FamilyRelationship.OTHER)
    checked = await desk.check(sheet, ADDITION)
    assert await checked.issues() == [("PERSON", member, "DUPLICATE", "nik", "ERROR", "9901********0001", None)]
    assert await checked.accepted("FAMILY") == {family}
    checked = await desk.check(sheet, EDITION)
    assert await checked.issues() == []
    assert await checked.matches() == {member: (person_id, "MOVED", ["relationship"])}


async def test_the_nik_of_somebody_dead_is_free(desk: Desk) -> None:
    family_id = await desk.registered_family(kk(1))
    await desk.registered_person(family_id, nik(1), "Budi Santoso", presence="DECEASED")
    sheet = desk.sheet()
    sheet.family(kk(2))
    sheet.head(kk(2), nik(1))
    for mode in (ADDITION, EDITION):
        checked = await desk.check(sheet, mode)
        assert await checked.issues() == []
        assert await checked.matches() == {}


async def test_another_head_is_refused_in_an_addition_and_taken_in_an_edition(desk: Desk) -> None:
    family_id, _ = await desk.registered_home(1)
    sheet = desk.sheet()
    family, head = sheet.family(kk(1)), sheet.head(kk(1), nik(2))
    checked = await desk.check(sheet, ADDITION)
    assert await checked.issues() == [
        ("FAMILY", family, "KK_HEAD_REJECTED", "relationship", "ERROR", "", head),
        ("PERSON", head, "KK_HEAD_DIFFERS", "relationship", "ERROR", "", None),
    ]
    checked = await desk.check(sheet, EDITION)
    assert await checked.issues() == []
    assert await checked.matches() == {family: (family_id, "SAME", [])}


async def test_a_registered_family_may_tell_that_nobody_is_left(desk: Desk) -> None:
    await desk.registered_home(1)
    sheet = desk.sheet()
    sheet.family(kk(1))
    sheet.head(kk(1), nik(1), name="Budi Santoso", presence=Presence.DECEASED)
    assert await (await desk.check(sheet, EDITION)).issues() == []


async def test_a_family_without_kk_is_known_by_its_head(desk: Desk) -> None:
    family_id = await desk.registered_family(None)
    person_id = await desk.registered_person(family_id, nik(1), "Budi Santoso")
    sheet = desk.sheet()
    family, head = sheet.family("rumah-7"), sheet.head("rumah-7", nik(1), name="Budi Santoso")
    checked = await desk.check(sheet, EDITION)
    assert await checked.matches() == {family: (family_id, "SAME", []), head: (person_id, "SAME", [])}
    assert await checked.departures() == {}


async def test_what_lies_beyond_the_import_is_not_seen(desk: Desk) -> None:
    await desk.registered_home(1, village=desk.neighbour)
    sheet = desk.sheet()
    sheet.family(kk(1))
    sheet.head(kk(1), nik(1))
    checked = await desk.check(sheet, region=desk.village)
    assert await checked.issues() == []
    assert await checked.matches() == {}
    assert await checked.duplicates() == []


async def test_an_edition_tells_why_each_family_leaves(desk: Desk) -> None:
    moved_id, _ = await desk.registered_home(1)
    dead_id = await desk.registered_family(kk(2))
    await desk.registered_person(dead_id, nik(2), "Almarhum", presence="DECEASED")
    died_id, _ = await desk.registered_home(3)
    gone_id, _ = await desk.registered_home(4)
    half_id, _ = await desk.registered_home(5)
    await desk.registered_person(half_id, nik(6), "Anak", relationship="CHILD")
    empty_id = await desk.registered_family(kk(7))
    stays_id, _ = await desk.registered_home(8)
    former_id = await desk.registered_family(kk(9), status="MOVED")
    sheet = desk.sheet()
    sheet.family(kk(8))
    sheet.head(kk(8), nik(8))
    sheet.person(kk(8), nik(1))
    sheet.person(kk(8), nik(3), presence=Presence.DECEASED)
    sheet.person(kk(8), nik(5))
    checked = await desk.check(sheet, EDITION)
    assert await checked.departures() == {
        moved_id: "MEMBERS_MOVED",
        dead_id: "MEMBERS_DECEASED",
        died_id: "MEMBERS_DECEASED",
        gone_id: "NOT_IN_EDITION",
        half_id: "NOT_IN_EDITION",
        empty_id: "NOT_IN_EDITION",
    }
    assert not {stays_id, former_id} & (await checked.departures()).keys()
    assert (await checked.counts())["families_left"] == 6


@pytest.mark.parametrize("away", ["NOT_FOUND", "MOVED_WITHIN_COUNTRY", "MOVED_ABROAD", "DECEASED"])
async def test_a_family_has_moved_where_all_who_still_lived_there_are_in_others(desk: Desk, away: str) -> None:
    moved_id, _ = await desk.registered_home(1)
    await desk.registered_person(moved_id, nik(2), "Anak", relationship="CHILD", presence=away)
    missed_id, _ = await desk.registered_home(3)
    await desk.registered_person(missed_id, nik(4), "Anak", relationship="CHILD", presence="NEW_MEMBER")
    sheet = desk.sheet()
    sheet.home(8)
    sheet.person(kk(8), nik(1))
    sheet.person(kk(8), nik(3))
    checked = await desk.check(sheet, EDITION)
    assert await checked.departures() == {moved_id: "MEMBERS_MOVED", missed_id: "NOT_IN_EDITION"}


async def test_a_family_of_whom_all_were_away_and_nobody_is_seen_has_not_moved(desk: Desk) -> None:
    away_id = await desk.registered_family(kk(1))
    await desk.registered_person(away_id, nik(1), "Kepala", presence="NOT_FOUND")
    died_id, _ = await desk.registered_home(2)
    await desk.registered_person(died_id, nik(3), "Anak", relationship="CHILD", presence="NOT_FOUND")
    sheet = desk.sheet()
    sheet.home(8)
    sheet.person(kk(8), nik(2), presence=Presence.DECEASED)
    checked = await desk.check(sheet, EDITION)
    assert await checked.departures() == {away_id: "NOT_IN_EDITION", died_id: "NOT_IN_EDITION"}


async def test_an_addition_lets_everybody_stay(desk: Desk) -> None:
    await desk.registered_home(1)
    sheet = desk.sheet()
    sheet.home(2)
    assert await (await desk.check(sheet, ADDITION)).departures() == {}


async def test_a_family_whose_row_is_refused_does_not_leave(desk: Desk) -> None:
    await desk.registered_home(1)
    await desk.registered_home(2)
    sheet = desk.sheet()
    sheet.family(kk(1))
    sheet.head(kk(1), nik(1), birth_date=date(2026, 8, 1))
    # The head of family 2 stands in a family that has no head of its own.
    sheet.family(kk(3))
    sheet.person(kk(3), nik(2), birth_date=BORN)
    checked = await desk.check(sheet, EDITION)
    assert await checked.departures() == {}
    assert await checked.matches() == {}


async def test_in_an_addition_the_own_member_comes_before_who_holds_the_number_elsewhere(desk: Desk) -> None:
    family_id, _ = await desk.registered_home(1)
    child_id = await desk.registered_person(family_id, None, "Siti Aminah", relationship="CHILD")
    _, holder_id = await desk.registered_home(5)
    sheet = desk.sheet()
    sheet.family(kk(1))
    sheet.head(kk(1), nik(1), name="Budi Santoso")
    child = sheet.person(kk(1), nik(5), name="Siti Aminah")
    checked = await desk.check(sheet, ADDITION)
    assert (await checked.matches())[child] == (child_id, "CHANGED", ["nik"])
    assert await checked.issues() == [("PERSON", child, "CHANGED", "nik", "WARNING", "9901********0005", None)]
    # In an edition whoever holds the number has moved here.
    moved = (await (await desk.check(sheet, EDITION)).matches())[child]
    assert moved == (holder_id, "MOVED", ["relationship", "name"])
