"""Who was given which role where, by whom, and until when; and giving, confirming and revoking it."""

from enum import Enum
from typing import Annotated, Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.grantable import load_grantable
from app.authz.grants import GrantStatus, Holder, confirm, give, revoke
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.authz.tables import principal_grant
from app.domain.base import DomainError
from app.domain.regions.rules import parse_region
from app.schema.context import Info
from app.schema.enums import described_by
from app.schema.ids import parse_node_id, reference_node
from app.schema.mutations import Key, Refusal, answered, change, read
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import (
    Connect,
    One,
    Order,
    Part,
    Reading,
    Row,
    Source,
    argument,
    column,
    expression,
    planned,
    planned_field,
)
from app.schema.plan.source import Key as OrderKey
from app.schema.regions import CODE_ARGUMENT_HELP, Region, in_region_span
from app.schema.scalars import DateTime
from app.tenants.region_path import RegionPath
from app.tenants.rls import Tenancy
from app.tenants.scope import EntityBinding

described_by({status: f"{status.indonesian}." for status in GrantStatus})

_GRANTABLE: Final = load_grantable()
_COUNTRY: Final = "0"
_REGION_HELP: Final = f"{CODE_ARGUMENT_HELP} `0` is the whole country."


class _GrantOrder(Enum):
    NEWEST = "NEWEST"


# Ids are UUIDs of version 7: their order is that of time.
_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
GRANTS: Final = Source(
    table=principal_grant,
    permission=Permission.PRINCIPALS_GRANT_READ,
    tenancy=Tenancy.SPAN,
    orders={_GrantOrder.NEWEST: Order((_ID,), descending=True)},
    node=reference_node("PrincipalGrant"),
)


def _is(text: sa.ColumnElement[str], term: Enum) -> sa.ColumnElement[bool]:
    return text == sa.literal_column(f"'{term.value}'")


def _known_role(row: Row) -> sa.ColumnElement[str]:
    known: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{role.value}'") for role in Role]
    return sa.case((row.c.role.in_(known), row.c.role))


def _in_force(row: Row) -> sa.ColumnElement[bool]:
    now = sa.func.now()
    return sa.and_(
        _is(row.c.status, GrantStatus.ACTIVE),
        row.c.valid_from <= now,
        sa.func.coalesce(row.c.valid_to > now, sa.true()),
    )


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = in_region_span(reading, rows)
    for name in ("status", "role"):
        if (given := reading.arguments.get(name)) is not None:
            conditions.append(_is(rows.c[name], given.known))
    return conditions


@strawberry.type(description="Whom a role was given to.")
class GrantHolder:
    """Columns of ``principal_grant``."""

    subject: str = column("holder_subject", description="`sub` of the tokens of this principal.")
    name: str = column("holder_name", description="The name by which the grant was given.")


@planned(GRANTS)
@strawberry.type(
    description="A role that a principal was given in a region, or is proposed for. Its whole region must be the caller's to be seen."
)
class PrincipalGrant(Node):
    """A row of ``principal_grant``."""

    id: strawberry.ID = expression(
        GRANTS.node_text, description="Id for `node(id:)`, `grantConfirm` and `grantRevoke`."
    )
    principal: GrantHolder = planned_field(Part(), description="Who holds the role.")
    role: Role | None = expression(
        _known_role,
        description="The role. Null for one that another version of Kesos has given and this one does not know.",
    )
    region: Region | None = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.region_id]),
        description="Where it counts; null: the whole country.",
    )
    entity_kind: str | None = column(
        "entity_kind", description="What the grant is bound to besides, such as an e-Warong."
    )
    entity_id: strawberry.ID | None = expression(
        lambda row: sa.cast(row.c.entity_id, sa.Text()), description="Which one it is."
    )
    status: GrantStatus = column("status", description="Where it stands.")
    in_force: bool = expression(
        _in_force, description="Whether it counts at this moment: active and within its validity."
    )
    people: int = column("people", description="How many people it takes to give it: with 2, another one must confirm.")
    reason: str | None = column("reason", description="Why it was given, such as the number of the decree.")
    valid_from: DateTime = column("valid_from", description="From this moment it counts, once it is active.")
    valid_to: DateTime | None = column(
        "valid_to", description="From this moment it no longer counts; null: no end is set."
    )
    given_by: str | None = column(
        "given_by_name", description="Who gave or proposed it; null for grants of the development issuer."
    )
    given_at: DateTime = column("given_at", description="When it was given or proposed.")
    lapses_at: DateTime | None = column("lapses_at", description="Until when a proposal can be confirmed.")
    confirmed_by: str | None = column("confirmed_by_name", description="Who confirmed it.")
    confirmed_at: DateTime | None = column("confirmed_at", description="When it was confirmed.")
    revoked_by: str | None = column("revoked_by_name", description="Who revoked it.")
    revoked_at: DateTime | None = column(
        "revoked_at", description="When it was revoked; from that moment it does not count."
    )
    revocation_reason: str | None = column("revocation_reason", description="Why it was revoked.")


@strawberry.type
class PrincipalsQuery:
    """Queries about grants."""

    grants: Connection[PrincipalGrant] = planned_field(
        Connect(_listed),
        description="Grants that lie wholly in the regions of the caller, newest first: active, proposed and past ones.",
        arguments=page_arguments(
            argument("region", str | None, f"Only in this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("status", GrantStatus | None, "Only in this state.", default=None),
            argument("role", Role | None, "Only this role.", default=None),
        ),
    )


@strawberry.input(description="The one thing in a region that a grant is bound to.")
class GrantEntityInput:
    """Input of an entity."""

    kind: str = strawberry.field(description="What kind of thing, such as `ewarong` or `lks`.")
    id: strawberry.ID = strawberry.field(description="Its UUID.")


@strawberry.input(description="A role to give.")
class GrantGiveInput:
    """Input of ``grantGive``."""

    subject: str = strawberry.field(
        description="`sub` of the tokens of whoever is to hold the role, 1 to 255 characters. They need not have logged in yet."
    )
    name: str = strawberry.field(description="Name of that person or service, up to 200 characters.")
    role: Role = strawberry.field(description="The role.")
    region: str = strawberry.field(
        description=f"Where it counts, at a level at which the role is given. {_REGION_HELP}"
    )
    entity: GrantEntityInput | None = strawberry.field(
        default=None, description="What the grant is bound to besides; agents and managers of institutions need it."
    )
    valid_to: DateTime = strawberry.field(
        description="From this moment the grant no longer counts; at most two years ahead unless the policies say otherwise."
    )
    reason: str = strawberry.field(description="Why, such as the number of the decree; up to 1000 characters.")


@strawberry.input(description="A proposed grant to confirm.")
class GrantConfirmInput:
    """Input of ``grantConfirm``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the grant.")


@strawberry.input(description="A grant to revoke, or a proposal to turn down.")
class GrantRevokeInput:
    """Input of ``grantRevoke``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the grant.")
    reason: str = strawberry.field(description="Why; up to 1000 characters.")


_GRANT_AFTERWARDS: Final = "The grant as it stands now. Null where the caller may change grants and not read them."


@strawberry.type(description="A role was given, or, where that takes two people, proposed.")
class GrantGiven:
    """What ``grantGive`` did."""

    grant_key: strawberry.Private[Key]
    grant: PrincipalGrant | None = answered("grant_key", description=_GRANT_AFTERWARDS)


@strawberry.type(description="A proposal was confirmed: the grant counts from now on.")
class GrantConfirmed:
    """What ``grantConfirm`` did."""

    grant_key: strawberry.Private[Key]
    grant: PrincipalGrant | None = answered("grant_key", description=_GRANT_AFTERWARDS)


@strawberry.type(description="A grant was revoked: it counts no more, in no open connection either.")
class GrantRevoked:
    """What ``grantRevoke`` did."""

    grant_key: strawberry.Private[Key]
    grant: PrincipalGrant | None = answered("grant_key", description=_GRANT_AFTERWARDS)


class EntityIdInvalid(DomainError):
    """The text is no UUID."""

    code = "ID_INVALID"

    def __init__(self) -> None:
        super().__init__("ID entitas adalah UUID.", "The id of an entity is a UUID.")


def _region(code: str) -> RegionPath:
    return RegionPath.country() if code == _COUNTRY else parse_region(code)


def _entity(given: GrantEntityInput) -> EntityBinding:
    try:
        return EntityBinding(given.kind, UUID(given.id))
    except ValueError as error:
        raise EntityIdInvalid from error


def _grant_id(text: str) -> UUID:
    identifier: UUID = parse_node_id(text, "PrincipalGrant").key[0]
    return identifier


async def _give(
    info: Info, given: Annotated[GrantGiveInput, strawberry.argument(name="input", description="The role to give.")]
) -> GrantGiven:
    async with change(info, Permission.PRINCIPALS_GRANT_CHANGE) as acting:
        grant = await give(
            acting.session,
            acting.access,
            _GRANTABLE,
            holder=Holder(acting.access.principal.issuer, given.subject, given.name),
            role=given.role,
            region=read("region", _region, given.region),
            valid_to=given.valid_to,
            reason=given.reason,
            entity=read("entity", _entity, given.entity) if given.entity is not None else None,
        )
        acting.concerns("PrincipalGrant", [grant.id], grant.region.villages)
    return GrantGiven(grant_key=(grant.id,))


async def _confirm(
    info: Info,
    given: Annotated[GrantConfirmInput, strawberry.argument(name="input", description="The grant to confirm.")],
) -> GrantConfirmed:
    async with change(info, Permission.PRINCIPALS_GRANT_CHANGE) as acting:
        grant = await confirm(acting.session, acting.access, _GRANTABLE, read("id", _grant_id, given.id))
        acting.concerns("PrincipalGrant", [grant.id], grant.region.villages)
    return GrantConfirmed(grant_key=(grant.id,))


async def _revoke(
    info: Info,
    given: Annotated[GrantRevokeInput, strawberry.argument(name="input", description="The grant to revoke.")],
) -> GrantRevoked:
    async with change(info, Permission.PRINCIPALS_GRANT_CHANGE) as acting:
        grant_id = read("id", _grant_id, given.id)
        grant = await revoke(acting.session, acting.access, _GRANTABLE, grant_id, reason=given.reason)
        acting.concerns("PrincipalGrant", [grant.id], grant.region.villages)
    return GrantRevoked(grant_key=(grant.id,))


GrantGiveResult: TypeAlias = Annotated[
    GrantGiven | Refusal,
    strawberry.union("GrantGiveResult", description="What `grantGive` did, or why it did nothing."),
]
GrantConfirmResult: TypeAlias = Annotated[
    GrantConfirmed | Refusal,
    strawberry.union("GrantConfirmResult", description="What `grantConfirm` did, or why it did nothing."),
]
GrantRevokeResult: TypeAlias = Annotated[
    GrantRevoked | Refusal,
    strawberry.union("GrantRevokeResult", description="What `grantRevoke` did, or why it did nothing."),
]


@strawberry.type
class PrincipalsMutation:
    """Mutations of grants."""

    grant_give: GrantGiveResult | None = strawberry.mutation(
        resolver=_give,
        description="Give a role to somebody in a region of the caller's. A role that approves, or that reveals personal numbers, is "
        "only proposed: somebody else must confirm it. Needs `principals:grant:change`.",
    )
    grant_confirm: GrantConfirmResult | None = strawberry.mutation(
        resolver=_confirm,
        description="Confirm what somebody else has proposed. Needs `principals:grant:change`.",
    )
    grant_revoke: GrantRevokeResult | None = strawberry.mutation(
        resolver=_revoke,
        description="End a grant at once, or turn a proposal down. Needs `principals:grant:change`.",
    )
