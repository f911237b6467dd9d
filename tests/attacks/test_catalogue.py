"""Every attack that docs/attacks.md names has its test."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", (ROOT / "docs" / "attacks.md").read_text(encoding="utf-8"))


def test_there_are_attacks() -> None:
    assert len(NAMED) > 50


@pytest.mark.parametrize(("file", "test"), sorted(set(NAMED)))
def test_the_test_of_an_attack_is_there(file: str, test: str) -> None:
    source = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^(?:async )?def {test or 'test_'}", source, re.MULTILINE)
