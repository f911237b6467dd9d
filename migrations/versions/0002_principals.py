"""Principals and their grants, read by one function.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


_PRINCIPAL_BY_SUBJECT = """
create function principal_by_subject(issuer_ text, subject_ text) returns json
language sql stable security definer set search_path = public, pg_temp as $$
  select json_build_object('id', p.id, 'name', p.name, 'grants', coalesce((
    select json_agg(json_build_object(
      'role', g.role, 'region_id', coalesce(g.region_id, 0), 'entity_kind', g.entity_kind, 'entity_id', g.entity_id
    ) order by g.role, g.region_id)
    from principal_grant g
    where g.principal_id = p.id and g.valid_from <= now() and (g.valid_to is null or g.valid_to > now())
  ), '[]'::json))
  from principal p
  where p.issuer = issuer_ and p.subject = subject_ and p.active
$$
"""


def upgrade() -> None:
    """Create."""
    op.create_table(
        "principal",
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("principal_pk")),
        sa.UniqueConstraint("issuer", "subject", name="principal_subject_uq"),
    )
    op.create_table(
        "principal_grant",
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("principal_id", pg.UUID(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=True, comment="NULL: the whole country"),
        sa.Column("entity_kind", sa.Text(), nullable=True),
        sa.Column("entity_id", pg.UUID(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(entity_kind is null) = (entity_id is null)", name=op.f("principal_grant_entity_ck")),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name="principal_grant_principal_fk"),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name="principal_grant_region_fk"),
        sa.PrimaryKeyConstraint("id", name=op.f("principal_grant_pk")),
    )
    op.create_index("principal_grant_principal_ix", "principal_grant", ["principal_id"], unique=False)
    op.create_index(
        "principal_grant_uq",
        "principal_grant",
        [
            "principal_id",
            "role",
            sa.literal_column("coalesce(region_id, 0)"),
            sa.literal_column("coalesce(entity_id, '00000000-0000-0000-0000-000000000000'::uuid)"),
        ],
        unique=True,
        postgresql_where=sa.text("valid_to is null"),
    )
    op.execute(_PRINCIPAL_BY_SUBJECT)
    op.execute("revoke all on function principal_by_subject from public")
    op.execute("grant execute on function principal_by_subject to kesos_app")


def downgrade() -> None:
    """Drop."""
    op.drop_table("principal_grant")
    op.drop_table("principal")
    op.execute("drop function principal_by_subject")
