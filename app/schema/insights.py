"""Aggregates: what a province sees of its regencies, added up from summary rows."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
import strawberry

from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.domain.insights.models import DECILES, IDENTITY_COLUMNS
from app.domain.insights.queries import AgeBand, cohort_rows, stored_level, summary_rows
from app.domain.regions.models import Level
from app.domain.regions.rules import parse_region
from app.domain.registry.enums import IdentityStatus, Sex
from app.schema.enums import described_by
from app.schema.plan.arguments import Argument
from app.schema.plan.source import (
    Derived,
    Many,
    One,
    Part,
    Reading,
    Rows,
    argument,
    column,
    expression,
    planned_field,
)
from app.schema.regions import CODE_ARGUMENT_HELP, Region, known_region
from app.tenants.region_path import RegionLevel
from app.tenants.rls import Tenancy

_PERMISSION: Final = Permission.INSIGHTS_SUMMARY_READ


def _band_text(band: AgeBand) -> str:
    low, high = band.value
    if band is AgeBand.UNKNOWN:
        return "Date of birth unknown."
    return f"{low} years and older." if band is AgeBand.FROM_70 else f"{low} to {high} years."


described_by({band: _band_text(band) for band in AgeBand})


class SummaryLevelInvalid(DomainError):
    """The rows would be larger than the region asked for."""

    code = "SUMMARY_LEVEL_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "`by` harus setingkat dengan `region` atau di bawahnya.", "`by` must be the level of `region` or below it."
        )


def _scope_level(reading: Reading) -> Level:
    finest: RegionLevel = reading.finest_level(_PERMISSION)
    return Level.PROVINCE if finest in {RegionLevel.COUNTRY, RegionLevel.PROVINCE} else Level(finest.value)


def _permitted(reading: Reading) -> Any:
    return lambda rows: reading.within(_PERMISSION, Tenancy.SPAN, rows)


def _bound_span(given: Argument) -> tuple[Any, Any]:
    return (
        given.bind(sa.BigInteger(), lambda code: parse_region(code).villages.low),
        given.bind(sa.BigInteger(), lambda code: parse_region(code).villages.high),
    )


def _asked(reading: Reading) -> sa.FromClause:
    """The one row of a summary: the id of the region asked for."""
    by = RegionLevel(reading.arguments["by"].known.value)

    def region_id(code: str) -> int:
        path = parse_region(code)
        if by.depth < path.level.depth:
            raise SummaryLevelInvalid
        return path.id

    region = known_region(reading, "region")
    return sa.select(region.bind(sa.BigInteger(), region_id).label("region_id")).subquery()


def _summed(*, by_region: bool) -> Rows:
    def rows(reading: Reading) -> sa.FromClause:
        asked = reading.parent.arguments
        by = asked["by"].known
        level = stored_level(by, _scope_level(reading))
        low, high = _bound_span(asked["region"])
        return summary_rows(level, by if by_region else None, low, high, _permitted(reading))

    return rows


def _cohorts(reading: Reading) -> sa.FromClause:
    row = reading.parent
    by = row.arguments["by"].known
    level = stored_level(by, _scope_level(reading))
    return cohort_rows(level, row.from_, _permitted(reading))


def _values(names: Sequence[tuple[str, str]], label: str) -> Rows:
    """A short list made of columns of the row: (text, column) pairs."""

    def rows(reading: Reading) -> sa.FromClause:
        counts = sa.values(
            sa.column("position", sa.Integer()), sa.column(label, sa.Text()), sa.column("count", sa.BigInteger())
        )
        return counts.data(
            [
                (sa.literal_column(str(at)), sa.literal_column(f"'{text}'"), reading.parent.c[name])
                for at, (text, name) in enumerate(names)
            ]
        ).alias()

    return rows


def _all(_reading: Reading, _rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return []


_NOBODY: Final[sa.ColumnElement[int]] = sa.literal_column("0")


def _holding_anybody(_reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Summary rows stay where they are when the last family has left."""
    return [sa.or_(rows.c.families > _NOBODY, rows.c.persons > _NOBODY)]


def _with_persons(_reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.persons > _NOBODY]


def _region_of_row(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.id == reading.parent.c.region_id]


@strawberry.type(description="Families of one decile.")
class DecileCount:
    """A column of a summary row."""

    decile: int = expression(
        lambda row: sa.cast(row.c.decile, sa.Integer()), description="1 (poorest tenth of all families) to 10."
    )
    families: int = column("count", description="Active families.")


@strawberry.type(description="Persons in one state of identity.")
class IdentityCount:
    """A column of a summary row."""

    status: IdentityStatus = column("status", description="State with the civil registry.")
    persons: int = column("count", description="Persons present.")


@strawberry.type(description="Persons of one age band and sex.")
class AgeCount:
    """Rows of ``registry_cohort``, added up."""

    band: AgeBand = column("band", description="Age that a person reaches within the present calendar year.")
    sex: Sex = column("sex", description="Sex as registered.")
    persons: int = column("persons", description="Persons present.")


@strawberry.type(
    description="Counts of the registry: active families, and the persons who are present in them or without a family."
)
class RegistryCounts:
    """Columns of summary rows, added up."""

    families: int = column("families", description="Active families.")
    families_unranked: int = column("families_unranked", description="Active families without a decile.")
    families_by_decile: list[DecileCount] = planned_field(
        Many(
            _all,
            lambda rows: [rows.c.position],
            _values([(str(decile), f"families_decile_{decile}") for decile in DECILES], "decile"),
        ),
        description="Active families by decile, all ten.",
    )
    persons: int = column("persons", description="Persons present.")
    persons_by_identity_status: list[IdentityCount] = planned_field(
        Many(
            _all,
            lambda rows: [rows.c.position],
            _values([(status.value, name) for status, name in IDENTITY_COLUMNS.items()], "status"),
        ),
        description="Persons present by state of identity, all states.",
    )
    persons_by_age: list[AgeCount] = planned_field(
        Many(_with_persons, lambda rows: [rows.c.position, rows.c.sex], _cohorts),
        description="Persons present by age band and sex; bands without anybody are left out.",
    )


@strawberry.type(description="The counts of one region.")
class RegistrySummaryRow:
    """Summary rows of one region, added up."""

    region: Region = planned_field(One(_region_of_row), description="The region counted.")
    counts: RegistryCounts = planned_field(Part(), description="Its counts.")


@strawberry.type(description="The counts of a region and of the regions below it, as far as the caller may see them.")
class RegistrySummary:
    """What ``registrySummary`` answers."""

    region: Region = planned_field(One(_region_of_row), description="The region asked for.")
    total: RegistryCounts = planned_field(
        One(_all, _summed(by_region=False)),
        description="The whole of what the caller may see of the region; equals the sum of `rows` in the same response.",
    )
    rows: list[RegistrySummaryRow] = planned_field(
        Many(_holding_anybody, lambda rows: [rows.c.region_id], _summed(by_region=True)),
        description="One row for each region of level `by` that holds anybody, by code.",
    )


@strawberry.type
class InsightsQuery:
    """Queries over aggregates."""

    registry_summary: RegistrySummary = planned_field(
        Derived(_asked, _PERMISSION),
        description="Counts of the registry for a region, with one row for each region below it. Read from summary rows "
        "that are kept with every write, so it costs the same for a thousand families and for ten million.",
        arguments=[
            argument("region", str, f"The region to add up. {CODE_ARGUMENT_HELP}"),
            argument("by", Level, "The level of the rows: that of `region` or one below."),
        ],
    )
