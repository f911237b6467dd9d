"""Memberships of health insurance.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create."""
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
        sa.Column("deactivation_reason", sa.Text(), nullable=True),
        sa.Column(
            "facility_name", sa.Text(), nullable=True, comment="the health facility whose letter asks for reactivation"
        ),
        sa.Column("facility_letter", sa.Text(), nullable=True, comment="number of that letter"),
        sa.Column("office_statement", sa.Text(), nullable=True, comment="number of the statement of the office"),
        sa.Column("refusal_reason", sa.Text(), nullable=True),
        sa.Column("made_by", pg.UUID(), nullable=False),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", pg.UUID(), nullable=True),
        sa.Column("requested_by_name", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", pg.UUID(), nullable=True),
        sa.Column("decided_by_name", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "deactivation_reason in ('NOT_REGISTERED', 'DECILE_TOO_HIGH', 'DECEASED', 'DUPLICATE', 'WAGE_EARNER', 'MOVED_SEGMENT')",
            name=op.f("health_membership_deactivation_reason_ck"),
        ),
        sa.CheckConstraint(
            "segment in ('PBI_JK', 'PBI_REGIONAL', 'INDEPENDENT', 'WAGE_EARNER', 'NONE')",
            name=op.f("health_membership_segment_ck"),
        ),
        sa.CheckConstraint(
            "state <> 'ACTIVE' or (valid_from is not null and valid_to is null)",
            name=op.f("health_membership_active_ck"),
        ),
        sa.CheckConstraint(
            "state <> 'REACTIVATION_REQUESTED' or (facility_letter is not null and office_statement is not null)",
            name=op.f("health_membership_letters_ck"),
        ),
        sa.CheckConstraint(
            "state in ('PROPOSED', 'VERIFIED', 'ACTIVE', 'DEACTIVATED', 'REACTIVATION_REQUESTED', 'MOVED', 'REJECTED')",
            name=op.f("health_membership_state_ck"),
        ),
        sa.CheckConstraint(
            "state not in ('DEACTIVATED', 'REACTIVATION_REQUESTED') or (valid_to is not null and deactivation_reason is not null)",
            name=op.f("health_membership_ended_ck"),
        ),
        sa.CheckConstraint("decided_by <> coalesce(requested_by, made_by)", name=op.f("health_membership_decider_ck")),
        sa.CheckConstraint(
            "num_nulls(decided_by, decided_by_name, decided_at) in (0, 3)", name=op.f("health_membership_decided_ck")
        ),
        sa.CheckConstraint(
            "num_nulls(requested_by, requested_by_name, requested_at) in (0, 3)",
            name=op.f("health_membership_requested_ck"),
        ),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("health_membership_validity_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("health_membership_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "person_id"], ["person.regency_id", "person.id"], name="health_membership_person_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("health_membership_pk")),
    )
    op.create_index(
        "health_membership_active_uq",
        "health_membership",
        ["regency_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("state in ('PROPOSED', 'VERIFIED', 'ACTIVE', 'REACTIVATION_REQUESTED')"),
    )
    op.create_index("health_membership_person_ix", "health_membership", ["regency_id", "person_id"], unique=False)
    op.create_index("health_membership_village_ix", "health_membership", ["village_id", "id"], unique=False)
    for statement in tenant_policy("health_membership", Tenancy.VILLAGE, "select, insert, update"):
        op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.drop_table("health_membership")
