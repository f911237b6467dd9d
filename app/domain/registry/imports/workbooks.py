"""Workbooks (xlsx, xlsm) as rows of text, refused before they are unpacked where they are larger than an office's."""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, BinaryIO, Final, NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

from app.domain.registry.errors import FileUnreadable
from app.domain.registry.imports.cells import cell_text
from app.domain.registry.imports.file_errors import SheetTooLarge

WORKBOOK_MAGIC: Final = b"PK\x03\x04"
MOST_CELLS: Final = 6_000_000
"""On one sheet, empty ones between the filled included: 100,000 persons of Regsosek's widest sheet. They take 200 MB."""
_MOST_BYTES: Final = 1 << 29
"""Of all members of the zip together, unpacked."""
_SHEETS: Final = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_CELL: Final = re.compile(rb"""<c(?:\s[^>]*?\br=["']([A-Z]{1,3})([0-9]{1,7})["'])?""")
_CHUNK: Final = 1 << 20
_LONGEST_TAG: Final = 256
_LETTERS: Final = 26


class Line(NamedTuple):
    """One row of a table: its number counted from 1, and its cells."""

    number: int
    cells: Sequence[str]


class Workbook:
    """A workbook whose size is known to be sane."""

    def __init__(self, source: BinaryIO) -> None:
        """Open ``source``, which must stay open.

        Raises:
            FileUnreadable: it is no workbook, is broken or has a password.
            SheetTooLarge: it has more cells than ``MOST_CELLS`` on a sheet, or a cell far away from the others.
        """
        _refuse_giants(source)
        source.seek(0)
        try:
            self._workbook = CalamineWorkbook.from_filelike(source)
        except CalamineError:
            raise _unreadable() from None
        self.sheets: Final = tuple(self._workbook.sheet_names)
        """The names of its sheets, in order."""

    def find(self, name: str) -> str | None:
        """The sheet of that name, whatever its case and the blanks around it."""
        wanted = sheet_key(name)
        return next((sheet for sheet in self.sheets if sheet_key(sheet) == wanted), None)

    def lines(self, sheet: str) -> Iterator[Line]:
        """The rows of a sheet, the empty ones at its top included."""
        try:
            rows = self._workbook.get_sheet_by_name(sheet).iter_rows()
        except CalamineError:
            raise _unreadable() from None
        for number, row in enumerate(rows, start=1):
            yield Line(number, [cell if isinstance(cell, str) else cell_text(cell) for cell in row])


def sheet_key(name: str) -> str:
    """What tells the name of a sheet apart from others."""
    return " ".join(name.split()).casefold()


def _unreadable() -> FileUnreadable:
    return FileUnreadable(
        "Buku kerja tidak dapat dibaca; simpan ulang sebagai xlsx tanpa kata sandi.",
        "The workbook cannot be read; save it again as xlsx without a password.",
    )


def _refuse_giants(source: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > _MOST_BYTES:
                raise SheetTooLarge(MOST_CELLS)
            sheets = [member for member in members if _SHEETS.fullmatch(member.filename)]
            for member in sheets:
                with archive.open(member) as sheet:
                    _refuse_giant_sheet(sheet)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise _unreadable() from None
    if not sheets:
        raise _unreadable()


def _refuse_giant_sheet(sheet: IO[bytes]) -> None:
    # The reader keeps the whole rectangle around all cells, so one cell in the last corner would take terabytes.
    rest, cells, columns, rows = b"", 0, 0, 0
    while chunk := sheet.read(_CHUNK):
        text = rest + chunk
        last = text.rfind(b"<")
        end = last if len(text) - last <= _LONGEST_TAG else len(text)
        for letters, row in _CELL.findall(text, 0, end):
            cells += 1
            if row:
                columns, rows = max(columns, _column(letters)), max(rows, int(row))
        rest = text[end:]
        if max(cells, columns * rows) > MOST_CELLS:
            raise SheetTooLarge(MOST_CELLS)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * _LETTERS + letter - ord("A") + 1
    return number
