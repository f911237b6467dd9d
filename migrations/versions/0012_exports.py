"""Exports: who carried off which rows, when, as what, and until when the file of it is kept.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create."""
    op.create_table(
        "export",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", pg.UUID(), nullable=False),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("job_id", pg.UUID(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("root_field", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("document_hash", sa.LargeBinary(), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("request_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("rights", sa.LargeBinary(), nullable=True),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("format in ('CSV', 'XLSX', 'NDJSON')", name=op.f("export_format_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("export_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("export_span_ck")),
        sa.CheckConstraint(
            "octet_length(document_hash) = 32 and octet_length(request_digest) = 16", name=op.f("export_digest_ck")
        ),
        sa.CheckConstraint(
            "num_nulls(finished_at, rights, row_count, size, sha256) in (0, 5) and row_count >= 0 and size >= 0",
            name=op.f("export_finished_ck"),
        ),
        sa.CheckConstraint(
            "(finished_at is null and removed_at is null) = (request_sealed is not null)",
            name=op.f("export_request_ck"),
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("export_pk")),
        sa.UniqueConstraint("regency_id", "principal_id", "idempotency_key", name=op.f("export_key_uq")),
    )
    op.create_index("export_principal_ix", "export", ["principal_id", "id"], unique=False)
    op.create_index(
        "export_expiry_ix", "export", ["expires_at"], unique=False, postgresql_where=sa.text("removed_at IS NULL")
    )
    # The row stays when its file goes: who carried off what is asked long after.
    for statement in tenant_policy("export", Tenancy.SPAN, "select, insert, update"):
        op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.drop_table("export")
