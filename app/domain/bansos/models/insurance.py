"""Segments of health insurance (JKN) of persons: PBI-JK, given, taken away and given back."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.bansos.models.columns import acted, actor, check, created_at, moment, one_of
from app.domain.base import Term, metadata, tenant_columns, village_lies_in_regency
from app.domain.registry.enums import HealthInsurance


class MembershipState(Term):
    """Where the membership of a person in a segment stands."""

    PROPOSED = ("PROPOSED", "diusulkan")
    VERIFIED = ("VERIFIED", "diverifikasi Dinas Sosial")
    ACTIVE = ("ACTIVE", "aktif")
    DEACTIVATED = ("DEACTIVATED", "dinonaktifkan")
    REACTIVATION_REQUESTED = ("REACTIVATION_REQUESTED", "reaktivasi diajukan")
    MOVED = ("MOVED", "pindah segmen")
    REJECTED = ("REJECTED", "ditolak")


class DeactivationReason(Term):
    """Why a membership was ended."""

    NOT_REGISTERED = ("NOT_REGISTERED", "tidak ada lagi dalam registri")
    DECILE_TOO_HIGH = ("DECILE_TOO_HIGH", "di atas desil sasaran")
    DECEASED = ("DECEASED", "meninggal")
    DUPLICATE = ("DUPLICATE", "data ganda")
    WAGE_EARNER = ("WAGE_EARNER", "pekerja penerima upah")
    MOVED_SEGMENT = ("MOVED_SEGMENT", "pindah segmen")


# One row for each stretch of membership; what ended stays.
health_membership = sa.Table(
    "health_membership",
    metadata,
    *tenant_columns(),
    sa.Column("family_id", pg.UUID(as_uuid=True), comment="the family at the time"),
    sa.Column("person_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("segment", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date),
    sa.Column("valid_to", sa.Date, comment="the last day"),
    sa.Column("deactivation_reason", sa.Text),
    sa.Column("facility_name", sa.Text, comment="the health facility whose letter asks for reactivation"),
    sa.Column("facility_letter", sa.Text, comment="number of that letter"),
    sa.Column("office_statement", sa.Text, comment="number of the statement of the office"),
    sa.Column("refusal_reason", sa.Text),
    *actor("made", nullable=False),
    *actor("requested"),
    *actor("decided"),
    created_at(),
    moment("state_at", nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.ForeignKeyConstraint(
        ["regency_id", "person_id"], ["person.regency_id", "person.id"], name="health_membership_person_fk"
    ),
    one_of("health_membership", "segment", HealthInsurance),
    one_of("health_membership", "state", MembershipState),
    one_of("health_membership", "deactivation_reason", DeactivationReason),
    acted("requested", "health_membership"),
    acted("decided", "health_membership"),
    check("decided_by <> coalesce(requested_by, made_by)", "health_membership_decider_ck"),
    check("valid_from <= valid_to", "health_membership_validity_ck"),
    check("state <> 'ACTIVE' or (valid_from is not null and valid_to is null)", "health_membership_active_ck"),
    check(
        "state not in ('DEACTIVATED', 'REACTIVATION_REQUESTED') or (valid_to is not null and deactivation_reason is not null)",
        "health_membership_ended_ck",
    ),
    check(
        "state <> 'REACTIVATION_REQUESTED' or (facility_letter is not null and office_statement is not null)",
        "health_membership_letters_ck",
    ),
    village_lies_in_regency("health_membership"),
)
sa.Index(
    "health_membership_active_uq",
    health_membership.c.regency_id,
    health_membership.c.person_id,
    unique=True,
    postgresql_where=sa.text("state in ('PROPOSED', 'VERIFIED', 'ACTIVE', 'REACTIVATION_REQUESTED')"),
)
sa.Index("health_membership_person_ix", health_membership.c.regency_id, health_membership.c.person_id)
sa.Index("health_membership_village_ix", health_membership.c.village_id, health_membership.c.id)
