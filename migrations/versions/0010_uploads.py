"""Files that were sent in.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create."""
    op.create_table(
        "upload",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", pg.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("upload_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("upload_span_ck")),
        sa.CheckConstraint("char_length(name) between 1 and 200", name=op.f("upload_name_ck")),
        sa.CheckConstraint("size > 0", name=op.f("upload_size_ck")),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("upload_sha256_ck")),
        sa.CheckConstraint("kind in ('CSV', 'WORKBOOK', 'ZIP')", name=op.f("upload_kind_ck")),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name="upload_region_fk"),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("upload_pk")),
    )
    op.create_index("upload_principal_ix", "upload", ["principal_id", "id"], unique=False)
    op.create_index("upload_expiry_ix", "upload", ["expires_at"], unique=False)
    # The only tenant rows that the application deletes: what nobody has imported in time goes with its file.
    for statement in tenant_policy("upload", Tenancy.SPAN, "select, insert, update, delete"):
        op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.drop_table("upload")
