"""Clerks who import files through the API, and imports as a check would have left them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from app.authz.development import ensure_principal
from app.authz.roles import Role
from app.tenants.region_path import RegionPath
from tests.authz.people import region
from tests.support.client import ApiClient, Caller, Json

if TYPE_CHECKING:
    import asyncpg

BANYUMAS = "33.02"
CILACAP = "33.01"
VILLAGE = "33.02.01.2001"
EDITION = "DTSEN:2026-Q3"
REFUSAL = "__typename ... on UserError { code message } ... on InvalidInput { fields }"
IMPORT = """import { id stage format mode profile encoding region { code } edition { scheme period } createdBy createdAt validatedAt
  finishedAt acceptValid version job { id } }"""
START = f"mutation($i: ImportStartInput!) {{ answer: importStart(input: $i) {{ {REFUSAL} ... on ImportStarted {{ {IMPORT} }} }} }}"
APPLY = f"mutation($i: ImportApplyInput!) {{ answer: importApply(input: $i) {{ {REFUSAL} ... on ImportApplying {{ {IMPORT} }} }} }}"
CHECK = f"mutation($i: ImportCheckInput!) {{ answer: importCheck(input: $i) {{ {REFUSAL} ... on ImportChecking {{ {IMPORT} }} }} }}"
DISCARD = f"mutation($i: ImportDiscardInput!) {{ answer: importDiscard(input: $i) {{ {REFUSAL} ... on ImportDiscarded {{ {IMPORT} }} }} }}"
DECIDE = (
    "mutation($i: ImportDuplicateDecideInput!) { answer: importDuplicateDecide(input: $i) { "
    f"{REFUSAL} ... on ImportDuplicateDecided {{ duplicate {{ id line decision decidedAt }} }} }} }}"
)
_UPLOAD = """
insert into upload (regency_id, id, village_low, village_high, region_id, principal_id, name, size, sha256, kind, expires_at)
values ($1, $2, $3, $4, $5, $6, 'berkas', 1, sha256('x'), $7, now() + $8::int * interval '1 hour')
"""
_IMPORT = """
insert into registry_import (regency_id, id, village_low, village_high, region_id, upload_id, idempotency_key, format, mode, edition_id,
  stage, created_by, created_by_name)
values ($1, $2, $3, $4, $5, $6, $7, 'KESOS_CSV', $8, (select max(id) from registry_edition), $9, $10, 'Sari Wulandari')
"""
_ISSUE = """
insert into import_issue (regency_id, import_id, village_low, village_high, subject, line, code, column_name, severity, value_masked,
  other_line)
select regency_id, id, village_low, village_high, $2, $3, $4, $5, $6, $7, $8 from registry_import where id = $1
"""


@dataclass(frozen=True)
class Clerk:
    """Somebody with a token, and who that is."""

    caller: Caller
    principal_id: UUID

    async def does(self, document: str, **given: Any) -> Json:
        """What a mutation answers to the input ``given``."""
        answer: Json = (await self.caller.query(document, i=given))["answer"]
        return answer


@dataclass(frozen=True)
class Planted:
    """An import that was written to the database as it is."""

    owner: "asyncpg.Connection[asyncpg.Record]"
    regency_id: int
    uuid: UUID
    upload_id: UUID

    @property
    def id(self) -> str:
        """Its node id."""
        return f"Import:{self.regency_id}:{self.uuid}"

    async def issue(
        self,
        line: int,
        code: str,
        severity: str = "ERROR",
        *,
        subject: str = "PERSON",
        column: str = "nik",
        value: str = "3302********0001",
        other_line: int | None = None,
    ) -> None:
        """Say something of a row."""
        await self.owner.execute(_ISSUE, self.uuid, subject, line, code, column, severity, value, other_line)

    async def has(self, **columns: Any) -> None:
        """Set columns of the import."""
        for name, value in columns.items():
            statement = f"update registry_import set {name} = $2 where id = $1"  # noqa: S608  (a test's own words)
            await self.owner.execute(statement, self.uuid, value)

    async def row(self) -> "asyncpg.Record":
        """The import as the database holds it."""
        row = await self.owner.fetchrow("select * from registry_import where id = $1", self.uuid)
        assert row is not None
        return row

    async def jobs(self) -> list[tuple[str, str]]:
        """Kind and state of its jobs, oldest first."""
        rows = await self.owner.fetch("select kind, state from job where subject_id = $1 order by id", self.uuid)
        return [(row["kind"], row["state"]) for row in rows]

    async def ends(self, state: str = "SUCCEEDED") -> None:
        """Let its jobs end so."""
        await self.owner.execute(
            "update job set state = $2::text, finished_at = now(), error_code = x, error_indonesian = x, error_english = x "
            "from (select case when $2::text = 'FAILED' then 'X' end as x) said where subject_id = $1",
            self.uuid,
            state,
        )


@dataclass(frozen=True)
class Imports:
    """Makes clerks, uploads and imports."""

    api: ApiClient
    owner: "asyncpg.Connection[asyncpg.Record]"
    _made: list[UUID] = field(default_factory=list)

    async def clerk(self, role: Role = Role.REGENCY_ADMIN, code: str = BANYUMAS) -> Clerk:
        """Somebody new."""
        subject = f"dev:{uuid4()}"
        principal = await ensure_principal(
            self.owner, subject=subject, name="Sari Wulandari", role=role, region=region(code)
        )
        return Clerk(self.api.named(subject), principal)

    async def upload(self, clerk: Clerk, code: str = BANYUMAS, kind: str = "CSV", *, hours: int = 24) -> str:
        """Id of a file that ``clerk`` has sent, kept for so many ``hours``."""
        path, upload = RegionPath.parse(code), uuid7()
        low, high = path.villages.low, path.villages.high
        await self.owner.execute(_UPLOAD, low // 1_000_000, upload, low, high, path.id, clerk.principal_id, kind, hours)
        return str(upload)

    async def start_input(self, clerk: Clerk, code: str = BANYUMAS, **changes: Any) -> Json:
        """An input of ``importStart`` for a new upload."""
        given: Json = {
            "idempotencyKey": str(uuid4()),
            "format": "KESOS_CSV",
            "region": code,
            "edition": EDITION,
        }
        if "uploadId" not in changes:
            given["uploadId"] = await self.upload(clerk, code)
        return given | changes

    async def plant(
        self, code: str = BANYUMAS, *, stage: str = "VALIDATED", mode: str = "ADDITION", clerk: Clerk | None = None
    ) -> Planted:
        """An import that nobody works on."""
        path, identifier = RegionPath.parse(code), uuid7()
        low, high = path.villages.low, path.villages.high
        clerk = clerk or await self.clerk(code=code[:5] if len(code) > 2 else "")
        upload = UUID(await self.upload(clerk, code))
        principal = clerk.principal_id
        await self.owner.execute(
            _IMPORT, low // 1_000_000, identifier, low, high, path.id, upload, uuid4(), mode, stage, principal
        )
        planted = Planted(self.owner, low // 1_000_000, UUID(int=identifier.int), upload)
        self._made.append(planted.uuid)
        await planted.has(families_accepted=2, persons_accepted=5, families_staged=2, persons_staged=5)
        return planted

    def of(self, answer: Json) -> Planted:
        """The import that a mutation has answered."""
        _, regency, identifier = answer["import"]["id"].split(":")
        self._made.append(UUID(identifier))
        return Planted(self.owner, int(regency), UUID(identifier), UUID(int=0))

    async def forget(self) -> None:
        """Remove what was made."""
        for table in (
            "import_issue",
            "import_match",
            "import_departure",
            "import_duplicate",
            "import_batch",
            "staged_family",
            "staged_person",
        ):
            await self.owner.execute(f"delete from {table} where import_id = any($1)", self._made)  # noqa: S608  (a test's own words)
        await self.owner.execute("delete from registry_import where id = any($1)", self._made)
        await self.owner.execute("delete from job where subject_id = any($1)", self._made)
