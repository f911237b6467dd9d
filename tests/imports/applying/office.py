"""An office that applies files: what a check would have written is written here by the plainest rules, past the check itself."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from app.authz.authorize import OPERATOR_ID
from app.domain.base import Term
from app.domain.insights.models import YEAR_COLUMNS
from app.domain.registry.enums import FamilyRelationship, Presence, Sex
from app.domain.registry.imports.applying import apply_import
from app.domain.registry.imports.models import ImportMode
from app.tenants.region_path import RegionPath, Span
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader

if TYPE_CHECKING:
    import asyncpg

BORN = date(1980, 5, 17)
FIRST_EDITION, SECOND_EDITION = 7, 8
HEAD, WIFE, CHILD = FamilyRelationship.HEAD, FamilyRelationship.WIFE, FamilyRelationship.CHILD


@dataclass(frozen=True)
class Person:
    """A person of a file; ``name`` is unique in a test, so that rows can be told by it."""

    name: str
    relationship: FamilyRelationship = HEAD
    nik: str | None = ""
    """Empty: made from the name. None: the person has none."""
    born: date = BORN
    presence: Presence | None = Presence.PRESENT
    values: dict[str, Any] = field(default_factory=dict)
    is_refused: bool = False

    @property
    def number(self) -> str | None:
        return digits(f"nik {self.name}") if self.nik == "" else self.nik


@dataclass(frozen=True)
class Family:
    """A family of a file."""

    kk: str
    village: int
    people: tuple[Person, ...]
    decile: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    is_refused: bool = False


def family(kk: str, village: int, *people: Person, **about: Any) -> Family:
    return Family(kk, village, people, **about)


def digits(text: str) -> str:
    """A synthetic number that belongs to ``text``."""
    return "99" + str(int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])).zfill(14)[-14:]


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]


@dataclass
class OfficeWork:
    """One attempt at an import."""

    server: DatabaseServer
    database: Database
    subject_id: UUID
    villages: Span
    job_id: UUID = field(default_factory=uuid4)
    told: list[tuple[int, int | None]] = field(default_factory=list)

    def loader(self) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]":
        return open_loader(self.server)

    async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:  # noqa: ARG002  (as the protocol has it)
        self.told.append((done, total))


async def apply_all(work: OfficeWork, scope: TenantScope) -> None:
    """Apply the import of ``work`` as the operator of the server."""
    await apply_import(
        work, scope, principal_id=OPERATOR_ID, roles=("SYSTEM_OPERATOR",), permission="registry:import:run"
    )


_VILLAGES = (
    "select id from region where level = 'VILLAGE' and id between $1 and $2 and valid_to is null order by id limit $3"
)
_IMPORT = """
insert into registry_import (regency_id, id, village_low, village_high, region_id, upload_id, idempotency_key, format, mode,
  edition_id, stage, accept_valid, persons_rejected, created_by, created_by_name)
values ($1, $2, $3, $4, $5, $2, $2, 'KESOS_CSV', $6, $7, 'APPLYING', $8, $9, $2, 'Operator')
"""
_FAMILY_MATCHES = """
insert into import_match (regency_id, import_id, subject, line, village_low, village_high, registered_regency_id, registered_id,
  outcome, changed)
select f.regency_id, f.import_id, 'FAMILY', f.line, f.village_low, f.village_high, r.regency_id, r.id,
  case when r.village_id <> f.village_id then 'MOVED'
    when (coalesce(f.address, r.address), coalesce(f.decile, r.decile)) is distinct from (r.address, r.decile) then 'CHANGED'
    else 'SAME' end, '{}'
from staged_family f cross join lateral (
  select g.* from family g where g.kk_digest = f.kk_digest and g.status = 'ACTIVE'
    and g.village_id between f.village_low and f.village_high
  order by g.regency_id = f.village_id / 1000000 desc, g.id limit 1
) r where f.regency_id = $1 and f.import_id = $2 and not exists (
  select from import_issue i where i.import_id = $2 and i.subject = 'FAMILY' and i.line = f.line
)
"""
_PERSON_MATCHES = """
insert into import_match (regency_id, import_id, subject, line, village_low, village_high, registered_regency_id, registered_id,
  outcome, changed)
select p.regency_id, p.import_id, 'PERSON', p.line, p.village_low, p.village_high, r.regency_id, r.id,
  case when r.village_id <> f.village_id or not r.in_family then 'MOVED'
    when (p.name, coalesce(p.nik_digest, r.nik_digest), p.relationship, p.birth_date, coalesce(p.presence, r.presence))
      is distinct from (r.name, r.nik_digest, r.relationship, r.birth_date, r.presence) then 'CHANGED'
    else 'SAME' end, '{}'
from staged_person p join staged_family f using (regency_id, import_id, family_key)
left join import_match m on m.import_id = $2 and m.subject = 'FAMILY' and m.line = f.line
cross join lateral (
  select q.*, coalesce(q.regency_id = m.registered_regency_id and q.family_id = m.registered_id, false) as in_family
  from person q where q.village_id between p.village_low and p.village_high and (
    q.nik_digest = p.nik_digest and q.presence <> 'DECEASED'
    or (q.nik_digest is null or p.nik_digest is null) and q.regency_id = m.registered_regency_id
      and q.family_id = m.registered_id and q.name = p.name and q.birth_date = p.birth_date
  ) order by in_family desc, q.regency_id = f.village_id / 1000000 desc, q.id limit 1
) r where p.regency_id = $1 and p.import_id = $2 and not exists (
  select from import_issue i where i.import_id = $2
    and (i.subject = 'PERSON' and i.line = p.line or i.subject = 'FAMILY' and i.line = f.line)
)
"""
_DEPARTURES = """
insert into import_departure (regency_id, import_id, village_low, village_high, family_regency_id, family_id, family_village_id, reason)
select $1, $2, $3, $4, g.regency_id, g.id, g.village_id,
  case when not bool_or(q.presence <> 'DECEASED') then 'MEMBERS_DECEASED'
    when bool_or(q.presence <> 'DECEASED' and m.line is not null)
      and not bool_or(q.presence in ('PRESENT', 'NEW_MEMBER') and m.line is null) then 'MEMBERS_MOVED'
    else 'NOT_IN_EDITION' end
from family g join person q on q.regency_id = g.regency_id and q.family_id = g.id
left join import_match m on m.import_id = $2 and m.subject = 'PERSON' and m.registered_id = q.id
where g.status = 'ACTIVE' and g.village_id between $3 and $4 and not exists (
  select from import_match f where f.import_id = $2 and f.subject = 'FAMILY' and f.registered_id = g.id
) group by g.regency_id, g.id, g.village_id
"""
_TOTALS = {"registry_summary": ("region_id", "families", "families_decile_1", "persons"),
    "registry_cohort": ("region_id, birth_decade, sex", *YEAR_COLUMNS)}  # fmt: skip
_OWN_TABLES = (
    "import_batch", "import_duplicate", "import_departure", "import_match", "import_issue", "staged_person", "staged_family",
    "registry_import", "welfare_rank", "person", "family",
)  # fmt: skip


@dataclass
class Office:
    """A province of which one test has everything."""

    server: DatabaseServer
    database: Database
    loader: "asyncpg.Connection[asyncpg.Record]"
    region: RegionPath
    regencies: list[int]
    villages: dict[int, list[int]]
    random: Random = field(default_factory=lambda: Random(4))  # noqa: S311  (tests are to be the same each time)

    @property
    def scope(self) -> TenantScope:
        return TenantScope.of([self.region])

    @property
    def span(self) -> Span:
        return self.region.villages

    def new_id(self) -> UUID:
        """Ids that are the same in every run, so that two runs can be compared."""
        return UUID(int=self.random.getrandbits(128), version=4)

    async def clear(self) -> None:
        """Forget everything about the province."""
        for table in _OWN_TABLES:
            low, high = ("village_id", "village_id") if table in _OWN_TABLES[-3:] else ("village_low", "village_high")
            await self.loader.execute(f"delete from {table} where {low} >= $1 and {high} <= $2", *self.span_numbers)  # noqa: S608  (our own words)
        self.random = Random(4)  # noqa: S311  (tests are to be the same each time)

    @property
    def span_numbers(self) -> tuple[int, int]:
        return self.span.low, self.span.high

    async def stage(
        self,
        families: Iterable[Family],
        mode: ImportMode = ImportMode.ADDITION,
        *,
        edition: int = FIRST_EDITION,
        batch_families: int = 3,
        accept_valid: bool = True,
    ) -> OfficeWork:
        """Write what the check of a file with ``families`` leaves, decided upon."""
        async with self.loader.transaction():
            return await self._stage(families, mode, edition, batch_families, accept_valid)

    async def _stage(
        self, families: Iterable[Family], mode: ImportMode, edition: int, batch_families: int, accept_valid: bool
    ) -> OfficeWork:
        import_id, regency_id, written = self.new_id(), self.span.low // 1_000_000, list(families)
        start = {
            "regency_id": regency_id,
            "import_id": import_id,
            "village_low": self.span.low,
            "village_high": self.span.high,
        }
        refused = sum(person.is_refused for each in written for person in each.people)
        await self.loader.execute(
            _IMPORT,
            regency_id,
            import_id,
            *self.span_numbers,
            self.region.id,
            mode.value,
            edition,
            accept_valid,
            refused,
        )
        line = 0
        for each in written:
            line += 1
            await self._write(
                "staged_family",
                start,
                line=line,
                id=self.new_id(),
                family_key=digest(each.kk),
                village_id=each.village,
                kk_sealed=each.kk.encode(),
                kk_digest=digest(each.kk),
                kk_masked="masked",
                decile=each.decile,
                **each.values,
            )
            if each.is_refused:
                await self._issue(start, "FAMILY", line)
            for person in each.people:
                line += 1
                await self._write_person(start, line, each, person)
        await self.loader.execute(_FAMILY_MATCHES, regency_id, import_id)
        await self.loader.execute(_PERSON_MATCHES, regency_id, import_id)
        if mode is ImportMode.EDITION:
            await self.loader.execute(_DEPARTURES, regency_id, import_id, *self.span_numbers)
        await self._lay_batches(start, written, batch_families)
        return OfficeWork(self.server, self.database, import_id, self.span)

    async def _write_person(self, start: dict[str, Any], line: int, each: Family, person: Person) -> None:
        nik = person.number
        await self._write(
            "staged_person",
            start,
            line=line,
            id=self.new_id(),
            family_key=digest(each.kk),
            nik_sealed=None if nik is None else nik.encode(),
            nik_digest=None if nik is None else digest(nik),
            nik_masked=None if nik is None else "masked",
            name=person.name,
            relationship=person.relationship,
            presence=person.presence,
            birth_date=person.born,
            sex=Sex.FEMALE,
            **person.values,
        )
        if person.is_refused:
            await self._issue(start, "PERSON", line)

    async def _issue(self, start: dict[str, Any], subject: str, line: int) -> None:
        await self._write(
            "import_issue", start, subject=subject, line=line, code="TEST", column_name="nik", severity="ERROR"
        )

    async def _write(self, table: str, start: dict[str, Any], **values: Any) -> None:
        row = {**start, **{name: v.value if isinstance(v, Term) else v for name, v in values.items() if v is not None}}
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        await self.loader.execute(f"insert into {table} ({', '.join(row)}) values ({places})", *row.values())  # noqa: S608  (our own words)

    async def _lay_batches(self, start: dict[str, Any], families: Sequence[Family], size: int) -> None:
        leaving = await self.loader.fetch(
            "select family_village_id from import_departure where import_id = $1", start["import_id"]
        )
        counts: dict[int, int] = {}
        for village in [*(each.village for each in families), *(row[0] for row in leaving)]:
            counts[village] = counts.get(village, 0) + 1
        number, batch = 0, list[int]()
        for village in sorted(counts):
            batch.append(village)
            if sum(counts[each] for each in batch) >= size or village == max(counts):
                number += 1
                await self._write(
                    "import_batch",
                    start,
                    number=number,
                    first_village_id=batch[0],
                    last_village_id=batch[-1],
                    families=sum(each.village in batch for each in families),
                )
                batch = []

    async def apply(self, families: Iterable[Family], mode: ImportMode = ImportMode.ADDITION, **how: Any) -> OfficeWork:
        """Stage a file and apply it."""
        work = await self.stage(families, mode, **how)
        await apply_all(work, self.scope)
        return work

    async def edition(self, families: Iterable[Family], **how: Any) -> OfficeWork:
        """Apply the next full edition of the province."""
        return await self.apply(families, ImportMode.EDITION, **{"edition": SECOND_EDITION, **how})

    async def families(self) -> list[tuple[Any, ...]]:
        """KK, village, status, decile and edition of all families."""
        rows = await self.loader.fetch(
            "select convert_from(kk_sealed, 'utf8'), village_id, status::text, decile, edition_id from family "
            "where village_id between $1 and $2 order by 1, 2, 3",
            *self.span_numbers,
        )
        return [tuple(row) for row in rows]

    async def people(self) -> dict[str, list[tuple[Any, ...]]]:
        """By name: village, KK of the family, relationship, number and presence of the rows of a person."""
        rows = await self.loader.fetch(
            "select p.name, p.village_id, convert_from(f.kk_sealed, 'utf8'), p.relationship::text, p.member_no, p.presence::text "
            "from person p left join family f on f.regency_id = p.regency_id and f.id = p.family_id "
            "where p.village_id between $1 and $2 order by p.name, p.village_id",
            *self.span_numbers,
        )
        found: dict[str, list[tuple[Any, ...]]] = {}
        for name, *rest in rows:
            found.setdefault(name, []).append(tuple(rest))
        return found

    async def ranks(self) -> list[tuple[Any, ...]]:
        """KK, village, edition and decile of all ranks."""
        rows = await self.loader.fetch(
            "select convert_from(f.kk_sealed, 'utf8'), w.village_id, w.edition_id, w.decile from welfare_rank w "
            "join family f on f.regency_id = w.regency_id and f.id = w.family_id "
            "where w.village_id between $1 and $2 order by 1, 2, 3",
            *self.span_numbers,
        )
        return [tuple(row) for row in rows]

    async def snapshot(self) -> dict[str, list[str]]:
        """All that the tables of the registry hold of the province, but for the time of day and the slots of the totals."""
        found = {}
        for table in ("family", "person", "welfare_rank"):
            rows = await self.loader.fetch(
                f"select to_jsonb(t) - 'created_at' - 'updated_at' as row from {table} t where village_id between $1 and $2",  # noqa: S608  (our own words)
                *self.span_numbers,
            )
            found[table] = sorted(row["row"] for row in rows)
        for table, (key, *counters) in _TOTALS.items():
            sums = ", ".join(f"sum({counter})" for counter in counters)
            rows = await self.loader.fetch(
                f"select {key}, {sums} from {table} where village_low >= $1 and village_high <= $2 group by {key} "  # noqa: S608  (our own words)
                f"having greatest({sums}) > 0",
                *self.span_numbers,
            )
            found[table] = sorted(json.dumps([str(value) for value in row]) for row in rows)
        return found


@asynccontextmanager
async def office_of(server: DatabaseServer, province: str) -> AsyncIterator[Office]:
    """The office of ``province``, whose registry is empty."""
    region = RegionPath.parse(province)
    database = Database(server.app, read_pool_size=1, write_pool_size=3)
    async with open_loader(server) as loader:
        regencies = await loader.fetch(
            "select id from region where level = 'REGENCY' and id between $1 and $2 and valid_to is null order by id limit 2",
            region.id * 100,
            region.id * 100 + 99,
        )
        villages = {}
        for row in regencies:
            found = await loader.fetch(_VILLAGES, row["id"] * 1_000_000, row["id"] * 1_000_000 + 999_999, 12)
            villages[row["id"]] = [each["id"] for each in found]
        office = Office(server, database, loader, region, list(villages), villages)
        await office.clear()
        try:
            yield office
        finally:
            await office.clear()
            await database.close()
