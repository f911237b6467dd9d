"""The family workbook of Regsosek 2022: five sheets whose rows are joined by the number of the family card.

Sheet 1 lists the families, 3 their houses, 5 the aid they receive and what they own; sheet 4 lists their members, and names
each of them again before every block of questions. Sheet 2 is about the interviewers and is not read. Integer answer
codes drift between questionnaires, so what they mean stands in one file per version (``regsosek_2022k.toml``, which names
its sources); an answer that is not in it is told and left out.

The workbook names its place by codes of the BPS for neighbourhoods (SLS), which do not say the village, so the import must
be about one village.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import BinaryIO, Final

from app.domain.registry.errors import FileWithoutRows
from app.domain.registry.imports import reading_findings as findings
from app.domain.registry.imports.cell_values import FAMILY_PARSERS, PERSON_PARSERS, Memo
from app.domain.registry.imports.cells import CellRefused, clean_text, digits_of
from app.domain.registry.imports.file_errors import SheetHeaderMissing, SheetMissing, VillageNeeded
from app.domain.registry.imports.formats.questionnaires import (
    JOINED,
    KK,
    SPOUSE,
    TEXTS,
    Question,
    Sheet,
    card,
    code_of,
    last_received,
    memo_of,
    questionnaire,
    relationship,
)
from app.domain.registry.imports.models import RowSubject, Severity
from app.domain.registry.imports.staging import Parcel, ParcelWriter, Reading, Row
from app.domain.registry.imports.tables import FamilyRows, Layout, PersonRows
from app.domain.registry.imports.workbooks import Line, Workbook

NIK: Final = "403 nik"
_HEADER_LINES: Final = 8
_LEVELS: Final = " / "
_NUMBERED: Final = re.compile(r"\(\d{1,2}\)")
"""What stands under the headers where somebody has numbered the columns."""
_SHORT: Final = 12
_WHOLE_FILE: Final = 0
"""Line of an issue that no staged row has."""


class _Table:
    """The rows of one sheet and where its columns stand."""

    def __init__(self, workbook: Workbook, name: str, sheet: Sheet, more: Sequence[str] = ()) -> None:
        self.sheet = sheet
        lines = (line for line in workbook.lines(name) if any(line.cells))
        top = list(islice(lines, _HEADER_LINES))
        self.at, last = _headers(top, [*sheet.headers, *more])
        if missing := [header for header in (*sheet.headers, *more) if header not in self.at]:
            raise SheetHeaderMissing(sheet.name, missing)
        self.width = max((len(line.cells) for line in top), default=0)
        body = top[last + 1 :]
        if body and _NUMBERED.fullmatch(body[0].cells[self.at[KK][0]].strip()):
            del body[0]
        self._lines = chain(body, lines)

    def __iter__(self) -> Iterator[Line]:
        return self._lines

    def title(self, header: str) -> str:
        """What an issue of a family calls a column, so that its sheet is known."""
        return f"{self.sheet.name}: {header}"


def _headers(top: Sequence[Line], wanted: Sequence[str]) -> tuple[dict[str, list[int]], int]:
    """Where each header stands, and the last line of headers: they may be one line or several with merged cells."""
    found: dict[str, list[int]] = {}
    last = 0
    for number, line in enumerate(top):
        here: dict[str, list[int]] = {}
        for at, cell in enumerate(line.cells):
            header = " ".join(cell.rpartition(_LEVELS)[2].split()).casefold()
            if header in wanted and header not in found:
                here.setdefault(header, []).append(at)
        if here:
            found |= here
            last = number
    return found, last


class _Families:
    """The families of sheet 1 with the cells of sheets 3 and 5 beside theirs."""

    def __init__(self, writer: ParcelWriter, tables: Sequence[_Table]) -> None:
        self._writer = writer
        self._tables = tables
        self._rows: list[tuple[int, list[str]]] = []
        self._by_kk: dict[str, int] = {}
        self._starts = [0]
        for table in tables:
            self._starts.append(self._starts[-1] + table.width)

    def read(self) -> None:
        """Read all three sheets."""
        first, *others = self._tables
        for line in first:
            kk = _join_key(line.cells[first.at[KK][0]])
            if kk:
                self._by_kk.setdefault(kk, len(self._rows))
            self._rows.append((line.number, self._beside([""] * self._starts[-1], 0, line)))
        for place, table in enumerate(others, start=1):
            self._join(place, table)

    def _beside(self, cells: list[str], place: int, line: Line) -> list[str]:
        # The same answers come again and again; one copy of each is kept.
        kept = [sys.intern(cell) if len(cell) <= _SHORT else cell for cell in line.cells]
        start = self._starts[place]
        cells[start : start + len(kept)] = kept
        return cells

    def _join(self, place: int, table: _Table) -> None:
        at = table.at[KK][0]
        seen: set[int] = set()
        for line in table:
            number = self._by_kk.get(_join_key(line.cells[at]))
            title = table.title(KK)
            if number is None:
                row = Row(RowSubject.FAMILY, _WHOLE_FILE)
                self._writer.issue(row, title, "", findings.FAMILY_NOT_LISTED, Severity.WARNING, other=line.number)
            elif number in seen:
                row = Row(RowSubject.FAMILY, self._rows[number][0])
                self._writer.issue(
                    row, title, line.cells[at], findings.FAMILY_REPEATED, Severity.WARNING, other=line.number
                )
            else:
                seen.add(number)
                self._beside(self._rows[number][1], place, line)

    def stage(self) -> Iterator[Parcel]:
        """Stage every family."""
        at: dict[str, tuple[int, ...]] = {"kk": (self._tables[0].at[KK][0],)}
        titles = {"kk": KK}
        memos: dict[str, Memo] = {}
        aids: list[tuple[int, int, int]] = []
        for start, table in zip(self._starts, self._tables, strict=False):
            for question in table.sheet.questions:
                at[question.column] = (start + table.at[question.header][0],)
                titles[question.column] = table.title(question.header)
                memos[question.column] = memo_of(question, FAMILY_PARSERS[question.column])
            for aid in table.sheet.aids:
                places = [start + table.at[header][0] for header in (aid.header, aid.month, aid.year)]
                aids.append((places[0], places[1], places[2]))
                at[aid.column] = (places[0],)
                titles[aid.column] = table.title(aid.header)
                memos[aid.column] = Memo(last_received)
        rows = FamilyRows(self._writer, Layout(self._starts[-1], at, titles), memos)
        for line, cells in self._rows:
            for answer, month, year in aids:
                if cells[answer].strip():
                    cells[answer] = JOINED.join(cells[place].strip() for place in (answer, month, year))
            rows.add(line, [*cells, ""])
            if self._writer.is_full:
                yield self._writer.hand_over(0.5)


def _join_key(cell: str) -> str:
    try:
        value = clean_text(cell)
        return value and digits_of(value)
    except CellRefused:
        return ""


class _Members:
    """The rows of sheet 4."""

    def __init__(self, writer: ParcelWriter, table: _Table) -> None:
        self._writer = writer
        self._table = table
        at: dict[str, tuple[int, ...]] = {"kk": (table.at[KK][0],), "nik": (table.at[NIK][0],)}
        titles = {"kk": KK, "nik": NIK}
        self._memos: dict[str, Memo] = {}
        self._spouses: frozenset[int] = frozenset()
        for question in table.sheet.questions:
            at[question.column] = (table.at[question.header][0],)
            titles[question.column] = question.header
            if question.column not in TEXTS:
                self._memos[question.column] = self._memo(question)
        for bit, column in table.sheet.cards.items():
            at[column] = (table.at[table.sheet.cards_header][0],)
            titles[column] = table.sheet.cards_header
            self._memos[column] = Memo(card(bit, list(table.sheet.cards)))
        self._sex, self._relationship = at["sex"][0], at["relationship"][0]
        self._blocks = [(titles[column], table.at[titles[column]]) for column in ("name", "nik")]
        self._rows = PersonRows(writer, Layout(table.width, at, titles), self._memos)

    def _memo(self, question: Question) -> Memo:
        parse = PERSON_PARSERS[question.column]
        if question.column != "relationship" or question.codes is None:
            return memo_of(question, parse)
        self._spouses = frozenset(code for code, meaning in question.codes.items() if meaning == SPOUSE)
        return Memo(relationship(question.codes, parse), findings.CODE_MISSING)

    def stage(self) -> Iterator[Parcel]:
        """Stage every member."""
        empty = True
        for line in self._table:
            empty = False
            self._rows.add(line.number, self._one_block(line))
            if self._writer.is_full:
                yield self._writer.hand_over(0.75)
        if empty:
            raise FileWithoutRows

    def _one_block(self, line: Line) -> list[str]:
        """The cells of a member with a blank behind them: name and NIK from the first block that has them."""
        cells = [*line.cells, ""]
        for title, places in self._blocks:
            said = [cells[place] for place in places if cells[place].strip()]
            cells[places[0]] = said[0] if said else ""
            if len({" ".join(cell.split()).casefold() for cell in said}) > 1:
                self._writer.issue(Row(RowSubject.PERSON, line.number), title, said[0], findings.BLOCKS_DIFFER)
        answer = cells[self._relationship].strip()
        if code_of(answer) in self._spouses:
            cells[self._relationship] = f"{answer}{JOINED}{self._sex_of(cells)}"
        return cells

    def _sex_of(self, cells: Sequence[str]) -> str:
        try:
            return self._memos["sex"][cells[self._sex]]
        except CellRefused:
            return ""


def read_regsosek(source: BinaryIO, reading: Reading) -> Iterator[Parcel]:
    """Read the five-sheet workbook.

    Raises:
        VillageNeeded: the import is not about one village.
        FileUnreadable, SheetTooLarge: no workbook that can be read.
        SheetMissing: names every sheet that is read and not there.
        SheetHeaderMissing: names the sheet and every column that is read and has no header of its own.
        FileWithoutRows: sheet 4 names nobody.
    """
    if reading.default_village is None:
        raise VillageNeeded
    version = questionnaire()
    workbook = Workbook(source)
    sheets = (version.place, version.housing, version.belongings, version.members)
    names = [workbook.find(sheet.name) for sheet in sheets]
    if missing := [sheet.name for sheet, name in zip(sheets, names, strict=True) if name is None]:
        raise SheetMissing(missing, workbook.sheets)
    writer = ParcelWriter(reading)
    *families, members = (
        _Table(workbook, name or "", sheet, [NIK] if sheet is version.members else [])
        for sheet, name in zip(sheets, names, strict=True)
    )
    joined = _Families(writer, families)
    joined.read()
    yield from joined.stage()
    yield from _Members(writer, members).stage()
    yield writer.hand_over(1.0)
