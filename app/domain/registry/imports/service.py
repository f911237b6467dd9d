"""The decisions about an import: starting it, applying it, checking it again, discarding it, and judging probable duplicates.

Each function works in the transaction of its session, which runs under the scope of ``registry:import:run`` of whoever acts: what lies
outside that scope does not exist. None commits. The work itself is done by jobs (``checking``, ``applying``), whose queue entries are
made in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.jobs.models import JobKind
from app.domain.jobs.service import enqueue
from app.domain.registry.imports.errors import (
    DuplicateUnknown,
    EditionInProgress,
    EditionRegionWrong,
    EncodingUnknown,
    FormatUnfit,
    ImportBusy,
    ImportChanged,
    ImportEditionUnknown,
    ImportEmpty,
    ImportFileUnseen,
    ImportHasErrors,
    ImportRegionUnknown,
    ImportStageWrong,
    ImportUnknown,
    KeyReused,
    OtherApplying,
    ProfileWrong,
    RegionBeyondUpload,
)
from app.domain.registry.imports.file_errors import VillageNeeded
from app.domain.registry.imports.models import (
    DuplicateDecision,
    ImportFormat,
    ImportMode,
    ImportStage,
    import_duplicate,
    registry_import,
)
from app.domain.registry.imports.profiles import known_profiles, load_profile
from app.domain.registry.imports.queries import (
    Import,
    editions_by_name,
    import_by_key,
    is_being_worked_on,
    is_edition_in_progress,
    is_other_applying,
    locked_import,
    regency_of,
)
from app.domain.uploads.errors import UploadUnknown
from app.domain.uploads.models import UploadKind
from app.domain.uploads.service import Upload, keep_upload
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.scope import TenantScope
from app.tenants.sqlstates import FOREIGN_KEY_VIOLATION, refused_as

KINDS: Final[Mapping[ImportFormat, frozenset[UploadKind]]] = {
    ImportFormat.KESOS_CSV: frozenset({UploadKind.CSV, UploadKind.ZIP}),
    ImportFormat.OPENSID: frozenset({UploadKind.CSV, UploadKind.WORKBOOK}),
    ImportFormat.REGSOSEK_2022: frozenset({UploadKind.WORKBOOK}),
    ImportFormat.PROFILE: frozenset(UploadKind),
}
"""The kinds of file that each format is read from."""
_OF_ONE_VILLAGE: Final = frozenset({ImportFormat.OPENSID, ImportFormat.REGSOSEK_2022})
_EDITION_LEVELS: Final = frozenset({RegionLevel.PROVINCE, RegionLevel.REGENCY})
_CHECKABLE: Final = frozenset({ImportStage.UPLOADED, ImportStage.PARSED, ImportStage.VALIDATED, ImportStage.APPLYING})
_DISCARDABLE: Final = frozenset({ImportStage.UPLOADED, ImportStage.PARSED, ImportStage.VALIDATED})
_KEPT_FOR: Final = timedelta(days=1)
"""A file that is to be read is kept so long, whenever it was uploaded: whoever lets go of files just then may not see the import yet."""
_TURN: Final = sa.text("select pg_advisory_xact_lock(hashtext('registry_import'), :province)")
_VILLAGES_OF_PROVINCE: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Actor:
    """Who decides, and where they may run imports."""

    id: UUID
    name: str
    scope: TenantScope


@dataclass(frozen=True, slots=True)
class Asked:
    """What an import is to be."""

    idempotency_key: UUID
    upload_id: UUID
    region: RegionPath
    format: ImportFormat
    mode: ImportMode
    edition: str
    """Its scheme and period, such as ``DTSEN:2026-Q3``."""
    profile: str | None = None
    """Name of a mapping profile, or the text of one."""
    encoding: str = "utf-8-sig"


async def start_import(session: AsyncSession, actor: Actor, asked: Asked, *, queued: bool = True) -> Import:
    """Take up a file, and queue its check unless the caller does that work itself. A replay answers the first import.

    Raises:
        ProfileInvalid: the text of the mapping profile is none.
        ImportRegionUnknown, ImportEditionUnknown, EncodingUnknown, ProfileWrong, VillageNeeded, EditionRegionWrong, FormatUnfit,
        RegionBeyondUpload: an input cannot be, as its ``fields`` say.
        NotFound: there is no such upload of the caller's.
        KeyReused: the key was used for another import.
        EditionInProgress: another full edition of the region is not over.
    """
    if not actor.scope.covers(asked.region):
        raise ImportRegionUnknown(asked.region)
    editions = await editions_by_name(session)
    if asked.edition not in editions:
        raise ImportEditionUnknown(editions)
    _check_input(asked)
    await _wait_for_turn(session, asked.region)
    first = await import_by_key(session, regency_of(asked.region.villages), asked.idempotency_key)
    if first is not None:
        return _replayed(first, actor, asked, editions[asked.edition])
    _check_upload(asked, await keep_upload(session, asked.upload_id, actor.id, _KEPT_FOR))
    if asked.mode is ImportMode.EDITION and await is_edition_in_progress(session, asked.region):
        raise EditionInProgress
    started = await _inserted(session, actor, asked, editions[asked.edition])
    if queued:
        await _queue(session, actor, started, JobKind.IMPORT_CHECK)
    return started


async def request_apply(
    session: AsyncSession,
    actor: Actor,
    key: tuple[int, UUID],
    *,
    version: int,
    accept_valid: bool,
    queued: bool = True,
) -> Import:
    """Decide that what was previewed is applied. What was begun and did not come to its end is taken up where it stood.

    Raises:
        ImportUnknown: there is none that the caller may change.
        ImportBusy, ImportStageWrong, ImportChanged, OtherApplying: the present state does not allow it.
        ImportHasErrors: rows are rejected and ``accept_valid`` is not set.
        ImportEmpty: all are.
    """
    found = await _idle(session, key, frozenset({ImportStage.VALIDATED, ImportStage.APPLYING}))
    if found.version != version:
        raise ImportChanged
    if not found.accepted:
        raise ImportEmpty
    accepted = accept_valid or found.accept_valid
    if found.rejected and not accepted:
        raise ImportHasErrors(found.rejected)
    await _wait_for_turn(session, found.region)
    if await is_other_applying(session, found):
        raise OtherApplying
    await _change(session, found, stage=ImportStage.APPLYING.value, accept_valid=accepted)
    if queued:
        await _queue(session, actor, found, JobKind.IMPORT_APPLY)
    return found


async def request_check(session: AsyncSession, actor: Actor, key: tuple[int, UUID]) -> Import:
    """Have the file read and compared with the registry as it is now; the preview before it is forgotten.

    Raises:
        ImportUnknown: there is none that the caller may change.
        ImportBusy, ImportStageWrong: the present state does not allow it.
        ImportFileUnseen: its file was uploaded for a region beyond the caller's.
    """
    found = await _idle(session, key, _CHECKABLE)
    try:
        await keep_upload(session, found.upload_id, found.created_by, _KEPT_FOR)
    except UploadUnknown as error:
        # The file of an import that is not over is kept, so it is only out of sight.
        raise ImportFileUnseen from error
    await _change(session, found, stage=ImportStage.UPLOADED.value, validated_at=None)
    await _queue(session, actor, found, JobKind.IMPORT_CHECK)
    return found


async def discard_import(session: AsyncSession, actor: Actor, key: tuple[int, UUID]) -> Import:
    """End an import without applying it; a job clears away what was staged.

    Raises:
        ImportUnknown: there is none that the caller may change.
        ImportBusy, ImportStageWrong: the present state does not allow it.
    """
    found = await _idle(session, key, _DISCARDABLE)
    await _change(session, found, stage=ImportStage.DISCARDED.value, finished_at=sa.func.now())
    await _queue(session, actor, found, JobKind.IMPORT_CHECK)
    return found


async def decide_duplicate(
    session: AsyncSession, actor: Actor, key: tuple[int, UUID], decision: DuplicateDecision
) -> Import:
    """Say whether the two of a probable duplicate are one person; until the import is applied, the last word counts.

    Returns:
        The import that the duplicate is of.

    Raises:
        DuplicateUnknown: there is none that the caller may decide about.
        ImportBusy, ImportStageWrong: its import does not wait for decisions.
    """
    c = import_duplicate.c
    row = (await session.execute(sa.select(c.import_id).where(c.regency_id == key[0], c.id == key[1]))).one_or_none()
    if row is None:
        raise DuplicateUnknown
    found = await _idle(session, (key[0], UUID(int=row.import_id.int)), frozenset({ImportStage.VALIDATED}))
    await session.execute(
        sa.update(import_duplicate)
        .where(c.regency_id == key[0], c.id == key[1])
        .values(decision=decision.value, decided_by=actor.id, decided_at=sa.func.now())
    )
    return found


def _check_input(asked: Asked) -> None:
    try:
        "".encode(asked.encoding)
    except (LookupError, ValueError) as error:
        raise EncodingUnknown from error
    if (asked.format is ImportFormat.PROFILE) is not (asked.profile is not None):
        raise ProfileWrong(known_profiles())
    if asked.profile is not None:
        load_profile(asked.profile)
    if asked.format in _OF_ONE_VILLAGE and asked.region.level is not RegionLevel.VILLAGE:
        raise VillageNeeded
    if asked.mode is ImportMode.EDITION and asked.region.level not in _EDITION_LEVELS:
        raise EditionRegionWrong


def _check_upload(asked: Asked, upload: Upload) -> None:
    if not upload.villages.holds(asked.region.villages):
        raise RegionBeyondUpload
    if upload.kind not in KINDS[asked.format]:
        raise FormatUnfit(asked.format, upload.kind.value, [kind.value for kind in KINDS[asked.format]])


def _replayed(first: Import, actor: Actor, asked: Asked, edition_id: int) -> Import:
    wanted = (actor.id, asked.upload_id, asked.region, asked.format, asked.mode, asked.profile, asked.encoding)
    kept = (first.created_by, first.upload_id, first.region, first.format, first.mode, first.profile, first.encoding)
    if (*kept, first.edition_id) != (*wanted, edition_id):
        raise KeyReused
    return first


async def _inserted(session: AsyncSession, actor: Actor, asked: Asked, edition_id: int) -> Import:
    villages, import_id = asked.region.villages, uuid7()
    regency_id = regency_of(villages)
    insert = (
        pg.insert(registry_import)
        .values(
            regency_id=regency_id,
            id=import_id,
            village_low=villages.low,
            village_high=villages.high,
            region_id=asked.region.id,
            upload_id=asked.upload_id,
            idempotency_key=asked.idempotency_key,
            format=asked.format.value,
            profile=asked.profile,
            encoding=asked.encoding,
            mode=asked.mode.value,
            edition_id=edition_id,
            created_by=actor.id,
            created_by_name=actor.name,
        )
        .on_conflict_do_nothing(index_elements=["regency_id", "idempotency_key"])
    )
    with refused_as(lambda: ImportRegionUnknown(asked.region), FOREIGN_KEY_VIOLATION):
        await session.execute(insert)
    started = await locked_import(session, regency_id, import_id)
    if started is None:
        # Somebody whose imports the caller does not see has used the key.
        raise KeyReused
    return started


async def _wait_for_turn(session: AsyncSession, region: RegionPath) -> None:
    """Decisions about one province are taken one after the other, so that none overlooks another."""
    await session.execute(_TURN, {"province": region.villages.low // _VILLAGES_OF_PROVINCE})


async def _idle(session: AsyncSession, key: tuple[int, UUID], stages: frozenset[ImportStage]) -> Import:
    """The import, locked, in one of ``stages`` and with no job at work on it."""
    found = await locked_import(session, *key)
    if found is None:
        raise ImportUnknown
    if await is_being_worked_on(session, found):
        raise ImportBusy
    if found.stage not in stages:
        raise ImportStageWrong(found.stage)
    return found


async def _change(session: AsyncSession, found: Import, **values: Any) -> None:
    c = registry_import.c
    await session.execute(
        sa.update(registry_import)
        .where(c.regency_id == found.regency_id, c.id == found.id)
        .values(version=c.version + 1, **values)
    )


async def _queue(session: AsyncSession, actor: Actor, found: Import, kind: JobKind) -> None:
    job_id = await enqueue(
        session,
        kind=kind,
        principal_id=actor.id,
        principal_name=actor.name,
        subject_id=found.id,
        villages=found.villages,
    )
    c = registry_import.c
    await session.execute(
        sa.update(registry_import).where(c.regency_id == found.regency_id, c.id == found.id).values(job_id=job_id)
    )
