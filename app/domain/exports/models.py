"""The table of exports: who carried off which rows, when, and as what; and until when the file of it is kept."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata


class ExportFormat(Term):
    """What the file of an export looks like."""

    CSV = ("CSV", "teks berkolom untuk program lain")
    XLSX = ("XLSX", "buku kerja Excel")
    NDJSON = ("NDJSON", "satu objek JSON per baris")

    @property
    def media_type(self) -> str:
        """The media type of such a file."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportFormat.NDJSON: "application/x-ndjson",
}


def _check(condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=sa.schema.conv(name))


def _digest(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable)


# The row stays when its file goes: who carried off what is asked long after.
export = sa.Table(
    "export",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column("principal_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("job_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("root_field", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    _digest("document_hash"),
    _digest("request_digest"),
    sa.Column("request_sealed", sa.LargeBinary),
    sa.Column("purpose", sa.Text),
    _digest("rights", nullable=True),
    sa.Column("row_count", sa.BigInteger),
    sa.Column("size", sa.BigInteger),
    _digest("sha256", nullable=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("removed_at", sa.DateTime(timezone=True)),
    sa.UniqueConstraint("regency_id", "principal_id", "idempotency_key", name="export_key_uq"),
    _check("format in ('CSV', 'XLSX', 'NDJSON')", "export_format_ck"),
    _check("village_low / 1000000 = regency_id", "export_regency_ck"),
    _check("village_low <= village_high", "export_span_ck"),
    _check("octet_length(document_hash) = 32 and octet_length(request_digest) = 16", "export_digest_ck"),
    _check(
        "num_nulls(finished_at, rights, row_count, size, sha256) in (0, 5) and row_count >= 0 and size >= 0",
        "export_finished_ck",
    ),
    _check(
        "(finished_at is null and removed_at is null) = (request_sealed is not null)",
        "export_request_ck",
    ),
)
sa.Index("export_principal_ix", export.c.principal_id, export.c.id)
sa.Index("export_expiry_ix", export.c.expires_at, postgresql_where=export.c.removed_at.is_(None))
