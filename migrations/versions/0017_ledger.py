"""The double-entry ledger: wallets, journal entries and their lines.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create."""
    op.create_table(
        "wallet",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("family_id", pg.UUID(), nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column(
            "balance", sa.BigInteger(), server_default="0", nullable=False, comment="rupiah; the sum of its lines"
        ),
        sa.Column(
            "moved_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when its balance last changed",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("wallet_balance_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("wallet_village_in_regency_ck")),
        sa.ForeignKeyConstraint(["programme_code"], ["programme.code"], name="wallet_programme_fk"),
        sa.ForeignKeyConstraint(
            ["regency_id", "family_id"], ["family.regency_id", "family.id"], name="wallet_family_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("wallet_pk")),
        sa.UniqueConstraint("regency_id", "family_id", "programme_code", name="wallet_family_uq"),
    )
    op.create_index("wallet_village_ix", "wallet", ["village_id", "id"], unique=False)
    op.create_table(
        "journal_entry",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("cycle_id", pg.UUID(), nullable=True),
        sa.Column("family_id", pg.UUID(), nullable=True),
        sa.Column(
            "source_id",
            pg.UUID(),
            nullable=False,
            comment="the entitlement, order, transaction or wallet that it is about",
        ),
        sa.Column(
            "source_key",
            sa.Text(),
            nullable=False,
            comment="what may happen once only, such as TOP_UP:SEMBAKO:2026-01-01:family",
        ),
        sa.Column("principal_id", pg.UUID(), nullable=False, comment="who caused it"),
        sa.CheckConstraint(
            "kind in ('RELEASE', 'TOP_UP', 'RELEASE_RETURN', 'REDEMPTION', 'WITHDRAWAL', 'IDLE_RETURN', 'REVERSAL')",
            name=op.f("journal_entry_kind_ck"),
        ),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("journal_entry_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("journal_entry_span_ck")),
        sa.ForeignKeyConstraint(["programme_code"], ["programme.code"], name="journal_entry_programme_fk"),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("journal_entry_pk")),
        sa.UniqueConstraint("regency_id", "source_key", name="journal_entry_source_uq"),
    )
    op.create_index(
        "journal_entry_family_ix",
        "journal_entry",
        ["regency_id", "family_id"],
        unique=False,
        postgresql_where=sa.text("family_id IS NOT NULL"),
    )
    op.create_index("journal_entry_time_ix", "journal_entry", ["regency_id", "happened_at", "id"], unique=False)
    op.create_table(
        "journal_line",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry_id", pg.UUID(), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("holder_id", pg.UUID(), nullable=True, comment="the wallet, or the agent"),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="rupiah; positive: into the account"),
        sa.CheckConstraint(
            "(account in ('WALLET', 'AGENT')) = (holder_id is not null)", name=op.f("journal_line_holder_ck")
        ),
        sa.CheckConstraint(
            "account in ('TREASURY', 'CLEARING', 'WALLET', 'AGENT', 'WITHDRAWN')", name=op.f("journal_line_account_ck")
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("journal_line_amount_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("journal_line_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("journal_line_span_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "entry_id"], ["journal_entry.regency_id", "journal_entry.id"], name="journal_line_entry_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "entry_id", "number", name=op.f("journal_line_pk")),
    )
    op.create_index(
        "journal_line_holder_ix",
        "journal_line",
        ["regency_id", "holder_id"],
        unique=False,
        postgresql_where=sa.text("holder_id IS NOT NULL"),
    )
    op.create_table(
        "ledger_total",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lines", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "account in ('TREASURY', 'CLEARING', 'WALLET', 'AGENT', 'WITHDRAWN')", name=op.f("ledger_total_account_ck")
        ),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("ledger_total_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("ledger_total_span_ck")),
        sa.PrimaryKeyConstraint("regency_id", "programme_code", "account", "slot", name=op.f("ledger_total_pk")),
    )
    # What is written stays: the application adds, and only the triggers move balances and totals.
    for table, tenancy, privileges in (
        ("wallet", Tenancy.VILLAGE, "select, insert"),
        ("journal_entry", Tenancy.SPAN, "select, insert"),
        ("journal_line", Tenancy.SPAN, "select, insert"),
        ("ledger_total", Tenancy.SPAN, "select"),
    ):
        for statement in tenant_policy(table, tenancy, privileges):
            op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.drop_table("ledger_total")
    op.drop_table("journal_line")
    op.drop_table("journal_entry")
    op.drop_table("wallet")
