"""How concentrated the suppliers of districts are, by what outlets say they bought."""

from typing import Any, Final

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import DomainError
from app.domain.ewarong.supply.concentration import Bought, district_rows
from app.domain.regions.rules import parse_region
from app.schema.ewarong.supply import READ, EwarongSupplier, supplier_of
from app.schema.plan.source import Derived, Many, One, Reading, argument, column, planned_field
from app.schema.regions import CODE_ARGUMENT_HELP, Region, known_region
from app.schema.scalars import Date, Rupiah
from app.tenants.rls import Tenancy


class SupplySpanWrong(DomainError):
    """The last day comes before the first."""

    code = "SUPPLY_SPAN_INVALID"

    def __init__(self) -> None:
        super().__init__("`to` tidak boleh sebelum `from`.", "`to` may not come before `from`.")


_SHARE: Final[dict[str, Any]] = {
    "regency_id": sa.Integer(),
    "supplier_id": pg.UUID(),
    "amount": sa.BigInteger(),
    "outlets": sa.Integer(),
    "share": sa.Double(),
}
_DISTRICT: Final[dict[str, Any]] = {
    "district_id": sa.BigInteger(),
    "regency_id": sa.Integer(),
    "amount": sa.BigInteger(),
    "suppliers": sa.Integer(),
    "index": sa.Double(),
    "largest_share": sa.Double(),
    "largest_id": pg.UUID(),
    "concentrated": sa.Boolean(),
    "shares": sa.JSON(),
}


def _records(name: str, columns: dict[str, Any]) -> Any:
    """The objects of the JSON list in the column ``name`` of the row, as rows."""

    def rows(reading: Reading) -> sa.FromClause:
        defined = [sa.column(each, type_) for each, type_ in columns.items()]
        return sa.func.json_to_recordset(reading.parent.c[name]).table_valued(*defined).render_derived(with_types=True)

    return rows


def _concentration(reading: Reading) -> sa.FromClause:
    """The one row of the report: the region asked for, and its districts."""
    region, given = known_region(reading, "region"), reading.arguments
    last = given["to"].bind(sa.Date())
    first = given["from"].bind(sa.Date())
    reading.check(first <= last, given["to"], lambda _: SupplySpanWrong())
    asked = Bought(
        low=region.bind(sa.BigInteger(), lambda code: parse_region(code).villages.low),
        high=region.bind(sa.BigInteger(), lambda code: parse_region(code).villages.high),
        first=first,
        last=last,
        within=lambda rows: reading.within(READ, Tenancy.VILLAGE, rows),
    )
    # What is gathered once is read by several fields: a table's rows are, an expression's would be gathered for each.
    districts = district_rows(asked).cte()
    told = sa.select(
        region.bind(sa.BigInteger(), lambda code: parse_region(code).id).label("region_id"),
        first.label("first"),
        last.label("last"),
        sa.cast(sa.func.coalesce(sa.func.sum(districts.c.amount), sa.literal_column("0")), sa.BigInteger()).label(
            "amount"
        ),
        sa.func.coalesce(sa.func.json_agg(districts.table_valued()), sa.literal_column("'[]'::json")).label(
            "districts"
        ),
    )
    return told.select_from(districts).add_cte(districts, nest_here=True).offset(sa.literal_column("0")).subquery()


def _all(_reading: Reading, _rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return []


@strawberry.type(description="What one supplier sold to the outlets of a district.")
class SupplierShare:
    """An object of the shares."""

    supplier: EwarongSupplier = planned_field(supplier_of("supplier_id"), description="The supplier.")
    amount: Rupiah = column("amount", description="Rupiah that it was paid.")
    share: float = column("share", description="Of all that the outlets of the district bought: 0.25 is a quarter.")
    outlets: int = column("outlets", description="Outlets that bought from it.")


@strawberry.type(description="How concentrated the suppliers of a district are.")
class DistrictConcentration:
    """An object of the districts."""

    region: Region = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.district_id]), description="The district."
    )
    amount: Rupiah = column("amount", description="Rupiah for which its outlets bought.")
    suppliers: int = column("suppliers", description="From how many suppliers.")
    index: float = column(
        "index",
        description="Sum of the squared percentages of the suppliers (Herfindahl-Hirschman): 10,000 where there is one alone.",
    )
    largest: EwarongSupplier = planned_field(supplier_of("largest_id"), description="The supplier that has most.")
    largest_share: float = column("largest_share", description="How much of all it has: 0.25 is a quarter.")
    concentrated: bool = column(
        "concentrated",
        description="Whether the index or the largest share lies above its threshold (`F8_HHI`, `F8_SHARE`) on the last day: a lead for "
        "a check on the spot.",
    )
    shares: list[SupplierShare] = planned_field(
        Many(_all, lambda rows: [rows.c.amount.desc(), rows.c.supplier_id], _records("shares", _SHARE)),
        description="Its suppliers, the largest first.",
    )


@strawberry.type(
    description="How concentrated the suppliers of the districts of a region are, by what the outlets say they bought."
)
class SupplierConcentration:
    """What ``supplierConcentration`` answers."""

    region: Region = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.region_id]), description="The region asked for."
    )
    first: Date = column("first", description="The first day.")
    last: Date = column("last", description="The last day.")
    amount: Rupiah = column("amount", description="Rupiah for which outlets bought; equals the sum of `districts`.")
    districts: list[DistrictConcentration] = planned_field(
        Many(_all, lambda rows: [rows.c.district_id], _records("districts", _DISTRICT)),
        description="One row for each district in which anything was bought, by code.",
    )


@strawberry.type
class SupplyConcentrationQuery:
    """The query about concentration."""

    supplier_concentration: SupplierConcentration = planned_field(
        Derived(_concentration, READ),
        description="How much of what the outlets of a district buy comes from which supplier. Whoever runs an outlet is told of that one "
        f"alone. Needs `{READ.value}`.",
        arguments=[
            argument("region", str, f"The region. {CODE_ARGUMENT_HELP}"),
            argument("from", Date, "The first day."),
            argument("to", Date, "The last day."),
        ],
    )
