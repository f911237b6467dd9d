"""From an uploaded file to a preview: stage VALIDATED.

Reading stages the rows (``intake``); what is said of them is found afterwards, in one transaction (``judging``). A check that is killed
at any point leaves nothing but staged rows, which the next clears away; one whose file cannot be read to its end leaves none. Two
checks of one file find the same.
"""

import io
from datetime import date
from typing import Final
from uuid import UUID

import asyncpg

from app.domain.base import DomainError
from app.domain.jobs.work import Work
from app.domain.regions.models import CodeNamespace
from app.domain.registry.imports.errors import ImportUnknown
from app.domain.registry.imports.formats.profile import load_profile
from app.domain.registry.imports.intake import clear, look_again, take_in, village_codes
from app.domain.registry.imports.judging import enter, judge
from app.domain.registry.imports.models import ImportFormat, ImportMode, ImportStage
from app.domain.registry.imports.parcels import Reading, read_parcels
from app.domain.registry.imports.running import Check
from app.domain.registry.sealing import Seal
from app.domain.vault import Vault
from app.tenants.region_path import RegionLevel, RegionPath, Span
from app.tenants.scope import REGENCY_WIDTH, TenantScope

_BUFFER_BYTES: Final = 1 << 20
_UNDECIDED: Final = frozenset({ImportStage.UPLOADED, ImportStage.PARSED, ImportStage.VALIDATED})
# One sort or hash of a million persons at a time; none of this outlives the connection.
_SESSION: Final = "set work_mem = '192MB'; set temp_buffers = '64MB'; set synchronous_commit = off"
_IMPORT: Final = """
select id, village_low, village_high, region_id, upload_id, format, profile, encoding, mode, stage
from registry_import where regency_id = $1 and id = $2 for update"""


async def check_import(
    work: Work, scope: TenantScope, *, vault: Vault, seal: Seal, today: date, test_provinces: frozenset[str]
) -> None:
    """Read the file of the import that ``work`` is about, and find all that its preview shows.

    An import that was discarded is cleared away instead; what was said of its rows stays. One that is being applied, or was, is left alone.

    Args:
        work: the job.
        scope: where whoever started it may run imports.
        vault: keeps the file.
        seal: seals NIK and KK.
        today: nobody is born after it.
        test_provinces: province prefixes of synthetic NIK that are accepted.

    Raises:
        ImportUnknown: there is no such import within ``scope``.
        DomainError: the file is gone or cannot be read; nothing of it is staged.
        JobCancelled: somebody has asked for it.
    """
    async with work.loader() as loader:
        await loader.execute(_SESSION)
        async with loader.transaction():
            found = await _find(loader, work, scope)
            check = Check(
                loader,
                UUID(int=found["id"].int),
                Span(found["village_low"], found["village_high"]),
                ImportFormat(found["format"]),
                ImportMode(found["mode"]),
                today,
            )
            stage = ImportStage(found["stage"])
            if stage not in _UNDECIDED:
                if stage is ImportStage.DISCARDED:
                    await clear(check, keep_issues=True)
                return
            await clear(check)
            await enter(check, ImportStage.UPLOADED)
        profile = None if found["profile"] is None else load_profile(found["profile"])
        namespace = CodeNamespace.KEMENDAGRI if profile is None else profile.namespace
        region = RegionPath.of_id(found["region_id"])
        reading = Reading(
            import_id=check.import_id,
            villages=check.villages,
            seal=seal,
            today=today,
            test_provinces=test_provinces,
            village_of=(await village_codes(loader, namespace)).get,
            default_village=region.id if region.level is RegionLevel.VILLAGE else None,
        )
        with io.BufferedReader(vault.open(found["upload_id"]), _BUFFER_BYTES) as source:
            parcels = read_parcels(
                source, format=check.format, profile=profile, encoding=found["encoding"], reading=reading
            )
            try:
                await take_in(work, check, parcels)
            except DomainError:
                await clear(check)
                raise
        await look_again(check)
        await judge(work, check)
        await look_again(check)


async def _find(loader: "asyncpg.Connection[asyncpg.Record]", work: Work, scope: TenantScope) -> asyncpg.Record:
    """The import, locked until the transaction ends."""
    found = await loader.fetchrow(_IMPORT, work.villages.low // REGENCY_WIDTH, work.subject_id)
    if found is None or not any(span.holds(Span(found["village_low"], found["village_high"])) for span in scope.spans):
        raise ImportUnknown
    return found
