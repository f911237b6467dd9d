"""The append-only table of events, the seals over it, and how long events are kept."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata


class Action(Term):
    """What kind of thing happened."""

    READ = ("READ", "data pribadi dibaca")
    REVEAL = ("REVEAL", "nomor dibuka secara utuh")
    EXPORT = ("EXPORT", "data dibawa keluar")
    LOGIN = ("LOGIN", "seseorang masuk")
    REFUSAL = ("REFUSAL", "permintaan ditolak")
    CHANGE = ("CHANGE", "data atau hak akses diubah")


class Purpose(Term):
    """Why somebody needs personal data in full."""

    DATA_CORRECTION = ("DATA_CORRECTION", "perbaikan data keluarga atau orang")
    CIVIL_REGISTRY_MATCHING = ("CIVIL_REGISTRY_MATCHING", "pemadanan dengan Dukcapil")
    COMPLAINT = ("COMPLAINT", "penanganan pengaduan")
    AID_DELIVERY = ("AID_DELIVERY", "penyaluran bantuan")
    SUBJECT_REQUEST = ("SUBJECT_REQUEST", "permintaan pemilik data")
    AUDIT = ("AUDIT", "pemeriksaan")


_ACTIONS: Final = ", ".join(f"'{action.value}'" for action in Action)


def _hash(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable)


def _check(condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=sa.schema.conv(name))


# `action` and `purpose` are texts: under row-level security only leakproof comparisons use an index, and enums have none.
audit_event = sa.Table(
    "audit_event",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("principal_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("roles", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("permission", sa.Text),
    sa.Column("operation", sa.Text, nullable=False),
    _hash("document_hash", nullable=True),
    sa.Column("subject_type", sa.Text, nullable=False),
    sa.Column("subject_ids", pg.ARRAY(pg.UUID(as_uuid=True)), nullable=False),
    sa.Column("row_count", sa.Integer, nullable=False),
    sa.Column("purpose", sa.Text),
    sa.Column("request_id", sa.Text, nullable=False),
    _check(f"action in ({_ACTIONS})", "audit_event_action_ck"),
    _check("village_low / 1000000 = regency_id", "audit_event_regency_ck"),
    _check("village_low <= village_high", "audit_event_span_ck"),
    _check("action <> 'REVEAL' or purpose is not null", "audit_event_purpose_ck"),
    _check("octet_length(document_hash) = 32", "audit_event_document_hash_ck"),
    _check("row_count >= 0", "audit_event_row_count_ck"),
)
sa.Index("audit_event_regency_ix", audit_event.c.regency_id, audit_event.c.happened_at, audit_event.c.id)
sa.Index("audit_event_time_ix", audit_event.c.happened_at, audit_event.c.id)
sa.Index("audit_event_principal_ix", audit_event.c.principal_id, audit_event.c.happened_at, audit_event.c.id)
# The sealer moves what is pending into the index, so that no request has to.
sa.Index(
    "audit_event_subject_ix",
    audit_event.c.subject_ids,
    postgresql_using="gin",
    postgresql_with={"gin_pending_list_limit": 262_144},
)

seal_queue = sa.Table(
    "seal_queue",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("record_id", pg.UUID(as_uuid=True), primary_key=True),
)

seal_batch = sa.Table(
    "seal_batch",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    _hash("previous", nullable=True),
    _hash("root"),
    sa.Column("leaf_count", sa.Integer, nullable=False),
    sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
    _hash("seal"),
    _check("number > 0", "seal_batch_number_ck"),
    _check("(number = 1) = (previous is null)", "seal_batch_previous_ck"),
    _check("leaf_count > 0", "seal_batch_leaf_count_ck"),
)

sealed_leaf = sa.Table(
    "sealed_leaf",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("record_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("batch_number", sa.BigInteger, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
    _hash("digest"),
)
sa.Index("sealed_leaf_batch_ix", sealed_leaf.c.stream, sealed_leaf.c.batch_number, sealed_leaf.c.position)

audit_retention = sa.Table(
    "audit_retention",
    metadata,
    sa.Column("action", sa.Text, primary_key=True),
    sa.Column("valid_from", sa.Date, primary_key=True),
    sa.Column("days", sa.Integer, nullable=False),
    sa.Column("legal_basis", sa.Text, nullable=False),
    _check(f"action in ({_ACTIONS})", "audit_retention_action_ck"),
    _check("days > 0", "audit_retention_days_ck"),
)
