"""What a reader hands over: rows of the staging tables as COPY text, with sealed numbers and what is wrong with each row.

A reader is pure Python: no database. What one row tells by itself is found here; what takes other rows or the registry
(sex and birth date against the NIK, numbers that repeat, heads, spans of villages, what is registered) is found in SQL
on the staged rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from uuid_utils import uuid7

from app.domain.registry.copy_text import NULL, text
from app.domain.registry.enums import Sex
from app.domain.registry.imports.models import RowSubject, Severity
from app.domain.registry.imports.reading_findings import masked
from app.domain.registry.imports.runs import FAMILY_VALUES, PERSON_VALUES
from app.domain.registry.nik import Finding
from app.domain.registry.sealing import Seal
from app.tenants.region_path import Span

FAMILY_COPY: Final = (
    "regency_id", "import_id", "village_low", "village_high", "line", "id", "family_key", "village_code", "village_id",
    "kk_sealed", "kk_digest", "kk_masked", "kk_regency", *FAMILY_VALUES,
)  # fmt: skip
PERSON_COPY: Final = (
    "regency_id", "import_id", "village_low", "village_high", "line", "id", "family_key", "nik_sealed", "nik_digest",
    "nik_masked", "nik_birth_date", "nik_sex", "nik_regency", *PERSON_VALUES,
)  # fmt: skip
ISSUE_COPY: Final = (
    "regency_id", "import_id", "village_low", "village_high", "subject", "line", "code", "column_name", "severity",
    "value_masked", "other_line",
)  # fmt: skip

_FAMILIES_OF_PARCEL: Final = 2_000
_ROWS_OF_PARCEL: Final = 4_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader needs to know beside the file."""

    import_id: UUID
    villages: Span
    """The villages that the import is about. Rows of other villages are staged all the same; SQL refuses them."""
    seal: Seal
    today: date
    test_provinces: frozenset[str]
    village_of: Callable[[str], int | None]
    """The id of a village from its code as the file writes it, None where there is no such village. Which namespace the
    codes are of (KEMENDAGRI or BPS) the caller has settled by the function that it gives."""
    default_village: int | None
    """The village of rows that name none, where the file is about a single one."""


class Parcel(NamedTuple):
    """Some rows of a file, in no particular order: families and persons are joined by ``family_key`` in SQL."""

    families: bytes
    """COPY text of ``FAMILY_COPY``."""
    persons: bytes
    """COPY text of ``PERSON_COPY``."""
    issues: bytes
    """COPY text of ``ISSUE_COPY``; its keys are unique over the whole file."""
    family_count: int
    person_count: int
    read: float
    """How much of the file has been read, 0 to 1."""


class Row(NamedTuple):
    """The row that an issue is about: a line of a file may be a person with a family around."""

    subject: RowSubject
    line: int


class Number(NamedTuple):
    """A NIK or KK that may be stored; ``regency`` is where it was issued, None where that tells nothing."""

    digits: str
    regency: int | None


class StagedNik(NamedTuple):
    """A NIK that was judged: ``number`` is None where there is none that may be stored."""

    number: Number | None = None
    errors: tuple[Finding, ...] = ()
    birth_date: date | None = None
    sex: Sex | None = None


class ParcelWriter:
    """Collects rows and issues until they are handed over."""

    def __init__(self, reading: Reading) -> None:
        """Collect for the import that ``reading`` is about."""
        self.reading = reading
        self.seal: Final = reading.seal.bulk()
        span = reading.villages
        self.start: Final = f"{span.low // 1_000_000}\t{reading.import_id}\t{span.low}\t{span.high}\t"
        """The columns with which every row begins."""
        self.families: list[str] = []
        """Lines of COPY text; a fast reader adds to them by itself."""
        self.persons: list[str] = []
        self._issues: list[str] = []
        self._told: set[tuple[str, int, str, str]] = set()

    def key_of(self, kind: str, own: str) -> str:
        """The family key, as COPY text, of a family that has no KK number: by the file's own key, or by its line."""
        return text(self.reading.seal.digest(f"{kind}:{own}"))

    def family(self, line: int, key: str, village: str, kk: Number | None, values: str) -> None:
        """Add a family: all but its line and its KK is COPY text, ``values`` that of ``FAMILY_VALUES``."""
        regency = text(None if kk is None else kk.regency)
        self.families.append(
            f"{self.start}{line}\t{uuid7()}\t{key}\t{village}\t{self._numbers(kk)}\t{regency}\t{values}\n"
        )

    def person(self, line: int, key: str, nik: StagedNik, values: str) -> None:
        """Add a person: ``key`` and ``values`` are COPY text, the latter that of ``PERSON_VALUES``."""
        number = nik.number
        regency = text(None if number is None else number.regency)
        self.persons.append(
            f"{self.start}{line}\t{uuid7()}\t{key}\t{self._numbers(number)}\t{text(nik.birth_date)}\t{text(nik.sex)}\t"
            f"{regency}\t{values}\n"
        )

    def _numbers(self, number: Number | None) -> str:
        if number is None:
            return f"{NULL}\t{NULL}\t{NULL}"
        stored = self.reading.seal.stored(number.digits)
        return f"{text(stored.sealed)}\t{text(stored.digest)}\t{stored.masked}"

    def issue(
        self,
        row: Row,
        column: str,
        value: str,
        finding: Finding,
        severity: Severity = Severity.ERROR,
        *,
        other: int | None = None,
    ) -> None:
        """Tell ``finding`` of a cell, once: ``value`` is masked here; ``other`` is the other line that the text names."""
        self.tell(row, column, masked(value), finding.code, severity, other=other)

    def tell(
        self, row: Row, column: str, shown: str, code: str, severity: Severity, *, other: int | None = None
    ) -> None:
        """The same of a value that is masked already."""
        key = (row.subject.value, row.line, code, column)
        if key in self._told:
            return
        self._told.add(key)
        self._issues.append(
            f"{self.start}{row.subject.value}\t{row.line}\t{code}\t{text(column)}\t{severity.value}\t"
            f"{text(shown)}\t{text(other)}\n"
        )

    @property
    def is_full(self) -> bool:
        """Whether it is time to hand over: memory stays flat, however long the file is."""
        return (
            len(self.families) >= _FAMILIES_OF_PARCEL
            or len(self.persons) >= _ROWS_OF_PARCEL
            or len(self._issues) >= _ROWS_OF_PARCEL
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added since the last parcel."""
        return not (self.families or self.persons or self._issues)

    def hand_over(self, read: float) -> Parcel:
        """What was collected; ``read`` is the share of the file that has been read."""
        families, persons, issues = self.families, self.persons, self._issues
        self.families, self.persons, self._issues, self._told = [], [], [], set()
        return Parcel(
            _encoded(families), _encoded(persons), _encoded(issues), len(families), len(persons), min(read, 1.0)
        )


def _encoded(lines: list[str]) -> bytes:
    return "".join(lines).encode()
