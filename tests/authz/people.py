"""Principals of the tests: in memory, and in the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from app.authz.authorize import OPERATOR_ID, Access
from app.authz.enforcer import RoleMatrix
from app.authz.principal import Grant, Principal
from app.authz.roles import Role
from app.tenants.region_path import RegionPath
from app.tenants.scope import EntityBinding

if TYPE_CHECKING:
    import asyncpg

COUNTRY = RegionPath.country()


def region(code: str) -> RegionPath:
    return RegionPath.parse(code) if code else COUNTRY


def grant(role: Role, code: str, entity: EntityBinding | None = None) -> Grant:
    return Grant(role, region(code), entity)


def access_of(matrix: RoleMatrix, *grants: Grant) -> Access:
    subject = str(uuid4())
    return Access(Principal(uuid4(), "https://sso.test", subject, "Petugas", grants), matrix)


class People:
    """Writes principals as the owner of the database does."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection = connection

    async def add(self, issuer: str, *grants: tuple[str, int | None]) -> str:
        """A new principal with ``(role, region id)`` grants; its subject."""
        principal_id, subject = uuid4(), f"subject-{uuid4()}"
        await self.connection.execute(
            "insert into principal (id, issuer, subject, name) values ($1, $2, $3, 'Petugas')",
            principal_id,
            issuer,
            subject,
        )
        for role, region_id in grants:
            await self.connection.execute(
                "insert into principal_grant (id, principal_id, holder_subject, holder_name, role, region_id, status, people) "
                "values ($1, $2, $3, 'Petugas', $4, $5, 'ACTIVE', 1)",
                uuid4(),
                principal_id,
                subject,
                role,
                region_id,
            )
        return subject

    async def id_of(self, subject: str) -> UUID:
        found: UUID = await self.connection.fetchval("select id from principal where subject = $1", subject)
        return found

    async def deactivate(self, subject: str) -> None:
        await self.connection.execute("update principal set active = false where subject = $1", subject)

    @asynccontextmanager
    async def without_news(self) -> AsyncIterator[None]:
        """PostgreSQL tells nobody of changes of grants, so that what is known came another way."""
        await self.connection.execute("alter table principal_grant disable trigger principal_grant_changed")
        try:
            yield
        finally:
            await self.connection.execute("alter table principal_grant enable trigger principal_grant_changed")

    async def set(self, subject: str, role: str, assignment: str) -> None:
        """Change the grant of ``role``; $3 in the ``assignment`` is the id of the operator."""
        await self.connection.execute(
            f"update principal_grant set {assignment} where holder_subject = $1 and role = $2 "  # noqa: S608  (a test's own words)
            "and ($3::uuid is not null)",
            subject,
            role,
            OPERATOR_ID,
        )

    async def revoke(self, subject: str, role: str) -> None:
        await self.set(subject, role, "valid_to = now()")
