"""Kesos CSV: families and persons under the registry's own names (docs/imports/kesos-csv.md).

Either a zip of families.csv and persons.csv, or one csv in which each person's row carries the columns of the family and
the head's row is the one that counts. Rows may stand in any order.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import IO, BinaryIO, Final

from app.domain.registry.errors import FileWithoutRows, HeaderMissing, HeaderRepeated
from app.domain.registry.imports.cells import CellRefused, clean_text
from app.domain.registry.imports.csv_files import CsvRows, open_csv
from app.domain.registry.imports.file_errors import HeaderUnknown, MemberMissing, shown
from app.domain.registry.imports.staging import Parcel, ParcelWriter, Reading
from app.domain.registry.imports.tables import FAMILY_NAMES, KEYS, PERSON_NAMES, FamilyRows, Layout, PersonRows
from app.domain.registry.imports.zips import csv_members, open_member, open_zip

FAMILIES: Final = "families.csv"
PERSONS: Final = "persons.csv"
_PERSON_REQUIRED: Final = ("nik", "relationship", "name", "sex", "birth_date")
_ROWS_BETWEEN_LOOKS: Final = 250
"""At whether there is a parcel of them."""
_ZIP_MAGIC: Final = b"PK\x03\x04"


def _layout(header: Sequence[str], known: Sequence[str], required: Sequence[str], file: str) -> Layout:
    names = [_header(cell) for cell in header]
    if unknown := [cell for cell, name in zip(header, names, strict=True) if name and name not in known]:
        raise HeaderUnknown(unknown, known, file)
    if repeated := sorted(name for name, times in Counter(names).items() if name and times > 1):
        raise HeaderRepeated(repeated)
    missing = [name for name in required if name not in names]
    if not set(KEYS) & set(names):
        missing.append("kk")
    if missing:
        raise HeaderMissing(missing, file or "csv")
    return Layout(len(names), {name: (at,) for at, name in enumerate(names) if name})


def _header(cell: str) -> str:
    try:
        return clean_text(cell).lower()
    except CellRefused:
        return cell


def read_kesos_csv(source: BinaryIO, encoding: str, reading: Reading) -> Iterator[Parcel]:
    """Read a csv, or a zip of families.csv and persons.csv or of a single csv.

    Raises:
        FileUnreadable: no zip that can be read, or no csv in ``encoding``.
        MemberMissing: the zip lacks families.csv or persons.csv.
        MemberRepeated: it has two files of one name.
        HeaderUnknown: names each column that the format does not have.
        HeaderMissing, HeaderRepeated: names the columns.
        FileWithoutRows: there is nobody in it.
    """
    start = source.read(len(_ZIP_MAGIC))
    source.seek(0)
    if start == _ZIP_MAGIC:
        yield from _read_zip(source, encoding, reading)
        return
    size = max(source.seek(0, 2), 1)
    source.seek(0)
    with open_csv(source, encoding) as rows:
        yield from _staged(rows, ParcelWriter(reading), _one_file, lambda: source.tell() / size)


def _read_zip(source: BinaryIO, encoding: str, reading: Reading) -> Iterator[Parcel]:
    with open_zip(source) as archive:
        names = csv_members(archive)
        if len(names) == 1 and not {FAMILIES, PERSONS} & set(names):
            tables: list[tuple[str, _Opening]] = [(next(iter(names)), _one_file)]
        else:
            tables = [(FAMILIES, _families), (PERSONS, _persons)]
        if missing := [name for name, _ in tables if name not in names]:
            raise MemberMissing(missing)
        sizes = [archive.getinfo(names[name]).file_size for name, _ in tables]
        writer, before, total = ParcelWriter(reading), 0, max(sum(sizes), 1)
        for (name, opening), size in zip(tables, sizes, strict=True):
            with open_member(archive, names[name]) as member, open_csv(member, encoding, shown(name)) as rows:

                def read(member: IO[bytes] = member, before: int = before) -> float:
                    return (before + member.tell()) / total

                yield from _staged(rows, writer, opening, read, name)
            before += size


_Add = Callable[[int, list[str]], None]
_Opening = Callable[[ParcelWriter, Sequence[str], str], tuple[_Add, bool]]
"""From the header of a file to what takes its rows, and whether somebody must be in it."""


def _village_needed(reading: Reading) -> tuple[str, ...]:
    return () if reading.default_village is not None else ("village",)


def _families(writer: ParcelWriter, header: Sequence[str], file: str) -> tuple[_Add, bool]:
    layout = _layout(header, FAMILY_NAMES, _village_needed(writer.reading), file)
    return FamilyRows(writer, layout).add, False


def _persons(writer: ParcelWriter, header: Sequence[str], file: str) -> tuple[_Add, bool]:
    return PersonRows(writer, _layout(header, PERSON_NAMES, _PERSON_REQUIRED, file)).add, True


def _one_file(writer: ParcelWriter, header: Sequence[str], file: str) -> tuple[_Add, bool]:
    known = tuple(dict.fromkeys((*PERSON_NAMES, *FAMILY_NAMES)))
    layout = _layout(header, known, (*_PERSON_REQUIRED, *_village_needed(writer.reading)), file)
    return PersonRows(writer, layout, families=FamilyRows(writer, layout)).add, True


def _staged(
    rows: CsvRows, writer: ParcelWriter, opening: _Opening, read: Callable[[], float], file: str = ""
) -> Iterator[Parcel]:
    lines = iter(rows)
    _, header = next(lines, (0, []))
    add, somebody_needed = opening(writer, header, file)
    empty = True
    rows_left = _ROWS_BETWEEN_LOOKS
    # A row is done with before the next is read: its cells are then still in the cache of the processor.
    for line, cells in lines:
        if cells:
            cells.append("")
            add(line, cells)
        rows_left -= 1
        if not rows_left:
            rows_left = _ROWS_BETWEEN_LOOKS
            if writer.is_full:
                empty = False
                yield writer.hand_over(read())
    if not writer.is_empty:
        empty = False
        yield writer.hand_over(read())
    if empty and somebody_needed:
        raise FileWithoutRows
