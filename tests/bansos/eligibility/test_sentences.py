"""One sentence, in Indonesian or English, about a family that receives and one that does not."""

import pytest

from app.domain.bansos.eligibility.sentences import why, why_not
from app.domain.bansos.terms import Component, Rule
from tests.bansos.eligibility.households import terms

POOR = Rule(
    20,
    "DECILE_TOO_HIGH",
    "family.decile <= 4",
    "desil {family.decile} (paling tinggi 4)",
    "decile {family.decile} (at most 4)",
    "desil {family.decile} di atas 4",
    "decile {family.decile} is above 4",
)
HOUSED = Rule(
    30,
    "HOUSE",
    "family.floor == 'EARTH' && !family.has_car",
    "lantai {family.floor}",
    "floor of {family.floor}",
    "lantai {family.floor}, mobil: {family.has_car}",
    "floor of {family.floor}, car: {family.has_car}",
)
FACTS = {"family.decile": 2, "family.floor": "EARTH", "family.has_car": False}
CHILD = Component("ANAK", "anak usia dini", "child under six", "person.age < 6", 2, 750_000)
PUPIL = Component("SD", "siswa SD", "pupil", "person.age < 13", None, 225_000)


def test_why_a_family_receives_the_same_as_all() -> None:
    given = terms(POOR, HOUSED)
    assert why(given, FACTS, 600_000, None, indonesian=True) == (
        "Keluarga ini menerima Program Uji sebesar Rp600.000 untuk Januari sampai Maret 2026 "
        "karena desil 2 (paling tinggi 4) dan lantai tanah."
    )
    assert why(given, FACTS, 600_000, None, indonesian=False) == (
        "This family receives Rp600,000 of Programme of tests for January to March 2026 "
        "because of: decile 2 (at most 4) and floor of earth."
    )


def test_why_tells_what_the_amount_is_made_of() -> None:
    given = terms(POOR, components=[CHILD, PUPIL])
    paid = [
        {"component": "ANAK", "amount": 750_000},
        {"component": "SD", "amount": 225_000},
        {"component": "SD", "amount": 225_000},
    ]
    assert why(given, FACTS, 1_200_000, paid, indonesian=True).endswith(
        "karena desil 2 (paling tinggi 4); dihitung dari 1 anak usia dini (Rp750.000) dan 2 siswa SD (Rp450.000)."
    )
    assert why(given, FACTS, 1_200_000, paid, indonesian=False).endswith(
        "because of: decile 2 (at most 4); counted: 1 child under six (Rp750,000) and 2 pupil (Rp450,000)."
    )


def test_why_without_rules_is_a_sentence_too() -> None:
    assert why(terms(), {}, 600_000, None, indonesian=True) == (
        "Keluarga ini menerima Program Uji sebesar Rp600.000 untuk Januari sampai Maret 2026."
    )


@pytest.mark.parametrize(
    ("facts", "indonesian", "english"),
    [
        (
            {"family.floor": "CEMENT_BRICK", "family.has_car": True},
            "semen/bata merah, mobil: ya",
            "cement brick, car: yes",
        ),
        ({"family.floor": "WOOD", "family.has_car": False}, "kayu/papan, mobil: tidak", "wood, car: no"),
        ({"family.floor": None}, "tidak diketahui, mobil: tidak diketahui", "unknown, car: unknown"),
    ],
)
def test_why_not_tells_the_facts_as_people_name_them(facts: dict[str, object], indonesian: str, english: str) -> None:
    given = terms(POOR, HOUSED)
    assert why_not(given, "HOUSE", facts, indonesian=True) == (
        f"Keluarga ini tidak menerima Program Uji karena lantai {indonesian}."
    )
    assert why_not(given, "HOUSE", facts, indonesian=False) == (
        f"This family does not receive Programme of tests because of this: floor of {english}."
    )


def test_why_not_of_a_rule_that_there_is_not_is_a_fault() -> None:
    with pytest.raises(LookupError):
        why_not(terms(POOR), "HOUSE", FACTS, indonesian=True)
