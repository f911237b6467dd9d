"""What the service of imports reads."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.jobs.models import JobState
from app.domain.registry.imports.models import ImportFormat, ImportMode, ImportStage, registry_import
from app.domain.registry.models import registry_edition
from app.tenants.region_path import RegionPath, Span
from app.tenants.scope import REGENCY_WIDTH

UNFINISHED = (ImportStage.UPLOADED, ImportStage.PARSED, ImportStage.VALIDATED, ImportStage.APPLYING)
"""Stages of imports that are not over: as long as one is of a file, the file is kept (``is_upload_needed`` of the database)."""


class Import(NamedTuple):
    """An import as the service sees it."""

    regency_id: int
    id: UUID
    villages: Span
    region: RegionPath
    stage: ImportStage
    version: int
    format: ImportFormat
    mode: ImportMode
    profile: str | None
    encoding: str
    edition_id: int
    upload_id: UUID
    job_id: UUID | None
    accept_valid: bool
    rejected: int
    accepted: int
    created_by: UUID

    @property
    def key(self) -> tuple[int, UUID]:
        """What names the import."""
        return self.regency_id, self.id


def regency_of(villages: Span) -> int:
    """The regency, or the first number of a province's regencies, under which rows about ``villages`` stand."""
    regency: int = villages.low // REGENCY_WIDTH
    return regency


async def locked_import(session: AsyncSession, regency_id: int, import_id: UUID) -> Import | None:
    """The import, locked until the transaction ends; none where the scope of ``session`` does not show it."""
    return await _one(session, registry_import.c.id == import_id, regency_id, lock=True)


async def import_by_key(session: AsyncSession, regency_id: int, idempotency_key: UUID) -> Import | None:
    """The import that was started with this key."""
    return await _one(session, registry_import.c.idempotency_key == idempotency_key, regency_id, lock=False)


async def _one(
    session: AsyncSession, condition: sa.ColumnElement[bool], regency_id: int, *, lock: bool
) -> Import | None:
    c = registry_import.c
    query = sa.select(registry_import).where(c.regency_id == regency_id, condition)
    row = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        return None
    return Import(
        regency_id=row.regency_id,
        id=UUID(int=row.id.int),
        villages=Span(row.village_low, row.village_high),
        region=RegionPath.of_id(row.region_id),
        stage=ImportStage(row.stage),
        version=row.version,
        format=ImportFormat(row.format),
        mode=ImportMode(row.mode),
        profile=row.profile,
        encoding=row.encoding,
        edition_id=row.edition_id,
        upload_id=UUID(int=row.upload_id.int),
        job_id=row.job_id,
        accept_valid=row.accept_valid,
        rejected=row.families_rejected + row.persons_rejected,
        accepted=row.families_accepted + row.persons_accepted,
        created_by=UUID(int=row.created_by.int),
    )


async def is_edition_in_progress(session: AsyncSession, region: RegionPath) -> bool:
    """Whether a full edition of exactly ``region`` is not over."""
    c = registry_import.c
    return await _any(
        session,
        c.regency_id == regency_of(region.villages),
        c.region_id == region.id,
        c.mode == ImportMode.EDITION.value,
        c.stage.in_([stage.value for stage in UNFINISHED]),
    )


async def is_other_applying(session: AsyncSession, found: Import) -> bool:
    """Whether another import is being applied to some of the villages of ``found``, be it one that the scope does not show."""
    asked = sa.text("select is_import_applying(:id, :low, :high)")
    return bool(await session.scalar(asked, {"id": found.id, "low": found.villages.low, "high": found.villages.high}))


async def is_being_worked_on(session: AsyncSession, found: Import) -> bool:
    """Whether the job that was last begun for ``found`` has not ended."""
    if found.job_id is None:
        return False
    state = await session.scalar(
        sa.text("select state from job where regency_id = :regency and id = :id"),
        {"regency": found.regency_id, "id": found.job_id},
    )
    return state is not None and not JobState(state).has_ended


async def _any(session: AsyncSession, *conditions: sa.ColumnElement[bool]) -> bool:
    return bool(await session.scalar(sa.select(sa.exists().where(*conditions))))


async def editions_by_name(session: AsyncSession) -> Mapping[str, int]:
    """Ids of all editions by their names, such as ``DTSEN:2026-Q3``, oldest first."""
    c = registry_edition.c
    rows = await session.execute(sa.select(c.id, c.scheme, c.period).order_by(c.published_on, c.id))
    return {f"{row.scheme.value}:{row.period}": row.id for row in rows}
