"""What one process changes, every process forgets: at once, whatever happens to the line between them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from uuid import uuid4

import pytest
import pytest_asyncio

from app.authz.authentication import Authenticator, Unauthenticated
from app.authz.authorize import operator_access
from app.authz.changes import PrincipalChange, principal_changes
from app.authz.enforcer import RoleMatrix
from app.authz.permissions import Permission
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.authz.issuer import ISSUER, claims_for, token
from tests.authz.people import People
from tests.authz.test_authentication import authenticator_of
from tests.support.world import connected

PATIENCE_SECONDS = 10.0
REVEAL = Permission.REGISTRY_NIK_REVEAL
REVOKED = "status = 'REVOKED', revoked_at = now(), revoked_by_name = 'x', revoked_by = $3"
CUT = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity "
    "where application_name = 'kesos listener' and datname = current_database()"
)


@asynccontextmanager
async def process(server: DatabaseServer, matrix: RoleMatrix) -> AsyncIterator[Authenticator]:
    """What one more process knows; it would remember for as long as the test runs."""
    database = Database(server.app, read_pool_size=1, write_pool_size=1)
    await database.open()
    try:
        yield authenticator_of(database, matrix, cache_seconds=300.0)
    finally:
        await database.close()


@pytest_asyncio.fixture
async def processes(server: DatabaseServer, matrix: RoleMatrix) -> AsyncIterator[tuple[Authenticator, Authenticator]]:
    """Two processes."""
    async with AsyncExitStack() as stack:
        yield (
            await stack.enter_async_context(process(server, matrix)),
            await stack.enter_async_context(process(server, matrix)),
        )


async def forgotten(authenticator: Authenticator, text: str) -> None:
    """Wait until the process no longer remembers whose token ``text`` is, but not for ever."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while knows(authenticator, text):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def known(authenticator: Authenticator, text: str) -> None:
    """Ask until the process remembers whose token ``text`` is, but not for ever."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not knows(authenticator, text):
        assert time.monotonic() < deadline
        await authenticator.authenticate(text)
        await asyncio.sleep(0.001)


async def cut_lines(people: People) -> None:
    """Hang up on every process that listens."""
    assert await people.connection.fetchval(CUT) > 0


async def administrator(people: People) -> tuple[str, str]:
    """Somebody who may reveal numbers: the subject, and a token."""
    subject = await people.add(ISSUER, ("REGENCY_ADMIN", 3302))
    return subject, token(claims_for(subject))


def knows(authenticator: Authenticator, text: str) -> bool:
    return authenticator.remembered(text) is not None


async def may_reveal(authenticator: Authenticator, text: str) -> bool:
    return REVEAL in (await authenticator.authenticate(text)).permissions


async def test_every_process_forgets_whose_grant_was_revoked(
    processes: tuple[Authenticator, Authenticator], people: People
) -> None:
    subject, text = await administrator(people)
    for authenticator in processes:
        assert await may_reveal(authenticator, text)
        assert knows(authenticator, text)
    await people.set(subject, "REGENCY_ADMIN", REVOKED)
    for authenticator in processes:
        await forgotten(authenticator, text)
        assert not await may_reveal(authenticator, text)


async def test_every_process_forgets_who_was_switched_off(
    processes: tuple[Authenticator, Authenticator], people: People
) -> None:
    subject, text = await administrator(people)
    assert await may_reveal(processes[0], text)
    await people.deactivate(subject)
    await forgotten(processes[0], text)
    with pytest.raises(Unauthenticated):
        await processes[0].authenticate(text)


async def test_every_process_learns_of_a_new_grant(
    processes: tuple[Authenticator, Authenticator], people: People
) -> None:
    subject = await people.add(ISSUER)
    text = token(claims_for(subject))
    assert not await may_reveal(processes[0], text)
    await people.connection.execute(
        "insert into principal_grant (id, principal_id, holder_subject, holder_name, role, region_id, status, people) "
        "select gen_random_uuid(), id, subject, name, 'REGENCY_ADMIN', 3302, 'ACTIVE', 1 from principal where subject = $1",
        subject,
    )
    await forgotten(processes[0], text)
    assert await may_reveal(processes[0], text)


async def test_others_are_not_forgotten(processes: tuple[Authenticator, Authenticator], people: People) -> None:
    (subject, text), (_, other) = await administrator(people), await administrator(people)
    for each in (text, other):
        await processes[0].authenticate(each)
    await people.set(subject, "REGENCY_ADMIN", REVOKED)
    await forgotten(processes[0], text)
    assert knows(processes[0], other)


async def test_the_process_that_makes_a_change_knows_it_when_the_transaction_ends(
    server: DatabaseServer, matrix: RoleMatrix, people: People
) -> None:
    subject, text = await administrator(people)
    scope = operator_access(RegionPath.country(), matrix).scope(Permission.PRINCIPALS_GRANT_CHANGE)
    async with process(server, matrix) as authenticator:
        database = authenticator._database
        await authenticator.authenticate(text)
        async with database.write(scope) as session:
            principal_changes(session, await people.id_of(subject))
            assert knows(authenticator, text)
        assert not knows(authenticator, text)
        await authenticator.authenticate(text)
        with suppress(ZeroDivisionError):
            async with database.write(scope) as session:
                principal_changes(session, await people.id_of(subject))
                raise ZeroDivisionError
        assert knows(authenticator, text)


async def test_a_lost_line_loses_no_revocation(processes: tuple[Authenticator, Authenticator], people: People) -> None:
    for _ in range(10):
        subject, text = await administrator(people)
        await known(processes[0], text)
        await cut_lines(people)
        await people.set(subject, "REGENCY_ADMIN", REVOKED)
        await forgotten(processes[0], text)
        assert not await may_reveal(processes[0], text)


async def test_a_lost_line_comes_back_and_then_principals_are_remembered_again(
    processes: tuple[Authenticator, Authenticator], people: People
) -> None:
    _, text = await administrator(people)
    await processes[0].authenticate(text)
    await cut_lines(people)
    await forgotten(processes[0], text)
    await known(processes[0], text)


async def test_without_a_line_nothing_is_remembered(server: DatabaseServer, matrix: RoleMatrix, people: People) -> None:
    _, text = await administrator(people)
    async with process(server, matrix) as authenticator:
        # The pool has its connection; one more is refused.
        await people.connection.execute("alter role kesos_app connection limit 0")
        try:
            for _ in range(3):
                assert await may_reveal(authenticator, text)
                assert not knows(authenticator, text)
        finally:
            await people.connection.execute("alter role kesos_app connection limit -1")
        await known(authenticator, text)


async def test_a_look_up_that_began_before_a_change_is_not_remembered_after_it(
    server: DatabaseServer, matrix: RoleMatrix, people: People
) -> None:
    subject, text = await administrator(people)
    _, first = await administrator(people)
    async with process(server, matrix) as authenticator, connected(server) as owner:
        await authenticator.authenticate(first)
        async with people.without_news(), owner.transaction():
            await owner.execute("lock table principal_grant in access exclusive mode")
            looking_up = asyncio.create_task(authenticator.authenticate(text))
            # It has its snapshot, and waits for the table.
            while not await people.connection.fetchval("select exists (select from pg_locks where not granted)"):
                assert not looking_up.done()
            await People(owner).set(subject, "REGENCY_ADMIN", REVOKED)
            # The news comes before the answer, and not again.
            transaction = await owner.fetchval("select pg_current_xact_id()::text")
            authenticator.changes._hear(f"{await people.id_of(subject)} {transaction}")
        await looking_up
        assert not await may_reveal(authenticator, text)
        assert knows(authenticator, text)


async def test_news_of_what_is_known_already_makes_nobody_forget(
    processes: tuple[Authenticator, Authenticator], people: People
) -> None:
    subject, text = await administrator(people)
    principal_id = await people.id_of(subject)
    await people.set(subject, "REGENCY_ADMIN", "reason = 'x'")
    seen = await people.connection.fetchval("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1")
    await processes[0].authenticate(text)
    processes[0].changes._hear(f"{principal_id} {seen}")
    assert knows(processes[0], text)
    processes[0].changes._hear(f"{principal_id} {seen + 1000}")
    assert not knows(processes[0], text)


@pytest.mark.parametrize(
    ("transaction", "seen"),
    [(99, True), (100, False), (101, True), (102, False), (103, True), (104, False), (None, False)],
)
def test_a_snapshot_tells_which_changes_it_holds(transaction: int | None, seen: bool) -> None:
    assert PrincipalChange(uuid4(), transaction).is_seen_by("100:104:100,102") is seen


async def test_whoever_waits_for_a_change_hears_of_it(
    processes: tuple[Authenticator, Authenticator], people: People
) -> None:
    (subject, _), (other, _) = await administrator(people), await administrator(people)
    changes = processes[0].changes
    async with (
        changes.of(await people.id_of(subject)) as events,
        changes.of(await people.id_of(subject)) as again,
        changes.of(await people.id_of(other)) as of_another,
    ):
        undisturbed = asyncio.ensure_future(anext(of_another))
        await people.set(subject, "REGENCY_ADMIN", REVOKED)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await anext(events)
            await anext(again)
        assert not undisturbed.done()
        await cut_lines(people)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await undisturbed
    assert not changes._events
