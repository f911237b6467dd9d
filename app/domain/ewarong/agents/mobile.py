"""Where and when mobile and collective outlets serve: planning it, and calling it off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.agents.errors import (
    AgentKeyUsed,
    AgentStateWrong,
    DaysWrong,
    ServiceNotMobile,
    ServiceOver,
    ServiceUnknown,
    VillageUnknown,
)
from app.domain.ewarong.agents.queries import locked_agent, standing_of, village_stands
from app.domain.ewarong.agents.rules import possible_acts
from app.domain.ewarong.agents.texts import checked_text
from app.domain.ewarong.models.agents import SERVING, AgentKind, ewarong_service
from app.tenants.region_path import RegionLevel, RegionPath, Span
from app.tenants.sqlstates import INSUFFICIENT_PRIVILEGE, UNIQUE_VIOLATION, refused_as

LONGEST_PLACE: Final = 200
MOST_DAYS: Final = 366
MOVING: Final = frozenset({AgentKind.MOBILE, AgentKind.COLLECTIVE})
"""Kinds of outlets that serve elsewhere than where they stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Where an outlet serves, and when: every ``weekday`` (1 is Monday) from one day to another, or on one day."""

    village: RegionPath
    weekday: int | None
    valid_from: date
    valid_to: date
    opens: time
    closes: time
    place: str

    def check(self, today: date) -> None:
        """Refuse days and hours that cannot be.

        Raises:
            DaysWrong: they are.
        """
        in_order = today <= self.valid_from <= self.valid_to
        if not in_order or self.valid_to - self.valid_from > timedelta(days=MOST_DAYS):
            raise DaysWrong(
                "valid_to",
                f"Hari pertama tidak lampau, dan hari terakhir paling lama {MOST_DAYS} hari sesudahnya.",
                f"The first day is not past, and the last at most {MOST_DAYS} days after it.",
            )
        if self.weekday is None and self.valid_from != self.valid_to:
            raise DaysWrong(
                "weekday",
                "Sebutkan hari dalam minggu, atau satu tanggal saja.",
                "Name the day of the week, or one day alone.",
            )
        if self.weekday is not None and not self._has_weekday():
            raise DaysWrong(
                "weekday",
                "Hari itu (1 Senin sampai 7 Minggu) tidak ada di antara kedua tanggal.",
                "There is no such day of the week (1 Monday to 7 Sunday) between the two days.",
            )
        if self.opens >= self.closes:
            raise DaysWrong("closes", "Jam tutup sesudah jam buka.", "It closes after it opens.")

    def _has_weekday(self) -> bool:
        days = ((self.weekday or 0) - self.valid_from.isoweekday()) % 7
        return 1 <= (self.weekday or 0) <= 7 and timedelta(days=days) <= self.valid_to - self.valid_from


class Service(NamedTuple):
    """A service that was written: what an answer and the audit trail need."""

    regency_id: int
    id: UUID
    village_id: int

    @property
    def key(self) -> Key:
        """Regency and id."""
        return self.regency_id, self.id

    @property
    def villages(self) -> Span:
        """Where it is."""
        return Span(self.village_id, self.village_id)


async def plan_service(
    session: AsyncSession, actor: Actor, agent_key: Key, schedule: Schedule, *, idempotency_key: UUID, today: date
) -> Service:
    """Plan where and when an outlet serves. With a key that was used before, what was planned with it.

    Raises:
        AgentUnknown: there is no such outlet.
        AgentStateWrong, ServiceNotMobile: it serves nobody, or nowhere else.
        VillageUnknown: there is no such village in the outlet's regency, or it is not the caller's.
        DaysWrong, TextWrong: a field cannot be as it was given.
        AgentKeyUsed: the key belongs to another service, which the scope may not show.
    """
    row = await locked_agent(session, agent_key)
    village = schedule.village
    given: dict[str, Any] = {
        "agent_id": row.id,
        "village_id": village.id,
        "weekday": schedule.weekday,
        "valid_from": schedule.valid_from,
        "valid_to": schedule.valid_to,
        "opens": schedule.opens,
        "closes": schedule.closes,
        "place": checked_text("place", schedule.place, LONGEST_PLACE),
    }
    if (before := await _before(session, row.regency_id, idempotency_key, given)) is not None:
        return before
    schedule.check(today)
    standing = standing_of(row)
    if standing.state not in SERVING:
        raise AgentStateWrong(standing.state, possible_acts(standing))
    if AgentKind(row.kind) not in MOVING:
        raise ServiceNotMobile
    inside = village.level is RegionLevel.VILLAGE and village.ancestor(RegionLevel.REGENCY).id == row.regency_id
    if not inside or not await village_stands(session, village, today):
        raise VillageUnknown("village", village)
    values = {
        **given,
        "regency_id": row.regency_id,
        "id": uuid7(),
        "idempotency_key": idempotency_key,
        **actor.did("planned"),
    }
    # Whoever sends the same key for it at the same time has waited for the lock of the outlet. Another may have a service with this key.
    with (
        refused_as(lambda: VillageUnknown("village", village), INSUFFICIENT_PRIVILEGE),
        refused_as(AgentKeyUsed, UNIQUE_VIOLATION),
    ):
        await session.execute(pg.insert(ewarong_service).values(values))
    return Service(row.regency_id, values["id"], village.id)


async def _before(session: AsyncSession, regency_id: int, key: UUID, given: Mapping[str, Any]) -> Service | None:
    c = ewarong_service.c
    row = (
        await session.execute(sa.select(ewarong_service).where(c.regency_id == regency_id, c.idempotency_key == key))
    ).one_or_none()
    if row is None:
        return None
    if any(getattr(row, name) != value for name, value in given.items()):
        raise AgentKeyUsed
    return Service(row.regency_id, row.id, row.village_id)


async def cancel_service(session: AsyncSession, actor: Actor, key: Key, *, today: date) -> Service:
    """Call a service off.

    Raises:
        ServiceUnknown: there is no such service.
        ServiceOver: it was called off before, or its last day is past.
    """
    c = ewarong_service.c
    mine = sa.and_(c.regency_id == key[0], c.id == key[1])
    row = (await session.execute(sa.select(ewarong_service).where(mine).with_for_update())).one_or_none()
    if row is None:
        raise ServiceUnknown
    if row.cancelled_at is not None:
        raise ServiceOver(None)
    if row.valid_to < today:
        raise ServiceOver(row.valid_to)
    await session.execute(sa.update(ewarong_service).where(mine).values(actor.did("cancelled")))
    return Service(row.regency_id, row.id, row.village_id)
