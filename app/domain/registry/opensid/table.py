"""From the bytes of a csv file or workbook to rows of text under known headers."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple, TypeAlias

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from app.domain.registry.errors import FileUnreadable, HeaderMissing, HeaderRepeated

REQUIRED: Final = ("nama", "no_kk", "nik", "sex", "tanggallahir", "kk_level")
_READ: Final = (
    *REQUIRED,
    "alamat",
    "alamat_sekarang",
    "dusun",
    "rw",
    "rt",
    "tempatlahir",
    "pendidikan_kk_id",
    "pendidikan_sedang_id",
    "pekerjaan_id",
    "status_kawin",
    "akta_lahir",
    "cacat_id",
    "hamil",
    "ktp_el",
    "status_rekam",
    "status_dasar",
    "id_asuransi",
    "lat",
    "lng",
)
_SHEET: Final = "data penduduk"
_END_OF_DATA: Final = "###"
"""OpenSID's form puts this mark in front of the notes under its rows."""
_EXAMPLE_NAME: Final = "Nama Lengkap"
"""The name on the example row of OpenSID's form."""
_WORKBOOK_MAGIC: Final = b"PK\x03\x04"
_LARGEST_EXACT_FIGURE: Final = 10**15
"""A spreadsheet keeps 15 digits of a number, so a NIK stored as one has lost its last."""

_Cell: TypeAlias = int | float | str | bool | time | date | datetime | timedelta


class SourceRow(NamedTuple):
    """One row: where it stands, and its cells as text by header in lower case, those that are read."""

    line: int
    cells: dict[str, str]
    misshapen: bool
    """Whether it has more or fewer cells than the header, so that they may stand in the wrong columns."""


class _Line(NamedTuple):
    number: int
    cells: Sequence[str]


def read_rows(content: bytes, encoding: str) -> Iterator[SourceRow]:
    """The rows of persons in ``content``: empty rows, the form's example and its notes are left out.

    Args:
        content: a csv file (comma, semicolon or tab), or a workbook, of which the sheet "Data Penduduk" or else the
            first is read.
        encoding: of a csv file.

    Raises:
        FileUnreadable: neither a workbook nor text in ``encoding``.
        HeaderMissing: a required column is not there.
        HeaderRepeated: a column that is read stands twice.
    """
    lines = _workbook_lines(content) if content.startswith(_WORKBOOK_MAGIC) else _csv_lines(content, encoding)
    header = next(lines, _Line(0, ()))
    columns = _columns(header.cells)
    for line in lines:
        filled = [cell for cell in line.cells if cell.strip()]
        if filled and filled[0].strip() == _END_OF_DATA:
            return
        cells = {name: line.cells[at] for at, name in columns.items() if at < len(line.cells)}
        if filled and cells.get("nama", "").strip() != _EXAMPLE_NAME:
            yield SourceRow(line.number, cells, misshapen=len(line.cells) != len(header.cells))


def _columns(header: Sequence[str]) -> dict[int, str]:
    names = [cell.strip().lower() for cell in header]
    if missing := [name for name in REQUIRED if name not in names]:
        raise HeaderMissing(missing)
    if repeated := [name for name in _READ if names.count(name) > 1]:
        raise HeaderRepeated(repeated)
    return {at: name for at, name in enumerate(names) if name in _READ}


def _csv_lines(content: bytes, encoding: str) -> Iterator[_Line]:
    try:
        # Lone surrogates pass here so that the row that holds one is named; other broken bytes are the whole file's.
        text = content.decode(encoding, "surrogatepass" if encoding.startswith("utf") else "strict")
    except (UnicodeDecodeError, LookupError):
        raise FileUnreadable(
            f"Berkas bukan xlsx, xlsm, atau csv dengan penyandian {encoding}. "
            "Csv dari Excel lama biasanya memakai cp1252: sebutkan penyandiannya.",
            f"The file is no xlsx, no xlsm and no csv in {encoding}. "
            "A csv of an old Excel is usually in cp1252: name the encoding.",
        ) from None
    first_line = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first_line.count), strict=True)
    begins = 1
    try:
        for cells in reader:
            yield _Line(begins, cells)
            begins = reader.line_num + 1
    except csv.Error:
        raise FileUnreadable(
            f"Baris {begins} tidak dapat dibaca sebagai csv; periksa tanda kutipnya.",
            f"Line {begins} cannot be read as csv; look at its quotes.",
        ) from None


def _workbook_lines(content: bytes) -> Iterator[_Line]:
    try:
        sheet = _sheet(CalamineWorkbook.from_filelike(io.BytesIO(content)))
        top = sheet.start[0] if sheet.start else 0
        rows: Iterable[Sequence[_Cell]] = sheet.to_python()
    except CalamineError:
        raise FileUnreadable(
            "Buku kerja tidak dapat dibaca; simpan ulang sebagai xlsx tanpa kata sandi.",
            "The workbook cannot be read; save it again as xlsx without a password.",
        ) from None
    for offset, row in enumerate(rows):
        yield _Line(top + offset + 1, [_as_text(cell) for cell in row])


def _sheet(workbook: CalamineWorkbook) -> CalamineSheet:
    named = [name for name in workbook.sheet_names if name.strip().lower() == _SHEET]
    return workbook.get_sheet_by_name((named or workbook.sheet_names)[0])


def _as_text(cell: _Cell) -> str:
    """The cell as a csv file would hold it."""
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != time.min else cell.date().isoformat()
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        if abs(cell) >= _LARGEST_EXACT_FIGURE:
            return f"{cell:E}"
        return str(int(cell)) if float(cell).is_integer() else str(cell)
    return str(cell)
