"""Generating the lists of cycles, regency by regency: two at a time, each in one transaction, and taken up again wherever it stopped.

That a list is complete is written in the transaction of its rows, so a process may be killed at any point. Generating a list again
gives the same rows, down to their ids, as long as the registry, the terms and what other programmes pay are the same.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.bansos.cycles.errors import GenerationUnknown
from app.domain.bansos.cycles.lists import Counted, clear_list, villages_of, write_list
from app.domain.bansos.cycles.queries import Cycle, Key, at, cycles_of, families_of, locked_cycle
from app.domain.bansos.models.cycles import CycleState, aid_cycle, cycle_generation
from app.domain.bansos.programmes.queries import terms_of_version
from app.domain.bansos.terms import Terms
from app.domain.jobs.work import Work
from app.tenants.scope import REGENCY_WIDTH, TenantScope

AT_ONCE: Final = 2
STAGE: Final = "GENERATING"
_OPERATION: Final = "cycleGenerate"
_LOCK: Final = 0x43594B4C
"""First half of the advisory lock of a regency; the second is its id."""


@dataclass(frozen=True, slots=True)
class Maker:
    """For whom the lists are made, as the audit trail names them: ``roles`` are those that bring ``permission``."""

    principal_id: UUID
    roles: tuple[str, ...]
    permission: str


async def generate(work: Work, scope: TenantScope, maker: Maker) -> None:
    """Generate the lists of all cycles of the generation that ``work`` is about, under ``scope``.

    A cycle that was generated again, revised or verified meanwhile is left as it is: this generation is over for it.

    Raises:
        GenerationUnknown: there is none in ``scope``.
    """
    todo = await _begin(work, scope)
    cycles = iter(todo.cycles)
    done, total = todo.done, todo.done + sum(todo.families.values())
    await work.progress(done, total, stage=STAGE)

    async def take(cycles: Iterator[Cycle]) -> None:
        nonlocal done
        for cycle in cycles:
            await _generate_one(work, scope, maker, todo.terms, cycle.key)
            done += todo.families[cycle.regency_id]
            await work.progress(done, total)

    taking = [asyncio.create_task(take(cycles)) for _ in range(AT_ONCE)]
    try:
        await asyncio.gather(*taking)
    finally:
        for task in taking:
            task.cancel()
        await asyncio.gather(*taking, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Todo:
    """What is left to generate, and how many families were and are to be looked at."""

    terms: dict[int, Terms]
    """By version."""
    cycles: list[Cycle]
    families: dict[int, int]
    """Of each of these cycles, by regency."""
    done: int


async def _begin(work: Work, scope: TenantScope) -> _Todo:
    """What is left to generate, and how many families were and are to be looked at."""

    async with work.database.write(scope) as session:
        key = (work.villages.low // REGENCY_WIDTH, work.subject_id)
        found = await session.execute(sa.select(cycle_generation).where(at(cycle_generation, key)))
        if found.one_or_none() is None:
            raise GenerationUnknown
        cycles = await cycles_of(session, work.subject_id, work.villages)
        terms = {
            version: await terms_of_version(session, cycle.programme_code, version, cycle.period_start)
            for version, cycle in {cycle.terms_version: cycle for cycle in cycles}.items()
        }
        spans = [villages_of(cycle, terms[cycle.terms_version]) for cycle in cycles]
        families = await families_of(session, spans)
    counts = {cycle.regency_id: count for cycle, count in zip(cycles, families, strict=True)}
    left = [cycle for cycle in cycles if cycle.state is CycleState.DRAFT]
    to_do = {cycle.regency_id: counts[cycle.regency_id] for cycle in left}
    return _Todo(terms, left, to_do, sum(counts.values()) - sum(to_do.values()))


async def _generate_one(work: Work, scope: TenantScope, maker: Maker, terms: dict[int, Terms], key: Key) -> None:
    async with work.database.write(scope) as session:
        cycle = await locked_cycle(session, key)
        if cycle is None or cycle.generation_id != work.subject_id or cycle.state is not CycleState.DRAFT:
            return
        # Two programmes that exclude each other must not miss each other's list because both are being written.
        await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK, cycle.regency_id)))
        await clear_list(session, cycle)
        counted = await write_list(session, cycle, terms[cycle.terms_version])
        await _note(session, cycle, counted)
        await append_events(session, [_event(work, maker, cycle, counted)])


async def _note(session: AsyncSession, cycle: Cycle, counted: Counted) -> None:
    await session.execute(
        sa.update(aid_cycle)
        .where(at(aid_cycle, cycle.key))
        .values(
            **counted._asdict(),
            state=CycleState.GENERATED.value,
            generated_at=sa.func.now(),
            version=aid_cycle.c.version + 1,
        )
    )


def _event(work: Work, maker: Maker, cycle: Cycle, counted: Counted) -> Event:
    return Event(
        action=Action.CHANGE,
        principal_id=maker.principal_id,
        roles=maker.roles,
        permission=maker.permission,
        operation=_OPERATION,
        document_hash=None,
        subject_type="AidCycle",
        subject_ids=(cycle.id,),
        row_count=counted.families,
        purpose=None,
        request_id=str(work.job_id),
        village_low=cycle.villages.low,
        village_high=cycle.villages.high,
    )
