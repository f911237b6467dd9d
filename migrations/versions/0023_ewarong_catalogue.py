"""Commodities, baskets, thresholds and reference prices.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, reference_table, tenant_policy

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create."""
    op.create_table(
        "commodity_group",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="official Indonesian name"),
        sa.Column("name_english", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("commodity_group_pk")),
    )
    op.create_table(
        "commodity",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_english", sa.Text(), nullable=False),
        sa.Column(
            "group_code", sa.Text(), nullable=True, comment="null: no food of any group, such as what is prohibited"
        ),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9_]{1,39}$'", name=op.f("commodity_code_ck")),
        sa.CheckConstraint("unit in ('KILOGRAM', 'LITRE', 'PIECE', 'PACK', 'BUNCH')", name=op.f("commodity_unit_ck")),
        sa.ForeignKeyConstraint(["group_code"], ["commodity_group.code"], name="commodity_group_fk"),
        sa.PrimaryKeyConstraint("code", name=op.f("commodity_pk")),
    )
    op.create_table(
        "basket_rule",
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="the last day"),
        sa.Column("open", sa.Boolean(), nullable=False, comment="whether the programme is redeemed at outlets at all"),
        sa.Column("groups", pg.ARRAY(sa.Text()), nullable=False, comment="commodity groups that a basket may hold"),
        sa.Column("prohibited", pg.ARRAY(sa.Text()), nullable=False, comment="commodities that it may not hold"),
        sa.Column(
            "balanced",
            pg.ARRAY(sa.Text()),
            nullable=False,
            comment="groups without which a basket is flagged, not refused",
        ),
        sa.Column("legal_basis_id", sa.Text(), nullable=True),
        sa.Column(
            "source",
            sa.Text(),
            nullable=False,
            comment="where the rule is from, or that it is a setting of the house",
        ),
        sa.CheckConstraint("channel in ('BANK', 'POS', 'E_WARONG')", name=op.f("basket_rule_channel_ck")),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("basket_rule_validity_ck")),
        sa.ForeignKeyConstraint(["legal_basis_id"], ["legal_basis.id"], name="basket_rule_legal_basis_fk"),
        sa.ForeignKeyConstraint(["programme_code"], ["programme.code"], name="basket_rule_programme_fk"),
        sa.PrimaryKeyConstraint("programme_code", "channel", "valid_from", name=op.f("basket_rule_pk")),
    )
    op.create_table(
        "ewarong_threshold",
        sa.Column("code", sa.Text(), nullable=False, comment="such as MOST_FAMILIES or F1_CARDS"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=False),
        sa.Column(
            "unit", sa.Text(), nullable=False, comment="what the value counts: families, minutes, share, hour, rupiah"
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "valid_from", name=op.f("ewarong_threshold_pk")),
    )
    op.create_table(
        "reference_price",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("commodity_code", sa.Text(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False, comment="its Monday"),
        sa.Column("price", sa.BigInteger(), nullable=False, comment="rupiah a unit"),
        sa.Column("ceiling", sa.BigInteger(), nullable=True, comment="rupiah a unit above which nobody may sell (HET)"),
        sa.Column(
            "observations", sa.Integer(), nullable=False, comment="prices of the market that it is the median of"
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("published_by", pg.UUID(), nullable=False),
        sa.Column("published_by_name", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("extract(isodow from week) = 1", name=op.f("reference_price_week_ck")),
        sa.CheckConstraint("price > 0 and ceiling > 0 and observations >= 0", name=op.f("reference_price_price_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("reference_price_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("reference_price_span_ck")),
        sa.ForeignKeyConstraint(["commodity_code"], ["commodity.code"], name="reference_price_commodity_fk"),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("reference_price_pk")),
        sa.UniqueConstraint("regency_id", "commodity_code", "week", name="reference_price_week_uq"),
    )
    for table in (
        "commodity_group",
        "commodity",
        "basket_rule",
        "ewarong_threshold",
    ):
        for statement in reference_table(table):
            op.execute(statement)
    for statement in tenant_policy("reference_price", Tenancy.SPAN, "select, insert, update"):
        op.execute(statement)
    # Everybody reads a price; it is written within the scope alone.
    op.execute("create policy reference_price_public on reference_price for select to kesos_app using (true)")


def downgrade() -> None:
    """Drop."""
    op.drop_table("reference_price")
    op.drop_table("ewarong_threshold")
    op.drop_table("basket_rule")
    op.drop_table("commodity")
    op.drop_table("commodity_group")
