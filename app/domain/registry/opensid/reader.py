"""From rows of text to persons with typed values, or to the reason why a row is none."""

import io
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TypeVar

from app.domain.registry.copy_text import Value
from app.domain.registry.enums import FamilyRelationship, NoNikReason, Presence, Sex
from app.domain.registry.errors import FileWithoutRows
from app.domain.registry.imports import reading_findings as findings
from app.domain.registry.imports.cells import (
    NOTHING_CODED,
    CellRefused,
    clean_text,
    date_of,
    digits_of,
    location_of,
    neighbourhood,
)
from app.domain.registry.nik import Finding
from app.domain.registry.opensid import codes
from app.domain.registry.opensid.report import RowIssue
from app.domain.registry.opensid.table import SourceRow, read_rows

_Meaning = TypeVar("_Meaning")
_PROVISIONAL: Final = re.compile(r"0\d{15}", re.ASCII)
"""OpenSID gives a person without NIK the number 0, the village code and five digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """A row that could be read. NIK and KK are what the file says; their rules are not applied yet."""

    line: int
    kk: str = field(repr=False)
    nik: str | None = field(repr=False)
    temporary_id: str | None
    """OpenSID's provisional number of a person without NIK."""
    no_nik_reason: NoNikReason
    """Why there is no NIK, should there be none."""
    name: str = field(repr=False)
    relationship: FamilyRelationship
    sex: Sex
    birth_date: date | None = field(repr=False)
    presence: Presence
    attributes: Mapping[str, Value] = field(repr=False)
    """The other columns of ``person``, each with its value or None."""
    family: Mapping[str, Value] = field(repr=False)
    """The columns of ``family`` that this row has a value for."""

    @property
    def is_head(self) -> bool:
        """Whether this is the head of the family."""
        return self.relationship is FamilyRelationship.HEAD

    @property
    def columns(self) -> dict[str, Value]:
        """All columns of ``person`` that the file fills, but for the identity."""
        return {
            "name": self.name,
            "relationship": self.relationship,
            "presence": self.presence,
            "sex": self.sex,
            "birth_date": self.birth_date,
            **self.attributes,
        }


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """What is known of a row that could not be read: its family, and whether it is the head's row."""

    line: int
    kk: str | None = field(repr=False)
    is_head: bool


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file after reading: the persons in file order, and what is wrong or doubtful, by line."""

    rows: tuple[PersonRow, ...]
    broken: tuple[BrokenRow, ...]
    errors: tuple[RowIssue, ...]
    warnings: tuple[RowIssue, ...]


class _Row:
    """Reads the cells of one row and remembers what was wrong with them."""

    def __init__(self, source: SourceRow) -> None:
        self.line = source.line
        self.errors: list[RowIssue] = []
        self.warnings: list[RowIssue] = []
        self._cells = source.cells
        self._texts: dict[str, str | None] = {}
        if source.misshapen:
            self.refuse("", findings.ROW_SHAPE)

    def refuse(self, column: str, finding: Finding) -> None:
        self.errors.append(RowIssue.of(self.line, column, self._cells.get(column, ""), finding))

    def doubt(self, column: str, finding: Finding) -> None:
        self.warnings.append(RowIssue.of(self.line, column, self._cells.get(column, ""), finding))

    def text(self, column: str) -> str | None:
        """The text of a cell with single blanks; None where it holds nothing or nothing readable."""
        return self._cleaned(column) or None

    def filled(self, column: str) -> str | None:
        """The text of a cell where 0 means nothing, too."""
        value = self.text(column)
        return None if value in NOTHING_CODED else value

    def is_empty(self, column: str) -> bool:
        """Whether a cell holds nothing, or 0; a cell that cannot be read is not empty."""
        value = self._cleaned(column)
        return value is not None and (not value or value in NOTHING_CODED)

    def _cleaned(self, column: str) -> str | None:
        if column not in self._texts:
            self._texts[column] = self._clean(column)
        return self._texts[column]

    def _clean(self, column: str) -> str | None:
        try:
            return clean_text(self._cells.get(column, ""))
        except CellRefused as refusal:
            self.refuse(column, refusal.finding)
            return None

    def code_number(self, column: str, known: Container[int]) -> int | None:
        """The code of a cell; None where there is none."""
        value = self.filled(column)
        if value is None:
            return None
        number = value.removesuffix(".0")
        if not (number.isascii() and number.isdecimal() and int(number) in known):
            self.refuse(column, findings.CODE_UNKNOWN)
            return None
        return int(number)

    def code(self, column: str, meanings: Mapping[int, _Meaning]) -> _Meaning | None:
        """What the code of a cell means; None where there is none."""
        number = self.code_number(column, meanings)
        return None if number is None else meanings[number]

    def required_code(self, column: str, meanings: Mapping[int, _Meaning]) -> _Meaning | None:
        """What the code of a cell means; None, and an error, where there is none."""
        if self.is_empty(column):
            self.refuse(column, findings.CODE_MISSING)
        return self.code(column, meanings)

    def number(self, column: str) -> str | None:
        """The digits of a NIK or KK; None where there is none."""
        value = self.filled(column)
        if value is None:
            return None
        try:
            return digits_of(value)
        except CellRefused as refusal:
            self.refuse(column, refusal.finding)
            return None

    def day(self, column: str) -> date | None:
        """The date of a cell; None where there is none."""
        value = self.filled(column)
        if value is None:
            return None
        try:
            return date_of(value)
        except CellRefused as refusal:
            self.refuse(column, refusal.finding)
            return None

    def location(self) -> dict[str, Value]:
        """Latitude and longitude in degrees; nothing where there are none that can be used."""
        north, east = self.text("lat"), self.text("lng")
        if north is None and east is None:
            return {}
        try:
            latitude, longitude = location_of(north or "", east or "")
        except CellRefused as refusal:
            tell = self.doubt if refusal.finding is findings.COORDINATES_ABROAD else self.refuse
            tell("lat", refusal.finding)
            return {}
        return {"latitude": latitude, "longitude": longitude}


def _pregnancy(row: _Row, sex: Sex | None) -> bool | None:
    pregnant = row.code("hamil", codes.PREGNANT)
    if sex is Sex.FEMALE:
        return pregnant
    if pregnant and sex is Sex.MALE:
        row.doubt("hamil", findings.PREGNANT_NOT_FEMALE)
    return None


def _presence(row: _Row) -> Presence:
    status = row.code_number("status_dasar", {*codes.PRESENCE, codes.STATUS_NOT_VALID})
    if status == codes.STATUS_NOT_VALID:
        row.refuse("status_dasar", findings.STATUS_NOT_VALID)
        status = None
    return Presence.PRESENT if status is None else codes.PRESENCE[status]


def _difficulties(row: _Row) -> dict[str, Value]:
    disability = row.code("cacat_id", codes.DISABILITY)
    if disability is None:
        return {}
    if disability.names_no_function:
        row.doubt("cacat_id", findings.DISABILITY_UNSPECIFIC)
    return dict(disability.difficulties)


def _attributes(row: _Row, sex: Sex | None) -> dict[str, Value]:
    diploma = row.code_number("pendidikan_kk_id", codes.DIPLOMA)
    schooling = codes.schooling(diploma, row.code_number("pendidikan_sedang_id", codes.SCHOOLING))
    occupation = row.code("pekerjaan_id", codes.OCCUPATION) or codes.Occupation(working=None)
    return {
        "birth_place": row.text("tempatlahir"),
        "marital_status": row.code("status_kawin", codes.MARITAL_STATUS),
        "pregnant": _pregnancy(row, sex),
        "has_birth_certificate": True if row.filled("akta_lahir") else None,
        "has_identity_card": row.code("ktp_el", codes.HAS_IDENTITY_CARD),
        "school_participation": schooling.participation,
        "education_level": schooling.level,
        "highest_diploma": None if diploma is None else codes.DIPLOMA[diploma],
        "working": occupation.working,
        "industry": occupation.industry,
        "work_position": occupation.position,
        "own_business": occupation.own_business,
        "health_insurance": row.code("id_asuransi", codes.HEALTH_INSURANCE),
        "difficulty_seeing": None,
        **_difficulties(row),
    }


def _family_values(row: _Row) -> dict[str, Value]:
    rw, rt = row.text("rw"), row.text("rt")
    values = {
        "address": row.text("alamat") or row.text("alamat_sekarang"),
        "hamlet": row.text("dusun"),
        "rw": rw and neighbourhood(rw),
        "rt": rt and neighbourhood(rt),
        **row.location(),
    }
    return {column: value for column, value in values.items() if value is not None}


def _read(row: _Row) -> PersonRow | BrokenRow:
    kk = row.number("no_kk")
    if row.is_empty("no_kk"):
        row.refuse("no_kk", findings.KK_MISSING)
    nik = row.number("nik")
    provisional = nik is not None and _PROVISIONAL.fullmatch(nik) is not None
    if provisional or row.is_empty("nik"):
        row.doubt("nik", findings.NIK_ABSENT)
    name = row.text("nama")
    if row.is_empty("nama"):
        row.refuse("nama", findings.NAME_MISSING)
    relationship = row.required_code("kk_level", codes.RELATIONSHIP)
    sex = row.required_code("sex", codes.SEX)
    birth_date = row.day("tanggallahir")
    if row.is_empty("tanggallahir"):
        row.doubt("tanggallahir", findings.BIRTH_DATE_MISSING)
    presence = _presence(row)
    no_nik_reason = row.code("status_rekam", codes.NO_NIK_REASON) or NoNikReason.OTHER
    attributes = _attributes(row, sex)
    family = _family_values(row)
    if row.errors or kk is None or name is None or relationship is None or sex is None:
        return BrokenRow(row.line, kk, relationship is FamilyRelationship.HEAD)
    return PersonRow(
        line=row.line,
        kk=kk,
        nik=None if provisional else nik,
        temporary_id=nik if provisional else None,
        no_nik_reason=no_nik_reason,
        name=name,
        relationship=relationship,
        sex=sex,
        birth_date=birth_date,
        presence=presence,
        attributes=attributes,
        family=family,
    )


class ReadRow(NamedTuple):
    """One row of a file and what was found in it."""

    row: PersonRow | BrokenRow
    errors: tuple[RowIssue, ...]
    warnings: tuple[RowIssue, ...]


def read_opensid(source: BinaryIO, encoding: str) -> Iterator[ReadRow]:
    """The rows of OpenSID's population file one by one; errors are those of ``parse_opensid``."""
    for source_row in read_rows(source, encoding):
        row = _Row(source_row)
        read = _read(row)
        yield ReadRow(read, tuple(row.errors), tuple(row.warnings))


def parse_opensid(source: Path | bytes, *, encoding: str = "utf-8-sig") -> ParsedFile:
    """Read OpenSID's population file.

    Args:
        source: the file or its content; csv, xlsx or xlsm, told apart by content.
        encoding: of a csv file. Another one than UTF-8 is never guessed: name it, for instance ``cp1252``.

    Raises:
        FileUnreadable: no workbook and no csv in ``encoding``.
        HeaderMissing: one of the columns nama, no_kk, nik, sex, tanggallahir, kk_level is not there.
        HeaderRepeated: a column stands twice.
        FileWithoutRows: nobody is in it.
        SheetTooLarge: the workbook is larger than any village's.
        OSError: ``source`` cannot be opened.
    """
    content = source.read_bytes() if isinstance(source, Path) else source
    read = list(read_opensid(io.BytesIO(content), encoding))
    if not read:
        raise FileWithoutRows
    return ParsedFile(
        rows=tuple(row for row, _, _ in read if isinstance(row, PersonRow)),
        broken=tuple(row for row, _, _ in read if isinstance(row, BrokenRow)),
        errors=tuple(error for _, errors, _ in read for error in errors),
        warnings=tuple(warning for _, _, warnings in read for warning in warnings),
    )
