"""Inspections of outlets, violations, and the way from a warning to the bank's decision."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata, village_lies_in_regency
from app.domain.columns import acted, actor, check, created_at, moment, one_of
from app.domain.ewarong.models.columns import of_agent, outlet_columns


class ViolationCode(Term):
    """What an outlet may do wrong."""

    PACKAGING = ("PACKAGING", "pemaketan barang")
    BALANCE_TAKEN_FIRST = ("BALANCE_TAKEN_FIRST", "tarik saldo dulu, barang tidak ada")
    SERVED_BEFORE_PAYMENT = ("SERVED_BEFORE_PAYMENT", "melayani sebelum penyaluran")
    POOR_QUALITY = ("POOR_QUALITY", "kualitas buruk")
    SHORT_WEIGHT = ("SHORT_WEIGHT", "timbangan kurang")
    UNFAIR_PRICE = ("UNFAIR_PRICE", "harga tidak wajar")
    COERCION = ("COERCION", "paksaan atau ancaman coret")
    CARD_KEPT = ("CARD_KEPT", "menahan KKS")
    SUPPLIER_MONOPOLY = ("SUPPLIER_MONOPOLY", "monopoli pemasok")
    SHAM_SHOP = ("SHAM_SHOP", "toko fiktif")
    BARRED_OWNER = ("BARRED_OWNER", "pemilik terlarang")
    CASH_SWIPE = ("CASH_SWIPE", "gesek tunai")
    LEVY = ("LEVY", "pungutan liar")


class ViolationState(Term):
    """Where a violation stands. The office warns and recommends, the bank decides."""

    RECORDED = ("RECORDED", "dicatat")
    DISMISSED = ("DISMISSED", "tidak terbukti")
    FIRST_WARNING = ("FIRST_WARNING", "SP1")
    SECOND_WARNING = ("SECOND_WARNING", "SP2")
    RECOMMENDED_REVOKE = ("RECOMMENDED_REVOKE", "direkomendasikan dicabut")
    REVOKED_BY_BANK = ("REVOKED_BY_BANK", "dicabut bank")
    KEPT_BY_BANK = ("KEPT_BY_BANK", "bank tidak mencabut")
    REMEDIED = ("REMEDIED", "sudah diperbaiki")


class CheckResult(Term):
    """What an inspector found of one item of the checklist."""

    MET = ("MET", "sesuai")
    NOT_MET = ("NOT_MET", "tidak sesuai")
    NOT_CHECKED = ("NOT_CHECKED", "tidak diperiksa")


class ViolationAct(Term):
    """What somebody does in the matter of a violation."""

    RECORD = ("RECORD", "mencatat")
    WARN = ("WARN", "memberi surat peringatan")
    RECOMMEND = ("RECOMMEND", "merekomendasikan pencabutan")
    REVOKE = ("REVOKE", "mencabut, oleh bank")
    KEEP = ("KEEP", "tidak mencabut, oleh bank")
    DISMISS = ("DISMISS", "menyatakan tidak terbukti")
    REMEDY = ("REMEDY", "menutup karena sudah diperbaiki")
    REPLY = ("REPLY", "menjawab, oleh agen")
    APPEAL = ("APPEAL", "mengajukan keberatan, oleh agen")
    ACCEPT_APPEAL = ("ACCEPT_APPEAL", "menerima keberatan: langkah terakhir ditarik")
    REJECT_APPEAL = ("REJECT_APPEAL", "menolak keberatan")


class BankDecision(Term):
    """What the bank makes of a recommendation."""

    REVOKED_BY_BANK = ("REVOKED_BY_BANK", "dicabut")
    KEPT_BY_BANK = ("KEPT_BY_BANK", "tidak dicabut")


ewarong_checklist_item = sa.Table(
    "ewarong_checklist_item",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("question", sa.Text, nullable=False, comment="in Indonesian"),
    sa.Column("question_english", sa.Text, nullable=False),
    sa.Column("violation_code", sa.Text, comment="what it is where it is not met"),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date, comment="the last day"),
    sa.Column("source", sa.Text, nullable=False),
    one_of("ewarong_checklist_item", "violation_code", ViolationCode),
    check("valid_from <= valid_to", "ewarong_checklist_item_validity_ck"),
)

# Which violations are so grave that no warning need come before a recommendation. The newest that has begun counts.
ewarong_violation_rule = sa.Table(
    "ewarong_violation_rule",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("valid_from", sa.Date, primary_key=True),
    sa.Column("grave", sa.Boolean, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    one_of("ewarong_violation_rule", "code", ViolationCode),
)

ewarong_inspection = sa.Table(
    "ewarong_inspection",
    metadata,
    *outlet_columns(),
    sa.Column("inspected_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("latitude", sa.Double),
    sa.Column("longitude", sa.Double),
    sa.Column(
        "photos", pg.ARRAY(sa.LargeBinary), nullable=False, comment="SHA-256 of each photo; the photos lie elsewhere"
    ),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("met", sa.Integer, nullable=False),
    sa.Column("not_met", sa.Integer, nullable=False),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("request", sa.LargeBinary, nullable=False, comment="SHA-256 of what was sent and who sent it"),
    *actor("reported", nullable=False)[:2],
    created_at(),
    sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_inspection_key_uq"),
    check("latitude between -11.5 and 6.5", "ewarong_inspection_latitude_ck"),
    check("longitude between 94.5 and 141.5", "ewarong_inspection_longitude_ck"),
    check("num_nulls(latitude, longitude) in (0, 2)", "ewarong_inspection_place_ck"),
    village_lies_in_regency("ewarong_inspection"),
    of_agent("ewarong_inspection"),
)
sa.Index("ewarong_inspection_village_ix", ewarong_inspection.c.village_id, ewarong_inspection.c.id)
sa.Index("ewarong_inspection_newest_ix", ewarong_inspection.c.id)
sa.Index("ewarong_inspection_agent_ix", ewarong_inspection.c.regency_id, ewarong_inspection.c.agent_id)

ewarong_finding = sa.Table(
    "ewarong_finding",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("inspection_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column(
        "item_code",
        sa.Text,
        sa.ForeignKey("ewarong_checklist_item.code", name="ewarong_finding_item_fk"),
        primary_key=True,
    ),
    sa.Column("village_id", sa.BigInteger, nullable=False),
    sa.Column("agent_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    one_of("ewarong_finding", "result", CheckResult),
    village_lies_in_regency("ewarong_finding"),
    sa.ForeignKeyConstraint(
        ["regency_id", "inspection_id"],
        ["ewarong_inspection.regency_id", "ewarong_inspection.id"],
        name="ewarong_finding_inspection_fk",
    ),
)

ewarong_violation = sa.Table(
    "ewarong_violation",
    metadata,
    *outlet_columns(),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="RECORDED"),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("inspection_id", pg.UUID(as_uuid=True)),
    sa.Column("signal_id", pg.UUID(as_uuid=True)),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("request", sa.LargeBinary, nullable=False, comment="SHA-256 of what was sent and who sent it"),
    *actor("recorded", nullable=False),
    *actor("first_warned"),
    *actor("second_warned"),
    *actor("recommended"),
    *actor("decided"),
    sa.Column("step", sa.Integer, nullable=False, server_default="1", comment="how many it has taken, back ones too"),
    sa.Column("reply_due", sa.Date, comment="the last day on which the outlet answers the last step"),
    moment("replied_at"),
    moment("appealed_at"),
    moment("appeal_answered_at"),
    sa.Column("decision_reason", sa.Text),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_violation_key_uq"),
    one_of("ewarong_violation", "code", ViolationCode),
    one_of("ewarong_violation", "state", ViolationState),
    *[acted(prefix, "ewarong_violation") for prefix in ("first_warned", "second_warned", "recommended", "decided")],
    check("first_warned_by <> recorded_by and second_warned_by <> recorded_by", "ewarong_violation_warner_ck"),
    check(
        "recommended_by <> recorded_by and recommended_by <> first_warned_by and recommended_by <> second_warned_by",
        "ewarong_violation_recommender_ck",
    ),
    check("decided_by <> recorded_by and decided_by <> recommended_by", "ewarong_violation_decider_ck"),
    check("appeal_answered_at is null or appealed_at is not null", "ewarong_violation_appeal_ck"),
    village_lies_in_regency("ewarong_violation"),
    of_agent("ewarong_violation"),
)
sa.Index("ewarong_violation_village_ix", ewarong_violation.c.village_id, ewarong_violation.c.id)
sa.Index("ewarong_violation_newest_ix", ewarong_violation.c.id)
sa.Index("ewarong_violation_agent_ix", ewarong_violation.c.regency_id, ewarong_violation.c.agent_id)

# Every step of a violation, with its reason, also those that were taken back: rows are only added.
ewarong_violation_step = sa.Table(
    "ewarong_violation_step",
    metadata,
    *outlet_columns(),
    sa.Column("violation_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("from_state", sa.Text),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reply_due", sa.Date),
    *actor("taken", nullable=False),
    sa.UniqueConstraint("regency_id", "violation_id", "step", name="ewarong_violation_step_step_uq"),
    one_of("ewarong_violation_step", "act", ViolationAct),
    one_of("ewarong_violation_step", "to_state", ViolationState),
    village_lies_in_regency("ewarong_violation_step"),
    of_agent("ewarong_violation_step"),
    sa.ForeignKeyConstraint(
        ["regency_id", "violation_id"],
        ["ewarong_violation.regency_id", "ewarong_violation.id"],
        name="ewarong_violation_step_violation_fk",
    ),
)


class StatementKind(Term):
    """What is said in the matter of a violation."""

    REPLY = ("REPLY", "jawaban agen")
    APPEAL = ("APPEAL", "keberatan agen")
    APPEAL_ACCEPTED = ("APPEAL_ACCEPTED", "keberatan diterima")
    APPEAL_REJECTED = ("APPEAL_REJECTED", "keberatan ditolak")


# What the outlet answers, and what is answered to its appeal: rows are only added.
ewarong_statement = sa.Table(
    "ewarong_statement",
    metadata,
    *outlet_columns(),
    sa.Column("violation_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("against", sa.Text, nullable=False, comment="the state of the violation that it speaks to"),
    sa.Column("step", sa.Integer, nullable=False, comment="the step of the violation that it speaks to"),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), comment="null: what the office answers"),
    *actor("said", nullable=False),
    sa.UniqueConstraint("regency_id", "violation_id", "step", "kind", name="ewarong_statement_kind_uq"),
    sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_statement_key_uq"),
    one_of("ewarong_statement", "kind", StatementKind),
    village_lies_in_regency("ewarong_statement"),
    of_agent("ewarong_statement"),
    sa.ForeignKeyConstraint(
        ["regency_id", "violation_id"],
        ["ewarong_violation.regency_id", "ewarong_violation.id"],
        name="ewarong_statement_violation_fk",
    ),
)
