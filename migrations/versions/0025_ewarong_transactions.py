"""Redemptions at outlets, their lines, reversals and totals.

Revision ID: 0025
Revises: 0024
"""

from importlib import import_module

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import bound_policy
from migrations.redemptions import NEW_FUNCTIONS, REPLACED_FUNCTIONS

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_READ_BY_OWNER = ("kks_card", "ewarong_agent", "ewarong_transaction", "ewarong_line", "ewarong_reversal")


def upgrade() -> None:
    """Create."""
    op.create_table(
        "ewarong_transaction",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="rupiah"),
        sa.Column("balance", sa.BigInteger(), nullable=False, comment="rupiah left in the wallet right after it"),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False, comment="by the clock of the device"),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="local day of the outlet on which it happened"),
        sa.Column(
            "clock_skew",
            sa.Integer(),
            nullable=True,
            comment="seconds that the device's clock was ahead of the server's; null: unknown",
        ),
        sa.Column("device_id", pg.UUID(), nullable=True),
        sa.Column("device_sequence", sa.Integer(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("last_four", sa.Text(), nullable=False, comment="of the card"),
        sa.Column("card_id", pg.UUID(), nullable=False),
        sa.Column("family_id", pg.UUID(), nullable=False),
        sa.Column("family_regency_id", sa.Integer(), nullable=False, comment="a family may buy in another regency"),
        sa.Column("family_village_id", sa.BigInteger(), nullable=False),
        sa.Column("wallet_id", pg.UUID(), nullable=False),
        sa.Column("entry_id", pg.UUID(), nullable=False, comment="in the journal of the family's regency"),
        sa.Column("receipt", sa.Text(), nullable=False, comment="code by which the family can check it"),
        sa.Column(
            "unbalanced", sa.Boolean(), nullable=False, comment="a food group is missing that the basket should hold"
        ),
        sa.Column(
            "basket",
            sa.LargeBinary(),
            nullable=False,
            comment="digest of commodities and quantities: equal for equal baskets",
        ),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column(
            "request",
            sa.LargeBinary(),
            nullable=False,
            comment="digest of what was asked: a key stands for one request",
        ),
        sa.Column("reported_by", pg.UUID(), nullable=False),
        sa.CheckConstraint("amount > 0 and balance >= 0", name=op.f("ewarong_transaction_amount_ck")),
        sa.CheckConstraint(
            "num_nulls(device_id, device_sequence) in (0, 2)", name=op.f("ewarong_transaction_device_ck")
        ),
        sa.CheckConstraint("num_nulls(latitude, longitude) in (0, 2)", name=op.f("ewarong_transaction_place_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_transaction_village_in_regency_ck")),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_transaction_pk")),
        sa.UniqueConstraint("receipt", "regency_id", name="ewarong_transaction_receipt_uq"),
        sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_transaction_key_uq"),
    )
    op.create_index(
        "ewarong_transaction_agent_ix", "ewarong_transaction", ["regency_id", "agent_id", "id"], unique=False
    )
    op.create_index("ewarong_transaction_day_ix", "ewarong_transaction", ["regency_id", "day"], unique=False)
    op.create_index("ewarong_transaction_family_ix", "ewarong_transaction", ["regency_id", "family_id"], unique=False)
    op.create_table(
        "ewarong_line",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("transaction_id", pg.UUID(), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("commodity_code", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=9, scale=3), nullable=False, comment="units of the commodity"),
        sa.Column("unit_price", sa.BigInteger(), nullable=False, comment="rupiah"),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="rupiah: quantity by price, rounded half up"),
        sa.CheckConstraint("quantity > 0 and unit_price > 0 and amount > 0", name=op.f("ewarong_line_amount_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_line_village_in_regency_ck")),
        sa.PrimaryKeyConstraint("regency_id", "transaction_id", "number", name=op.f("ewarong_line_pk")),
    )
    op.create_table(
        "ewarong_reversal",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("transaction_id", pg.UUID(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entry_id", pg.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="local day of the outlet on which it was taken back"),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("reversed_by", pg.UUID(), nullable=False),
        sa.Column("reversed_by_name", sa.Text(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ewarong_reversal_amount_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_reversal_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"],
            ["ewarong_agent.regency_id", "ewarong_agent.id"],
            name="ewarong_reversal_agent_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_reversal_pk")),
        sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_reversal_key_uq"),
        sa.UniqueConstraint("regency_id", "transaction_id", name="ewarong_reversal_transaction_uq"),
    )
    op.create_table(
        "ewarong_day",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("transactions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reversals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reversed_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_day_village_in_regency_ck")),
        sa.PrimaryKeyConstraint("regency_id", "agent_id", "day", "slot", name=op.f("ewarong_day_pk")),
    )
    op.create_index("ewarong_day_village_ix", "ewarong_day", ["village_id", "day"], unique=False)
    op.create_table(
        "ewarong_device",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("last_sequence", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "clock_skew",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="seconds ahead of the server, when it synced last",
        ),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_device_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"], ["ewarong_agent.regency_id", "ewarong_agent.id"], name="ewarong_device_agent_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_device_pk")),
    )
    for table, column, privileges in (
        ("ewarong_transaction", "agent_id", "select, insert"),
        ("ewarong_line", "agent_id", "select, insert"),
        ("ewarong_reversal", "agent_id", "select, insert"),
        ("ewarong_day", "agent_id", "select, insert, update"),
        ("ewarong_device", "agent_id", "select, insert, update"),
    ):
        for statement in bound_policy(table, column, privileges):
            op.execute(statement)
    # A token is looked for in all regencies: a family may buy at any outlet.
    op.create_index("kks_card_token_ix", "kks_card", ["token"], unique=False)
    for table in _READ_BY_OWNER:
        op.execute(f"create policy {table}_owner on {table} for select to kesos_owner using (true)")
    for name, function in NEW_FUNCTIONS.items():
        op.execute(function)
        op.execute(f"revoke all on function {name} from public")
        op.execute(f"grant execute on function {name} to kesos_app")
    for function in REPLACED_FUNCTIONS:
        op.execute(function)
    op.execute(
        "create trigger ewarong_transaction_posted after insert on ewarong_transaction referencing new table as new_rows "
        "for each statement execute function ewarong_transaction_posted()"
    )
    op.execute(
        "create trigger ewarong_reversal_posted after insert on ewarong_reversal "
        "for each row execute function ewarong_reversal_posted()"
    )


def downgrade() -> None:
    """Drop, and put the triggers of the journal back as they were."""
    op.drop_table("ewarong_device")
    op.drop_table("ewarong_day")
    op.drop_table("ewarong_reversal")
    op.drop_table("ewarong_line")
    op.drop_table("ewarong_transaction")
    for function in import_module("migrations.versions.0017_ledger")._TRIGGERS.values():  # noqa: SLF001  (its own revision)
        op.execute(function.replace("create function", "create or replace function"))
    for name in reversed(NEW_FUNCTIONS):
        op.execute(f"drop function {name}")
    for table in ("kks_card", "ewarong_agent"):
        op.execute(f"drop policy {table}_owner on {table}")
    op.drop_index("kks_card_token_ix", "kks_card")
