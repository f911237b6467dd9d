"""What rows that belong to an outlet have in common: whose grant is bound to an outlet sees the rows of no other."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import tenant_columns


def outlet_columns() -> list[sa.Column[object]]:
    """The columns of a row of one outlet: those of every tenant table, where the village is the outlet's, and the outlet."""
    return [*tenant_columns(), sa.Column("agent_id", pg.UUID(as_uuid=True), nullable=False)]


def of_agent(table: str) -> sa.ForeignKeyConstraint:
    """The foreign key of ``table`` to the outlet."""
    return sa.ForeignKeyConstraint(
        ["regency_id", "agent_id"], ["ewarong_agent.regency_id", "ewarong_agent.id"], name=f"{table}_agent_fk"
    )
