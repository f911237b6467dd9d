"""What a province sees of the lists of its regencies, added up."""

from enum import Enum
from typing import Any, Final

import sqlalchemy as sa
import strawberry

from app.authz.permissions import Permission
from app.domain.bansos.cycles.summary import cycles_there, outcomes_of, summed
from app.domain.bansos.models.cycles import Outcome
from app.domain.base import DomainError
from app.domain.regions.models import Level
from app.domain.regions.rules import parse_region
from app.schema.bansos.entitlement_filters import PERIOD_HELP, PROGRAMME_HELP
from app.schema.enums import described_by
from app.schema.plan.source import (
    Derived,
    Many,
    One,
    Part,
    Reading,
    argument,
    column,
    expression,
    planned_field,
)
from app.schema.regions import CODE_ARGUMENT_HELP, Region, known_region
from app.schema.scalars import Date, Rupiah
from app.schema.text import storable
from app.tenants.region_path import RegionLevel, Span
from app.tenants.rls import Tenancy

_PERMISSION: Final = Permission.BANSOS_CYCLE_READ


class AidSummaryLevel(Enum):
    """Levels at which lists are added up."""

    PROVINCE = "PROVINCE"
    REGENCY = "REGENCY"

    @property
    def level(self) -> Level:
        """The level of regions."""
        return Level(self.value)


described_by({AidSummaryLevel.PROVINCE: "Provinces.", AidSummaryLevel.REGENCY: "Regencies and cities."})


class AidSummaryLevelInvalid(DomainError):
    """No row is larger than the region asked for."""

    code = "AID_SUMMARY_LEVEL_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "`region` adalah kabupaten/kota atau provinsi, dan `by` setingkat dengannya atau di bawahnya.",
            "`region` is a regency or a province, and `by` is its level or below it.",
        )


def _asked(reading: Reading) -> sa.FromClause:
    """The one row of a summary: what it is about."""
    by: AidSummaryLevel = reading.arguments["by"].known

    def span(code: str) -> Span:
        path = parse_region(code)
        if RegionLevel(by.value).depth < path.level.depth:
            raise AidSummaryLevelInvalid
        return path.villages

    region = known_region(reading, "region")
    given = reading.arguments
    return sa.select(
        region.bind(sa.BigInteger(), lambda code: parse_region(code).id).label("region_id"),
        region.bind(sa.BigInteger(), lambda code: span(code).low).label("village_low"),
        region.bind(sa.BigInteger(), lambda code: span(code).high).label("village_high"),
        given["programme"].bind(sa.Text(), storable).label("programme_code"),
        given["period"].bind(sa.Date()).label("period_start"),
    ).subquery()


def _permitted(reading: Reading) -> Any:
    return lambda rows: [
        *reading.within(_PERMISSION, Tenancy.SPAN, rows),
        *reading.in_regencies(_PERMISSION, rows),
    ]


def _total(reading: Reading) -> sa.FromClause:
    return summed(cycles_there(reading.parent.from_, _permitted(reading)), None)


def _rows(reading: Reading) -> sa.FromClause:
    by: AidSummaryLevel = reading.parent.arguments["by"].known
    return summed(cycles_there(reading.parent.from_, _permitted(reading)), by.level)


def _outcomes(reading: Reading) -> sa.FromClause:
    return outcomes_of(cycles_there(reading.parent.from_, _permitted(reading)))


def _all(_reading: Reading, _rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return []


def _region_of_row(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.id == reading.parent.c.region_id]


@strawberry.type(description="Lists of regencies, added up. Those that are being generated do not count yet.")
class AidCounts:
    """Columns of ``aid_cycle``, added up."""

    cycles: int = column("cycles", description="Lists: one for each regency.")
    families: int = column("families", description="Families looked at.")
    entitled: int = column("entitled", description="Families that are entitled.")
    amount: Rupiah = column("amount", description="Rupiah of all entitlements.")


@strawberry.type(description="How many families lists decide about in one way for one reason, together.")
class AidOutcomeCount:
    """Rows of ``cycle_outcome``, added up."""

    outcome: Outcome = column("outcome", description="What was decided.")
    reason: str | None = expression(
        lambda row: sa.func.nullif(row.c.reason, sa.literal_column("''")),
        description="Code of the rule that they do not meet, or of the exclusion; null for those who are entitled.",
    )
    families: int = column("families", description="Families.")
    amount: Rupiah = column("amount", description="What they are entitled to together, in rupiah.")


@strawberry.type(description="The counts of one region.")
class AidSummaryRow:
    """Lists of one region, added up."""

    region: Region = planned_field(One(_region_of_row), description="The region counted.")
    counts: AidCounts = planned_field(Part(), description="Its counts.")


@strawberry.type(
    description="Who is entitled to a programme in a period, as far as the caller may see whole regencies."
)
class AidSummary:
    """What ``aidSummary`` answers."""

    region: Region = planned_field(One(_region_of_row), description="The region asked for.")
    total: AidCounts = planned_field(
        One(_all, _total), description="The whole of it; equals the sum of `rows` in the same response."
    )
    outcomes: list[AidOutcomeCount] = planned_field(
        Many(_all, lambda rows: [rows.c.outcome, rows.c.families.desc(), rows.c.reason], _outcomes),
        description="In and out by reason: they add up to `total { families }`.",
    )
    rows: list[AidSummaryRow] = planned_field(
        Many(_all, lambda rows: [rows.c.region_id], _rows),
        description="One row for each region of level `by` with a list, by code.",
    )


@strawberry.type
class AidSummaryQuery:
    """Queries over lists, added up."""

    aid_summary: AidSummary = planned_field(
        Derived(_asked, _PERMISSION),
        description=f"Entitled families and their rupiah, with one row for each region below. Needs `{_PERMISSION.value}`.",
        arguments=[
            argument("region", str, f"The region to add up. {CODE_ARGUMENT_HELP}"),
            argument("by", AidSummaryLevel, "The level of the rows: that of `region` or below."),
            argument("programme", str, PROGRAMME_HELP),
            argument("period", Date, PERIOD_HELP),
        ],
    )
