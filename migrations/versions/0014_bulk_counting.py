"""Bulk inserts are counted with less work.

Revision ID: 0014
Revises: 0013
"""

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change."""


def downgrade() -> None:
    """Change back."""
