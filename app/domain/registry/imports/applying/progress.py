"""From APPLYING to APPLIED, batch by batch: two at a time, each committed by itself, and taken up again wherever it stopped.

Whether a batch is applied is written in the transaction of its rows, so a process may be killed at any point. One batch is applied by
one process, even where a lost worker turns out to be alive: whoever has locked the batch has it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.jobs.work import Work
from app.domain.registry.imports.applying.accepted import Accepted
from app.domain.registry.imports.applying.additions import Additions
from app.domain.registry.imports.applying.batch import RegistryChanged, Run, begin_run, claim, finish_batch
from app.domain.registry.imports.applying.refresh import apply_edition
from app.domain.registry.imports.errors import ImportHasErrors, ImportStageWrong, ImportUnknown
from app.domain.registry.imports.models import ImportMode, ImportStage, import_batch, registry_import
from app.domain.registry.imports.queries import Import, locked_import, regency_of
from app.domain.uploads.service import release_upload
from app.tenants.region_path import Span
from app.tenants.scope import REGENCY_WIDTH, TenantScope
from app.tenants.sqlstates import FOREIGN_KEY_VIOLATION, UNIQUE_VIOLATION, sqlstate_of
from app.tenants.turns import in_turn

AT_ONCE: Final = 2
_CHANGED: Final = (UNIQUE_VIOLATION, FOREIGN_KEY_VIOLATION)
"""SQLSTATE of rows that cannot stand beside those of the registry."""
_LINES_CLEARED_AT_ONCE: Final = 50_000
_OPERATION: Final = "importApply"
_STAGED: Final = ("staged_person", "staged_family")
_UPLOAD: Final = "select upload_id from registry_import where regency_id = $1 and id = $2"
_LOCK_SECONDS: Final = 2
"""PostgreSQL takes its own housekeeping off a table that somebody has waited for during a second."""


@dataclass(frozen=True, slots=True)
class _Actor:
    """For whom the import is applied, as the audit trail names them."""

    principal_id: UUID
    roles: tuple[str, ...]
    permission: str


async def apply_import(
    work: Work, scope: TenantScope, *, principal_id: UUID, roles: tuple[str, ...], permission: str
) -> None:
    """Apply the import that ``work`` is about, which somebody has decided to apply: its stage is APPLYING.

    Run again after a crash it goes on where it stopped, and what was applied once is not applied again.

    Args:
        work: the job; its ``subject_id`` is the import.
        scope: where the principal may run imports. All that is written is written under it.
        principal_id: who asked for it; the audit trail keeps that with the two below.
        roles: those that bring the permission.
        permission: by which imports are run.

    Raises:
        ImportUnknown: there is no such import in ``scope``.
        ImportStageWrong: nobody has decided to apply it.
        ImportHasErrors: rows are rejected, and nobody has accepted that; nothing is applied.
        RegistryChanged: the batch at hand cannot be applied as it was checked. It left nothing behind; those before it stay.
    """
    actor = _Actor(principal_id, roles, permission)
    while True:
        run = await _begin(work, scope)
        if run is None:
            break
        async with work.loader() as loader:
            accepted = Accepted(loader, run.found.key)
            await accepted.find(run.left_out)
            await _apply_batches(_Application(work, scope, run, accepted, Additions(run)))
            if await _finish(work, scope, run, await accepted.by_regency(), actor):
                break
    await _clear(work)


async def _begin(work: Work, scope: TenantScope) -> Run | None:
    """What is to be done; None where all batches are applied."""
    async with work.database.write(scope) as session:
        found = await _found(session, work)
        if found.stage is ImportStage.APPLIED:
            return None
        if found.stage is not ImportStage.APPLYING:
            raise ImportStageWrong(found.stage)
        if found.rejected and not found.accept_valid:
            raise ImportHasErrors(found.rejected)
        return await begin_run(session, found)


async def _found(session: AsyncSession, work: Work) -> Import:
    found = await locked_import(session, regency_of(work.villages), work.subject_id)
    if found is None:
        raise ImportUnknown
    return found


@dataclass(frozen=True, slots=True)
class _Application:
    """What applying a batch takes."""

    work: Work
    scope: TenantScope
    run: Run
    accepted: Accepted
    additions: Additions

    async def apply_one(self, *, from_the_end: bool) -> int | None:
        """Apply the next batch in a transaction; the number of its families, None where no batch is left."""
        async with self.work.database.write(self.scope) as session:
            batch = await claim(session, self.run, self.accepted, from_the_end=from_the_end)
            if batch is None:
                return None
            if self.run.found.mode is ImportMode.ADDITION:
                await self.additions.apply(session, batch)
            else:
                await apply_edition(session, self.run, self.additions, batch)
            await finish_batch(session, self.run, batch)
            return batch.planned


class _Tally:
    """How far the batches of an import are, together."""

    def __init__(self, work: Work, done: int, total: int) -> None:
        self._work = work
        self._done = done
        self._total = total

    async def add(self, families: int) -> None:
        self._done += families
        await self._work.progress(self._done, self._total, stage=ImportStage.APPLYING.value)


async def _apply_batches(application: _Application) -> None:
    """Apply all batches that nobody else is at. From both ends: two that lie side by side would wait for each other's totals."""
    work, run = application.work, application.run
    async with work.database.write(application.scope) as session:
        c = import_batch.c
        counts = sa.select(
            sa.func.coalesce(sa.func.sum(c.families).filter(c.applied_at.is_not(None)), 0),
            sa.func.coalesce(sa.func.sum(c.families), 0),
        )
        done, total = (await session.execute(counts.where(run.covers(import_batch)))).one()
    tally = _Tally(work, done, total)
    await tally.add(0)
    ends = [asyncio.create_task(_apply_from(application, tally, from_the_end=bool(end))) for end in range(AT_ONCE)]
    try:
        await asyncio.gather(*ends)
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)


async def _apply_from(application: _Application, tally: _Tally, *, from_the_end: bool) -> None:
    while (families := await _apply_one(application, from_the_end=from_the_end)) is not None:
        await tally.add(families)


async def _apply_one(application: _Application, *, from_the_end: bool) -> int | None:
    """Apply the next batch, again where another transaction stood in its way; the number of its families, None where none is left.

    Raises:
        RegistryChanged: it cannot be applied.
    """
    try:
        return await in_turn(lambda: application.apply_one(from_the_end=from_the_end))
    except DBAPIError as error:
        if sqlstate_of(error) in _CHANGED:
            # The cause is left out: it shows the rows.
            raise RegistryChanged from None
        raise


async def _finish(work: Work, scope: TenantScope, run: Run, changed: Mapping[int, int], actor: _Actor) -> bool:
    """Call the import APPLIED; False where a batch is left, for whoever had it has given it back."""
    async with work.database.write(scope) as session:
        found = await _found(session, work)
        if found.stage is not ImportStage.APPLYING:
            return found.stage is ImportStage.APPLIED
        c = import_batch.c
        # Waits for whoever is still at one.
        left = await session.execute(
            sa.select(c.number).where(run.covers(import_batch), c.applied_at.is_(None)).with_for_update()
        )
        if left.all():
            return False
        c = registry_import.c
        await session.execute(
            sa.update(registry_import)
            .where(c.regency_id == found.regency_id, c.id == found.id)
            .values(stage=ImportStage.APPLIED.value, finished_at=sa.func.now(), version=c.version + 1)
        )
        await append_events(session, [_event(work, actor, found, *each) for each in changed.items()])
    return True


def _event(work: Work, actor: _Actor, found: Import, regency_id: int, changed: int) -> Event:
    regency = Span(regency_id * REGENCY_WIDTH, (regency_id + 1) * REGENCY_WIDTH - 1)
    return Event(
        action=Action.CHANGE,
        principal_id=actor.principal_id,
        roles=actor.roles,
        permission=actor.permission,
        operation=_OPERATION,
        document_hash=None,
        subject_type="Import",
        subject_ids=(found.id,),
        row_count=changed,
        purpose=None,
        request_id=str(work.job_id),
        village_low=max(regency.low, found.villages.low),
        village_high=min(regency.high, found.villages.high),
    )


async def _clear(work: Work) -> None:
    """Take away what was staged, and let go of the file: what was said of it stays."""
    key = (regency_of(work.villages), work.subject_id)
    async with work.loader() as loader:
        for table in _STAGED:
            if not await _is_emptied(loader, table, key):
                await _delete(loader, table, key)
        await release_upload(loader, await loader.fetchval(_UPLOAD, *key))


async def _is_emptied(loader: "asyncpg.Connection[asyncpg.Record]", table: str, key: tuple[int, UUID]) -> bool:
    """Empty a table of staged rows at once, where no other import has any there; whether that was so.

    Nobody else may use the table meanwhile. Whoever waits for one table at a time stands in no circle of waiting.
    """
    others = " or ".join(
        f"exists (select from {table} where (regency_id, import_id) {side} ($1, $2))" for side in ("<", ">")
    )
    try:
        async with loader.transaction():
            await loader.execute(f"set local lock_timeout = '{_LOCK_SECONDS}s'")
            await loader.execute(f"lock table {table} in access exclusive mode")
            if await loader.fetchval(f"select {others}", *key):
                return False
            await loader.execute(f"truncate {table}")
    except asyncpg.LockNotAvailableError:
        return False
    return True


async def _delete(loader: "asyncpg.Connection[asyncpg.Record]", table: str, key: tuple[int, UUID]) -> None:
    """Delete what an import has staged in ``table``, some of it at a time."""
    of_import = f"from {table} where regency_id = $1 and import_id = $2"
    last = await loader.fetchval(f"select max(line) {of_import}", *key)
    for first in range(0, (last or 0) + 1, _LINES_CLEARED_AT_ONCE):
        between = (first, first + _LINES_CLEARED_AT_ONCE - 1)
        await loader.execute(f"delete {of_import} and line between $3 and $4", *key, *between)
