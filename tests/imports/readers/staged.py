"""What a reader staged, as rows of named cells."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

from app.domain.registry.enums import Sex
from app.domain.registry.imports.formats.profile import Profile
from app.domain.registry.imports.models import ImportFormat
from app.domain.registry.imports.parcels import FAMILY_COPY, ISSUE_COPY, PERSON_COPY, Parcel, Reading, read_parcels
from app.domain.registry.sealing import Seal
from app.tenants.region_path import Span
from tests.registry.opensid_files import nik_of

SEAL: Final = Seal({"test": bytes(range(32))}, bytes(32))
TODAY: Final = date(2026, 11, 22)
VILLAGE: Final = 3302012001
VILLAGES: Final = {"33.02.01.2001": VILLAGE, "33.02.01.2002": 3302012002, "3302010001": 3302012003}
Cell = str | None
Row = dict[str, Cell]
_ESCAPED: Final = re.compile(r"\\(.)")
_UNESCAPED: Final = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


class Staged(NamedTuple):
    families: list[Row]
    persons: list[Row]
    issues: list[Row]

    @property
    def told(self) -> list[tuple[str, int, str, str, str, str]]:
        """Every issue: subject, line, column, value shown, code, severity."""
        return [
            (
                said["subject"] or "",
                int(said["line"] or 0),
                said["column_name"] or "",
                said["value_masked"] or "",
                said["code"] or "",
                said["severity"] or "",
            )
            for said in self.issues
        ]

    @property
    def codes(self) -> list[str | None]:
        return [said["code"] for said in self.issues]


def reading_of(**changes: Any) -> Reading:
    values: dict[str, Any] = {
        "import_id": UUID(int=7),
        "villages": Span(3300000000, 3399999999),
        "seal": SEAL,
        "today": TODAY,
        "test_provinces": frozenset({"99"}),
        "village_of": VILLAGES.get,
        "default_village": None,
    }
    return Reading(**values | changes)


def parcels_of(
    content: bytes,
    file_format: ImportFormat = ImportFormat.KESOS_CSV,
    *,
    profile: Profile | None = None,
    encoding: str = "utf-8-sig",
    **reading: Any,
) -> Iterator[Parcel]:
    return read_parcels(
        io.BytesIO(content), format=file_format, profile=profile, encoding=encoding, reading=reading_of(**reading)
    )


def staged(content: bytes, file_format: ImportFormat = ImportFormat.KESOS_CSV, **options: Any) -> Staged:
    return staged_of(parcels_of(content, file_format, **options))


def staged_of(parcels: Iterable[Parcel]) -> Staged:
    found = Staged([], [], [])
    for parcel in parcels:
        for rows, copied, columns in zip(found, parcel[:3], (FAMILY_COPY, PERSON_COPY, ISSUE_COPY), strict=True):
            lines = copied.decode().split("\n")
            assert lines.pop() == ""
            rows += [dict(zip(columns, map(_cell, line.split("\t")), strict=True)) for line in lines]
        assert parcel.family_count == parcel.families.count(b"\n")
        assert parcel.person_count == parcel.persons.count(b"\n")
        assert 0 <= parcel.read <= 1
    keys = [(said["subject"], said["line"], said["code"], said["column_name"]) for said in found.issues]
    assert len(keys) == len(set(keys)), "an issue is told twice, so COPY would break its key"
    for rows in (found.families, found.persons):
        assert len(rows) == len({row["line"] for row in rows}), "two rows share a line, so COPY would break their key"
    return found


def _cell(text: str) -> Cell:
    if text == r"\N":
        return None
    assert not re.search(r"(?<!\\)(\\\\)*\\[^trn\\]", text), text
    return _ESCAPED.sub(lambda found: _UNESCAPED[found[1]], text)


def opened(cell: Cell) -> str:
    """The number inside a sealed cell."""
    assert cell is not None
    assert cell.startswith(r"\x")
    return SEAL.unseal(bytes.fromhex(cell[2:]))


def digest(number: str) -> str:
    return rf"\x{SEAL.digest(number).hex()}"


def kk_of(serial: int) -> str:
    return f"993302170817{serial:04}"


def man(serial: int, **cells: str) -> dict[str, str]:
    """The head of family ``serial``, born on 1 February 1990."""
    return {
        "kk": kk_of(serial),
        "nik": nik_of("993302", date(1990, 2, 1), Sex.MALE, serial),
        "relationship": "HEAD",
        "name": f"PENDUDUK {serial}",
        "sex": "MALE",
        "birth_date": "1990-02-01",
        **cells,
    }


def home(serial: int, **cells: str) -> dict[str, str]:
    """Family ``serial`` in village 33.02.01.2001."""
    return {"kk": kk_of(serial), "village": "33.02.01.2001", **cells}


def csv_of(rows: Sequence[Mapping[str, str]], headers: Sequence[str] | None = None) -> str:
    names = headers or list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in rows)
    return text.getvalue()


def zip_of(**members: str | bytes) -> bytes:
    return zip_of_files({f"{name}.csv": text for name, text in members.items()})


def zip_of_files(files: Mapping[str, str | bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def kesos(families: Sequence[Mapping[str, str]], persons: Sequence[Mapping[str, str]]) -> bytes:
    """Both as the zip of Kesos CSV."""
    return zip_of(families=csv_of(families), persons=csv_of(persons))
