from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.authz.enforcer import RoleMatrix, load_role_matrix
from app.domain.registry.sealing import Seal
from app.domain.registry.seed import seed_registry
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.registry.conftest import Place
from tests.registry.dukcapil.gateways import Simulated, simulated
from tests.registry.dukcapil.office import Office
from tests.support.world import connected

if TYPE_CHECKING:
    import asyncpg

FAMILIES = 40


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """A civil registry that half of the people do not match, so that every result comes up."""
    with simulated(tmp_path_factory.mktemp("simulator"), "--matched", "0.5", "--rate", "1000") as simulator:
        yield simulator


@pytest.fixture(scope="session")
def matrix() -> RoleMatrix:
    return load_role_matrix()


@pytest_asyncio.fixture(scope="session")
async def registrar(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """The administrator of the database, who sees every row."""
    async with connected(server) as connection:
        yield connection


@pytest_asyncio.fixture(scope="session")
async def town(
    server: DatabaseServer,
    registrar: "asyncpg.Connection[asyncpg.Record]",
    seal: Seal,
    places: Iterator[Place],
    edition_id: int,  # noqa: ARG001  (families belong to an edition)
) -> Place:
    """A regency whose families live in two villages; how its people stood at first is kept."""
    place = next(places)
    async with open_loader(server) as loader:
        await seed_registry(loader, region=place.regency, families=FAMILIES, seed=4, seal=seal, today=date(2026, 7, 31))
    for table, whose in (("family", "id"), ("welfare_rank", "family_id"), ("person", "coalesce(family_id, id)")):
        await registrar.execute(
            f"update {table} set village_id = case when hashtext(({whose})::text) < 0 then $2::bigint else $3 end where regency_id = $1",  # noqa: S608  (a test's own words)
            *(place.regency.id, place.village.id, place.neighbour.id),
        )
    await registrar.execute(
        "update person set identity_status = 'NIK_ISSUED', mismatch_reason = null, presence = 'PRESENT' "
        "where regency_id = $1 and nik_sealed is not null",
        place.regency.id,
    )
    await registrar.execute(
        "create temp table at_first as select * from person where regency_id = $1", place.regency.id
    )
    return place


@pytest_asyncio.fixture
async def office(  # noqa: PLR0917  (all that an office needs)
    server: DatabaseServer,
    database: Database,
    registrar: "asyncpg.Connection[asyncpg.Record]",
    seal: Seal,
    matrix: RoleMatrix,
    town: Place,
) -> Office:
    """The office of the town, none of whose people has been compared yet."""
    await registrar.execute(
        "update person p set identity_status = f.identity_status, mismatch_reason = f.mismatch_reason, presence = f.presence, "
        "name = f.name, nik_sealed = f.nik_sealed, version = f.version from at_first f "
        "where p.regency_id = f.regency_id and p.id = f.id"
    )
    return Office(server, database, registrar, seal, matrix, town)
