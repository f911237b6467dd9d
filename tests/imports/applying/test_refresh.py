"""Full editions: who joins, leaves, moves and changes, and what stays as it was."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from app.domain.insights.service import verify_summaries
from app.domain.registry.enums import Presence
from app.domain.registry.imports.applying import progress
from tests.imports.applying.office import (
    BORN,
    CHILD,
    FIRST_EDITION,
    HEAD,
    SECOND_EDITION,
    WIFE,
    Office,
    Person,
    family,
)


class Places(NamedTuple):
    here: int
    there: int
    abroad: int
    """A village of another regency."""


@pytest.fixture
def places(office: Office) -> Places:
    first, second = office.regencies
    here, there = office.villages[first][:2]
    return Places(here, there, office.villages[second][0])


@pytest_asyncio.fixture(autouse=True)
async def _totals_hold(office: Office) -> AsyncIterator[None]:
    yield
    assert await verify_summaries(office.loader) == []


async def test_a_family_that_joins_is_added_beside_the_others(office: Office, places: Places) -> None:
    old = family("A", places.here, Person("Budi"), decile=3)
    await office.apply([old])
    await office.edition([replace(old, decile=4), family("B", places.here, Person("Joko"), decile=1)])
    assert await office.families() == [
        ("A", places.here, "ACTIVE", 4, SECOND_EDITION),
        ("B", places.here, "ACTIVE", 1, SECOND_EDITION),
    ]


async def test_ranks_of_old_editions_stay(office: Office, places: Places) -> None:
    old = family("A", places.here, Person("Budi"), decile=3)
    await office.apply([old, family("L", places.here, Person("Lina"), decile=2)])
    await office.edition([replace(old, decile=4)])
    assert await office.ranks() == [
        ("A", places.here, FIRST_EDITION, 3),
        ("A", places.here, SECOND_EDITION, 4),
        ("L", places.here, FIRST_EDITION, 2),
    ]


async def test_a_family_that_a_ranked_edition_does_not_rank_has_no_decile(office: Office, places: Places) -> None:
    one, other = family("A", places.here, Person("Budi"), decile=3), family("B", places.here, Person("Joko"), decile=5)
    await office.apply([one, other])
    await office.edition([replace(one, decile=None), other])
    assert [row[3] for row in await office.families()] == [None, 5]


async def test_an_edition_without_any_rank_leaves_the_deciles(office: Office, places: Places) -> None:
    old = family("A", places.here, Person("Budi"), decile=3)
    await office.apply([old])
    await office.edition([replace(old, decile=None)])
    assert await office.families() == [("A", places.here, "ACTIVE", 3, SECOND_EDITION)]


async def test_an_edition_that_is_corrected_corrects_its_ranks(office: Office, places: Places) -> None:
    old = family("A", places.here, Person("Budi"), decile=3)
    await office.apply([old])
    await office.edition([replace(old, decile=4)])
    await office.edition([replace(old, decile=5)])
    assert await office.ranks() == [("A", places.here, FIRST_EDITION, 3), ("A", places.here, SECOND_EDITION, 5)]


@pytest.mark.parametrize(
    ("case", "status", "presences"),
    [
        ("nobody is named", "NOT_FOUND", ["NOT_FOUND", "NOT_FOUND"]),
        ("all have died", "DISSOLVED", ["DECEASED", "DECEASED"]),
        ("all live elsewhere", "MOVED", ["PRESENT", "PRESENT"]),
    ],
)
async def test_a_family_leaves_for_a_reason(
    office: Office, places: Places, case: str, status: str, presences: list[str]
) -> None:
    gone = family("A", places.here, Person("Budi"), Person("Siti", WIFE), decile=3)
    stays = family("B", places.there, Person("Joko"))
    await office.apply([gone, stays])
    if case == "all have died":
        await office.loader.execute(
            "update person set presence = 'DECEASED' where name in ('Budi', 'Siti') and village_id = $1", places.here
        )
    moved = (Person("Budi", CHILD), Person("Siti", CHILD)) if case == "all live elsewhere" else ()
    await office.edition([replace(stays, people=(*stays.people, *moved))])
    assert [row[2] for row in await office.families()] == [status, "ACTIVE"]
    people = await office.people()
    assert [people[name][0][-1] for name in ("Budi", "Siti")] == presences
    assert people["Joko"] == [(places.there, "B", "HEAD", 1, "PRESENT")]


async def test_a_family_that_moves_within_the_regency_keeps_its_row(office: Office, places: Places) -> None:
    old = family("A", places.here, Person("Budi"), Person("Siti", WIFE), decile=3)
    await office.apply([old])
    ids = await office.loader.fetchval(
        "select array_agg(id order by id) from person where village_id = $1", places.here
    )
    await office.edition([replace(old, village=places.there, decile=3)])
    assert await office.families() == [("A", places.there, "ACTIVE", 3, SECOND_EDITION)]
    assert {name: rows[0][0] for name, rows in (await office.people()).items()} == {
        "Budi": places.there,
        "Siti": places.there,
    }
    assert ids == await office.loader.fetchval(
        "select array_agg(id order by id) from person where village_id = $1", places.there
    )
    assert await office.ranks() == [("A", places.there, FIRST_EDITION, 3), ("A", places.there, SECOND_EDITION, 3)]


async def test_who_died_goes_with_the_family_that_moves(office: Office, places: Places) -> None:
    old = family("A", places.here, Person("Budi"), Person("Kakek", CHILD, presence=Presence.DECEASED))
    await office.apply([old])
    await office.edition([replace(old, village=places.there, people=old.people[:1])])
    assert (await office.people())["Kakek"] == [(places.there, "A", "CHILD", 2, "DECEASED")]


async def test_a_family_that_moves_to_another_regency_gets_a_row_there(office: Office, places: Places) -> None:
    old = family("A", places.here, Person("Budi", values={"birth_place": "Solo"}), Person("Siti", WIFE), decile=3)
    await office.apply([old])
    await office.edition([family("A", places.abroad, Person("Budi"), Person("Siti", WIFE), decile=2)])
    assert await office.families() == [
        ("A", places.here, "MOVED", 3, FIRST_EDITION),
        ("A", places.abroad, "ACTIVE", 2, SECOND_EDITION),
    ]
    assert await office.people() == {
        name: [
            (places.here, "A", relationship, number, "MOVED_WITHIN_COUNTRY"),
            (places.abroad, "A", relationship, number, "PRESENT"),
        ]
        for number, (name, relationship) in enumerate([("Budi", "HEAD"), ("Siti", "WIFE")], 1)
    }
    assert await office.ranks() == [("A", places.here, FIRST_EDITION, 3), ("A", places.abroad, SECOND_EDITION, 2)]
    # What the file does not say of a person is known from the old row.
    assert await office.loader.fetchval(
        "select birth_place from person where name = 'Budi' and village_id = $1", places.abroad
    ) == "Solo"  # fmt: skip


async def test_a_family_that_comes_back_finds_its_people_where_they_were(office: Office, places: Places) -> None:
    at_home = family("A", places.here, Person("Budi"), Person("Siti", WIFE))
    await office.apply([at_home])
    await office.edition([replace(at_home, village=places.abroad)])
    await office.edition([at_home])
    assert await office.families() == [
        ("A", places.here, "ACTIVE", None, SECOND_EDITION),
        ("A", places.here, "MOVED", None, FIRST_EDITION),
        ("A", places.abroad, "MOVED", None, SECOND_EDITION),
    ]
    for rows in (await office.people()).values():
        assert [(row[0], row[-1]) for row in rows] == [
            (places.here, "PRESENT"),
            (places.abroad, "MOVED_WITHIN_COUNTRY"),
        ]


@pytest.mark.parametrize("is_first", [True, False], ids=["before the batch that they leave", "after it"])
async def test_who_went_ahead_to_another_regency_keeps_the_row_there_when_the_family_follows(
    office: Office, places: Places, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    monkeypatch.setattr(progress, "AT_ONCE", 1)
    first, second = office.villages[office.regencies[1]][:2]
    new_home, lodging = (first, second) if is_first else (second, first)
    budi, adi = Person("Budi"), Person("Adi", CHILD)
    hosts = family("B", lodging, Person("Joko"))
    await office.apply([family("A", places.here, budi, adi)])
    await office.edition([family("A", places.here, budi), replace(hosts, people=(*hosts.people, adi))])
    assert [(row[0], row[-1]) for row in (await office.people())["Adi"]] == [
        (places.here, "MOVED_WITHIN_COUNTRY"),
        (lodging, "PRESENT"),
    ]
    await office.edition([family("A", new_home, budi, adi), hosts], batch_families=1)
    assert (await office.people())["Adi"] == [
        (places.here, "A", "CHILD", 2, "MOVED_WITHIN_COUNTRY"),
        (new_home, "A", "CHILD", 2, "PRESENT"),
    ]
    # Whichever batch came first, the row changed once.
    assert (
        await office.loader.fetchval("select version from person where name = 'Adi' and village_id = $1", new_home) == 2
    )


async def test_who_stays_behind_when_a_family_moves_to_another_regency_is_not_found(
    office: Office, places: Places
) -> None:
    old = family("A", places.here, Person("Budi"), Person("Siti", WIFE))
    await office.apply([old])
    await office.edition([replace(old, village=places.abroad, people=old.people[:1])])
    assert (await office.people())["Siti"] == [(places.here, "A", "WIFE", 2, "NOT_FOUND")]


async def test_what_the_file_says_replaces_and_what_it_leaves_out_stays(office: Office, places: Places) -> None:
    await office.apply(
        [
            family(
                "A",
                places.here,
                Person("Budi", values={"birth_place": "Solo"}),
                values={"address": "Jl. 1", "rt": "001"},
            )
        ]
    )
    await office.edition([family("A", places.here, Person("Budi"), values={"address": "Jl. 2"})])
    assert tuple(
        await office.loader.fetchrow(
            "select f.address, f.rt, f.version, p.birth_place, p.version from family f join person p on p.family_id = f.id "
            "where p.village_id = $1",
            places.here,
        )
    ) == ("Jl. 2", "001", 2, "Solo", 1)


async def test_the_same_edition_again_changes_nothing(office: Office, places: Places) -> None:
    file = [
        family("A", places.here, Person("Budi"), Person("Siti", WIFE, nik=None), decile=3),
        family("B", places.abroad, Person("Joko"), values={"address": "Jl. 1"}),
    ]
    await office.apply([replace(file[0], village=places.there)])
    await office.edition(file)
    before = await office.snapshot()
    await office.edition(file)
    assert await office.snapshot() == before


async def test_a_member_who_is_not_named_any_more_is_not_found(office: Office, places: Places) -> None:
    old = family("A", places.here, Person("Budi"), Person("Siti", WIFE), Person("Adi", CHILD))
    await office.apply([old])
    await office.edition([replace(old, people=old.people[:2])])
    assert (await office.people())["Adi"] == [(places.here, "A", "CHILD", 3, "NOT_FOUND")]


async def test_a_member_whose_row_is_refused_is_not_missed(office: Office, places: Places) -> None:
    old = family("A", places.here, Person("Budi"), Person("Adi", CHILD))
    await office.apply([old])
    await office.edition([replace(old, people=(old.people[0], replace(old.people[1], is_refused=True)))])
    assert (await office.people())["Adi"] == [(places.here, "A", "CHILD", 2, "PRESENT")]


async def test_a_family_that_splits_gives_its_members_to_the_new_one(office: Office, places: Places) -> None:
    old = family(
        "A", places.here, Person("Budi"), Person("Siti", WIFE), Person("Adi", CHILD), Person("Ani", CHILD), decile=3
    )
    await office.apply([old])
    new = family("B", places.there, Person("Adi", HEAD), Person("Wati", WIFE), decile=5)
    await office.edition([replace(old, people=(*old.people[:2], old.people[3])), new])
    assert await office.families() == [
        ("A", places.here, "ACTIVE", 3, SECOND_EDITION),
        ("B", places.there, "ACTIVE", 5, SECOND_EDITION),
    ]
    assert await office.people() == {
        "Adi": [(places.there, "B", "HEAD", 1, "PRESENT")],
        "Ani": [(places.here, "A", "CHILD", 4, "PRESENT")],
        "Budi": [(places.here, "A", "HEAD", 1, "PRESENT")],
        "Siti": [(places.here, "A", "WIFE", 2, "PRESENT")],
        "Wati": [(places.there, "B", "WIFE", 2, "PRESENT")],
    }


async def test_a_family_that_gets_another_kk_is_another_family(office: Office, places: Places) -> None:
    people = (Person("Budi"), Person("Siti", WIFE))
    await office.apply([family("A", places.here, *people, decile=3)])
    await office.edition([family("B", places.here, *people, decile=3)])
    assert [row[:3] for row in await office.families()] == [
        ("A", places.here, "MOVED"),
        ("B", places.here, "ACTIVE"),
    ]
    assert {rows[0][1] for rows in (await office.people()).values()} == {"B"}


async def test_two_families_that_exchange_members_across_batches_do_not_wait_for_each_other(
    office: Office, places: Places
) -> None:
    one = family("A", places.here, Person("Budi"), Person("Adi", CHILD))
    other = family("B", places.abroad, Person("Joko"), Person("Ani", CHILD))
    await office.apply([one, other])
    await office.edition(
        [
            replace(one, people=(one.people[0], other.people[1])),
            replace(other, people=(other.people[0], one.people[1])),
        ],
        batch_families=1,
    )
    people = await office.people()
    assert [row[:2] for row in people["Adi"] if row[-1] == "PRESENT"] == [(places.abroad, "B")]
    assert [row[:2] for row in people["Ani"] if row[-1] == "PRESENT"] == [(places.here, "A")]


async def _identity(office: Office, name: str) -> tuple[Any, ...]:
    row = await office.loader.fetchrow(
        "select identity_status::text, mismatch_reason::text, no_nik_reason::text, nik_digest is not null from person "
        "where name = $1 and village_id between $2 and $3",
        name,
        *office.span_numbers,
    )
    return tuple(row)


async def test_what_the_civil_registry_said_holds_until_name_birth_date_or_nik_change(
    office: Office, places: Places
) -> None:
    people = (Person("Budi"), Person("Siti", WIFE), Person("Adi", CHILD, nik=None), Person("Ani", CHILD))
    await office.apply([family("A", places.here, *people)])
    await office.loader.execute(
        "update person set identity_status = 'MATCHED' where village_id = $1 and nik_digest is not null", places.here
    )
    await office.edition(
        [
            family(
                "A",
                places.here,
                replace(people[0], values={"birth_place": "Solo"}),
                replace(people[1], born=BORN.replace(day=18)),
                replace(people[2], nik="9901011705800001"),
                replace(people[3], name="Ani Lestari", nik=people[3].number),
            )
        ]
    )
    assert await _identity(office, "Budi") == ("MATCHED", None, None, True)
    assert await _identity(office, "Siti") == ("NIK_ISSUED", None, None, True)
    assert await _identity(office, "Adi") == ("NIK_ISSUED", None, None, True)
    assert await _identity(office, "Ani Lestari") == ("NIK_ISSUED", None, None, True)
