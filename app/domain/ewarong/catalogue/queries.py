"""Reading the catalogue: what a basket may hold on a day, and the numbers that oversight compares with."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.ewarong.models.catalogue import basket_rule, commodity, ewarong_threshold
from app.domain.regions.models import region
from app.tenants.region_path import RegionLevel, RegionPath

_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class BasketRule:
    """What a basket of a programme may hold by one channel."""

    programme_code: str
    channel: str
    valid_from: date
    valid_to: date | None
    open: bool
    """Whether the programme is redeemed at outlets at all."""
    groups: tuple[str, ...]
    prohibited: tuple[str, ...]
    balanced: tuple[str, ...]
    """Groups without which a basket is flagged, not refused."""


async def basket_rules(session: AsyncSession, on: date) -> Mapping[tuple[str, str], BasketRule]:
    """The rules in force on the day ``on`` by (programme, channel); what is not there may not be redeemed that way."""
    rules = basket_rule.c
    newest = (
        sa.select(
            rules.programme_code,
            rules.channel,
            rules.valid_from,
            rules.valid_to,
            rules.open,
            rules.groups,
            rules.prohibited,
            rules.balanced,
        )
        .ext(pg.distinct_on(rules.programme_code, rules.channel))
        .where(rules.valid_from <= on)
        .order_by(rules.programme_code, rules.channel, rules.valid_from.desc())
    )
    return {
        (row.programme_code, row.channel): BasketRule(
            row.programme_code,
            row.channel,
            row.valid_from,
            row.valid_to,
            row.open,
            tuple(row.groups),
            tuple(row.prohibited),
            tuple(row.balanced),
        )
        for row in await session.execute(newest)
        if row.valid_to is None or on <= row.valid_to
    }


async def thresholds(session: AsyncSession, on: date) -> Mapping[str, Decimal]:
    """The numbers in force on the day ``on`` by code, such as ``MOST_FAMILIES``: their units stand in the data."""
    numbers = ewarong_threshold.c
    newest = (
        sa.select(numbers.code, numbers.value)
        .ext(pg.distinct_on(numbers.code))
        .where(numbers.valid_from <= on)
        .order_by(numbers.code, numbers.valid_from.desc())
    )
    return {row.code: row.value for row in await session.execute(newest)}


def threshold(code: str, on: sa.ColumnElement[date]) -> sa.ScalarSelect[Decimal]:
    """The number ``code`` in force on the day ``on``, as an SQL expression; null before the first day of any."""
    numbers = ewarong_threshold.alias()
    return (
        sa.select(numbers.c.value)
        .where(numbers.c.code == sa.literal_column(f"'{code}'"), numbers.c.valid_from <= on)
        .order_by(numbers.c.valid_from.desc())
        .limit(sa.literal_column("1"))
        .correlate_except(numbers)
        .scalar_subquery()
    )


async def unknown_commodities(session: AsyncSession, codes: Collection[str]) -> list[str]:
    """Those of ``codes`` that the catalogue does not have, sorted."""
    possible = [code for code in codes if _CODE.fullmatch(code) is not None]
    known = await session.scalars(sa.select(commodity.c.code).where(commodity.c.code.in_(possible)))
    return sorted(set(codes) - set(known))


async def is_regency(session: AsyncSession, path: RegionPath) -> bool:
    """Whether ``path`` is a regency or city that there is."""
    if path.level is not RegionLevel.REGENCY:
        return False
    found: bool | None = await session.scalar(sa.select(sa.exists().where(region.c.id == path.id)))
    return bool(found)


async def local_today(session: AsyncSession, regency_id: int) -> date:
    """The present day in a regency: Indonesia has three time zones."""
    zone = sa.func.region_time_zone(regency_id)
    today = await session.execute(sa.select(sa.cast(sa.func.timezone(zone, sa.func.now()), sa.Date())))
    day: date = today.scalar_one()
    return day
