"""The page of an outlet's or a regency's redemptions is read in the order of an index, where all of them were read and sorted.

Found by tests/plan_shapes.

Revision ID: 0032
Revises: 0031
"""

from alembic import op

from app.tenants.rls import bound_policy, read_in_order

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_TABLE = "ewarong_transaction"


def upgrade() -> None:
    """Say the policy in a way that the planner can reckon with."""
    for statement in read_in_order(_TABLE, "agent_id"):
        op.execute(statement)


def downgrade() -> None:
    """Say it as before."""
    (created,) = (each for each in bound_policy(_TABLE, "agent_id") if each.startswith("create policy"))
    op.execute(f"drop policy {_TABLE}_tenant on {_TABLE}")
    op.execute(created)
