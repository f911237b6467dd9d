"""Workbooks (xlsx, xlsm) as rows of text, refused before they are unpacked where they are larger than an office's."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Final, NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

from app.domain.registry.imports.cells import cell_text
from app.domain.registry.imports.file_errors import workbook_unreadable
from app.domain.registry.imports.workbook_sizes import refuse_giants

WORKBOOK_MAGIC: Final = b"PK\x03\x04"


class Line(NamedTuple):
    """One row of a table: its number counted from 1, and its cells."""

    number: int
    cells: Sequence[str]


class Workbook:
    """A workbook whose size is known to be sane."""

    def __init__(self, source: BinaryIO) -> None:
        """Open ``source``, which must stay open.

        Raises:
            FileUnreadable: it is no workbook (xlsx, xlsm), has no sheet, is broken or has a password.
            SheetTooLarge: it is larger than what can be kept in memory.
        """
        _refuse_giants(source)
        source.seek(0)
        with _readable():
            self._workbook = CalamineWorkbook.from_filelike(source)
        self.sheets: Final = tuple(self._workbook.sheet_names)
        """The names of its sheets, in order; there is one."""
        if not self.sheets:
            raise workbook_unreadable()

    def find(self, name: str) -> str | None:
        """The sheet of that name, whatever its case and the blanks around it."""
        wanted = sheet_key(name)
        return next((sheet for sheet in self.sheets if sheet_key(sheet) == wanted), None)

    def lines(self, sheet: str) -> Iterator[Line]:
        """The rows of a sheet, the empty ones at its top included.

        Raises:
            FileUnreadable: it is broken, or has a figure that is none.
        """
        with _readable():
            for number, row in enumerate(self._workbook.get_sheet_by_name(sheet).iter_rows(), start=1):
                yield Line(number, [cell if isinstance(cell, str) else cell_text(cell) for cell in row])


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    # Of a figure that is shown as hours and has more of them than there are.
    except (CalamineError, OverflowError):
        raise workbook_unreadable() from None
    # The library panics on some figures; the type of that has no name to import.
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise workbook_unreadable() from None


def sheet_key(name: str) -> str:
    """What tells the name of a sheet apart from others."""
    return " ".join(name.split()).casefold()


def _refuse_giants(source: BinaryIO) -> None:
    # Where something else stands before the zip, the reader may read that.
    source.seek(0)
    if source.read(len(WORKBOOK_MAGIC)) != WORKBOOK_MAGIC:
        raise workbook_unreadable()
    try:
        with zipfile.ZipFile(source) as archive:
            refuse_giants(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise workbook_unreadable() from None
