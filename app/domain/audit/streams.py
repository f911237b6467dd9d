"""What is sealed: the audit trail, and whichever table of rows that are never changed joins it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.domain.audit.canonical import FORMAT, moment_sql, object_sql, text_sql


@dataclass(frozen=True, slots=True)
class Stream:
    """A table whose rows are never changed, with the columns regency_id, id and happened_at.

    Whoever inserts a row puts its key into seal_queue in the same statement. ``kind`` is the column by which it is decided how
    long a row is kept. ``record`` is what is hashed of a row ``e``: the members of its text as SQL expressions.
    """

    name: str
    table: str
    kind: str
    record: Mapping[str, str]
    upkeep: str | None = None
    """A statement that kesos_app runs after new rows were sealed."""

    @property
    def record_sql(self) -> str:
        """A FROM item with one row: the members of the text of the row ``e``."""
        return object_sql({"format": str(FORMAT), **self.record})

    @property
    def digest_sql(self) -> str:
        """The digest of the row ``e``, an SQL expression."""
        return f"(select sha256({text_sql('r')}) from {self.record_sql} as r)"  # noqa: S608  (our own words)


AUDIT: Final = Stream(
    name="audit",
    table="audit_event",
    kind="action",
    record={
        **{
            name: f"e.{name}"
            for name in (
                "regency_id",
                "village_low",
                "village_high",
                "action",
                "roles",
                "permission",
                "operation",
                "subject_type",
                "row_count",
                "purpose",
                "request_id",
            )
        },
        "id": "e.id::text",
        "principal_id": "e.principal_id::text",
        "subject_ids": "e.subject_ids::text[]",
        "happened_at": moment_sql("e.happened_at"),
        "document_hash": "encode(e.document_hash, 'hex')",
    },
    upkeep="select audit_index_subjects()",
)
