"""RESULTS.md, part by part."""

from pathlib import Path

from bench.__main__ import PARTS
from bench.report import Circumstances, put, sections_of


def test_a_part_that_is_run_again_replaces_its_section_and_nothing_else(tmp_path: Path) -> None:
    results, order = tmp_path / "RESULTS.md", ("reads", "growth", "writes")
    put(results, "writes", "## Writes\n\nfirst\n", order=order)
    put(results, "reads", "## Reads\n\nfirst\n", order=order)
    head = results.read_text().partition("\n<!-- part")[0]
    put(results, "reads", "## Reads\n\nagain", order=order)
    text = results.read_text()
    assert sections_of(text) == {"reads": "## Reads\n\nagain\n", "writes": "## Writes\n\nfirst\n"}
    assert text.startswith(head)
    assert text.index("## Reads") < text.index("## Writes")


def test_a_part_that_is_no_more_leaves_with_the_next_run(tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    put(results, "old", "## Old", order=["old"])
    put(results, "new", "## New", order=["new"])
    assert list(sections_of(results.read_text())) == ["new"]


def test_circumstances_tell_the_command_the_machine_and_its_load() -> None:
    told = Circumstances("python -m bench --only reads").told()
    assert told.startswith("`python -m bench --only reads`, 20")
    assert "commit " in told
    assert "Load average " in told


def test_parts_have_names_of_their_own() -> None:
    names = [part.name for part in PARTS]
    assert len(set(names)) == len(names)
    assert all(part.title and part.about for part in PARTS)
