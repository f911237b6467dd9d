"""Reporting an inspection on the spot: what of the checklist was met, photos by their hash, where and when."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.agents.errors import AgentUnknown
from app.domain.ewarong.agents.queries import at
from app.domain.ewarong.models.agents import ewarong_agent
from app.domain.ewarong.models.oversight import (
    CheckResult,
    ewarong_checklist_item,
    ewarong_finding,
    ewarong_inspection,
)
from app.domain.ewarong.oversight.errors import (
    InspectedInFuture,
    ItemsInvalid,
    KeyUsed,
    PhotosInvalid,
    PlaceInvalid,
)
from app.domain.ewarong.oversight.texts import MOST_DESCRIPTION, MOST_NOTE, checked_text
from app.tenants.region_path import Span

MOST_PHOTOS: Final = 20
MOST_ITEMS: Final = 100
_SKEW: Final = timedelta(minutes=5)
"""By how much the clock of a telephone may be ahead."""
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_LATITUDES: Final = (-11.5, 6.5)
_LONGITUDES: Final = (94.5, 141.5)


class Item(NamedTuple):
    """What was found of one item of the checklist."""

    code: str
    result: CheckResult
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What an inspector sends."""

    agent: Key
    inspected_at: datetime
    items: Sequence[Item]
    photos: Sequence[str] = ()
    """SHA-256 of each, 64 hexadecimal digits."""
    note: str = ""
    latitude: float | None = None
    longitude: float | None = None

    def digest(self, actor: Actor) -> bytes:
        """32 bytes that are equal for the same report of the same inspector."""
        said = [
            *(str(each) for each in self.agent),
            self.inspected_at.astimezone(UTC).isoformat(),
            [[item.code, item.result.value, item.note] for item in self.items],
            list(self.photos),
            self.note,
            self.latitude,
            self.longitude,
            str(actor.id),
        ]
        return sha256(orjson.dumps(said)).digest()


class Inspection(NamedTuple):
    """An inspection that is kept."""

    regency_id: int
    id: UUID
    village_id: int

    @property
    def villages(self) -> Span:
        """Where the outlet is."""
        return Span(self.village_id, self.village_id)


async def report_inspection(
    session: AsyncSession, actor: Actor, report: Report, *, idempotency_key: UUID
) -> Inspection:
    """Keep an inspection. Items of the checklist that it leaves out were not checked. Sent again, it changes nothing.

    Raises:
        AgentUnknown: there is no such outlet in scope.
        InspectedInFuture, PlaceInvalid, PhotosInvalid, ItemsInvalid, TextWrong, PersonalNumber: the report cannot be kept.
        KeyUsed: the key belongs to another report.
    """
    photos = _photos(report)
    _place(report)
    if report.inspected_at > datetime.now(UTC) + _SKEW:
        raise InspectedInFuture
    note = checked_text("note", report.note, most=MOST_DESCRIPTION, empty=True)
    agent = await _outlet(session, report)
    found = _findings(report.items, await _asked_on(session, agent.day))
    results = [each.result for each in found.values()]
    row: dict[str, Any] = {
        "regency_id": report.agent[0],
        "id": uuid7(),
        "village_id": agent.village_id,
        "agent_id": report.agent[1],
        "inspected_at": report.inspected_at,
        "latitude": report.latitude,
        "longitude": report.longitude,
        "photos": photos,
        "note": note,
        "met": results.count(CheckResult.MET),
        "not_met": results.count(CheckResult.NOT_MET),
        "idempotency_key": idempotency_key,
        "request": report.digest(actor),
        "reported_by": actor.id,
        "reported_by_name": actor.name,
    }
    # A second report with the same key waits here for the first one, and then finds its row.
    insertion = pg.insert(ewarong_inspection).values(row).on_conflict_do_nothing().returning(ewarong_inspection.c.id)
    if (await session.execute(insertion)).one_or_none() is None:
        return await _before(session, row)
    same = {name: row[name] for name in ("regency_id", "village_id", "agent_id")}
    await session.execute(
        sa.insert(ewarong_finding).values(
            [
                {**same, "inspection_id": row["id"], "item_code": code, "result": each.result.value, "note": each.note}
                for code, each in found.items()
            ]
        )
    )
    return Inspection(row["regency_id"], row["id"], row["village_id"])


def _photos(report: Report) -> list[bytes]:
    given = report.photos
    if len(given) > MOST_PHOTOS or len(set(given)) < len(given) or not all(_HASH.fullmatch(each) for each in given):
        raise PhotosInvalid(MOST_PHOTOS)
    return [bytes.fromhex(each) for each in given]


def _place(report: Report) -> None:
    latitude, longitude = report.latitude, report.longitude
    if latitude is None and longitude is None:
        return
    if latitude is None or longitude is None:
        raise PlaceInvalid
    if not (_LATITUDES[0] <= latitude <= _LATITUDES[1] and _LONGITUDES[0] <= longitude <= _LONGITUDES[1]):
        raise PlaceInvalid


async def _outlet(session: AsyncSession, report: Report) -> Any:
    """The village of the outlet, and the local day of the inspection there."""
    zone = sa.func.region_time_zone(ewarong_agent.c.regency_id)
    moment = sa.bindparam("inspected_at", report.inspected_at, sa.DateTime(timezone=True))
    day = sa.cast(sa.func.timezone(zone, moment), sa.Date).label("day")
    row = (await session.execute(sa.select(ewarong_agent.c.village_id, day).where(at(report.agent)))).one_or_none()
    if row is None:
        raise AgentUnknown
    return row


async def _asked_on(session: AsyncSession, day: date) -> list[str]:
    item = ewarong_checklist_item.c
    asked = sa.select(item.code).where(item.valid_from <= day, sa.func.coalesce(item.valid_to >= day, sa.true()))
    return list((await session.scalars(asked.order_by(item.code))).all())


def _findings(items: Sequence[Item], asked: Sequence[str]) -> Mapping[str, Item]:
    given = {item.code: item for item in items}
    checked = [item for item in items if item.result is not CheckResult.NOT_CHECKED]
    if len(given) < len(items) or len(items) > MOST_ITEMS or not checked or given.keys() - set(asked):
        raise ItemsInvalid
    left_out = {code: Item(code, CheckResult.NOT_CHECKED) for code in asked}
    return left_out | {
        code: item._replace(note=checked_text("items", item.note, most=MOST_NOTE, empty=True))
        for code, item in given.items()
    }


async def _before(session: AsyncSession, row: dict[str, Any]) -> Inspection:
    """The inspection that was reported with the key of ``row``."""
    c = ewarong_inspection.c
    mine = (c.regency_id == row["regency_id"], c.idempotency_key == row["idempotency_key"])
    found = (await session.execute(sa.select(c.id, c.village_id, c.request).where(*mine))).one_or_none()
    if found is None or found.request != row["request"]:
        raise KeyUsed
    return Inspection(row["regency_id"], UUID(int=found.id.int), found.village_id)
