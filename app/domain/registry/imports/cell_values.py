"""What each column of the registry takes from a text: the stable name of a value, a date, a figure.

The columns and their kinds are those of the tables, so a column that is added there can be filled from files at once.
"""

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term
from app.domain.registry.copy_text import NULL, Value, text
from app.domain.registry.imports import reading_findings as findings
from app.domain.registry.imports.cells import LONGEST_TEXT, CellRefused, clean_text, date_of, neighbourhood
from app.domain.registry.imports.models import FAMILY_ATTRIBUTES, PERSON_ATTRIBUTES
from app.domain.registry.models import family, person
from app.domain.registry.nik import Finding

Parse = Callable[[str], Value]
"""From a cleaned text that is not empty to the value; raises CellRefused."""

LOCATION: Final = ("latitude", "longitude")
"""Columns that stand and fall together, so no parser reads one of them alone."""
PRESENT: Final = "PRESENT"
"""Presence of a person of whom the file says nothing."""

_MOST_SMALL: Final = 32_767
_LIMITS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "decile": (0, _MOST_SMALL),
        "percentile": (0, _MOST_SMALL),
        "member_no": (1, 99),
        "school_grade": (0, 20),
        "work_hours_per_week": (0, 168),
    }
)
_MOST: Final = 1_000_000
_NEIGHBOURHOODS: Final = frozenset({"rw", "rt"})
_BOOLEANS: Final[Mapping[str, bool]] = MappingProxyType({"true": True, "false": False})
_MOST_REMEMBERED: Final = 1 << 15


class Memo(dict[str, str]):
    """What the cells of one column are in COPY text, by their plain text; each is worked out once.

    ``missing`` is what an empty cell gets: a text, or the finding that refuses it.
    """

    def __init__(self, parse: Parse, missing: str | Finding = NULL) -> None:
        super().__init__()
        self._parse = parse
        self._empty = missing

    def __missing__(self, cell: str) -> str:
        value = clean_text(cell)
        if value:
            found = text(self._parse(value))
        elif isinstance(self._empty, Finding):
            raise CellRefused(self._empty)
        else:
            found = self._empty
        return self._remember(cell, found)

    def _remember(self, cell: str, found: str) -> str:
        if len(cell) <= LONGEST_TEXT:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[cell] = found
        return found


class TextMemo(Memo):
    """The same for a column of text, most of which is as plain as it can be."""

    def __missing__(self, cell: str) -> str:
        # What neither cleaning nor COPY changes.
        if (
            len(cell) <= LONGEST_TEXT
            and cell.isprintable()
            and "\\" not in cell
            and cell == " ".join(cell.split())
            and cell[:1] not in _LOOKED_AT
        ):
            return self._remember(cell, cell)
        return super().__missing__(cell)


_LOOKED_AT: Final = frozenset({"", "'", "-"})
"""How a text may begin that cleaning changes, although its blanks are single."""


def _as_it_is(value: str) -> Value:
    return value


def _boolean(value: str) -> Value:
    found = _BOOLEANS.get(value.lower())
    if found is None:
        raise CellRefused(findings.VALUE_UNKNOWN)
    return found


def _member_of(terms: type[Term]) -> Parse:
    members = {str(term.value): term for term in terms}

    def parse(value: str) -> Value:
        found = members.get(value) or members.get(value.upper())
        if found is None:
            raise CellRefused(findings.VALUE_UNKNOWN)
        return found

    return parse


def whole_number(value: str, lowest: int, highest: int) -> int:
    """A whole number in figures; a workbook's ``4.0`` is one.

    Raises:
        CellRefused: it is none, or lies outside the limits.
    """
    figures = value.removesuffix(".0")
    if not (figures.isascii() and figures.isdecimal() and len(figures) < 10 and lowest <= int(figures) <= highest):
        raise CellRefused(findings.NUMBER_INVALID)
    return int(figures)


def _number(name: str) -> Parse:
    lowest, highest = _LIMITS.get(name, (0, _MOST))
    return lambda value: whole_number(value, lowest, highest)


def birth_date_parser(today: date) -> Parse:
    """Reads days on which somebody may have been born."""

    def parse(value: str) -> Value:
        day = date_of(value)
        if day > today:
            raise CellRefused(findings.BIRTH_DATE_IN_FUTURE)
        return day

    return parse


def _parser(column: sa.Column[object]) -> Parse:
    kind = column.type
    if isinstance(kind, pg.ENUM) and kind.enum_class is not None and issubclass(kind.enum_class, Term):
        return _member_of(kind.enum_class)
    if isinstance(kind, sa.Boolean):
        return _boolean
    if isinstance(kind, sa.Integer):
        return _number(column.name)
    if isinstance(kind, sa.Date):
        return date_of
    return neighbourhood if column.name in _NEIGHBOURHOODS else _as_it_is


FAMILY_PARSERS: Final[Mapping[str, Parse]] = MappingProxyType(
    {
        **{name: _parser(family.c[name]) for name in FAMILY_ATTRIBUTES if name not in LOCATION},
        "percentile": _number("percentile"),
        "ranked_on": date_of,
    }
)
"""How the columns of a family are read, but for its numbers, its village and its location."""
PERSON_PARSERS: Final[Mapping[str, Parse]] = MappingProxyType(
    {name: _parser(person.c[name]) for name in PERSON_ATTRIBUTES}
)
"""How the columns of a person are read, but for the NIK; see ``birth_date_parser``, too."""

REQUIRED: Final[Mapping[str, Finding]] = MappingProxyType(
    {"name": findings.NAME_MISSING, "relationship": findings.CODE_MISSING, "sex": findings.CODE_MISSING}
)
"""What is told of an empty cell where a person cannot be without the column."""


def _allowed(column: sa.Column[object]) -> tuple[str, ...]:
    kind = column.type
    return tuple(kind.enums) if isinstance(kind, pg.ENUM) else tuple(_BOOLEANS) if isinstance(kind, sa.Boolean) else ()


ALLOWED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {column.name: values for table in (family, person) for column in table.c if (values := _allowed(column))}
)
"""The stable names that a column takes, if it takes no others."""


def _memo(name: str, parse: Parse) -> Memo:
    missing = PRESENT if name == "presence" else REQUIRED.get(name, NULL)
    return (TextMemo if parse is _as_it_is else Memo)(parse, missing)


def family_memos() -> dict[str, Memo]:
    """A memo for each column of ``FAMILY_PARSERS``."""
    return {name: _memo(name, parse) for name, parse in FAMILY_PARSERS.items()}


def person_memos(today: date) -> dict[str, Memo]:
    """A memo for each column of ``PERSON_PARSERS``; nobody is born after ``today``."""
    return {
        name: _memo(name, birth_date_parser(today) if name == "birth_date" else parse)
        for name, parse in PERSON_PARSERS.items()
    }
