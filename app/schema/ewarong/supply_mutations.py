"""Registering suppliers, and reporting deliveries and other sales."""

from typing import Annotated, Final, TypeAlias
from uuid import UUID

import strawberry

from app.authz.permissions import Permission
from app.domain.ewarong.actors import Actor
from app.domain.ewarong.supply.service import (
    MOST_LINES,
    Delivered,
    delivery_report,
    other_sales_report,
    parse_quantity,
    supplier_register,
)
from app.domain.regions.rules import parse_region
from app.schema.context import Info
from app.schema.ewarong.supply import DELIVERY, OTHER_SALES, SUPPLIER, EwarongOtherSales, EwarongSupplier, agent_key
from app.schema.ids import parse_node_id
from app.schema.mutations import Acting, Key, Refusal, answered, change, read
from app.schema.scalars import Date, Rupiah
from app.schema.text import storable

_REPORT: Final = Permission.EWARONG_SUPPLY_REPORT
_LIST: Final = Permission.EWARONG_SUPPLIER_LIST


def _supplier_key(text: str) -> tuple[int, UUID]:
    regency_id, identifier = parse_node_id(text, SUPPLIER).key
    return regency_id, identifier


@strawberry.input(description="A business that outlets buy from.")
class EwarongSupplierRegisterInput:
    """Input of ``ewarongSupplierRegister``."""

    region: str = strawberry.field(description="Code of the regency or city whose outlets it serves, such as `33.02`.")
    name: str = strawberry.field(description="Name of the business, 1 to 120 characters.")
    number: str = strawberry.field(description="Its NIB: 13 digits.")


@strawberry.type(description="The supplier is registered. Sent again, it answers what is there.")
class EwarongSupplierRegistered:
    """What ``ewarongSupplierRegister`` did."""

    supplier_key: strawberry.Private[Key]
    supplier: EwarongSupplier | None = answered(
        "supplier_key", description="The supplier. Null where the caller may register suppliers and not read them."
    )


@strawberry.input(description="One commodity of a delivery.")
class EwarongDeliveryLine:
    """A line of ``ewarongDeliveryReport``."""

    commodity: str = strawberry.field(description="Code of the commodity, such as `RICE`.")
    quantity: str = strawberry.field(description="Units of it, such as `10` or `2.5`: three decimals at most.")
    unit_price: Rupiah = strawberry.field(description="Rupiah a unit.")


@strawberry.input(description="What a supplier brought to an outlet.")
class EwarongDeliveryReportInput:
    """Input of ``ewarongDeliveryReport``."""

    agent: strawberry.ID = strawberry.field(description="The `id` of the outlet.")
    supplier: strawberry.ID = strawberry.field(description="The `id` of the supplier: see `ewarongSuppliers`.")
    delivered_on: Date = strawberry.field(description="The day.")
    lines: list[EwarongDeliveryLine] = strawberry.field(
        description=f"1 to {MOST_LINES} commodities, each of them once."
    )
    idempotency_key: UUID = strawberry.field(
        description="A UUID that you make for each delivery; the same again answers what was kept before."
    )


@strawberry.type(description="The delivery is kept.")
class EwarongDeliveryReported:
    """What ``ewarongDeliveryReport`` did."""

    ids: list[strawberry.ID] = strawberry.field(description="Ids of its commodities, in the order of `lines`.")


@strawberry.input(description="What an outlet sold in a month to people outside the programmes.")
class EwarongOtherSalesReportInput:
    """Input of ``ewarongOtherSalesReport``."""

    agent: strawberry.ID = strawberry.field(description="The `id` of the outlet.")
    month: Date = strawberry.field(description="Any day of the month.")
    amount: Rupiah = strawberry.field(description="Rupiah in that month; reported again, the later amount counts.")


@strawberry.type(description="The sales are kept.")
class EwarongOtherSalesReported:
    """What ``ewarongOtherSalesReport`` did."""

    sales_key: strawberry.Private[Key]
    other_sales: EwarongOtherSales | None = answered(
        "sales_key", description="The sales. Null where the caller may report them and not read them."
    )


def _actor(acting: Acting) -> Actor:
    return Actor(acting.access.principal.id, acting.access.principal.name)


async def _register(
    info: Info,
    given: Annotated[EwarongSupplierRegisterInput, strawberry.argument(name="input", description="The supplier.")],
) -> EwarongSupplierRegistered:
    async with change(info, _LIST) as acting:
        written = await supplier_register(
            acting.session,
            _actor(acting),
            regency=read("region", parse_region, given.region),
            name=read("name", storable, given.name),
            number=read("number", storable, given.number),
        )
        acting.concerns(SUPPLIER, written.ids, written.villages)
    return EwarongSupplierRegistered(supplier_key=(written.regency_id, written.ids[0]))


async def _deliver(
    info: Info,
    given: Annotated[EwarongDeliveryReportInput, strawberry.argument(name="input", description="The delivery.")],
) -> EwarongDeliveryReported:
    async with change(info, _REPORT) as acting:
        written = await delivery_report(
            acting.session,
            _actor(acting),
            agent=read("agent", agent_key, given.agent),
            supplier=read("supplier", _supplier_key, given.supplier),
            delivered_on=given.delivered_on,
            lines=[
                Delivered(
                    read("lines", storable, line.commodity),
                    read("lines", parse_quantity, line.quantity),
                    line.unit_price,
                )
                for line in given.lines
            ],
            idempotency_key=given.idempotency_key,
        )
        acting.concerns(DELIVERY, written.ids, written.villages)
    return EwarongDeliveryReported(
        ids=[strawberry.ID(f"{DELIVERY}:{written.regency_id}:{each}") for each in written.ids]
    )


async def _sell(
    info: Info,
    given: Annotated[EwarongOtherSalesReportInput, strawberry.argument(name="input", description="The sales.")],
) -> EwarongOtherSalesReported:
    async with change(info, _REPORT) as acting:
        written = await other_sales_report(
            acting.session,
            _actor(acting),
            agent=read("agent", agent_key, given.agent),
            day=given.month,
            amount=given.amount,
        )
        acting.concerns(OTHER_SALES, written.ids, written.villages)
    return EwarongOtherSalesReported(sales_key=(written.regency_id, written.ids[0]))


EwarongSupplierRegisterResult: TypeAlias = Annotated[
    EwarongSupplierRegistered | Refusal,
    strawberry.union(
        "EwarongSupplierRegisterResult", description="What `ewarongSupplierRegister` did, or why nothing."
    ),
]
EwarongDeliveryReportResult: TypeAlias = Annotated[
    EwarongDeliveryReported | Refusal,
    strawberry.union("EwarongDeliveryReportResult", description="What `ewarongDeliveryReport` did, or why nothing."),
]
EwarongOtherSalesReportResult: TypeAlias = Annotated[
    EwarongOtherSalesReported | Refusal,
    strawberry.union(
        "EwarongOtherSalesReportResult", description="What `ewarongOtherSalesReport` did, or why nothing."
    ),
]


@strawberry.type
class SupplyMutation:
    """Mutations of supply."""

    ewarong_supplier_register: EwarongSupplierRegisterResult | None = strawberry.mutation(
        resolver=_register,
        description="Register a business that outlets of a regency buy from, for all who work in any part of it; sent again, it changes "
        f"nothing. Needs `{_LIST.value}` somewhere in the regency.",
    )
    ewarong_delivery_report: EwarongDeliveryReportResult | None = strawberry.mutation(
        resolver=_deliver,
        description="Report what a supplier brought to an outlet, up to 50 commodities at once; sent again, it changes nothing. Needs "
        f"`{_REPORT.value}`; whoever runs an outlet reports for that one alone.",
    )
    ewarong_other_sales_report: EwarongOtherSalesReportResult | None = strawberry.mutation(
        resolver=_sell,
        description="Report what an outlet sold in a month to people outside the programmes. Needs "
        f"`{_REPORT.value}`; whoever runs an outlet reports for that one alone.",
    )
