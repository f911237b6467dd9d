"""Reading outlets in the transaction of a mutation."""

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.ewarong.actors import Key
from app.domain.ewarong.agents.errors import AgentChanged, AgentUnknown
from app.domain.ewarong.agents.rules import Standing
from app.domain.ewarong.models.agents import AgentState, Criterion, Office, ewarong_agent, ewarong_due_diligence
from app.domain.regions.models import Level, region
from app.tenants.region_path import RegionPath, Span


class Agent(NamedTuple):
    """An outlet that was written: what an answer and the audit trail need."""

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

    @classmethod
    def of(cls, row: "sa.Row[Any]") -> "Agent":
        """The outlet of ``row``."""
        return cls(row.regency_id, row.id, row.village_id)


def at(key: Key) -> sa.ColumnElement[bool]:
    """The row of a key."""
    return sa.and_(ewarong_agent.c.regency_id == key[0], ewarong_agent.c.id == key[1])


async def locked_agent(session: AsyncSession, key: Key, version: int | None = None) -> "sa.Row[Any]":
    """The row of an outlet in the scope of ``session``, which nobody else changes until the transaction ends.

    Raises:
        AgentUnknown: there is none.
        AgentChanged: it has another version than ``version``, which the caller has read.
    """
    row = (await session.execute(sa.select(ewarong_agent).where(at(key)).with_for_update())).one_or_none()
    if row is None:
        raise AgentUnknown
    if version is not None and row.version != version:
        raise AgentChanged
    return row


def standing_of(row: "sa.Row[Any]") -> Standing:
    """Where the outlet of ``row`` stands."""
    return Standing(AgentState(row.state), None if row.returns_to is None else AgentState(row.returns_to))


async def barring_office(session: AsyncSession, owner_digest: bytes, today: date) -> Office | None:
    """The office that bars whoever has the NIK of this digest, by the lists of all regencies; None where there is none."""
    found: str | None = await session.scalar(sa.select(sa.func.ewarong_owner_barred(owner_digest, today)))
    return None if found is None else Office(found)


async def met_criteria(session: AsyncSession, key: Key) -> frozenset[Criterion]:
    """The criteria that the newest assessment of each has found met."""
    c = ewarong_due_diligence.c
    newest = (
        sa.select(c.criterion, c.met)
        .ext(pg.distinct_on(c.criterion))
        .where(c.regency_id == key[0], c.agent_id == key[1])
        # Ids are UUIDs of version 7: their order is that of time.
        .order_by(c.criterion, c.id.desc())
        .subquery()
    )
    rows = await session.execute(sa.select(newest.c.criterion).where(newest.c.met))
    return frozenset(Criterion(row.criterion) for row in rows)


async def village_stands(session: AsyncSession, village: RegionPath, today: date) -> bool:
    """Whether there is such a village on a day."""
    c = region.c
    found: bool | None = await session.scalar(
        sa.select(
            sa.exists().where(
                c.id == village.id,
                c.level == Level.VILLAGE,
                sa.func.coalesce(c.valid_to > today, sa.true()),
            )
        )
    )
    return bool(found)
