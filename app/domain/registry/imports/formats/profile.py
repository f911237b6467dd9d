"""Mapping profiles: TOML files that say how a registry of another system becomes ours (docs/imports/mapping-profiles.md).

A profile names the sheets of a workbook (or the files of a zip, or the one csv), the column that fills each of ours, what
its codes mean, how it writes dates, whose village codes it uses and what joins families and persons. Nothing else is code.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from app.domain.base import DomainError
from app.domain.regions.models import CodeNamespace
from app.domain.registry.copy_text import Value
from app.domain.registry.imports import reading_findings as findings
from app.domain.registry.imports.cell_values import (
    ALLOWED,
    FAMILY_PARSERS,
    LOCATION,
    PERSON_PARSERS,
    PRESENT,
    REQUIRED,
    Memo,
    Parse,
    birth_date_parser,
)
from app.domain.registry.imports.cells import CellRefused, day_of
from app.domain.registry.imports.staging import Reading

SHIPPED: Final = "app.domain.registry.imports.profiles"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_LONGEST: Final = 200_000
_SHOWN_ERRORS: Final = 5
_DATE_PARTS: Final = frozenset("dmYyBbj")
_DATES: Final = frozenset({"birth_date", "ranked_on", *(name for name in FAMILY_PARSERS if name.startswith("last_"))})


class ProfileInvalid(DomainError):
    """A profile cannot be used; the text names each place in it and what belongs there."""

    code = "IMPORT_PROFILE_INVALID"
    fields = ("profile",)

    def __init__(self, errors: list[str]) -> None:
        said = "; ".join(errors[:_SHOWN_ERRORS])
        more = len(errors) - _SHOWN_ERRORS
        rest = (f" (dan {more} lagi)", f" (and {more} more)") if more > 0 else ("", "")
        super().__init__(
            f"Profil pemetaan tidak dapat dipakai: {said}{rest[0]}.",
            f"The mapping profile cannot be used: {said}{rest[1]}.",
        )
        self.errors = tuple(errors)


class ProfileUnknown(DomainError):
    """There is no profile of that name."""

    code = "IMPORT_PROFILE_UNKNOWN"
    fields = ("profile",)

    def __init__(self, name: str, known: list[str]) -> None:
        there = ", ".join(known) or "-"
        super().__init__(
            f"Tidak ada profil pemetaan bernama {name[:40]!r}. Yang ada: {there}.",
            f"There is no mapping profile called {name[:40]!r}. There are: {there}.",
        )


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnMapping(_Strict):
    """How one of our columns is filled."""

    column: str = Field(min_length=1)
    """The header in the file."""
    codes: str | dict[str, str] | None = None
    """What the file's values mean in ours: a list under ``[codes]`` by its name, or here. An empty meaning is a value that is
    known and says nothing."""
    unknown: Literal["refuse", "skip"] = "refuse"
    """What becomes of a row with a value that is not in ``codes``: refused, or accepted without it and with a warning."""
    dates: str | None = None
    """How the file writes this date, as strftime does; else as the profile does."""


def _mapping(said: Any) -> Any:
    return {"column": said} if isinstance(said, str) else said


_Columns = dict[str, Annotated[ColumnMapping, BeforeValidator(_mapping)]]


class _TableMapping(_Strict):
    sheet: str | None = None
    """The sheet, or the file in the zip; none where the file is one csv or the workbook's first sheet is meant."""
    header_row: int = Field(default=1, ge=1, le=100)
    """The row that holds the headers, counted from 1; rows above it are not read."""
    kk: str | None = None
    """The column of the KK number."""
    key: list[str] = Field(default_factory=list, max_length=8)
    """The columns that together join families and persons where there is no KK number."""
    columns: _Columns = Field(default_factory=dict)

    @model_validator(mode="after")
    def _joins(self) -> Self:
        if self.kk is None and not self.key:
            raise ValueError("name the column of the KK number as `kk`, or the columns that join families as `key`")
        return self


class FamilyMapping(_TableMapping):
    """The table of families."""

    village: str | None = None
    """The column of the village's code; none where the import is about one village."""

    @model_validator(mode="after")
    def _ours(self) -> Self:
        _refuse_unknown(self.columns, {*FAMILY_PARSERS, *LOCATION}, FAMILY_PARSERS)
        return self


class PersonMapping(_TableMapping):
    """The table of persons."""

    nik: str
    """The column of the NIK."""

    @model_validator(mode="after")
    def _ours(self) -> Self:
        _refuse_unknown(self.columns, set(PERSON_PARSERS), PERSON_PARSERS)
        if missing := [name for name in REQUIRED if name not in self.columns]:
            raise ValueError(f"[persons.columns] lacks {', '.join(missing)}: say which columns hold them")
        return self


def _refuse_unknown(columns: Mapping[str, ColumnMapping], known: set[str], parsers: Mapping[str, Parse]) -> None:
    for name, mapping in columns.items():
        if name not in known:
            raise ValueError(f"{name!r} is no column of ours; docs/imports/kesos-csv.md lists them")
        if isinstance(mapping.codes, dict):
            _check_meanings(name, mapping.codes, parsers)
        if mapping.dates is not None:
            if name not in _DATES:
                raise ValueError(f"{name!r} is no date, so it takes no `dates`")
            _check_dates(mapping.dates)


def _check_meanings(name: str, codes: Mapping[str, str], parsers: Mapping[str, Parse]) -> None:
    for code, meaning in codes.items():
        try:
            parse = parsers.get(name)
            if meaning and parse is not None:
                parse(meaning)
        except CellRefused:
            raise ValueError(f"the code {code!r} of {name!r} cannot mean {meaning!r}; {_meanings(name)}") from None


def _meanings(name: str) -> str:
    terms = ALLOWED.get(name)
    return f"it may mean {', '.join(terms)}" if terms else "see docs/imports/kesos-csv.md"


def _check_dates(pattern: str) -> None:
    parts = re.findall(r"%(.)", pattern)
    if (not {"d", "m"} & set(parts) and "Y" not in parts) or not set(parts) <= _DATE_PARTS:
        raise ValueError(f"{pattern!r} is no way to write a date: use %d, %m and %Y, for instance %d/%m/%Y")


class Profile(_Strict):
    """How files of one other system are read."""

    name: str
    description: str = ""
    village_codes: CodeNamespace = CodeNamespace.KEMENDAGRI
    """Whose codes the villages have: the same ten digits are other places for the Kemendagri and for the BPS."""
    dates: list[str] = Field(default_factory=list, max_length=8)
    """How the system writes dates besides 1990-12-31 and 31-12-1990, as strftime does."""
    families: FamilyMapping
    persons: PersonMapping
    codes: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Code lists by name, for several columns."""

    @model_validator(mode="before")
    @classmethod
    def _namespace(cls, said: Any) -> Any:
        if isinstance(said, dict) and isinstance(said.get("village_codes"), str):
            try:
                return {**said, "village_codes": CodeNamespace(said["village_codes"])}
            except ValueError:
                raise ValueError("village_codes is KEMENDAGRI or BPS") from None
        return said

    @model_validator(mode="after")
    def _lists(self) -> Self:
        for pattern in self.dates:
            _check_dates(pattern)
        for table, parsers in ((self.families, FAMILY_PARSERS), (self.persons, PERSON_PARSERS)):
            for name, mapping in table.columns.items():
                if isinstance(mapping.codes, str):
                    if mapping.codes not in self.codes:
                        raise ValueError(f"{name!r} uses the code list {mapping.codes!r}: add [codes.{mapping.codes}]")
                    _check_meanings(name, self.codes[mapping.codes], parsers)
        if len(self.families.key) != len(self.persons.key):
            raise ValueError("families.key and persons.key join each other, so both name equally many columns")
        return self

    @property
    def namespace(self) -> CodeNamespace:
        """Whose village codes ``Reading.village_of`` must know."""
        return self.village_codes

    @property
    def is_one_table(self) -> bool:
        """Whether the row of each head is its family's row, too."""
        return self.families.sheet == self.persons.sheet

    def memos(self, table: FamilyMapping | PersonMapping, reading: Reading) -> dict[str, Memo]:
        """What writes the columns of ``table``, but for those that are read as ours are."""
        parsers = FAMILY_PARSERS if isinstance(table, FamilyMapping) else PERSON_PARSERS
        return {
            name: self._memo(name, mapping, parsers[name], reading)
            for name, mapping in table.columns.items()
            if name in parsers
        }

    def _memo(self, name: str, mapping: ColumnMapping, parse: Parse, reading: Reading) -> Memo:
        if name == "birth_date":
            parse = birth_date_parser(reading.today)
        if name in _DATES and (patterns := [mapping.dates] if mapping.dates else self.dates):
            parse = _dated(patterns, parse)
        codes = self.codes[mapping.codes] if isinstance(mapping.codes, str) else mapping.codes
        if codes is not None:
            parse = _coded(codes, parse, is_doubt=mapping.unknown == "skip")
        return (
            Memo(parse, PRESENT)
            if name == "presence"
            else Memo(parse, REQUIRED[name])
            if name in REQUIRED
            else Memo(parse)
        )


def _coded(codes: Mapping[str, str], parse: Parse, *, is_doubt: bool) -> Parse:
    meanings = {" ".join(code.split()).casefold(): meaning for code, meaning in codes.items()}

    def read(value: str) -> Value:
        # A workbook holds the code 1 as the figure 1.0.
        meaning = meanings.get(value.casefold(), meanings.get(value.removesuffix(".0")))
        if meaning is None:
            raise CellRefused(findings.ANSWER_UNREADABLE if is_doubt else findings.VALUE_UNKNOWN)
        return parse(meaning) if meaning else None

    return read


def _dated(patterns: list[str], parse: Parse) -> Parse:
    def read(value: str) -> Value:
        for pattern in patterns:
            try:
                day = datetime.strptime(value, pattern)  # noqa: DTZ007  (a date, without a time)
            except ValueError:
                continue
            return parse(day_of(day.year, day.month, day.day).isoformat())
        return parse(value)

    return read


def load_profile(source: Path | str) -> Profile:
    """The profile in a file, or in a text of TOML, or the one that ships under that name.

    Raises:
        ProfileInvalid: it is no TOML or no profile; every error says what to do.
        ProfileUnknown: ``source`` is a name, and no profile of that name ships.
    """
    if isinstance(source, str) and _NAME.fullmatch(source):
        return _parsed(_shipped(source))
    try:
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    except UnicodeDecodeError:
        raise ProfileInvalid(["it is not text in UTF-8: save it so"]) from None
    return _parsed(text)


def known_profiles() -> list[str]:
    """The names of the profiles that ship with Kesos."""
    return sorted(
        entry.name.removesuffix(".toml") for entry in files(SHIPPED).iterdir() if entry.name.endswith(".toml")
    )


def _shipped(name: str) -> str:
    known = known_profiles()
    if name not in known:
        raise ProfileUnknown(name, known)
    return (files(SHIPPED) / f"{name}.toml").read_text(encoding="utf-8")


def _parsed(text: str) -> Profile:
    if len(text) > _LONGEST:
        raise ProfileInvalid([f"it is longer than {_LONGEST:,} characters: move nothing but the mapping into it"])
    try:
        return Profile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ProfileInvalid([f"it is no TOML: {error}"]) from None
    except ValidationError as error:
        raise ProfileInvalid(list(_told(error.errors(include_url=False, include_input=False)))) from None


def _told(errors: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for error in errors:
        place = ".".join(str(part) for part in error["loc"] if part != "function-before[_mapping()]")
        match error["type"]:
            case "missing":
                told = "is missing: add it"
            case "extra_forbidden":
                told = "is not known: look for a typing error, or leave it out"
            case _:
                told = error["msg"].removeprefix("Value error, ")
        yield f"{place}: {told}" if place else told
