"""What conditions may say, and how those that cannot be read are refused."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.bansos.eligibility.checks import check_terms
from app.domain.bansos.eligibility.errors import RuleInvalid, SentenceInvalid
from app.domain.bansos.eligibility.grammar import MOST_CHARACTERS
from app.domain.bansos.eligibility.language import MOST_LEVELS, Subject, parse
from app.domain.bansos.terms import Rule
from tests.bansos.eligibility.chance import Conditions, chance

GOOD = [
    "true",
    "family.decile <= 4",
    "  family.decile<=4 // comments may stand here",
    "family.floor in ['EARTH', 'BAMBOO'] && !family.has_car",
    'family.lighting != "PLN_METERED" || family.floor_area_m2 < 36',
    "has(family.decile) ? family.decile <= 4 : family.floor == 'EARTH'",
    "members.exists(m, m.age >= 60 && m.sex == 'FEMALE')",
    "members.all(m, m.nik_matched)",
    "members.exists_one(head, head.relationship == 'HEAD')",
    "members.filter(m, m.age < 6).size() >= 2",
    "size(members.filter(m, m.pregnant)) == 0",
    "size(members) > 3 && family.members > 3",
    "(family.decile <= 4) == family.head_matched",
    "family.cattle_count > family.goats_sheep_count",
    "'EARTH' == family.floor",
    "family.decile > -1",
]


@pytest.mark.parametrize("text", GOOD)
def test_a_condition_of_the_language_is_read(text: str) -> None:
    assert parse(text, Subject.FAMILY).text == text


BAD = [
    ("", 1, 1, "it is empty"),
    (" \n ", 1, 1, "it is empty"),
    ("family.decil <= 4", 1, 1, "Perhaps family.decile?"),
    ("members.exists(m, m.sexx == 'MALE')", 1, 19, "Perhaps m.sex?"),
    ("family.decile <=", 1, 15, "cannot be read from here on"),
    ("family.decile <= 4)", 1, 19, "cannot be read from here on"),
    ("family.decile ! 4", 1, 15, "cannot be read from here on"),
    ("\n\n  family.x", 3, 3, "there is no fact family.x"),
    ("family.floor == 'MUD'", 1, 17, "there are MARBLE_GRANITE, CERAMIC"),
    ("family.floor in ['EARTH', 'MUD']", 1, 27, "there is no such value"),
    ("family.floor < 'EARTH'", 1, 1, "for numbers only"),
    ("family.floor == family.wall", 1, 17, "not of the type"),
    ("family.decile == true", 1, 18, "a whole number"),
    ("family.decile == 'EARTH'", 1, 18, "a whole number"),
    ("family.decile in [1, true]", 1, 22, "a whole number"),
    ("family.has_car == 1", 1, 19, "true or false"),
    ("family.decile", 1, 1, "a yes or no"),
    ("family.decile && true", 1, 1, "a yes or no"),
    ("!family.decile", 1, 2, "a yes or no"),
    ("family", 1, 1, "begins with family. or members"),
    ("members", 1, 1, "a yes or no"),
    ("decile <= 4", 1, 1, "begins with family. or members"),
    ("person.age > 60", 1, 1, "begins with family. or members"),
    ("family.decile == null", 1, 18, "has(family.decile)"),
    ("family.decile + 1 > 4", 1, 1, "not supported"),
    ("family['decile'] > 4", 1, 1, "not supported"),
    ("-family.decile < 4", 1, 1, "before a number only"),
    ("family.decile < 1.5", 1, 17, "a whole number up to"),
    ("family.decile < 4u", 1, 17, "a whole number up to"),
    ("family.decile < 0x4", 1, 17, "a whole number up to"),
    ("family.decile < 99999999999", 1, 17, "a whole number up to"),
    ("family.floor == '''EARTH'''", 1, 17, "a plain text"),
    ("family.floor == b'EARTH'", 1, 17, "a plain text"),
    ("family.floor == 'EARTH\\n'", 1, 23, "this character cannot stand"),
    ("family.decile ≤ 4", 1, 15, "this character cannot stand"),
    ("family.decile <= 4\x00", 1, 19, "this character cannot stand"),
    ("'a' == 'a'", 1, 1, "compared with a fact"),
    ("family.decile in []", 1, 18, "there must be a list"),
    ("family.decile in 4", 1, 18, "there must be a list"),
    ("family.decile in [family.members]", 1, 19, "fixed values only"),
    ("'EARTH' in ['EARTH']", 1, 1, "there must be a fact"),
    ("has(true)", 1, 1, "has(family.decile)"),
    ("has(members)", 1, 1, "has(family.decile)"),
    ("size(family.decile) > 1", 1, 1, "for members only"),
    ("matches('a', 'b')", 1, 1, "this function is not known"),
    ("members.map(m, m.age)", 1, 1, "members.exists(m, condition)"),
    ("members.exists(m)", 1, 1, "members.exists(m, condition)"),
    ("members.exists(family, family.age > 1)", 1, 16, "a short name"),
    ("members.exists(1, true)", 1, 16, "a short name"),
    ("members.exists(m, family.decile > 1)", 1, 19, "within members..."),
    ("members.exists(m, members.exists(n, n.age > 1))", 1, 19, "within members..."),
    ("members.exists(m, m.age)", 1, 19, "a yes or no"),
    ("members.filter(m, m.pregnant)", 1, 1, "a yes or no"),
    ("true ? 'EARTH' : 'WOOD'", 1, 8, "of facts or conditions"),
    ("true ? family.decile : true", 1, 24, "same type"),
    ("x" * (MOST_CHARACTERS + 1), 1, MOST_CHARACTERS + 1, "longer than"),
    ("!(" * (MOST_LEVELS + 1) + "true" + ")" * (MOST_LEVELS + 1), 1, 2 * MOST_LEVELS + 3, "nests deeper"),
]


@pytest.mark.parametrize(("text", "line", "column", "what"), BAD)
def test_what_cannot_be_read_is_refused_with_the_place_and_what_to_do(
    text: str, line: int, column: int, what: str
) -> None:
    with pytest.raises(RuleInvalid) as refused:
        parse(text, Subject.FAMILY)
    error = refused.value
    assert what in error.english
    assert error.indonesian.startswith(f"Baris {line}, kolom {column}: ")
    assert error.english.startswith(f"Line {line}, column {column}: ")


def test_the_condition_of_a_component_is_about_a_person_alone() -> None:
    assert parse("person.age >= 60", Subject.PERSON)
    for text in ("family.decile <= 4", "members.size() > 1", "m.age > 1", "size(members) > 1"):
        with pytest.raises(RuleInvalid):
            parse(text, Subject.PERSON)


def test_what_a_condition_looks_at_is_known() -> None:
    found = parse(
        "family.decile <= 4 && (family.has_car || family.decile == 1) && members.all(m, m.working)", Subject.FAMILY
    )
    assert found.family_facts == ("decile", "has_car")


def test_a_sentence_names_facts_of_the_family_alone() -> None:
    check_terms([Rule(1, "UJI", "true", "desil {family.decile}", "met", "tidak", "unmet")], [])
    for text in ("{family.decil}", "{decile}", "{person.age}", "{}"):
        with pytest.raises(SentenceInvalid):
            check_terms([Rule(1, "UJI", "true", "met", "met", "unmet", text)], [])


WORDS = [
    "family", "person", "members", "m", "decile", "floor", "age", "exists", "all", "filter", "size", "has", "true", "false", "null",
    "in", "1", "-1", "0x1", "1.5", "1e9", "9" * 30, "'EARTH'", '"EARTH"', "'", '"', "'''", '"""', "b'x'", "r'x'", "(", ")", "[", "]",
    "{", "}", ",", ".", "?", ":", "&&", "||", "!", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "//", "\n", " ", "\\n",
]  # fmt: skip


def _read_or_refused(text: str) -> None:
    refusals: list[RuleInvalid] = []
    for subject in Subject:
        try:
            parse(text, subject)
        except RuleInvalid as refused:
            refusals.append(refused)
    for each in refusals:
        assert each.line >= 1
        assert each.column >= 1
        assert "None" not in each.english


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    _read_or_refused(text)


@given(st.lists(st.sampled_from(WORDS), max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_words_of_the_language_are_read_or_refused(words: list[str]) -> None:
    _read_or_refused("".join(words))
    _read_or_refused(" ".join(words))


@given(st.integers(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_condition_with_a_mistake_in_it_is_read_or_refused(seed: int, data: st.DataObject) -> None:
    text = Conditions(chance(seed)).of_family()
    at = data.draw(st.integers(0, len(text)))
    _read_or_refused(text[:at] + data.draw(st.sampled_from(WORDS)) + text[at + data.draw(st.integers(0, 3)) :])


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2_000,
        "(" * 997 + "true" + ")" * 997,
        "!" * 1_996 + "true",
        "-" * 1_999 + "1",
        "[" * 2_000,
        "true" + " && true" * 249,
        "true" + " == true" * 249,
        "true ? " * 200 + "true" + " : true" * 80,
        "a." * 999 + "a",
        "members.exists(m, " * 110,
        "'" + "a" * 1_990,
        "'" + "\\n" * 995,
        '"""' + "\n\n" * 995,
        "1" * 2_000,
        "1." * 1_000,
        "//" * 1_000,
    ],
)
def test_the_worst_texts_take_no_time_to_speak_of(text: str) -> None:
    begun = time.process_time()
    _read_or_refused(text)
    # Of the processor, not of the clock: some of these took minutes before they were refused for what they hold.
    assert time.process_time() - begun < 5


def test_parentheses_are_no_levels() -> None:
    assert parse("(" * 900 + "true" + ")" * 900, Subject.FAMILY)
    assert parse("true" + " && true" * 240, Subject.FAMILY)
