"""Matching with the civil registry.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_COUNTS = (
    "persons_matched",
    "persons_nik_empty",
    "persons_nik_not_found",
    "persons_name_differs",
    "persons_birth_date_differs",
    "persons_nik_duplicate",
    "persons_not_recorded",
    "persons_deceased",
    "persons_moved_abroad",
    "persons_skipped",
)


def upgrade() -> None:
    """Create."""
    op.create_table(
        "civil_registry_matching",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", pg.UUID(), nullable=True),
        sa.Column("statuses", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("cursor_village_id", sa.BigInteger(), nullable=False),
        sa.Column("cursor_person_id", pg.UUID(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=True),
        sa.Column("persons_found", sa.BigInteger(), nullable=True),
        *[sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in _COUNTS],
        sa.Column("created_by", pg.UUID(), nullable=False),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("civil_registry_matching_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("civil_registry_matching_span_ck")),
        sa.CheckConstraint(
            "statuses <@ array['NIK_ISSUED', 'UNMATCHED', 'MATCHED'] and cardinality(statuses) > 0",
            name=op.f("civil_registry_matching_statuses_ck"),
        ),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name="civil_registry_matching_region_fk"),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("civil_registry_matching_pk")),
        sa.UniqueConstraint("regency_id", "created_by", "idempotency_key", name="civil_registry_matching_key_uq"),
    )
    for statement in tenant_policy("civil_registry_matching", Tenancy.SPAN, "select, insert, update"):
        op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.drop_table("civil_registry_matching")
