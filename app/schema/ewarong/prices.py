"""What things cost: prices seen in markets and outlets, the reference price of a week, and how one stands to the other."""

from datetime import date
from enum import Enum
from typing import Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.ewarong.catalogue.prices import PricedRow, PriceVerdict
from app.domain.ewarong.models.catalogue import Place, Quality, price_observation, reference_price
from app.schema.enums import described_by
from app.schema.ewarong.agents import EwarongAgent, outlet_of_row
from app.schema.ewarong.catalogue import CATALOGUE, Commodity
from app.schema.ids import tenant_node
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.printing import constant
from app.schema.plan.source import (
    Connect,
    One,
    Order,
    Reading,
    Row,
    Source,
    argument,
    column,
    expression,
    planned,
    planned_field,
)
from app.schema.plan.source import Key as OrderKey
from app.schema.regions import CODE_ARGUMENT_HELP, VILLAGE, Region, in_region, in_region_span
from app.schema.scalars import Date, DateTime, Rupiah
from app.schema.text import storable
from app.tenants.rls import Tenancy

PRICE: Final = "ReferencePrice"
OBSERVATION: Final = "PriceObservation"
# An outlet is not shown how it, or its neighbour, was looked at.
_OBSERVED: Final = Permission.EWARONG_INSPECTION_READ
for _terms, _name in ((Quality, "CommodityQuality"), (Place, "PricePlace"), (PriceVerdict, "PriceVerdict")):
    described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in _terms}, _name)


class _Newest(Enum):
    NEWEST = "NEWEST"


_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
# Everybody may read a price, as the policy of its table says.
PRICES: Final = Source(
    table=reference_price,
    permission=CATALOGUE,
    tenancy=None,
    orders={_Newest.NEWEST: Order((_ID,), descending=True)},
    node=tenant_node(PRICE),
)
OBSERVATIONS: Final = Source(
    table=price_observation,
    permission=_OBSERVED,
    tenancy=Tenancy.VILLAGE,
    orders={_Newest.NEWEST: Order((_ID,), descending=True)},
    node=tenant_node(OBSERVATION),
)


def commodity_of(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The commodity of a row."""
    return [rows.c.code == reading.parent.c.commodity_code]


def of_commodity(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Rows of the commodity of the argument ``commodity``, if it is given."""
    given = reading.arguments.get("commodity")
    return [] if given is None else [rows.c.commodity_code == given.bind(sa.Text(), storable)]


def _monday(day: date) -> date:
    return date.fromordinal(day.toordinal() - day.weekday())


def _listed_prices(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = in_region_span(reading, rows) + of_commodity(reading, rows)
    if (week := reading.arguments.get("week")) is not None:
        conditions.append(rows.c.week == week.bind(sa.Date(), _monday))
    return conditions


def _listed_observations(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given = reading.arguments
    conditions = in_region(reading, rows, by_village=False) + of_commodity(reading, rows)
    if (place := given.get("place")) is not None:
        conditions.append(rows.c.place == constant(place.known.value))
    if (first := given.get("from")) is not None:
        conditions.append(rows.c.observed_on >= first.bind(sa.Date()))
    if (last := given.get("to")) is not None:
        conditions.append(rows.c.observed_on <= last.bind(sa.Date()))
    return conditions


def _priced(row: Row) -> PricedRow:
    return PricedRow(row.c.regency_id, row.c.commodity_code, row.c.observed_on, row.c.price)


@planned(PRICES)
@strawberry.type(
    description="What a commodity costs in a regency in a week: what prices are compared with. It is no secret. Needs "
    f"`{CATALOGUE.value}`."
)
class ReferencePrice(Node):
    """A row of ``reference_price``."""

    id: strawberry.ID = expression(PRICES.node_text, description="Id for `node(id:)`.")
    region: Region = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.regency_id]), description="The regency or city."
    )
    commodity: Commodity = planned_field(One(commodity_of), description="The commodity.")
    week: Date = column("week", description="The Monday of the week.")
    price: Rupiah = column("price", description="Rupiah a unit of the commodity.")
    ceiling: Rupiah | None = column(
        "ceiling", description="Rupiah a unit above which nobody may sell (HET); null: none is known."
    )
    observations: int = column(
        "observations", description="Prices seen in markets that it is the median of; 0: it is from `source`."
    )
    source: str = column("source", description="Where it is from.")
    published_by: str = column("published_by_name", description="Who published it last.")
    published_at: DateTime = column("published_at", description="When.")
    version: int = column("version", description="Grows when it is published again; give it back to do so.")


@planned(OBSERVATIONS)
@strawberry.type(
    description=f"What somebody saw in a market or an outlet: a price and a quality. Needs `{_OBSERVED.value}`."
)
class PriceObservation(Node):
    """A row of ``price_observation``."""

    id: strawberry.ID = expression(OBSERVATIONS.node_text, description="Id for `node(id:)`.")
    village: Region = planned_field(VILLAGE, description="Where the market or outlet is.")
    place: Place = column("place", description="Whether it was a market or an outlet.")
    place_name: str | None = column("place_name", description="Name of the market; null: it was an outlet.")
    agent: EwarongAgent | None = planned_field(
        One(outlet_of_row), description="The outlet; null: it was a market, or the caller may not see the outlet."
    )
    commodity: Commodity = planned_field(One(commodity_of), description="The commodity.")
    observed_on: Date = column("observed_on", description="The day.")
    price: Rupiah = column("price", description="Rupiah a unit of the commodity.")
    quality: Quality = column("quality", description="How good it was.")
    note: str = column("note", description="What else was seen; may be empty.")
    reference: ReferencePrice | None = planned_field(
        One(lambda reading, rows: _priced(reading.parent).refers_to(rows)),
        description="The reference price of the regency in that week; null: none was published.",
    )
    deviation: float | None = expression(
        lambda row: sa.cast(_priced(row).deviation, sa.Double()),
        description="How much the price lies above the reference, as a share of it: 0.25 is a quarter more; null: no reference.",
    )
    verdict: PriceVerdict | None = expression(
        lambda row: _priced(row).verdict,
        description="What the price is worth by the thresholds `PRICE_CHECK` and `PRICE_UNFAIR` of that day, and the ceiling; null: no "
        "reference. It is a lead, never a verdict on the outlet.",
    )
    observed_by: str = column("observed_by_name", description="Who saw it.")
    observed_at: DateTime = column("observed_at", description="When it was reported.")


@strawberry.type
class PricesQuery:
    """Queries about prices."""

    reference_prices: Connection[ReferencePrice] = planned_field(
        Connect(_listed_prices),
        description=f"Reference prices, those first published last first. Needs `{CATALOGUE.value}`.",
        arguments=page_arguments(
            argument("region", str | None, f"Only of regencies in this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("week", Date | None, "Only of the week in which this day lies.", default=None),
            argument("commodity", str | None, "Only of this commodity, such as `RICE`.", default=None),
        ),
    )
    price_observations: Connection[PriceObservation] = planned_field(
        Connect(_listed_observations),
        description=f"Prices seen in markets and outlets, those reported last first. Needs `{_OBSERVED.value}`.",
        arguments=page_arguments(
            argument("region", str | None, f"Only in this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("commodity", str | None, "Only of this commodity, such as `RICE`.", default=None),
            argument("place", Place | None, "Only in such places.", default=None),
            argument("from", Date | None, "Only on this day or later.", default=None),
            argument("to", Date | None, "Only on this day or earlier.", default=None),
        ),
    )
