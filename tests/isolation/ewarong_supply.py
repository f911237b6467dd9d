"""Prices, suppliers, deliveries and other sales with ids and moments that are the same in every database, marked with their regency."""

import base64
import json
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from app.tenants.server import DatabaseServer
from tests.isolation.ewarong_agents import outlet_of
from tests.isolation.walking import Values
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

_WEEKS: Final = count()
_MAKER: Final = "01b00000-0000-7000-8000-000000000000"
_SUPPLIER: Final = """
insert into ewarong_supplier (regency_id, id, village_low, village_high, name, number, listed_by, listed_by_name, listed_at)
values ($1::int, $2, $1::int * 1000000::bigint, $1::int * 1000000::bigint + 999999, $3, $4, $5::text::uuid, $3, '2100-01-01Z')
on conflict do nothing
"""
_DELIVERY: Final = """
insert into ewarong_delivery (regency_id, id, village_id, agent_id, supplier_id, commodity_code, quantity, unit_price, amount,
  delivered_on, idempotency_key, reported_by, reported_by_name, reported_at)
select regency_id, $2, village_id, id, $3, 'RICE', 2.5, 12000, 30000, '2099-05-05', $2, $5::text::uuid, $4, '2100-01-01Z'
from ewarong_agent where id = $1
on conflict do nothing
"""
_SALES: Final = """
insert into ewarong_other_sales (regency_id, id, village_id, agent_id, month, amount, reported_by, reported_by_name, reported_at)
select regency_id, $2, village_id, id, '2099-05-01', $1::int % 1000000, $4::text::uuid, $5, '2100-01-01Z'
from ewarong_agent where id = $3
on conflict do nothing
"""
_OBSERVATION: Final = """
insert into price_observation (regency_id, id, village_id, place, place_name, commodity_code, observed_on, price, quality, note,
  idempotency_key, observed_by, observed_by_name, observed_at)
select regency_id, $2, village_id, 'MARKET', $3, 'RICE', '2099-05-05', 12500, 'GOOD', $3, $2, $4::text::uuid, $3, '2100-01-01Z'
from ewarong_agent where id = $1
on conflict do nothing
"""
_PRICE: Final = """
insert into reference_price (regency_id, id, village_low, village_high, commodity_code, week, price, ceiling, observations, source,
  published_by, published_by_name, published_at)
values ($1::int, $2, $1::int * 1000000::bigint, $1::int * 1000000::bigint + 999999, 'RICE', '2099-05-04', 12000, 13000, 3, 'Uji',
  $3::text::uuid, 'Uji', '2100-01-01Z')
on conflict do nothing
"""


def _uuid(kind: int, number: int, regency: Regency) -> UUID:
    return UUID(f"01fd0000-0000-7000-8000-{kind}{number}{regency.tag:010}")


def _supplier(number: int, regency: Regency) -> UUID:
    """Suppliers are of a regency, whichever outlets they serve."""
    return UUID(f"01fd0000-0000-7000-8000-1{number}{regency.id:010}")


def _outlet(regency: Regency) -> UUID:
    return UUID(outlet_of(regency).rsplit(":", 1)[1])


def supply_of(regency: Regency) -> tuple[str, ...]:
    """The node ids of a supplier, a delivery, other sales and an observation of ``regency``."""
    return tuple(
        f"{type_}:{regency.id}:{_supplier(1, regency) if kind == 1 else _uuid(kind, 1, regency)}"
        for kind, type_ in enumerate(
            ("EwarongSupplier", "EwarongDelivery", "EwarongOtherSales", "PriceObservation"), start=1
        )
    )


PRICE_OF_BANYUMAS: Final = f"ReferencePrice:{BANYUMAS.id}:{_uuid(5, 1, BANYUMAS)}"
"""Everybody may read it, so it is the same whatever neighbours there are."""


async def plant_supply(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` two suppliers, deliveries and observations, and other sales of its outlet; and Banyumas a price."""
    async with connected(server) as owner:
        await owner.execute(_PRICE, BANYUMAS.id, _uuid(5, 1, BANYUMAS), _MAKER)
        for regency in regencies:
            mark, outlet = regency.mark, _outlet(regency)
            for number in (1, 2):
                supplier = _supplier(number, regency)
                await owner.execute(
                    _SUPPLIER, regency.id, supplier, f"{mark} {number}", f"{regency.id:012}{number}", _MAKER
                )
                await owner.execute(_DELIVERY, outlet, _uuid(2, number, regency), supplier, mark, _MAKER)
                await owner.execute(_OBSERVATION, outlet, _uuid(4, number, regency), mark, _MAKER)
            await owner.execute(_SALES, regency.id, _uuid(3, 1, regency), outlet, _MAKER, mark)


def _cursor(*values: Any) -> str:
    return json.dumps(base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("="))


def supply_values(pages: Values, both: tuple[Regency, Regency]) -> dict[str, Values]:
    """What arguments of the catalogue, of prices and of supply are given on the walk: the caller's own and those of a neighbour."""
    places = Values(once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "33")])
    outlets = Values(once=[json.dumps(outlet_of(regency)) for regency in both])
    commodity = Values(once=['"RICE"', '"EGGS"'])
    days = {"from": Values(once=['"2099-05-05"', '"2099-05-06"']), "to": Values(once=['"2099-05-05"', '"2099-05-04"'])}
    names = Values(once=[_cursor("NAME", f"{each.mark} 1", str(_supplier(1, each))) for each in both])

    def after(kind: int) -> Values:
        return Values(once=[_cursor("NEWEST", str(_uuid(kind, 2, each))) for each in both])

    lists: dict[str, dict[str, Values]] = {
        "ewarongSuppliers": {
            "after": names,
            "region": places,
            "search": Values(once=[json.dumps(each.mark) for each in both]),
        },
        "ewarongDeliveries": {"after": after(2), "region": places, "agent": outlets, "commodity": commodity, **days},
        "ewarongOtherSales": {"after": after(3), "region": places, "agent": outlets},
        "priceObservations": {"after": after(4), "region": places, "commodity": commodity, **days},
        "referencePrices": {
            "after": after(5),
            "region": places,
            "commodity": commodity,
            "week": Values(once=['"2099-05-09"', '"2099-05-11"']),
        },
        "commodities": {
            "after": Values(once=[_cursor("CODE", "RICE")]),
            "group": Values(once=['"KARBOHIDRAT"', '"BUKAN"']),
        },
    }
    return {
        **{f"Query.{name}(first)": pages for name in lists},
        **{f"Query.{name}({argument})": values for name, given in lists.items() for argument, values in given.items()},
        "Query.basketRule(programme)": Values(["SEMBAKO"], ['"PKH"']),
        "Query.basketRule(on)": Values(["2026-01-01"], ['"2019-01-01"']),
        "Query.ewarongThresholds(on)": Values(["2026-01-01"], ['"1999-01-01"']),
        "Query.supplierConcentration(region)": Values(["33", CILACAP.code], [json.dumps(BANYUMAS.code)]),
        "Query.supplierConcentration(from)": Values(["2099-05-01"]),
        "Query.supplierConcentration(to)": Values(["2099-05-31"]),
    }


async def plant_supplier(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> Mapping[str, str]:
    """A supplier of ``regency`` to buy from, by its type."""
    supplier = uuid4()
    await owner.execute(_SUPPLIER, regency.id, supplier, "Uji", f"{supplier.int % 10**13:013}", _MAKER)
    return {"EwarongSupplier": f"EwarongSupplier:{regency.id}:{supplier}"}


NOWHERE: Final[Mapping[str, str]] = {"EwarongSupplier": f"EwarongSupplier:{CILACAP.id}:{uuid4()}"}
"""A supplier that is not there."""


def observed(agent: str) -> dict[str, Any]:
    """What was seen at ``agent``."""
    return {
        "agent": agent,
        "observedOn": "2026-01-05",
        "lines": [{"commodity": "RICE", "price": 12_500, "quality": "GOOD"}],
        "idempotencyKey": str(uuid4()),
    }


def priced(code: str) -> dict[str, Any]:
    """A reference price of the regency ``code``."""
    # A price stands for its week, so it is of another one each time.
    week = date(2017, 1, 2) + timedelta(weeks=next(_WEEKS))
    return {"region": code, "commodity": "SAGO", "week": week.isoformat(), "price": 9_000, "source": "Uji"}


def registered(code: str) -> dict[str, Any]:
    """A supplier of the regency ``code``."""
    return {"region": code, "name": "Uji", "number": f"{uuid4().int % 10**13:013}"}


def delivered(agent: str, supplier: str) -> dict[str, Any]:
    """What ``supplier`` brought to ``agent``."""
    return {
        "agent": agent,
        "supplier": supplier,
        "deliveredOn": "2026-01-05",
        "lines": [{"commodity": "RICE", "quantity": "2.5", "unitPrice": 12_000}],
        "idempotencyKey": str(uuid4()),
    }


def sold(agent: str) -> dict[str, Any]:
    """What ``agent`` sold to others."""
    return {"agent": agent, "month": "2026-01-01", "amount": uuid4().int % 9_000_000}
