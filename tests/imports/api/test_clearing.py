"""Staged rows of an import that is over go, be the job that was to clear them away cancelled or failed."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.jobs.queue import queue_on
from app.domain.registry.imports.clearing import clear_staged
from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from app.worker import Worker, handlers
from tests.imports.api.clerk import DISCARD
from tests.imports.api.test_whole_way import REGENCY, Desk, csv_of, head
from tests.jobs.workshop import QUICK, eventually
from tests.support.client import api_of
from tests.support.world import clone, connected, drop, named

if TYPE_CHECKING:
    import asyncpg

JOB = "query($id: ID!) { import(id: $id) { job { id state } } }"
CANCEL = "mutation($i: ID!) { answer: jobCancel(input: {id: $i}) { __typename } }"


@dataclass(frozen=True)
class Room:
    """A desk, and a worker where a test lets it work."""

    desk: Desk
    settings: Settings
    server: DatabaseServer
    owner: "asyncpg.Connection[asyncpg.Record]"

    def working(self) -> AbstractAsyncContextManager[None]:
        return Worker(self.settings, self.server, handlers(self.settings), pace=QUICK).working()

    async def discards(self, started: str) -> str:
        """Discard an import; the job that is to clear its rows away."""
        assert (await self.desk.does(DISCARD, id=started))["__typename"] == "ImportDiscarded"
        job = (await self.desk.clerk.query(JOB, id=started))["import"]["job"]
        assert job["state"] == "QUEUED"
        identifier: str = job["id"]
        return identifier

    async def staged(self, started: str) -> int:
        rows: int = await self.owner.fetchval(
            "select (select count(*) from staged_family where import_id = i) + (select count(*) from staged_person where import_id = i) "
            "from (select $1::text::uuid as i) this",
            started.rpartition(":")[2],
        )
        return rows

    async def is_cleared(self, started: str) -> bool:
        return await self.staged(started) == 0


@pytest_asyncio.fixture
async def room(
    api_settings: Settings, server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Room]:
    """A database of its own: what is cleared away is that of all regencies."""
    ours = named(server, "imports_clearing")
    await clone(named(server, "alone"), ours)
    async with open_loader(ours) as loader:
        await load_editions(loader)
    settings = api_settings.model_copy(update={"files_dir": tmp_path_factory.mktemp("kept")})
    async with api_of(settings, ours) as api, connected(ours) as owner:
        # Whose rows other tests left there is nothing to clear away here.
        await owner.execute("delete from staged_person; delete from staged_family")
        yield Room(Desk(await api.as_(Role.REGENCY_ADMIN, REGENCY)), settings, ours, owner)
    await drop(ours)


async def test_rows_of_what_was_discarded_go_though_the_job_that_clears_them_was_cancelled(room: Room) -> None:
    async with room.working():
        started, _ = await room.desk.previews(csv_of(head(1, "SITI AMINAH"), head(2, "BUDI SANTOSO")))
        waiting, _ = await room.desk.previews(csv_of(head(3, "AGUS WIBOWO")))
    job = await room.discards(started)
    assert (await room.desk.clerk.query(CANCEL, i=job))["answer"]["__typename"] == "JobCancelRequested"
    assert await room.staged(started) == 4
    async with room.working():
        await eventually(lambda: room.is_cleared(started))
    assert await room.staged(waiting) == 2


@pytest.mark.parametrize("stage", ["APPLIED", "DISCARDED"])
async def test_rows_of_what_is_over_go_once_no_job_is_at_it(room: Room, stage: str) -> None:
    async with room.working():
        started, _ = await room.desk.previews(csv_of(head(1, "SITI AMINAH"), head(2, "BUDI SANTOSO")))
    await room.discards(started)
    # More lines than are taken away at once; what decides is where the import and its job stand.
    await room.owner.execute("update staged_person set line = line + 1000000 where line = 3")
    await room.owner.execute("update registry_import set stage = $1", stage)
    async with open_loader(room.server) as loader:
        for state in ("QUEUED", "RUNNING"):
            await room.owner.execute("update job set state = $1 where finished_at is null", state)
            assert await clear_staged(queue_on(loader)) == 0
            assert await room.staged(started) == 4
        await room.owner.execute(
            "update job set state = 'FAILED', finished_at = now(), error_code = 'X', error_indonesian = 'X', error_english = 'X' "
            "where finished_at is null"
        )
        assert await clear_staged(queue_on(loader)) == 2
        assert await room.staged(started) == 0
        assert await clear_staged(queue_on(loader)) == 0
