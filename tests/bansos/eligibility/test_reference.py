"""docs/eligibility.md says what the language does."""

import re
from pathlib import Path
from typing import Final

import pytest
from graphql import build_schema, validate
from graphql import parse as parse_document

from app.domain.bansos.eligibility.errors import RuleInvalid
from app.domain.bansos.eligibility.facts import FAMILY_FACTS, PERSON_FACTS, Fact
from app.domain.bansos.eligibility.grammar import MOST_CHARACTERS
from app.domain.bansos.eligibility.language import MOST_LEVELS, Subject, parse
from app.domain.bansos.eligibility.tree import Plain
from app.schema.root import api

DOC: Final = (Path(__file__).parents[3] / "docs/eligibility.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return DOC.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def cells(title: str) -> list[list[str]]:
    """The rows of the table of a section, without its head."""
    rows = [line for line in section(title).splitlines() if line.startswith("|")]
    split = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows[2:]]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in split]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


EXAMPLES: Final = [
    *re.findall(r"```cel\n(.+?)\n```", DOC, re.DOTALL),
    *[
        each
        for row in cells("What may be written")
        for each in quoted(row[0])
        if "a " not in f"{each} " and each[0] not in "/!("
    ],
    *[quoted(row[0])[0] for row in cells("What is not known is not met")],
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_what_the_reference_shows_can_be_read(text: str) -> None:
    assert parse(text, Subject.PERSON if text.startswith("person.") else Subject.FAMILY)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 15


@pytest.mark.parametrize(("written", "answer"), cells("When a condition is refused"))
def test_what_the_reference_says_is_refused_is_refused_with_these_words(written: str, answer: str) -> None:
    with pytest.raises(RuleInvalid) as refused:
        parse(*quoted(written), Subject.FAMILY)
    assert refused.value.english == answer


def _values(fact: Fact) -> str:
    if isinstance(fact.kind, Plain):
        return "yes or no" if fact.kind is Plain.BOOLEAN else "number"
    return " ".join(f"`{term.value}`" for term in fact.kind)


@pytest.mark.parametrize(
    ("title", "owner", "facts"),
    [("Facts of a family", "family", FAMILY_FACTS), ("Facts of a person", "person", PERSON_FACTS)],
)
def test_the_reference_lists_all_facts_as_they_are(title: str, owner: str, facts: dict[str, Fact]) -> None:
    assert cells(title) == [
        [f"`{owner}.{name}`", fact.english, fact.indonesian, _values(fact)] for name, fact in facts.items()
    ]


def test_the_reference_names_the_limits() -> None:
    assert f"{MOST_CHARACTERS:,} characters and {MOST_LEVELS} levels" in DOC


@pytest.mark.parametrize("document", re.findall(r"```graphql\n(.+?)\n```", DOC, re.DOTALL))
def test_the_queries_of_the_reference_fit_the_schema(document: str) -> None:
    assert validate(build_schema(api().sdl), parse_document(document)) == []
