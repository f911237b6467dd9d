"""Many requests write their events together: none waits longer for it, and none suffers for another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from app.domain.audit.service import AuditLog, NotRecorded
from app.tenants.session import Database
from tests.audit.trail import Trail, an_event

APPENDERS = 200


@asynccontextmanager
async def locked(trail: Trail) -> AsyncIterator[None]:
    """Nobody can append until the block ends."""
    async with trail.owner.transaction():
        await trail.owner.execute("lock table audit_event in share mode")
        yield


async def until_it_waits(trail: Trail) -> int:
    """Wait until the one who appends waits for a lock; the id of its process."""
    while True:
        # In a transaction, pg_stat_activity is read once and remembered.
        await trail.owner.execute("select pg_stat_clear_snapshot()")
        waiting: int | None = await trail.owner.fetchval(
            "select pid from pg_stat_activity where usename = 'kesos_app' and wait_event_type = 'Lock' "
            "and datname = current_database()"
        )
        if waiting is not None:
            return waiting
        await asyncio.sleep(0.01)


async def transactions(trail: Trail) -> int:
    return await trail.count("(select distinct xmin::text from audit_event) x")


async def test_two_hundred_who_come_at_once_are_written_in_one_transaction(trail: Trail) -> None:
    events = [an_event() for _ in range(APPENDERS)]
    await asyncio.gather(*(trail.log.append([event]) for event in events))
    kept = await trail.owner.fetch("select request_id from audit_event")
    assert sorted(row["request_id"] for row in kept) == sorted(event.request_id for event in events)
    assert await trail.count("seal_queue") == APPENDERS
    assert await transactions(trail) == 1


async def test_those_who_come_while_a_batch_is_written_share_the_next(trail: Trail) -> None:
    async with locked(trail):
        first = asyncio.create_task(trail.log.append([an_event()]))
        await until_it_waits(trail)
        others = [asyncio.create_task(trail.log.append([an_event(), an_event()])) for _ in range(APPENDERS)]
        await asyncio.sleep(0)
        assert not first.done()
    await asyncio.gather(first, *others)
    assert await trail.count() == 1 + 2 * APPENDERS
    assert await transactions(trail) == 2


async def test_one_after_the_other_each_is_kept_when_its_turn_is_over(trail: Trail) -> None:
    for count in (1, 2, 3):
        await trail.log.append([an_event()])
        assert await trail.count() == count


async def test_nothing_is_nothing(trail: Trail) -> None:
    await trail.log.append([])
    assert await trail.count() == 0


async def test_who_is_cancelled_harms_nobody_and_leaves_the_event(trail: Trail) -> None:
    async with locked(trail):
        writing = asyncio.create_task(trail.log.append([an_event()]))
        await until_it_waits(trail)
        gone, staying = (asyncio.create_task(trail.log.append([an_event()])) for _ in range(2))
        await asyncio.sleep(0)
        for task in (writing, gone):
            task.cancel()
        ended = await asyncio.gather(writing, gone, return_exceptions=True)
        assert [type(each) for each in ended] == [asyncio.CancelledError] * 2
    await staying
    assert await trail.count() == 3


async def test_when_the_database_fails_everybody_who_waits_hears_of_it_and_the_next_are_kept(trail: Trail) -> None:
    async with locked(trail):
        writing = asyncio.create_task(trail.log.append([an_event()]))
        process = await until_it_waits(trail)
        waiting = [asyncio.create_task(trail.log.append([an_event()])) for _ in range(3)]
        await asyncio.sleep(0)
        await trail.owner.execute("select pg_terminate_backend($1)", process)
        with pytest.raises(NotRecorded) as failed:
            await writing
    assert isinstance(failed.value.__cause__, asyncpg.PostgresError)
    await asyncio.gather(*waiting)
    assert await trail.count() == 3


async def test_when_nothing_can_be_appended_all_of_a_batch_fail(trail: Trail) -> None:
    await trail.owner.execute("revoke insert on audit_event from kesos_app")
    try:
        ended = await asyncio.gather(
            *(trail.log.append([an_event()]) for _ in range(APPENDERS)), return_exceptions=True
        )
    finally:
        await trail.owner.execute("grant insert on audit_event to kesos_app")
    assert {type(each) for each in ended} == {NotRecorded}
    assert (await trail.count(), await trail.count("seal_queue")) == (0, 0)
    await trail.append(an_event())
    assert await trail.count() == 1


@pytest.mark.parametrize(
    "spoilt",
    [{"row_count": -1}, {"operation": "a\0b"}, {"subject_ids": ("no uuid",)}, {"operation": "\ud800"}],
    ids=["refused by a check", "NUL", "no UUID", "a lone surrogate"],
)
async def test_an_event_that_cannot_be_kept_harms_nobody_but_its_caller(
    trail: Trail, spoilt: dict[str, object]
) -> None:
    events = [an_event(**(spoilt if at == 7 else {})) for at in range(20)]
    ended = await asyncio.gather(*(trail.log.append([event]) for event in events), return_exceptions=True)
    assert [at for at, each in enumerate(ended) if each is not None] == [7]
    assert isinstance(ended[7], NotRecorded)
    assert await trail.count() == 19


async def test_when_the_program_ends_nobody_is_told_that_an_event_was_kept(trail: Trail) -> None:
    async with locked(trail):
        before = asyncio.all_tasks()
        first = asyncio.create_task(trail.log.append([an_event()]))
        await until_it_waits(trail)
        second = asyncio.create_task(trail.log.append([an_event()]))
        await asyncio.sleep(0)
        (writer,) = asyncio.all_tasks() - before - {first, second}
        writer.cancel()
        ended = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(each) for each in ended] == [asyncio.CancelledError] * 2
    await trail.append(an_event())
    assert await trail.count() >= 1


async def test_a_log_over_a_closed_database_says_so(trail: Trail) -> None:
    closed = Database(trail.server.app, read_pool_size=1, write_pool_size=1)
    with pytest.raises(NotRecorded):
        await AuditLog(closed).append([an_event()])
