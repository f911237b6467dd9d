"""Tables as they are written: what a spreadsheet would run, what XML cannot hold, what no sheet takes."""

import io
import tracemalloc
from collections.abc import Iterator
from typing import Any, Final

import openpyxl  # type: ignore[import-untyped]
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.exports.cells import harmless
from app.domain.exports.errors import CellTooLong
from app.domain.exports.models import ExportFormat
from app.domain.exports.workbook import CHARACTERS_OF_A_CELL, Workbook
from app.schema.exports.nodes import rows_into

SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.mark.parametrize("sign", SIGNS)
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(sign: str) -> None:
    assert harmless(f"{sign}1+1") == f"'{sign}1+1"
    assert harmless(sign) == f"'{sign}"


@pytest.mark.parametrize("text", ["", "Sari", "A=B", "Jl. Mawar 5 - 6", "a@b", "x;y", "3302********0001", "2026-01-01"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


def test_what_another_separator_would_make_a_cell_of_is_no_formula_either() -> None:
    assert harmless('x;=1+1;y;"@z') == "x;'=1+1;y;\"'@z"


@given(st.text(alphabet=st.sampled_from("=+-@\t\r\n;\"' ab1"), max_size=12))
def test_no_cell_begins_like_a_formula_however_the_text_is_cut(text: str) -> None:
    written = harmless(text)
    for cell in written.split(";"):
        assert not cell.lstrip('"').startswith(("=", "+", "-", "@"))
    assert not written.startswith(SIGNS)
    assert written.replace("'", "") == text.replace("'", "")


def _sheets(data: bytes) -> list[list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]


def test_rows_that_no_sheet_takes_go_on_in_the_next_under_the_same_header() -> None:
    target = io.BytesIO()
    with Workbook(target, ["a", "b"], rows_of_a_sheet=4) as book:
        book.write([[number, str(number)] for number in range(5)])
        book.write([[5, "5"]])
        book.write([[6, "6"]])
    first, second, third = _sheets(target.getvalue())
    assert first == [("a", "b"), (0, "0"), (1, "1"), (2, "2")]
    assert second == [("a", "b"), (3, "3"), (4, "4"), (5, "5")]
    assert third == [("a", "b"), (6, "6")]


def test_digits_beyond_what_excel_counts_and_characters_beyond_xml_are_texts() -> None:
    target = io.BytesIO()
    with Workbook(target, ["a"]) as book:
        book.write([[10**15 - 1], [10**15], [True], [None], [1.5], ["<&>\x07\x0b"], ["_x0041_"], ["00012"], [-3]])
    values = [row[0] for row in _sheets(target.getvalue())[0][1:]]
    assert values[:5] == [10**15 - 1, str(10**15), True, None, 1.5]
    assert values[5:] == ["<&>_x0007__x000B_", "_x005F_x0041_", "00012", -3]


def test_a_text_is_as_long_as_a_cell_takes_and_no_longer() -> None:
    for text in ("x" * CHARACTERS_OF_A_CELL, "\U0001f600" * (CHARACTERS_OF_A_CELL // 2)):
        with Workbook(io.BytesIO(), ["kolom"]) as book:
            book.write([[text]])
        with pytest.raises(CellTooLong, match="kolom"), Workbook(io.BytesIO(), ["kolom"]) as book:
            book.write([[text + "\U0001f600"]])


class _Sink(io.RawIOBase):
    """Takes bytes and keeps none."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)


def _pages(number: int) -> Iterator[list[bytes]]:
    for page in range(number):
        yield [
            orjson.dumps({"id": f"Person:3302:{page}-{at}", "name": "Sari " * 8, "village": {"code": "33.02.01.2001"}})
            for at in range(1_000)
        ]


@pytest.mark.parametrize("format_", ExportFormat)
def test_a_file_of_many_pages_takes_no_more_memory_than_one_of_few(format_: ExportFormat) -> None:
    peaks = []
    for number in (3, 40):
        tracemalloc.start()
        with rows_into(_Sink(), format_, [("id",), ("name",), ("village", "code")]) as rows:
            for page in _pages(number):
                rows.write(page)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    few, many = peaks
    assert many < few * 1.2 + 100_000
