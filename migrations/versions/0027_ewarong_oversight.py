"""Inspections, violations, and what is said of them.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import bound_policy, reference_table

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_CODES = (
    "'PACKAGING', 'BALANCE_TAKEN_FIRST', 'SERVED_BEFORE_PAYMENT', 'POOR_QUALITY', 'SHORT_WEIGHT', 'UNFAIR_PRICE', "
    "'COERCION', 'CARD_KEPT', 'SUPPLIER_MONOPOLY', 'SHAM_SHOP', 'BARRED_OWNER', 'CASH_SWIPE', 'LEVY'"
)
_STATES = (
    "'RECORDED', 'DISMISSED', 'FIRST_WARNING', 'SECOND_WARNING', 'RECOMMENDED_REVOKE', 'REVOKED_BY_BANK', "
    "'KEPT_BY_BANK', 'REMEDIED'"
)
_ACTS = (
    "'RECORD', 'WARN', 'RECOMMEND', 'REVOKE', 'KEEP', 'DISMISS', 'REMEDY', 'REPLY', 'APPEAL', 'ACCEPT_APPEAL', "
    "'REJECT_APPEAL'"
)


def upgrade() -> None:
    """Create."""
    op.create_table(
        "ewarong_checklist_item",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False, comment="in Indonesian"),
        sa.Column("question_english", sa.Text(), nullable=False),
        sa.Column("violation_code", sa.Text(), nullable=True, comment="what it is where it is not met"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="the last day"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(f"violation_code in ({_CODES})", name=op.f("ewarong_checklist_item_violation_code_ck")),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ewarong_checklist_item_validity_ck")),
        sa.PrimaryKeyConstraint("code", name=op.f("ewarong_checklist_item_pk")),
    )
    op.create_table(
        "ewarong_violation_rule",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("grave", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(f"code in ({_CODES})", name=op.f("ewarong_violation_rule_code_ck")),
        sa.PrimaryKeyConstraint("code", "valid_from", name=op.f("ewarong_violation_rule_pk")),
    )
    op.create_table(
        "ewarong_inspection",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("inspected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column(
            "photos",
            pg.ARRAY(sa.LargeBinary()),
            nullable=False,
            comment="SHA-256 of each photo; the photos lie elsewhere",
        ),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("met", sa.Integer(), nullable=False),
        sa.Column("not_met", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False, comment="SHA-256 of what was sent and who sent it"),
        sa.Column("reported_by", pg.UUID(), nullable=False),
        sa.Column("reported_by_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("latitude between -11.5 and 6.5", name=op.f("ewarong_inspection_latitude_ck")),
        sa.CheckConstraint("longitude between 94.5 and 141.5", name=op.f("ewarong_inspection_longitude_ck")),
        sa.CheckConstraint("num_nulls(latitude, longitude) in (0, 2)", name=op.f("ewarong_inspection_place_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_inspection_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"],
            ["ewarong_agent.regency_id", "ewarong_agent.id"],
            name="ewarong_inspection_agent_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_inspection_pk")),
        sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_inspection_key_uq"),
    )
    op.create_index("ewarong_inspection_agent_ix", "ewarong_inspection", ["regency_id", "agent_id"], unique=False)
    op.create_index("ewarong_inspection_newest_ix", "ewarong_inspection", ["id"], unique=False)
    op.create_index("ewarong_inspection_village_ix", "ewarong_inspection", ["village_id", "id"], unique=False)
    op.create_table(
        "ewarong_finding",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("inspection_id", pg.UUID(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("result in ('MET', 'NOT_MET', 'NOT_CHECKED')", name=op.f("ewarong_finding_result_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_finding_village_in_regency_ck")),
        sa.ForeignKeyConstraint(["item_code"], ["ewarong_checklist_item.code"], name="ewarong_finding_item_fk"),
        sa.ForeignKeyConstraint(
            ["regency_id", "inspection_id"],
            ["ewarong_inspection.regency_id", "ewarong_inspection.id"],
            name="ewarong_finding_inspection_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "inspection_id", "item_code", name=op.f("ewarong_finding_pk")),
    )
    op.create_table(
        "ewarong_violation",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="RECORDED", nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("inspection_id", pg.UUID(), nullable=True),
        sa.Column("signal_id", pg.UUID(), nullable=True),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False, comment="SHA-256 of what was sent and who sent it"),
        sa.Column("recorded_by", pg.UUID(), nullable=False),
        sa.Column("recorded_by_name", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_warned_by", pg.UUID(), nullable=True),
        sa.Column("first_warned_by_name", sa.Text(), nullable=True),
        sa.Column("first_warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_warned_by", pg.UUID(), nullable=True),
        sa.Column("second_warned_by_name", sa.Text(), nullable=True),
        sa.Column("second_warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recommended_by", pg.UUID(), nullable=True),
        sa.Column("recommended_by_name", sa.Text(), nullable=True),
        sa.Column("recommended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", pg.UUID(), nullable=True),
        sa.Column("decided_by_name", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "step", sa.Integer(), server_default="1", nullable=False, comment="how many it has taken, back ones too"
        ),
        sa.Column(
            "reply_due", sa.Date(), nullable=True, comment="the last day on which the outlet answers the last step"
        ),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("appealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("appeal_answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(f"code in ({_CODES})", name=op.f("ewarong_violation_code_ck")),
        sa.CheckConstraint(f"state in ({_STATES})", name=op.f("ewarong_violation_state_ck")),
        sa.CheckConstraint(
            "first_warned_by <> recorded_by and second_warned_by <> recorded_by",
            name=op.f("ewarong_violation_warner_ck"),
        ),
        sa.CheckConstraint(
            "num_nulls(decided_by, decided_by_name, decided_at) in (0, 3)", name=op.f("ewarong_violation_decided_ck")
        ),
        sa.CheckConstraint(
            "num_nulls(first_warned_by, first_warned_by_name, first_warned_at) in (0, 3)",
            name=op.f("ewarong_violation_first_warned_ck"),
        ),
        sa.CheckConstraint(
            "num_nulls(recommended_by, recommended_by_name, recommended_at) in (0, 3)",
            name=op.f("ewarong_violation_recommended_ck"),
        ),
        sa.CheckConstraint(
            "num_nulls(second_warned_by, second_warned_by_name, second_warned_at) in (0, 3)",
            name=op.f("ewarong_violation_second_warned_ck"),
        ),
        sa.CheckConstraint(
            "recommended_by <> recorded_by and recommended_by <> first_warned_by and recommended_by <> second_warned_by",
            name=op.f("ewarong_violation_recommender_ck"),
        ),
        sa.CheckConstraint(
            "decided_by <> recorded_by and decided_by <> recommended_by", name=op.f("ewarong_violation_decider_ck")
        ),
        sa.CheckConstraint(
            "appeal_answered_at is null or appealed_at is not null", name=op.f("ewarong_violation_appeal_ck")
        ),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_violation_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"],
            ["ewarong_agent.regency_id", "ewarong_agent.id"],
            name="ewarong_violation_agent_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_violation_pk")),
        sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_violation_key_uq"),
    )
    op.create_index("ewarong_violation_agent_ix", "ewarong_violation", ["regency_id", "agent_id"], unique=False)
    op.create_index("ewarong_violation_newest_ix", "ewarong_violation", ["id"], unique=False)
    op.create_index("ewarong_violation_village_ix", "ewarong_violation", ["village_id", "id"], unique=False)
    op.create_table(
        "ewarong_violation_step",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("violation_id", pg.UUID(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reply_due", sa.Date(), nullable=True),
        sa.Column("taken_by", pg.UUID(), nullable=False),
        sa.Column("taken_by_name", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"act in ({_ACTS})", name=op.f("ewarong_violation_step_act_ck")),
        sa.CheckConstraint(f"to_state in ({_STATES})", name=op.f("ewarong_violation_step_to_state_ck")),
        sa.CheckConstraint(
            "village_id / 1000000 = regency_id", name=op.f("ewarong_violation_step_village_in_regency_ck")
        ),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"],
            ["ewarong_agent.regency_id", "ewarong_agent.id"],
            name="ewarong_violation_step_agent_fk",
        ),
        sa.ForeignKeyConstraint(
            ["regency_id", "violation_id"],
            ["ewarong_violation.regency_id", "ewarong_violation.id"],
            name="ewarong_violation_step_violation_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_violation_step_pk")),
        sa.UniqueConstraint("regency_id", "violation_id", "step", name="ewarong_violation_step_step_uq"),
    )
    op.create_table(
        "ewarong_statement",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("violation_id", pg.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False, comment="the state of the violation that it speaks to"),
        sa.Column("step", sa.Integer(), nullable=False, comment="the step of the violation that it speaks to"),
        sa.Column("idempotency_key", pg.UUID(), nullable=True, comment="null: what the office answers"),
        sa.Column("said_by", pg.UUID(), nullable=False),
        sa.Column("said_by_name", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('REPLY', 'APPEAL', 'APPEAL_ACCEPTED', 'APPEAL_REJECTED')", name=op.f("ewarong_statement_kind_ck")
        ),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_statement_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"],
            ["ewarong_agent.regency_id", "ewarong_agent.id"],
            name="ewarong_statement_agent_fk",
        ),
        sa.ForeignKeyConstraint(
            ["regency_id", "violation_id"],
            ["ewarong_violation.regency_id", "ewarong_violation.id"],
            name="ewarong_statement_violation_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_statement_pk")),
        sa.UniqueConstraint("regency_id", "violation_id", "step", "kind", name="ewarong_statement_kind_uq"),
        sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_statement_key_uq"),
    )
    for table in ("ewarong_checklist_item", "ewarong_violation_rule"):
        for statement in reference_table(table):
            op.execute(statement)
    for table, column, privileges in (
        ("ewarong_inspection", "agent_id", "select, insert"),
        ("ewarong_finding", "agent_id", "select, insert"),
        ("ewarong_violation", "agent_id", "select, insert, update"),
        ("ewarong_violation_step", "agent_id", "select, insert"),
        ("ewarong_statement", "agent_id", "select, insert"),
    ):
        for statement in bound_policy(table, column, privileges):
            op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.drop_table("ewarong_statement")
    op.drop_table("ewarong_violation_step")
    op.drop_table("ewarong_violation")
    op.drop_table("ewarong_finding")
    op.drop_table("ewarong_inspection")
    op.drop_table("ewarong_violation_rule")
    op.drop_table("ewarong_checklist_item")
