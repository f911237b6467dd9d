"""What outlets have sold, by day: added up from rows that are kept with every transaction."""

from enum import Enum
from typing import Any, Final

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import DomainError
from app.domain.ewarong.models.transactions import ewarong_day
from app.domain.regions.rules import parse_region
from app.schema.enums import described_by
from app.schema.ewarong.agents import EwarongAgent, outlet_of_row
from app.schema.ewarong.transactions import READ
from app.schema.plan.source import Derived, Many, One, Part, Reading, Rows, argument, column, planned_field
from app.schema.regions import CODE_ARGUMENT_HELP, Region, known_region
from app.schema.scalars import Date, Rupiah
from app.tenants.region_path import VILLAGE_DIGITS, RegionLevel
from app.tenants.rls import Tenancy

MOST_DAYS: Final = 31


class EwarongTotalsLevel(Enum):
    """By what sales are added up."""

    AGENT = "AGENT"
    DISTRICT = "DISTRICT"
    REGENCY = "REGENCY"


described_by(
    {
        EwarongTotalsLevel.AGENT: "One row for each e-Warong and day.",
        EwarongTotalsLevel.DISTRICT: "One row for each district and day.",
        EwarongTotalsLevel.REGENCY: "One row for each regency and day.",
    }
)
_LARGEST: Final = {
    EwarongTotalsLevel.AGENT: RegionLevel.REGENCY,
    EwarongTotalsLevel.DISTRICT: RegionLevel.REGENCY,
    EwarongTotalsLevel.REGENCY: RegionLevel.PROVINCE,
}
"""The largest region of which there are rows of each level: with more, an answer would have no end."""
_COUNTS: Final = ("transactions", "amount", "reversals", "reversed_amount")
_PLACES: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "region_id": sa.BigInteger(),
    "regency_id": sa.Integer(),
    "agent_id": pg.UUID(),
}
_NOTHING: Final[sa.ColumnElement[int]] = sa.literal_column("0")


class TotalsDaysWrong(DomainError):
    """The days are none, or too many."""

    code = "EWARONG_DAYS_INVALID"
    fields = ("to",)

    def __init__(self) -> None:
        super().__init__(
            f"`to` tidak boleh sebelum `from`, dan paling banyak {MOST_DAYS} hari.",
            f"`to` must not be before `from`, and there are {MOST_DAYS} days at most.",
        )


class TotalsRegionTooLarge(DomainError):
    """There would be too many rows."""

    code = "EWARONG_REGION_TOO_LARGE"
    fields = ("region",)

    def __init__(self) -> None:
        super().__init__(
            "Untuk AGENT dan DISTRICT pilih kabupaten/kota atau di bawahnya; untuk REGENCY provinsi atau di bawahnya.",
            "For AGENT and DISTRICT choose a regency or what lies in one; for REGENCY a province or what lies in one.",
        )


def _asked(reading: Reading) -> sa.FromClause:
    """The one row of totals: the region asked for."""
    given = reading.arguments
    by: EwarongTotalsLevel = given["by"].known

    def region_id(code: str) -> int:
        path = parse_region(code)
        if path.level.depth < _LARGEST[by].depth:
            raise TotalsRegionTooLarge
        return path.id

    first, last = given["from"].bind(sa.Date()), given["to"].bind(sa.Date())
    days = sa.cast(last - first, sa.Integer())
    reading.check(days.between(0, MOST_DAYS - 1), given["to"], lambda _: TotalsDaysWrong())
    region = known_region(reading, "region")
    return sa.select(region.bind(sa.BigInteger(), region_id).label("region_id")).subquery()


def _of_level(rows: sa.FromClause, by: EwarongTotalsLevel) -> list[sa.ColumnElement[int]]:
    if by is EwarongTotalsLevel.AGENT:
        return [rows.c.regency_id, rows.c.agent_id]
    width = 10 ** (VILLAGE_DIGITS - RegionLevel(by.value).digits)
    return [rows.c.village_id.op("/")(sa.literal_column(f"{width}::bigint")).label("region_id")]


def _summed(*, by_level: bool) -> Rows:
    def summed(reading: Reading) -> sa.FromClause:
        asked = reading.parent.arguments
        by: EwarongTotalsLevel = asked["by"].known
        rows = ewarong_day.alias()
        low = asked["region"].bind(sa.BigInteger(), lambda code: parse_region(code).villages.low)
        high = asked["region"].bind(sa.BigInteger(), lambda code: parse_region(code).villages.high)
        sums = [
            sa.cast(sa.func.coalesce(sa.func.sum(rows.c[name]), _NOTHING), sa.BigInteger()).label(name)
            for name in _COUNTS
        ]
        query = sa.select(*sums).where(
            rows.c.village_id.between(low, high),
            rows.c.day.between(asked["from"].bind(sa.Date()), asked["to"].bind(sa.Date())),
            *reading.within(READ, Tenancy.VILLAGE, rows, "agent_id"),
        )
        if not by_level:
            return query.subquery()
        groups = [rows.c.day, *_of_level(rows, by)]
        # The columns are the same at each level: what a row is not about is null.
        absent = [
            sa.null().cast(sql_type).label(name)
            for name, sql_type in _PLACES.items()
            if (name == "region_id") == (by is EwarongTotalsLevel.AGENT)
        ]
        places = [sa.text(str(len(_COUNTS) + at)) for at in range(1, len(groups) + 1)]
        return query.add_columns(*groups, *absent).group_by(*places).subquery()

    return summed


def _all(_reading: Reading, _rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return []


def _region_of_row(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.id == reading.parent.c.region_id]


@strawberry.type(description="Sales, added up.")
class EwarongSales:
    """Sums over ``ewarong_day``."""

    transactions: int = column("transactions", description="How many were reported of the day, those taken back too.")
    amount: Rupiah = column("amount", description="Their rupiah.")
    reversals: int = column("reversals", description="How many were taken back on the day, whenever they happened.")
    reversed_amount: Rupiah = column("reversed_amount", description="Their rupiah: the e-Warong is owed less by these.")


@strawberry.type(description="Sales of one day in one e-Warong, district or regency.")
class EwarongDayTotal:
    """Sums of one day."""

    day: Date = column("day", description="The day, where the e-Warong is.")
    agent: EwarongAgent | None = planned_field(
        One(outlet_of_row), description="With `AGENT`: the e-Warong. Needs `ewarong:agent:read`."
    )
    region: Region | None = planned_field(One(_region_of_row), description="With `DISTRICT` and `REGENCY`: the region.")
    sales: EwarongSales = planned_field(Part(), description="The sales.")


@strawberry.type(description="Sales in a region by day, as far as the caller may see them.")
class EwarongDayTotals:
    """What ``ewarongDayTotals`` answers."""

    region: Region = planned_field(One(_region_of_row), description="The region asked for.")
    total: EwarongSales = planned_field(
        One(_all, _summed(by_level=False)),
        description="All of it; equals the sum of `rows` in the same response.",
    )
    rows: list[EwarongDayTotal] = planned_field(
        Many(
            _all,
            lambda rows: [rows.c.day, rows.c.region_id, rows.c.regency_id, rows.c.agent_id],
            _summed(by_level=True),
        ),
        description="One for each day and e-Warong, district or regency in which something was sold or taken back.",
    )


@strawberry.type
class EwarongDayTotalsQuery:
    """Queries about totals of outlets."""

    ewarong_day_totals: EwarongDayTotals = planned_field(
        Derived(_asked, READ),
        description="What was sold in a region, by day and e-Warong, district or regency. Read from totals that are kept with every "
        f"transaction. Whoever runs an e-Warong gets its own. Needs `{READ.value}`.",
        arguments=[
            argument(
                "region",
                str,
                f"The region: with `REGENCY` a province or what lies in one, otherwise a regency or what lies in one. {CODE_ARGUMENT_HELP}",
            ),
            argument("from", Date, "The first day."),
            argument("to", Date, f"The last day; {MOST_DAYS} days at most."),
            argument("by", EwarongTotalsLevel, "By what they are added up."),
        ],
    )
