"""Exports from their start to the removal of their files.

Each function that takes a session works in its transaction, which runs under the scope in which whoever acts may export. None commits.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.audit.models import Purpose
from app.domain.exports.errors import ExportKeyReused, ExportRemoved, ExportUnknown, TooManyExports
from app.domain.exports.models import ExportFormat, export
from app.domain.jobs import service as jobs
from app.domain.jobs.errors import JobEnded, JobUnknown
from app.domain.jobs.models import JobKind
from app.domain.vault import Vault
from app.tenants.region_path import Span
from app.tenants.scope import REGENCY_WIDTH, TenantScope
from app.tenants.session import Database

MOST_UNFINISHED: Final = 10
"""Exports that one principal may have waiting or running."""
_REMOVED_AT_ONCE: Final = 100
_log = logging.getLogger(__name__)
_TURN: Final = sa.text("select pg_advisory_xact_lock(hashtextextended(:principal, 0))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an export is asked to be.

    ``request_sealed`` holds the document and its variables, which may name persons; ``request_digest`` is equal for equal requests.
    """

    format: ExportFormat
    root_field: str
    operation: str
    document_hash: bytes
    request_digest: bytes
    request_sealed: bytes
    purpose: Purpose | None
    idempotency_key: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export as it stands; ``request_sealed`` is gone once the file is there, or never will be."""

    id: UUID
    villages: Span
    principal_id: UUID
    job_id: UUID
    format: ExportFormat
    root_field: str
    operation: str
    document_hash: bytes
    request_sealed: bytes | None
    purpose: Purpose | None
    rights: bytes | None
    size: int | None
    sha256: bytes | None
    row_count: int | None
    expires_at: datetime
    removed_at: datetime | None

    @property
    def key(self) -> tuple[int, UUID]:
        """What names the row."""
        return self.villages.low // REGENCY_WIDTH, self.id

    def is_offered(self, rights: bytes, now: datetime) -> bool:
        """Whether the file is there for whoever has ``rights``: those with which it was made, no more and no less."""
        return self.rights == rights and self.removed_at is None and self.expires_at > now


def villages_of(scope: TenantScope) -> Span:
    """What an export of whoever exports in ``scope`` stands for: the widest stretch of it, so that its row lies in the scope."""
    return max(scope.spans, key=lambda span: span.high - span.low)


async def start_export(
    session: AsyncSession,
    wanted: Wanted,
    *,
    principal_id: UUID,
    principal_name: str,
    villages: Span,
    keep: timedelta,
) -> Export:
    """Queue an export; sent again, the first one. What comes of it is kept for ``keep``.

    Raises:
        ExportKeyReused: the idempotency key belongs to another one.
        TooManyExports: the principal has as many unfinished ones as one may.
    """
    # Two requests of one principal wait for each other, so that neither overlooks the other.
    await session.execute(_TURN, {"principal": str(principal_id)})
    mine = export.c.principal_id == principal_id
    first = await _one(session, mine, export.c.idempotency_key == wanted.idempotency_key)
    if first is not None:
        if first.request_digest != wanted.request_digest:
            raise ExportKeyReused
        return _export(first)
    if await jobs.unfinished(session, JobKind.EXPORT, principal_id) >= MOST_UNFINISHED:
        raise TooManyExports(MOST_UNFINISHED)
    export_id = uuid7()
    job_id = await jobs.enqueue(
        session,
        kind=JobKind.EXPORT,
        principal_id=principal_id,
        principal_name=principal_name,
        subject_id=export_id,
        villages=villages,
    )
    inserted = (
        sa.insert(export)
        .values(
            regency_id=villages.low // REGENCY_WIDTH,
            id=export_id,
            village_low=villages.low,
            village_high=villages.high,
            principal_id=principal_id,
            idempotency_key=wanted.idempotency_key,
            job_id=job_id,
            format=wanted.format.value,
            root_field=wanted.root_field,
            operation=wanted.operation,
            document_hash=wanted.document_hash,
            request_digest=wanted.request_digest,
            request_sealed=wanted.request_sealed,
            purpose=wanted.purpose.value if wanted.purpose is not None else None,
            expires_at=sa.func.now() + keep,
        )
        .returning(export)
    )
    return _export((await session.execute(inserted)).one())


async def export_at_work(session: AsyncSession, export_id: UUID) -> Export:
    """The export that a job works on.

    Raises:
        ExportRemoved: nobody wants it any more.
    """
    row = await _one(session, export.c.id == export_id)
    if row is None or row.removed_at is not None:
        raise ExportRemoved
    return _export(row)


async def finish_export(
    session: AsyncSession, found: Export, *, rights: bytes, row_count: int, size: int, sha256: bytes, keep: timedelta
) -> bool:
    """Say that the file is there, made with ``rights``, and how large it is; whether anybody still wants it."""
    changed = (
        sa.update(export)
        .where(*_is(found.key), export.c.removed_at.is_(None))
        .values(
            rights=rights,
            row_count=row_count,
            size=size,
            sha256=sha256,
            request_sealed=None,
            finished_at=sa.func.now(),
            expires_at=sa.func.now() + keep,
        )
        .returning(export.c.id)
    )
    return (await session.execute(changed)).one_or_none() is not None


async def remove_export(session: AsyncSession, key: tuple[int, UUID], principal_id: UUID) -> Export:
    """Take an export of ``principal_id`` back: its job is cancelled, and its file offered to nobody. Asking again changes nothing.

    The file itself goes once this is committed, or with ``expire_exports``.

    Raises:
        ExportUnknown: there is none of that principal.
    """
    row = await _one(session, *_is(key), export.c.principal_id == principal_id, lock=True)
    if row is None:
        raise ExportUnknown
    if row.removed_at is None:
        await session.execute(sa.update(export).where(*_is(key)).values(removed_at=sa.func.now(), request_sealed=None))
        # Where it has ended the file is there, or never will be.
        with suppress(JobEnded, JobUnknown):
            await jobs.cancel(session, row.regency_id, row.job_id)
    return _export(row)


async def offered_export(session: AsyncSession, export_id: UUID, principal_id: UUID, rights: bytes) -> Export | None:
    """The export of ``principal_id`` whose file may be fetched by that principal, who has ``rights``; None where there is none."""
    row = await _one(session, export.c.id == export_id, export.c.principal_id == principal_id)
    found = _export(row) if row is not None else None
    return found if found is not None and found.is_offered(rights, datetime.now(tz=UTC)) else None


async def expire_exports(database: Database, scope: TenantScope, vault: Vault) -> int:
    """Remove the files of exports in ``scope`` whose time is over; how many. What the exports were stays."""
    removed = 0
    while gone := await _expired(database, scope):
        for export_id in gone:
            vault.delete(export_id)
        removed += len(gone)
    return removed


async def kept_exports(database: Database, scope: TenantScope, file_ids: Collection[UUID]) -> set[UUID]:
    """Those of ``file_ids`` that are files of exports in ``scope``, made or still being made."""
    statement = "select id from export where id = any($1::uuid[]) and removed_at is null"
    async with database.read(scope) as session:
        rows = await session.rows(statement, (list(file_ids),))
    return {UUID(int=row["id"].int) for row in rows}


class ExportExpiry:
    """Removes the files of exports in ``scope`` whose time is over, again and again."""

    def __init__(self, database: Database, scope: TenantScope, vault: Vault) -> None:
        self._database, self._scope, self._vault = database, scope, vault

    async def run(self, interval: float) -> None:
        """Look every ``interval`` seconds, until cancelled."""
        while True:
            await asyncio.sleep(interval)
            try:
                await expire_exports(self._database, self._scope, self._vault)
            except Exception as error:  # noqa: BLE001  (a database or disk that is away must not end it)
                _log.warning("exports could not be let go", extra={"error": type(error).__name__})


async def _expired(database: Database, scope: TenantScope) -> Sequence[UUID]:
    over = (
        sa.select(export.c.regency_id, export.c.id)
        .where(export.c.removed_at.is_(None), export.c.expires_at <= sa.func.now())
        .limit(_REMOVED_AT_ONCE)
        .with_for_update(skip_locked=True)
        .subquery()
    )
    changed = (
        sa.update(export)
        .where(export.c.regency_id == over.c.regency_id, export.c.id == over.c.id)
        .values(removed_at=sa.func.now(), request_sealed=None)
        .returning(export.c.id)
    )
    async with database.write(scope) as session:
        return list((await session.execute(changed)).scalars())


def _is(key: tuple[int, UUID]) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return export.c.regency_id == key[0], export.c.id == key[1]


async def _one(session: AsyncSession, *conditions: sa.ColumnElement[bool], lock: bool = False) -> Any:
    query = sa.select(export).where(*conditions)
    return (await session.execute(query.with_for_update() if lock else query)).one_or_none()


def _export(row: Any) -> Export:
    return Export(
        id=UUID(int=row.id.int),
        villages=Span(row.village_low, row.village_high),
        principal_id=UUID(int=row.principal_id.int),
        job_id=row.job_id,
        format=ExportFormat(row.format),
        root_field=row.root_field,
        operation=row.operation,
        document_hash=row.document_hash,
        request_sealed=row.request_sealed,
        purpose=Purpose(row.purpose) if row.purpose is not None else None,
        rights=row.rights,
        size=row.size,
        sha256=row.sha256,
        row_count=row.row_count,
        expires_at=row.expires_at,
        removed_at=row.removed_at,
    )
