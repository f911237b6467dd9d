"""Memberships of health insurance, what regulations say of their segments, and reviews of them.

Revision ID: 0019
Revises: 0018
"""

from datetime import date

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, reference_table, tenant_policy

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_JKN_BEGAN = date(2014, 1, 1)
_RULE = {
    "valid_from": _JKN_BEGAN,
    "reactivation_months": 6,
    "newborn_days": 28,
    "legal_basis": "Permensos 3/2026 (pengganti 21/2019); bayi baru lahir: Perpres 82/2018",
}


def upgrade() -> None:
    """Create."""
    rules = op.create_table(
        "health_segment_rule",
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False, comment="until the next that is named"),
        sa.Column(
            "reactivation_months",
            sa.SmallInteger(),
            nullable=False,
            comment="how long after it ended a membership can be asked back",
        ),
        sa.Column(
            "newborn_days", sa.SmallInteger(), nullable=False, comment="how old a newborn child of a member may be"
        ),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.CheckConstraint("segment in ('PBI_JK', 'PBI_REGIONAL')", name=op.f("health_segment_rule_segment_ck")),
        sa.CheckConstraint("newborn_days > 0", name=op.f("health_segment_rule_days_ck")),
        sa.CheckConstraint("reactivation_months > 0", name=op.f("health_segment_rule_months_ck")),
        sa.PrimaryKeyConstraint("segment", "valid_from", name=op.f("health_segment_rule_pk")),
    )
    op.create_table(
        "health_membership",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("family_id", pg.UUID(), nullable=True, comment="the family at the time"),
        sa.Column("person_id", pg.UUID(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="the last day"),
        sa.Column("mother_id", pg.UUID(), nullable=True, comment="the member whose newborn child the person was"),
        sa.Column("reactivates_id", pg.UUID(), nullable=True, comment="the membership that ended and is asked back"),
        sa.Column("deactivation_reason", sa.Text(), nullable=True),
        sa.Column("decree", sa.Text(), nullable=True, comment="number of the decree that ended it"),
        sa.Column(
            "facility_name", sa.Text(), nullable=True, comment="the health facility whose letter asks for reactivation"
        ),
        sa.Column("facility_letter", sa.Text(), nullable=True, comment="number of that letter"),
        sa.Column("office_statement", sa.Text(), nullable=True, comment="number of the statement of the office"),
        sa.Column("refusal_reason", sa.Text(), nullable=True),
        sa.Column("risk_reason", sa.Text(), nullable=True, comment="why the last review found that it may have to end"),
        sa.Column("risk_since", sa.Date(), nullable=True, comment="the day of the review that first found so"),
        sa.Column("made_by", pg.UUID(), nullable=False),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_by", pg.UUID(), nullable=True),
        sa.Column("verified_by_name", sa.Text(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", pg.UUID(), nullable=True),
        sa.Column("decided_by_name", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", pg.UUID(), nullable=True),
        sa.Column("ended_by_name", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(refusal_reason is null) = (state not in ('MOVED', 'REJECTED'))", name=op.f("health_membership_refusal_ck")
        ),
        sa.CheckConstraint(
            "(state = 'DEACTIVATED') = (valid_to is not null)", name=op.f("health_membership_last_day_ck")
        ),
        sa.CheckConstraint(
            "(state in ('ACTIVE', 'DEACTIVATED')) = (valid_from is not null)", name=op.f("health_membership_begun_ck")
        ),
        sa.CheckConstraint(
            "deactivation_reason in ('NOT_REGISTERED', 'DECILE_TOO_HIGH', 'DECEASED', 'DUPLICATE', 'WAGE_EARNER', 'MOVED_SEGMENT')",
            name=op.f("health_membership_deactivation_reason_ck"),
        ),
        sa.CheckConstraint(
            "num_nulls(risk_reason, risk_since) in (0, 2) and (risk_reason is null or state = 'ACTIVE')",
            name=op.f("health_membership_risk_ck"),
        ),
        sa.CheckConstraint(
            "risk_reason in ('NOT_REGISTERED', 'DECILE_TOO_HIGH', 'DECEASED', 'DUPLICATE', 'WAGE_EARNER', 'MOVED_SEGMENT')",
            name=op.f("health_membership_risk_reason_ck"),
        ),
        sa.CheckConstraint("segment in ('PBI_JK', 'PBI_REGIONAL')", name=op.f("health_membership_segment_ck")),
        sa.CheckConstraint(
            "state in ('PROPOSED', 'VERIFIED', 'ACTIVE', 'DEACTIVATED', 'REACTIVATION_REQUESTED', 'MOVED', 'REJECTED')",
            name=op.f("health_membership_state_ck"),
        ),
        sa.CheckConstraint(
            "state not in ('PROPOSED', 'VERIFIED') or reactivates_id is null",
            name=op.f("health_membership_asked_first_ck"),
        ),
        sa.CheckConstraint(
            "state not in ('REACTIVATION_REQUESTED', 'MOVED') or reactivates_id is not null",
            name=op.f("health_membership_asked_back_ck"),
        ),
        sa.CheckConstraint("decided_by not in (made_by, verified_by)", name=op.f("health_membership_decider_ck")),
        sa.CheckConstraint(
            "num_nulls(decided_by, decided_by_name, decided_at) in (0, 3)", name=op.f("health_membership_decided_ck")
        ),
        sa.CheckConstraint(
            "num_nulls(ended_by, ended_by_name, ended_at) in (0, 3)", name=op.f("health_membership_ended_ck")
        ),
        sa.CheckConstraint(
            "num_nulls(reactivates_id, facility_name, facility_letter, office_statement) in (0, 4)",
            name=op.f("health_membership_letters_ck"),
        ),
        sa.CheckConstraint(
            "num_nulls(valid_to, deactivation_reason, decree, ended_by) in (0, 4)",
            name=op.f("health_membership_ended_how_ck"),
        ),
        sa.CheckConstraint(
            "num_nulls(verified_by, verified_by_name, verified_at) in (0, 3)",
            name=op.f("health_membership_verified_ck"),
        ),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("health_membership_validity_ck")),
        sa.CheckConstraint("verified_by <> made_by", name=op.f("health_membership_verifier_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("health_membership_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "mother_id"], ["person.regency_id", "person.id"], name="health_membership_mother_fk"
        ),
        sa.ForeignKeyConstraint(
            ["regency_id", "person_id"], ["person.regency_id", "person.id"], name="health_membership_person_fk"
        ),
        sa.ForeignKeyConstraint(
            ["regency_id", "reactivates_id"],
            ["health_membership.regency_id", "health_membership.id"],
            name="health_membership_reactivates_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("health_membership_pk")),
    )
    op.create_index(
        "health_membership_living_uq",
        "health_membership",
        ["regency_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("state in ('PROPOSED', 'VERIFIED', 'ACTIVE', 'REACTIVATION_REQUESTED')"),
    )
    op.create_index("health_membership_person_ix", "health_membership", ["regency_id", "person_id"], unique=False)
    op.create_index(
        "health_membership_risk_ix",
        "health_membership",
        ["village_id", "id"],
        unique=False,
        postgresql_where=sa.text("risk_reason is not null"),
    )
    op.create_index("health_membership_village_ix", "health_membership", ["village_id", "id"], unique=False)
    op.create_table(
        "membership_review",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("reviewed_on", sa.Date(), nullable=False, comment="the day as of which rules are looked at"),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column(
            "job_id", pg.UUID(), nullable=True, comment="the job that does it, from the transaction that makes it on"
        ),
        sa.Column(
            "done_to",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="the last regency that is done, by its id",
        ),
        sa.Column(
            "taken_over", sa.Integer(), server_default="0", nullable=False, comment="memberships the registry named"
        ),
        sa.Column("looked_at", sa.Integer(), server_default="0", nullable=False, comment="active memberships"),
        sa.Column(
            "at_risk", sa.Integer(), server_default="0", nullable=False, comment="those of them that may have to end"
        ),
        sa.Column("made_by", pg.UUID(), nullable=False),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("membership_review_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("membership_review_span_ck")),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name="membership_review_region_fk"),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("membership_review_pk")),
        sa.UniqueConstraint("regency_id", "made_by", "idempotency_key", name="membership_review_key_uq"),
    )
    op.bulk_insert(rules, [{"segment": segment, **_RULE} for segment in ("PBI_JK", "PBI_REGIONAL")])
    for statement in reference_table("health_segment_rule"):
        op.execute(statement)
    for table, tenancy in (("health_membership", Tenancy.VILLAGE), ("membership_review", Tenancy.SPAN)):
        for statement in tenant_policy(table, tenancy, "select, insert, update"):
            op.execute(statement)


def downgrade() -> None:
    """Drop."""
    for table in ("membership_review", "health_membership", "health_segment_rule"):
        op.drop_table(table)
