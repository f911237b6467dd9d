"""What was kept before there were seals is carried over, sealed with the rest, and carried back."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

from app.domain.audit.models import Action
from app.domain.audit.seals import seal_new
from app.tenants.migrate import migrate
from app.tenants.rls import CREATE_SCOPE_FUNCTION_OF_BOUND_GRANTS
from app.tenants.server import DatabaseServer, prepare
from tests.audit.trail import COUNTRY, an_event, trail_of
from tests.support.world import connected, drop, named

if TYPE_CHECKING:
    import asyncpg

_OLD = """
insert into audit_event (regency_id, id, village_id, principal_id, permission, action, subject_type, subject_id, purpose, request_id)
select 3302, gen_random_uuid(), 3302012001, gen_random_uuid(), 'registry:nik:reveal', 'reveal', subject_type, gen_random_uuid(),
  'AUDIT', 'r' from unnest('{Person, Family}'::text[]) as subject_type
"""


@pytest_asyncio.fixture
async def before(server: DatabaseServer) -> AsyncIterator[DatabaseServer]:
    """A database of the time before, with a NIK and a KK that were revealed."""
    before = named(server, "before")
    await drop(before)
    await prepare(before)
    await migrate(before, "0006")
    async with connected(before) as owner:
        await owner.execute(_OLD)
    yield before
    await drop(before)


async def let_todays_code_set_its_scope(server: DatabaseServer) -> None:
    """The function that sets a scope has had fewer arguments then."""
    async with connected(server) as owner:
        await owner.execute(CREATE_SCOPE_FUNCTION_OF_BOUND_GRANTS)


async def rows(server: DatabaseServer) -> "list[asyncpg.Record]":
    async with connected(server) as owner:
        found: list[asyncpg.Record] = await owner.fetch("select * from audit_event order by subject_type desc")
        return found


async def test_reveals_of_the_time_before_are_carried_over_and_sealed(before: DatabaseServer) -> None:
    old = await rows(before)
    await migrate(before, "0007")
    await let_todays_code_set_its_scope(before)
    for was, event, operation in zip(old, await rows(before), ("nikRevealed", "kkRevealed"), strict=True):
        assert (event["action"], event["operation"], event["row_count"]) == ("REVEAL", operation, 1)
        assert event["village_low"] == event["village_high"] == was["village_id"]
        assert event["subject_ids"] == [was["subject_id"]]
        for name in ("regency_id", "id", "happened_at", "principal_id", "permission", "purpose", "request_id"):
            assert event[name] == was[name]
    async with trail_of(before) as trail:
        assert await seal_new(trail.database, COUNTRY) == 2
        assert await trail.verify() == []


async def test_going_back_keeps_what_could_be_told_before_and_nothing_else(before: DatabaseServer) -> None:
    old = await rows(before)
    await migrate(before, "0007")
    await let_todays_code_set_its_scope(before)
    async with trail_of(before) as trail:
        await trail.append(*(an_event(action=action, purpose="AUDIT") for action in Action))
        await seal_new(trail.database, COUNTRY)
    await migrate(before, "0006", down=True)
    assert [dict(row) for row in await rows(before)] == [dict(row) for row in old]
