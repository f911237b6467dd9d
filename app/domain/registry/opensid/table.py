"""From the bytes of a csv file or workbook to rows of text under known headers."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

from app.domain.registry.errors import HeaderMissing, HeaderRepeated
from app.domain.registry.imports.csv_files import open_csv
from app.domain.registry.imports.workbooks import WORKBOOK_MAGIC, Line, Workbook

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


class SourceRow(NamedTuple):
    """One row: where it stands, and its cells as text by header in lower case, those that are read."""

    line: int
    cells: dict[str, str]
    misshapen: bool
    """Whether it has more or fewer cells than the header, so that they may stand in the wrong columns."""


def read_rows(source: BinaryIO, encoding: str) -> Iterator[SourceRow]:
    """The rows of persons in ``source``: empty rows, the form's example and its notes are left out.

    Args:
        source: a csv file (comma, semicolon, tab or bar), or a workbook, of which the sheet "Data Penduduk" or else the
            first is read.
        encoding: of a csv file.

    Raises:
        FileUnreadable: neither a workbook nor text in ``encoding``; of text, this may come after the first rows.
        SheetTooLarge: the workbook is larger than any village's.
        HeaderMissing: a required column is not there.
        HeaderRepeated: a column that is read stands twice.
    """
    start = source.read(len(WORKBOOK_MAGIC))
    source.seek(0)
    lines = _workbook_lines(source) if start == WORKBOOK_MAGIC else _csv_lines(source, encoding)
    header = next(lines, Line(0, ()))
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


def _csv_lines(source: BinaryIO, encoding: str) -> Iterator[Line]:
    with open_csv(source, encoding) as rows:
        for number, cells in rows:
            yield Line(number, cells)


def _workbook_lines(source: BinaryIO) -> Iterator[Line]:
    """The lines of the sheet "Data Penduduk" or else the first, from the first that is not empty."""
    workbook = Workbook(source)
    lines = workbook.lines(workbook.find(_SHEET) or workbook.sheets[0])
    for line in lines:
        if any(line.cells):
            yield line
            break
    yield from lines
