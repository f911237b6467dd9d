"""Entitlements for the families of a seeded registry: what a family is to receive is a part of what people look up."""

from datetime import UTC, date, datetime
from typing import Final

from uuid_utils.compat import uuid7

from app.authz.authorize import OPERATOR_ID, authorize, operator_access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.domain.bansos.cycles.generation import Maker, generate
from app.domain.bansos.cycles.service import Actor, make
from app.domain.bansos.programmes.loading import load_programmes
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from bench.cycles import BenchWork
from bench.stage import PROVINCE

_PROGRAMME: Final = "SEMBAKO"
_MAKE: Final = Permission.BANSOS_CYCLE_MAKE


async def with_entitlements(server: DatabaseServer) -> None:
    """Make and generate the cycles of this year's first period of Sembako, unless there are entitlements."""
    owner = await server.admin.connect()
    try:
        if await owner.fetchval("select true from entitlement limit 1"):
            return
        async with open_loader(server) as loader:
            await load_programmes(loader)
        await _generate(server)
        await owner.execute("vacuum analyze")
    finally:
        await owner.close()


async def _generate(server: DatabaseServer) -> None:
    access = operator_access(RegionPath.country(), load_role_matrix())
    scope = authorize(access, _MAKE)
    database = Database(server.app, read_pool_size=1, write_pool_size=4)
    await database.open()
    try:
        async with database.write(scope) as session:
            made = await make(
                session,
                Actor(OPERATOR_ID, "bench"),
                programme=_PROGRAMME,
                period=date(datetime.now(tz=UTC).year, 1, 1),
                region=PROVINCE,
                idempotency_key=uuid7(),
            )
        work = BenchWork(server, database, made.id, made.villages)
        await generate(work, scope, Maker(OPERATOR_ID, access.roles(_MAKE), _MAKE.value))
    finally:
        await database.close()
