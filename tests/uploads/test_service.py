"""Uploads as imports find them, and as they are let go."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.authz.authorize import Access, authorize, operator_access
from app.authz.enforcer import RoleMatrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.leftovers import remove_leftovers
from app.domain.uploads.errors import UploadQuotaExceeded, UploadUnknown
from app.domain.uploads.models import UploadKind
from app.domain.uploads.service import (
    Expiry,
    Upload,
    check_quota,
    expire_uploads,
    keep_upload,
    record_upload,
    recorded_uploads,
)
from app.domain.vault import FileGone
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.support.client import ApiClient, Caller
from tests.support.sockets import until
from tests.support.world import BANYUMAS, CILACAP
from tests.uploads.conftest import Kept, send
from tests.uploads.files import CSV

AN_HOUR = timedelta(hours=1)
_IMPORT = """
insert into registry_import (regency_id, id, village_low, village_high, region_id, upload_id, idempotency_key, format, mode, edition_id,
  stage, created_by, created_by_name)
select regency_id, gen_random_uuid(), village_low, village_high, region_id, id, gen_random_uuid(), 'KESOS_CSV', 'ADDITION',
  (select max(id) from registry_edition), $2, principal_id, 'Sari Wulandari' from upload where id = $1
"""


def clerk_of(matrix: RoleMatrix, *codes: str) -> Access:
    return access_of(matrix, *(grant(Role.REGENCY_ADMIN, code) for code in codes))


def scope_of(access: Access) -> TenantScope:
    return authorize(access, Permission.REGISTRY_IMPORT_RUN)


def country(matrix: RoleMatrix) -> TenantScope:
    return scope_of(operator_access(RegionPath.country(), matrix))


async def uploaded(database: Database, kept: Kept, access: Access, region: RegionPath = BANYUMAS.path) -> Upload:
    upload_id = uuid4()
    with kept.vault.create(upload_id) as writer:
        writer.write(CSV)
    async with database.write(scope_of(access)) as session:
        return await record_upload(
            session,
            upload_id=upload_id,
            region=region,
            principal_id=access.principal.id,
            name="a.csv",
            size=writer.size,
            sha256=writer.sha256,
            kind=UploadKind.CSV,
            kept_for=AN_HOUR,
            most=1_000,
        )


async def found(database: Database, access: Access, upload_id: UUID, principal_id: UUID | None = None) -> Upload:
    async with database.write(scope_of(access)) as session:
        return await keep_upload(session, upload_id, principal_id or access.principal.id, timedelta(0))


async def test_whoever_uploaded_a_file_may_use_it(world_database: Database, kept: Kept, matrix: RoleMatrix) -> None:
    access = clerk_of(matrix, BANYUMAS.code)
    upload = await uploaded(world_database, kept, access)
    assert await found(world_database, access, upload.id) == upload
    assert upload.villages == BANYUMAS.path.villages
    assert upload.expires_at - upload.created_at == AN_HOUR


async def test_nobody_else_finds_it(world_database: Database, kept: Kept, matrix: RoleMatrix) -> None:
    access = clerk_of(matrix, BANYUMAS.code)
    upload = await uploaded(world_database, kept, access)
    colleague = clerk_of(matrix, BANYUMAS.code)
    with pytest.raises(UploadUnknown) as of_another:
        await found(world_database, colleague, upload.id)
    with pytest.raises(UploadUnknown) as of_nobody:
        await found(world_database, colleague, uuid4())
    assert (of_another.value.english, of_another.value.code) == (of_nobody.value.english, of_nobody.value.code)


async def test_it_is_not_found_where_its_region_is_not_in_scope(
    world_database: Database, kept: Kept, matrix: RoleMatrix
) -> None:
    access = clerk_of(matrix, BANYUMAS.code)
    upload = await uploaded(world_database, kept, access)
    narrower, elsewhere = clerk_of(matrix, "33.02.01"), clerk_of(matrix, CILACAP.code)
    for other in (narrower, elsewhere):
        with pytest.raises(UploadUnknown):
            await found(world_database, other, upload.id, access.principal.id)


async def test_an_upload_cannot_be_recorded_for_another_region(
    world_database: Database, kept: Kept, matrix: RoleMatrix
) -> None:
    with pytest.raises(Exception, match="row-level security"):
        await uploaded(world_database, kept, clerk_of(matrix, BANYUMAS.code), CILACAP.path)


async def test_what_has_expired_is_not_found_and_then_deleted_with_its_file(
    world_database: Database, kept: Kept, matrix: RoleMatrix
) -> None:
    access = clerk_of(matrix, BANYUMAS.code)
    expired, stays = [await uploaded(world_database, kept, access) for _ in range(2)]
    await kept.owner.execute("update upload set expires_at = now() where id = $1", expired.id)
    with pytest.raises(UploadUnknown):
        await found(world_database, access, expired.id)
    assert await expire_uploads(world_database, country(matrix), kept.vault) == 1
    assert [row["id"] for row in await kept.rows()] == [stays.id]
    assert kept.files() == [f"{stays.id}.sealed"]
    with pytest.raises(FileGone):
        kept.vault.open(expired.id)
    assert await expire_uploads(world_database, country(matrix), kept.vault) == 0


async def test_an_expiry_that_was_cut_off_is_finished_the_next_time(
    world_database: Database, kept: Kept, matrix: RoleMatrix
) -> None:
    upload = await uploaded(world_database, kept, clerk_of(matrix, BANYUMAS.code))
    await kept.owner.execute("update upload set expires_at = now()")
    kept.vault.delete(upload.id)
    assert await expire_uploads(world_database, country(matrix), kept.vault) == 1
    assert await kept.nothing()


async def test_expiry_reaches_as_far_as_its_scope(world_database: Database, kept: Kept, matrix: RoleMatrix) -> None:
    banyumas, cilacap = clerk_of(matrix, BANYUMAS.code), clerk_of(matrix, CILACAP.code)
    await uploaded(world_database, kept, banyumas)
    other = await uploaded(world_database, kept, cilacap, CILACAP.path)
    await kept.owner.execute("update upload set expires_at = now()")
    assert await expire_uploads(world_database, scope_of(banyumas), kept.vault) == 1
    assert [row["id"] for row in await kept.rows()] == [other.id]


async def import_of(kept: Kept, upload: Upload, stage: str) -> None:
    """Write that the upload is imported."""
    await kept.owner.execute(_IMPORT, upload.id, stage)


@pytest_asyncio.fixture
async def no_imports(kept: Kept) -> AsyncIterator[None]:
    yield
    await kept.owner.execute("delete from registry_import where created_by_name = 'Sari Wulandari'")


@pytest.mark.usefixtures("no_imports")
async def test_a_file_is_kept_as_long_as_an_import_of_it_is_not_over(
    world_database: Database, kept: Kept, matrix: RoleMatrix
) -> None:
    access = clerk_of(matrix, BANYUMAS.code)
    stages = ("UPLOADED", "PARSED", "VALIDATED", "APPLYING", "APPLIED", "DISCARDED")
    files = {stage: await uploaded(world_database, kept, access) for stage in stages}
    for stage, upload in files.items():
        await import_of(kept, upload, stage)
    twice = await uploaded(world_database, kept, access)
    await import_of(kept, twice, "APPLIED")
    await import_of(kept, twice, "VALIDATED")
    await kept.owner.execute("update upload set expires_at = now()")
    assert await expire_uploads(world_database, country(matrix), kept.vault) == 2
    stay = [*(files[stage].id for stage in stages[:4]), twice.id]
    assert kept.files() == sorted(f"{each}.sealed" for each in stay)
    for each in stay:
        assert (await found(world_database, access, each)).id == each
    await kept.owner.execute("update registry_import set stage = 'DISCARDED' where created_by_name = 'Sari Wulandari'")
    assert await expire_uploads(world_database, country(matrix), kept.vault) == 5
    assert await kept.nothing()


@pytest.mark.usefixtures("no_imports")
async def test_a_file_that_an_import_needs_counts_among_those_that_wait(
    world_database: Database, kept: Kept, matrix: RoleMatrix
) -> None:
    access = clerk_of(matrix, BANYUMAS.code)
    upload = await uploaded(world_database, kept, access)
    await import_of(kept, upload, "VALIDATED")
    await kept.owner.execute("update upload set expires_at = now()")

    async def another() -> None:
        async with world_database.write(scope_of(access)) as session:
            await check_quota(session, access.principal.id, 1, most=len(CSV))

    with pytest.raises(UploadQuotaExceeded):
        await another()
    await kept.owner.execute("update registry_import set stage = 'DISCARDED' where upload_id = $1", upload.id)
    await another()


async def test_an_upload_that_is_used_is_kept_until_it_was_read(
    world_database: Database, kept: Kept, matrix: RoleMatrix
) -> None:
    access = clerk_of(matrix, BANYUMAS.code)
    upload = await uploaded(world_database, kept, access)
    principal_id = access.principal.id
    async with world_database.write(scope_of(access)) as session:
        longer = await keep_upload(session, upload.id, principal_id, timedelta(days=3))
        assert longer.expires_at > upload.expires_at + timedelta(days=2)
        assert (await keep_upload(session, upload.id, principal_id, AN_HOUR)).expires_at == longer.expires_at
        with pytest.raises(UploadUnknown):
            await keep_upload(session, upload.id, uuid4(), AN_HOUR)
    assert await expire_uploads(world_database, country(matrix), kept.vault) == 0


async def test_uploads_that_end_at_once_share_the_room_that_is_left(
    world: DatabaseServer, kept: Kept, matrix: RoleMatrix
) -> None:
    wide = Database(world.app, read_pool_size=1, write_pool_size=8)
    access, room = clerk_of(matrix, BANYUMAS.code), 1_000 // len(CSV)
    try:
        ends = await asyncio.gather(*(uploaded(wide, kept, access) for _ in range(room + 8)), return_exceptions=True)
    finally:
        await wide.close()
    assert Counter(map(type, ends)) == {Upload: room, UploadQuotaExceeded: 8}


async def test_files_that_are_nobodys_are_removed_when_they_are_old(
    world_database: Database, kept: Kept, matrix: RoleMatrix
) -> None:
    upload = await uploaded(world_database, kept, clerk_of(matrix, BANYUMAS.code))
    exported, lost, unfinished = (uuid4() for _ in range(3))
    for file_id in (exported, lost):
        with kept.vault.create(file_id) as writer:
            writer.write(CSV)
    writing = kept.vault.create(unfinished)

    async def exports(file_ids: Collection[UUID]) -> set[UUID]:
        return {exported} & set(file_ids)

    holders = (partial(recorded_uploads, world_database, country(matrix)), exports)
    assert await remove_leftovers(kept.vault, holders) == 0
    assert len(kept.files()) == 4
    assert await remove_leftovers(kept.vault, holders, timedelta(0)) == 2
    assert kept.files() == sorted(f"{file_id}.sealed" for file_id in (upload.id, exported))
    writing.discard()


async def test_a_server_lets_go_of_uploads_again_and_again(
    world_database: Database, kept: Kept, matrix: RoleMatrix
) -> None:
    running = asyncio.create_task(Expiry(world_database, country(matrix), kept.vault).run(0.01))
    try:
        for _ in range(2):
            await uploaded(world_database, kept, clerk_of(matrix, BANYUMAS.code))
            await kept.owner.execute("update upload set expires_at = now()")
            await until(lambda: kept.files() == [])
    finally:
        running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_upload_of_one_clerk_is_not_usable_by_another(
    upload_api: ApiClient, clerk: Caller, world_database: Database, kept: Kept, matrix: RoleMatrix
) -> None:
    del upload_api
    answer = (await send(clerk, CSV)).json()
    (row,) = await kept.rows()
    access = clerk_of(matrix, BANYUMAS.code)
    assert (await found(world_database, access, UUID(answer["id"]), row["principal_id"])).name == "upload"
    with pytest.raises(UploadUnknown):
        await found(world_database, access, UUID(answer["id"]))
