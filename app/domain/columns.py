"""What the tables of all contexts have in common. Codes are texts with a check: under row-level security enums use no index."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term


def check(condition: str, name: str) -> sa.CheckConstraint:
    """A check whose name is as it is written here."""
    return sa.CheckConstraint(condition, name=sa.schema.conv(name))


def one_of(table: str, column: str, terms: type[Term]) -> sa.CheckConstraint:
    """What keeps a column to the members of ``terms``."""
    members = ", ".join(f"'{term.value}'" for term in terms)
    return check(f"{column} in ({members})", f"{table}_{column}_ck")


def span_columns(table: str) -> list[sa.Column[object] | sa.CheckConstraint]:
    """The columns of a row that stands for all villages from ``village_low`` to ``village_high``."""
    return [
        sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
        sa.Column("village_low", sa.BigInteger, nullable=False),
        sa.Column("village_high", sa.BigInteger, nullable=False),
        check("village_low / 1000000 = regency_id", f"{table}_regency_ck"),
        check("village_low <= village_high", f"{table}_span_ck"),
    ]


def moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    """A moment in time."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def created_at() -> sa.Column[object]:
    """When the row came to be."""
    return sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def actor(prefix: str, *, nullable: bool = True) -> list[sa.Column[object]]:
    """Who did it, and when: ids of principals have no foreign key, for a tenant table points at none that lies elsewhere."""
    return [
        sa.Column(f"{prefix}_by", pg.UUID(as_uuid=True), nullable=nullable),
        sa.Column(f"{prefix}_by_name", sa.Text, nullable=nullable),
        moment(f"{prefix}_at", nullable=nullable),
    ]


def acted(prefix: str, table: str) -> sa.CheckConstraint:
    """Who and when are known together."""
    return check(
        f"num_nulls({prefix}_by, {prefix}_by_name, {prefix}_at) in (0, 3)",
        f"{table}_{prefix}_ck",
    )
