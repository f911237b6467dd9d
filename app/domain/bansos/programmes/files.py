"""Files of programmes: TOML, one programme a file, with its legal bases, terms, relations and quotas (docs/programmes.md)."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.domain.bansos.models.programmes import Benefit, Channel, Fund, Relation
from app.domain.bansos.programmes.drafts import Check, ComponentDraft, Draft, check_draft
from app.domain.bansos.programmes.errors import TermsInvalid
from app.domain.bansos.programmes.periods import begins_period
from app.domain.bansos.terms import Rule
from app.domain.base import DomainError
from app.tenants.region_path import RegionCodeInvalid, RegionLevel, RegionPath

_COUNTRY: Final = "0"
_RULES_APART: Final = 10
_SHOWN_ERRORS: Final = 5
_LONGEST: Final = 200_000
_ID: Final = r"^[A-Z][A-Z0-9-]{2,59}$"


class ProgrammeFileInvalid(DomainError):
    """A file is no programme; the text names each place in it and what belongs there."""

    code = "PROGRAMME_FILE_INVALID"

    def __init__(self, name: str, errors: list[str]) -> None:
        said = "; ".join(errors[:_SHOWN_ERRORS])
        more = len(errors) - _SHOWN_ERRORS
        rest = (f" (dan {more} lagi)", f" (and {more} more)") if more > 0 else ("", "")
        super().__init__(
            f"Berkas program {name} tidak dapat dipakai: {said}{rest[0]}.",
            f"The programme file {name} cannot be used: {said}{rest[1]}.",
        )
        self.errors = tuple(errors)


def _region_code(code: str) -> str:
    if code != _COUNTRY:
        try:
            RegionPath.parse(code)
        except RegionCodeInvalid:
            raise ValueError("write a code with dots, such as 33.02, or 0 for the whole country") from None
    return code


def _regency_code(code: str) -> str:
    if code == _COUNTRY or RegionPath.parse(_region_code(code)).level is not RegionLevel.REGENCY:
        raise ValueError("write the code of a regency or city, such as 33.02")
    return code


Text = Annotated[str, Field(min_length=1, max_length=300)]
Code = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")]
Year = Annotated[int, Field(ge=2000, le=2100)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Valid(_Strict):
    valid_from: date
    valid_to: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from: swap them, or leave valid_to out where no end is known")
        return self


class LegalBasisEntry(_Valid):
    """A regulation."""

    id: str = Field(pattern=_ID)
    title: Text


class RuleEntry(_Strict):
    """A rule that terms name; its code is its key."""

    condition: Annotated[str, Field(min_length=1, max_length=2_000)]
    met: Text
    met_english: Text
    unmet: Text
    unmet_english: Text


class ComponentEntry(_Strict):
    """A component that terms name by its key; ``component`` is its code where several entries are versions of one."""

    component: Code | None = None
    name: Text
    name_english: Text
    condition: Annotated[str, Field(min_length=1, max_length=2_000)]
    most_per_family: int | None = None
    amounts: dict[Annotated[str, Field(pattern=r"^2\d{3}$")], int] = Field(min_length=1)
    """Rupiah a person and year, by the year from which it counts."""


class TermsEntry(_Strict):
    """One version of the terms."""

    version: int = Field(ge=1)
    valid_from: date
    legal_basis: str | None = Field(default=None, pattern=_ID)
    period_months: int
    amount: int | None = None
    most_persons: int | None = None
    second_approval_above: int | None = None
    idle_days: int | None = None
    rules: list[Code]
    components: list[Code] = Field(default_factory=list)


class RelationEntry(_Valid):
    """How the programme stands to another."""

    other: Code
    relation: Relation
    legal_basis: str | None = Field(default=None, pattern=_ID)


class QuotaEntry(_Strict):
    """Quotas of one year by one decree."""

    year: Year
    source: Text
    families: dict[Annotated[str, AfterValidator(_regency_code)], Annotated[int, Field(ge=0, le=10_000_000)]]


class ProgrammeFile(_Valid):
    """A programme as its file says it."""

    code: Code
    name: Text
    name_english: Text
    benefit: Benefit
    fund: Fund
    channels: list[Channel]
    region: Annotated[str, AfterValidator(_region_code)]
    legal_basis: str | None = Field(default=None, pattern=_ID)
    legal_bases: list[LegalBasisEntry] = Field(default_factory=list)
    rules: dict[Code, RuleEntry] = Field(default_factory=dict)
    components: dict[Code, ComponentEntry] = Field(default_factory=dict)
    terms: list[TermsEntry] = Field(default_factory=list)
    relations: list[RelationEntry] = Field(default_factory=list)
    quotas: list[QuotaEntry] = Field(default_factory=list)

    @property
    def path(self) -> RegionPath:
        """The region in which the programme runs."""
        return RegionPath.country() if self.region == _COUNTRY else RegionPath.parse(self.region)

    def draft(self, entry: TermsEntry) -> Draft:
        """The terms ``entry``, with the rules and components that it names."""
        return Draft(
            valid_from=entry.valid_from,
            period_months=entry.period_months,
            legal_basis_id=entry.legal_basis,
            amount=entry.amount,
            most_persons=entry.most_persons,
            second_approval_above=entry.second_approval_above,
            idle_days=entry.idle_days,
            rules=tuple(
                Rule(number * _RULES_APART, code, **self.rules[code].model_dump())
                for number, code in enumerate(entry.rules, start=1)
            ),
            components=tuple(self._component(key) for key in entry.components),
        )

    def _component(self, key: str) -> ComponentDraft:
        entry = self.components[key]
        return ComponentDraft(
            component=entry.component or key,
            name=entry.name,
            name_english=entry.name_english,
            condition=entry.condition,
            most_per_family=entry.most_per_family,
            amounts={int(year): amount for year, amount in entry.amounts.items()},
        )

    def verify(self, check: Check | None = None) -> None:
        """Make sure that what is written in several places fits together; conditions are looked at where ``check`` is given.

        Raises:
            ValueError: it does not; the text says where, and what to do.
        """
        self._check_names()
        for place, entry in enumerate(self.terms):
            try:
                check_draft(self.draft(entry), check)
            except TermsInvalid as error:
                raise ValueError(f"terms.{place}.{error.english}") from error
        for place, (earlier, later) in enumerate(zip(self.terms, self.terms[1:], strict=False), start=1):
            if later.version <= earlier.version or later.valid_from <= earlier.valid_from:
                raise ValueError(
                    f"terms.{place}: write terms in the order of their versions, each valid from a later day"
                )
            if not begins_period(later.valid_from, earlier.period_months):
                raise ValueError(
                    f"terms.{place}.valid_from: begin with a period of the terms before, which are of "
                    f"{earlier.period_months} month(s)"
                )
        for code in [code for quota in self.quotas for code in quota.families]:
            if not self.path.holds(RegionPath.parse(code)):
                raise ValueError(f"quotas: {code} lies outside the region of the programme, {self.region}")

    def _check_names(self) -> None:
        used_rules = {code for entry in self.terms for code in entry.rules}
        used_components = {code for entry in self.terms for code in entry.components}
        for kind, used, known in (
            ("rules", used_rules, set(self.rules)),
            ("components", used_components, set(self.components)),
        ):
            if missing := sorted(used - known):
                raise ValueError(f"terms name {kind} that are not there: add [{kind}.{missing[0]}]")
            if idle := sorted(known - used):
                raise ValueError(f"no terms use [{kind}.{idle[0]}]: name it in their {kind}, or leave it out")
        known_bases = {entry.id for entry in self.legal_bases}
        named = {self.legal_basis, *(e.legal_basis for e in self.terms), *(e.legal_basis for e in self.relations)} - {
            None
        }
        if unknown := sorted(str(each) for each in named - known_bases):
            raise ValueError(f"the legal basis {unknown[0]} is not there: add it to [[legal_bases]]")
        if self.code in [entry.other for entry in self.relations]:
            raise ValueError("relations: a programme does not stand to itself")


def read_programme(text: str, name: str, check: Check | None = None) -> ProgrammeFile:
    """The programme that ``text`` says; ``name`` is what errors call the file.

    Raises:
        ProgrammeFileInvalid: it says none; every error tells what to do.
    """
    if len(text) > _LONGEST:
        raise ProgrammeFileInvalid(name, [f"it is longer than {_LONGEST:,} characters"])
    try:
        programme = ProgrammeFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ProgrammeFileInvalid(name, [f"it is no TOML: {error}"]) from None
    except ValidationError as error:
        raise ProgrammeFileInvalid(name, list(_told(error.errors(include_url=False, include_input=False)))) from None
    try:
        programme.verify(check)
    except ValueError as error:
        raise ProgrammeFileInvalid(name, [str(error)]) from error
    return programme


def read_programme_file(path: Path, check: Check | None = None) -> ProgrammeFile:
    """The programme in the file ``path``.

    Raises:
        ProgrammeFileInvalid: there is none in it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ProgrammeFileInvalid(path.name, ["it is not text in UTF-8: save it so"]) from None
    return read_programme(text, path.name, check)


def shipped_programmes() -> tuple[ProgrammeFile, ...]:
    """The programmes that Kesos ships with, by code."""
    folder = files("app.domain.bansos.programmes") / "data"
    texts = {
        entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")
    }
    read = [read_programme(text, name) for name, text in texts.items()]
    return tuple(sorted(read, key=lambda programme: programme.code))


def _told(errors: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for error in errors:
        place = ".".join(str(part) for part in error["loc"])
        match error["type"]:
            case "missing":
                told = "is missing: add it"
            case "extra_forbidden":
                told = "is not known: look for a typing error, or leave it out"
            case _:
                told = error["msg"].removeprefix("Value error, ")
        yield f"{place}: {told}" if place else told
