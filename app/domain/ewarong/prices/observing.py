"""Reporting what somebody saw in a market or an outlet: prices and quality of up to fifty commodities of one visit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.agents.errors import AgentUnknown
from app.domain.ewarong.agents.queries import at
from app.domain.ewarong.catalogue.errors import CommodityUnknown
from app.domain.ewarong.catalogue.queries import local_today, unknown_commodities
from app.domain.ewarong.days import out_of_time
from app.domain.ewarong.models.agents import ewarong_agent
from app.domain.ewarong.models.catalogue import Place, Quality, price_observation
from app.domain.ewarong.prices.errors import ObservationKeyUsed, ObservationsInvalid, PlaceUnknown
from app.domain.ewarong.texts import PersonalNumber, holds_number
from app.domain.regions.models import Level, region
from app.tenants.region_path import RegionLevel, RegionPath, Span
from app.tenants.scope import REGENCY_WIDTH
from app.tenants.sqlstates import INSUFFICIENT_PRIVILEGE, sqlstate_of

MOST_LINES: Final = 50
HIGHEST_PRICE: Final = 10_000_000
"""Rupiah a unit: whatever is dearer is a slip of the finger."""
LONGEST_NOTE: Final = 500
LONGEST_PLACE: Final = 120


@dataclass(frozen=True, slots=True)
class Market:
    """A market or another shop."""

    village: RegionPath
    name: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One commodity."""

    commodity: str
    price: int
    """Rupiah a unit of the commodity."""
    quality: Quality
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """What was written, or had been with the same key."""

    regency_id: int
    ids: tuple[UUID, ...]
    """In the order of the commodities that were given."""
    villages: Span


async def price_observations_report(
    session: AsyncSession,
    actor: Actor,
    *,
    where: Market | Key,
    observed_on: date,
    lines: Sequence[Seen],
    idempotency_key: UUID,
) -> Reported:
    """Keep what ``actor`` saw on a day in a market, or in the outlet with the key ``where``. Sent again, it changes nothing.

    Raises:
        AgentUnknown, PlaceUnknown: there is no such outlet or village in scope.
        CommodityUnknown: a commodity is not in the catalogue.
        PersonalNumber: a note holds what may be somebody's number.
        ObservationsInvalid: another input cannot be, as ``fields`` say.
        ObservationKeyUsed: the key belongs to another visit.
    """
    _check(lines)
    if unknown := await unknown_commodities(session, {line.commodity for line in lines}):
        raise CommodityUnknown("lines", unknown[0])
    place = await _market(session, where) if isinstance(where, Market) else await _outlet(session, where)
    if wrong := out_of_time(observed_on, await local_today(session, place["regency_id"])):
        raise ObservationsInvalid("observed_on", *wrong)
    visit = place | {"observed_on": observed_on}
    rows = [visit | _said(line) for line in lines]
    made = {"idempotency_key": idempotency_key} | actor.did("observed")
    table = price_observation
    # A second report with the same key waits here for the first one, and then finds its rows.
    insertion = pg.insert(table).values([{"id": uuid7()} | row | made for row in rows]).on_conflict_do_nothing()
    try:
        written = (await session.scalars(insertion.returning(table.c.id))).all()
    except DBAPIError as error:
        if sqlstate_of(error) == INSUFFICIENT_PRIVILEGE and isinstance(where, Market):
            raise PlaceUnknown(where.village) from error
        raise
    told = list(rows[0])
    found = await session.execute(
        sa.select(table.c.id, table.c.observed_by, *(table.c[name] for name in told)).where(
            table.c.regency_id == place["regency_id"], table.c.idempotency_key == idempotency_key
        )
    )
    kept = {row["commodity_code"]: row for row in found.mappings()}
    same = (
        len(written) in {0, len(lines)}
        and kept.keys() == {line.commodity for line in lines}
        and all(
            all(kept[row["commodity_code"]][name] == row[name] for name in told)
            and kept[row["commodity_code"]]["observed_by"] == actor.id
            for row in rows
        )
    )
    if not same:
        raise ObservationKeyUsed
    village = place["village_id"]
    return Reported(
        place["regency_id"], tuple(UUID(int=kept[line.commodity]["id"].int) for line in lines), Span(village, village)
    )


def _check(lines: Sequence[Seen]) -> None:
    if not 0 < len(lines) <= MOST_LINES or len({line.commodity for line in lines}) < len(lines):
        raise ObservationsInvalid(
            "lines",
            f"Isi 1 sampai {MOST_LINES} komoditas, masing-masing satu kali.",
            f"Give 1 to {MOST_LINES} commodities, each of them once.",
        )
    if any(not 0 < line.price <= HIGHEST_PRICE for line in lines):
        raise ObservationsInvalid(
            "lines",
            f"Harga per satuan dari 1 sampai {HIGHEST_PRICE:,} rupiah.",
            f"A price is 1 to {HIGHEST_PRICE:,} rupiah a unit.",
        )
    if any(len(line.note) > LONGEST_NOTE or not line.note.isprintable() for line in lines):
        raise ObservationsInvalid(
            "lines",
            f"Catatan paling panjang {LONGEST_NOTE} karakter.",
            f"A note has at most {LONGEST_NOTE} characters.",
        )
    if any(holds_number(line.note) for line in lines):
        raise PersonalNumber("lines")


def _said(line: Seen) -> dict[str, Any]:
    return {
        "commodity_code": line.commodity,
        "price": line.price,
        "quality": line.quality.value,
        "note": line.note.strip(),
    }


async def _market(session: AsyncSession, market: Market) -> dict[str, Any]:
    name, village = market.name.strip(), market.village
    if not 0 < len(name) <= LONGEST_PLACE or not name.isprintable():
        raise ObservationsInvalid(
            "place_name",
            f"Isi nama pasar dengan 1 sampai {LONGEST_PLACE} karakter.",
            f"Name the market with 1 to {LONGEST_PLACE} characters.",
        )
    there = sa.exists().where(region.c.id == village.id, region.c.level == Level.VILLAGE)
    if village.level is not RegionLevel.VILLAGE or not await session.scalar(sa.select(there)):
        raise PlaceUnknown(village)
    return {
        "regency_id": village.id // REGENCY_WIDTH,
        "village_id": village.id,
        "place": Place.MARKET.value,
        "agent_id": None,
        "place_name": name,
    }


async def _outlet(session: AsyncSession, key: Key) -> dict[str, Any]:
    row = (await session.execute(sa.select(ewarong_agent.c.village_id).where(at(key)))).one_or_none()
    if row is None:
        raise AgentUnknown
    return {
        "regency_id": key[0],
        "village_id": row.village_id,
        "place": Place.OUTLET.value,
        "agent_id": key[1],
        "place_name": None,
    }
