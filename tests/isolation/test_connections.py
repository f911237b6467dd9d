"""The second wall by itself: what a pooled connection carries from one request to the next, and what the database refuses."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.tenants.scope import TenantScope
from app.tenants.session import SCOPE_CALL, Database
from tests.authz.people import access_of, grant
from tests.support.world import BANYUMAS, CILACAP, FAMILIES

if TYPE_CHECKING:
    from app.tenants.server import DatabaseServer

FAMILY_READ = Permission.REGISTRY_FAMILY_READ
COUNT = "select count(*) from family"
ONCE = f"with scope as materialized (select {SCOPE_CALL}) select (select count(*) from family) from scope"  # noqa: S608  (a test's own words)
INSERT = sa.text(
    "insert into family (regency_id, id, village_id, edition_id, head_name) "
    "values (:regency, gen_random_uuid(), :village, 1, 'Tamu')"
)

SETTINGS = ["regency_low", "regency_high", "village_low", "village_high", "villages", "entities"]


def scope_of(*grants: tuple[Role, str]) -> TenantScope:
    return access_of(load_role_matrix(), *(grant(*one) for one in grants)).scope(FAMILY_READ)


IN_BANYUMAS = scope_of((Role.REGENCY_ADMIN, BANYUMAS.code))
IN_CILACAP = scope_of((Role.REGENCY_ADMIN, CILACAP.code))


@pytest_asyncio.fixture
async def one_connection(world: "DatabaseServer") -> AsyncIterator[Database]:
    """A database whose pools hold one connection each, so that every request meets the one before it."""
    database = Database(world.app, read_pool_size=1, write_pool_size=1)
    await database.open()
    yield database
    await database.close()


async def nothing_remains(database: Database) -> None:
    assert (await database.reference(COUNT))[0][0] == 0
    left = await database.reference(
        "select name, current_setting('app.' || name, true) as value from unnest($1::text[]) as name", SETTINGS
    )
    assert not any(row["value"] for row in left), left


async def test_without_a_scope_there_are_no_rows(one_connection: Database) -> None:
    await nothing_remains(one_connection)


async def test_the_scope_of_a_snapshot_ends_with_it(one_connection: Database) -> None:
    async with one_connection.read(IN_BANYUMAS) as session:
        assert (await session.rows(COUNT))[0][0] == FAMILIES
    await nothing_remains(one_connection)


async def test_the_scope_of_a_single_statement_ends_with_it(one_connection: Database) -> None:
    for scope in (IN_BANYUMAS, IN_CILACAP, IN_BANYUMAS):
        assert (await one_connection.read_once(scope, ONCE, []))[0] == FAMILIES
        await nothing_remains(one_connection)


async def test_the_scope_of_a_statement_that_fails_ends_with_it(one_connection: Database) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await one_connection.read_once(IN_BANYUMAS, ONCE.replace("count(*)", "count(*) / 0"), [])
    await nothing_remains(one_connection)


async def test_the_scope_of_a_snapshot_that_fails_ends_with_it(one_connection: Database) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with one_connection.read(IN_BANYUMAS) as session:
            await session.rows("select 1 / 0")
    await nothing_remains(one_connection)


async def test_a_scope_of_several_spans_leaves_nothing_to_the_next(one_connection: Database) -> None:
    two = scope_of((Role.REGENCY_ADMIN, CILACAP.code), (Role.REGENCY_ADMIN, "34.04"))
    async with one_connection.read(two) as session:
        assert (await session.rows(COUNT))[0][0] == 2 * FAMILIES
    async with one_connection.read(IN_BANYUMAS) as session:
        assert (await session.rows(COUNT))[0][0] == FAMILIES
    await nothing_remains(one_connection)


async def test_the_scope_of_a_write_ends_with_it(one_connection: Database) -> None:
    for scope, regency in ((IN_BANYUMAS, BANYUMAS.id), (IN_CILACAP, CILACAP.id)):
        async with one_connection.write(scope) as session:
            rows = await session.execute(sa.text("select distinct regency_id from family"))
            assert rows.scalars().all() == [regency]
    async with one_connection._engine.connect() as connection:
        assert (await connection.execute(sa.text(COUNT))).scalar_one() == 0


async def test_a_read_cannot_write(one_connection: Database) -> None:
    async with one_connection.read(IN_BANYUMAS) as session:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await session.rows("update family set version = version")


async def test_an_insert_outside_the_scope_is_refused_by_the_database(one_connection: Database) -> None:
    inside = {"regency": BANYUMAS.id, "village": int(BANYUMAS.village(1, 1).replace(".", ""))}
    outside = {"regency": CILACAP.id, "village": int(CILACAP.village(1, 1).replace(".", ""))}
    with pytest.raises(DBAPIError) as refused:
        async with one_connection.write(IN_BANYUMAS) as session:
            await session.execute(INSERT, outside)
    assert getattr(refused.value.orig, "sqlstate", None) == "42501"
    async with one_connection.write(IN_BANYUMAS) as session:
        await session.execute(INSERT, inside)
        await session.rollback()


async def test_an_insert_into_another_village_of_the_same_regency_is_refused(one_connection: Database) -> None:
    psm = scope_of((Role.PSM, BANYUMAS.village(1, 1)))
    village = int(BANYUMAS.village(1, 2).replace(".", ""))
    with pytest.raises(DBAPIError) as refused:
        async with one_connection.write(psm) as session:
            await session.execute(INSERT, {"regency": BANYUMAS.id, "village": village})
    assert getattr(refused.value.orig, "sqlstate", None) == "42501"


async def test_an_update_touches_nothing_outside_the_scope(one_connection: Database) -> None:
    async with one_connection.write(IN_BANYUMAS) as session:
        touched = await session.execute(sa.text("update family set version = version returning regency_id"))
        assert set(touched.scalars()) == {BANYUMAS.id}
        await session.rollback()


async def test_a_row_cannot_be_handed_to_a_neighbour(one_connection: Database) -> None:
    village = int(CILACAP.village(1, 1).replace(".", ""))
    with pytest.raises(DBAPIError) as refused:
        async with one_connection.write(IN_BANYUMAS) as session:
            await session.execute(
                sa.text("update person set regency_id = :regency, village_id = :village, family_id = null"),
                {"regency": CILACAP.id, "village": village},
            )
    assert getattr(refused.value.orig, "sqlstate", None) in {"42501", "23514"}


async def test_a_statement_that_takes_too_long_is_cancelled(world: "DatabaseServer") -> None:
    database = Database(world.app, read_pool_size=1, write_pool_size=1, statement_seconds=0.05)
    await database.open()
    try:
        with pytest.raises(asyncpg.QueryCanceledError):
            await database.reference("select pg_sleep(60)")
        with pytest.raises(DBAPIError) as cancelled:
            async with database.write(IN_BANYUMAS) as session:
                await session.execute(sa.text("select pg_sleep(60)"))
        assert getattr(cancelled.value.orig, "sqlstate", None) == "57014"
        assert (await database.reference("select 1"))[0][0] == 1
    finally:
        await database.close()
