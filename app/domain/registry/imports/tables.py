"""Rows of families and persons under the registry's own names, on their way to the staging tables.

What a province's file holds again and again (names of values, dates, prefixes of numbers) is looked up instead of parsed,
so a row that nothing is wrong with goes through a few dictionaries in ``add``; any other row goes through ``_careful``,
which tells what is wrong with each of its cells. Nothing is kept between rows: a person names the family by a keyed
digest, and SQL joins them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import chain
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
from app.domain.registry.imports.models import FAMILY_ATTRIBUTES, PERSON_ATTRIBUTES, RowSubject, Severity
from app.domain.registry.imports.numbers import KkDates, KkPrefixes, PlainNiks, is_plain_number, staged_kk, staged_nik
from app.domain.registry.imports.runs import (
    FAMILY_ALONE,
    FAMILY_RUNS,
    FAMILY_VALUES,
    PERSON_ALONE,
    PERSON_RUNS,
    PERSON_VALUES,
    Run,
    Unusual,
)
from app.domain.registry.imports.staging import Number, ParcelWriter, Row, StagedNik
from app.domain.registry.imports.villages import Villages
from app.domain.registry.sealing import mask

KEYS: Final = ("kk", "family_key")
"""What joins persons and families: the KK number, and where a family has none, a key of the file's own."""
FAMILY_NAMES: Final = (*KEYS, "village", "percentile", "ranked_on", *FAMILY_ATTRIBUTES)
PERSON_NAMES: Final = (*KEYS, "nik", *PERSON_ATTRIBUTES)
_ABSENT: Final = -1
"""Where a row has a blank for every column that the file does not have: one is put behind its last cell."""
_NO_MEMOS: Final[Mapping[str, Memo]] = MappingProxyType({})

# Among all values of a person or family; those that stand alone come first, in a plain row, too.
_RELATIONSHIP, _SEX, _BIRTH_DATE, _PREGNANT = map(
    PERSON_VALUES.index, ("relationship", "sex", "birth_date", "pregnant")
)
_PERCENTILE, _DECILE, _LATITUDE, _LONGITUDE = map(
    FAMILY_VALUES.index, ("percentile", "decile", "latitude", "longitude")
)
_SEX_OF_RUN, _PREGNANT_OF_RUN = next(
    (run.index("sex"), run.index("pregnant")) for run in PERSON_RUNS if "pregnant" in run
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
        """What takes the cells of ``names``, at least two, from a row; those of a location, which is read as a pair, as blanks."""
        picked: Callable[[Sequence[str]], tuple[str, ...]] = itemgetter(
            *(_ABSENT if name in LOCATION else self.at(name) for name in names)
        )
        return picked


class _Keys:
    """Family keys as COPY text: the digest of the KK number, or of the file's own key."""

    def __init__(self, writer: ParcelWriter, layout: Layout) -> None:
        self._writer = writer
        self._seal = writer.seal
        self._layout = layout
        self._kk, self._own = layout.at("kk"), layout.all_at("family_key")
        self._last: str | None = None
        self._key = NULL

    def of(self, cell: str) -> str | None:
        """The key of a cell that holds a KK number and nothing else, None of any other; the members of a family mostly follow
        one another."""
        if cell != self._last:
            if not is_plain_number(cell):
                return None
            self._last, self._key = cell, self._digest(cell)
        return self._key

    def _digest(self, kk: str) -> str:
        return rf"\\x{self._seal.digest(kk)}"

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
        return self._digest(digits), judged.number

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
        self,
        writer: ParcelWriter,
        layout: Layout,
        memos: Mapping[str, Mapping[str, str]],
        alone: Sequence[str],
        runs: Mapping[tuple[str, ...], Callable[[Sequence[str]], bool] | None],
    ) -> None:
        """``memos`` know the columns, which are looked up ``alone`` or in ``runs``; those know which values are unusual together."""
        names = [*alone, *chain.from_iterable(runs)]
        self._writer = writer
        self._titles = [layout.title(name) for name in names]
        self._memos = [memos[name] for name in names]
        self._pick = layout.pick(names)
        self._memos_alone, self._pick_alone = self._memos[: len(alone)], layout.pick(alone)
        self._runs = [
            (layout.pick(run), Run([memos[name] for name in run], is_unusual)) for run, is_unusual in runs.items()
        ]

    def plain(self, cells: Sequence[str]) -> list[str]:
        """The values of a row that nothing is wrong with: those that stand alone, and those of each run as one.

        Raises:
            CellRefused: something is wrong.
            Unusual: something may be.
        """
        values = list(map(getitem, self._memos_alone, self._pick_alone(cells)))
        values += [run["\t".join(pick(cells))] for pick, run in self._runs]
        return values

    def told(self, row: Row, cells: Sequence[str]) -> list[str]:
        """The values of a row, one by one; a cell that is refused is told and NULL."""
        values = []
        for title, memo, cell in zip(self._titles, self._memos, self._pick(cells), strict=True):
            try:
                values.append(memo[cell])
            except CellRefused as refusal:
                self._writer.issue(row, title, cell, refusal.finding, _severity(refusal))
                values.append(NULL)
        return values


def _has_percentile_alone(values: Sequence[str]) -> bool:
    percentile, _, decile = values
    return decile == NULL != percentile


def _is_pregnant_man(values: Sequence[str]) -> bool:
    return values[_PREGNANT_OF_RUN] == "t" and values[_SEX_OF_RUN] != "FEMALE"


class FamilyRows:
    """Stages families."""

    def __init__(self, writer: ParcelWriter, layout: Layout, memos: Mapping[str, Memo] = _NO_MEMOS) -> None:
        """Stage to ``writer`` the rows of a table; ``memos`` are those of columns that it writes in its own way."""
        reading = writer.reading
        ours = family_memos() | dict(memos)
        self._writer = writer
        self._seal = writer.seal
        self._layout = layout
        self._width = layout.width + 1
        self._kk, self._village = layout.at("kk"), layout.at("village")
        self._latitude, self._longitude = layout.at("latitude"), layout.at("longitude")
        self._values = _Values(
            writer,
            layout,
            ours | {name: {"": NULL} for name in LOCATION},
            FAMILY_ALONE,
            {run: _has_percentile_alone if "percentile" in run else None for run in FAMILY_RUNS},
        )
        self._villages = Villages(reading)
        self._keys = _Keys(writer, layout)
        self._prefixes, self._dates = KkPrefixes(reading), KkDates()

    def add(self, line: int, cells: list[str]) -> None:
        """Stage a row, of which ``cells`` has a blank at its end."""
        if len(cells) != self._width or (key := self._keys.of(kk := cells[self._kk])) is None:
            return self._careful(line, cells)
        regency = self._prefixes[kk[:4]]
        if regency is None or not self._dates[kk[6:12]]:
            return self._careful(line, cells)
        try:
            village = self._villages[cells[self._village]]
            values = self._values.plain(cells)
            if cells[self._latitude] or cells[self._longitude]:
                north, east = float(cells[self._latitude]), float(cells[self._longitude])
                if not is_in_indonesia(north, east):
                    return self._careful(line, cells)
                values[_LATITUDE], values[_LONGITUDE] = repr(north), repr(east)
        except (CellRefused, Unusual, ValueError):
            return self._careful(line, cells)
        joined = "\t".join(values)
        self._writer.families.append(
            f"{self._writer.start}{line}\t{uuid7()}\t{key}\t{village}\t\\\\x{self._seal.sealed(kk)}\t{key}\t"
            f"{mask(kk)}\t{regency}\t{joined}\n"
        )
        return None

    def _careful(self, line: int, cells: list[str]) -> None:
        writer, row = self._writer, Row(RowSubject.FAMILY, line)
        if not any(cell.strip() for cell in cells):
            return
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
        self._seal = writer.seal
        self._layout = layout
        self._width = layout.width + 1
        self._kk, self._nik = layout.at("kk"), layout.at("nik")
        self._values = _Values(
            writer,
            layout,
            ours,
            PERSON_ALONE,
            {run: _is_pregnant_man if "pregnant" in run else None for run in PERSON_RUNS},
        )
        self._relationship, self._relationships = layout.at("relationship"), ours["relationship"]
        self._keys = _Keys(writer, layout)
        self._niks = PlainNiks(reading)
        self._families = families

    def add(self, line: int, cells: list[str]) -> None:
        """Stage a row, of which ``cells`` has a blank at its end."""
        if len(cells) != self._width or (key := self._keys.of(cells[self._kk])) is None:
            return self._careful(line, cells)
        try:
            values = self._values.plain(cells)
        except (CellRefused, Unusual):
            return self._careful(line, cells)
        nik, seal = cells[self._nik], self._seal
        shown = self._niks.shown(nik, values[_BIRTH_DATE])
        if shown is None:
            return self._careful(line, cells)
        joined = "\t".join(values)
        self._writer.persons.append(
            f"{self._writer.start}{line}\t{uuid7()}\t{key}\t\\\\x{seal.sealed(nik)}\t\\\\x{seal.digest(nik)}\t{mask(nik)}\t"
            f"{shown}\t{joined}\n"
        )
        if self._families is not None and self._relationships[cells[self._relationship]] == "HEAD":
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
