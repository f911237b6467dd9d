"""What is written in one statement, and that it is on disk when it is answered."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.authz.authorize import authorize
from app.authz.enforcer import RoleMatrix, load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import SCOPE_CALL, Database
from tests.authz.people import access_of, grant
from tests.support.world import BANYUMAS, CILACAP, connected

_SETTING = f"with scope as materialized (select {SCOPE_CALL}) select current_setting($8) as it from scope"  # noqa: S608  (our own words)
_MARK = f"""
with scope as materialized (select {SCOPE_CALL}), marked as (
  update family set rt = rt where regency_id = $8::int and exists (select from scope) returning id
)
select count(*) as it from marked, scope
"""  # noqa: S608  (our own words)


@pytest.fixture(scope="module")
def matrix() -> RoleMatrix:
    return load_role_matrix()


@pytest.fixture
def scope(matrix: RoleMatrix) -> TenantScope:
    return authorize(access_of(matrix, grant(Role.REGENCY_ADMIN, BANYUMAS.code)), Permission.REGISTRY_FAMILY_READ)


@pytest_asyncio.fixture
async def careless(world: DatabaseServer) -> AsyncIterator[Database]:
    """A database that is set to acknowledge what is not on disk yet."""
    name = world.admin.database
    async with connected(world) as owner:
        await owner.execute(f"alter role kesos_app in database {name} set synchronous_commit = off")
        try:
            database = Database(world.app, read_pool_size=1, write_pool_size=2)
            await database.open()
            yield database
            await database.close()
        finally:
            await owner.execute(f"alter role kesos_app in database {name} reset synchronous_commit")


async def test_what_is_acknowledged_is_on_disk_whatever_the_database_is_set_to(
    careless: Database, scope: TenantScope
) -> None:
    async with careless.write(scope) as session:
        assert await session.scalar(sa.text("show synchronous_commit")) == "on"
    assert (await careless.write_once(scope, _SETTING, ["synchronous_commit"]))["it"] == "on"


async def test_one_statement_reads_committed_rows_and_may_write(careless: Database, scope: TenantScope) -> None:
    assert (await careless.write_once(scope, _SETTING, ["transaction_isolation"]))["it"] == "read committed"
    assert (await careless.write_once(scope, _SETTING, ["transaction_read_only"]))["it"] == "off"


async def test_a_statement_that_writes_stays_within_its_scope(careless: Database, scope: TenantScope) -> None:
    assert (await careless.write_once(scope, _MARK, [BANYUMAS.id]))["it"] > 0
    assert (await careless.write_once(scope, _MARK, [CILACAP.id]))["it"] == 0


async def test_its_scope_ends_with_it(careless: Database, scope: TenantScope) -> None:
    """The connection goes back to the pool and carries nothing to whoever takes it next."""
    await careless.write_once(scope, _SETTING, ["app.village_low"])
    nowhere = TenantScope.of(())
    assert (await careless.write_once(nowhere, _MARK, [BANYUMAS.id]))["it"] == 0
