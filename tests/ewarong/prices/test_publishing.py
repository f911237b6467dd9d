"""What was seen becomes the price of a week, and a price is told apart from it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.base import DomainError
from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.agents.errors import AgentUnknown
from app.domain.ewarong.catalogue.errors import CommodityUnknown
from app.domain.ewarong.catalogue.prices import PricedRow
from app.domain.ewarong.models.catalogue import Quality, price_observation, reference_price
from app.domain.ewarong.prices.errors import (
    NothingObserved,
    ObservationKeyUsed,
    ObservationsInvalid,
    PlaceUnknown,
    PriceChanged,
    PriceInvalid,
    PriceRegionUnknown,
)
from app.domain.ewarong.prices.observing import Market, Reported, Seen, price_observations_report
from app.domain.ewarong.prices.publishing import MEDIAN, Given, Published, reference_price_publish
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.support.outlets import plant_agent
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

WATCHER = Actor(UUID("01a40000-0000-7000-8000-000000000001"), "Petugas Uji")
MONDAY = date(2026, 3, 2)
NAME = "Pasar Wage"
MATRIX = load_role_matrix()


def scope(role: Role, code: str, permission: Permission = Permission.EWARONG_PRICE_REPORT) -> TenantScope:
    return access_of(MATRIX, grant(role, code)).scope(permission)


OFFICE = scope(Role.FOOD_TASK_FORCE, BANYUMAS.code)
VILLAGE = RegionPath.parse(BANYUMAS.village(1, 1))


def market(village: RegionPath = VILLAGE, name: str = NAME) -> Market:
    return Market(village, name)


async def report(
    database: Database,
    *lines: Seen,
    where: Market | Key | None = None,
    on: date = MONDAY,
    key: UUID | None = None,
    within: TenantScope = OFFICE,
    actor: Actor = WATCHER,
) -> Reported:
    async with database.write(within) as session:
        return await price_observations_report(
            session,
            actor,
            where=where or market(),
            observed_on=on,
            lines=lines,
            idempotency_key=key or uuid4(),
        )


async def publish(
    database: Database,
    *,
    commodity: str = "RICE",
    day: date = MONDAY,
    regency: RegionPath = BANYUMAS.path,
    ceiling: int | None = None,
    given: Given | None = None,
    version: int | None = None,
    within: TenantScope = OFFICE,
) -> Published:
    async with database.write(within) as session:
        return await reference_price_publish(
            session,
            WATCHER,
            regency=regency,
            commodity=commodity,
            day=day,
            ceiling=ceiling,
            given=given,
            version=version,
        )


async def price_of(owner: "asyncpg.Connection[asyncpg.Record]", published: Published) -> "asyncpg.Record":
    row = await owner.fetchrow(
        "select * from reference_price where regency_id = $1 and id = $2", published.regency_id, published.id
    )
    assert row is not None
    return row


def rice(price: int, quality: Quality = Quality.GOOD) -> Seen:
    return Seen("RICE", price, quality)


async def seen(owner: "asyncpg.Connection[asyncpg.Record]", ids: tuple[UUID, ...]) -> "list[asyncpg.Record]":
    rows = await owner.fetch("select * from price_observation where id = any($1)", list(ids))
    return sorted(rows, key=lambda row: ids.index(row["id"]))


async def test_a_visit_is_kept_once_however_often_it_is_sent(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    key, lines = uuid4(), (rice(13_500), Seen("EGGS", 27_000, Quality.POOR, " retak "))
    first = await report(market_database, *lines, key=key)
    assert await report(market_database, *lines, key=key) == first
    kept = await seen(market_owner, first.ids)
    assert [(row["commodity_code"], row["price"], row["quality"], row["note"]) for row in kept] == [
        ("RICE", 13_500, "GOOD", ""),
        ("EGGS", 27_000, "POOR", "retak"),
    ]
    assert {(row["place"], row["place_name"], row["village_id"]) for row in kept} == {("MARKET", NAME, VILLAGE.id)}


@pytest.mark.parametrize(
    "other",
    [
        {"lines": (rice(13_600),)},
        {"lines": (rice(13_500), Seen("EGGS", 1, Quality.GOOD))},
        {"lines": (Seen("EGGS", 1, Quality.GOOD),)},
        {"on": MONDAY + timedelta(days=1)},
        {"where": market(name="Pasar Manis")},
        {"actor": Actor(uuid4(), "Lain")},
    ],
)
async def test_a_key_stands_for_one_visit(market_database: Database, other: dict[str, object]) -> None:
    key = uuid4()
    await report(market_database, rice(13_500), key=key)
    lines = other.pop("lines", (rice(13_500),))
    with pytest.raises(ObservationKeyUsed):
        await report(market_database, *lines, key=key, **other)  # type: ignore[arg-type,misc]  # values of a table of cases


async def test_an_outlet_of_the_region_is_looked_at_and_no_other(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    near = await plant_agent(market_owner, BANYUMAS.village(1, 1))
    far = await plant_agent(market_owner, CILACAP.village(1, 1))
    reported = await report(market_database, rice(14_000), where=(near.regency_id, near.id))
    (row,) = await seen(market_owner, reported.ids)
    assert (row["place"], row["agent_id"], row["place_name"]) == ("OUTLET", near.id, None)
    for key in ((far.regency_id, far.id), (near.regency_id, uuid4())):
        with pytest.raises(AgentUnknown):
            await report(market_database, rice(14_000), where=key)


@pytest.mark.parametrize(
    ("village", "within"),
    [
        (CILACAP.village(1, 1), OFFICE),
        (BANYUMAS.village(2, 1), scope(Role.PSM, BANYUMAS.village(1, 1))),
        (BANYUMAS.district(1), OFFICE),
        ("33.02.01.2999", OFFICE),
    ],
)
async def test_a_market_beyond_the_region_is_as_one_that_is_not_there(
    market_database: Database, village: str, within: TenantScope
) -> None:
    with pytest.raises(PlaceUnknown):
        await report(market_database, rice(1), where=market(RegionPath.parse(village)), within=within)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ((), ObservationsInvalid),
        ((rice(1), rice(2)), ObservationsInvalid),
        ((rice(0),), ObservationsInvalid),
        ((rice(10_000_001),), ObservationsInvalid),
        ((Seen("RICE", 1, Quality.GOOD, "x" * 501),), ObservationsInvalid),
        ((Seen("BATU", 1, Quality.GOOD),), CommodityUnknown),
        ((Seen("x'\0" * 99, 1, Quality.GOOD),), CommodityUnknown),
    ],
)
async def test_a_visit_that_cannot_be_is_refused(
    market_database: Database, lines: tuple[Seen, ...], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        await report(market_database, *lines)


async def test_nobody_sees_tomorrow_or_a_day_before_there_were_outlets(market_database: Database) -> None:
    for day in (date(2100, 1, 1), date(2016, 12, 31), date(1, 1, 2)):
        with pytest.raises(ObservationsInvalid):
            await report(market_database, rice(1), on=day)
    with pytest.raises(ObservationsInvalid):
        await report(market_database, rice(1), where=market(name=" "))


async def test_the_price_of_a_week_is_the_median_of_its_markets(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, BANYUMAS.village(1, 1))
    week = date(2026, 3, 9)
    for price, on in ((12_000, 0), (13_001, 3), (14_000, 6), (13_000, 6)):
        await report(market_database, rice(price), on=week + timedelta(days=on))
    # Neither another week, nor an outlet, nor spoilt goods say what rice costs.
    for on in (-1, 7):
        await report(market_database, rice(1), on=week + timedelta(days=on))
    await report(market_database, rice(99_999), on=week, where=(outlet.regency_id, outlet.id))
    await report(market_database, rice(2, Quality.POOR), on=week)
    published = await publish(market_database, day=week + timedelta(days=4), ceiling=14_500)
    row = await price_of(market_owner, published)
    # The middle of 13,000 and 13,001, rounded up.
    assert (row["week"], row["price"], row["ceiling"]) == (week, 13_001, 14_500)
    assert (row["observations"], row["source"], row["version"]) == (4, MEDIAN, 1)


async def test_without_observations_a_source_is_named(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    with pytest.raises(NothingObserved):
        await publish(market_database, commodity="BEEF")
    published = await publish(market_database, commodity="BEEF", given=Given(120_000, " Panel harga "))
    row = await price_of(market_owner, published)
    assert (row["price"], row["observations"], row["source"]) == (120_000, 0, "Panel harga")


async def test_a_price_is_published_again_by_whoever_has_read_it(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    first = await publish(market_database, commodity="FISH", given=Given(30_000, "Survei"))
    assert await publish(market_database, commodity="FISH", given=Given(30_000, "Survei")) == first
    for stale in (None, 2, 5):
        with pytest.raises(PriceChanged):
            await publish(market_database, commodity="FISH", given=Given(31_000, "Survei"), version=stale)
    again = await publish(market_database, commodity="FISH", given=Given(31_000, "Survei"), version=1)
    assert again == first
    assert await publish(market_database, commodity="FISH", given=Given(31_000, "Survei"), version=1) == first
    row = await price_of(market_owner, first)
    assert (row["price"], row["version"]) == (31_000, 2)
    with pytest.raises(PriceChanged):
        await publish(market_database, commodity="CORN", given=Given(31_000, "Survei"), version=1)


@pytest.mark.parametrize(
    ("regency", "within"),
    [
        (CILACAP.path, OFFICE),
        (BANYUMAS.path, scope(Role.PSM, BANYUMAS.district(1))),
        (RegionPath.parse("33"), scope(Role.FOOD_TASK_FORCE, "33")),
        (RegionPath.parse(BANYUMAS.district(1)), OFFICE),
    ],
)
async def test_a_price_is_of_a_regency_that_is_wholly_the_publishers(
    market_database: Database, regency: RegionPath, within: TenantScope
) -> None:
    for version in (None, 1):
        with pytest.raises(PriceRegionUnknown):
            await publish(
                market_database, regency=regency, within=within, given=Given(10_000, "Survei"), version=version
            )


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"ceiling": 0}, "ceiling"),
        ({"given": Given(0, "Survei")}, "price"),
        ({"given": Given(1, " ")}, "source"),
        ({"day": date(2100, 1, 4)}, "week"),
        ({"day": date(2016, 12, 31), "given": Given(1, "Survei")}, "week"),
        ({"day": date(1, 1, 2), "given": Given(1, "Survei")}, "week"),
    ],
)
async def test_a_price_that_cannot_be_is_refused(
    market_database: Database, said: dict[str, object], field: str
) -> None:
    with pytest.raises(PriceInvalid) as refused:
        await publish(market_database, **said)  # type: ignore[arg-type]  # values of a table of cases
    assert refused.value.fields == (field,)


@pytest.mark.parametrize(
    ("price", "verdict", "deviation"),
    [
        (8_000, "FAIR", "-0.2"),
        (10_500, "FAIR", "0.05"),
        (10_501, "CHECK", "0.0501"),
        (11_000, "CHECK", "0.1"),
        (11_001, "UNFAIR", "0.1001"),
    ],
)
async def test_a_price_is_judged_by_the_reference_of_its_week(
    market_database: Database,
    price: int,
    verdict: str,
    deviation: str,
) -> None:
    await publish(market_database, commodity="TEMPEH", given=Given(10_000, "Survei"))
    assert await judged(market_database, "TEMPEH", MONDAY + timedelta(days=6), price) == (verdict, Decimal(deviation))
    assert await judged(market_database, "TEMPEH", MONDAY + timedelta(days=7), price) == (None, None)


async def test_above_the_ceiling_no_price_is_fair(market_database: Database) -> None:
    await publish(market_database, commodity="TOFU", given=Given(1_000, "Survei"), ceiling=1_020)
    assert (await judged(market_database, "TOFU", MONDAY, 1_020))[0] == "FAIR"
    assert (await judged(market_database, "TOFU", MONDAY, 1_021))[0] == "UNFAIR"


async def test_everybody_reads_a_price(market_database: Database) -> None:
    await publish(market_database, commodity="SAGO", given=Given(9_000, "Survei"))
    async with market_database.write(scope(Role.PSM, CILACAP.village(1, 1))) as session:
        assert await session.scalar(
            sa.select(reference_price.c.price).where(reference_price.c.commodity_code == "SAGO")
        )


async def judged(database: Database, commodity: str, on: date, price: int) -> tuple[str | None, Decimal | None]:
    """How an observation of a price stands to the reference."""
    reported = await report(database, Seen(commodity, price, Quality.GOOD), on=on)
    rows = price_observation.alias()
    row = PricedRow(rows.c.regency_id, rows.c.commodity_code, rows.c.observed_on, rows.c.price)
    async with database.write(OFFICE) as session:
        found = (await session.execute(sa.select(row.verdict, row.deviation).where(rows.c.id == reported.ids[0]))).one()
    return found[0], found[1]
