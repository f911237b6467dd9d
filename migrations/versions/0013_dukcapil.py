"""Matching with the civil registry.

Revision ID: 0013
Revises: 0012
"""

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create."""


def downgrade() -> None:
    """Drop."""
