"""Suppliers, deliveries, and what outlets sell to others.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, bound_policy, tenant_policy

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create."""
    op.create_table(
        "ewarong_supplier",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False, comment="NIB, by which the state knows the business"),
        sa.Column("listed_by", pg.UUID(), nullable=False),
        sa.Column("listed_by_name", sa.Text(), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("ewarong_supplier_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("ewarong_supplier_span_ck")),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_supplier_pk")),
        sa.UniqueConstraint("regency_id", "number", name="ewarong_supplier_number_uq"),
    )
    op.create_table(
        "ewarong_delivery",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("supplier_id", pg.UUID(), nullable=False),
        sa.Column("commodity_code", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=9, scale=3), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("reported_by", pg.UUID(), nullable=False),
        sa.Column("reported_by_name", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("quantity > 0 and unit_price > 0 and amount > 0", name=op.f("ewarong_delivery_amount_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_delivery_village_in_regency_ck")),
        sa.ForeignKeyConstraint(["commodity_code"], ["commodity.code"], name="ewarong_delivery_commodity_fk"),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"],
            ["ewarong_agent.regency_id", "ewarong_agent.id"],
            name="ewarong_delivery_agent_fk",
        ),
        sa.ForeignKeyConstraint(
            ["regency_id", "supplier_id"],
            ["ewarong_supplier.regency_id", "ewarong_supplier.id"],
            name="ewarong_delivery_supplier_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_delivery_pk")),
        sa.UniqueConstraint("regency_id", "idempotency_key", "commodity_code", name="ewarong_delivery_key_uq"),
    )
    op.create_index("ewarong_delivery_village_ix", "ewarong_delivery", ["village_id", "delivered_on"], unique=False)
    op.create_table(
        "ewarong_other_sales",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False, comment="its first day"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reported_by", pg.UUID(), nullable=False),
        sa.Column("reported_by_name", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount >= 0 and extract(day from month) = 1", name=op.f("ewarong_other_sales_month_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_other_sales_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"],
            ["ewarong_agent.regency_id", "ewarong_agent.id"],
            name="ewarong_other_sales_agent_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_other_sales_pk")),
        sa.UniqueConstraint("regency_id", "agent_id", "month", name="ewarong_other_sales_month_uq"),
    )
    for table, column, privileges in (
        ("ewarong_delivery", "agent_id", "select, insert"),
        ("ewarong_other_sales", "agent_id", "select, insert, update"),
    ):
        for statement in bound_policy(table, column, privileges):
            op.execute(statement)
    # Whoever works in a part of the regency, as an outlet does, chooses among all of its suppliers.
    for statement in tenant_policy("ewarong_supplier", Tenancy.PART, "select, insert"):
        op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.drop_table("ewarong_other_sales")
    op.drop_table("ewarong_delivery")
    op.drop_table("ewarong_supplier")
