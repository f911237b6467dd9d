"""The append-only table of events."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata, tenant_columns, village_lies_in_regency


class Purpose(Term):
    """Why somebody needs personal data in full."""

    DATA_CORRECTION = ("DATA_CORRECTION", "perbaikan data keluarga atau orang")
    CIVIL_REGISTRY_MATCHING = ("CIVIL_REGISTRY_MATCHING", "pemadanan dengan Dukcapil")
    COMPLAINT = ("COMPLAINT", "penanganan pengaduan")
    AID_DELIVERY = ("AID_DELIVERY", "penyaluran bantuan")
    SUBJECT_REQUEST = ("SUBJECT_REQUEST", "permintaan pemilik data")
    AUDIT = ("AUDIT", "pemeriksaan")


audit_event = sa.Table(
    "audit_event",
    metadata,
    *tenant_columns(),
    sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("principal_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("permission", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject_type", sa.Text, nullable=False),
    sa.Column("subject_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    village_lies_in_regency("audit_event"),
)
sa.Index("audit_event_subject_ix", audit_event.c.regency_id, audit_event.c.subject_id, audit_event.c.happened_at)
