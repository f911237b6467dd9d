"""Trusted documents as rows: texts that a front end registered beforehand, under the SHA-256 that it sends instead of them."""

import sqlalchemy as sa

from app.domain.base import metadata

trusted_document = sa.Table(
    "trusted_document",
    metadata,
    sa.Column(
        "hash", sa.Text, primary_key=True, comment="SHA-256 of the text in UTF-8, 64 lower-case hexadecimal digits"
    ),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("is_public", sa.Boolean, nullable=False, server_default="false"),
    sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(
        "hash = encode(sha256(convert_to(text, 'UTF8')), 'hex')", name=sa.schema.conv("trusted_document_hash_ck")
    ),
)
