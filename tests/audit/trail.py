"""A trail of its own for the tests that seal, tamper and expire: nothing else writes to it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.cli.auditing import sealing_scope
from app.domain.audit.models import Action, Purpose
from app.domain.audit.service import AuditLog, Event
from app.domain.audit.verification import Finding, verify_seals
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.authz.people import access_of, grant
from tests.support.world import BANYUMAS, connected

if TYPE_CHECKING:
    import asyncpg

SOMEBODY = UUID("01890000-0000-7000-8000-00000000000a")
_EVENT = Event(
    action=Action.READ,
    principal_id=SOMEBODY,
    roles=("REGENCY_ADMIN",),
    permission="registry:family:read",
    operation="Page",
    document_hash=bytes(range(32)),
    subject_type="Family",
    subject_ids=(),
    row_count=0,
    purpose=None,
    request_id="",
    village_low=BANYUMAS.path.villages.low,
    village_high=BANYUMAS.path.villages.high,
)


def an_event(**changes: Any) -> Event:
    """A reading of a family in Banyumas, but for ``changes``; its request id is its own."""
    own: dict[str, Any] = {"request_id": str(uuid4()), "subject_ids": (uuid4(),), "row_count": 1}
    return replace(_EVENT, **own | changes)


def a_reveal(**changes: Any) -> Event:
    return an_event(**{"action": Action.REVEAL, "purpose": Purpose.COMPLAINT} | changes)


def of_region(code: str) -> dict[str, int]:
    """Where an event is, for ``an_event``; without a code, in the whole country."""
    villages = (RegionPath.parse(code) if code else RegionPath.country()).villages
    return {"village_low": villages.low, "village_high": villages.high}


def reader(role: Role, code: str) -> TenantScope:
    """Where somebody may read the trail."""
    return access_of(load_role_matrix(), grant(role, code)).scope(Permission.AUDIT_EVENT_READ)


COUNTRY = sealing_scope()


class Trail:
    """The trail as its database holds it, and the ways to write to it."""

    def __init__(self, server: DatabaseServer, database: Database, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.server = server
        self.database = database
        self.owner = owner
        self.log = AuditLog(database)

    async def empty(self) -> None:
        """Begin anew. Only an administrator of the server can."""
        await self.owner.execute("truncate audit_event, seal_queue, seal_batch, sealed_leaf")

    async def append(self, *events: Event) -> None:
        await self.log.append(events)

    async def count(self, what: str = "audit_event") -> int:
        counted: int = await self.owner.fetchval(f"select count(*) from {what}")  # noqa: S608  (a test's own words)
        return counted

    async def verify(self, noted: bytes | None = None) -> list[Finding]:
        async with open_loader(self.server) as loader:
            return list((await verify_seals(loader, noted=() if noted is None else [noted])).findings)


@asynccontextmanager
async def trail_of(server: DatabaseServer) -> AsyncIterator[Trail]:
    """The trail of ``server``."""
    database = Database(server.app, read_pool_size=2, write_pool_size=3)
    await database.open()
    try:
        async with connected(server) as owner:
            yield Trail(server, database, owner)
    finally:
        await database.close()


def odd_texts() -> Iterator[str]:
    """Texts that two writers of JSON could write in two ways."""
    yield from ('"', "\\", "/", "\b\f\n\r\t", "\x01\x1f\x7f", "é", "\u2028\u2029", "😀", "</script>", "' or 1=1", "")
