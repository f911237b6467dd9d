"""Grants that the operator of the server gives: the first administrators of a deployment, whom nobody else can give theirs."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID, uuid4

import sqlalchemy as sa
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app.authz.authorize import Access, authorize, operator_access
from app.authz.enforcer import load_role_matrix
from app.authz.grantable import load_grantable
from app.authz.grants import ChangedGrant, GrantStatus, Holder, give, revoke
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.authz.tables import principal, principal_grant
from app.cli.console import Refusal, plain
from app.cli.database import require_ready, run, running
from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.regions.rules import parse_region
from app.settings import DEVELOPMENT_ISSUER, get_settings
from app.tenants.region_path import RegionPath
from app.tenants.rls import APP_ROLE
from app.tenants.server import DatabaseServer
from app.tenants.session import Database

OPERATION: Final = "kesos grant"
_COUNTRY: Final = "0"
_CLOCKS_DIFFER: Final = timedelta(minutes=5)


grants = typer.Typer()


@grants.command("grant")
def grant_command(
    *,
    subject: Annotated[str, typer.Option(help="`sub` of the tokens of whoever is to hold the role.")],
    role: Annotated[Role, typer.Option(help="The role.", case_sensitive=False)],
    region: Annotated[str, typer.Option(help="Where: 33, 33.02, 33.02.01, 33.02.01.2001, or 0 for the country.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the holder; needed unless the role is revoked.", show_default=False)
    ] = None,
    issuer: Annotated[
        str | None,
        typer.Option(help="`iss` of those tokens; KESOS_ISSUER, or the development issuer.", show_default=False),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; the audit trail keeps it.")] = "Diberikan oleh operator server",
    revoke_it: Annotated[bool, typer.Option("--revoke", help="Take the role back instead.")] = False,
) -> None:
    """Give a role, as the operator of the server: to the first administrators, who then give everybody else theirs."""
    settings = get_settings()
    holder = Holder(issuer or settings.issuer or DEVELOPMENT_ISSUER, subject, name or "")
    path = RegionPath.country() if region == _COUNTRY else parse_region(region)
    if name is None and not revoke_it:
        raise Refusal("A role is given to somebody by name: add --name.")
    with running(settings) as server:

        async def work() -> str:
            await require_ready(server)
            if revoke_it:
                await revoke_role(server, holder, role, path, reason=reason)
                return f"{subject} no longer holds {role.value} in {path.code}."
            valid_to = await grant_role(server, holder, role, path, reason=reason)
            return f"{name} holds {role.value} in {path.code} until {valid_to.date().isoformat()}."

        plain(run(work()))


async def grant_role(
    server: DatabaseServer, holder: Holder, role: Role, region: RegionPath, *, reason: str
) -> datetime:
    """Give ``role`` in ``region`` for as long as the policies allow, and tell until when. One person is enough: the operator.

    Raises:
        DomainError: the role cannot be given like this.
        Refusal: the database logs in as the application itself.
    """
    valid_to = datetime.now(tz=UTC) + load_grantable().longest - _CLOCKS_DIFFER

    async def giving(session: AsyncSession, operator: Access) -> ChangedGrant:
        return await give(
            session,
            operator,
            load_grantable(),
            holder=holder,
            role=role,
            region=region,
            valid_to=valid_to,
            reason=reason,
        )

    await _as_operator(server, giving)
    return valid_to


async def revoke_role(server: DatabaseServer, holder: Holder, role: Role, region: RegionPath, *, reason: str) -> None:
    """Take ``role`` in ``region`` back, or turn down a proposal.

    Raises:
        Refusal: nobody of this name holds it, or the database logs in as the application itself.
    """

    async def revoking(session: AsyncSession, operator: Access) -> ChangedGrant:
        grant_id = await _held(session, holder, role, region)
        if grant_id is None:
            raise Refusal(
                f"{holder.subject} of {holder.issuer} does not hold {role.value} in {region.code}: the query `grants` "
                "of the API tells who does."
            )
        return await revoke(session, operator, load_grantable(), grant_id, reason=reason)

    await _as_operator(server, revoking)


async def _held(session: AsyncSession, holder: Holder, role: Role, region: RegionPath) -> UUID | None:
    rows = principal_grant.c
    found = (
        sa.select(rows.id)
        .join_from(principal_grant, principal, principal.c.id == rows.principal_id)
        .where(principal.c.issuer == holder.issuer, principal.c.subject == holder.subject, rows.role == role.value)
        .where(sa.func.coalesce(rows.region_id, 0) == region.id, rows.status != GrantStatus.REVOKED.value)
        .order_by(rows.id.desc())
        .limit(1)
    )
    grant_id: UUID | None = (await session.execute(found)).scalar()
    return grant_id


async def _as_operator(server: DatabaseServer, act: Callable[[AsyncSession, Access], Awaitable[ChangedGrant]]) -> None:
    """Change one grant as the operator, who is the administrator of the database, and keep that in the audit trail with it."""
    if server.admin.user == APP_ROLE:
        raise Refusal(
            f"KESOS_DATABASE_URL logs in as {APP_ROLE}, which may only serve: name the administrator of the database."
        )
    permission = Permission.PRINCIPALS_GRANT_CHANGE
    operator = operator_access(RegionPath.country(), load_role_matrix())
    database = Database(server.admin, read_pool_size=1, write_pool_size=1)
    try:
        async with database.write(authorize(operator, permission)) as session:
            grant = await act(session, operator)
            event = Event(
                action=Action.CHANGE,
                principal_id=operator.principal.id,
                roles=operator.roles(permission),
                permission=permission.value,
                operation=OPERATION,
                document_hash=None,
                subject_type="PrincipalGrant",
                subject_ids=(UUID(int=grant.id.int),),
                row_count=1,
                purpose=None,
                request_id=str(uuid4()),
                village_low=grant.region.villages.low,
                village_high=grant.region.villages.high,
            )
            await append_events(session, [event])
    finally:
        await database.close()
