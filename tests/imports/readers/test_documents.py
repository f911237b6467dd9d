"""The documents of the formats say what is there."""

import re
from pathlib import Path

import pytest

from app.domain.registry.imports import reading_findings
from app.domain.registry.imports.cell_values import ALLOWED
from app.domain.registry.imports.formats.profile import FamilyMapping, PersonMapping, Profile
from app.domain.registry.imports.formats.questionnaires import questionnaire
from app.domain.registry.imports.tables import FAMILY_NAMES, PERSON_NAMES

DOCS = Path(__file__).parents[3] / "docs" / "imports"
KESOS_CSV, REGSOSEK, PROFILES = (
    (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("kesos-csv", "regsosek", "mapping-profiles")
)


@pytest.mark.parametrize("name", dict.fromkeys((*FAMILY_NAMES, *PERSON_NAMES)))
def test_every_column_of_kesos_csv_is_documented_with_its_values(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|(.+)\|$", KESOS_CSV, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) >= set(ALLOWED.get(name, ()))


def test_every_code_that_the_document_names_is_told_by_a_reader() -> None:
    told = KESOS_CSV[KESOS_CSV.index("## What is told") : KESOS_CSV.index("The whole file is refused")]
    codes = set(re.findall(r"`([A-Z]+_[A-Z0-9_]+)`", told))
    from_nik = {code for code in codes if code.startswith(("NIK_", "KK_"))}
    assert len(codes) > 15
    assert codes - from_nik <= {finding[0] for finding in vars(reading_findings).values() if isinstance(finding, tuple)}


def test_every_question_of_regsosek_that_is_read_is_documented_with_all_its_codes() -> None:
    version = questionnaire()
    for sheet in (version.place, version.housing, version.members, version.belongings):
        assert f"## `{sheet.name}`" in REGSOSEK
        for question in sheet.questions:
            (row,) = re.findall(rf"^\| {re.escape(question.header)} \|(.+)\|$", REGSOSEK, re.MULTILINE)
            meanings = {meaning for meaning in (question.codes or {}).values() if meaning not in {"", "SPOUSE"}}
            assert f"`{question.column}`" in row
            assert meanings <= set(re.findall(r"`(\w+)`", row))


def test_every_key_of_a_profile_is_documented() -> None:
    keys = {*Profile.model_fields, *FamilyMapping.model_fields, *PersonMapping.model_fields}
    assert {key for key in keys if key not in PROFILES} == set()
