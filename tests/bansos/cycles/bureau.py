"""A bureau that makes cycles and decides on them, without the API around it."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from app.authz.authorize import authorize
from app.authz.enforcer import RoleMatrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.bansos.cycles import service
from app.domain.bansos.cycles.generation import Maker, generate
from app.domain.bansos.cycles.queries import Cycle, Key
from app.domain.bansos.cycles.service import Actor, Generation
from app.tenants.region_path import RegionPath, Span
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.authz.people import access_of, grant
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

PERIOD: Final = date(2026, 7, 1)
MAKER, VERIFIER, APPROVER, SECOND = (Actor(uuid4(), name) for name in ("Sari", "Budi", "Wati", "Joko"))
TABLES: Final = ("entitlement", "aid_exclusion", "cycle_outcome")


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
class Bureau:
    """Has cycles generated, and looks at what came of it."""

    server: DatabaseServer
    database: Database
    owner: "asyncpg.Connection[asyncpg.Record]"
    matrix: RoleMatrix

    def scope(self, code: str = "33", permission: Permission = Permission.BANSOS_CYCLE_MAKE) -> TenantScope:
        """Where somebody in the region ``code`` who may do nearly all with cycles has ``permission``."""
        roles = (Role.REGENCY_ADMIN, Role.REGENCY_VERIFIER, Role.REGENCY_APPROVER)
        return authorize(access_of(self.matrix, *(grant(role, code) for role in roles)), permission)

    async def make(
        self,
        programme: str,
        *,
        by: Actor = MAKER,
        region: RegionPath = BANYUMAS.path,
        period: date = PERIOD,
        key: UUID | None = None,
        scope: TenantScope | None = None,
    ) -> Generation:
        """Cycles of which nobody has generated the lists yet."""
        async with self.database.write(scope or self.scope()) as session:
            return await service.make(
                session, by, programme=programme, period=period, region=region, idempotency_key=key or uuid4()
            )

    async def generate(self, made: Generation, after: Callable[[int], None] = lambda _done: None) -> Attempt:
        """Do the job of ``made``."""
        attempt = Attempt(self.server, self.database, made.id, made.villages, after)
        maker = Maker(MAKER.id, (Role.REGENCY_ADMIN.value,), Permission.BANSOS_CYCLE_MAKE.value)
        await generate(attempt, self.scope(), maker)
        return attempt

    async def generated(self, programme: str, *, region: RegionPath = BANYUMAS.path, period: date = PERIOD) -> Any:
        """The one cycle of ``programme`` in ``region``, generated."""
        await self.generate(await self.make(programme, region=region, period=period))
        (cycle,) = await self.cycles(programme, period)
        return cycle

    async def cycles(self, programme: str, period: date = PERIOD) -> "list[asyncpg.Record]":
        """The cycles of a programme that are not superseded, by regency."""
        rows: list[asyncpg.Record] = await self.owner.fetch(
            "select * from aid_cycle where programme_code = $1 and period_start = $2 and state <> 'SUPERSEDED' order by regency_id",
            *(programme, period),
        )
        return rows

    async def act(self, step: str, cycle: Any, by: Actor, **arguments: Any) -> Cycle:
        """``verify``, ``approve``, ``release`` or ``revise`` of the service, on a cycle as it was read."""
        given = {"version": cycle["version"], **arguments}
        async with self.database.write(self.scope()) as session:
            done: Cycle = await getattr(service, step)(session, by, (cycle["regency_id"], cycle["id"]), **given)
        return done

    async def row(self, key: Key) -> "asyncpg.Record":
        """A cycle as the database holds it."""
        row = await self.owner.fetchrow("select * from aid_cycle where regency_id = $1 and id = $2", *key)
        assert row is not None
        return row

    async def approved(self, programme: str, **where: Any) -> "asyncpg.Record":
        """A cycle that the verifier and the approver have agreed to."""
        cycle = await self.generated(programme, **where)
        for step, by in (("verify", VERIFIER), ("approve", APPROVER)):
            done = await self.act(step, cycle, by)
            cycle = await self.row(done.key)
        return cycle

    async def lists(self, *cycle_ids: UUID) -> dict[str, "list[tuple[Any, ...]]"]:
        """All rows of the lists of these cycles, as text and sorted."""
        return {
            table: [
                tuple(row)
                for row in await self.owner.fetch(
                    f"select t::text from {table} t where cycle_id = any($1) order by 1",  # noqa: S608  (our own words)
                    list(cycle_ids),
                )
            ]
            for table in TABLES
        }

    async def reasons(self, cycle: Any) -> Counter[tuple[str, str]]:
        """How many families of ``cycle`` have which outcome for which reason, counted from the lists themselves."""
        rows = await self.owner.fetch(
            "select 'ENTITLED' as outcome, '' as reason from entitlement where cycle_id = $1 "
            "union all select outcome, reason from aid_exclusion where cycle_id = $1",
            cycle["id"],
        )
        return Counter((row["outcome"], row["reason"]) for row in rows)

    async def why(self, cycle: Any, family_id: UUID) -> "tuple[str, str | None]":
        """Reason and other programme of a family that ``cycle`` leaves out; the reason is empty where it is entitled."""
        row = await self.owner.fetchrow(
            "select reason, other_code from aid_exclusion where cycle_id = $1 and family_id = $2",
            cycle["id"],
            family_id,
        )
        return ("", None) if row is None else (row["reason"], row["other_code"])

    async def entitled(self, cycle: Any) -> list[UUID]:
        """The families that are entitled, in the order of their need."""
        rows = await self.owner.fetch(
            "select e.family_id from entitlement e join family f on f.regency_id = e.regency_id and f.id = e.family_id "
            "left join lateral (select percentile from welfare_rank r where r.regency_id = f.regency_id and r.family_id = f.id "
            "order by ranked_on desc limit 1) r on true where e.cycle_id = $1 order by f.decile, r.percentile, f.id",
            cycle["id"],
        )
        return [row["family_id"] for row in rows]
