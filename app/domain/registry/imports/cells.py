"""What a cell of a file says: text, a date, the digits of a number. Shared by the readers of all formats."""

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Final, TypeAlias

from stdnum.id.nik import compact

from app.domain.registry.imports import reading_findings as findings
from app.domain.registry.nik import Finding

LONGEST_TEXT: Final = 200
NOTHING_CODED: Final = frozenset({"0", "0000-00-00", "00-00-0000"})
"""What files write in a cell that holds no code, no number and no date."""
_OLDEST_YEAR: Final = 1900
_DASH: Final = "-"
_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?: 00:00:00)?", re.ASCII)
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[-/](\d{1,2})[-/](\d{4})", re.ASCII)
_SCIENTIFIC: Final = re.compile(r"\d([.,]\d+)?E\+?\d+", re.ASCII | re.IGNORECASE)
_LARGEST_EXACT_FIGURE: Final = 10**15
"""A spreadsheet keeps 15 digits of a number, so a NIK stored as one has lost its last."""
_SOUTH, _NORTH, _WEST, _EAST = -11.5, 6.5, 94.5, 141.5

WorkbookCell: TypeAlias = int | float | str | bool | time | date | datetime | timedelta


class CellRefused(Exception):
    """A cell does not hold what its column is for; ``finding`` says why.

    With ``is_doubt`` the cell is left out and its row is accepted all the same.
    """

    def __init__(self, finding: Finding, *, is_doubt: bool = False) -> None:
        super().__init__(finding.code)
        self.finding = finding
        self.is_doubt = is_doubt or finding in findings.DOUBTS


def clean_text(cell: str) -> str:
    """The text of a cell with single blanks; empty where it holds nothing or a dash.

    Raises:
        CellRefused: it holds characters that cannot be stored, or is too long.
    """
    if not cell.isascii():
        # Files of the civil registry are full of invisible format characters.
        cell = "".join(character for character in cell if unicodedata.category(character) != "Cf")
    # Spreadsheets leave the apostrophe that marks a number as text.
    value = " ".join(cell.split()).removeprefix("'")
    if not value.isprintable():
        raise CellRefused(findings.TEXT_UNREADABLE)
    if len(value) > LONGEST_TEXT:
        raise CellRefused(findings.TEXT_TOO_LONG)
    return "" if value == _DASH else value


def digits_of(value: str) -> str:
    """The digits of a NIK or KK in a cleaned text that is not empty.

    Raises:
        CellRefused: a spreadsheet has rounded the number.
    """
    if _SCIENTIFIC.fullmatch(value):
        raise CellRefused(findings.NUMBER_ROUNDED)
    digits: str = compact(value)
    return digits


def date_of(value: str) -> date:
    """The date in a cleaned text: 1990-12-31 or 31-12-1990, with hyphens or slashes.

    Raises:
        CellRefused: it is none, or lies before 1900.
    """
    if year_first := _YEAR_FIRST.fullmatch(value):
        year, month, day = map(int, year_first.groups())
    elif day_first := _DAY_FIRST.fullmatch(value):
        day, month, year = map(int, day_first.groups())
    else:
        raise CellRefused(findings.DATE_INVALID)
    return day_of(year, month, day)


def day_of(year: int, month: int, day: int) -> date:
    """The day of the calendar.

    Raises:
        CellRefused: it is none, or lies before 1900: spreadsheets write such dates for numbers that are no dates.
    """
    if year < _OLDEST_YEAR:
        raise CellRefused(findings.DATE_INVALID)
    try:
        return date(year, month, day)
    except ValueError:
        raise CellRefused(findings.DATE_INVALID) from None


def location_of(latitude: str, longitude: str) -> tuple[float, float]:
    """Latitude and longitude in degrees, from two cleaned texts of which at least one is not empty.

    Raises:
        CellRefused: one is missing or no number of degrees, or the place lies outside Indonesia.
    """
    try:
        north, east = (float(text.replace(",", ".")) for text in (latitude, longitude))
    except ValueError:
        raise CellRefused(findings.COORDINATES_INVALID) from None
    if not (abs(north) <= 90 and abs(east) <= 180):
        raise CellRefused(findings.COORDINATES_INVALID)
    if not is_in_indonesia(north, east):
        raise CellRefused(findings.COORDINATES_ABROAD)
    return north, east


def is_in_indonesia(latitude: float, longitude: float) -> bool:
    """Whether a place, in degrees, lies in the rectangle around the country."""
    return _SOUTH <= latitude <= _NORTH and _WEST <= longitude <= _EAST


def neighbourhood(number: str) -> str:
    """An RT or RW as it is kept: workbooks hold RT 004 as the figure 4, and both are one RT."""
    return number.zfill(3) if number.isdecimal() else number


def cell_text(cell: WorkbookCell) -> str:
    """The cell of a workbook as a csv file would hold it."""
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != time.min else cell.date().isoformat()
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        if abs(cell) >= _LARGEST_EXACT_FIGURE:
            return f"{cell:E}"
        return str(int(cell)) if float(cell).is_integer() else str(cell)
    return str(cell)
