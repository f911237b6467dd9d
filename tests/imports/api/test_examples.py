"""The documents that docs/imports.md names are of this schema, and the file it sends has the counts that it tells of."""

import csv
from pathlib import Path
from typing import Final

import pytest
from graphql import parse, validate

from app.schema.root import api

DOCS: Final = Path(__file__).parents[3] / "docs"
EXAMPLES: Final = sorted((DOCS / "examples").glob("import_*.graphql"))
GUIDE: Final = (DOCS / "imports.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_is_a_document_of_the_schema_and_is_told_of(example: Path) -> None:
    assert validate(api().planner.blueprint.schema, parse(example.read_text(encoding="utf-8"))) == []
    assert f"examples/{example.name}" in GUIDE


def test_the_guide_names_every_stage_and_every_format() -> None:
    schema = api().planner.blueprint.schema
    for name in ("ImportStage", "ImportFormat", "ImportMode"):
        for value in schema.type_map[name].values:  # type: ignore[attr-defined]  # an enum
            assert f"`{value}`" in GUIDE, value


def test_the_file_of_the_guide_holds_four_persons_of_three_families() -> None:
    with (DOCS / "examples" / "keluarga.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), len({row["kk"] for row in rows})) == (4, 3)
    assert '"families": {"staged": 3,' in GUIDE
    assert '"persons": {"staged": 4,' in GUIDE
