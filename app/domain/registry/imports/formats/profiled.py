"""Files of other systems, read as a mapping profile says: a workbook, a csv, or a zip of csv files."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import BinaryIO, Final, Protocol

from app.domain.registry.errors import FileWithoutRows, HeaderMissing, HeaderRepeated
from app.domain.registry.imports.cells import CellRefused, clean_text
from app.domain.registry.imports.csv_files import open_csv
from app.domain.registry.imports.file_errors import MemberUnnamed, SheetMissing, VillageNeeded, shown
from app.domain.registry.imports.formats.profile import FamilyMapping, PersonMapping, Profile
from app.domain.registry.imports.staging import Parcel, ParcelWriter, Reading
from app.domain.registry.imports.tables import FamilyRows, Layout, PersonRows
from app.domain.registry.imports.workbooks import WORKBOOK_MAGIC, Line, Workbook, sheet_key
from app.domain.registry.imports.zips import csv_members, open_member, open_zip

_ROWS_AT_ONCE: Final = 250


class _Tables(Protocol):
    def lines(self, sheet: str | None) -> Iterator[Line]:
        """The lines of a sheet, or of the only one; an empty line may be left out."""


class _CsvFile:
    def __init__(self, source: BinaryIO, encoding: str) -> None:
        self._source = source
        self._encoding = encoding

    def lines(self, sheet: str | None) -> Iterator[Line]:
        if sheet is not None:
            raise SheetMissing([sheet], ["csv"])
        with open_csv(self._source, self._encoding) as rows:
            for number, cells in rows:
                yield Line(number, cells)


class _ZippedCsv:
    def __init__(self, archive: zipfile.ZipFile, names: Mapping[str, str], encoding: str) -> None:
        self._archive = archive
        self._names = names
        self._encoding = encoding

    def lines(self, sheet: str | None) -> Iterator[Line]:
        if sheet is None and len(self._names) > 1:
            raise MemberUnnamed(list(self._names))
        name = next(iter(self._names.values())) if sheet is None else self._names.get(sheet_key(sheet))
        if name is None:
            raise SheetMissing([sheet or "csv"], list(self._names))
        with open_member(self._archive, name) as member, open_csv(member, self._encoding, shown(name)) as rows:
            for number, cells in rows:
                yield Line(number, cells)


class _Sheets:
    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook

    def lines(self, sheet: str | None) -> Iterator[Line]:
        name = next(iter(self._workbook.sheets), None) if sheet is None else self._workbook.find(sheet)
        if name is None:
            raise SheetMissing([sheet or "-"], self._workbook.sheets)
        return self._workbook.lines(name)


def read_with_profile(source: BinaryIO, profile: Profile, encoding: str, reading: Reading) -> Iterator[Parcel]:
    """Read a workbook (xlsx, xlsm), a csv, or a zip of csv files.

    Raises:
        VillageNeeded: the profile names no column of villages, and the import is not about one.
        SheetMissing, HeaderMissing, HeaderRepeated: names what the profile speaks of and the file lacks.
        MemberRepeated: the zip has two files of one name.
        MemberUnnamed: the zip has several files, and the profile does not say which to read.
        FileUnreadable, SheetTooLarge: it is no such file.
        FileWithoutRows: there is nobody in it.
    """
    if profile.families.village is None and reading.default_village is None:
        raise VillageNeeded
    start = source.read(len(WORKBOOK_MAGIC))
    source.seek(0)
    if start != WORKBOOK_MAGIC:
        yield from _read(_CsvFile(source, encoding), profile, reading)
        return
    with open_zip(source) as archive:
        if names := csv_members(archive):
            yield from _read(_ZippedCsv(archive, names, encoding), profile, reading)
            return
    yield from _read(_Sheets(Workbook(source)), profile, reading)


def _read(tables: _Tables, profile: Profile, reading: Reading) -> Iterator[Parcel]:
    writer = ParcelWriter(reading)
    families, persons = profile.families, profile.persons
    family_memos, person_memos = profile.memos(families, reading), profile.memos(persons, reading)
    if profile.is_one_table:
        table = _Table(tables, persons)
        layout = table.layout({**_wanted(families), **_wanted(persons)})
        rows = PersonRows(writer, layout, person_memos, families=FamilyRows(writer, layout, family_memos))
    else:
        table = _Table(tables, families)
        yield from table.stage(writer, FamilyRows(writer, table.layout(_wanted(families)), family_memos))
        table = _Table(tables, persons)
        rows = PersonRows(writer, table.layout(_wanted(persons)), person_memos)
    yield from table.stage(writer, rows)
    if table.is_empty:
        raise FileWithoutRows
    yield writer.hand_over(1.0)


def _wanted(mapping: FamilyMapping | PersonMapping) -> dict[str, list[str]]:
    """The headers of the file for each of our columns."""
    wanted = {name: [each.column] for name, each in mapping.columns.items()}
    if mapping.kk is not None:
        wanted["kk"] = [mapping.kk]
    if mapping.key:
        wanted["family_key"] = list(mapping.key)
    if isinstance(mapping, PersonMapping):
        wanted["nik"] = [mapping.nik]
    elif mapping.village is not None:
        wanted["village"] = [mapping.village]
    return wanted


class _Table:
    """One table of the file from its header row on."""

    def __init__(self, tables: _Tables, mapping: FamilyMapping | PersonMapping) -> None:
        self._name = mapping.sheet or "csv"
        self._lines = (line for line in tables.lines(mapping.sheet) if line.number >= mapping.header_row)
        self._header = next(self._lines, Line(0, ())).cells
        self.is_empty = True

    def layout(self, wanted: Mapping[str, Sequence[str]]) -> Layout:
        places: dict[str, list[int]] = {}
        for place, cell in enumerate(self._header):
            places.setdefault(_header(cell), []).append(place)
        headers = list(dict.fromkeys(header for each in wanted.values() for header in each))
        if missing := [header for header in headers if _header(header) not in places]:
            raise HeaderMissing(missing, shown(self._name))
        if repeated := [header for header in headers if len(places[_header(header)]) > 1]:
            raise HeaderRepeated(repeated)
        at = {name: tuple(places[_header(header)][0] for header in each) for name, each in wanted.items()}
        return Layout(len(self._header), at, {name: " + ".join(each) for name, each in wanted.items()})

    def stage(self, writer: ParcelWriter, rows: FamilyRows | PersonRows) -> Iterator[Parcel]:
        while batch := list(islice(self._lines, _ROWS_AT_ONCE)):
            for number, cells in batch:
                if any(cell.strip() for cell in cells):
                    self.is_empty = False
                    rows.add(number, [*cells, ""])
            if writer.is_full:
                yield writer.hand_over(0.5)


def _header(cell: str) -> str:
    try:
        return clean_text(cell).casefold()
    except CellRefused:
        return cell
