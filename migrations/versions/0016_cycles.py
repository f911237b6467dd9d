"""Cycles of aid: who is entitled and why, who is not and why.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_STEPS = (
    "WAITING",
    "NO_ACCOUNT",
    "ACCOUNT_CHECK",
    "ACCOUNT_FAILED",
    "ACCOUNT_VALID",
    "SPM",
    "OMSPAN",
    "SP2D",
    "STANDING_INSTRUCTION",
    "TOPPED_UP",
    "TOP_UP_FAILED",
    "RETURNED",
    "CANCELLED",
)

# Who is entitled to what, and why, is never changed; only where the money is.
_CHANGED = "step, step_reason, step_at, order_id"


def upgrade() -> None:
    """Create."""
    op.create_table(
        "cycle_generation",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("revises", pg.UUID(), nullable=True, comment="the cycle that a new revision takes the place of"),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column(
            "job_id", pg.UUID(), nullable=True, comment="the job that does it, from the transaction that makes it on"
        ),
        sa.Column("made_by", pg.UUID(), nullable=False),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("cycle_generation_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("cycle_generation_span_ck")),
        sa.ForeignKeyConstraint(["programme_code"], ["programme.code"], name="cycle_generation_programme_fk"),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("cycle_generation_pk")),
        sa.UniqueConstraint("regency_id", "idempotency_key", name="cycle_generation_key_uq"),
    )
    op.create_table(
        "aid_cycle",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False, comment="first day of the first month"),
        sa.Column("period_end", sa.Date(), nullable=False, comment="last day of the last month"),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.Text(), server_default="DRAFT", nullable=False),
        sa.Column("generation_id", pg.UUID(), nullable=False, comment="the generation that fills, or has filled, it"),
        sa.Column("families", sa.Integer(), nullable=True, comment="families looked at"),
        sa.Column("entitled", sa.Integer(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True, comment="rupiah of all entitlements"),
        sa.Column("reason", sa.Text(), nullable=True, comment="why this revision came to be"),
        sa.Column("made_by", pg.UUID(), nullable=False),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_by", pg.UUID(), nullable=True),
        sa.Column("verified_by_name", sa.Text(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", pg.UUID(), nullable=True),
        sa.Column("approved_by_name", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_approved_by", pg.UUID(), nullable=True),
        sa.Column("second_approved_by_name", sa.Text(), nullable=True),
        sa.Column("second_approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", pg.UUID(), nullable=True),
        sa.Column("released_by_name", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("generated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "state in ('DRAFT', 'GENERATED', 'VERIFIED', 'APPROVED', 'RELEASED', 'PAID', 'RECONCILED', 'CLOSED', 'SUPERSEDED')",
            name=op.f("aid_cycle_state_ck"),
        ),
        sa.CheckConstraint("approved_by not in (made_by, verified_by)", name=op.f("aid_cycle_approver_ck")),
        sa.CheckConstraint(
            "num_nulls(approved_by, approved_by_name, approved_at) in (0, 3)", name=op.f("aid_cycle_approved_ck")
        ),
        sa.CheckConstraint(
            "num_nulls(families, entitled, amount, generated_at) in (0, 4)", name=op.f("aid_cycle_counts_ck")
        ),
        sa.CheckConstraint(
            "num_nulls(released_by, released_by_name, released_at) in (0, 3)", name=op.f("aid_cycle_released_ck")
        ),
        sa.CheckConstraint(
            "num_nulls(second_approved_by, second_approved_by_name, second_approved_at) in (0, 3)",
            name=op.f("aid_cycle_second_approved_ck"),
        ),
        sa.CheckConstraint(
            "num_nulls(verified_by, verified_by_name, verified_at) in (0, 3)", name=op.f("aid_cycle_verified_ck")
        ),
        sa.CheckConstraint("period_start <= period_end", name=op.f("aid_cycle_period_ck")),
        sa.CheckConstraint(
            "second_approved_by not in (made_by, verified_by, approved_by)", name=op.f("aid_cycle_second_approver_ck")
        ),
        sa.CheckConstraint("verified_by <> made_by", name=op.f("aid_cycle_verifier_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("aid_cycle_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("aid_cycle_span_ck")),
        sa.ForeignKeyConstraint(
            ["programme_code", "terms_version"],
            ["programme_terms.programme_code", "programme_terms.version"],
            name="aid_cycle_terms_fk",
        ),
        sa.ForeignKeyConstraint(["programme_code"], ["programme.code"], name="aid_cycle_programme_fk"),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("aid_cycle_pk")),
        sa.UniqueConstraint("regency_id", "programme_code", "period_start", "revision", name="aid_cycle_revision_uq"),
    )
    op.create_index(
        "aid_cycle_living_uq",
        "aid_cycle",
        ["regency_id", "programme_code", "period_start"],
        unique=True,
        postgresql_where=sa.text("state <> 'SUPERSEDED'"),
    )
    op.create_index("aid_cycle_newest_ix", "aid_cycle", ["id"], unique=False)
    op.create_table(
        "entitlement",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("cycle_id", pg.UUID(), nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("family_id", pg.UUID(), nullable=False),
        sa.Column("recipient_id", pg.UUID(), nullable=False, comment="the person who receives it for the family"),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="rupiah of the period"),
        sa.Column(
            "components",
            pg.JSONB(),
            nullable=True,
            comment="[{component, person_id, amount}] where the amount is made of components",
        ),
        sa.Column(
            "facts",
            pg.JSONB(),
            nullable=False,
            comment="what the rules looked at, as it was then",
        ),
        sa.Column("step", sa.Text(), server_default="WAITING", nullable=False),
        sa.Column("step_reason", sa.Text(), nullable=True, comment="the bank's code where a step has failed"),
        sa.Column("step_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("order_id", pg.UUID(), nullable=True, comment="the payment order that it is part of"),
        sa.CheckConstraint(f"step in {_STEPS}", name=op.f("entitlement_step_ck")),
        sa.CheckConstraint("amount > 0", name=op.f("entitlement_amount_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("entitlement_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "cycle_id"], ["aid_cycle.regency_id", "aid_cycle.id"], name="entitlement_cycle_fk"
        ),
        sa.ForeignKeyConstraint(
            ["regency_id", "family_id"], ["family.regency_id", "family.id"], name="entitlement_family_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("entitlement_pk")),
        sa.UniqueConstraint("regency_id", "cycle_id", "family_id", name="entitlement_family_uq"),
    )
    op.create_index("entitlement_family_ix", "entitlement", ["regency_id", "family_id"], unique=False)
    op.create_index("entitlement_village_ix", "entitlement", ["village_id", "id"], unique=False)
    op.create_table(
        "aid_exclusion",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cycle_id", pg.UUID(), nullable=False),
        sa.Column("family_id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, comment="code of the rule, or of the exclusion"),
        sa.Column("facts", pg.JSONB(), nullable=False, comment="what the rules looked at, as it was then"),
        sa.Column(
            "other_code", sa.Text(), nullable=True, comment="the programme that pays already, or that is missing"
        ),
        sa.CheckConstraint(
            "outcome in ('NOT_ELIGIBLE', 'EXCLUDED', 'OVER_QUOTA')", name=op.f("aid_exclusion_outcome_ck")
        ),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("aid_exclusion_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "cycle_id"], ["aid_cycle.regency_id", "aid_cycle.id"], name="aid_exclusion_cycle_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "cycle_id", "family_id", name=op.f("aid_exclusion_pk")),
    )
    op.create_index("aid_exclusion_family_ix", "aid_exclusion", ["regency_id", "family_id"], unique=False)
    op.create_table(
        "cycle_outcome",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cycle_id", pg.UUID(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, comment="empty where entitled"),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("families", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "outcome in ('ENTITLED', 'NOT_ELIGIBLE', 'EXCLUDED', 'OVER_QUOTA')", name=op.f("cycle_outcome_outcome_ck")
        ),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("cycle_outcome_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("cycle_outcome_span_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "cycle_id"], ["aid_cycle.regency_id", "aid_cycle.id"], name="cycle_outcome_cycle_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "cycle_id", "outcome", "reason", name=op.f("cycle_outcome_pk")),
    )
    for table, tenancy, privileges in (
        ("cycle_generation", Tenancy.SPAN, "select, insert, update"),
        ("aid_cycle", Tenancy.SPAN, "select, insert, update"),
        ("entitlement", Tenancy.VILLAGE, f"select, insert, update ({_CHANGED}), delete"),
        ("aid_exclusion", Tenancy.VILLAGE, "select, insert, delete"),
        ("cycle_outcome", Tenancy.SPAN, "select, insert, delete"),
    ):
        for statement in tenant_policy(table, tenancy, privileges):
            op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.drop_table("cycle_outcome")
    op.drop_table("aid_exclusion")
    op.drop_table("entitlement")
    op.drop_table("aid_cycle")
    op.drop_table("cycle_generation")
