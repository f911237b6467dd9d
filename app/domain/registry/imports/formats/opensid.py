"""OpenSID's population file of one village: the landed reader's rows and findings, staged.

The file is about a single village and names none, so the import must be about one. A family's values are the head's, and
where the head has none, those of the first row that has one; so the families, unlike the persons, are kept until the
file ends.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from app.domain.registry.copy_text import Value, fragment, text
from app.domain.registry.enums import FamilyRelationship
from app.domain.registry.errors import FileWithoutRows
from app.domain.registry.imports.file_errors import FileTooLarge, VillageNeeded
from app.domain.registry.imports.models import RowSubject, Severity
from app.domain.registry.imports.numbers import staged_kk, staged_nik
from app.domain.registry.imports.runs import FAMILY_VALUES, PERSON_VALUES
from app.domain.registry.imports.staging import Parcel, ParcelWriter, Reading, Row, StagedNik
from app.domain.registry.imports.villages import Villages
from app.domain.registry.opensid.reader import BrokenRow, PersonRow, ReadRow, read_opensid

MOST_FAMILIES: Final = 150_000
"""Half as many again as the most populous kelurahan has; their addresses take 150 MB."""


@dataclass(slots=True)
class _Family:
    line: int
    has_head: bool
    values: dict[str, Value] = field(repr=False)
    """Those of the head."""
    others: dict[str, Value] = field(repr=False)
    """For each column, that of the first other member who has one."""

    def add(self, row: PersonRow | BrokenRow) -> None:
        values = row.family if isinstance(row, PersonRow) else {}
        if row.is_head and not self.has_head:
            self.line, self.has_head, self.values = row.line, True, dict(values)
        else:
            for column, value in values.items():
                self.others.setdefault(column, value)


def read_opensid_parcels(source: BinaryIO, encoding: str, reading: Reading) -> Iterator[Parcel]:
    """Read OpenSID's population file: csv, xlsx or xlsm.

    Raises:
        VillageNeeded: the import is not about one village.
        FileTooLarge: it has more families than any village.
        DomainError: those of ``parse_opensid``.
    """
    if reading.default_village is None:
        raise VillageNeeded
    size = max(source.seek(0, 2), 1)
    source.seek(0)
    writer = ParcelWriter(reading)
    families: dict[str, _Family] = {}
    empty = True
    for read in read_opensid(source, encoding):
        empty = False
        _stage_person(writer, read)
        if read.row.kk is not None:
            _family_of(read.row.kk, read.row, families).add(read.row)
        if writer.is_full:
            yield writer.hand_over(source.tell() / size)
    if empty:
        raise FileWithoutRows
    village = Villages(reading)[""]
    for kk, family in families.items():
        _stage_family(writer, village, kk, family)
        if writer.is_full:
            yield writer.hand_over(1.0)
    if not writer.is_empty:
        yield writer.hand_over(1.0)


def _family_of(kk: str, row: PersonRow | BrokenRow, families: dict[str, _Family]) -> _Family:
    if kk not in families:
        if len(families) >= MOST_FAMILIES:
            raise FileTooLarge(MOST_FAMILIES)
        families[kk] = _Family(row.line, has_head=False, values={}, others={})
    return families[kk]


def _key(writer: ParcelWriter, row: PersonRow | BrokenRow) -> str:
    if row.kk is None:
        return writer.key_of("line", str(row.line))
    return text(writer.reading.seal.digest(row.kk))


def _stage_person(writer: ParcelWriter, read: ReadRow) -> None:
    row = read.row
    place = Row(RowSubject.PERSON, row.line)
    for issues, severity in ((read.errors, Severity.ERROR), (read.warnings, Severity.WARNING)):
        for issue in issues:
            writer.tell(place, issue.column, issue.value, issue.code, severity)
    nik, values = StagedNik(), _known_of(row)
    if isinstance(row, PersonRow):
        if row.nik is not None:
            nik = staged_nik(row.nik, row.birth_date, writer.reading)
            for finding in nik.errors:
                writer.issue(place, "nik", row.nik, finding)
        for finding in staged_kk(row.kk, writer.reading).errors:
            writer.issue(place, "no_kk", row.kk, finding)
    writer.person(row.line, _key(writer, row), nik, fragment(PERSON_VALUES, values))


def _known_of(row: PersonRow | BrokenRow) -> Mapping[str, Value]:
    if isinstance(row, BrokenRow):
        return {"relationship": FamilyRelationship.HEAD} if row.is_head else {}
    values: dict[str, Value] = {**row.columns, "temporary_id": row.temporary_id}
    if row.nik is None:
        values["no_nik_reason"] = row.no_nik_reason
    return values


def _stage_family(writer: ParcelWriter, village: str, kk: str, family: _Family) -> None:
    place = Row(RowSubject.FAMILY, family.line)
    judged = staged_kk(kk, writer.reading)
    for finding in judged.errors:
        writer.issue(place, "no_kk", kk, finding)
    for finding in judged.warnings:
        writer.issue(place, "no_kk", kk, finding, Severity.WARNING)
    key = text(writer.reading.seal.digest(kk))
    values = fragment(FAMILY_VALUES, {**family.others, **family.values})
    writer.family(family.line, key, village, judged.number, values)
