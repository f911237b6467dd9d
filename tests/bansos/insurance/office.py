"""An office that gives, ends and reviews memberships, without the API around it."""

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
from app.domain.bansos.insurance import service
from app.domain.bansos.insurance.queries import Key, Membership
from app.domain.bansos.insurance.review import Reviewer, review
from app.domain.bansos.insurance.service import Actor, Letters
from app.domain.bansos.insurance.starting import start_review
from app.domain.bansos.models.insurance import DeactivationReason, Segment
from app.tenants.region_path import RegionPath, Span
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.authz.people import access_of, grant
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

TODAY: Final = date(2026, 7, 31)
MAKER, VERIFIER, DECIDER = (Actor(uuid4(), name) for name in ("Sari", "Budi", "Wati"))
LETTERS: Final = Letters("Puskesmas Sumbang", "440/12/2026", "460/7/2026")
DECREE: Final = "80/HUK/2026"


@dataclass(slots=True)
class Attempt:
    """One attempt at a job, in this process."""

    server: DatabaseServer
    database: Database
    subject_id: UUID
    villages: Span
    after: Callable[[int], None] = lambda _done: None
    job_id: UUID = field(default_factory=uuid4)

    def loader(self) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]":
        return open_loader(self.server)

    async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:  # noqa: ARG002  (of Work)
        self.after(done)


@dataclass(frozen=True)
class Office:
    """Gives memberships in a regency, and looks at what came of it."""

    server: DatabaseServer
    database: Database
    owner: "asyncpg.Connection[asyncpg.Record]"
    matrix: RoleMatrix

    def scope(self, code: str = "33") -> TenantScope:
        """Where somebody in the region ``code`` may change memberships."""
        access = access_of(self.matrix, grant(Role.REGENCY_ADMIN, code))
        return authorize(access, Permission.BANSOS_MEMBERSHIP_CHANGE)

    async def act(self, step: str, by: Actor, *given: Any, code: str = "33", **named: Any) -> Membership:
        """A step of the service, in a transaction of its own."""
        async with self.database.write(self.scope(code)) as session:
            done: Membership = await getattr(service, step)(session, by, *given, **named)
        return done

    async def person(self, condition: str = "true", regency_id: int = BANYUMAS.id) -> "asyncpg.Record":
        """A person who lives in a poor, active family, of whom nothing is known to insurance."""
        row = await self.owner.fetchrow(
            "select p.* from person p join family f on f.regency_id = p.regency_id and f.id = p.family_id "  # noqa: S608  (a test's own words)
            "where p.regency_id = $1 and p.presence = 'PRESENT' and f.status = 'ACTIVE' and f.decile <= 5 "
            "and not exists (select from health_membership m where m.regency_id = p.regency_id and m.person_id = p.id) "
            f"and {condition} order by p.id limit 1",
            regency_id,
        )
        assert row is not None
        return row

    async def row(self, key: Key) -> "asyncpg.Record":
        """A membership as the database holds it."""
        row = await self.owner.fetchrow("select * from health_membership where regency_id = $1 and id = $2", *key)
        assert row is not None
        return row

    async def propose(self, person: Any, *, segment: Segment = Segment.PBI_JK, mother: Any = None) -> Membership:
        """Propose a person, as the maker."""
        of_mother = None if mother is None else (mother["regency_id"], mother["id"])
        return await self.act(
            "propose",
            MAKER,
            person=(person["regency_id"], person["id"]),
            segment=segment,
            mother=of_mother,
            today=TODAY,
        )

    async def active(
        self, person: Any, *, since: date = TODAY, today: date = TODAY, segment: Segment = Segment.PBI_JK
    ) -> Membership:
        """A membership that three people have given."""
        made = await self.propose(person, segment=segment)
        await self.act("verify", VERIFIER, made.key, 1)
        return await self.act("accept", DECIDER, made.key, 2, asked_back=False, valid_from=since, today=today)

    async def ended(self, person: Any, on: date) -> Membership:
        """A membership that ended on a day."""
        member = await self.active(person, since=date(2025, 1, 1))
        return await self.act(
            "deactivate",
            MAKER,
            member.key,
            3,
            reason=DeactivationReason.DECILE_TOO_HIGH,
            decree=DECREE,
            on=on,
            today=TODAY,
        )

    async def asked_back(self, ended: Membership, today: date) -> Membership:
        """Ask back a membership on a day."""
        return await self.act("reactivate", MAKER, ended.key, LETTERS, today=today)

    async def review(
        self,
        region: RegionPath = BANYUMAS.path,
        on: date = TODAY,
        after: Callable[[int], None] = lambda _done: None,
        key: UUID | None = None,
    ) -> "asyncpg.Record":
        """Have memberships looked through; the review as the database holds it."""
        async with self.database.write(self.scope()) as session:
            started = await start_review(
                session, MAKER, region=region, on=on, idempotency_key=key or uuid4(), today=TODAY
            )
        attempt = Attempt(self.server, self.database, started.id, region.villages, after)
        reviewer = Reviewer(MAKER.id, MAKER.name, ("REGENCY_ADMIN",), Permission.BANSOS_MEMBERSHIP_CHANGE.value)
        await review(attempt, self.scope(), reviewer)
        row = await self.owner.fetchrow("select * from membership_review where id = $1", started.id)
        assert row is not None
        return row

    async def risks(self, regency_id: int = BANYUMAS.id) -> "dict[UUID, tuple[str, date]]":
        """Reason and day of those at risk, by person."""
        rows = await self.owner.fetch(
            "select person_id, risk_reason, risk_since from health_membership where regency_id = $1 and risk_reason is not null",
            regency_id,
        )
        return {row["person_id"]: (row["risk_reason"], row["risk_since"]) for row in rows}
