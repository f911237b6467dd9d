"""`kesos programmes`, as an operator types it."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from app.schema.root import api
from tests.cli.terminal import Terminal

PAGE = (Path(__file__).parents[3] / "docs" / "programmes.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    """A terminal on a database that is ready."""
    with tempfile.TemporaryDirectory(prefix="kesos-") as folder:
        terminal = Terminal(Path(folder))
        ready = terminal.kesos("migrate")
        assert ready.code == 0
        assert "Programmes of aid: 7 new or changed" in ready.err
        yield terminal


def written(terminal: Terminal, text: str, name: str = "santunan.toml") -> str:
    (terminal.folder / name).write_text(text, encoding="utf-8")
    return name


def test_programmes_are_listed_with_their_terms_and_those_in_force(terminal: Terminal) -> None:
    listed = terminal.kesos("programmes", "list", "--on", "2026-10-01")
    assert listed.code == 0
    (shown,) = re.findall(r"programmes list --on 2026-10-01\n\.\.\.\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert shown in listed.out
    assert "    no terms yet" in listed.out
    before = terminal.kesos("programmes", "list", "--on", "2021-06-01").out
    assert "  * version 1 from 2021-01-01: 7 components" in before
    assert "  * version 3 from 2020-03-01: Rp200,000" in before


def test_a_day_that_is_none_is_refused(terminal: Terminal) -> None:
    refused = terminal.kesos("programmes", "list", "--on", "kemarin")
    assert (refused.code, refused.err) == (1, "kesos: kemarin is no day: write --on 2026-10-01.\n")


def test_the_example_of_the_page_is_checked_and_loaded_and_loaded_again(terminal: Terminal) -> None:
    file = written(terminal, EXAMPLE)
    checked, loaded, again = [terminal.kesos("programmes", verb, file) for verb in ("check", "load", "load")]
    for ended, verb in ((checked, "check"), (loaded, "load")):
        (shown,) = re.findall(rf"programmes {verb} santunan\.toml\n([^$`]*)", PAGE)
        assert ended.out == shown, ended.err
    assert again.out == "SANTUNAN_BANYUMAS: nothing new.\n"
    changed = terminal.kesos("programmes", "load", written(terminal, EXAMPLE.replace("<= 3", "<= 2")))
    assert (changed.code, changed.out) == (1, "")
    assert "terms are never rewritten; make the changed ones a new version" in changed.err


def test_a_file_that_is_no_programme_says_where_and_why(terminal: Terminal) -> None:
    file = written(terminal, EXAMPLE.replace("family.decile <= 3", "family.decil <= 3"), "salah.toml")
    refused = terminal.kesos("programmes", "check", file)
    (shown,) = re.findall(r"programmes check salah\.toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert (refused.code, refused.out + refused.err) == (1, shown)


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("33.02", "33.98", "the region tree does not hold 33.98."),
        ('other = "PKH"', 'other = "TIDAK_ADA"', "there is no programme TIDAK_ADA; load the file of that one first."),
    ],
)
def test_a_file_about_what_is_not_there_is_not_loaded(terminal: Terminal, good: str, bad: str, said: str) -> None:
    text = EXAMPLE.replace("SANTUNAN_BANYUMAS", "SANTUNAN_LAIN").replace("PERBUP-7-2026", "PERBUP-8-2026")
    refused = terminal.kesos("programmes", "load", written(terminal, text.replace(good, bad)))
    assert (refused.code, refused.err) == (1, f"kesos: SANTUNAN_LAIN: {said}\n")


@pytest.mark.parametrize("document", re.findall(r"^```graphql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
def test_a_document_of_the_page_is_valid(document: str) -> None:
    assert validate(build_schema(api().sdl), parse(document)) == []
