"""Events, appended and never edited.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create."""
    op.create_table(
        "audit_event",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("principal_id", pg.UUID(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", pg.UUID(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("audit_event_village_in_regency_ck")),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("audit_event_pk")),
    )
    op.create_index("audit_event_subject_ix", "audit_event", ["regency_id", "subject_id", "happened_at"], unique=False)
    for statement in tenant_policy("audit_event", Tenancy.VILLAGE, "select, insert"):
        op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.drop_table("audit_event")
