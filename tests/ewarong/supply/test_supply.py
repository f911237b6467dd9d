"""Suppliers of a regency, deliveries and other sales of an outlet: reported once, and by whoever runs it alone."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.base import DomainError
from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.agents.errors import AgentUnknown
from app.domain.ewarong.catalogue.errors import CommodityUnknown
from app.domain.ewarong.supply.errors import (
    DeliveryInvalid,
    DeliveryKeyUsed,
    OtherSalesInvalid,
    SupplierInvalid,
    SupplierNumberTaken,
    SupplierRegionUnknown,
    SupplierUnknown,
)
from app.domain.ewarong.supply.service import (
    Delivered,
    Written,
    delivery_report,
    other_sales_report,
    parse_quantity,
    supplier_register,
)
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.support.outlets import Outlet, plant_agent
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

CLERK = Actor(UUID("01a40000-0000-7000-8000-000000000002"), "Petugas Uji")
DAY = date(2026, 4, 7)
MATRIX = load_role_matrix()
RICE = (Delivered("RICE", Decimal("100.5"), 12_001),)


def office(code: str = BANYUMAS.code, role: Role = Role.REGENCY_ADMIN) -> TenantScope:
    return access_of(MATRIX, grant(role, code)).scope(Permission.EWARONG_SUPPLIER_LIST)


def of(outlet: Outlet) -> TenantScope:
    return outlet.access(MATRIX).scope(Permission.EWARONG_SUPPLY_REPORT)


def nib() -> str:
    return f"{uuid4().int % 10**13:013}"


async def register(
    database: Database,
    *,
    number: str | None = None,
    name: str = "CV Uji",
    regency: RegionPath = BANYUMAS.path,
    within: TenantScope | None = None,
) -> Key:
    async with database.write(within or office(regency.code)) as session:
        written = await supplier_register(session, CLERK, regency=regency, name=name, number=number or nib())
    return written.regency_id, written.ids[0]


async def deliver(
    database: Database,
    outlet: Outlet,
    supplier: Key,
    *,
    lines: tuple[Delivered, ...] = RICE,
    on: date = DAY,
    key: UUID | None = None,
    within: TenantScope | None = None,
) -> Written:
    async with database.write(within or of(outlet)) as session:
        return await delivery_report(
            session,
            CLERK,
            agent=(outlet.regency_id, outlet.id),
            supplier=supplier,
            delivered_on=on,
            lines=lines,
            idempotency_key=key or uuid4(),
        )


async def test_a_supplier_is_registered_once_by_whoever_works_in_the_regency(market_database: Database) -> None:
    number = nib()
    first = await register(market_database, number=number, name="CV  Sumber  Pangan ")
    again = await register(
        market_database, number=number, name="CV Sumber Pangan", within=office(BANYUMAS.district(3), Role.TKSK)
    )
    assert again == first
    with pytest.raises(SupplierNumberTaken):
        await register(market_database, number=number, name="CV Lain")
    assert await register(market_database, number=number, regency=CILACAP.path) != first


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"name": " "}, SupplierInvalid),
        ({"name": "x" * 121}, SupplierInvalid),
        ({"number": "123"}, SupplierInvalid),
        ({"number": "12345678901a3"}, SupplierInvalid),
        ({"regency": CILACAP.path, "within": office()}, SupplierRegionUnknown),
        ({"regency": CILACAP.path, "within": office(BANYUMAS.district(3), Role.TKSK)}, SupplierRegionUnknown),
        ({"regency": RegionPath.parse("33"), "within": office("33")}, SupplierRegionUnknown),
    ],
)
async def test_a_supplier_that_cannot_be_is_refused(
    market_database: Database, said: dict[str, object], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        await register(market_database, **said)  # type: ignore[arg-type]  # values of a table of cases


async def test_a_delivery_is_kept_once_however_often_it_is_sent(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, BANYUMAS.village(4, 1))
    supplier, key = await register(market_database), uuid4()
    lines = (*RICE, Delivered("EGGS", Decimal(10), 27_000))
    first = await deliver(market_database, outlet, supplier, lines=lines, key=key)
    assert await deliver(market_database, outlet, supplier, lines=lines, key=key) == first
    rows = await market_owner.fetch(
        "select commodity_code, amount, village_id from ewarong_delivery where agent_id = $1 order by amount", outlet.id
    )
    assert [tuple(row) for row in rows] == [
        ("EGGS", 270_000, outlet.village_id),
        ("RICE", 1_206_101, outlet.village_id),
    ]
    more = (*lines, Delivered("TOFU", Decimal(1), 1_000))
    for other in (RICE, more, (Delivered("RICE", Decimal("100.5"), 12_002), lines[1])):
        with pytest.raises(DeliveryKeyUsed):
            await deliver(market_database, outlet, supplier, lines=other, key=key)


async def test_whoever_runs_an_outlet_reports_for_no_other(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    own = await plant_agent(market_owner, BANYUMAS.village(4, 1))
    other = await plant_agent(market_owner, BANYUMAS.village(4, 1))
    supplier = await register(market_database)
    await deliver(market_database, own, supplier)
    missing = Outlet(own.village, uuid4())
    for outlet in (other, missing):
        with pytest.raises(AgentUnknown):
            await deliver(market_database, outlet, supplier, within=of(own))
        with pytest.raises(AgentUnknown):
            await sell(market_database, outlet, 1, within=of(own))


async def test_a_supplier_of_another_regency_is_as_one_that_is_not_there(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, BANYUMAS.village(4, 1))
    far = await register(market_database, regency=CILACAP.path)
    for supplier in (far, (BANYUMAS.id, far[1]), (BANYUMAS.id, uuid4())):
        with pytest.raises(SupplierUnknown):
            await deliver(market_database, outlet, supplier)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ((), DeliveryInvalid),
        ((*RICE, *RICE), DeliveryInvalid),
        ((Delivered("RICE", Decimal(1), 0),), DeliveryInvalid),
        ((Delivered("RICE", Decimal("0.001"), 100),), DeliveryInvalid),
        ((Delivered("BATU", Decimal(1), 100),), CommodityUnknown),
    ],
)
async def test_a_delivery_that_cannot_be_is_refused(
    market_database: Database,
    market_owner: "asyncpg.Connection[asyncpg.Record]",
    lines: tuple[Delivered, ...],
    error: type[DomainError],
) -> None:
    outlet = await plant_agent(market_owner, BANYUMAS.village(4, 1))
    supplier = await register(market_database)
    with pytest.raises(error):
        await deliver(market_database, outlet, supplier, lines=lines)
    for day in (date(2100, 1, 1), date(2016, 12, 31)):
        with pytest.raises(DeliveryInvalid):
            await deliver(market_database, outlet, supplier, on=day)


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("0.5", Decimal("0.5")), ("999999.999", Decimal("999999.999"))])
def test_a_quantity_is_written_plainly(text: str, value: Decimal) -> None:
    assert parse_quantity(text) == value


@pytest.mark.parametrize(
    "text", ["", "0", "0.000", "-1", "1,5", "1.0001", "1000000", "1e3", " 1", "\u0661", "NaN", "1."]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(DeliveryInvalid):
        parse_quantity(text)


async def sell(
    database: Database, outlet: Outlet, amount: int, *, day: date = DAY, within: TenantScope | None = None
) -> Written:
    async with database.write(within or of(outlet)) as session:
        return await other_sales_report(session, CLERK, agent=(outlet.regency_id, outlet.id), day=day, amount=amount)


async def test_the_later_word_on_a_months_other_sales_counts(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, BANYUMAS.village(4, 1))
    first = await sell(market_database, outlet, 5_000_000)
    reported = await _sales(market_owner, outlet)
    assert await sell(market_database, outlet, 5_000_000, day=date(2026, 4, 30)) == first
    assert await _sales(market_owner, outlet) == reported
    assert await sell(market_database, outlet, 0) == first
    ((month, amount, _),) = await _sales(market_owner, outlet)
    assert (month, amount) == (date(2026, 4, 1), 0)
    for wrong in (-1, 100_000_000_001):
        with pytest.raises(OtherSalesInvalid):
            await sell(market_database, outlet, wrong)
    for day in (date(2100, 1, 1), date(2016, 12, 31), date(1, 1, 15)):
        with pytest.raises(OtherSalesInvalid):
            await sell(market_database, outlet, 1, day=day)


async def _sales(owner: "asyncpg.Connection[asyncpg.Record]", outlet: Outlet) -> list[tuple[object, ...]]:
    rows = await owner.fetch(
        "select month, amount, reported_at from ewarong_other_sales where agent_id = $1", outlet.id
    )
    return [tuple(row) for row in rows]
