"""Registering suppliers, and reporting what outlets buy from them and sell to people outside the programmes.

Each function works in the transaction of its session, under the scope of whoever acts: a bound agent reaches its own outlet alone. None
commits. Sent again, each changes nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.agents.errors import AgentUnknown
from app.domain.ewarong.agents.queries import at
from app.domain.ewarong.catalogue.errors import CommodityUnknown
from app.domain.ewarong.catalogue.queries import is_regency, local_today, unknown_commodities
from app.domain.ewarong.days import before_outlets, out_of_time
from app.domain.ewarong.models.agents import ewarong_agent
from app.domain.ewarong.models.supply import ewarong_delivery, ewarong_other_sales, ewarong_supplier
from app.domain.ewarong.supply.errors import (
    DeliveryInvalid,
    DeliveryKeyUsed,
    OtherSalesInvalid,
    SupplierInvalid,
    SupplierNumberTaken,
    SupplierRegionUnknown,
    SupplierUnknown,
)
from app.tenants.region_path import RegionPath, Span
from app.tenants.sqlstates import INSUFFICIENT_PRIVILEGE, refused_as

MOST_LINES: Final = 50
LONGEST_NAME: Final = 120
HIGHEST_PRICE: Final = 10_000_000
"""Rupiah a unit."""
MOST_SALES: Final = 100_000_000_000
"""Rupiah a month."""
_NIB: Final = re.compile(r"\d{13}", re.ASCII)
_QUANTITY: Final = re.compile(r"(?!0+(?:\.0*)?$)\d{1,6}(?:\.\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Written:
    """Rows that were written, or had been before."""

    regency_id: int
    ids: tuple[UUID, ...]
    villages: Span


@dataclass(frozen=True, slots=True)
class Delivered:
    """One commodity of a delivery."""

    commodity: str
    quantity: Decimal
    """Units of the commodity."""
    unit_price: int
    """Rupiah."""

    @property
    def amount(self) -> int:
        """Rupiah: quantity by price, half a rupiah rounded up."""
        return int((self.quantity * self.unit_price).quantize(Decimal(1), ROUND_HALF_UP))


def parse_quantity(text: str) -> Decimal:
    """The quantity that ``text`` says: more than nothing, below a million units, three decimals at most.

    Raises:
        DeliveryInvalid: it says none.
    """
    if _QUANTITY.fullmatch(text) is None:
        raise DeliveryInvalid(
            "lines",
            "Jumlah ditulis seperti 10 atau 2.5: lebih dari nol, di bawah sejuta, paling banyak tiga desimal.",
            "A quantity is written like 10 or 2.5: more than zero, below a million, three decimals at most.",
        )
    return Decimal(text)


async def supplier_register(
    session: AsyncSession, actor: Actor, *, regency: RegionPath, name: str, number: str
) -> Written:
    """Register the supplier with the NIB ``number`` in ``regency``, for all who work in any part of it.

    Raises:
        SupplierRegionUnknown: the region is no regency in scope.
        SupplierInvalid: another input cannot be, as ``fields`` say.
        SupplierNumberTaken: it is registered there under another name.
    """
    if not await is_regency(session, regency):
        raise SupplierRegionUnknown(regency)
    said = " ".join(name.split())
    if not 0 < len(said) <= LONGEST_NAME or not said.isprintable():
        raise SupplierInvalid(
            "name",
            f"Isi nama usaha dengan 1 sampai {LONGEST_NAME} karakter.",
            f"Name the business with 1 to {LONGEST_NAME} characters.",
        )
    if _NIB.fullmatch(number) is None:
        raise SupplierInvalid("number", "NIB terdiri dari 13 angka.", "An NIB has 13 digits.")
    table, villages = ewarong_supplier, regency.villages
    row = {"id": uuid7(), "regency_id": regency.id, "village_low": villages.low, "village_high": villages.high}
    insertion = pg.insert(table).values(row | {"name": said, "number": number} | actor.did("listed"))
    with refused_as(lambda: SupplierRegionUnknown(regency), INSUFFICIENT_PRIVILEGE):
        await session.execute(insertion.on_conflict_do_nothing())
    mine = sa.and_(table.c.regency_id == regency.id, table.c.number == number)
    there = (await session.execute(sa.select(table.c.id, table.c.name).where(mine))).one()
    if there.name != said:
        raise SupplierNumberTaken(there.name)
    return Written(regency.id, (UUID(int=there.id.int),), villages)


async def delivery_report(
    session: AsyncSession,
    actor: Actor,
    *,
    agent: Key,
    supplier: Key,
    delivered_on: date,
    lines: Sequence[Delivered],
    idempotency_key: UUID,
) -> Written:
    """Keep what the supplier brought to the outlet on a day.

    Raises:
        AgentUnknown: there is no such outlet in scope.
        SupplierUnknown: its regency has no such supplier.
        CommodityUnknown: a commodity is not in the catalogue.
        DeliveryInvalid: another input cannot be, as ``fields`` say.
        DeliveryKeyUsed: the key belongs to another delivery.
    """
    _check(lines)
    village_id = await _village_of(session, agent)
    if unknown := await unknown_commodities(session, {line.commodity for line in lines}):
        raise CommodityUnknown("lines", unknown[0])
    listed = ewarong_supplier.c
    there = sa.exists().where(listed.regency_id == supplier[0], listed.id == supplier[1])
    if supplier[0] != agent[0] or not await session.scalar(sa.select(there)):
        raise SupplierUnknown
    if wrong := out_of_time(delivered_on, await local_today(session, agent[0])):
        raise DeliveryInvalid("delivered_on", *wrong)
    brought = {
        "regency_id": agent[0],
        "village_id": village_id,
        "agent_id": agent[1],
        "supplier_id": supplier[1],
        "delivered_on": delivered_on,
    }
    rows = [brought | _said(line) for line in lines]
    made = {"idempotency_key": idempotency_key} | actor.did("reported")
    table = ewarong_delivery
    # A second report with the same key waits here for the first one, and then finds its rows.
    insertion = pg.insert(table).values([{"id": uuid7()} | row | made for row in rows]).on_conflict_do_nothing()
    written = (await session.scalars(insertion.returning(table.c.id))).all()
    told = list(rows[0])
    found = await session.execute(
        sa.select(table.c.id, *(table.c[name] for name in told)).where(
            table.c.regency_id == agent[0], table.c.idempotency_key == idempotency_key
        )
    )
    kept = {row["commodity_code"]: row for row in found.mappings()}
    same = len(written) in {0, len(lines)} and kept.keys() == {line.commodity for line in lines}
    if not same or any(kept[row["commodity_code"]][name] != row[name] for row in rows for name in told):
        raise DeliveryKeyUsed
    ids = tuple(UUID(int=kept[line.commodity]["id"].int) for line in lines)
    return Written(agent[0], ids, Span(village_id, village_id))


async def other_sales_report(session: AsyncSession, actor: Actor, *, agent: Key, day: date, amount: int) -> Written:
    """Keep what the outlet sold to people outside the programmes in the month of ``day``; reported again, the later amount counts.

    Raises:
        AgentUnknown: there is no such outlet in scope.
        OtherSalesInvalid: the month cannot be one of sales, or the amount cannot be.
    """
    if wrong := before_outlets(day):
        raise OtherSalesInvalid("month", *wrong)
    month = day.replace(day=1)
    if not 0 <= amount <= MOST_SALES:
        raise OtherSalesInvalid("amount", f"Isi 0 sampai {MOST_SALES:,} rupiah.", f"Give 0 to {MOST_SALES:,} rupiah.")
    village_id = await _village_of(session, agent)
    if month > await local_today(session, agent[0]):
        raise OtherSalesInvalid("month", "Bulan ini belum tiba.", "This month has not come yet.")
    table = ewarong_other_sales
    row = {"id": uuid7(), "regency_id": agent[0], "village_id": village_id, "agent_id": agent[1], "month": month}
    statement = pg.insert(table).values(row | {"amount": amount} | actor.did("reported"))
    # Set even where it is the same: then the row comes back, which one that is left alone does not.
    upsert = statement.on_conflict_do_update(
        index_elements=["regency_id", "agent_id", "month"],
        set_={
            name: sa.case((table.c.amount == statement.excluded.amount, table.c[name]), else_=statement.excluded[name])
            for name in ("amount", "reported_by", "reported_by_name", "reported_at")
        },
    ).returning(table.c.id)
    identifier = (await session.execute(upsert)).scalar_one()
    return Written(agent[0], (UUID(int=identifier.int),), Span(village_id, village_id))


async def _village_of(session: AsyncSession, key: Key) -> int:
    village_id: int | None = await session.scalar(sa.select(ewarong_agent.c.village_id).where(at(key)))
    if village_id is None:
        raise AgentUnknown
    return village_id


def _check(lines: Sequence[Delivered]) -> None:
    if not 0 < len(lines) <= MOST_LINES or len({line.commodity for line in lines}) < len(lines):
        raise DeliveryInvalid(
            "lines",
            f"Isi 1 sampai {MOST_LINES} komoditas, masing-masing satu kali.",
            f"Give 1 to {MOST_LINES} commodities, each of them once.",
        )
    if any(not 0 < line.unit_price <= HIGHEST_PRICE or line.amount == 0 for line in lines):
        raise DeliveryInvalid(
            "lines",
            f"Harga per satuan dari 1 sampai {HIGHEST_PRICE:,} rupiah, dan nilai tiap baris paling sedikit Rp1.",
            f"A price is 1 to {HIGHEST_PRICE:,} rupiah a unit, and a line is worth Rp1 at least.",
        )


def _said(line: Delivered) -> dict[str, Any]:
    return {
        "commodity_code": line.commodity,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "amount": line.amount,
    }
