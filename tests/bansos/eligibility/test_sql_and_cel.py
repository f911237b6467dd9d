"""The law of the language: SQL says of a condition what CEL says, where an unknown fact is NULL in the one and an error in the other.

CEL is asked through cel-python's own evaluation, over facts that are worked out here and not by the code under test.
"""

import warnings
from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from typing import Any, Final

import pytest
import sqlalchemy as sa

from app.domain.bansos.eligibility.facts import FAMILY_FACTS, LIVING, PERSON_FACTS, Sources
from app.domain.bansos.eligibility.language import Subject, parse
from app.domain.bansos.eligibility.sql import compiled
from app.domain.registry.enums import Difficulty, FamilyRelationship, IdentityStatus, Presence
from app.domain.registry.models import DIFFICULTIES
from tests.bansos.eligibility.chance import Conditions, chance, families
from tests.bansos.eligibility.households import ON, Columns, Household, Registry, head, household, member

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import celpy
    from celpy.adapter import json_to_cel
    from celpy.evaluation import CELEvalError, Evaluator

CONDITIONS: Final = 320
FAMILIES: Final = 50
_A_STATEMENT: Final = 20
_SEED: Final = 5
_LEVELS: Final = (0, 1, 1, 2, 2, 3)
Answers = dict[Any, bool | None]


def age(birth_date: date | None, on: date = ON) -> int | None:
    """Whole years, by counting birthdays; one who is born later has no age."""
    if birth_date is None or birth_date > on:
        return None
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def facts_of_person(columns: Columns) -> dict[str, Any]:
    answers = [columns.get(f"difficulty_{function}") for function in DIFFICULTIES]
    severe = True if Difficulty.CANNOT.value in map(_text, answers) else None if None in answers else False
    found = {name: columns.get(name) for name in PERSON_FACTS} | {
        "age": age(columns["birth_date"]),
        "nik_matched": _text(columns["identity_status"]) == IdentityStatus.MATCHED.value,
        "school": columns.get("school_participation"),
        "disability_severe": severe,
    }
    return _known(found)


def facts_of_family(given: Household) -> dict[str, Any]:
    living = living_in(given)
    matched = [_text(each["identity_status"]) == IdentityStatus.MATCHED.value for each in living]
    heads = [
        is_matched
        for each, is_matched in zip(living, matched, strict=True)
        if each["relationship"] is FamilyRelationship.HEAD
    ]
    found = {name: given.columns.get(name) for name in FAMILY_FACTS} | {
        "percentile": given.percentile,
        "members": len(living),
        "matched": all(matched) if matched else None,
        "head_matched": any(heads) if heads else None,
    }
    return _known(found)


def living_in(given: Household) -> list[Columns]:
    return [each for each in given.members if Presence(_text(each["presence"])) in LIVING]


def _text(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _known(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _text(value) for name, value in found.items() if value is not None}


class _Evaluator(Evaluator):
    def member_dot_arg(self, tree: Any) -> Any:
        # An error within filter and exists_one is to be a value, as every error of CEL is, so that `|| true` takes it in. cel-python
        # lets these two fly past all operators; those within exists and all it treats as CEL says.
        try:
            return super().member_dot_arg(tree)
        except CELEvalError as error:
            return error


class _Runner(celpy.InterpretedRunner):
    def evaluate(self, context: Any) -> Any:
        return _Evaluator(ast=self.ast, activation=self.new_activation()).evaluate(context)


class Cel:
    """cel-python's evaluation."""

    def __init__(self) -> None:
        self._environment = celpy.Environment(runner_class=_Runner)

    def answers(self, text: str, contexts: Mapping[Any, Any]) -> Answers:
        """What the condition says of each context; None where it is an error."""
        program = self._environment.program(self._environment.compile(text))
        return {key: self._answer(program, context) for key, context in contexts.items()}

    def _answer(self, program: Any, context: Any) -> bool | None:
        try:
            return bool(program.evaluate(context))
        except CELEvalError:
            return None


@pytest.fixture(scope="module")
def cel() -> Cel:
    return Cel()


def _batches(texts: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(texts), _A_STATEMENT):
        yield texts[start : start + _A_STATEMENT]


async def sql_of_families(registry: Registry, texts: list[str]) -> dict[str, Answers]:
    sources = Sources(ON)
    found: dict[str, Answers] = {text: {} for text in texts}
    for batch in _batches(texts):
        conditions = [compiled(parse(text, Subject.FAMILY).node, sources) for text in batch]
        statement = (
            sa.select(sources.family.c.id, *[each.label(f"c{at}") for at, each in enumerate(conditions)])
            .select_from(sources.joined)
            .where(sources.family.c.regency_id == registry.regency_id)
            .group_by(sources.family.c.regency_id, sources.family.c.id)
        )
        for key, *values in await registry.session.execute(statement):
            for text, value in zip(batch, values, strict=True):
                found[text][key] = value
    return found


async def sql_of_persons(registry: Registry, texts: list[str]) -> dict[str, Answers]:
    sources = Sources(ON)
    found: dict[str, Answers] = {text: {} for text in texts}
    for batch in _batches(texts):
        conditions = [compiled(parse(text, Subject.PERSON).node, sources) for text in batch]
        statement = sa.select(sources.person.c.id, *[each.label(f"c{at}") for at, each in enumerate(conditions)]).where(
            sources.person.c.regency_id == registry.regency_id
        )
        for key, *values in await registry.session.execute(statement):
            for text, value in zip(batch, values, strict=True):
                found[text][key] = value
    return found


async def test_sql_says_of_families_what_cel_says(registry: Registry, cel: Cel) -> None:
    random = chance(_SEED)
    given = families(random, FAMILIES)
    keys = await registry.register(*given)
    contexts = {
        key: json_to_cel(
            {"family": facts_of_family(each), "members": [facts_of_person(one) for one in living_in(each)]}
        )
        for (key, _), each in zip(keys, given, strict=True)
    }
    texts = [Conditions(random).of_family(random.choice(_LEVELS)) for _ in range(CONDITIONS)]
    found = await sql_of_families(registry, texts)
    said = {text: cel.answers(text, contexts) for text in texts}
    differing = {text: (found[text], said[text]) for text in texts if found[text] != said[text]}
    assert not differing, min(differing, key=len)
    # The law is put to the test only where there are answers of each kind, and not too few.
    kinds = [answer for answers in said.values() for answer in answers.values()]
    assert all(kinds.count(kind) > len(kinds) / 10 for kind in (True, False, None))


async def test_sql_says_of_persons_what_cel_says(registry: Registry, cel: Cel) -> None:
    random = chance(_SEED)
    given = families(random, 12)
    keys = await registry.register(*given)
    contexts = {
        key: json_to_cel({"person": facts_of_person(columns)})
        for (_, persons), each in zip(keys, given, strict=True)
        for key, columns in zip(persons, each.members, strict=True)
    }
    texts = [Conditions(random).of_person(random.choice(_LEVELS)) for _ in range(CONDITIONS // 2)]
    found = await sql_of_persons(registry, texts)
    said = {text: cel.answers(text, contexts) for text in texts}
    differing = {text: (found[text], said[text]) for text in texts if found[text] != said[text]}
    assert not differing, min(differing, key=len)


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("family.has_car", None),
        ("!family.has_car", None),
        ("has(family.has_car)", False),
        ("family.has_car || true", True),
        ("family.has_car && false", False),
        ("(!family.has_car) == true", None),
        ("has(family.has_car) ? family.has_car : true", True),
        ("members.exists(m, m.age >= 60)", None),
        ("members.exists(m, m.age >= 40)", True),
        ("members.all(m, m.age >= 60)", False),
        ("members.all(m, m.age >= 40)", None),
        ("members.exists_one(m, m.age >= 40)", None),
        ("members.exists_one(m, has(m.age) && m.age >= 40)", True),
        ("members.filter(m, m.age >= 40).size() == 1", None),
        ("members.filter(m, has(m.age)).size() == 1", True),
        ("members.size() == 2", True),
    ],
)
async def test_what_is_unknown_is_so_in_both(registry: Registry, cel: Cel, condition: str, answer: bool | None) -> None:
    given = household(head(40), member(None))
    ((key, _),) = await registry.register(given)
    context = json_to_cel(
        {"family": facts_of_family(given), "members": [facts_of_person(each) for each in given.members]}
    )
    assert (await sql_of_families(registry, [condition]))[condition] == {key: answer}
    assert cel.answers(condition, {key: context}) == {key: answer}


@pytest.mark.parametrize("on", [date(2024, 2, 29), date(2025, 2, 28), date(2025, 3, 1), date(2026, 1, 1)])
async def test_ages_are_counted_by_birthdays_however_they_are_compared(registry: Registry, on: date) -> None:
    births = [date(year, month, day) for year in (1950, 2004, 2006, 2024) for month, day in ((2, 28), (3, 1), (12, 31))]
    births += [date(2004, 2, 29), date(2024, 2, 29), on]
    ((_, keys),) = await registry.register(household(*[member(None, birth_date=each) for each in births]))
    sources = Sources(on)
    for years in (-1, 0, 1, 18, 20, 21, 22, 74, 75, 9_999, 2_147_483_647):
        for sign in ("<", "<=", ">", ">=", "==", "!="):
            quick = compiled(parse(f"person.age {sign} {years}", Subject.PERSON).node, sources)
            plain = compiled(parse(f"person.age {sign} (true ? {years} : 0)", Subject.PERSON).node, sources)
            rows = await registry.session.execute(
                sa.select(sources.person.c.id, quick, plain).where(sources.person.c.regency_id == registry.regency_id)
            )
            for key, quickly, plainly in rows:
                counted = age(births[keys.index(key)], on)
                expected = None if counted is None else eval(f"{counted} {sign} {years}")  # noqa: S307  (numbers of this test)
                assert (quickly, plainly) == (expected, expected), (births[keys.index(key)], sign, years)
