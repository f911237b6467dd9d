"""Files of rows: each format takes rows as they come and keeps none."""

import csv
import io
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from app.domain.exports.cells import harmless
from app.domain.exports.models import ExportFormat
from app.domain.exports.workbook import Cell, Target, Workbook

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Table(Protocol):
    """Something that takes rows of cells."""

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Add ``rows``."""


class CsvTable:
    """CSV as in RFC 4180, in UTF-8 with a byte order mark, without which Excel takes it for another encoding; texts are harmless."""

    def __init__(self, target: Target, columns: Sequence[str]) -> None:
        """Write into ``target``, the names of ``columns`` first."""
        self._target = target
        target.write(_BYTE_ORDER_MARK)
        self._put([columns])

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Add ``rows``."""
        self._put(rows)

    def _put(self, rows: Sequence[Sequence[Cell]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([[_csv_cell(cell) for cell in row] for row in rows])
        self._target.write(text.getvalue().encode())


def _csv_cell(cell: Cell) -> Cell:
    if type(cell) is str:
        return harmless(cell)
    return ("true" if cell else "false") if type(cell) is bool else cell


def spreadsheet(
    format_: ExportFormat, target: Target, columns: Sequence[str]
) -> tuple[AbstractContextManager[object], Table]:
    """A table of ``columns`` that is written into ``target``: what ends it, and what takes its rows.

    Raises:
        ValueError: files of ``format_`` are no tables.
    """
    match format_:
        case ExportFormat.CSV:
            return nullcontext(), CsvTable(target, columns)
        case ExportFormat.XLSX:
            workbook = Workbook(target, columns)
            return workbook, workbook
        case _:
            raise ValueError(f"{format_} is no spreadsheet")
