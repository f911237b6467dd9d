"""Overlap of aid: who receives twice, and who is in target and receives nothing."""

from datetime import date
from typing import Any, Final

import sqlalchemy as sa
import strawberry

from app.authz.permissions import Permission
from app.domain.bansos.models.programmes import Relation
from app.domain.base import DomainError
from app.domain.insights.overlap import (
    TARGET_DECILE,
    WHOLE,
    Asked,
    OverlapKind,
    families_with,
    overlap_cells,
)
from app.domain.regions.models import Level
from app.domain.regions.rules import parse_region
from app.schema.enums import described_by
from app.schema.insights import SummaryLevelInvalid
from app.schema.paging import Connection, page_arguments
from app.schema.plan.printing import constant
from app.schema.plan.source import (
    Connect,
    Derived,
    Many,
    One,
    Part,
    Reading,
    Rows,
    argument,
    column,
    planned_field,
)
from app.schema.regions import CODE_ARGUMENT_HELP, Region, in_region, known_region
from app.schema.registry.family import Family
from app.schema.registry.sources import DecileInvalid
from app.schema.scalars import Date, Rupiah
from app.tenants.region_path import RegionLevel
from app.tenants.rls import Tenancy

_PERMISSION: Final = Permission.INSIGHTS_OVERLAP_READ
described_by(
    {
        OverlapKind.DOUBLE_AID: "Families that receive programmes which exclude each other.",
        OverlapKind.SEVERAL_PROGRAMMES: "Families that receive two programmes or more, allowed or not.",
        OverlapKind.TOPPED_UP: "Families that receive a programme which adds to another one that they receive.",
        OverlapKind.WITHOUT_AID: "Active families in target that receive nothing.",
    }
)


class OverlapPeriodWrong(DomainError):
    """The day does not begin a month."""

    code = "OVERLAP_PERIOD_WRONG"

    def __init__(self) -> None:
        super().__init__("`period` adalah hari pertama suatu bulan.", "`period` is the first day of a month.")


def _month(day: date) -> date:
    if day.day != 1:
        raise OverlapPeriodWrong
    return day


def _decile(value: int) -> int:
    if not 1 <= value <= 10:
        raise DecileInvalid
    return value


def _asked(reading: Reading, low: Any, high: Any) -> Asked:
    given = reading.arguments
    return Asked(
        low=low,
        high=high,
        period=given["period"].bind(sa.Date(), _month),
        decile=given["decileTo"].bind(sa.SmallInteger(), _decile),
        in_villages=lambda rows: reading.within(_PERMISSION, Tenancy.VILLAGE, rows),
    )


def _overlap(reading: Reading) -> sa.FromClause:
    """The one row of the report: the region asked for, the period, and all that is told of it."""
    by: Level = reading.arguments["by"].known
    level = RegionLevel(by.value)

    def region_id(code: str) -> int:
        path = parse_region(code)
        if level.depth < path.level.depth:
            raise SummaryLevelInvalid
        return path.id

    region = known_region(reading, "region")
    low = region.bind(sa.BigInteger(), lambda code: parse_region(code).villages.low)
    high = region.bind(sa.BigInteger(), lambda code: parse_region(code).villages.high)
    asked = _asked(reading, low, high)
    # What is gathered once is read by several fields: a table's rows are, an expression's would be gathered for each.
    cells = overlap_cells(asked, by).cte()
    told = sa.select(
        region.bind(sa.BigInteger(), region_id).label("region_id"), asked.period.label("period"), cells.c.cells
    )
    return told.add_cte(cells, nest_here=True).offset(sa.literal_column("0")).subquery()


_CELL: Final = {
    "region_id": sa.BigInteger(),
    "entitled": sa.BigInteger(),
    "amount": sa.BigInteger(),
    "several": sa.BigInteger(),
    "doubled": sa.BigInteger(),
    "topped_up": sa.BigInteger(),
    "in_target": sa.BigInteger(),
    "without": sa.BigInteger(),
    "pairs": sa.JSON(),
}
_PAIR: Final = {
    "relation": sa.Text(),
    "first": sa.Text(),
    "second": sa.Text(),
    "families": sa.BigInteger(),
    "first_amount": sa.BigInteger(),
    "second_amount": sa.BigInteger(),
    "least": sa.BigInteger(),
}


def _records(name: str, columns: dict[str, Any]) -> Rows:
    """The objects of the JSON list in the column ``name`` of the row, as rows."""

    def rows(reading: Reading) -> sa.FromClause:
        defined = [sa.column(each, type_) for each, type_ in columns.items()]
        return sa.func.json_to_recordset(reading.parent.c[name]).table_valued(*defined).render_derived(with_types=True)

    return rows


def _whole(_reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.region_id == sa.literal_column(str(WHOLE))]


def _parts(_reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.region_id != sa.literal_column(str(WHOLE))]


def _of(relation: Relation) -> Many:
    return Many(
        lambda _reading, rows: [rows.c.relation == constant(relation.value)],
        lambda rows: [rows.c.first, rows.c.second],
        _records("pairs", _PAIR),
    )


def _region_of_row(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.id == reading.parent.c.region_id]


@strawberry.type(description="Families that receive two programmes which exclude each other.")
class DoubleAid:
    """A pair of programmes."""

    programme_code: str = column("first", description="Code of the one.")
    other_code: str = column("second", description="Code of the other.")
    families: int = column("families", description="Families that receive both.")
    amount: Rupiah = column("first_amount", description="What they receive by the one.")
    other_amount: Rupiah = column("second_amount", description="What they receive by the other.")
    excess: Rupiah = column(
        "least", description="What is paid too much at least: for each family the smaller of its two amounts."
    )


@strawberry.type(description="Families that receive a programme which adds to another one that they receive.")
class ToppedUp:
    """A pair of programmes."""

    programme_code: str = column("first", description="Code of the programme that adds.")
    to_code: str = column("second", description="Code of the programme that it adds to.")
    families: int = column("families", description="Families that receive both.")
    amount: Rupiah = column("first_amount", description="What is added.")
    to_amount: Rupiah = column("second_amount", description="What it is added to.")


@strawberry.type(description="What aid and families of a region have to do with each other in a month.")
class OverlapCounts:
    """An object of the cells."""

    families_entitled: int = column("entitled", description="Families that receive anything.")
    amount: Rupiah = column("amount", description="All that they receive, for the whole periods of their programmes.")
    families_with_several: int = column("several", description="Families that receive two programmes or more.")
    families_with_double_aid: int = column(
        "doubled", description="Families that receive programmes which exclude each other, each counted once."
    )
    families_topped_up: int = column(
        "topped_up", description="Families that receive a programme which adds to another one of theirs."
    )
    families_in_target: int = column("in_target", description="Active families up to the decile asked for.")
    families_without_aid: int = column("without", description="Those of them that receive nothing.")
    double_aid: list[DoubleAid] = planned_field(
        _of(Relation.EXCLUSIVE),
        description="Double aid by pair of programmes; a family with three is in more than one.",
    )
    topped_up: list[ToppedUp] = planned_field(_of(Relation.TOP_UP), description="Top-ups by pair of programmes.")


@strawberry.type(description="The counts of one region.")
class AidOverlapRow:
    """An object of the cells."""

    region: Region = planned_field(One(_region_of_row), description="The region.")
    counts: OverlapCounts = planned_field(Part(), description="Its counts.")


@strawberry.type(description="Who receives twice, and who is in target and receives nothing, by region.")
class AidOverlap:
    """What ``aidOverlap`` answers."""

    region: Region = planned_field(One(_region_of_row), description="The region asked for.")
    period: Date = column("period", description="The first day of the month that is looked at.")
    total: OverlapCounts = planned_field(
        One(_whole, _records("cells", _CELL)),
        description="The whole of what the caller may see of the region; equals the sum of `rows` in the same response.",
    )
    rows: list[AidOverlapRow] = planned_field(
        Many(_parts, lambda rows: [rows.c.region_id], _records("cells", _CELL)),
        description="One row for each region of level `by` that holds families in target or with aid, by code.",
    )


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    reading.require(_PERMISSION)
    region = known_region(reading, "region")
    low = region.bind(sa.BigInteger(), lambda code: parse_region(code).villages.low)
    high = region.bind(sa.BigInteger(), lambda code: parse_region(code).villages.high)
    found = families_with(_asked(reading, low, high), reading.arguments["kind"].known)
    return [*in_region(reading, rows), sa.tuple_(rows.c.regency_id, rows.c.id).in_(found)]


_PERIOD: Final = argument(
    "period",
    Date,
    "The first day of a month, such as `2026-07-01`: what counts is all aid whose period holds that day.",
)
_DECILE: Final = argument("decileTo", int, "Families up to this decile are in target, 1 to 10.", default=TARGET_DECILE)


@strawberry.type
class OverlapQuery:
    """Queries about overlap."""

    aid_overlap: AidOverlap = planned_field(
        Derived(_overlap, _PERMISSION),
        description="Double aid, top-ups, and families in target that receive nothing, for a region and the regions below it. Needs "
        "`insights:overlap:read`.",
        arguments=[
            argument("region", str, f"The region to look at. {CODE_ARGUMENT_HELP}"),
            argument("by", Level, "The level of the rows: that of `region` or one below."),
            _PERIOD,
            _DECILE,
        ],
    )
    aid_overlap_families: Connection[Family] = planned_field(
        Connect(_listed),
        description="The families that `aidOverlap` counts as of one kind, by village. Needs `insights:overlap:read` and "
        "`registry:family:read`.",
        arguments=page_arguments(
            argument("region", str, f"Only in this region. {CODE_ARGUMENT_HELP}"),
            argument("kind", OverlapKind, "Which families."),
            _PERIOD,
            _DECILE,
        ),
    )
