"""Screenings, the signals that they found, and the transactions behind them.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_KINDS_BEFORE = (
    "IMPORT_CHECK",
    "IMPORT_APPLY",
    "EXPORT",
    "MATCHING",
    "CYCLE_GENERATION",
    "BANK_FILE",
    "BANK_RESULTS",
    "IDLE_RETURN",
    "MEMBERSHIP_REVIEW",
)
_KIND = "EWARONG_SCREENING"


def _job_kinds(kinds: tuple[str, ...]) -> None:
    members = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("job_kind_ck"), "job", type_="check")
    op.create_check_constraint(op.f("job_kind_ck"), "job", f"kind in ({members})")


def upgrade() -> None:
    """Create."""
    op.create_table(
        "ewarong_screening",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("signals", sa.Integer(), nullable=True, comment="how many were new"),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("job_id", pg.UUID(), nullable=True),
        sa.Column("made_by", pg.UUID(), nullable=False),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ewarong_screening_days_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("ewarong_screening_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("ewarong_screening_span_ck")),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name="ewarong_screening_region_fk"),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_screening_pk")),
        sa.UniqueConstraint("regency_id", "made_by", "idempotency_key", name="ewarong_screening_key_uq"),
    )
    op.create_table(
        "ewarong_signal",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=True),
        sa.Column("family_id", pg.UUID(), nullable=True),
        sa.Column("district_id", sa.BigInteger(), nullable=True),
        sa.Column("supplier_id", pg.UUID(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("measured", sa.Numeric(), nullable=False, comment="what was seen, in the unit of the threshold"),
        sa.Column("threshold", sa.Numeric(), nullable=False, comment="what it was compared with"),
        sa.Column("transactions", sa.Integer(), nullable=False, comment="how many stand behind it"),
        sa.Column(
            "subject_key", sa.Text(), nullable=False, comment="what is told once only, such as F1:agent:2026-01-05"
        ),
        sa.Column("state", sa.Text(), server_default="OPEN", nullable=False),
        sa.Column("triaged_by", pg.UUID(), nullable=True),
        sa.Column("triaged_by_name", sa.Text(), nullable=True),
        sa.Column("triaged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("triage_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(state = 'OPEN') = (triaged_by is null)", name=op.f("ewarong_signal_open_ck")),
        sa.CheckConstraint(
            "code in ('F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F8', 'F9', 'F10', 'F11', 'F12')",
            name=op.f("ewarong_signal_code_ck"),
        ),
        sa.CheckConstraint("state in ('OPEN', 'CONFIRMED', 'DISMISSED')", name=op.f("ewarong_signal_state_ck")),
        sa.CheckConstraint(
            "num_nulls(triaged_by, triaged_by_name, triaged_at) in (0, 3)", name=op.f("ewarong_signal_triaged_ck")
        ),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("ewarong_signal_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("ewarong_signal_span_ck")),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_signal_pk")),
        sa.UniqueConstraint("regency_id", "subject_key", name="ewarong_signal_subject_uq"),
    )
    op.create_index("ewarong_signal_agent_ix", "ewarong_signal", ["regency_id", "agent_id"], unique=False)
    op.create_index("ewarong_signal_newest_ix", "ewarong_signal", ["id"], unique=False)
    op.create_table(
        "ewarong_lead",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("signal_id", pg.UUID(), nullable=False),
        sa.Column("transaction_id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_lead_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "signal_id"],
            ["ewarong_signal.regency_id", "ewarong_signal.id"],
            name="ewarong_lead_signal_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "signal_id", "transaction_id", name=op.f("ewarong_lead_pk")),
    )
    _job_kinds((*_KINDS_BEFORE, _KIND))
    for table, privileges in (
        ("ewarong_screening", "select, insert, update"),
        ("ewarong_signal", "select, insert, update"),
    ):
        for statement in tenant_policy(table, Tenancy.SPAN, privileges):
            op.execute(statement)
    for table, privileges in (("ewarong_lead", "select, insert"),):
        for statement in tenant_policy(table, Tenancy.VILLAGE, privileges):
            op.execute(statement)


def downgrade() -> None:
    """Drop."""
    # What such jobs found goes with the tables that they wrote.
    op.execute(sa.text("delete from job where kind = :kind").bindparams(kind=_KIND))
    _job_kinds(_KINDS_BEFORE)
    op.drop_table("ewarong_lead")
    op.drop_table("ewarong_signal")
    op.drop_table("ewarong_screening")
