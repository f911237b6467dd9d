"""Totals of the registry from its summary rows: SQL expressions, so that they compile into the statement that asks for them."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final

import sqlalchemy as sa

from app.domain.insights.models import (
    UNKNOWN_BIRTH_YEAR,
    YEAR_COLUMNS,
    YEARS_OF_COHORT,
    registry_cohort,
    registry_summary,
)
from app.domain.regions.models import Level
from app.tenants.region_path import RegionLevel

COUNTERS: Final = tuple(column.name for column in registry_summary.c if column.name.startswith(("families", "persons")))
_DIVISORS: Final = {
    Level.PROVINCE: 100_000_000,
    Level.REGENCY: 1_000_000,
    Level.DISTRICT: 10_000,
    Level.VILLAGE: 1,
}
Permitted = Callable[[sa.FromClause], Sequence[sa.ColumnElement[bool]]]


class AgeBand(Enum):
    """Age that a person reaches within the present calendar year, in the bands that programmes ask for."""

    UNDER_7 = (0, 6)
    FROM_7_TO_12 = (7, 12)
    FROM_13_TO_15 = (13, 15)
    FROM_16_TO_18 = (16, 18)
    FROM_19_TO_59 = (19, 59)
    FROM_60_TO_69 = (60, 69)
    FROM_70 = (70, 200)
    UNKNOWN = (-1, -1)


def stored_level(by: Level, finest: Level) -> Level:
    """The level of the summary rows to add up: no finer than needed, no coarser than the caller may see whole.

    A caller who holds single villages of a regency reads the rows of those villages; whoever holds the regency reads its one row.
    """
    return max(by, finest, Level.REGENCY, key=lambda level: RegionLevel(level.value).depth)


def _at_level(table: sa.Table, level: Level, low: Any, high: Any) -> tuple[sa.FromClause, list[sa.ColumnElement[bool]]]:
    rows = table.alias()
    million: sa.ColumnElement[int] = sa.literal_column(str(_DIVISORS[Level.REGENCY]))
    width: sa.ColumnElement[int] = sa.literal_column(f"{_DIVISORS[level]}::bigint")
    return rows, [
        rows.c.depth == sa.literal_column(str(RegionLevel(level.value).depth)),
        rows.c.regency_id >= low.op("/")(million),
        rows.c.regency_id <= high.op("/")(million),
        # The span says the same, but no index has it: each village would go through all rows of its regency.
        rows.c.region_id >= low.op("/")(width),
        rows.c.region_id <= high.op("/")(width),
        rows.c.village_low >= low,
        rows.c.village_high <= high,
    ]


def _sum(counter: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.coalesce(sa.func.sum(counter), sa.literal_column("0")), sa.BigInteger())


def summary_rows(level: Level, by: Level | None, low: Any, high: Any, permitted: Permitted) -> sa.FromClause:
    """Counters of the villages ``low..high``, one row for each region of level ``by``, or one row in all where it is None.

    Columns: region_id (0 in all), village_low, village_high and the counters. ``level`` is that of the stored rows;
    ``permitted`` gives further conditions on them.
    """
    rows, conditions = _at_level(registry_summary, level, low, high)
    query = sa.select(*[_sum(rows.c[name]).label(name) for name in COUNTERS]).where(*conditions, *permitted(rows))
    if by is None:
        whole: sa.ColumnElement[int] = sa.literal_column("0")
        columns = (whole.label("region_id"), low.label("village_low"), high.label("village_high"))
        return query.add_columns(*columns).subquery()
    divisor: sa.ColumnElement[int] = sa.literal_column(f"{_DIVISORS[by]}::bigint")
    region_id = rows.c.village_low.op("/")(divisor)
    columns = (
        region_id.label("region_id"),
        region_id.op("*")(divisor).label("village_low"),
        (region_id.op("*")(divisor) + divisor - 1).label("village_high"),
    )
    return query.add_columns(*columns).group_by(sa.text(str(len(COUNTERS) + 1))).subquery()


def cohort_rows(level: Level, of: sa.FromClause, permitted: Permitted) -> sa.FromClause:
    """Persons of the row ``of`` (its village_low..village_high) by age band and sex. Columns: band, position, sex, persons."""
    rows, conditions = _at_level(registry_cohort, level, of.c.village_low, of.c.village_high)
    years = (
        sa.values(sa.column("year", sa.Integer()), sa.column("persons", sa.BigInteger()))
        .data([(sa.literal_column(str(year)), rows.c[name]) for year, name in enumerate(YEAR_COLUMNS)])
        .lateral()
    )
    birth_year = rows.c.birth_decade * sa.literal_column(str(YEARS_OF_COHORT)) + years.c.year
    age = sa.cast(sa.func.extract("year", sa.func.current_date()), sa.Integer()) - birth_year
    known = [band for band in AgeBand if band is not AgeBand.UNKNOWN]
    unknown: sa.ColumnElement[int] = sa.literal_column(str(len(known)))
    position = sa.case(
        (birth_year == sa.literal_column(str(UNKNOWN_BIRTH_YEAR)), unknown),
        *[(age <= sa.literal_column(str(band.value[1])), sa.literal_column(str(at))) for at, band in enumerate(known)],
        else_=unknown,
    )
    counted = (
        sa.select(position.label("position"), rows.c.sex, _sum(years.c.persons).label("persons"))
        .select_from(rows.join(years, sa.true()))
        .where(*conditions, *permitted(rows))
        .group_by(sa.text("1"), rows.c.sex)
        .correlate(of)
        .subquery()
    )
    bands = enumerate((*known, AgeBand.UNKNOWN))
    name = sa.case(*[(counted.c.position == at, sa.literal_column(f"'{band.name}'")) for at, band in bands])
    return sa.select(name.label("band"), counted.c.position, counted.c.sex, counted.c.persons).subquery()
