"""`kesos catalogue`, as an operator types it and as the page shows it."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.ewarong.catalogue.loading import shipped_catalogue
from tests.cli.terminal import Terminal

PAGE = (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

SHIPPED = shipped_catalogue()
ENTRIES = len(SHIPPED.groups) + len(SHIPPED.commodities) + len(SHIPPED.rules) + len(SHIPPED.thresholds)


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    """A terminal on a database that is ready."""
    with tempfile.TemporaryDirectory(prefix="kesos-") as folder:
        terminal = Terminal(Path(folder))
        ready = terminal.kesos("migrate")
        assert ready.code == 0
        assert f"Catalogue of outlets: {ENTRIES} new or changed" in ready.err
        yield terminal


def test_the_example_of_the_page_is_loaded_once(terminal: Terminal) -> None:
    (terminal.folder / "satgas.toml").write_text(EXAMPLE, encoding="utf-8")
    before = terminal.kesos("catalogue", "list", "--on", "2027-01-01").out
    assert "SEMBAKO E_WARONG  from 2022-01-01: KARBOHIDRAT, PROTEIN_HEWANI" in before
    loaded, again = [terminal.kesos("catalogue", "load", "satgas.toml") for _ in range(2)]
    (shown,) = re.findall(r"catalogue load satgas\.toml\n([^$`]*)", PAGE)
    assert (loaded.out, again.out) == (shown, "satgas.toml: nothing new.\n"), loaded.err
    listed = terminal.kesos("catalogue", "list", "--on", "2027-01-01").out
    (lines,) = re.findall(r"catalogue list --on 2027-01-01\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in lines.splitlines():
        assert line == "..." or f"{line}\n" in listed
    assert terminal.kesos("catalogue", "list", "--on", "2026-12-31").out.count("PRICE_UNFAIR  0.10 share") == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (EXAMPLE.replace("0.15", "0.25"), "ewarong_threshold PRICE_UNFAIR 2027-01-01 is in the database"),
        (EXAMPLE.replace("[[rules]]", "[[regels]]"), "regels is not known"),
        (EXAMPLE.replace("open = false", 'groups = ["KARBO"]'), "names groups that are not there: KARBO"),
        (EXAMPLE.replace('"SEMBAKO"', '"BUKAN"'), "There is no programme BUKAN; load its file first."),
        (EXAMPLE.replace('unit = "share"\n', ""), f"thresholds.{len(SHIPPED.thresholds)}.unit: Field required"),
        (EXAMPLE.replace("2027-01-01", "2018-01-01", 1), "PRICE_UNFAIR from 2018-01-01 is there already"),
        ('[commodities.RICE]\nname = "x"', "commodities.RICE is there already"),
        ("rules = 3", "it is no TOML of a catalogue"),
        ("[[", "it is no TOML of a catalogue"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_the_place(terminal: Terminal, text: str, told: str) -> None:
    (terminal.folder / "satgas.toml").write_text(EXAMPLE, encoding="utf-8")
    assert terminal.kesos("catalogue", "load", "satgas.toml").code == 0
    (terminal.folder / "lain.toml").write_text(text, encoding="utf-8")
    refused = terminal.kesos("catalogue", "load", "lain.toml")
    assert (refused.code, refused.out) == (1, "")
    assert told in " ".join(refused.err.split())


def test_a_day_that_is_none_is_refused(terminal: Terminal) -> None:
    refused = terminal.kesos("catalogue", "list", "--on", "kemarin")
    assert (refused.code, refused.err) == (1, "kesos: kemarin is no day: write --on 2026-10-01.\n")
