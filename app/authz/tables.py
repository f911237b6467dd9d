"""Principals and their grants as rows. The application reads them only through ``principal_by_subject``."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.tenants.tables import metadata

principal = sa.Table(
    "principal",
    metadata,
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, server_default="true"),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.UniqueConstraint("issuer", "subject", name="principal_subject_uq"),
)

principal_grant = sa.Table(
    "principal_grant",
    metadata,
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("principal_id", sa.ForeignKey("principal.id", name="principal_grant_principal_fk"), nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column(
        "region_id",
        sa.BigInteger,
        sa.ForeignKey("region.id", name="principal_grant_region_fk"),
        comment="NULL: the whole country",
    ),
    sa.Column("entity_kind", sa.Text),
    sa.Column("entity_id", pg.UUID(as_uuid=True)),
    sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("valid_to", sa.DateTime(timezone=True)),
    sa.CheckConstraint("(entity_kind is null) = (entity_id is null)", name=sa.schema.conv("principal_grant_entity_ck")),
)
sa.Index("principal_grant_principal_ix", principal_grant.c.principal_id)
sa.Index(
    "principal_grant_uq",
    principal_grant.c.principal_id,
    principal_grant.c.role,
    sa.func.coalesce(principal_grant.c.region_id, 0),
    sa.func.coalesce(principal_grant.c.entity_id, sa.text("'00000000-0000-0000-0000-000000000000'::uuid")),
    unique=True,
    postgresql_where=sa.text("valid_to is null"),
)
