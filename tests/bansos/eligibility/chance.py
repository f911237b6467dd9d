"""Conditions and families by chance: every kind of part, every fact, answered and not."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from random import Random
from typing import Any, Final, NamedTuple

from app.domain.bansos.eligibility.facts import FAMILY_FACTS, PERSON_FACTS, Fact
from app.domain.bansos.eligibility.tree import Plain
from app.domain.registry.enums import FamilyRelationship, IdentityStatus, Presence, Sex
from app.domain.registry.models import DIFFICULTIES, family, person
from tests.bansos.eligibility.households import ON, Columns, Household

_LEAST, _MOST = -2, 12
_AGES: Final = (0, 1, 5, 6, 17, 18, 21, 59, 60, 70, 100)


def chance(seed: int) -> Random:
    """The same chance for the same seed."""
    return Random(seed)  # noqa: S311  (tests are to be the same each time)


class _About(NamedTuple):
    owner: str
    facts: Mapping[str, Fact]
    levels: int
    members: bool


class Conditions:
    """Makes conditions of the right types, about families or about persons."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def of_family(self, levels: int = 3) -> str:
        return self._boolean("family", FAMILY_FACTS, levels, members=True)

    def of_person(self, levels: int = 3) -> str:
        return self._boolean("person", PERSON_FACTS, levels)

    def _boolean(self, owner: str, facts: Mapping[str, Fact], levels: int, *, members: bool = False) -> str:
        random = self._random
        made = [
            self._literal,
            self._fact_itself,
            self._has,
            self._compare,
            self._compare,
            self._terms_compared,
            self._in,
        ]
        if levels:
            made += [self._combined] * 10
            made += [self._of_members] * 6 if members else []
        return random.choice(made)(_About(owner, facts, levels, members))

    def _literal(self, _about: "_About") -> str:
        return self._random.choice(["true", "false"])

    def _fact_itself(self, about: "_About") -> str:
        return f"{about.owner}.{self._fact(about.facts, Plain.BOOLEAN)}"

    def _has(self, about: "_About") -> str:
        return f"has({about.owner}.{self._random.choice(list(about.facts))})"

    def _compare(self, about: "_About") -> str:
        left, right = (self._integer(*about) for _ in range(2))
        return f"{left} {self._random.choice(['<', '<=', '>', '>=', '==', '!='])} {right}"

    def _terms_compared(self, about: "_About") -> str:
        name, terms = self._terms(about.facts)
        sides = [f"{about.owner}.{name}", f'"{self._random.choice(list(terms)).value}"']
        self._random.shuffle(sides)
        return f" {self._random.choice(['==', '!='])} ".join(sides)

    def _combined(self, about: "_About") -> str:
        pattern = self._random.choice(
            ["!({})", "({} && {})", "({} || {})", "({} ? {} : {})", "(({}) == ({}))", "(({}) != ({}))"]
        )
        parts = [
            self._boolean(about.owner, about.facts, about.levels - 1, members=about.members)
            for _ in range(pattern.count("{}"))
        ]
        return pattern.format(*parts)

    def _of_members(self, about: "_About") -> str:
        quantifier = self._random.choice(["exists", "all", "exists_one"])
        return f"members.{quantifier}(m, {self._boolean('m', PERSON_FACTS, about.levels - 1)})"

    def _integer(self, owner: str, facts: Mapping[str, Fact], levels: int, members: bool) -> str:
        random = self._random
        made = ["literal", "fact", "fact"] + (["count", "size", "filter"] if members else [])
        match random.choice(made):
            case "literal":
                return str(random.choice([*range(_LEAST, _MOST), *_AGES, 2_147_483_647, -2_147_483_647]))
            case "fact":
                return f"{owner}.{self._fact(facts, Plain.INTEGER)}"
            case "count":
                return "members.size()"
            case "size":
                return "size(members)"
            case _:
                return f"members.filter(p, {self._boolean('p', PERSON_FACTS, max(0, levels - 1))}).size()"

    def _in(self, about: "_About") -> str:
        random, owner, facts = self._random, about.owner, about.facts
        if random.random() < 0.5:
            values = [str(random.choice([*range(_LEAST, _MOST), *_AGES])) for _ in range(random.randint(1, 4))]
            return f"{owner}.{self._fact(facts, Plain.INTEGER)} in [{', '.join(values)}]"
        name, terms = self._terms(facts)
        texts = [f"'{random.choice(list(terms)).value}'" for _ in range(random.randint(1, 4))]
        return f"{owner}.{name} in [{', '.join(texts)}]"

    def _fact(self, facts: Mapping[str, Fact], kind: Plain) -> str:
        # Those that matter most are those that persons have, which are few among a family's many.
        return self._random.choice([name for name, fact in facts.items() if fact.kind is kind])

    def _terms(self, facts: Mapping[str, Fact]) -> tuple[str, type[Enum]]:
        lists = [(name, fact.kind) for name, fact in facts.items() if isinstance(fact.kind, type)]
        return self._random.choice(lists)


def families(random: Random, how_many: int) -> list[Household]:
    """Families of up to six persons; of each question about a third has no answer."""
    return [_family(random) for _ in range(how_many)]


def _family(random: Random) -> Household:
    columns = _answers(random, FAMILY_FACTS, family.c.keys()) | {"status": random.choice(["ACTIVE", "ACTIVE", "MOVED"])}
    if columns.get("decile") is not None:
        columns["decile"] = random.randint(1, 10)
    percentile = random.choice([None, random.randint(1, 100)])
    return Household([_person(random) for _ in range(random.randint(0, 6))], columns, percentile)


def _person(random: Random) -> Columns:
    columns = _answers(random, PERSON_FACTS, person.c.keys())
    for function in DIFFICULTIES:
        columns[f"difficulty_{function}"] = random.choice([None, "NONE", "NONE", "NONE", "CANNOT"])
    day = ON - timedelta(days=random.randint(-400, 100 * 365))
    birthday = ON.replace(year=ON.year - random.choice(_AGES)) + timedelta(days=random.randint(-1, 1))
    return {
        **columns,
        "name": "Uji",
        "sex": random.choice(list(Sex)),
        "presence": random.choice([Presence.PRESENT] * 4 + [Presence.NEW_MEMBER, Presence.DECEASED]),
        "identity_status": random.choice([IdentityStatus.MATCHED, IdentityStatus.UNMATCHED]),
        "relationship": random.choice([FamilyRelationship.HEAD, FamilyRelationship.CHILD, FamilyRelationship.WIFE]),
        "birth_date": random.choice([None, day, day, birthday]),
        "school_participation": random.choice([None, "ATTENDING", "LEFT"]),
    }


def _answers(random: Random, facts: Mapping[str, Fact], columns: list[str]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for name, fact in facts.items():
        if name not in columns or random.random() < 0.33:
            continue
        if fact.kind is Plain.BOOLEAN:
            answers[name] = random.random() < 0.5
        elif fact.kind is Plain.INTEGER:
            answers[name] = random.randint(0, _MOST)
        else:
            answers[name] = random.choice(list(fact.kind))
    return answers
