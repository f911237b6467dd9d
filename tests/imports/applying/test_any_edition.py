"""Whatever the registry was: after a full edition is applied, its families are those of the file, and no others."""

from random import Random

import pytest

from app.domain.insights.service import verify_summaries
from tests.imports.applying.office import CHILD, SECOND_EDITION, Family, Office, Person, family

PEOPLE = 40


def random_file(office: Office, random: Random) -> list[Family]:
    """Some of forty people, in families with some of fifteen numbers, in villages of two regencies."""
    villages = [village for regency in office.regencies for village in office.villages[regency][:3]]
    people = [f"P{n:02}" for n in range(PEOPLE)]
    random.shuffle(people)
    people = people[: random.randint(5, PEOPLE)]
    families = []
    for number in random.sample(range(15), 15):
        size = min(random.randint(1, 5), len(people))
        if not size:
            break
        head, *others = (people.pop() for _ in range(size))
        families.append(
            family(
                f"K{number:02}",
                random.choice(villages),
                Person(head),
                *[Person(name, CHILD) for name in others],
                decile=random.choice([None, 1, 5, 10]),
            )
        )
    return families


@pytest.mark.parametrize("seed", range(12))
async def test_the_registry_is_what_the_edition_says(office: Office, seed: int) -> None:
    random = Random(seed)  # noqa: S311  (tests are to be the same each time)
    # Two editions before it, so that there are closed rows, people who left and people who came back.
    await office.apply(random_file(office, random))
    await office.edition(random_file(office, random), batch_families=2)
    file = random_file(office, random)
    await office.edition(file, batch_families=random.choice([1, 2, 50]))
    is_ranked = any(each.decile for each in file)
    active = [row for row in await office.families() if row[2] == "ACTIVE"]
    assert [(row[0], row[1], row[4]) for row in active] == sorted(
        (each.kk, each.village, SECOND_EDITION) for each in file
    )
    if is_ranked:
        assert {row[0]: row[3] for row in active} == {each.kk: each.decile for each in file}
    here = {
        name: [(row[0], row[1], row[2]) for row in rows if row[-1] == "PRESENT"]
        for name, rows in (await office.people()).items()
    }
    assert {name: rows for name, rows in here.items() if rows} == {
        person.name: [(each.village, each.kk, person.relationship.value)] for each in file for person in each.people
    }
    assert await verify_summaries(office.loader) == []
