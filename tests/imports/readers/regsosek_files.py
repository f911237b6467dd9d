"""Regsosek workbooks of synthetic families, made from the list of columns that village systems exchange."""

import csv
import io
from collections.abc import Mapping, Sequence

import openpyxl  # type: ignore[import-untyped]

from tests.registry.opensid_files import SHARED_DATA

COLUMNS = SHARED_DATA / "regsosek2022k_columns.csv"
PLACE, STAFF, HOUSING, MEMBERS, BELONGINGS = (
    "1.keterangan tempat",
    "2.keterangan petugas",
    "3.keterangan perumahan",
    "4.ket sos-ek anggota",
    "5.keikutsertaan program dll",
)
KK = "no kartu keluarga"
Cells = Mapping[str, object]


def headers_of(sheet: str) -> list[str]:
    """The headers of a sheet, with the texts above each in front of it."""
    with COLUMNS.open(encoding="utf-8", newline="") as file:
        return [row["header"] for row in csv.DictReader(file) if row["sheet"] == sheet]


def leaf(header: str) -> str:
    return header.rpartition(" / ")[2]


def workbook_of(
    rows: Mapping[str, Sequence[Cells]],
    *,
    leave_out: Sequence[str] = (),
    without: Mapping[str, Sequence[str]] | None = None,
    merged: bool = False,
) -> bytes:
    """A workbook with all sheets but ``leave_out``; rows tell cells by the last part of the header.

    A column that is repeated gets its cell each time. ``without`` names headers to leave empty, and ``merged`` puts the
    parts of a header in rows of their own, merged as in the printed form.
    """
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for sheet_name in (PLACE, STAFF, HOUSING, MEMBERS, BELONGINGS):
        if sheet_name in leave_out:
            continue
        sheet = workbook.create_sheet(sheet_name)
        headers = headers_of(sheet_name)
        gone = (without or {}).get(sheet_name, ())
        shown = [None if leaf(header) in gone else header for header in headers]
        if merged:
            depth = max(header.count(" / ") for header in headers) + 1
            for row in range(depth):
                parts = [(header or "").split(" / ") for header in shown]
                sheet.append(
                    [
                        (each[-1] if row == depth - 1 else each[row] if row < len(each) - 1 else None) or None
                        for each in parts
                    ]
                )
            sheet.merge_cells(start_row=1, end_row=1, start_column=2, end_column=4)
        else:
            sheet.append(shown)
        for cells in rows.get(sheet_name, ()):
            sheet.append([cells.get(leaf(header)) for header in headers])
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()
