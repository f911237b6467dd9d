"""Giving roles to people: who may, for how long, and when it takes two.

Each function works in the transaction of its session, which runs under the scope of ``principals:grant:change`` of whoever acts: what
lies outside that scope does not exist. None commits; everybody who remembers the principal forgets it when the transaction does.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.authz.authorize import OPERATOR_ID, Access
from app.authz.changes import principal_changes
from app.authz.errors import (
    EntityWrong,
    GrantExists,
    GrantForOneself,
    GrantNotProposed,
    GrantRegionUnknown,
    GrantRevokedAlready,
    GrantTextWrong,
    GrantUnknown,
    HigherOfficeNeeded,
    ProposalLapsed,
    RoleLevelWrong,
    RoleNeverGiven,
    SecondPersonNeeded,
    ValidityWrong,
)
from app.authz.grantable import Grantable, RoleRule
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.authz.tables import principal_grant
from app.authz.tokens import SUBJECT_CHARACTERS
from app.tenants.region_path import RegionPath
from app.tenants.scope import EntityBinding
from app.tenants.sqlstates import FOREIGN_KEY_VIOLATION, INSUFFICIENT_PRIVILEGE, refused_as

NAME_CHARACTERS: Final = 200
REASON_CHARACTERS: Final = 1000
_FIND_OR_MAKE: Final = sa.text("select principal_for_grant(:id, :issuer, :subject, :name) as id, now() as now")
_NO_ENTITY: Final = UUID(int=0)


class GrantStatus(StrEnum):
    """Where a grant stands.

    ``indonesian`` says it in the words of the office.
    """

    indonesian: str

    # As in Role: without the default a type checker refuses the look-up by name.
    def __new__(cls, name: str, indonesian: str = "") -> Self:
        """Read a member written as ``NAME = ("NAME", "keterangan")``."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.indonesian = indonesian
        return member

    PROPOSED = ("PROPOSED", "Diusulkan; belum berlaku sampai disahkan orang kedua")
    ACTIVE = ("ACTIVE", "Diberikan; berlaku selama masanya")
    REVOKED = ("REVOKED", "Dicabut; tidak berlaku lagi")


@dataclass(frozen=True, slots=True)
class ChangedGrant:
    """A grant that was given, confirmed or revoked."""

    id: UUID
    principal_id: UUID
    region: RegionPath
    status: GrantStatus


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a role is given to: known to ``issuer`` as ``subject``, and to whoever gives it as ``name``."""

    issuer: str
    subject: str
    name: str


async def give(
    session: AsyncSession,
    actor: Access,
    grantable: Grantable,
    *,
    holder: Holder,
    role: Role,
    region: RegionPath,
    valid_to: datetime,
    reason: str,
    entity: EntityBinding | None = None,
) -> ChangedGrant:
    """Give ``role`` in ``region``; where that takes two people, propose it. The operator of the server needs no second.

    Raises:
        DomainError: with ``fields`` where one of the parameters cannot be; GrantForOneself, HigherOfficeNeeded, GrantExists.
    """
    rule = _rule(grantable, role, region, entity)
    _check_office(actor, rule, role.value, region)
    subject = _text("subject", holder.subject, SUBJECT_CHARACTERS)
    name = _text("name", holder.name.strip(), NAME_CHARACTERS)
    why = _text("reason", reason.strip(), REASON_CHARACTERS)
    found = (
        await session.execute(_FIND_OR_MAKE, {"id": uuid7(), "issuer": holder.issuer, "subject": subject, "name": name})
    ).one()
    if found.id == actor.principal.id:
        raise GrantForOneself
    if not found.now < valid_to <= found.now + grantable.longest:
        raise ValidityWrong(found.now, grantable.longest)
    await _check_new(session, found.id, role, region, entity)
    people = 1 if actor.principal.id == OPERATOR_ID else rule.people
    status = GrantStatus.ACTIVE if people == 1 else GrantStatus.PROPOSED
    grant = ChangedGrant(uuid7(), found.id, region, status)
    row: dict[str, Any] = {
        "id": grant.id,
        "principal_id": found.id,
        "holder_subject": subject,
        "holder_name": name,
        "role": role.value,
        "region_id": region.id or None,
        "entity_kind": entity.kind if entity else None,
        "entity_id": entity.id if entity else None,
        "status": status.value,
        "people": people,
        "valid_to": valid_to,
        "reason": why,
        "given_by": actor.principal.id,
        "given_by_name": actor.principal.name,
        "lapses_at": min(found.now + grantable.proposal, valid_to) if status is GrantStatus.PROPOSED else None,
    }
    with refused_as(lambda: GrantRegionUnknown(region), INSUFFICIENT_PRIVILEGE, FOREIGN_KEY_VIOLATION):
        await session.execute(sa.insert(principal_grant).values(row))
    principal_changes(session, grant.principal_id)
    return grant


async def confirm(session: AsyncSession, actor: Access, grantable: Grantable, grant_id: UUID) -> ChangedGrant:
    """Make a proposal of somebody else count.

    Raises:
        GrantUnknown: there is none that ``actor`` may change.
        GrantForOneself, SecondPersonNeeded: ``actor`` would hold it, or has proposed it.
        HigherOfficeNeeded: the role is an office's above.
        GrantNotProposed, ProposalLapsed: it does not wait any more.
    """
    row = await _locked(session, grant_id)
    _check_actor(actor, grantable, row)
    if row.given_by == actor.principal.id:
        raise SecondPersonNeeded
    if row.status != GrantStatus.PROPOSED:
        raise GrantNotProposed
    if row.lapses_at <= row.now:
        raise ProposalLapsed
    return await _write(
        session,
        row,
        GrantStatus.ACTIVE,
        valid_from=row.now,
        confirmed_by=actor.principal.id,
        confirmed_by_name=actor.principal.name,
        confirmed_at=row.now,
    )


async def revoke(
    session: AsyncSession, actor: Access, grantable: Grantable, grant_id: UUID, *, reason: str
) -> ChangedGrant:
    """End a grant, or refuse a proposal, now.

    Raises:
        GrantUnknown: there is none that ``actor`` may change.
        GrantForOneself: ``actor`` holds it.
        HigherOfficeNeeded: the role is an office's above.
        GrantRevokedAlready: somebody was faster.
        GrantTextWrong: the reason is no text.
    """
    why = _text("reason", reason.strip(), REASON_CHARACTERS)
    row = await _locked(session, grant_id)
    _check_actor(actor, grantable, row)
    if row.status == GrantStatus.REVOKED:
        raise GrantRevokedAlready
    return await _write(
        session,
        row,
        GrantStatus.REVOKED,
        revoked_by=actor.principal.id,
        revoked_by_name=actor.principal.name,
        revoked_at=row.now,
        revocation_reason=why,
    )


def _rule(grantable: Grantable, role: Role, region: RegionPath, entity: EntityBinding | None) -> RoleRule:
    rule = grantable.roles.get(role)
    if rule is None:
        raise RoleNeverGiven(role)
    if region.level not in rule.levels:
        raise RoleLevelWrong(role, rule.levels)
    if (entity.kind if entity else None) != rule.bound_to:
        raise EntityWrong(role, rule.bound_to)
    return rule


def _check_office(actor: Access, rule: RoleRule, role: str, region: RegionPath) -> None:
    level = rule.given_from
    if level is not None and not actor.scope(Permission.PRINCIPALS_GRANT_CHANGE).covers(region.ancestor(level)):
        raise HigherOfficeNeeded(role, level)


def _check_actor(actor: Access, grantable: Grantable, row: Any) -> None:
    if row.principal_id == actor.principal.id:
        raise GrantForOneself
    rule = grantable.rule_of(row.role)
    if rule is not None:
        _check_office(actor, rule, row.role, _region(row))


def _region(row: Any) -> RegionPath:
    return RegionPath.of_id(row.region_id or 0)


def _text(field: str, text: str, longest: int) -> str:
    # PostgreSQL holds no NUL and UTF-8 no lone surrogate; neither is printable.
    if not 0 < len(text) <= longest or not text.isprintable():
        raise GrantTextWrong(field, longest)
    return text


async def _check_new(
    session: AsyncSession, principal_id: UUID, role: Role, region: RegionPath, entity: EntityBinding | None
) -> None:
    grants, now = principal_grant.c, sa.func.now()
    counts = sa.and_(grants.status == GrantStatus.ACTIVE.value, sa.func.coalesce(grants.valid_to > now, sa.true()))
    waits = sa.and_(grants.status == GrantStatus.PROPOSED.value, grants.lapses_at > now)
    same = sa.select(grants.id).where(
        grants.principal_id == principal_id,
        grants.role == role.value,
        sa.func.coalesce(grants.region_id, 0) == region.id,
        sa.func.coalesce(grants.entity_id, _NO_ENTITY) == (entity.id if entity else _NO_ENTITY),
        sa.or_(counts, waits),
    )
    if (await session.execute(same)).first() is not None:
        raise GrantExists


async def _locked(session: AsyncSession, grant_id: UUID) -> Any:
    """The grant, locked until the transaction ends, with the moment ``now``: of two who change it, the second sees the first."""
    found = sa.select(principal_grant, sa.func.now().label("now")).where(principal_grant.c.id == grant_id)
    row = (await session.execute(found.with_for_update())).one_or_none()
    if row is None:
        raise GrantUnknown
    return row


async def _write(session: AsyncSession, row: Any, status: GrantStatus, **values: Any) -> ChangedGrant:
    changed = sa.update(principal_grant).where(principal_grant.c.id == row.id).values(status=status.value, **values)
    await session.execute(changed)
    principal_changes(session, row.principal_id)
    return ChangedGrant(row.id, row.principal_id, _region(row), status)
