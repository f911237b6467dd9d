"""The table of matchings: whom they are about, how far they are, and what the civil registry has said, in numbers.

What it said of a person stands with the person. Here are only counts, so that nobody's result is kept twice.
"""

from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import metadata
from app.domain.registry.dukcapil.contract import MatchResult
from app.domain.registry.enums import IdentityStatus

BEFORE_ALL: Final = UUID(int=0)
"""The id that comes before that of every person."""
RESULT_COLUMNS: Final = {result: f"persons_{result.value.lower()}" for result in MatchResult}
SKIPPED: Final = "persons_skipped"
COMPARABLE: Final = (IdentityStatus.NIK_ISSUED, IdentityStatus.UNMATCHED, IdentityStatus.MATCHED)
"""States of identity in which a person has a NIK that can be compared."""
_COMPARABLE_TEXT: Final = ", ".join(f"'{status.value}'" for status in COMPARABLE)


def _check(condition: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=sa.schema.conv(f"civil_registry_matching_{name}_ck"))


# Codes are texts with a check: under row-level security only leakproof comparisons use an index, and enums have none.
civil_registry_matching = sa.Table(
    "civil_registry_matching",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column(
        "region_id",
        sa.BigInteger,
        sa.ForeignKey("region.id", name="civil_registry_matching_region_fk"),
        nullable=False,
    ),
    sa.Column("job_id", pg.UUID(as_uuid=True)),
    sa.Column("statuses", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("cursor_village_id", sa.BigInteger, nullable=False),
    sa.Column("cursor_person_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("batch_id", sa.Text),
    sa.Column("persons_found", sa.BigInteger),
    *[
        sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
        for name in (*RESULT_COLUMNS.values(), SKIPPED)
    ],
    sa.Column("created_by", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("created_by_name", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.UniqueConstraint("regency_id", "created_by", "idempotency_key", name="civil_registry_matching_key_uq"),
    _check("village_low / 1000000 = regency_id", "regency"),
    _check("village_low <= village_high", "span"),
    _check(f"statuses <@ array[{_COMPARABLE_TEXT}] and cardinality(statuses) > 0", "statuses"),
)
