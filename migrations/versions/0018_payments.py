"""Orders of payment, files of banks, and cards.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create."""
    op.create_table(
        "payment_order",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("cycle_id", pg.UUID(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column(
            "number",
            sa.Integer(),
            nullable=False,
            comment="the how many-th of the cycle and bank: families get cards later",
        ),
        sa.Column("state", sa.Text(), server_default="ACCOUNT_CHECK", nullable=False),
        sa.Column("entitlements", sa.Integer(), nullable=False, comment="how many it began with"),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="rupiah that it began with"),
        sa.Column("valid_entitlements", sa.Integer(), nullable=True, comment="whose accounts the bank found good"),
        sa.Column("valid_amount", sa.BigInteger(), nullable=True),
        sa.Column("spm_number", sa.Text(), nullable=True),
        sa.Column("sp2d_number", sa.Text(), nullable=True),
        sa.Column("made_by", pg.UUID(), nullable=False),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spm_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("omspan_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sp2d_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("instructed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "bank in ('BRI', 'BNI', 'MANDIRI', 'BTN', 'BSI', 'POS')", name=op.f("payment_order_bank_ck")
        ),
        sa.CheckConstraint(
            "state in ('ACCOUNT_CHECK', 'ACCOUNTS_CHECKED', 'SPM', 'OMSPAN', 'SP2D', 'STANDING_INSTRUCTION', 'SETTLED')",
            name=op.f("payment_order_state_ck"),
        ),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("payment_order_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("payment_order_span_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "cycle_id"], ["aid_cycle.regency_id", "aid_cycle.id"], name="payment_order_cycle_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("payment_order_pk")),
        sa.UniqueConstraint("regency_id", "cycle_id", "bank", "number", name="payment_order_bank_uq"),
    )
    op.create_index("payment_order_newest_ix", "payment_order", ["id"], unique=False)
    op.create_table(
        "bank_file",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("order_id", pg.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="the how many-th of its kind for the order"),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="control total in rupiah"),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("vault_id", pg.UUID(), nullable=True, comment="where a file that goes out lies, sealed"),
        sa.Column("upload_id", pg.UUID(), nullable=True, comment="the upload that a file that came in was"),
        sa.Column("applied", sa.Integer(), nullable=True, comment="lines by verdict, of a file that came in"),
        sa.Column("repeated", sa.Integer(), nullable=True),
        sa.Column("unknown", sa.Integer(), nullable=True),
        sa.Column("mismatched", sa.Integer(), nullable=True),
        sa.Column("made_by", pg.UUID(), nullable=False),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("format in ('FIXED', 'CSV')", name=op.f("bank_file_format_ck")),
        sa.CheckConstraint(
            "kind in ('ACCOUNT_CHECK', 'ACCOUNT_RESULT', 'TOP_UP', 'TOP_UP_RESULT')", name=op.f("bank_file_kind_ck")
        ),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("bank_file_sha256_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("bank_file_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("bank_file_span_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "order_id"], ["payment_order.regency_id", "payment_order.id"], name="bank_file_order_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("bank_file_pk")),
        sa.UniqueConstraint("regency_id", "order_id", "kind", "sha256", name="bank_file_sha256_uq"),
    )
    op.create_index(
        "bank_file_out_uq",
        "bank_file",
        ["regency_id", "order_id", "kind", "number", "format"],
        unique=True,
        postgresql_where=sa.text("vault_id IS NOT NULL"),
    )
    op.create_index(
        "bank_file_vault_ix",
        "bank_file",
        ["vault_id"],
        unique=False,
        postgresql_where=sa.text("vault_id IS NOT NULL"),
    )
    op.create_table(
        "bank_report",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("order_id", pg.UUID(), nullable=False),
        sa.Column("vault_id", pg.UUID(), nullable=False, comment="where the file lies, sealed; an upload's id"),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("job_id", pg.UUID(), nullable=False),
        sa.Column("made_by", pg.UUID(), nullable=False),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("bank_report_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("bank_report_span_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "order_id"], ["payment_order.regency_id", "payment_order.id"], name="bank_report_order_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("bank_report_pk")),
        sa.UniqueConstraint("regency_id", "idempotency_key", name="bank_report_key_uq"),
    )
    op.create_index("bank_report_vault_ix", "bank_report", ["vault_id"], unique=False)
    op.create_table(
        "bank_result",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("file_id", pg.UUID(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("entitlement_id", pg.UUID(), nullable=True, comment="null where it is not known"),
        sa.Column("code", sa.Text(), nullable=False, comment="the bank's result, such as OK or ACCOUNT_CLOSED"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "verdict in ('APPLIED', 'REPEATED', 'UNKNOWN', 'MISMATCH')", name=op.f("bank_result_verdict_ck")
        ),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("bank_result_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("bank_result_span_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "file_id"], ["bank_file.regency_id", "bank_file.id"], name="bank_result_file_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "file_id", "line", name=op.f("bank_result_pk")),
    )
    op.create_table(
        "kks_card",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("family_id", pg.UUID(), nullable=False),
        sa.Column("person_id", pg.UUID(), nullable=False, comment="who holds it for the family"),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="OPENING", nullable=False),
        sa.Column("last_four", sa.Text(), nullable=True),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("bank in ('BRI', 'BNI', 'MANDIRI', 'BTN', 'BSI', 'POS')", name=op.f("kks_card_bank_ck")),
        sa.CheckConstraint("last_four ~ '^[0-9]{4}$'", name=op.f("kks_card_last_four_ck")),
        sa.CheckConstraint(
            "state in ('OPENING', 'WITHDRAWN') or token is not null", name=op.f("kks_card_token_known_ck")
        ),
        sa.CheckConstraint(
            "state in ('OPENING', 'PRINTED', 'DISTRIBUTED', 'ACTIVE', 'LOST', 'DAMAGED', 'SWAPPED', 'BLOCKED', 'WITHDRAWN')",
            name=op.f("kks_card_state_ck"),
        ),
        sa.CheckConstraint("num_nulls(last_four, token) in (0, 2)", name=op.f("kks_card_token_pair_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("kks_card_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "family_id"], ["family.regency_id", "family.id"], name="kks_card_family_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("kks_card_pk")),
        sa.UniqueConstraint("regency_id", "token", name="kks_card_token_uq"),
    )
    op.create_index(
        "kks_card_family_uq",
        "kks_card",
        ["regency_id", "family_id"],
        unique=True,
        postgresql_where=sa.text("state in ('OPENING', 'PRINTED', 'DISTRIBUTED', 'ACTIVE', 'BLOCKED')"),
    )
    op.create_index("kks_card_family_ix", "kks_card", ["regency_id", "family_id"], unique=False)
    op.create_index("kks_card_village_ix", "kks_card", ["village_id", "id"], unique=False)
    for table, tenancy, privileges in (
        ("payment_order", Tenancy.SPAN, "select, insert, update"),
        ("bank_file", Tenancy.SPAN, "select, insert"),
        ("bank_report", Tenancy.SPAN, "select, insert"),
        ("bank_result", Tenancy.SPAN, "select, insert"),
        ("kks_card", Tenancy.VILLAGE, "select, insert, update"),
    ):
        for statement in tenant_policy(table, tenancy, privileges):
            op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.drop_table("kks_card")
    op.drop_table("bank_result")
    op.drop_table("bank_report")
    op.drop_table("bank_file")
    op.drop_table("payment_order")
