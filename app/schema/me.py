"""Who the caller is."""

import strawberry

from app.authz.authorize import Access
from app.authz.principal import Grant as PrincipalGrant
from app.authz.roles import Role
from app.domain.regions.models import Level
from app.schema.context import Info
from app.schema.enums import described_by
from app.tenants.region_path import RegionLevel

described_by({role: f"{role.indonesian}." for role in Role})


@strawberry.type(description="A role of the caller in a region.")
class Grant:
    """A grant of the principal."""

    role: Role = strawberry.field(description="The role.")
    region_code: str | None = strawberry.field(description="Kemendagri code of the region; null: the whole country.")
    level: Level | None = strawberry.field(description="Level of the region; null: the whole country.")
    entity_kind: str | None = strawberry.field(description="What the grant is bound to besides, such as an e-Warong.")
    entity_id: strawberry.ID | None = strawberry.field(description="Which one it is.")

    @classmethod
    def of(cls, grant: PrincipalGrant) -> "Grant":
        """The grant as the API shows it."""
        everywhere = grant.region.level is RegionLevel.COUNTRY
        return cls(
            role=grant.role,
            region_code=None if everywhere else grant.region.code,
            level=None if everywhere else Level(grant.region.level.value),
            entity_kind=grant.entity.kind if grant.entity else None,
            entity_id=strawberry.ID(str(grant.entity.id)) if grant.entity else None,
        )


@strawberry.type(description="Somebody who holds a token.")
class Principal:
    """The principal of the request."""

    id: strawberry.ID = strawberry.field(description="Id of the principal.")
    subject: str = strawberry.field(description="`sub` of the token.")
    name: str = strawberry.field(description="Name to show.")


@strawberry.type(description="The caller: who it is, what it was granted, and what that permits.")
class Me:
    """What ``me`` answers."""

    principal: Principal = strawberry.field(description="Who holds the token.")
    grants: list[Grant] = strawberry.field(description="Roles in regions.")
    permissions: list[str] = strawberry.field(
        description="What the roles permit, as `context:resource:action`, sorted. Use it to show or hide what the caller may do."
    )

    @classmethod
    def of(cls, access: Access) -> "Me":
        """The caller who has ``access``."""
        principal = access.principal
        return cls(
            principal=Principal(id=strawberry.ID(str(principal.id)), subject=principal.subject, name=principal.name),
            grants=[Grant.of(grant) for grant in principal.grants],
            permissions=sorted(access.permissions),
        )


def _me(info: Info) -> Me:
    return Me.of(info.context.access)


@strawberry.type
class MeQuery:
    """Queries about the caller."""

    me: Me = strawberry.field(resolver=_me, description="The caller of this request.")
