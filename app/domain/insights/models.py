"""Summary rows of the registry, kept by triggers beside every write and summed over their slots on read.

There are rows for regencies (depth 2), districts (3) and villages (4); a province is added up from its regencies.
"""

import sqlalchemy as sa

from app.domain.base import enum_column_type, metadata
from app.domain.registry.enums import IdentityStatus, Sex

SLOTS = 16
DECILES = tuple(range(1, 11))
IDENTITY_COLUMNS = {status: f"persons_{status.value.lower()}" for status in IdentityStatus}

YEARS_OF_COHORT = 10
YEAR_COLUMNS = tuple(f"persons_{year}" for year in range(YEARS_OF_COHORT))
"""Persons born in the year ``birth_decade * 10 + 0`` and so on: a row for each year would be one for each person of a small village."""
UNKNOWN_BIRTH_YEAR = 0
"""What persons are counted under whose birth date is not known."""


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def _region_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("region_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False),
    ]


def _span_columns() -> list[sa.Column[object]]:
    return [
        # A number and not the enum of levels: under row-level security only leakproof comparisons use an index, and enums have none.
        sa.Column("depth", sa.SmallInteger, nullable=False),
        sa.Column("village_low", sa.BigInteger, nullable=False),
        sa.Column("village_high", sa.BigInteger, nullable=False),
    ]


registry_summary = sa.Table(
    "registry_summary",
    metadata,
    *_region_columns(),
    *_span_columns(),
    _counter("families"),
    *[_counter(f"families_decile_{decile}") for decile in DECILES],
    _counter("families_unranked"),
    _counter("persons"),
    *[_counter(name) for name in IDENTITY_COLUMNS.values()],
)
sa.Index(
    "registry_summary_depth_ix", registry_summary.c.depth, registry_summary.c.regency_id, registry_summary.c.region_id
)

registry_cohort = sa.Table(
    "registry_cohort",
    metadata,
    *_region_columns(),
    sa.Column("birth_decade", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("sex", enum_column_type(Sex, "sex"), primary_key=True),
    *_span_columns(),
    *[_counter(name) for name in YEAR_COLUMNS],
)
sa.Index("registry_cohort_depth_ix", registry_cohort.c.depth, registry_cohort.c.regency_id, registry_cohort.c.region_id)
