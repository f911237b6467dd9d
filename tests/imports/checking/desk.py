"""A desk where files are checked: rows are staged as a reader hands them over, and what is registered is written as it is."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from uuid_utils.compat import uuid7

from app.domain.registry.copy_text import NULL, text
from app.domain.registry.enums import FamilyRelationship, Presence, Sex
from app.domain.registry.imports import reading_findings
from app.domain.registry.imports.applying.accepted import Accepted
from app.domain.registry.imports.intake import clear, take_in
from app.domain.registry.imports.judging import judge
from app.domain.registry.imports.models import (
    ImportFormat,
    ImportMode,
    RowSubject,
)
from app.domain.registry.imports.numbers import staged_kk, staged_nik
from app.domain.registry.imports.running import Check
from app.domain.registry.imports.runs import FAMILY_VALUES, PERSON_VALUES
from app.domain.registry.imports.staging import Parcel, ParcelWriter, Reading, Row, StagedNik
from app.domain.registry.sealing import Seal
from app.settings import TEST_NIK_PROVINCE
from app.tenants.region_path import RegionPath, Span
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader

if TYPE_CHECKING:
    import asyncpg

TODAY: Final = date(2026, 7, 31)
BORN: Final = date(1980, 5, 17)
_EVERYWHERE: Final = (0, 9_999_999_999)
TEST_PROVINCES: Final = frozenset({TEST_NIK_PROVINCE})
_IMPORT = """
insert into registry_import (regency_id, id, village_low, village_high, region_id, upload_id, idempotency_key, format, mode, edition_id,
  created_by, created_by_name)
values ($1, $2, $3, $4, $5, $2, $2, $6, $7, $8, $2, 'Sari Wulandari')"""
_FAMILY = """
insert into family (regency_id, id, village_id, edition_id, status, head_name, kk_sealed, kk_digest, kk_masked, decile, address)
values ($1, $2, $3, $4, $5, 'Kepala', $6, $7, $8, $9, $10)"""
_PERSON = """
insert into person (regency_id, id, village_id, family_id, relationship, member_no, name, nik_sealed, nik_digest, nik_masked,
  identity_status, presence, sex, birth_date)
values ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, 'NIK_ISSUED', $10, $11, $12)"""

Issue = tuple[str, int, str, str, str, str, int | None]
"""Subject, line, code, column, severity, masked value, other line."""


def nik(serial: int, born: date = BORN, sex: Sex = Sex.MALE, region: str = "990101") -> str:
    """A synthetic NIK."""
    return f"{region}{born.day + (40 if sex is Sex.FEMALE else 0):02}{born:%m%y}{serial:04}"


def kk(serial: int, region: str = "990101") -> str:
    """A synthetic KK number."""
    return f"{region}170817{serial:04}"


class Sheet:
    """Rows of a file. Lines are counted from 2, families and persons together."""

    ELSEWHERE = RegionPath.parse("33.02.01.2001")

    def __init__(self, village: RegionPath, neighbour: RegionPath) -> None:
        self.village, self.neighbour = village, neighbour
        self.lines = 1
        self.families: list[tuple[int, str, RegionPath | None, dict[str, Any]]] = []
        self.persons: list[tuple[int, str, str | None, dict[str, Any]]] = []
        self.broken: list[tuple[int, str]] = []

    def family(self, number: str, *, village: RegionPath | None = None, nowhere: bool = False, **values: Any) -> int:
        """A family alone; ``nowhere`` where the file names no village that is known."""
        self.lines += 1
        self.families.append((self.lines, number, None if nowhere else village or self.village, values))
        return self.lines

    def person(self, number: str, nik: str | None = None, **values: Any) -> int:
        """Somebody of the family ``number``: a man born on ``BORN`` unless said otherwise."""
        self.lines += 1
        told = {
            "relationship": FamilyRelationship.CHILD,
            "name": _letters(self.lines),
            "sex": Sex.MALE,
            "birth_date": BORN,
            "presence": Presence.PRESENT,
            **values,
        }
        self.persons.append((self.lines, number, nik, told))
        return self.lines

    def head(self, number: str, nik: str | None = None, **values: Any) -> int:
        """The head of the family ``number``."""
        return self.person(number, nik, **{"relationship": FamilyRelationship.HEAD, **values})

    def home(self, serial: int, *, village: RegionPath | None = None, **values: Any) -> tuple[int, int]:
        """A family and its head, both valid; the lines of the two."""
        return self.family(kk(serial), village=village, **values), self.head(kk(serial), nik(serial))

    def parcels(self, reading: Reading) -> Iterator[Parcel]:
        """The rows as a reader hands them over."""
        writer = ParcelWriter(reading)
        for line, number, village, values in self.families:
            place = f"99.99\t{NULL}" if village is None else f"{village.code}\t{village.id}"
            judged = staged_kk(number, reading) if len(number) == 16 else None
            key = text(reading.seal.digest(number))
            writer.family(line, key, place, judged and judged.number, _texts(FAMILY_VALUES, values))
        for line, number, own, values in self.persons:
            judged_nik = StagedNik() if own is None else staged_nik(own, values["birth_date"], reading)
            writer.person(line, text(reading.seal.digest(number)), judged_nik, _texts(PERSON_VALUES, values))
        for line, column in self.broken:
            writer.issue(Row(RowSubject.PERSON, line), column, "9", reading_findings.CODE_UNKNOWN)
        yield writer.hand_over(1.0)


def _texts(names: tuple[str, ...], values: dict[str, Any]) -> str:
    assert values.keys() <= set(names), values.keys()
    return "\t".join(text(values.get(name)) for name in names)


def _letters(number: int) -> str:
    """A name that no other is like."""
    return "".join(chr(97 + byte % 26) for byte in hashlib.sha256(str(number).encode()).digest()[:12])


@dataclass
class DeskWork:
    """A job at a desk."""

    server: DatabaseServer
    villages: Span
    subject_id: UUID
    job_id: UUID = field(default_factory=uuid7)
    told: list[tuple[int, int | None, str | None]] = field(default_factory=list)

    @property
    def database(self) -> Database:
        raise NotImplementedError("a check reads and writes as kesos_loader")

    @asynccontextmanager
    async def loader(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        async with open_loader(self.server) as loader:
            yield loader

    async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:
        self.told.append((done, total, stage))


@dataclass(frozen=True)
class Desk:
    """A regency that no other test writes to, and the villages of it."""

    server: DatabaseServer
    loader: "asyncpg.Connection[asyncpg.Record]"
    seal: Seal
    edition_id: int
    region: RegionPath
    village: RegionPath
    neighbour: RegionPath

    def sheet(self) -> Sheet:
        return Sheet(self.village, self.neighbour)

    async def start(
        self,
        mode: ImportMode = ImportMode.ADDITION,
        *,
        region: RegionPath | None = None,
        file_format: ImportFormat = ImportFormat.KESOS_CSV,
    ) -> UUID:
        """An import that nobody has worked on yet."""
        import_id, span = uuid7(), (region or self.region).villages
        await self.loader.execute(
            _IMPORT,
            span.low // 1_000_000,
            import_id,
            span.low,
            span.high,
            (region or self.region).id,
            file_format.value,
            mode.value,
            self.edition_id,
        )
        return import_id

    def check_of(
        self,
        import_id: UUID,
        mode: ImportMode = ImportMode.ADDITION,
        *,
        region: RegionPath | None = None,
        file_format: ImportFormat = ImportFormat.KESOS_CSV,
    ) -> Check:
        return Check(self.loader, import_id, (region or self.region).villages, file_format, mode, TODAY)

    def reading(self, check: Check) -> Reading:
        return Reading(
            import_id=check.import_id,
            villages=check.villages,
            seal=self.seal,
            today=TODAY,
            test_provinces=TEST_PROVINCES,
            village_of=lambda _code: None,
            default_village=None,
        )

    async def run(self, check: Check, sheet: Sheet) -> "Checked":
        """Check ``sheet`` from the beginning."""
        work = DeskWork(self.server, check.villages, check.import_id)
        await clear(check)
        await take_in(work, check, sheet.parcels(self.reading(check)))
        await judge(work, check)
        return Checked(check, work)

    async def check(
        self,
        sheet: Sheet,
        mode: ImportMode = ImportMode.ADDITION,
        *,
        region: RegionPath | None = None,
        file_format: ImportFormat = ImportFormat.KESOS_CSV,
    ) -> "Checked":
        """Start an import of ``sheet`` and check it."""
        import_id = await self.start(mode, region=region, file_format=file_format)
        return await self.run(self.check_of(import_id, mode, region=region, file_format=file_format), sheet)

    async def registered_family(
        self,
        number: str | None,
        *,
        village: RegionPath | None = None,
        status: str = "ACTIVE",
        decile: int | None = None,
        address: str | None = None,
    ) -> UUID:
        """A family in the registry."""
        family_id, place = uuid7(), village or self.village
        sealed = (None, None, None) if number is None else self.seal.stored(number)
        await self.loader.execute(
            _FAMILY, place.id // 1_000_000, family_id, place.id, self.edition_id, status, *sealed, decile, address
        )
        return family_id

    async def registered_person(
        self,
        family_id: UUID | None,
        number: str | None,
        name: str,
        *,
        village: RegionPath | None = None,
        relationship: str | None = "HEAD",
        presence: str = "PRESENT",
        sex: str = "MALE",
        birth_date: date | None = BORN,
    ) -> UUID:
        """Somebody in the registry."""
        person_id, place = uuid7(), village or self.village
        sealed = (None, None, None) if number is None else self.seal.stored(number)
        await self.loader.execute(
            _PERSON,
            place.id // 1_000_000,
            person_id,
            place.id,
            family_id,
            relationship if family_id else None,
            name,
            *sealed,
            presence,
            sex,
            birth_date,
        )
        return person_id

    async def registered_home(self, serial: int, name: str = "Budi Santoso", **place: Any) -> tuple[UUID, UUID]:
        """A family with its head; the ids of the two."""
        family_id = await self.registered_family(kk(serial), **place)
        return family_id, await self.registered_person(family_id, nik(serial), name, **place)


@dataclass(frozen=True)
class Checked:
    """What a check has found."""

    check: Check
    work: DeskWork

    async def rows(self, columns: str, table: str, order: str) -> list[tuple[Any, ...]]:
        key = "id" if table == "registry_import" else "import_id"
        rows = await self.check.loader.fetch(
            f"select {columns} from {table} where regency_id = $1 and {key} = $2 order by {order}",  # noqa: S608  (our words)
            self.check.regency_id,
            self.check.import_id,
        )
        return [tuple(row) for row in rows]

    async def issues(self) -> list[Issue]:
        """All that is said of rows."""
        columns = "subject, line, code, column_name, severity, value_masked, other_line"
        return await self.rows(columns, "import_issue", "line, subject, code, column_name")

    async def codes(self) -> dict[int, set[str]]:
        """Codes by line."""
        found: dict[int, set[str]] = {}
        for _, line, code, *_ in await self.issues():
            found.setdefault(line, set()).add(code)
        return found

    async def matches(self) -> dict[int, tuple[UUID, str, list[str]]]:
        """By line: who is registered, what that is to the row, and which values change."""
        rows = await self.rows("line, registered_id, outcome, changed", "import_match", "line")
        return {line: (UUID(int=found.int), outcome, changed) for line, found, outcome, changed in rows}

    async def departures(self) -> dict[UUID, str]:
        """Why each family leaves."""
        rows = await self.rows("family_id, reason", "import_departure", "family_id")
        return {UUID(int=family_id.int): reason for family_id, reason in rows}

    async def duplicates(self) -> list[tuple[int, int | None, UUID | None, int]]:
        """A line, who it may be (another line or a person), and the score."""
        return await self.rows("line, other_line, person_id, score", "import_duplicate", "line, other_line, person_id")

    async def counts(self) -> dict[str, Any]:
        """The counts of the import, its stage and its version."""
        row = await self.check.loader.fetchrow("select * from registry_import where id = $1", self.check.import_id)
        return dict(row)

    async def accepted(self, subject: str) -> set[int]:
        """Lines that are applied."""
        accepted = Accepted(self.check.loader, (self.check.regency_id, self.check.import_id))
        await accepted.find(())
        families, persons = await accepted.within(*_EVERYWHERE, only_new=False)
        lines = set(families.lines if subject == "FAMILY" else persons.lines)
        counts = await self.counts()
        assert len(lines) == counts[{"FAMILY": "families_accepted", "PERSON": "persons_accepted"}[subject]]
        return lines
