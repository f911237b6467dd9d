"""Files of programmes: those that ship hold together, and those that do not are told what to change."""

import re
from datetime import date
from pathlib import Path

import pytest

from app.domain.bansos.eligibility.checks import check_terms
from app.domain.bansos.models.programmes import Relation
from app.domain.bansos.programmes.files import ProgrammeFile, ProgrammeFileInvalid, read_programme, shipped_programmes

DOCS = Path(__file__).parents[3] / "docs"
SHIPPED = {programme.code: programme for programme in shipped_programmes()}

GOOD = """
code = "UJI"
name = "Program Uji"
name_english = "Programme of tests"
benefit = "CASH"
fund = "REGENCY"
channels = ["BANK"]
region = "33.02"
valid_from = 2024-01-01

[[legal_bases]]
id = "PERBUP-1-2024"
title = "Peraturan Bupati Nomor 1 Tahun 2024"
valid_from = 2024-01-01

[rules.POOR]
condition = "family.decile <= 4"
met = "desil {family.decile}"
met_english = "decile {family.decile}"
unmet = "desil {family.decile} di atas 4"
unmet_english = "decile {family.decile} above 4"

[components.ANAK]
name = "anak"
name_english = "child"
condition = "person.age < 18"
most_per_family = 2
amounts = { 2024 = 1_200_000 }

[[terms]]
version = 1
valid_from = 2024-01-01
legal_basis = "PERBUP-1-2024"
period_months = 3
most_persons = 4
rules = ["POOR"]
components = ["ANAK"]

[[terms]]
version = 2
valid_from = 2025-01-01
period_months = 1
amount = 100_000
rules = ["POOR"]

[[quotas]]
year = 2025
source = "Keputusan Bupati"
families = { "33.02" = 100 }
"""


@pytest.mark.parametrize("programme", SHIPPED.values(), ids=lambda programme: programme.code)
def test_every_condition_and_sentence_that_ships_is_understood(programme: ProgrammeFile) -> None:
    programme.verify(check_terms)


def test_the_index_of_pkh_is_that_of_the_regulation() -> None:
    first, second = (SHIPPED["PKH"].draft(entry) for entry in SHIPPED["PKH"].terms)
    # domain.md 4: rupiah a year.
    index = {
        "IBU_HAMIL_NIFAS": 3_000_000,
        "ANAK_USIA_DINI": 3_000_000,
        "SD": 900_000,
        "SMP": 1_500_000,
        "SMA": 2_000_000,
        "DISABILITAS_BERAT": 2_400_000,
        "LANJUT_USIA": 2_400_000,
    }
    assert {each.component: dict(each.amounts) for each in second.components} == {
        component: {2021: amount} for component, amount in index.items()
    }
    limits = {each.component: each.most_per_family for each in second.components if each.most_per_family}
    assert limits == {"IBU_HAMIL_NIFAS": 2, "ANAK_USIA_DINI": 2, "DISABILITAS_BERAT": 1, "LANJUT_USIA": 1}
    assert (first.most_persons, second.most_persons) == (4, 4)
    elderly = [
        each.condition for draft in (first, second) for each in draft.components if each.component == "LANJUT_USIA"
    ]
    assert elderly == ["person.age >= 60", "person.age >= 70"]


def test_quotas_of_jamsosratu_add_up_to_all_families_of_2021() -> None:
    (quota,) = SHIPPED["JAMSOSRATU"].quotas
    assert (quota.year, len(quota.families), sum(quota.families.values())) == (2021, 8, 50_000)


def test_who_receives_pkh_receives_neither_jamsosratu_nor_blt_of_the_village() -> None:
    exclusive = {
        (programme.code, each.other)
        for programme in SHIPPED.values()
        for each in programme.relations
        if each.relation is Relation.EXCLUSIVE
    }
    assert exclusive == {("JAMSOSRATU", "PKH"), ("BLT_DD", "PKH"), ("BLT_DD", "SEMBAKO")}


def test_a_file_says_its_terms() -> None:
    first, second = (
        programme.draft(entry) for programme in [read_programme(GOOD, "uji", check_terms)] for entry in programme.terms
    )
    assert (first.valid_from, first.amount, first.rules[0].number) == (date(2024, 1, 1), None, 10)
    assert (first.components[0].amounts, second.amount, second.components) == ({2024: 1_200_000}, 100_000, ())


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ('code = "UJI"', "code = UJI", "it is no TOML"),
        ('benefit = "CASH"\n', "", "benefit: is missing: add it"),
        ('fund = "REGENCY"', 'fund = "REGENCY"\nfunds = 1', "funds: is not known: look for a typing error"),
        ('region = "33.02"', 'region = "3302"', "region: write a code with dots, such as 33.02"),
        ('benefit = "CASH"', 'benefit = "GOLD"', "benefit: Input should be 'CASH', 'FOOD' or 'HEALTH_INSURANCE'"),
        ("valid_from = 2024-01-01\n\n[[legal", "valid_from = 2024-01-01\nvalid_to = 2023-01-01\n\n[[legal", "valid_to lies before"),
        ('components = ["ANAK"]', 'components = ["BAPAK"]', "add [components.BAPAK]"),
        ('components = ["ANAK"]', "amount = 1", "no terms use [components.ANAK]"),
        ('components = ["ANAK"]', 'components = ["ANAK"]\namount = 1', "terms.0.amount: give an amount a family or components"),
        ("version = 2", "version = 1", "write terms in the order of their versions"),
        ("period_months = 3", "period_months = 5", "terms.0.period_months: a period has 1, 2, 3, 4, 6, 12 months"),
        ("valid_from = 2025-01-01", "valid_from = 2024-02-01", "terms.1.valid_from: begin with a period of the terms before"),
        ("valid_from = 2025-01-01", "valid_from = 2025-01-02", "terms.1.valid_from: must be the first day of a period"),
        ("amounts = { 2024 = 1_200_000 }", "amounts = { 2024 = 1_200_001 }", "amounts: the share of a period"),
        ("amounts = { 2024 = 1_200_000 }", "amounts = { 2025 = 1_200_000 }", "amounts: give an amount for 2024 or an earlier year"),
        ('legal_basis = "PERBUP-1-2024"', 'legal_basis = "PERBUP-2-2024"', "the legal basis PERBUP-2-2024 is not there"),
        ('"33.02" = 100', '"33.01" = 100', "33.01 lies outside the region of the programme, 33.02"),
        ("family.decile <= 4", "family.decil <= 4", "terms.0.rules.0.condition: Line 1, column 1: there is no fact family.decil"),
        ("desil {family.decile} di", "desil {family.desil} di", "The sentence names {family.desil}"),
        ("person.age < 18", "family.decile < 18", "terms.0.components.0.condition: Line 1, column 1: the condition of a component"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_hold_together_is_told_where_and_what_to_do(good: str, bad: str, said: str) -> None:
    assert GOOD.count(good) == 1
    with pytest.raises(ProgrammeFileInvalid) as refused:
        read_programme(GOOD.replace(good, bad), "uji.toml", check_terms)
    assert said in refused.value.english
    assert "uji.toml" in refused.value.indonesian


def test_the_example_of_the_docs_is_the_file_beside_them_and_holds_together() -> None:
    example = (DOCS / "examples" / "santunan.toml").read_text(encoding="utf-8")
    page = (DOCS / "programmes.md").read_text(encoding="utf-8")
    assert re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE) == [example]
    assert read_programme(example, "santunan.toml", check_terms).code == "SANTUNAN_BANYUMAS"
