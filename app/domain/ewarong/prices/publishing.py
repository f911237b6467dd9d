"""Publishing the reference price of a commodity, regency and week: the median of what was seen in its markets, or a price with a source."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.ewarong.actors import Actor
from app.domain.ewarong.catalogue.errors import CommodityUnknown
from app.domain.ewarong.catalogue.queries import is_regency, local_today, unknown_commodities
from app.domain.ewarong.days import before_outlets
from app.domain.ewarong.models.catalogue import Place, Quality, price_observation, reference_price
from app.domain.ewarong.prices.errors import NothingObserved, PriceChanged, PriceInvalid, PriceRegionUnknown
from app.domain.ewarong.prices.observing import HIGHEST_PRICE
from app.tenants.region_path import RegionPath, Span
from app.tenants.sqlstates import INSUFFICIENT_PRIVILEGE, refused_as

LONGEST_SOURCE: Final = 300
MEDIAN: Final = "Median pengamatan harga pasar"
"""The source of a price that was computed."""


@dataclass(frozen=True, slots=True)
class Given:
    """A price that somebody else has found, such as the price panel of the Food Agency."""

    price: int
    """Rupiah a unit."""
    source: str


@dataclass(frozen=True, slots=True)
class Published:
    """A reference price that was written, or stood so already."""

    regency_id: int
    id: UUID
    villages: Span


async def reference_price_publish(
    session: AsyncSession,
    actor: Actor,
    *,
    regency: RegionPath,
    commodity: str,
    day: date,
    ceiling: int | None = None,
    given: Given | None = None,
    version: int | None = None,
) -> Published:
    """Publish what ``commodity`` costs in ``regency`` in the ISO week in which ``day`` lies.

    Without ``given`` it is the median of the prices that were seen in markets of the regency in that week, goods of poor quality left
    out; half a rupiah is rounded up. ``ceiling`` is the highest price that the law allows (HET), rupiah a unit. What is published
    already is published again by whoever has read its ``version``; sent again, that changes nothing.

    Raises:
        PriceRegionUnknown: the region is no regency all of which is in scope.
        CommodityUnknown: it is not in the catalogue.
        NothingObserved: nobody has seen a price, and none was given.
        PriceChanged: it was published in the meantime, or is not published at all.
        PriceInvalid: another input cannot be, as ``fields`` say.
    """
    if not await is_regency(session, regency):
        raise PriceRegionUnknown(regency)
    if await unknown_commodities(session, [commodity]):
        raise CommodityUnknown("commodity", commodity)
    _check(ceiling, given)
    if wrong := before_outlets(day):
        raise PriceInvalid("week", *wrong)
    week = day - timedelta(days=day.weekday())
    if week > await local_today(session, regency.id):
        raise PriceInvalid("week", "Minggu ini belum tiba.", "This week has not come yet.")
    said = await _said(session, regency.id, commodity, week, given) | {"ceiling": ceiling}
    with refused_as(lambda: PriceRegionUnknown(regency), INSUFFICIENT_PRIVILEGE):
        return await _write(session, actor, regency, {"commodity_code": commodity, "week": week}, said, version)


def _check(ceiling: int | None, given: Given | None) -> None:
    for field, price in (("ceiling", ceiling), ("price", None if given is None else given.price)):
        if price is not None and not 0 < price <= HIGHEST_PRICE:
            raise PriceInvalid(field, f"Isi 1 sampai {HIGHEST_PRICE:,} rupiah.", f"Give 1 to {HIGHEST_PRICE:,} rupiah.")
    if given is not None and (not 0 < len(given.source.strip()) <= LONGEST_SOURCE or not given.source.isprintable()):
        raise PriceInvalid(
            "source",
            f"Sebutkan sumbernya dengan 1 sampai {LONGEST_SOURCE} karakter.",
            f"Name the source with 1 to {LONGEST_SOURCE} characters.",
        )


async def _said(
    session: AsyncSession, regency_id: int, commodity: str, week: date, given: Given | None
) -> dict[str, Any]:
    if given is not None:
        return {"price": given.price, "observations": 0, "source": given.source.strip()}
    seen = price_observation.c
    median = sa.func.percentile_cont(0.5).within_group(seen.price)
    row = (
        await session.execute(
            sa.select(
                sa.cast(sa.func.floor(median + 0.5), sa.BigInteger()).label("price"), sa.func.count().label("seen")
            ).where(
                seen.regency_id == regency_id,
                seen.commodity_code == commodity,
                seen.observed_on.between(week, week + timedelta(days=6)),
                seen.place == Place.MARKET.value,
                seen.quality != Quality.POOR.value,
            )
        )
    ).one()
    if not row.seen:
        raise NothingObserved(week)
    return {"price": row.price, "observations": row.seen, "source": MEDIAN}


async def _write(  # noqa: PLR0917  (the price, and whose it is)
    session: AsyncSession,
    actor: Actor,
    regency: RegionPath,
    key: dict[str, Any],
    said: dict[str, Any],
    version: int | None,
) -> Published:
    table, villages = reference_price, regency.villages
    placed = {"regency_id": regency.id, "village_low": villages.low, "village_high": villages.high}
    new = {"id": uuid7()} | placed | key | said | actor.did("published")
    # The policy looks at the new row before the index does: beyond the scope nobody learns whether a price is there.
    insertion = pg.insert(table).values(new).on_conflict_do_nothing().returning(table.c.id)
    made = (await session.execute(insertion)).scalar_one_or_none()
    if made is not None and version is not None:
        raise PriceChanged(None)
    if made is not None:
        return Published(regency.id, UUID(int=made.int), villages)
    mine = sa.and_(*(table.c[name] == value for name, value in ({"regency_id": regency.id} | key).items()))
    row = (await session.execute(sa.select(table).where(mine).with_for_update())).mappings().one()
    published = Published(regency.id, UUID(int=row["id"].int), villages)
    if all(row[name] == value for name, value in said.items()) and version in {
        None,
        row["version"] - 1,
        row["version"],
    }:
        return published
    if version != row["version"]:
        raise PriceChanged(row["version"])
    await session.execute(
        sa.update(table).where(mine).values(said | actor.did("published") | {"version": table.c.version + 1})
    )
    return published
