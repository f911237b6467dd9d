"""Where outlets buy, and what they sell to people outside the programmes: what monopolies and sham shops show in."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import metadata, village_lies_in_regency
from app.domain.columns import actor, check, created_at, span_columns
from app.domain.ewarong.models.columns import of_agent, outlet_columns

# A supplier belongs to the regency whose outlets it serves, and is seen by whoever works in any part of it.
ewarong_supplier = sa.Table(
    "ewarong_supplier",
    metadata,
    *span_columns("ewarong_supplier"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("number", sa.Text, nullable=False, comment="NIB, by which the state knows the business"),
    *actor("listed", nullable=False),
    sa.UniqueConstraint("regency_id", "number", name="ewarong_supplier_number_uq"),
)

ewarong_delivery = sa.Table(
    "ewarong_delivery",
    metadata,
    *outlet_columns(),
    sa.Column("supplier_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column(
        "commodity_code", sa.Text, sa.ForeignKey("commodity.code", name="ewarong_delivery_commodity_fk"), nullable=False
    ),
    sa.Column("quantity", sa.Numeric(9, 3), nullable=False),
    sa.Column("unit_price", sa.BigInteger, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("delivered_on", sa.Date, nullable=False),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    *actor("reported", nullable=False),
    created_at(),
    sa.UniqueConstraint("regency_id", "idempotency_key", "commodity_code", name="ewarong_delivery_key_uq"),
    sa.ForeignKeyConstraint(
        ["regency_id", "supplier_id"],
        ["ewarong_supplier.regency_id", "ewarong_supplier.id"],
        name="ewarong_delivery_supplier_fk",
    ),
    check("quantity > 0 and unit_price > 0 and amount > 0", "ewarong_delivery_amount_ck"),
    village_lies_in_regency("ewarong_delivery"),
    of_agent("ewarong_delivery"),
)
sa.Index("ewarong_delivery_village_ix", ewarong_delivery.c.village_id, ewarong_delivery.c.delivered_on)

# What an outlet sold in a month to people outside the programmes, as it says itself.
ewarong_other_sales = sa.Table(
    "ewarong_other_sales",
    metadata,
    *outlet_columns(),
    sa.Column("month", sa.Date, nullable=False, comment="its first day"),
    sa.Column("amount", sa.BigInteger, nullable=False),
    *actor("reported", nullable=False),
    sa.UniqueConstraint("regency_id", "agent_id", "month", name="ewarong_other_sales_month_uq"),
    check("amount >= 0 and extract(day from month) = 1", "ewarong_other_sales_month_ck"),
    village_lies_in_regency("ewarong_other_sales"),
    of_agent("ewarong_other_sales"),
)
