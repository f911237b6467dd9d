"""Every event is sealed once, however late its transaction commits, by one sealer at a time."""

import asyncio
import logging
from itertools import pairwise

import pytest
import sqlalchemy as sa

from app.authz.roles import Role
from app.domain.audit.seals import Sealer, newest_seal, seal_new
from app.domain.audit.service import append_events
from tests.audit.trail import COUNTRY, Trail, an_event, odd_texts, of_region, reader


async def batches(trail: Trail) -> list[int]:
    """The sizes of the batches, in order."""
    rows = await trail.owner.fetch("select leaf_count from seal_batch order by number")
    return [row["leaf_count"] for row in rows]


async def test_where_nothing_happened_nothing_is_sealed(trail: Trail) -> None:
    assert await seal_new(trail.database, COUNTRY) == 0
    assert await newest_seal(trail.database) is None


async def test_every_event_becomes_one_leaf_and_is_not_sealed_again(trail: Trail) -> None:
    await trail.append(*(an_event() for _ in range(5)))
    assert await seal_new(trail.database, COUNTRY) == 5
    assert await seal_new(trail.database, COUNTRY) == 0
    await trail.append(an_event())
    assert await seal_new(trail.database, COUNTRY) == 1
    assert await batches(trail) == [5, 1]
    assert await trail.count("seal_queue") == 0
    assert (
        await trail.count("sealed_leaf l join audit_event e on (l.regency_id, l.record_id) = (e.regency_id, e.id)") == 6
    )


async def test_many_events_become_several_batches_that_follow_from_one_another(trail: Trail) -> None:
    await trail.append(*(an_event() for _ in range(10)))
    assert await seal_new(trail.database, COUNTRY, most_leaves=4) == 10
    assert await batches(trail) == [4, 4, 2]
    chain = await trail.owner.fetch("select number, previous, seal from seal_batch order by number")
    assert chain[0]["previous"] is None
    assert all(after["previous"] == before["seal"] for before, after in pairwise(chain))
    head = await newest_seal(trail.database)
    assert head is not None
    assert (head.number, head.seal) == (3, chain[2]["seal"])


async def test_events_of_every_place_are_sealed_and_no_odd_text_is_taken_for_another(trail: Trail) -> None:
    events = [an_event(operation=text, subject_type=text, roles=(text, text)) for text in odd_texts()]
    events += [an_event(**of_region(code)) for code in ("", "33", "33.01", "94.71.01.1001")]
    events += [an_event(roles=(), permission=None, document_hash=None, subject_ids=(), row_count=0)]
    await trail.append(*events)
    assert await seal_new(trail.database, COUNTRY) == len(events)
    assert await trail.verify() == []


async def test_an_event_whose_transaction_commits_late_is_sealed_later(trail: Trail) -> None:
    async with trail.database.write(COUNTRY) as early:
        await append_events(early, [an_event(operation="late")])
        await trail.append(an_event(operation="quick"))
        assert await seal_new(trail.database, COUNTRY) == 1
        await trail.append(an_event(operation="quick"))
        assert await seal_new(trail.database, COUNTRY) == 1
    assert await seal_new(trail.database, COUNTRY) == 1
    sealed = await trail.owner.fetch(
        "select e.operation, e.happened_at from sealed_leaf l join audit_event e on e.id = l.record_id order by batch_number"
    )
    assert [row["operation"] for row in sealed] == ["quick", "quick", "late"]
    assert sealed[2]["happened_at"] < sealed[0]["happened_at"]
    assert await trail.verify() == []


async def test_sealers_in_many_processes_take_turns(trail: Trail) -> None:
    await trail.append(*(an_event() for _ in range(40)))
    sealed = await asyncio.gather(*(seal_new(trail.database, COUNTRY, most_leaves=6) for _ in range(6)))
    assert sum(sealed) == 40
    assert sum(await batches(trail)) == 40
    assert await trail.verify() == []


async def test_a_batch_that_is_not_committed_was_never_sealed(trail: Trail) -> None:
    await trail.append(an_event())
    # A seal that stands already under the number that comes next, as if two sealers did not take turns.
    await trail.owner.execute("alter table seal_batch add constraint nothing_more_ck check (number < 1) not valid")
    try:
        with pytest.raises(sa.exc.IntegrityError):
            await seal_new(trail.database, COUNTRY)
    finally:
        await trail.owner.execute("alter table seal_batch drop constraint nothing_more_ck")
    assert (await trail.count("sealed_leaf"), await trail.count("seal_queue")) == (0, 1)
    assert await seal_new(trail.database, COUNTRY) == 1


async def test_who_does_not_see_the_country_seals_what_they_see_and_leaves_the_rest(trail: Trail) -> None:
    await trail.append(an_event(), an_event(**of_region("33.01")))
    assert await seal_new(trail.database, reader(Role.REGENCY_ADMIN, "33.02")) == 1
    assert await trail.count("seal_queue where regency_id = 3301") == 1


async def test_sealing_moves_the_subjects_into_their_index(trail: Trail) -> None:
    move = "select audit_index_subjects()"
    await trail.append(*(an_event() for _ in range(3)))
    await seal_new(trail.database, COUNTRY)
    assert await trail.owner.fetchval(move) == 0
    await trail.append(an_event())
    assert await trail.owner.fetchval(move) == 1


async def test_a_sealer_goes_on_after_errors_and_stops_when_it_is_told(
    trail: Trail, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    await trail.append(an_event())
    event = await trail.owner.fetchval("select id::text from audit_event")
    # PostgreSQL's message quotes the row that it refuses.
    await trail.owner.execute("alter table sealed_leaf add constraint nothing_ck check (position < 0) not valid")
    sealer = asyncio.create_task(Sealer(trail.database, COUNTRY).run(0.01))
    try:
        while not caplog.records:  # noqa: ASYNC110  (there is nothing else to wait for)
            await asyncio.sleep(0.01)
        assert await trail.count("seal_queue") == 1
        await trail.owner.execute("alter table sealed_leaf drop constraint nothing_ck")
        while await trail.count("seal_queue"):  # noqa: ASYNC110  (as above)
            await asyncio.sleep(0.01)
    finally:
        await trail.owner.execute("alter table sealed_leaf drop constraint if exists nothing_ck")
        sealer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sealer
    assert await batches(trail) == [1]
    assert {record.getMessage() for record in caplog.records} == {"sealing failed"}
    assert not any(event in str(vars(record)) for record in caplog.records)
