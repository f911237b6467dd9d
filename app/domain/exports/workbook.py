"""A workbook (Office Open XML, ECMA-376) that is written as its rows come, straight into whatever takes its bytes.

Libraries that write workbooks keep rows in memory or in temporary files. Here those would be personal data in clear on a disk, while the
file itself is sealed; so this writes the six small parts of a workbook itself. Cells hold harmless texts and
numbers, never formulas.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from html import escape
from types import TracebackType
from typing import IO, Final, Self, TypeAlias

from app.domain.exports.cells import harmless
from app.domain.exports.errors import CellTooLong

Cell: TypeAlias = str | int | float | bool | None
Target: TypeAlias = io.RawIOBase | io.BufferedIOBase
"""What takes the bytes of a file, all that it is given."""

ROWS_OF_A_SHEET: Final = 1_048_576
CHARACTERS_OF_A_CELL: Final = 32_767
_MOST_DIGITS: Final = 10**15
"""Excel holds fifteen digits; a longer number is written as text."""
_BYTES_OF_A_SHEET: Final = 1_500_000_000
"""Below what a part of a zip file holds without Zip64, which some programs do not read in workbooks."""
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")
_NAMESPACE: Final = "http" + "://schemas.openxmlformats.org/"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SPREADSHEET: Final = f"{_NAMESPACE}spreadsheetml/2006/main"
_OFFICE: Final = f"{_NAMESPACE}officeDocument/2006/relationships"
_PACKAGE: Final = f"{_NAMESPACE}package/2006/"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml."


def _text(value: str) -> str:
    """``value`` as XML; what XML cannot hold is written as Excel writes it, ``_x0007_``."""
    if value.isalnum():
        return value
    return escape(_UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", value), quote=False)


class Workbook:
    """Writes a workbook of one table. As a context manager: it is whole when the block ends."""

    def __init__(self, target: Target, columns: Sequence[str], *, rows_of_a_sheet: int = ROWS_OF_A_SHEET) -> None:
        """Write into ``target``; each sheet begins with the names of ``columns``, and takes so many rows with them."""
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._columns = columns
        self._rows_of_a_sheet = rows_of_a_sheet
        self._sheets = 0
        self._sheet: IO[bytes] | None = None
        self._row = self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
        else:
            self._abandon()

    def write(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Add ``rows``, each a cell for every column.

        Raises:
            CellTooLong: a text does not fit into a cell.
        """
        at = 0
        while at < len(rows):
            if self._sheet is None or self._row == self._rows_of_a_sheet or self._bytes > _BYTES_OF_A_SHEET:
                self._begin_sheet()
            room = self._rows_of_a_sheet - self._row
            self._put("".join(self._row_text(row) for row in rows[at : at + room]))
            at += room

    def _row_text(self, cells: Sequence[Cell], style: str = "") -> str:
        self._row += 1
        return f'<row r="{self._row}">{"".join([self._cell(at, cell, style) for at, cell in enumerate(cells)])}</row>'

    def _cell(self, at: int, cell: Cell, style: str) -> str:
        if cell is None:
            return "<c/>"
        if type(cell) is bool:
            return f'<c t="b"><v>{int(cell)}</v></c>'
        if type(cell) is float or (type(cell) is int and abs(cell) < _MOST_DIGITS):
            return f"<c><v>{cell!r}</v></c>"
        text = harmless(cell) if isinstance(cell, str) else str(cell)
        # Excel counts UTF-16.
        if len(text) > CHARACTERS_OF_A_CELL // 2 and len(text.encode("utf-16-le")) // 2 > CHARACTERS_OF_A_CELL:
            raise CellTooLong(self._columns[at], CHARACTERS_OF_A_CELL)
        return f'<c t="inlineStr"{style}><is><t xml:space="preserve">{_text(text)}</t></is></c>'

    def _begin_sheet(self) -> None:
        self._end_sheet()
        self._sheets += 1
        self._row = self._bytes = 0
        self._sheet = self._zip.open(f"xl/worksheets/sheet{self._sheets}.xml", "w")
        self._put(
            f'{_HEAD}<worksheet xmlns="{_SPREADSHEET}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" '
            'topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
        )
        self._put(self._row_text(self._columns, ' s="1"'))

    def _put(self, text: str) -> None:
        if self._sheet is None:
            raise ValueError("no sheet has begun")
        data = text.encode()
        self._bytes += len(data)
        self._sheet.write(data)

    def _end_sheet(self) -> None:
        if self._sheet is not None:
            self._put("</sheetData></worksheet>")
            self._sheet.close()
            self._sheet = None

    def _finish(self) -> None:
        if not self._sheets:
            self._begin_sheet()
        self._end_sheet()
        numbers = range(1, self._sheets + 1)
        sheets = "".join(f'<sheet name="Data {n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
        links = "".join(
            f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
        )
        parts = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}worksheet+xml"/>' for n in numbers
        )
        self._part(
            "xl/workbook.xml",
            f'<workbook xmlns="{_SPREADSHEET}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
        )
        self._part(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}relationships">{links}<Relationship Id="rId{self._sheets + 1}" '
            f'Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        )
        self._part(
            "xl/styles.xml",
            f'<styleSheet xmlns="{_SPREADSHEET}"><fonts count="2"><font/><font><b/></font></fonts><fills count="2">'
            '<fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
            '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2">'
            '<xf/><xf fontId="1" applyFont="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" '
            'builtinId="0"/></cellStyles></styleSheet>',
        )
        self._part(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        self._part(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-'
            'package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}styles+xml"/>{parts}</Types>',
        )
        self._zip.close()

    def _part(self, name: str, body: str) -> None:
        self._zip.writestr(name, _HEAD + body)

    def _abandon(self) -> None:
        """Leave the file as it is: nobody will see it."""
        if self._sheet is not None:
            self._sheet.close()
            self._sheet = None
        self._zip.close()
