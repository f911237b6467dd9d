"""Which villages have no outlet: families with cards, outlets that serve, and services that are planned, by region."""

from typing import Final

import sqlalchemy as sa
import strawberry

from app.domain.base import DomainError
from app.domain.ewarong.agents.coverage import Covered, coverage_cells
from app.domain.regions.models import Level
from app.domain.regions.rules import parse_region
from app.schema.ewarong.agents import READ
from app.schema.insights import SummaryLevelInvalid
from app.schema.plan.printing import constant
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

_JAKARTA: Final = constant("Asia/Jakarta")
"""A service that is over this minute in Papua counts until the day ends here, which harms nobody."""


class EwarongCoverageTooFine(DomainError):
    """A province has thousands of villages."""

    code = "EWARONG_COVERAGE_TOO_FINE"

    def __init__(self) -> None:
        super().__init__(
            "Baris per desa/kelurahan hanya untuk kabupaten/kota atau di bawahnya.",
            "Rows of villages are for a regency or what lies in one.",
        )


def _asked(reading: Reading) -> sa.FromClause:
    """The one row of the report: the id of the region asked for."""
    by = RegionLevel(reading.arguments["by"].known.value)

    def region_id(code: str) -> int:
        path = parse_region(code)
        if by.depth < path.level.depth:
            raise SummaryLevelInvalid
        if by is RegionLevel.VILLAGE and path.level.depth < RegionLevel.REGENCY.depth:
            raise EwarongCoverageTooFine
        return path.id

    region = known_region(reading, "region")
    return sa.select(region.bind(sa.BigInteger(), region_id).label("region_id")).subquery()


def _cells(*, by_region: bool) -> Rows:
    def rows(reading: Reading) -> sa.FromClause:
        asked = reading.parent.arguments
        region = asked["region"]
        covered = Covered(
            low=region.bind(sa.BigInteger(), lambda code: parse_region(code).villages.low),
            high=region.bind(sa.BigInteger(), lambda code: parse_region(code).villages.high),
            today=sa.cast(sa.func.timezone(_JAKARTA, sa.func.now()), sa.Date()),
            in_villages=lambda rows: reading.within(READ, Tenancy.VILLAGE, rows),
        )
        return coverage_cells(covered, asked["by"].known if by_region else None).subquery()

    return rows


def _all(_reading: Reading, _rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return []


def _region_of_row(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.id == reading.parent.c.region_id]


@strawberry.type(description="Families that can buy with a card, and who sells to them, in one region.")
class EwarongCoverageCounts:
    """Columns of the cells."""

    villages: int = column("villages", description="Villages where there is any of what follows.")
    families: int = column("families", description="Families with an active card that live there.")
    outlets: int = column("outlets", description="Outlets that stand there and serve.")
    services: int = column("services", description="Services of mobile and collective e-Warong that are still to come.")
    gaps: int = column("gaps", description="Villages with such families, where no e-Warong stands and none is to come.")


@strawberry.type(description="The counts of one region.")
class EwarongCoverageRow:
    """A cell."""

    region: Region = planned_field(One(_region_of_row), description="The region.")
    counts: EwarongCoverageCounts = planned_field(Part(), description="Its counts.")
    gap: bool = expression(
        lambda row: row.c.gaps > sa.literal_column("0"), description="Whether it has such a village, or is one."
    )


@strawberry.type(description="Which villages have families with cards and no e-Warong, as far as the caller may see.")
class EwarongCoverage:
    """What ``ewarongCoverage`` answers."""

    region: Region = planned_field(One(_region_of_row), description="The region asked for.")
    total: EwarongCoverageCounts = planned_field(
        One(_all, _cells(by_region=False)), description="All of it; equals the sum of `rows` in the same response."
    )
    rows: list[EwarongCoverageRow] = planned_field(
        Many(_all, lambda rows: [rows.c.region_id], _cells(by_region=True)),
        description="One row for each region of level `by` that has anything to count, by code.",
    )


@strawberry.type
class EwarongCoverageQuery:
    """Queries about coverage."""

    ewarong_coverage: EwarongCoverage = planned_field(
        Derived(_asked, READ),
        description="Families with active cards, e-Warong that serve, and services to come, by region: where a gap is, a mobile service or "
        f"a new e-Warong is needed. Whoever runs an e-Warong is told of no village. Needs `{READ.value}`.",
        arguments=[
            argument("region", str, f"The region to look at. {CODE_ARGUMENT_HELP}"),
            argument(
                "by", Level, "The level of the rows: that of `region` or one below; `VILLAGE` for a regency at most."
            ),
        ],
    )
