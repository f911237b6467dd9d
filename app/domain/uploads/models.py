"""The table of uploads: files that somebody has sent and that wait to be imported. The bytes lie in the vault under the same id."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata

LONGEST_NAME: Final = 200


class UploadKind(Term):
    """What a file is, as its content tells."""

    CSV = ("CSV", "teks CSV")
    WORKBOOK = ("WORKBOOK", "buku kerja .xlsx atau .xlsm")
    ZIP = ("ZIP", "zip berisi berkas CSV")


_KINDS: Final = ", ".join(f"'{kind.value}'" for kind in UploadKind)


def _check(condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=sa.schema.conv(name))


# `kind` is a text: under row-level security only leakproof comparisons use an index, and enums have none.
upload = sa.Table(
    "upload",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column("region_id", sa.BigInteger, sa.ForeignKey("region.id", name="upload_region_fk"), nullable=False),
    sa.Column("principal_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    _check("village_low / 1000000 = regency_id", "upload_regency_ck"),
    _check("village_low <= village_high", "upload_span_ck"),
    _check(f"char_length(name) between 1 and {LONGEST_NAME}", "upload_name_ck"),
    _check("size > 0", "upload_size_ck"),
    _check("octet_length(sha256) = 32", "upload_sha256_ck"),
    _check(f"kind in ({_KINDS})", "upload_kind_ck"),
)
sa.Index("upload_principal_ix", upload.c.principal_id, upload.c.id)
sa.Index("upload_expiry_ix", upload.c.expires_at)
