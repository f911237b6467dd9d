"""Whatever somebody with all rights does to what was sealed, it is found and named."""

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
import pytest_asyncio

from app.domain.audit.models import Action
from app.domain.audit.seals import newest_seal, seal_new
from app.domain.audit.verification import Finding, Wrong, verify_seals
from app.tenants.session import open_loader
from tests.audit.trail import COUNTRY, Trail, an_event

if TYPE_CHECKING:
    import asyncpg

CHANGES = [
    "principal_id = gen_random_uuid()",
    "happened_at = happened_at + interval '1 microsecond'",
    "action = 'LOGIN'",
    "roles = roles || 'AUDITOR'::text",
    "permission = null",
    "operation = operation || ' '",
    "document_hash = sha256('')",
    "subject_type = 'Person'",
    "subject_ids = '{}'",
    "subject_ids = subject_ids || subject_ids",
    "row_count = 2",
    "purpose = 'AUDIT'",
    "request_id = upper(request_id) || 'x'",
    "village_low = village_low + 1",
    "village_high = village_high - 1",
]
SECOND = "(select record_id from sealed_leaf where batch_number = 2 and position = 1)"


@pytest_asyncio.fixture
async def sealed(trail: Trail) -> Trail:
    """Three batches of three events."""
    for number in range(3):
        await trail.append(*(an_event(operation=f"{number}.{at}") for at in range(3)))
        await seal_new(trail.database, COUNTRY)
    assert await trail.verify() == []
    return trail


async def leaf(trail: Trail, number: int = 2, position: int = 1) -> "asyncpg.Record":
    row = await trail.owner.fetchrow(
        "select * from sealed_leaf where batch_number = $1 and position = $2", number, position
    )
    assert row is not None
    return row


def of(wrong: Wrong, row: "asyncpg.Record") -> Finding:
    return Finding(wrong, row["batch_number"], row["regency_id"], row["record_id"])


@pytest.mark.parametrize("change", CHANGES)
async def test_an_event_that_was_changed_in_any_column(sealed: Trail, change: str) -> None:
    await sealed.owner.execute(f"update audit_event set {change} where id = {SECOND}")  # noqa: S608  (a test's own words)
    assert await sealed.verify() == [of(Wrong.EVENT_CHANGED, await leaf(sealed))]


async def test_no_column_of_an_event_is_left_out(trail: Trail) -> None:
    columns = await trail.owner.fetch(
        "select column_name from information_schema.columns where table_name = 'audit_event'"
    )
    changed = {change.partition(" =")[0] for change in CHANGES}
    assert {row["column_name"] for row in columns} == changed | {"regency_id", "id"}


async def test_an_event_that_was_taken_away(sealed: Trail) -> None:
    await sealed.owner.execute(f"delete from audit_event where id = {SECOND}")  # noqa: S608  (a test's own words)
    assert await sealed.verify() == [of(Wrong.EVENT_MISSING, await leaf(sealed))]


async def test_an_event_that_was_given_another_key(sealed: Trail) -> None:
    before = await leaf(sealed)
    await sealed.owner.execute(
        "update audit_event set regency_id = 3303, village_low = 3303000000, village_high = 3303000000 where id = $1",
        before["record_id"],
    )
    assert await sealed.verify() == [of(Wrong.EVENT_MISSING, before)]


async def test_an_event_and_its_leaf_that_were_exchanged_for_others(sealed: Trail) -> None:
    """Both agree, so the tree tells that they are not what was sealed."""
    row = await leaf(sealed)
    other = UUID("01890000-0000-7000-8000-0000000000ff")
    await sealed.owner.execute("update audit_event set id = $2 where id = $1", row["record_id"], other)
    await sealed.owner.execute("update sealed_leaf set record_id = $2 where record_id = $1", row["record_id"], other)
    assert Finding(Wrong.ROOT_CHANGED, 2) in await sealed.verify()


@pytest.mark.parametrize(
    "change",
    [
        "digest = sha256('')",
        "kind = 'LOGIN'",
        "happened_at = happened_at - interval '1 day'",
    ],
)
async def test_a_leaf_that_was_changed(sealed: Trail, change: str) -> None:
    await sealed.owner.execute(f"update sealed_leaf set {change} where record_id = {SECOND}")  # noqa: S608  (a test's own words)
    assert await sealed.verify() == [of(Wrong.LEAF_CHANGED, await leaf(sealed))]


async def test_a_leaf_that_was_taken_away(sealed: Trail) -> None:
    await sealed.owner.execute("delete from sealed_leaf where batch_number = 2 and position = 1")
    assert await sealed.verify() == [Finding(Wrong.LEAF_MISSING, 2)]


async def test_a_leaf_that_was_put_in(sealed: Trail) -> None:
    await sealed.owner.execute(
        "insert into sealed_leaf select stream, 3301, gen_random_uuid(), batch_number, 1, kind, happened_at, digest "
        "from sealed_leaf where batch_number = 2 and position = 0"
    )
    (finding,) = [each for each in await sealed.verify() if each.wrong is Wrong.LEAF_CHANGED]
    assert (finding.batch_number, finding.regency_id) in {(2, 3301), (2, 3302)}


async def test_leaves_that_changed_places(sealed: Trail) -> None:
    await sealed.owner.execute("update sealed_leaf set position = 1 - position where batch_number = 2 and position < 2")
    assert await sealed.verify() == [Finding(Wrong.ROOT_CHANGED, 2)]


@pytest.mark.parametrize(
    ("change", "findings"),
    [
        ("root = sha256('')", [Finding(Wrong.CHAIN_BROKEN, 2), Finding(Wrong.ROOT_CHANGED, 2)]),
        ("sealed_at = sealed_at + interval '1 microsecond'", [Finding(Wrong.CHAIN_BROKEN, 2)]),
        ("leaf_count = 4", [Finding(Wrong.CHAIN_BROKEN, 2), Finding(Wrong.LEAF_MISSING, 2)]),
        ("previous = sha256('')", [Finding(Wrong.CHAIN_BROKEN, 2)]),
        ("seal = sha256('')", [Finding(Wrong.CHAIN_BROKEN, 2), Finding(Wrong.CHAIN_BROKEN, 3)]),
    ],
)
async def test_a_batch_that_was_changed(sealed: Trail, change: str, findings: list[Finding]) -> None:
    await sealed.owner.execute(f"update seal_batch set {change} where number = 2")  # noqa: S608  (a test's own words)
    assert await sealed.verify() == findings


async def test_a_batch_that_was_taken_out_of_the_chain(sealed: Trail) -> None:
    await sealed.owner.execute("delete from seal_batch where number = 2")
    assert await sealed.verify() == [Finding(Wrong.CHAIN_BROKEN, 2)]


async def test_the_last_batch_taken_away_with_its_leaves_left(sealed: Trail) -> None:
    await sealed.owner.execute("delete from seal_batch where number = 3")
    assert await sealed.verify() == [Finding(Wrong.CHAIN_BROKEN, 3)]


async def test_the_end_of_the_chain_cut_off_is_found_by_a_seal_that_somebody_noted(sealed: Trail) -> None:
    head = await newest_seal(sealed.database)
    assert head is not None
    assert await sealed.verify(noted=head.seal) == []
    await sealed.owner.execute(
        "delete from audit_event where id in (select record_id from sealed_leaf where batch_number = 3)"
    )
    await sealed.owner.execute("delete from sealed_leaf where batch_number = 3")
    await sealed.owner.execute("delete from seal_batch where number = 3")
    assert await sealed.verify() == []
    assert await sealed.verify(noted=head.seal) == [Finding(Wrong.CHAIN_BROKEN)]


async def test_a_trail_sealed_anew_after_a_change_is_found_by_a_seal_that_somebody_noted(sealed: Trail) -> None:
    head = await newest_seal(sealed.database)
    assert head is not None
    await sealed.owner.execute("update audit_event set row_count = 7")
    await sealed.owner.execute("insert into seal_queue select stream, regency_id, record_id from sealed_leaf")
    await sealed.owner.execute("truncate seal_batch, sealed_leaf")
    await seal_new(sealed.database, COUNTRY)
    assert await sealed.verify() == []
    assert await sealed.verify(noted=head.seal) == [Finding(Wrong.CHAIN_BROKEN)]


async def test_an_event_that_nobody_sealed_for_more_than_a_day(sealed: Trail) -> None:
    await sealed.append(an_event(operation="old"), an_event(operation="new"))
    assert await sealed.verify() == []
    await sealed.owner.execute(
        "update audit_event set happened_at = now() - interval '25 hours' where operation = 'old'"
    )
    old = await sealed.owner.fetchrow("select regency_id, id from audit_event where operation = 'old'")
    assert old is not None
    assert await sealed.verify() == [Finding(Wrong.UNSEALED_OLD, regency_id=old["regency_id"], record_id=old["id"])]


async def test_one_changed_event_among_many_batches_is_named_and_no_other(trail: Trail) -> None:
    await trail.append(*(an_event() for _ in range(1_000)))
    await seal_new(trail.database, COUNTRY, most_leaves=300)
    row = await leaf(trail, number=3, position=299)
    await trail.owner.execute("update audit_event set row_count = 9 where id = $1", row["record_id"])
    told: list[int] = []
    async with open_loader(trail.server) as loader:
        verified = await verify_seals(loader, on_progress=told.append)
    assert list(verified.findings) == [of(Wrong.EVENT_CHANGED, row)]
    assert (verified.records, verified.head_number) == (1_000, 4)
    assert told == [300, 600, 900, 1_000]


async def test_a_change_cannot_be_hidden_as_an_expired_event(trail: Trail) -> None:
    """A reading is kept longer than a login: what was sealed as the one is not excused as the other."""
    await trail.append(an_event(action=Action.READ))
    await trail.owner.execute("update audit_event set happened_at = now() - $1::interval", timedelta(days=400))
    await seal_new(trail.database, COUNTRY)
    row = await leaf(trail, number=1, position=0)
    await trail.owner.execute("delete from audit_event")
    assert await trail.verify() == [of(Wrong.EVENT_MISSING, row)]
    await trail.owner.execute("update sealed_leaf set kind = 'LOGIN'")
    assert await trail.verify() == [Finding(Wrong.ROOT_CHANGED, 1)]
