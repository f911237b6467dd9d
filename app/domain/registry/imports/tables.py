"""Rows of families and persons under the registry's own names, on their way to the staging tables.

What a province's file holds again and again (names of values, dates, prefixes of numbers) is looked up instead of parsed,
so a row that nothing is wrong with goes through a few dictionaries in ``add``; any other row goes through ``_careful``,
which tells what is wrong with each of its cells. Nothing is kept between rows: a person names the family by a keyed
digest, and SQL joins them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import getitem, itemgetter
from types import MappingProxyType
from typing import Final

from uuid_utils import uuid7

from app.domain.registry.copy_text import NULL
from app.domain.registry.imports import reading_findings as findings
from app.domain.registry.imports.cell_values import LOCATION, Memo, family_memos, person_memos
from app.domain.registry.imports.cells import (
    NOTHING_CODED,
    CellRefused,
    clean_text,
    digits_of,
    is_in_indonesia,
    location_of,
)
from app.domain.registry.imports.models import PERSON_ATTRIBUTES, RowSubject, Severity
from app.domain.registry.imports.numbers import KkDates, KkPrefixes, NikDates, NikPrefixes, staged_kk, staged_nik
from app.domain.registry.imports.staging import FAMILY_VALUES, Number, ParcelWriter, Row, StagedNik
from app.domain.registry.imports.villages import Villages
from app.domain.registry.nik import is_serial
from app.domain.registry.sealing import mask

KEYS: Final = ("kk", "family_key")
"""What joins persons and families: the KK number, and where a family has none, a key of the file's own."""
FAMILY_NAMES: Final = (*KEYS, "village", *FAMILY_VALUES)
PERSON_NAMES: Final = (*KEYS, "nik", *PERSON_ATTRIBUTES)
_NIK_DIGITS: Final = 16
_ABSENT: Final = -1
"""Where a row has a blank for every column that the file does not have: one is put behind its last cell."""
_NO_MEMOS: Final[Mapping[str, Memo]] = MappingProxyType({})

_PERSON_AT: Final = {name: at for at, name in enumerate(PERSON_ATTRIBUTES)}
_RELATIONSHIP, _SEX, _BIRTH_DATE, _PREGNANT = (
    _PERSON_AT[name] for name in ("relationship", "sex", "birth_date", "pregnant")
)
_FAMILY_AT: Final = {name: at for at, name in enumerate(FAMILY_VALUES)}
_PERCENTILE, _DECILE, _LATITUDE, _LONGITUDE = (
    _FAMILY_AT[name] for name in ("percentile", "decile", "latitude", "longitude")
)


class Layout:
    """Where the columns of a table stand, and what its file calls them."""

    def __init__(
        self, width: int, at: Mapping[str, Sequence[int]], titles: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """``width`` is the number of headers; ``at`` tells the columns of each of our names, of which only a key has several."""
        self.width = width
        self._at = at
        self._titles = titles

    def all_at(self, name: str) -> tuple[int, ...]:
        """Where the columns of a key stand; a blank where it has none."""
        return tuple(self._at.get(name, ())) or (_ABSENT,)

    def at(self, name: str) -> int:
        """Where a column stands."""
        return self.all_at(name)[0]

    def title(self, name: str) -> str:
        """What the file calls a column."""
        return self._titles.get(name, name)

    def pick(self, names: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """What takes the cells of ``names``, at least two, from a row."""
        picked: Callable[[Sequence[str]], tuple[str, ...]] = itemgetter(*map(self.at, names))
        return picked


class _Keys:
    """Family keys as COPY text: the digest of the KK number, or of the file's own key."""

    def __init__(self, writer: ParcelWriter, layout: Layout) -> None:
        self._writer = writer
        self._seal = writer.reading.seal
        self._layout = layout
        self._kk, self._own = layout.at("kk"), layout.all_at("family_key")
        self._last = ("", "")

    def of(self, kk: str) -> str:
        """The key of a KK number; the members of a family mostly follow one another."""
        last, key = self._last
        if kk != last:
            key = rf"\\x{self._seal.digest(kk).hex()}"
            self._last = (kk, key)
        return key

    def read(self, row: Row, cells: Sequence[str]) -> tuple[str, Number | None]:
        """The key of a row and its KK number, whatever is in its cells."""
        title = self._layout.title("kk")
        digits, own = self._digits(row, cells[self._kk], title), ""
        if not digits:
            own = self._own_key(row, cells)
            if digits == "" == own:
                self._writer.issue(row, title, cells[self._kk], findings.KK_MISSING)
            return self._writer.key_of("own" if own else f"{row.subject.value} line", own or str(row.line)), None
        judged = staged_kk(digits, self._writer.reading)
        for finding in judged.errors:
            self._writer.issue(row, title, digits, finding)
        if row.subject is RowSubject.FAMILY:
            for finding in judged.warnings:
                self._writer.issue(row, title, digits, finding, Severity.WARNING)
        return self.of(digits), judged.number

    def _digits(self, row: Row, cell: str, title: str) -> str | None:
        """The digits of a KK number, empty where there is none, None where the cell is refused."""
        try:
            value = clean_text(cell)
            return "" if value in NOTHING_CODED else value and digits_of(value)
        except CellRefused as refusal:
            self._writer.issue(row, title, cell, refusal.finding)
            return None

    def _own_key(self, row: Row, cells: Sequence[str]) -> str:
        parts = [cells[at] for at in self._own]
        try:
            own = [clean_text(part) for part in parts]
        except CellRefused as refusal:
            self._writer.issue(row, self._layout.title("family_key"), parts[0], refusal.finding)
            return ""
        return "|".join(own) if any(own) else ""


def _severity(refusal: CellRefused) -> Severity:
    return Severity.WARNING if refusal.is_doubt else Severity.ERROR


class _Values:
    """The plain columns of a table as COPY text."""

    def __init__(
        self, writer: ParcelWriter, layout: Layout, names: Sequence[str], memos: Sequence[Mapping[str, str]]
    ) -> None:
        self.memos = memos
        self.pick = layout.pick(names)
        self._writer = writer
        self._titles = [layout.title(name) for name in names]

    def told(self, row: Row, cells: Sequence[str]) -> list[str]:
        """The values of a row; a cell that is refused is told and NULL."""
        values = []
        for title, memo, cell in zip(self._titles, self.memos, self.pick(cells), strict=True):
            try:
                values.append(memo[cell])
            except CellRefused as refusal:
                self._writer.issue(row, title, cell, refusal.finding, _severity(refusal))
                values.append(NULL)
        return values


class FamilyRows:
    """Stages families."""

    def __init__(self, writer: ParcelWriter, layout: Layout, memos: Mapping[str, Memo] = _NO_MEMOS) -> None:
        """Stage to ``writer`` the rows of a table; ``memos`` are those of columns that it writes in its own way."""
        reading = writer.reading
        ours = family_memos() | dict(memos)
        self._writer = writer
        self._seal = reading.seal
        self._layout = layout
        self._kk, self._village = layout.at("kk"), layout.at("village")
        self._latitude, self._longitude = layout.at("latitude"), layout.at("longitude")
        # Latitude and longitude are read as a pair, so each is picked as blank first.
        self._values = _Values(
            writer,
            layout,
            ["" if name in LOCATION else name for name in FAMILY_VALUES],
            [ours.get(name, {"": NULL}) for name in FAMILY_VALUES],
        )
        self._villages = Villages(reading)
        self._keys = _Keys(writer, layout)
        self._prefixes, self._dates = KkPrefixes(reading), KkDates()

    def add(self, line: int, cells: list[str]) -> None:
        """Stage a row, of which ``cells`` has a blank at its end."""
        kk = cells[self._kk]
        plain = len(kk) == _NIK_DIGITS and kk.isdecimal() and kk.isascii()
        if not plain or len(cells) != self._layout.width + 1:
            return self._careful(line, cells)
        regency = self._prefixes[kk[:4]]
        try:
            village = self._villages[cells[self._village]]
            values = list(map(getitem, self._values.memos, self._values.pick(cells)))
            if cells[self._latitude] or cells[self._longitude]:
                north, east = float(cells[self._latitude]), float(cells[self._longitude])
                if not is_in_indonesia(north, east):
                    return self._careful(line, cells)
                values[_LATITUDE], values[_LONGITUDE] = repr(north), repr(east)
        except (CellRefused, ValueError):
            return self._careful(line, cells)
        if (
            regency is None
            or not self._dates[kk[6:12]]
            or (values[_DECILE] is NULL and values[_PERCENTILE] is not NULL)
        ):
            return self._careful(line, cells)
        key, seal, joined = self._keys.of(kk), self._seal, "\t".join(values)
        self._writer.families.append(
            f"{self._writer.start}{line}\t{uuid7()}\t{key}\t{village}\t\\\\x{seal.seal(kk).hex()}\t{key}\t{mask(kk)}\t"
            f"{regency}\t{joined}\n"
        )
        return None

    def _careful(self, line: int, cells: list[str]) -> None:
        writer, row = self._writer, Row(RowSubject.FAMILY, line)
        cells = _in_shape(writer, row, cells, self._layout.width)
        key, number = self._keys.read(row, cells)
        village = self._villages[cells[self._village]]
        values = self._values.told(row, cells)
        values[_LATITUDE], values[_LONGITUDE] = self._location(row, cells[self._latitude], cells[self._longitude])
        if values[_DECILE] == NULL != values[_PERCENTILE]:
            writer.issue(row, self._layout.title("percentile"), values[_PERCENTILE], findings.PERCENTILE_WITHOUT_DECILE)
        writer.family(line, key, village, number, "\t".join(values))

    def _location(self, row: Row, latitude: str, longitude: str) -> tuple[str, str]:
        try:
            pair = clean_text(latitude), clean_text(longitude)
            if pair != ("", ""):
                north, east = location_of(*pair)
                return repr(north), repr(east)
        except CellRefused as refusal:
            title = self._layout.title("latitude")
            self._writer.issue(row, title, latitude, refusal.finding, _severity(refusal))
        return NULL, NULL


class PersonRows:
    """Stages persons and, where ``families`` is given, the family of each head from the same row."""

    def __init__(
        self,
        writer: ParcelWriter,
        layout: Layout,
        memos: Mapping[str, Memo] = _NO_MEMOS,
        *,
        families: FamilyRows | None = None,
    ) -> None:
        """Stage to ``writer`` the rows of a table; ``memos`` are those of columns that it writes in its own way."""
        reading = writer.reading
        ours = person_memos(reading.today) | dict(memos)
        self._writer = writer
        self._seal = reading.seal
        self._layout = layout
        self._width = layout.width + 1
        self._kk, self._nik = layout.at("kk"), layout.at("nik")
        self._values = _Values(writer, layout, PERSON_ATTRIBUTES, [ours[name] for name in PERSON_ATTRIBUTES])
        self._keys = _Keys(writer, layout)
        self._prefixes, self._dates = NikPrefixes(reading), NikDates(reading)
        self._families = families

    def add(self, line: int, cells: list[str]) -> None:
        """Stage a row, of which ``cells`` has a blank at its end."""
        nik, kk = cells[self._nik], cells[self._kk]
        plain = len(nik) == len(kk) == _NIK_DIGITS and (nik + kk).isdecimal() and (nik + kk).isascii()
        if not plain or len(cells) != self._width:
            return self._careful(line, cells)
        regency, shown = self._prefixes[nik[:6]], self._dates[nik[6:12]]
        try:
            values = list(map(getitem, self._values.memos, self._values.pick(cells)))
        except CellRefused:
            return self._careful(line, cells)
        born, sex = values[_BIRTH_DATE], values[_SEX]
        if (
            regency is None
            or shown is None
            or not is_serial(nik[12:])
            or born == NULL
            or (values[_PREGNANT] == "t" and sex != "FEMALE")
        ):
            return self._careful(line, cells)
        nik_born, nik_sex = shown
        if nik_born != born and nik_born[2:] == born[2:]:
            # The two digits of the year say as well the century that is declared.
            nik_born = born
        seal, joined = self._seal, "\t".join(values)
        self._writer.persons.append(
            f"{self._writer.start}{line}\t{uuid7()}\t{self._keys.of(kk)}\t\\\\x{seal.seal(nik).hex()}\t"
            f"\\\\x{seal.digest(nik).hex()}\t{mask(nik)}\t{nik_born}\t{nik_sex}\t{regency}\t{joined}\n"
        )
        if self._families is not None and values[_RELATIONSHIP] == "HEAD":
            self._families.add(line, cells)
        return None

    def _careful(self, line: int, cells: list[str]) -> None:
        writer, row = self._writer, Row(RowSubject.PERSON, line)
        if not any(cell.strip() for cell in cells):
            return
        cells = _in_shape(writer, row, cells, self._layout.width)
        key, _ = self._keys.read(row, cells)
        values = self._values.told(row, cells)
        born = values[_BIRTH_DATE]
        if born == NULL and not cells[self._layout.at("birth_date")].strip():
            writer.issue(row, self._layout.title("birth_date"), "", findings.BIRTH_DATE_MISSING, Severity.WARNING)
        if values[_PREGNANT] == "t" and values[_SEX] != "FEMALE":
            writer.issue(row, self._layout.title("pregnant"), "true", findings.PREGNANT_NOT_FEMALE, Severity.WARNING)
            values[_PREGNANT] = NULL
        nik = self._number(row, cells[self._nik], None if born == NULL else date.fromisoformat(born))
        writer.person(line, key, nik, "\t".join(values))
        if self._families is not None and values[_RELATIONSHIP] == "HEAD":
            self._families.add(line, cells)

    def _number(self, row: Row, cell: str, born: date | None) -> StagedNik:
        try:
            value = clean_text(cell)
            digits = "" if value in NOTHING_CODED else value and digits_of(value)
        except CellRefused as refusal:
            self._writer.issue(row, self._layout.title("nik"), cell, refusal.finding)
            return StagedNik()
        if not digits:
            self._writer.issue(row, self._layout.title("nik"), value, findings.NIK_ABSENT, Severity.WARNING)
            return StagedNik()
        nik = staged_nik(digits, born, self._writer.reading)
        for finding in nik.errors:
            self._writer.issue(row, self._layout.title("nik"), digits, finding)
        return nik


def _in_shape(writer: ParcelWriter, row: Row, cells: list[str], width: int) -> list[str]:
    """The cells of a row, as many as there are headers, and the blank behind them."""
    if len(cells) == width + 1:
        return cells
    writer.issue(row, "", "", findings.ROW_SHAPE)
    return [*[*cells, *[""] * width][:width], ""]
