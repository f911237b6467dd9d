"""Recording what was sent in, finding it again, and letting go of what nobody has imported in time.

The file of an upload lies in the vault under the upload's id, and is there before the row is. It is kept until its time is over, and
beyond that for as long as an import of it is not over, which may have to be checked again. So the disk is bounded by what one sender may
have waiting: those files count. Service functions never commit.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.uploads.errors import UploadQuotaExceeded, UploadUnknown
from app.domain.uploads.models import UploadKind, upload
from app.domain.vault import Vault
from app.tenants.region_path import RegionPath, Span
from app.tenants.scope import REGENCY_WIDTH, TenantScope
from app.tenants.session import Database

_log = logging.getLogger(__name__)
# A function of the database, since imports know of uploads and uploads do not know of imports.
_IS_NEEDED: Final = sa.func.is_upload_needed(upload.c.id, type_=sa.Boolean)
_IS_KEPT: Final = sa.or_(upload.c.expires_at > sa.func.now(), _IS_NEEDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that waits to be imported; ``size`` in bytes, ``sha256`` of 32 bytes."""

    id: UUID
    region: RegionPath
    principal_id: UUID
    name: str
    size: int
    sha256: bytes
    kind: UploadKind
    created_at: datetime
    expires_at: datetime

    @property
    def villages(self) -> Span:
        """The villages that the file is about."""
        return self.region.villages


def _upload(row: sa.Row[Any]) -> Upload:
    # The driver has a UUID of its own, which neither JSON nor the audit trail can print.
    return Upload(
        id=UUID(int=row.id.int),
        region=RegionPath.of_id(row.region_id),
        principal_id=UUID(int=row.principal_id.int),
        name=row.name,
        size=row.size,
        sha256=bytes(row.sha256),
        kind=UploadKind(row.kind),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


async def check_quota(session: AsyncSession, principal_id: UUID, size: int, *, most: int) -> None:
    """Make sure that ``size`` more bytes of ``principal_id`` may wait to be imported, of ``most`` in all.

    Raises:
        UploadQuotaExceeded: they may not.
    """
    waiting = sa.select(sa.func.coalesce(sa.func.sum(upload.c.size), 0)).where(
        upload.c.principal_id == principal_id, _IS_KEPT
    )
    if (await session.execute(waiting)).scalar_one() + size > most:
        raise UploadQuotaExceeded(most)


async def record_upload(
    session: AsyncSession,
    *,
    upload_id: UUID,
    region: RegionPath,
    principal_id: UUID,
    name: str,
    size: int,
    sha256: bytes,
    kind: UploadKind,
    kept_for: timedelta,
    most: int,
) -> Upload:
    """Record a file that the vault holds under ``upload_id``; ``most`` bytes of one principal may wait to be imported.

    Raises:
        UploadQuotaExceeded: others of the same principal leave no room.
    """
    # Two of its uploads that end at once must not both find the room there.
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(principal_id.int & 0x7FFF_FFFF_FFFF_FFFF)))
    await check_quota(session, principal_id, size, most=most)
    villages = region.villages
    recorded = sa.insert(upload).values(
        regency_id=villages.low // REGENCY_WIDTH,
        id=upload_id,
        village_low=villages.low,
        village_high=villages.high,
        region_id=region.id,
        principal_id=principal_id,
        name=name,
        size=size,
        sha256=sha256,
        kind=kind.value,
        expires_at=sa.func.now() + kept_for,
    )
    return _upload((await session.execute(recorded.returning(upload))).one())


async def keep_upload(session: AsyncSession, upload_id: UUID, principal_id: UUID, kept_for: timedelta) -> Upload:
    """An upload of ``principal_id`` that lies in the scope of ``session`` and is kept, for at least ``kept_for`` from now on.

    Whoever starts to read the file finds it when its turn comes.

    Raises:
        UploadUnknown: there is none.
    """
    kept = (
        sa.update(upload)
        .where(upload.c.id == upload_id, upload.c.principal_id == principal_id, _IS_KEPT)
        .values(expires_at=sa.func.greatest(upload.c.expires_at, sa.func.now() + kept_for))
    )
    row = (await session.execute(kept.returning(upload))).one_or_none()
    if row is None:
        raise UploadUnknown
    return _upload(row)


async def release_upload(loader: "asyncpg.Connection[asyncpg.Record]", upload_id: UUID) -> None:
    """End the time of an upload that was imported: it goes, unless another import of it is not over.

    On a connection of kesos_loader, since whoever imports a part of a file need not see the upload.
    """
    await loader.execute("update upload set expires_at = now() where id = $1 and expires_at > now()", upload_id)


async def recorded_uploads(database: Database, scope: TenantScope, file_ids: Collection[UUID]) -> set[UUID]:
    """Those of ``file_ids`` that are uploads in ``scope``."""
    async with database.read(scope) as session:
        rows = await session.rows("select id from upload where id = any($1::uuid[])", (list(file_ids),))
    return {UUID(int=row["id"].int) for row in rows}


async def expire_uploads(database: Database, scope: TenantScope, vault: Vault) -> int:
    """Delete the uploads in ``scope`` that are not kept any more, and their files; how many.

    Killed in between, it has deleted files whose rows nobody can use, and deletes these rows the next time.
    """
    async with database.write(scope) as session:
        lapsed = upload.c.expires_at <= sa.func.now()
        gone = sa.delete(upload).where(lapsed, sa.not_(_IS_NEEDED)).returning(upload.c.id)
        expired = (await session.execute(gone)).scalars().all()
        await asyncio.to_thread(_delete, vault, expired)
    return len(expired)


def _delete(vault: Vault, file_ids: Iterable[UUID]) -> None:
    for file_id in file_ids:
        vault.delete(file_id)


class Expiry:
    """Lets go of uploads again and again, for as long as a server runs."""

    def __init__(self, database: Database, scope: TenantScope, vault: Vault) -> None:
        """``scope`` is the whole country."""
        self._database, self._scope, self._vault = database, scope, vault

    async def run(self, interval: float) -> None:
        """Delete what has expired, every ``interval`` seconds until cancelled."""
        while True:
            await asyncio.sleep(interval)
            try:
                await expire_uploads(self._database, self._scope, self._vault)
            except Exception as error:  # noqa: BLE001  (a database or disk that is away must not end it)
                _log.warning("uploads could not be let go", extra={"error": type(error).__name__})
