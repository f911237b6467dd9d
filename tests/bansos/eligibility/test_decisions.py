"""One row for every family: the rule that it fails, who would receive, and what it adds up to."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.domain.bansos.eligibility.decisions import decided
from app.domain.bansos.eligibility.errors import RuleInvalid
from app.domain.bansos.terms import Component
from app.domain.registry.enums import FamilyRelationship, FamilyStatus, Presence
from app.domain.registry.models import family, person
from tests.bansos.eligibility.chance import chance, families
from tests.bansos.eligibility.households import ON, Registry, component, head, household, member, rule, terms
from tests.bansos.eligibility.test_sql_and_cel import facts_of_person, living_in

COLUMNS = [
    "regency_id", "village_id", "family_id", "status", "decile", "percentile", "recipient_id", "head_presence", "failed", "facts",
    "amount", "components",
]  # fmt: skip


async def test_every_family_has_one_row_whatever_becomes_of_it(registry: Registry) -> None:
    keys = await registry.register(*families(chance(1), 60), household())
    found = await registry.decide(terms(rule("family.decile <= 4"), amount=600_000))
    assert set(found) == {key for key, _ in keys}
    statement = decided(terms(), on=ON, families=lambda f: [f.c.regency_id == registry.regency_id])
    rows = (await registry.session.execute(statement)).all()
    assert len(rows) == len(keys)
    assert set(statement.selected_columns.keys()) == set(COLUMNS)


async def test_the_first_rule_by_number_that_is_not_met_is_told(registry: Registry) -> None:
    given = terms(
        rule("family.decile <= 4", "THIRD", 3),
        rule("!family.has_car", "SECOND", 2),
        rule("family.members >= 2", "FIRST", 1),
    )
    alone = await registry.decide_one(given, household(head(), has_car=True, decile=9))
    driving = await registry.decide_one(given, household(head(), member(), has_car=True, decile=9))
    well_off = await registry.decide_one(given, household(head(), member(), has_car=False, decile=9))
    poor = await registry.decide_one(given, household(head(), member(), has_car=False, decile=4))
    assert [alone.failed, driving.failed, well_off.failed, poor.failed] == ["FIRST", "SECOND", "THIRD", None]
    assert poor.facts == {"family.members": 2, "family.has_car": False, "family.decile": 4}


@pytest.mark.parametrize(
    "condition", ["family.has_car", "!family.has_car", "family.has_car == true", "family.decile > 0"]
)
async def test_what_is_unknown_is_not_met(registry: Registry, condition: str) -> None:
    row = await registry.decide_one(terms(rule(condition)), household(head(), has_car=None, decile=None))
    assert row.failed == "UJI"


async def test_a_family_in_which_nobody_lives_has_nobody_to_receive(registry: Registry) -> None:
    given = terms(rule("members.size() == 0 && !members.exists(m, true) && members.all(m, false)"))
    empty = await registry.decide_one(given, household())
    gone = await registry.decide_one(given, household(head(presence=Presence.MOVED_ABROAD)))
    assert (empty.failed, empty.recipient_id, empty.head_presence) == (None, None, None)
    assert (gone.failed, gone.recipient_id, gone.head_presence) == (None, None, "MOVED_ABROAD")


async def test_the_head_receives_or_else_the_oldest_adult_who_lives_there(registry: Registry) -> None:
    at_home = household(member(80), head(30))
    widow = household(
        head(60, presence=Presence.DECEASED),
        member(40),
        member(58, FamilyRelationship.WIFE),
        member(59, presence=Presence.NOT_FOUND),
    )
    orphans = household(head(50, presence=Presence.DECEASED), member(17), member(None))
    of_age = household(head(50, presence=Presence.DECEASED), member(None, birth_date=date(2008, 1, 1)), member(17))
    young_head = household(member(17), head(16))
    keys = await registry.register(at_home, widow, orphans, of_age, young_head)
    found = await registry.decide(terms())
    receiving = [found[key].recipient_id for key, _ in keys]
    assert receiving == [keys[0][1][1], keys[1][1][2], None, keys[3][1][1], keys[4][1][1]]
    assert [found[key].head_presence for key, _ in keys] == ["PRESENT", "DECEASED", "DECEASED", "DECEASED", "PRESENT"]


async def test_of_two_heads_the_one_who_lives_there_counts(registry: Registry) -> None:
    given = household(head(60, presence=Presence.DECEASED), head(30, presence=Presence.NEW_MEMBER))
    ((key, (_, living)),) = await registry.register(given)
    row = (await registry.decide(terms(rule("family.head_matched"))))[key]
    assert (row.failed, row.recipient_id, row.head_presence) == (None, living, "NEW_MEMBER")


async def test_the_rank_is_that_of_the_edition_in_which_the_family_is(registry: Registry) -> None:
    ranked = await registry.decide_one(terms(rule("family.percentile <= 20")), household(head(), percentile=17))
    unranked = await registry.decide_one(terms(rule("family.percentile <= 20")), household(head()))
    assert (ranked.failed, ranked.percentile, ranked.decile) == (None, 17, 2)
    assert (unranked.failed, unranked.percentile) == ("UJI", None)


async def test_a_family_that_is_no_more_is_told_with_its_status(registry: Registry) -> None:
    rows = [await registry.decide_one(terms(), household(head(), status=status)) for status in FamilyStatus]
    assert [row.status for row in rows] == [status.value for status in FamilyStatus]


async def test_without_components_each_family_has_the_same_amount(registry: Registry) -> None:
    row = await registry.decide_one(terms(amount=450_000), household(head()))
    assert (row.amount, row.components) == (450_000, None)


async def test_of_components_that_pay_the_same_the_smaller_code_and_of_persons_the_smaller_id_goes_first(
    registry: Registry,
) -> None:
    given = terms(
        components=[
            component("person.age < 18", 100, "ZZ"),
            component("person.age < 18", 100, "AA", most=2),
            component("person.age >= 18", 300, "MM"),
        ],
        most_persons=2,
    )
    ((key, (_, first, second, third)),) = await registry.register(household(head(), member(5), member(6), member(7)))
    row = (await registry.decide(given))[key]
    assert row.amount == 400
    assert [each["component"] for each in row.components] == ["MM", "AA"]
    assert row.components[1]["person_id"] == str(min(first, second, third))


async def test_a_condition_that_cannot_be_read_is_refused(registry: Registry) -> None:
    with pytest.raises(RuleInvalid):
        await registry.decide(terms(rule("family.decil <= 4")))
    with pytest.raises(RuleInvalid):
        await registry.decide(terms(components=[component("family.decile <= 4", 100, "UJI")]))


def worked_out(
    given: Sequence[tuple[UUID, dict[str, Any]]], components: Sequence[Component], most: int | None
) -> list[dict[str, Any]]:
    """What is paid for whom, written once more as people would do it: one person after the other."""
    holds: dict[str, Callable[[dict[str, Any]], bool]] = {
        "ADULT": lambda facts: facts.get("age", 0) >= 18 and "age" in facts,
        "CHILD": lambda facts: facts.get("age", 99) < 18,
        "WOMAN": lambda facts: facts["sex"] == "FEMALE",
        "SEVERE": lambda facts: facts.get("disability_severe") is True,
        "PUPIL": lambda facts: facts.get("school") == "ATTENDING",
    }
    chosen: list[tuple[int, str, UUID]] = []
    for key, facts in given:
        fitting = [(-each.amount, each.component) for each in components if holds[each.component](facts)]
        if fitting:
            chosen.append((*min(fitting), key))
    paid: list[dict[str, Any]] = []
    for minus, code, key in sorted(chosen):
        limit = next(each.most_per_family for each in components if each.component == code)
        so_far = sum(each["component"] == code for each in paid)
        if (limit is None or so_far < limit) and (most is None or len(paid) < most):
            paid.append({"component": code, "person_id": str(key), "amount": -minus})
    return paid


@pytest.mark.parametrize("seed", range(12))
async def test_amounts_are_those_that_people_would_work_out(registry: Registry, seed: int) -> None:
    random = chance(seed)
    conditions = {
        "ADULT": "person.age >= 18", "CHILD": "person.age < 18", "WOMAN": "person.sex == 'FEMALE'",
        "SEVERE": "person.disability_severe", "PUPIL": "person.school == 'ATTENDING'",
    }  # fmt: skip
    codes = random.sample(sorted(conditions), random.randint(1, 5))
    components = [
        component(conditions[code], random.choice([100, 200, 200, 300]), code, random.choice([None, 1, 2]))
        for code in codes
    ]
    most = random.choice([None, 1, 2, 4])
    given = families(random, 40)
    keys = await registry.register(*given)
    found = await registry.decide(terms(components=components, most_persons=most))
    for (key, persons), each in zip(keys, given, strict=True):
        living = living_in(each)
        people = [
            (one, facts_of_person(columns))
            for one, columns in zip(persons, each.members, strict=True)
            if columns in living
        ]
        expected = worked_out(people, components, most)
        assert found[key].components == (expected or None)
        assert found[key].amount == (sum(paid["amount"] for paid in expected) or None)


async def test_families_of_other_regions_are_not_seen(registry: Registry) -> None:
    await registry.register(household(head()))
    everywhere = decided(terms(), on=ON, families=lambda _f: [])
    rows = (await registry.session.execute(everywhere)).all()
    assert {row.regency_id for row in rows} == {registry.regency_id}


async def test_persons_and_families_are_each_read_once(registry: Registry) -> None:
    given = terms(
        rule("family.head_matched && members.exists(m, m.age > 60) && members.size() > 1"),
        components=[component("person.age >= 60", 100, "UJI"), component("person.pregnant", 200, "HAMIL")],
    )
    statement = decided(given, on=ON, families=lambda f: [f.c.regency_id == registry.regency_id])
    bound = statement.compile(
        dialect=registry.session.get_bind().dialect, compile_kwargs={"literal_binds": True, "render_postcompile": True}
    )
    plan = "\n".join(
        line for (line,) in await registry.session.execute(sa.text(f"explain {bound}".replace(":", "\\:")))
    )
    for table in (family.name, person.name):
        assert plan.count(f" on {table} ") == 1
    assert "SubPlan" not in plan
