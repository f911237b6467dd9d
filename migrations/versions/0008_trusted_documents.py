"""Documents that were registered beforehand.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from app.tenants.rls import reference_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create."""
    op.create_table(
        "trusted_document",
        sa.Column(
            "hash",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of the text in UTF-8, 64 lower-case hexadecimal digits",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("is_public", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "hash = encode(sha256(convert_to(text, 'UTF8')), 'hex')", name=op.f("trusted_document_hash_ck")
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("trusted_document_pk")),
    )
    for statement in reference_table("trusted_document"):
        op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.drop_table("trusted_document")
