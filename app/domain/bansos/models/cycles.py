"""Cycles of a programme, period and regency; who is entitled in them and why; and who is not, and why."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata, tenant_columns, village_lies_in_regency
from app.domain.columns import acted, actor, check, moment, one_of, span_columns


class CycleState(Term):
    """Where a cycle stands."""

    DRAFT = ("DRAFT", "disiapkan")
    GENERATED = ("GENERATED", "daftar penerima dibuat")
    VERIFIED = ("VERIFIED", "diverifikasi")
    APPROVED = ("APPROVED", "disahkan")
    RELEASED = ("RELEASED", "dana dilepas")
    PAID = ("PAID", "disalurkan")
    RECONCILED = ("RECONCILED", "direkonsiliasi")
    CLOSED = ("CLOSED", "ditutup")
    SUPERSEDED = ("SUPERSEDED", "diganti versi baru")


class PaymentStep(Term):
    """Where the money of an entitlement is in the chain of payment."""

    WAITING = ("WAITING", "menunggu pengesahan dan pelepasan")
    NO_ACCOUNT = ("NO_ACCOUNT", "belum ada rekening atau KKS aktif (burekol)")
    ACCOUNT_CHECK = ("ACCOUNT_CHECK", "rekening sedang diperiksa bank (cek rekening)")
    ACCOUNT_FAILED = ("ACCOUNT_FAILED", "pemeriksaan rekening gagal")
    ACCOUNT_VALID = ("ACCOUNT_VALID", "pemeriksaan rekening berhasil")
    SPM = ("SPM", "surat perintah membayar terbit")
    OMSPAN = ("OMSPAN", "masuk OMSPAN")
    SP2D = ("SP2D", "surat perintah pencairan dana terbit")
    STANDING_INSTRUCTION = ("STANDING_INSTRUCTION", "perintah pemindahbukuan (SI) dikirim ke bank")
    TOPPED_UP = ("TOPPED_UP", "saldo masuk (top up)")
    TOP_UP_FAILED = ("TOP_UP_FAILED", "top up gagal")
    RETURNED = ("RETURNED", "dikembalikan ke kas negara (retur)")
    CANCELLED = ("CANCELLED", "dibatalkan sebelum dibayar")


BROUGHT_NOTHING: Final = (PaymentStep.CANCELLED, PaymentStep.RETURNED)
"""Entitlements of which the family has nothing, and will have nothing."""


class Outcome(Term):
    """What a cycle decides about a family."""

    ENTITLED = ("ENTITLED", "berhak menerima")
    NOT_ELIGIBLE = ("NOT_ELIGIBLE", "tidak memenuhi syarat")
    EXCLUDED = ("EXCLUDED", "memenuhi syarat, tetapi dikecualikan")
    OVER_QUOTA = ("OVER_QUOTA", "memenuhi syarat, tetapi di luar kuota")


# One for each regency and revision. What was approved is not changed: a new revision supersedes it.
aid_cycle = sa.Table(
    "aid_cycle",
    metadata,
    *span_columns("aid_cycle"),
    sa.Column(
        "programme_code", sa.Text, sa.ForeignKey("programme.code", name="aid_cycle_programme_fk"), nullable=False
    ),
    sa.Column("terms_version", sa.Integer, nullable=False),
    sa.Column("period_start", sa.Date, nullable=False, comment="first day of the first month"),
    sa.Column("period_end", sa.Date, nullable=False, comment="last day of the last month"),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    sa.Column("state", sa.Text, nullable=False, server_default="DRAFT"),
    sa.Column(
        "generation_id", pg.UUID(as_uuid=True), nullable=False, comment="the generation that fills, or has filled, it"
    ),
    sa.Column("families", sa.Integer, comment="families looked at"),
    sa.Column("entitled", sa.Integer),
    sa.Column("amount", sa.BigInteger, comment="rupiah of all entitlements"),
    sa.Column("reason", sa.Text, comment="why this revision came to be"),
    *actor("made", nullable=False),
    *actor("verified"),
    *actor("approved"),
    *actor("second_approved"),
    *actor("released"),
    moment("generated_at"),
    moment("paid_at"),
    moment("reconciled_at"),
    moment("closed_at"),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.ForeignKeyConstraint(
        ["programme_code", "terms_version"],
        ["programme_terms.programme_code", "programme_terms.version"],
        name="aid_cycle_terms_fk",
    ),
    sa.UniqueConstraint("regency_id", "programme_code", "period_start", "revision", name="aid_cycle_revision_uq"),
    one_of("aid_cycle", "state", CycleState),
    *[acted(prefix, "aid_cycle") for prefix in ("verified", "approved", "second_approved", "released")],
    check("verified_by <> made_by", "aid_cycle_verifier_ck"),
    check("approved_by not in (made_by, verified_by)", "aid_cycle_approver_ck"),
    check("second_approved_by not in (made_by, verified_by, approved_by)", "aid_cycle_second_approver_ck"),
    check("num_nulls(families, entitled, amount, generated_at) in (0, 4)", "aid_cycle_counts_ck"),
    check("period_start <= period_end", "aid_cycle_period_ck"),
)
sa.Index("aid_cycle_newest_ix", aid_cycle.c.id)
# No two revisions are alive at once.
sa.Index(
    "aid_cycle_living_uq",
    aid_cycle.c.regency_id,
    aid_cycle.c.programme_code,
    aid_cycle.c.period_start,
    unique=True,
    postgresql_where=sa.text("state <> 'SUPERSEDED'"),
)

# One job fills the cycles of all regencies of a region.
cycle_generation = sa.Table(
    "cycle_generation",
    metadata,
    *span_columns("cycle_generation"),
    sa.Column(
        "programme_code", sa.Text, sa.ForeignKey("programme.code", name="cycle_generation_programme_fk"), nullable=False
    ),
    sa.Column("period_start", sa.Date, nullable=False),
    sa.Column("revises", pg.UUID(as_uuid=True), comment="the cycle that a new revision takes the place of"),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("job_id", pg.UUID(as_uuid=True), comment="the job that does it, from the transaction that makes it on"),
    *actor("made", nullable=False),
    sa.UniqueConstraint("regency_id", "idempotency_key", name="cycle_generation_key_uq"),
)


def _copied() -> list[sa.Column[object]]:
    """What a row about a family says of its cycle, for whoever holds the village and not the whole regency."""
    return [
        sa.Column("programme_code", sa.Text, nullable=False),
        sa.Column("terms_version", sa.Integer, nullable=False),
        sa.Column("period_start", sa.Date, nullable=False),
    ]


# The id is made of those of the cycle and the family, so generating once more gives the same rows.
entitlement = sa.Table(
    "entitlement",
    metadata,
    *tenant_columns(),
    sa.Column("cycle_id", pg.UUID(as_uuid=True), nullable=False),
    *_copied(),
    sa.Column("family_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column(
        "recipient_id", pg.UUID(as_uuid=True), nullable=False, comment="the person who receives it for the family"
    ),
    sa.Column("amount", sa.BigInteger, nullable=False, comment="rupiah of the period"),
    sa.Column(
        "components", pg.JSONB, comment="[{component, person_id, amount}] where the amount is made of components"
    ),
    sa.Column("facts", pg.JSONB, nullable=False, comment="what the rules looked at, as it was then"),
    sa.Column("step", sa.Text, nullable=False, server_default="WAITING"),
    sa.Column("step_reason", sa.Text, comment="the bank's code where a step has failed"),
    moment("step_at"),
    sa.Column("order_id", pg.UUID(as_uuid=True), comment="the payment order that it is part of"),
    sa.ForeignKeyConstraint(
        ["regency_id", "cycle_id"], ["aid_cycle.regency_id", "aid_cycle.id"], name="entitlement_cycle_fk"
    ),
    sa.ForeignKeyConstraint(
        ["regency_id", "family_id"], ["family.regency_id", "family.id"], name="entitlement_family_fk"
    ),
    sa.UniqueConstraint("regency_id", "cycle_id", "family_id", name="entitlement_family_uq"),
    one_of("entitlement", "step", PaymentStep),
    check("amount > 0", "entitlement_amount_ck"),
    village_lies_in_regency("entitlement"),
)
sa.Index("entitlement_family_ix", entitlement.c.regency_id, entitlement.c.family_id)
sa.Index("entitlement_village_ix", entitlement.c.village_id, entitlement.c.id)

aid_exclusion = sa.Table(
    "aid_exclusion",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("cycle_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("family_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("village_id", sa.BigInteger, nullable=False),
    *_copied(),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False, comment="code of the rule, or of the exclusion"),
    sa.Column("facts", pg.JSONB, nullable=False, comment="what the rules looked at, as it was then"),
    sa.Column("other_code", sa.Text, comment="the programme that pays already, or that is missing"),
    sa.ForeignKeyConstraint(
        ["regency_id", "cycle_id"], ["aid_cycle.regency_id", "aid_cycle.id"], name="aid_exclusion_cycle_fk"
    ),
    check("outcome in ('NOT_ELIGIBLE', 'EXCLUDED', 'OVER_QUOTA')", "aid_exclusion_outcome_ck"),
    village_lies_in_regency("aid_exclusion"),
)
sa.Index("aid_exclusion_family_ix", aid_exclusion.c.regency_id, aid_exclusion.c.family_id)

# How a cycle adds up: in and out by reason are all families.
cycle_outcome = sa.Table(
    "cycle_outcome",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("cycle_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("outcome", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True, comment="empty where entitled"),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column("families", sa.Integer, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(
        ["regency_id", "cycle_id"], ["aid_cycle.regency_id", "aid_cycle.id"], name="cycle_outcome_cycle_fk"
    ),
    one_of("cycle_outcome", "outcome", Outcome),
    check("village_low / 1000000 = regency_id", "cycle_outcome_regency_ck"),
    check("village_low <= village_high", "cycle_outcome_span_ck"),
)
