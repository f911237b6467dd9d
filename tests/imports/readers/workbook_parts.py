"""Workbooks written part by part, as no spreadsheet program would."""

from collections.abc import Mapping
from typing import Final

from tests.imports.readers.staged import zip_of_files

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPES: Final = (
    f'<Types xmlns="{_PACKAGE}/content-types"><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
_WORKBOOK: Final = f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>'


def relation(kind: str, target: str) -> str:
    """The part that names one other part."""
    return (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/{kind}" '
        f'Target="{target}"/></Relationships>'
    )


def sheet_of(rows: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def workbook_of_parts(
    sheet: str | bytes, *, at: str = "worksheets/sheet1.xml", more: Mapping[str, str | bytes] | None = None
) -> bytes:
    """A workbook whose only sheet is the part ``at`` within ``xl``; ``more`` are other parts, or others in place of these."""
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": relation("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": _WORKBOOK,
        "xl/_rels/workbook.xml.rels": relation("worksheet", at),
        f"xl/{at}": sheet,
    }
    return zip_of_files(parts | dict(more or {}))
