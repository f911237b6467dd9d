"""The scope of a transaction says which villages are held by grants that are bound to no thing.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

from app.tenants.rls import CREATE_SCOPE_FUNCTION, CREATE_SCOPE_FUNCTION_OF_BOUND_GRANTS

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace."""
    op.execute("drop function kesos_scope(int, int, bigint, bigint, text, text)")
    op.execute(CREATE_SCOPE_FUNCTION_OF_BOUND_GRANTS)


def downgrade() -> None:
    """Put back the one that knew of no bound grants."""
    op.execute("drop function kesos_scope(int, int, bigint, bigint, text, text, text)")
    op.execute(CREATE_SCOPE_FUNCTION)
