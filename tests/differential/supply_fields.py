"""The catalogue, prices and supply: what there is of them, and how the reference executor reads them."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.authz.permissions import Permission
from app.domain.ewarong.models.catalogue import Quality
from tests.differential import agents_fields, programme_fields, region_fields
from tests.differential.cycle_fields import MAKER, bounds, tagged
from tests.differential.rows import Arguments, Reader, Resolver, Row, insert, page_of

if TYPE_CHECKING:
    import asyncpg

CATALOGUE: Final = Permission.EWARONG_CATALOGUE_READ
OBSERVED: Final = Permission.EWARONG_INSPECTION_READ
SUPPLY: Final = Permission.EWARONG_SUPPLY_READ
NODES: Final = {
    "Commodity": CATALOGUE,
    "ReferencePrice": CATALOGUE,
    "PriceObservation": OBSERVED,
    "EwarongSupplier": SUPPLY,
    "EwarongDelivery": SUPPLY,
    "EwarongOtherSales": SUPPLY,
}
TYPES: Final = {
    **dict.fromkeys(
        ("CommodityConnection", "CommodityGroup", "BasketRule", "EwarongThreshold", "ReferencePriceConnection"),
        CATALOGUE,
    ),
    "PriceObservationConnection": OBSERVED,
    **dict.fromkeys(("EwarongSupplierConnection", "EwarongDeliveryConnection", "EwarongOtherSalesConnection"), SUPPLY),
}
_NEWEST: Final[dict[str, tuple[type, ...]]] = {"NEWEST": (UUID,)}
_LISTS: Final = ("referencePrices", "priceObservations", "ewarongDeliveries", "ewarongOtherSales")
KEYS: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    **{f"Query.{name}": _NEWEST for name in _LISTS},
    "Query.commodities": {"CODE": (str,)},
    "Query.ewarongSuppliers": {"NAME": (str, UUID)},
}
COLUMNS: Final = {
    "ReferencePrice.publishedBy": "published_by_name",
    "PriceObservation.observedBy": "observed_by_name",
    "EwarongDelivery.reportedBy": "reported_by_name",
    "EwarongOtherSales.reportedBy": "reported_by_name",
}
_REGENCIES: Final = (3471, 3402, 3302)
_MONDAY: Final = date(1999, 12, 27)
_TABLES: Final = {
    "ewarong_delivery": "reported_by",
    "ewarong_other_sales": "reported_by",
    "price_observation": "observed_by",
    "ewarong_supplier": "listed_by",
    "reference_price": "published_by",
}
_AT: Final = datetime.fromisoformat("2031-02-03T04:05:06.07+00:00")
_NAME: Final = 'Petugas "Sri" \\ é'


def _uuid(kind: int, number: int) -> UUID:
    return UUID(int=MAKER.int + kind * 1_000_000 + number)


def _actor(prefix: str) -> Row:
    return {f"{prefix}_by": MAKER, f"{prefix}_by_name": _NAME, f"{prefix}_at": _AT}


def _span(regency: int) -> Row:
    return {"regency_id": regency, "village_low": regency * 1_000_000, "village_high": regency * 1_000_000 + 999_999}


def _of_regencies() -> Iterator[tuple[str, Row]]:
    for number, (regency, name) in enumerate(product(_REGENCIES, ("CV Asri", "CV Koko", "CV Tani"))):
        supplier = {"id": _uuid(21, number), "name": name, "number": f"{number:013}"}
        yield "ewarong_supplier", {**_span(regency), **supplier, **_actor("listed")}
    prices = product(_REGENCIES, ("RICE", "EGGS"), (0, 7))
    for number, (regency, commodity, later) in enumerate(prices):
        price = {
            "id": _uuid(22, number * 7 % 13),
            "commodity_code": commodity,
            "week": _MONDAY + timedelta(days=later),
            "price": 8_000,
            "ceiling": 8_400 if number % 2 else None,
            "observations": number,
            "source": _NAME,
            "version": number + 1,
        }
        yield "reference_price", {**_span(regency), **price, **_actor("published")}


def _of_outlets(agents: list[Row]) -> Iterator[tuple[str, Row]]:
    for number, agent in enumerate(agents):
        own = {name: agent[name] for name in ("regency_id", "village_id")}
        suppliers = _REGENCIES.index(agent["regency_id"]) * 3
        commodity = ("RICE", "EGGS", "TOFU")[number % 3]
        delivery = {
            "id": _uuid(23, number),
            "agent_id": agent["id"],
            "supplier_id": _uuid(21, suppliers + number % 3),
            "commodity_code": commodity,
            "quantity": Decimal(number + 1) / 8,
            "unit_price": 800,
            "amount": (number + 1) * 100,
            "delivered_on": _MONDAY + timedelta(days=number % 9),
            "idempotency_key": _uuid(23, number),
        }
        yield "ewarong_delivery", {**own, **delivery, **_actor("reported")}
        sales = {"id": _uuid(24, number), "agent_id": agent["id"], "month": date(1999, 12, 1), "amount": number}
        yield "ewarong_other_sales", {**own, **sales, **_actor("reported")}
        is_outlet = number % 2 == 0
        seen = {
            "id": _uuid(25, number * 5 % 47),
            "place": "OUTLET" if is_outlet else "MARKET",
            "agent_id": agent["id"] if is_outlet else None,
            "place_name": None if is_outlet else "Pasar",
            "commodity_code": commodity,
            # Some days in force of the thresholds, which are compared with; most days of the prices are not.
            "observed_on": _MONDAY + timedelta(days=number % 16),
            "price": (7_600, 8_400, 8_401, 8_800, 9_000)[number % 5],
            "quality": list(Quality)[number % 3].value,
            "note": "" if is_outlet else _NAME,
            "idempotency_key": _uuid(25, number),
        }
        yield "price_observation", {**own, **seen, **_actor("observed")}


async def start(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Suppliers and prices of three regencies, and for each planted outlet a delivery, other sales and an observation."""
    agents = [
        dict(row)
        for row in await owner.fetch(
            "select regency_id, id, village_id from ewarong_agent where proposed_by = $1 order by id", MAKER
        )
    ]
    for table, row in (*_of_regencies(), *_of_outlets(agents)):
        await insert(owner, table, row)
    # As if the thresholds had been in force then.
    await owner.execute(
        "insert into ewarong_threshold select code, $1, value * 2, unit, source from ewarong_threshold "
        "where code like 'PRICE%' and valid_from = '2018-01-01'",
        _MONDAY + timedelta(days=2),
    )


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away."""
    for table, by in _TABLES.items():
        await owner.execute(f"delete from {table} where {by} = $1", MAKER)  # noqa: S608  (our own words)
    await owner.execute("delete from ewarong_threshold where valid_from = $1", _MONDAY + timedelta(days=2))


async def _seen(reader: Reader, kind: str, table: str, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(f"select * from {table} where {where} order by id desc", *arguments)  # noqa: S608  (our own words)
    return [tagged(kind, row) for row in reader.seen(NODES[kind], rows)]


def _by_id(kind: str, table: str) -> Any:
    async def found(reader: Reader, regency: int, id_: UUID) -> Row | None:
        return next(iter(await _seen(reader, kind, table, "regency_id = $1 and id = $2", regency, id_)), None)

    return found


def _touches(reader: Reader, row: Row) -> bool:
    """Whether the principal works in any part of the regency of ``row``."""
    return reader.holds(SUPPLY) and any(
        span.low <= row["village_high"] and row["village_low"] <= span.high
        for span in reader.access.scope(SUPPLY).spans
    )


async def _suppliers_seen(reader: Reader, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(f"select * from ewarong_supplier where {where} order by name, id", *arguments)  # noqa: S608  (our own words)
    return [tagged("EwarongSupplier", row) for row in rows if _touches(reader, row)]


async def _supplier_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    return next(iter(await _suppliers_seen(reader, "regency_id = $1 and id = $2", regency, id_)), None)


async def _price_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    found = await reader.row("select * from reference_price where regency_id = $1 and id = $2", regency, id_)
    return None if found is None else tagged("ReferencePrice", found)


BY_ID: Final = {
    "ReferencePrice": _price_by_id,
    "PriceObservation": _by_id("PriceObservation", "price_observation"),
    "EwarongSupplier": _supplier_by_id,
    "EwarongDelivery": _by_id("EwarongDelivery", "ewarong_delivery"),
    "EwarongOtherSales": _by_id("EwarongOtherSales", "ewarong_other_sales"),
}


def _commodity(row: Row) -> Row:
    return {**row, "__typename": "Commodity", "node_id": f"Commodity:{row['code']}"}


async def commodity_by_code(reader: Reader, code: str) -> Row | None:
    """The commodity of that code."""
    found = await reader.row("select * from commodity where code = $1", code)
    return None if found is None else _commodity(found)


async def _commodities(reader: Reader, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(f"select * from commodity where {where}", *arguments)  # noqa: S608  (our own words)
    return sorted(map(_commodity, rows), key=lambda row: str(row["code"]))


async def _groups(reader: Reader, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(f"select * from commodity_group where {where}", *arguments)  # noqa: S608  (our own words)
    return [{**row, "__typename": "CommodityGroup"} for row in sorted(rows, key=lambda row: str(row["code"]))]


async def _listed_commodities(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    group = arguments.get("group")
    found = [row for row in await _commodities(reader) if group in {None, row["group_code"]}]
    return page_of(found, arguments, "CODE", (str,), ("code",))


def _day(arguments: Arguments) -> date:
    on = arguments.get("on")
    return datetime.now(ZoneInfo("Asia/Jakarta")).date() if on is None else date.fromisoformat(on)


async def _rule(reader: Reader, _root: Row, arguments: Arguments) -> Row | None:
    day = _day(arguments)
    rows = await reader.rows(
        "select * from basket_rule where programme_code = $1 and channel = $2 and valid_from <= $3 order by valid_from desc",
        arguments["programme"],
        arguments["channel"],
        day,
    )
    if not rows or (rows[0]["valid_to"] is not None and rows[0]["valid_to"] < day):
        return None
    return {**rows[0], "__typename": "BasketRule"}


def _named(array: str, read: Any) -> Resolver:
    return lambda reader, row, _arguments: read(reader, "code = any($1)", row[array])


async def _thresholds(reader: Reader, _root: Row, arguments: Arguments) -> list[Row]:
    numbers = await _numbers(reader, _day(arguments))
    return [{**numbers[code], "__typename": "EwarongThreshold"} for code in sorted(numbers)]


async def _numbers(reader: Reader, day: date) -> dict[str, Row]:
    rows = await reader.rows("select * from ewarong_threshold where valid_from <= $1 order by valid_from", day)
    return {row["code"]: row for row in rows}


def _inside(row: Row, arguments: Arguments) -> bool:
    low, high = bounds(arguments)
    return bool(low <= row["village_low"] and row["village_high"] <= high)


def _between(row: Row, name: str, arguments: Arguments) -> bool:
    first, last = (arguments.get(each) for each in ("from", "to"))
    return (first is None or row[name] >= date.fromisoformat(first)) and (
        last is None or row[name] <= date.fromisoformat(last)
    )


async def _listed_prices(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    rows = await reader.rows("select * from reference_price order by id desc")
    week = None if arguments.get("week") is None else date.fromisoformat(arguments["week"])
    found = [
        tagged("ReferencePrice", row)
        for row in rows
        if (arguments.get("region") is None or _inside(row, arguments))
        and arguments.get("commodity") in {None, row["commodity_code"]}
        and (week is None or row["week"].isocalendar()[:2] == week.isocalendar()[:2])
    ]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _listed_observations(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    rows = await _seen(
        reader, "PriceObservation", "price_observation", "village_id between $1 and $2", *bounds(arguments)
    )
    found = [
        row
        for row in rows
        if arguments.get("commodity") in {None, row["commodity_code"]}
        and arguments.get("place") in {None, row["place"]}
        and _between(row, "observed_on", arguments)
    ]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _listed_suppliers(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    low, high = bounds(arguments)
    search = (arguments.get("search") or "").casefold()
    found = [
        row
        for row in await _suppliers_seen(reader)
        if row["village_low"] <= high and low <= row["village_high"] and search in row["name"].lower()
    ]
    return page_of(found, arguments, "NAME", (str, UUID), ("name", "id"))


def _of_agent(row: Row, arguments: Arguments) -> bool:
    agent = arguments.get("agent")
    return agent is None or agent == f"EwarongAgent:{row['regency_id']}:{row['agent_id']}"


async def _listed_deliveries(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    rows = await _seen(
        reader, "EwarongDelivery", "ewarong_delivery", "village_id between $1 and $2", *bounds(arguments)
    )
    found = [
        row
        for row in rows
        if arguments.get("commodity") in {None, row["commodity_code"]}
        and _of_agent(row, arguments)
        and _between(row, "delivered_on", arguments)
    ]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _listed_sales(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    rows = await _seen(
        reader, "EwarongOtherSales", "ewarong_other_sales", "village_id between $1 and $2", *bounds(arguments)
    )
    found = [row for row in rows if _of_agent(row, arguments)]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _reference(reader: Reader, row: Row, _arguments: Arguments) -> Row | None:
    day = row["observed_on"]
    found = await reader.row(
        "select * from reference_price where regency_id = $1 and commodity_code = $2 and week = $3",
        row["regency_id"],
        row["commodity_code"],
        day - timedelta(days=day.weekday()),
    )
    return None if found is None else tagged("ReferencePrice", found)


async def _deviation(reader: Reader, row: Row, arguments: Arguments) -> float | None:
    reference = await _reference(reader, row, arguments)
    return None if reference is None else float(Decimal(row["price"] - reference["price"]) / reference["price"])


async def _verdict(reader: Reader, row: Row, arguments: Arguments) -> str | None:
    reference = await _reference(reader, row, arguments)
    if reference is None:
        return None
    if reference["ceiling"] is not None and row["price"] > reference["ceiling"]:
        return "UNFAIR"
    numbers = await _numbers(reader, row["observed_on"])
    if "PRICE_CHECK" not in numbers:
        return None
    above = Decimal(row["price"] - reference["price"]) / reference["price"]
    if above > numbers["PRICE_UNFAIR"]["value"]:
        return "UNFAIR"
    return "CHECK" if above > numbers["PRICE_CHECK"]["value"] else "FAIR"


def _outlet(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    return None if row["agent_id"] is None else agents_fields.agent_by_id(reader, row["regency_id"], row["agent_id"])


def _village(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    return region_fields.by_id(reader, row["village_id"])


def _regency(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    return region_fields.by_id(reader, row["regency_id"])


def _commodity_of(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    return commodity_by_code(reader, row["commodity_code"])


async def _group_of(reader: Reader, row: Row, _arguments: Arguments) -> Row | None:
    return next(iter(await _groups(reader, "code = $1", row["group_code"])), None)


def _quantity(_reader: Reader, row: Row, _arguments: Arguments) -> str:
    return f"{row['quantity']:f}".rstrip("0").rstrip(".")


FIELDS: Final[dict[str, Resolver]] = {
    "Query.commodityGroups": lambda reader, _root, _arguments: _groups(reader),
    "Query.commodities": _listed_commodities,
    "Query.basketRule": _rule,
    "Query.ewarongThresholds": _thresholds,
    "Query.referencePrices": _listed_prices,
    "Query.priceObservations": _listed_observations,
    "Query.ewarongSuppliers": _listed_suppliers,
    "Query.ewarongDeliveries": _listed_deliveries,
    "Query.ewarongOtherSales": _listed_sales,
    "CommodityGroup.commodities": lambda reader, row, _arguments: _commodities(reader, "group_code = $1", row["code"]),
    "Commodity.group": _group_of,
    "BasketRule.programme": lambda reader, row, _arguments: programme_fields.by_code(reader, row["programme_code"]),
    "BasketRule.legalBasis": programme_fields.FIELDS["Programme.legalBasis"],
    "BasketRule.groups": _named("groups", _groups),
    "BasketRule.prohibited": _named("prohibited", _commodities),
    "BasketRule.balanced": _named("balanced", _groups),
    "EwarongThreshold.value": lambda _reader, row, _arguments: float(row["value"]),
    "ReferencePrice.region": _regency,
    "PriceObservation.village": _village,
    "PriceObservation.agent": _outlet,
    "PriceObservation.reference": _reference,
    "PriceObservation.deviation": _deviation,
    "PriceObservation.verdict": _verdict,
    "EwarongSupplier.region": _regency,
    "EwarongDelivery.agent": _outlet,
    "EwarongDelivery.village": _village,
    "EwarongDelivery.supplier": lambda reader, row, _arguments: _supplier_by_id(
        reader, row["regency_id"], row["supplier_id"]
    ),
    "EwarongDelivery.quantity": _quantity,
    "EwarongOtherSales.agent": _outlet,
    "EwarongOtherSales.village": _village,
    **{f"{kind}.id": lambda _reader, row, _arguments: row["node_id"] for kind in NODES},
    **{f"{kind}.commodity": _commodity_of for kind in ("ReferencePrice", "PriceObservation", "EwarongDelivery")},
}
