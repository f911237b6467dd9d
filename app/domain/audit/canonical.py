"""The texts that are hashed. Whoever has a record and these rules finds the same hashes, in any language.

A text is JSON by RFC 8785: UTF-8, members sorted, no blanks, and of numbers only whole ones. Moments are UTC with six digits after the
second and a ``Z``, hashes are lower-case hexadecimal, and every text carries the version of its form. What PostgreSQL writes in SQL
here and what Python writes are the same bytes; a test holds both to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import orjson

from app.domain.audit.merkle import leaf_hash

FORMAT: Final = 1


def canonical(document: Mapping[str, Any]) -> bytes:
    """``document`` as canonical JSON."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def moment_text(moment: datetime) -> str:
    """``moment`` as the texts write it: 2026-07-31T01:02:03.000004Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_sql(expression: str) -> str:
    """What ``moment_text`` does, for an SQL expression."""
    return f"""to_char({expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def object_sql(members: Mapping[str, str]) -> str:
    """A FROM item with one row, whose columns are ``members`` (name to SQL expression) in canonical order."""
    columns = ", ".join(f"{members[name]} as {name}" for name in sorted(members))
    return f"(select {columns})"


def text_sql(row: str) -> str:
    """The canonical JSON, as bytes in UTF-8, of a ``row`` that ``object_sql`` made."""
    return f"convert_to(row_to_json({row})::text, 'UTF8')"


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a tree holds of a record: all but the digest stays readable when the record itself has been deleted in due time."""

    stream: str
    regency_id: int
    id: str
    kind: str
    happened_at: str
    digest: bytes

    @property
    def hash(self) -> bytes:
        """The hash of the leaf in its tree."""
        return leaf_hash(
            canonical(
                {
                    "format": FORMAT,
                    "stream": self.stream,
                    "regency_id": self.regency_id,
                    "id": self.id,
                    "kind": self.kind,
                    "happened_at": self.happened_at,
                    "digest": self.digest.hex(),
                }
            )
        )


_LEAF_SQL: Final = object_sql(
    {
        "format": str(FORMAT),
        "stream": "l.stream",
        "regency_id": "l.regency_id",
        "id": "l.record_id::text",
        "kind": "l.kind",
        "happened_at": moment_sql("l.happened_at"),
        "digest": "encode(l.digest, 'hex')",
    }
)
LEAF_HASH_SQL: Final = f"(select sha256('\\x00'::bytea || {text_sql('x')}) from {_LEAF_SQL} as x)"  # noqa: S608  (our own words)
"""The hash of a row ``l`` of sealed_leaf, as ``Leaf.hash`` finds it."""


def digest_of(record: Mapping[str, Any]) -> bytes:
    """The digest of a record."""
    return sha256(canonical(record)).digest()


def seal_of(*, stream: str, number: int, previous: bytes | None, root: bytes, leaf_count: int, sealed_at: str) -> bytes:
    """The seal of a batch, which seals the batches before it as well."""
    header = {
        "format": FORMAT,
        "stream": stream,
        "number": number,
        "previous": None if previous is None else previous.hex(),
        "root": root.hex(),
        "leaf_count": leaf_count,
        "sealed_at": sealed_at,
    }
    return sha256(canonical(header)).digest()
