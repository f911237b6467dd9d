"""A row that nothing is wrong with goes a shorter way, and nobody can tell which way a row went."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.registry.errors import FileUnreadable
from app.domain.registry.imports.csv_files import open_csv
from app.domain.registry.imports.runs import FAMILY_VALUES, PERSON_VALUES, Run, Unusual
from app.domain.registry.imports.tables import FAMILY_NAMES, PERSON_NAMES
from tests.imports.readers.staged import VILLAGE, Row, csv_of, home, kesos, man, staged

CELLS = ["", "-", "'x", " a", "a  b", "a\tb", "\\", "\\N", "é", "\u200bx", "\x00", "0", "1", "7.0", "-7.5", "111,3", "TRUE", "false",
    "HEAD", "wife", "FEMALE", "NONE", "1990-02-30", "1990-02-01", "01/02/1990", "19900201", "2030-01-01", "33.02.01.2001",
    "1234567890123456", "9933020102900001", "9,9E15", "x" * 201]  # fmt: skip


def _said(rows: list[Row]) -> list[Row]:
    """Rows without what is another in each reading."""
    return [{name: cell for name, cell in row.items() if name != "id" and not name.endswith("_sealed")} for row in rows]


@given(st.dictionaries(st.sampled_from(PERSON_VALUES), st.sampled_from(CELLS), max_size=3))
@settings(max_examples=200, deadline=None)
def test_a_person_is_staged_alike_on_both_ways(cells: dict[str, str]) -> None:
    person = man(1) | cells
    fast = staged(kesos([home(1)], [person]))
    # A blank in front of the KK number takes the row off the short way.
    careful = staged(kesos([home(1)], [person | {"kk": f" {person['kk']}"}]))
    assert _said(fast.persons) == _said(careful.persons)
    assert fast.told == careful.told


@given(st.dictionaries(st.sampled_from([*FAMILY_VALUES, "village"]), st.sampled_from(CELLS), max_size=3))
@settings(max_examples=200, deadline=None)
def test_a_family_is_staged_alike_on_both_ways(cells: dict[str, str]) -> None:
    family = home(1) | cells
    fast = staged(kesos([family], [man(1)]))
    careful = staged(kesos([family | {"kk": f" {family['kk']}"}], [man(1)]))
    assert _said(fast.families) == _said(careful.families)
    assert fast.told == careful.told


def test_every_column_of_a_file_is_staged_once() -> None:
    assert sorted(FAMILY_VALUES) == sorted(set(FAMILY_NAMES) - {"kk", "family_key", "village"})
    assert sorted(PERSON_VALUES) == sorted(set(PERSON_NAMES) - {"kk", "family_key", "nik"})


@pytest.mark.parametrize("left", range(1, 6))
def test_a_row_that_ends_before_its_numbers_is_told(left: int) -> None:
    header = ["name", "relationship", "sex", "birth_date", "kk", "nik"]
    person = man(1)
    cut = ",".join(["x"] * left)
    content = csv_of([{name: person[name] for name in header}]) + cut
    found = staged(content.encode(), default_village=VILLAGE)
    assert len(found.persons) == 2
    assert ("PERSON", 3, "", "", "ROW_SHAPE", "ERROR") in found.told


def test_a_wrong_number_is_wrong_in_the_next_row_too() -> None:
    wrong = {"kk": "99330217081700"}
    found = staged(kesos([home(1)], [man(1) | wrong, man(2) | wrong]))
    assert [row["line"] for row in found.issues if row["code"] == "KK_NOT_16_DIGITS"] == ["2", "3"]


def test_cells_with_tabs_are_never_taken_for_others() -> None:
    run = Run([{"a": "A", "b": "B"}, {"c": "C", "b\tc": "?"}])
    assert run["a\tc"] == "A\tC"
    with pytest.raises(Unusual):
        run["a\tb\tc"]


TEXTS = st.text(st.sampled_from('ab,;\t"\r\n\x00\x0b\u2028 é'), max_size=60)


@given(TEXTS)
@settings(max_examples=500)
def test_a_csv_is_read_as_the_library_reads_it(content: str) -> None:
    first = next(io.StringIO(content, newline=""), "")
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    expected, begins = [], 1
    try:
        for cells in reader:
            expected.append((begins, cells))
            begins = reader.line_num + 1
        whole = True
    except csv.Error:
        whole = False
    found = []
    with open_csv(io.BytesIO(content.encode()), "utf-8") as rows:
        try:
            for row in rows:
                found.append(row)  # noqa: PERF402  (what came before an error counts)
        except FileUnreadable:
            assert not whole
        else:
            assert whole
    assert found == expected


def test_a_line_that_is_longer_than_the_library_allows_is_refused() -> None:
    with (
        open_csv(io.BytesIO(b"a,b\n1," + b"x" * (csv.field_size_limit() + 1)), "utf-8") as rows,
        pytest.raises(FileUnreadable),
    ):
        list(rows)
