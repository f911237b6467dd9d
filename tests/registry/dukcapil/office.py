"""An office that has its people compared, without the API around it."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from pydantic import SecretStr

from app.authz.authorize import authorize
from app.authz.enforcer import RoleMatrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.registry.dukcapil.client import DukcapilClient, Patience
from app.domain.registry.dukcapil.matching import Sender, match_persons
from app.domain.registry.sealing import Seal
from app.tenants.region_path import RegionPath, Span
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.authz.people import access_of, grant
from tests.registry.conftest import Place
from tests.registry.dukcapil.gateways import TOKEN, digest_of

if TYPE_CHECKING:
    import asyncpg

QUICK = Patience(answer_seconds=10, first_pause=0.01, longest_pause=0.05, total_seconds=1)
SENDER = Sender(uuid4(), (Role.REGENCY_ADMIN.value,), Permission.REGISTRY_MATCHING_RUN.value)
_START = """
insert into civil_registry_matching (regency_id, id, village_low, village_high, region_id, statuses, idempotency_key,
  cursor_village_id, cursor_person_id, created_by, created_by_name)
values ($1, $2, $3, $4, $5, $6, gen_random_uuid(), $3, '00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'Sari')
"""


@dataclass(slots=True)
class Attempt:
    """One attempt at a job, in this process."""

    server: DatabaseServer
    database: Database
    subject_id: UUID
    villages: Span
    after: Callable[[int], None] = lambda _done: None
    job_id: UUID = field(default_factory=uuid4)
    told: list[tuple[int, int | None]] = field(default_factory=list)

    def loader(self) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]":
        return open_loader(self.server)

    async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:  # noqa: ARG002  (of Work)
        self.told.append((done, total))
        self.after(done)


@dataclass(frozen=True)
class Office:
    """Has the people of a regency compared, and looks at what came of it."""

    server: DatabaseServer
    database: Database
    owner: "asyncpg.Connection[asyncpg.Record]"
    seal: Seal
    matrix: RoleMatrix
    place: Place

    def scope(self, region: RegionPath | None = None) -> TenantScope:
        """Where the administrator of ``region`` may match; without one, of the regency."""
        access = access_of(self.matrix, grant(Role.REGENCY_ADMIN, (region or self.place.regency).code))
        return authorize(access, Permission.REGISTRY_MATCHING_RUN)

    async def matching(
        self,
        region: RegionPath | None = None,
        statuses: Sequence[str] = ("NIK_ISSUED", "UNMATCHED"),
        villages: Span | None = None,
    ) -> Attempt:
        """A matching of ``region``, or of the regency, that nobody works on; with ``villages``, of these instead."""
        region, matching_id = region or self.place.regency, uuid4()
        villages = villages or region.villages
        await self.owner.execute(
            _START, villages.low // 1_000_000, matching_id, villages.low, villages.high, region.id, list(statuses)
        )
        return Attempt(self.server, self.database, matching_id, villages)

    async def run(
        self,
        attempt: Attempt,
        url: str,
        *,
        most: int = 25,
        region: RegionPath | None = None,
        patience: Patience = QUICK,
    ) -> None:
        """Work on a matching to its end, as the administrator of ``region``."""
        token = SecretStr(TOKEN)
        async with DukcapilClient(url, token, requests_per_second=1_000, patience=patience) as client:
            scope = self.scope(region)
            await match_persons(attempt, scope, seal=self.seal, client=client, sender=SENDER, most=most)

    async def row(self, attempt: Attempt) -> "asyncpg.Record":
        """The matching as the database holds it."""
        row = await self.owner.fetchrow("select * from civil_registry_matching where id = $1", attempt.subject_id)
        assert row is not None
        return row

    async def counts(self, attempt: Attempt) -> dict[str, int]:
        """What the matching counts, without zeros."""
        row = await self.row(attempt)
        counted = [name for name in row.keys() if name.startswith("persons_") and name != "persons_found"]  # noqa: SIM118  (a Record yields values)
        return {name.removeprefix("persons_").upper(): row[name] for name in counted if row[name]}

    async def persons(self, condition: str = "true") -> "list[asyncpg.Record]":
        """The persons of the regency."""
        rows: list[asyncpg.Record] = await self.owner.fetch(
            f"select * from person where regency_id = $1 and {condition} order by village_id, id",  # noqa: S608  (a test's own words)
            self.place.regency.id,
        )
        return rows

    async def standing(self) -> Counter[str]:
        """How many persons with a NIK stand where: MATCHED, a reason, or a state without one."""
        return Counter(
            row["mismatch_reason"] or row["identity_status"] for row in await self.persons("nik_sealed is not null")
        )

    def digest(self, person: Any) -> str:
        """How the simulator calls ``person``."""
        return digest_of(self.seal.unseal(person["nik_sealed"]))

    async def exports(self, attempt: Attempt) -> "list[asyncpg.Record]":
        """What the audit trail holds of persons who left the house by ``attempt`` or another with its job's id, oldest first."""
        rows: list[asyncpg.Record] = await self.owner.fetch(
            "select * from audit_event where action = 'EXPORT' and regency_id = $1 and request_id = $2 order by happened_at, id",
            self.place.regency.id,
            str(attempt.job_id),
        )
        return rows
