"""What is sealed: tables of rows that are never changed, the audit trail and the journal of the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.domain.audit.canonical import FORMAT, moment_sql, object_sql, text_sql


@dataclass(frozen=True, slots=True)
class Stream:
    """A table whose rows are never changed, with the columns regency_id, id and happened_at.

    Whoever inserts a row puts its key into seal_queue in the same statement. ``kind`` is the column by which it is decided how
    long a row is kept. ``record`` is what is hashed of a row ``e``: the members of its text as SQL expressions. What belongs to a row, such
    as the lines of an entry, is a member of type json.
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

_LINE: Final = object_sql(
    {
        **{
            name: f"l.{name}"
            for name in ("number", "village_low", "village_high", "account", "programme_code", "amount")
        },
        "holder_id": "l.holder_id::text",
    }
)
# Neither json_agg nor jsonb writes without blanks, as the text wants it.
_LINES: Final = (
    f"select line from journal_line l cross join lateral {_LINE} line "  # noqa: S608  (our own words)
    "where l.regency_id = e.regency_id and l.entry_id = e.id order by l.number"
)
LEDGER: Final = Stream(
    name="ledger",
    table="journal_entry",
    kind="kind",
    record={
        **{
            name: f"e.{name}"
            for name in ("regency_id", "village_low", "village_high", "kind", "programme_code", "source_key", "reason")
        },
        **{name: f"e.{name}::text" for name in ("id", "cycle_id", "family_id", "source_id", "principal_id")},
        "happened_at": moment_sql("e.happened_at"),
        "lines": f"array_to_json(array({_LINES}))",
    },
)
STREAMS: Final = (AUDIT, LEDGER)
"""Each is a chain of its own, with a seal of its own to write down."""
