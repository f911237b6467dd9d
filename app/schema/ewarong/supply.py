"""Where outlets buy, and what they sell to people outside the programmes."""

from enum import Enum
from typing import Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.ewarong.models.supply import ewarong_delivery, ewarong_other_sales, ewarong_supplier
from app.domain.regions.rules import parse_region
from app.schema.ewarong.agents import AGENT, EwarongAgent, outlet_of_row
from app.schema.ewarong.catalogue import Commodity
from app.schema.ewarong.prices import commodity_of, of_commodity
from app.schema.ids import parse_node_id, tenant_node
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import (
    Connect,
    One,
    Order,
    Reading,
    Source,
    argument,
    column,
    expression,
    planned,
    planned_field,
)
from app.schema.plan.source import Key as OrderKey
from app.schema.regions import CODE_ARGUMENT_HELP, VILLAGE, Region, in_region, known_region
from app.schema.scalars import Date, DateTime, Rupiah
from app.schema.text import contains_pattern
from app.tenants.rls import Tenancy

SUPPLIER: Final = "EwarongSupplier"
DELIVERY: Final = "EwarongDelivery"
OTHER_SALES: Final = "EwarongOtherSales"
READ: Final = Permission.EWARONG_SUPPLY_READ


class _SupplierOrder(Enum):
    NAME = "NAME"


class _Newest(Enum):
    NEWEST = "NEWEST"


# Ids are UUIDs of version 7: their order is that of time.
_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
SUPPLIERS: Final = Source(
    table=ewarong_supplier,
    permission=READ,
    tenancy=Tenancy.PART,
    orders={_SupplierOrder.NAME: Order((OrderKey(lambda rows: rows.c.name, sa.Text(), str), _ID))},
    node=tenant_node(SUPPLIER),
)
DELIVERIES: Final = Source(
    table=ewarong_delivery,
    permission=READ,
    tenancy=Tenancy.VILLAGE,
    orders={_Newest.NEWEST: Order((_ID,), descending=True)},
    node=tenant_node(DELIVERY),
    bound="agent_id",
)
SALES: Final = Source(
    table=ewarong_other_sales,
    permission=READ,
    tenancy=Tenancy.VILLAGE,
    orders={_Newest.NEWEST: Order((_ID,), descending=True)},
    node=tenant_node(OTHER_SALES),
    bound="agent_id",
)


def agent_key(text: str) -> tuple[int, UUID]:
    """Regency and id of an outlet."""
    regency_id, identifier = parse_node_id(text, AGENT).key
    return regency_id, identifier


def _of_agent(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Rows of the outlet of the argument ``agent``, if it is given."""
    given = reading.arguments.get("agent")
    if given is None:
        return []
    return [
        rows.c.regency_id == given.bind(sa.Integer(), lambda text: agent_key(text)[0]),
        rows.c.agent_id == given.bind(pg.UUID(), lambda text: agent_key(text)[1]),
    ]


def _listed_suppliers(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    # Its span is all of its regency, so the regencies of whoever works in a part of it are those of their suppliers.
    conditions = reading.in_regencies(READ, rows)
    if "region" in reading.arguments:
        given = known_region(reading, "region")
        conditions += [
            rows.c.village_low <= given.bind(sa.BigInteger(), lambda code: parse_region(code).villages.high),
            rows.c.village_high >= given.bind(sa.BigInteger(), lambda code: parse_region(code).villages.low),
        ]
    if (search := reading.arguments.get("search")) is not None:
        conditions.append(sa.func.lower(rows.c.name).like(search.bind(sa.Text(), contains_pattern)))
    return conditions


def _listed_deliveries(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given = reading.arguments
    conditions = in_region(reading, rows, by_village=False) + _of_agent(reading, rows) + of_commodity(reading, rows)
    if (first := given.get("from")) is not None:
        conditions.append(rows.c.delivered_on >= first.bind(sa.Date()))
    if (last := given.get("to")) is not None:
        conditions.append(rows.c.delivered_on <= last.bind(sa.Date()))
    return conditions


def _listed_sales(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return in_region(reading, rows, by_village=False) + _of_agent(reading, rows)


def supplier_of(name: str) -> One:
    """The supplier whose id the column ``name`` of a row holds."""

    def on(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        row = reading.parent.c
        return [rows.c.regency_id == row.regency_id, rows.c.id == row[name]]

    return One(on)


@planned(SUPPLIERS)
@strawberry.type(
    description="A business that outlets of a regency buy from. Whoever works in any part of the regency sees it, so that every outlet can "
    f"name whom it buys from. Needs `{READ.value}`."
)
class EwarongSupplier(Node):
    """A row of ``ewarong_supplier``."""

    id: strawberry.ID = expression(SUPPLIERS.node_text, description="Id for `node(id:)` and `ewarongDeliveryReport`.")
    region: Region = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.regency_id]), description="The regency or city."
    )
    name: str = column("name", description="Name of the business.")
    number: str = column("number", description="NIB, by which the state knows the business.")


@planned(DELIVERIES)
@strawberry.type(
    description=f"One commodity that a supplier brought to an outlet, as the outlet says. Needs `{READ.value}`; whoever runs an outlet "
    "sees those of that one alone."
)
class EwarongDelivery(Node):
    """A row of ``ewarong_delivery``."""

    id: strawberry.ID = expression(DELIVERIES.node_text, description="Id for `node(id:)`.")
    agent: EwarongAgent | None = planned_field(
        One(outlet_of_row), description="The outlet; null where the caller may see what it buys and not the outlet."
    )
    village: Region = planned_field(VILLAGE, description="Where the outlet is.")
    supplier: EwarongSupplier = planned_field(supplier_of("supplier_id"), description="Who brought it.")
    commodity: Commodity = planned_field(One(commodity_of), description="What was brought.")
    quantity: str = expression(
        lambda row: sa.cast(sa.func.trim_scale(row.c.quantity), sa.Text()),
        description="Units of the commodity, such as `100.5`.",
    )
    unit_price: Rupiah = column("unit_price", description="Rupiah a unit.")
    amount: Rupiah = column("amount", description="Rupiah for all of it.")
    delivered_on: Date = column("delivered_on", description="The day.")
    reported_by: str = column("reported_by_name", description="Who reported it.")
    reported_at: DateTime = column("reported_at", description="When.")


@planned(SALES)
@strawberry.type(
    description="What an outlet sold in a month to people outside the programmes, as it says: a daily shop sells to others, too. Needs "
    f"`{READ.value}`; whoever runs an outlet sees those of that one alone."
)
class EwarongOtherSales(Node):
    """A row of ``ewarong_other_sales``."""

    id: strawberry.ID = expression(SALES.node_text, description="Id for `node(id:)`.")
    agent: EwarongAgent | None = planned_field(
        One(outlet_of_row), description="The outlet; null where the caller may see its sales and not the outlet."
    )
    village: Region = planned_field(VILLAGE, description="Where the outlet is.")
    month: Date = column("month", description="The first day of the month.")
    amount: Rupiah = column("amount", description="Rupiah in that month.")
    reported_by: str = column("reported_by_name", description="Who said so last.")
    reported_at: DateTime = column("reported_at", description="When.")


@strawberry.type
class SupplyQuery:
    """Queries about supply."""

    ewarong_suppliers: Connection[EwarongSupplier] = planned_field(
        Connect(_listed_suppliers),
        description=f"Suppliers of the regencies in which the caller works, by name. Needs `{READ.value}`.",
        arguments=page_arguments(
            argument("region", str | None, f"Only of regencies there or around it. {CODE_ARGUMENT_HELP}", default=None),
            argument("search", str | None, "Part of the name, in any case.", default=None),
        ),
    )
    ewarong_deliveries: Connection[EwarongDelivery] = planned_field(
        Connect(_listed_deliveries),
        description=f"What suppliers brought to outlets, that reported last first. Needs `{READ.value}`.",
        arguments=page_arguments(
            argument("region", str | None, f"Only in this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("agent", strawberry.ID | None, "Only to the outlet with this `id`.", default=None),
            argument("commodity", str | None, "Only of this commodity, such as `RICE`.", default=None),
            argument("from", Date | None, "Only on this day or later.", default=None),
            argument("to", Date | None, "Only on this day or earlier.", default=None),
        ),
    )
    ewarong_other_sales: Connection[EwarongOtherSales] = planned_field(
        Connect(_listed_sales),
        description=f"What outlets sold to people outside the programmes, month by month. Needs `{READ.value}`.",
        arguments=page_arguments(
            argument("region", str | None, f"Only in this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("agent", strawberry.ID | None, "Only of the outlet with this `id`.", default=None),
        ),
    )
