"""Finding cycles, and the regencies for which they are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.models.cycles import CycleState, aid_cycle, cycle_generation
from app.domain.regions.models import Level, region
from app.tenants.region_path import RegionPath, Span

Key: TypeAlias = tuple[int, UUID]
"""Regency and id of a row."""

GIVEN_UP: Final = (CycleState.DRAFT.value, CycleState.SUPERSEDED.value)
"""Of these the list is not, or no longer, what anybody is to receive."""
PAID_OUT: Final = (CycleState.PAID.value, CycleState.RECONCILED.value, CycleState.CLOSED.value)
"""Of these nobody is paid any more: who has no account, or no good one, goes without."""
# Who lives where is asked of the id of the village alone: all else about families is the business of eligibility.
_family: Final = sa.table("family", sa.column("village_id", sa.BigInteger))


@dataclass(frozen=True, slots=True)
class Cycle:
    """A row of ``aid_cycle``."""

    regency_id: int
    id: UUID
    villages: Span
    programme_code: str
    terms_version: int
    period_start: date
    period_end: date
    revision: int
    state: CycleState
    generation_id: UUID
    amount: int | None
    made_by: UUID
    verified_by: UUID | None
    approved_by: UUID | None
    version: int

    @classmethod
    def of_row(cls, row: Any) -> Self:
        """The cycle of a row of the table."""
        return cls(
            regency_id=row.regency_id,
            # asyncpg has a UUID of its own, which the audit trail cannot print.
            id=UUID(int=row.id.int),
            villages=Span(row.village_low, row.village_high),
            programme_code=row.programme_code,
            terms_version=row.terms_version,
            period_start=row.period_start,
            period_end=row.period_end,
            revision=row.revision,
            state=CycleState(row.state),
            generation_id=row.generation_id,
            amount=row.amount,
            made_by=row.made_by,
            verified_by=row.verified_by,
            approved_by=row.approved_by,
            version=row.version,
        )

    @property
    def key(self) -> Key:
        """Regency and id."""
        return self.regency_id, self.id


def at(table: sa.Table, key: Key) -> sa.ColumnElement[bool]:
    """The row of ``table`` with ``key``."""
    return sa.and_(table.c.regency_id == key[0], table.c.id == key[1])


async def locked_cycle(session: AsyncSession, key: Key) -> Cycle | None:
    """The cycle with ``key``, which nobody else changes until the transaction ends; None where there is none in scope."""
    row = (await session.execute(sa.select(aid_cycle).where(at(aid_cycle, key)).with_for_update())).one_or_none()
    return None if row is None else Cycle.of_row(row)


async def living_cycles(
    session: AsyncSession, programme_code: str, period: tuple[date, date], regencies: Sequence[int]
) -> list[Cycle]:
    """Cycles of a programme that are not superseded and have a day in common with ``period``, locked, by regency."""
    c = aid_cycle.c
    found = await session.execute(
        sa.select(aid_cycle)
        .where(
            c.regency_id.in_(regencies),
            c.programme_code == programme_code,
            c.state != CycleState.SUPERSEDED.value,
            c.period_start <= period[1],
            c.period_end >= period[0],
        )
        .order_by(c.regency_id, c.period_start)
        .with_for_update()
    )
    return [Cycle.of_row(row) for row in found]


async def cycles_of(session: AsyncSession, generation_id: UUID, villages: Span) -> list[Cycle]:
    """The cycles that a generation fills, or has filled, by regency. They lie in ``villages``."""
    c = aid_cycle.c
    found = await session.execute(
        sa.select(aid_cycle)
        .where(
            c.generation_id == generation_id,
            c.village_low >= villages.low,
            c.village_high <= villages.high,
        )
        .order_by(c.regency_id)
    )
    return [Cycle.of_row(row) for row in found]


async def generation_of(session: AsyncSession, regency_id: int, idempotency_key: UUID) -> "sa.Row[Any] | None":
    """The generation that was asked for with ``idempotency_key``."""
    c = cycle_generation.c
    found = await session.execute(
        sa.select(cycle_generation).where(c.regency_id == regency_id, c.idempotency_key == idempotency_key)
    )
    return found.one_or_none()


async def regencies_with_families(session: AsyncSession, villages: Span) -> list[RegionPath]:
    """The regencies of which at least one family of the registry lives in ``villages``, by code."""
    c = region.c
    both = (sa.func.greatest(c.village_low, villages.low), sa.func.least(c.village_high, villages.high))
    lives_there = (
        sa.select(sa.literal_column("1")).select_from(_family).where(_family.c.village_id.between(*both)).exists()
    )
    found = await session.execute(
        sa.select(c.id)
        .where(
            c.level == Level.REGENCY.value,
            c.village_low <= villages.high,
            c.village_high >= villages.low,
            lives_there,
        )
        .order_by(c.id)
    )
    return [RegionPath.of_id(row.id) for row in found]


async def families_of(session: AsyncSession, villages: Sequence[Span]) -> list[int]:
    """How many families of the registry live in each of ``villages``."""
    c = _family.c
    return [
        (
            await session.execute(sa.select(sa.func.count()).where(c.village_id.between(span.low, span.high)))
        ).scalar_one()
        for span in villages
    ]
