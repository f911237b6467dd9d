"""Segments of health insurance (JKN) whose contributions the state pays: given to persons, taken away and given back."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata, tenant_columns, village_lies_in_regency
from app.domain.columns import acted, actor, check, created_at, moment, one_of, span_columns


class Segment(Term):
    """Who pays the contribution of a member."""

    PBI_JK = ("PBI_JK", "penerima bantuan iuran (pusat)")
    PBI_REGIONAL = ("PBI_REGIONAL", "penerima bantuan iuran daerah")


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
    """Why a membership was ended, or is at risk to be."""

    NOT_REGISTERED = ("NOT_REGISTERED", "tidak ada lagi dalam registri")
    DECILE_TOO_HIGH = ("DECILE_TOO_HIGH", "di atas desil sasaran")
    DECEASED = ("DECEASED", "meninggal")
    DUPLICATE = ("DUPLICATE", "data ganda")
    WAGE_EARNER = ("WAGE_EARNER", "pekerja penerima upah")
    MOVED_SEGMENT = ("MOVED_SEGMENT", "pindah segmen")


LIVING = (
    MembershipState.PROPOSED,
    MembershipState.VERIFIED,
    MembershipState.ACTIVE,
    MembershipState.REACTIVATION_REQUESTED,
)
"""States of which a person has at most one membership."""
_LIVING_TEXT = ", ".join(f"'{state.value}'" for state in LIVING)


# What the regulation in force on a day says of a segment. Public.
health_segment_rule = sa.Table(
    "health_segment_rule",
    metadata,
    sa.Column("segment", sa.Text, primary_key=True),
    sa.Column("valid_from", sa.Date, primary_key=True, comment="until the next that is named"),
    sa.Column(
        "reactivation_months",
        sa.SmallInteger,
        nullable=False,
        comment="how long after it ended a membership can be asked back",
    ),
    sa.Column("newborn_days", sa.SmallInteger, nullable=False, comment="how old a newborn child of a member may be"),
    sa.Column("legal_basis", sa.Text, nullable=False),
    one_of("health_segment_rule", "segment", Segment),
    check("reactivation_months > 0", "health_segment_rule_months_ck"),
    check("newborn_days > 0", "health_segment_rule_days_ck"),
)

# One row for each stretch of membership, or attempt at one. What ended stays as it was: what takes it up again is a row of its own.
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
    sa.Column("mother_id", pg.UUID(as_uuid=True), comment="the member whose newborn child the person was"),
    sa.Column("reactivates_id", pg.UUID(as_uuid=True), comment="the membership that ended and is asked back"),
    sa.Column("deactivation_reason", sa.Text),
    sa.Column("decree", sa.Text, comment="number of the decree that ended it"),
    sa.Column("facility_name", sa.Text, comment="the health facility whose letter asks for reactivation"),
    sa.Column("facility_letter", sa.Text, comment="number of that letter"),
    sa.Column("office_statement", sa.Text, comment="number of the statement of the office"),
    sa.Column("refusal_reason", sa.Text),
    sa.Column("risk_reason", sa.Text, comment="why the last review found that it may have to end"),
    sa.Column("risk_since", sa.Date, comment="the day of the review that first found so"),
    *actor("made", nullable=False),
    *actor("verified"),
    *actor("decided"),
    *actor("ended"),
    created_at(),
    moment("state_at", nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.ForeignKeyConstraint(
        ["regency_id", "person_id"], ["person.regency_id", "person.id"], name="health_membership_person_fk"
    ),
    sa.ForeignKeyConstraint(
        ["regency_id", "mother_id"], ["person.regency_id", "person.id"], name="health_membership_mother_fk"
    ),
    sa.ForeignKeyConstraint(
        ["regency_id", "reactivates_id"],
        ["health_membership.regency_id", "health_membership.id"],
        name="health_membership_reactivates_fk",
    ),
    one_of("health_membership", "segment", Segment),
    one_of("health_membership", "state", MembershipState),
    one_of("health_membership", "deactivation_reason", DeactivationReason),
    one_of("health_membership", "risk_reason", DeactivationReason),
    *[acted(prefix, "health_membership") for prefix in ("verified", "decided", "ended")],
    check("verified_by <> made_by", "health_membership_verifier_ck"),
    check("decided_by not in (made_by, verified_by)", "health_membership_decider_ck"),
    check("valid_from <= valid_to", "health_membership_validity_ck"),
    check("(state in ('ACTIVE', 'DEACTIVATED')) = (valid_from is not null)", "health_membership_begun_ck"),
    check("(state = 'DEACTIVATED') = (valid_to is not null)", "health_membership_last_day_ck"),
    check(
        "num_nulls(valid_to, deactivation_reason, decree, ended_by) in (0, 4)",
        "health_membership_ended_how_ck",
    ),
    check(
        "num_nulls(reactivates_id, facility_name, facility_letter, office_statement) in (0, 4)",
        "health_membership_letters_ck",
    ),
    check(
        "state not in ('REACTIVATION_REQUESTED', 'MOVED') or reactivates_id is not null",
        "health_membership_asked_back_ck",
    ),
    check("state not in ('PROPOSED', 'VERIFIED') or reactivates_id is null", "health_membership_asked_first_ck"),
    check("(refusal_reason is null) = (state not in ('MOVED', 'REJECTED'))", "health_membership_refusal_ck"),
    check(
        "num_nulls(risk_reason, risk_since) in (0, 2) and (risk_reason is null or state = 'ACTIVE')",
        "health_membership_risk_ck",
    ),
    village_lies_in_regency("health_membership"),
)
# A person has one membership at a time, and asks for one at a time.
sa.Index(
    "health_membership_living_uq",
    health_membership.c.regency_id,
    health_membership.c.person_id,
    unique=True,
    postgresql_where=sa.text(f"state in ({_LIVING_TEXT})"),
)
sa.Index("health_membership_person_ix", health_membership.c.regency_id, health_membership.c.person_id)
sa.Index("health_membership_village_ix", health_membership.c.village_id, health_membership.c.id)
sa.Index(
    "health_membership_risk_ix",
    health_membership.c.village_id,
    health_membership.c.id,
    postgresql_where=sa.text("risk_reason is not null"),
)

# A look through the memberships of a region: whom the registry names is taken over, who may have to be ended is marked.
membership_review = sa.Table(
    "membership_review",
    metadata,
    *span_columns("membership_review"),
    sa.Column(
        "region_id", sa.BigInteger, sa.ForeignKey("region.id", name="membership_review_region_fk"), nullable=False
    ),
    sa.Column("reviewed_on", sa.Date, nullable=False, comment="the day as of which rules are looked at"),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("job_id", pg.UUID(as_uuid=True), comment="the job that does it, from the transaction that makes it on"),
    sa.Column(
        "done_to", sa.Integer, nullable=False, server_default="0", comment="the last regency that is done, by its id"
    ),
    sa.Column("taken_over", sa.Integer, nullable=False, server_default="0", comment="memberships the registry named"),
    sa.Column("looked_at", sa.Integer, nullable=False, server_default="0", comment="active memberships"),
    sa.Column("at_risk", sa.Integer, nullable=False, server_default="0", comment="those of them that may have to end"),
    *actor("made", nullable=False),
    moment("finished_at"),
    sa.UniqueConstraint("regency_id", "made_by", "idempotency_key", name="membership_review_key_uq"),
)
