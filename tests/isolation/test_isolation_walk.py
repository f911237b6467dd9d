"""Nothing of one regency shows in another: every table, and every way through the schema."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.registry.sealing import Seal
from app.schema.root import api
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.architecture.tables import INTERNAL, KNOWN, NO_SECRET, TENANT, WALLED, tables_of
from tests.authz.people import access_of, grant
from tests.isolation.arguments import argument_values, belongings, plant_belongings
from tests.isolation.asking import UUID, answer_to
from tests.isolation.happenings import happening
from tests.isolation.walking import Request, Walk, Way
from tests.support.client import ApiClient, api_of
from tests.support.world import BANYUMAS, CILACAP, SLEMAN

pytestmark = pytest.mark.long

SPANNING = WALLED | {"audit_event"}
"""Rows that stand for many villages, and are seen by whoever has them all."""


PEOPLED = frozenset(
    {
        *("Family", "Person", "PrincipalGrant", "AuditEvent", "CivilRegistryMatching"),
        *("Export", "Import", "Job", "ProgrammeQuota"),
    }
)
"""Types whose rows bear the mark of their regency."""


@pytest_asyncio.fixture(autouse=True)
async def planted(alone: DatabaseServer, world: DatabaseServer) -> None:
    """The same things in both databases, but for those of the neighbours."""
    await plant_belongings(alone, BANYUMAS)
    await plant_belongings(world, BANYUMAS, CILACAP, SLEMAN)


@pytest_asyncio.fixture(autouse=True)
async def events(alone: DatabaseServer, world: DatabaseServer) -> AsyncIterator[None]:
    """The same events in both databases, but for those of the neighbours and those that reach beyond Banyumas."""
    async with happening(alone, BANYUMAS), happening(world, BANYUMAS, CILACAP, SLEMAN):
        yield


async def test_no_scope_shows_no_row_of_any_table_and_a_scope_shows_its_own_alone(
    world_database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    access = access_of(load_role_matrix(), grant(Role.REGENCY_ADMIN, BANYUMAS.code))
    tables = await tables_of(owner)
    assert tables == KNOWN, "say in tests/architecture/tables.py what the new table is"
    for table in sorted(TENANT - SPANNING - NO_SECRET):
        everything = f"select regency_id from {table}"  # noqa: S608  (a test's own words)
        assert await world_database.reference(everything) == [], table
        async with world_database.read(access.scope(Permission.REGISTRY_FAMILY_READ)) as session:
            seen = [row["regency_id"] for row in await session.rows(everything)]
        assert set(seen) <= {BANYUMAS.id}, table
        assert len(seen) == len(await owner.fetch(f"{everything} where regency_id = $1", BANYUMAS.id)), table
    within = "where village_low >= $1 and village_high <= $2"
    for table in sorted(SPANNING):
        everything = f"select village_low, village_high from {table}"  # noqa: S608  (a test's own words)
        assert await world_database.reference(everything) == [], table
        async with world_database.read(access.scope(Permission.PRINCIPALS_GRANT_READ)) as session:
            spans = await session.rows(everything)
        inside = await owner.fetch(f"{everything} {within}", BANYUMAS.path.villages.low, BANYUMAS.path.villages.high)
        assert sorted(spans) == sorted(inside), table
        assert len(await owner.fetch(everything)) > len(inside) > 0, table
    for table in sorted(NO_SECRET):
        everything = f"select count(*) from {table}"  # noqa: S608  (a test's own words)
        ((seen,),) = await world_database.reference(everything)
        assert seen == await owner.fetchval(everything), table
    for table in sorted(INTERNAL):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world_database.reference(f"table {table}")


async def test_nothing_of_the_neighbours_shows_on_any_way_through_the_schema(
    api_client: ApiClient,
    api_settings: Settings,
    alone: DatabaseServer,
    owner: "asyncpg.Connection[asyncpg.Record]",
    seal: Seal,
) -> None:
    blueprint = api().planner.blueprint
    walk = Walk(
        blueprint.schema,
        public=frozenset(name for name, source in blueprint.sources.items() if source.tenancy is None),
        values=argument_values(
            own=await belongings(api_client, owner, seal, BANYUMAS),
            foreign=await belongings(api_client, owner, seal, CILACAP),
        ),
    )
    requests = walk.requests()
    tenant_types = frozenset(blueprint.sources) - walk.public
    banyumas = await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    ministry = await api_client.as_(Role.MINISTRY_ADMIN)
    ids = await _ids_of_neighbours(owner)
    own, foreign, peopled = set(), set(), set()
    async with api_of(api_settings, alone) as without_neighbours:
        undisturbed = await without_neighbours.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
        for request in requests:
            answer = await answer_to(request, banyumas)
            # A count, a sum, a null, an order: nothing at all may depend on rows that are not the caller's.
            assert answer == await answer_to(request, undisturbed), request
            for neighbour in (CILACAP, SLEMAN):
                assert neighbour.mark not in answer, request
                assert neighbour.masked not in answer, request
            assert ids.isdisjoint(UUID.findall(answer)), request
            for code in _codes_of_own_rows(request, tenant_types, json.loads(answer)["data"]):
                assert code == BANYUMAS.code or code.startswith(f"{BANYUMAS.code}."), request
            # On every way to rows of tenants Banyumas meets its own, and the ministry those of Cilacap: the walk would notice.
            if PEOPLED.isdisjoint(step.to for step in request.way):
                continue
            peopled.add(request.way)
            if BANYUMAS.mark in answer:
                own.add(request.way)
            if request.way not in foreign and CILACAP.mark in await answer_to(request, ministry):
                foreign.add(request.way)
    assert own == peopled
    assert foreign == peopled


async def _ids_of_neighbours(owner: "asyncpg.Connection[asyncpg.Record]") -> set[str]:
    ids: set[str] = set()
    for statement in (
        "select id::text from family where regency_id <> $1",
        "select id::text from person where regency_id <> $1",
        "select id::text from welfare_rank where regency_id <> $1",
        "select id::text from civil_registry_matching where village_low / 1000000 <> $1 or village_high / 1000000 <> $1",
        "select id::text from registry_import where village_low / 1000000 <> $1 or village_high / 1000000 <> $1",
        "select id::text from import_duplicate where village_low / 1000000 <> $1 or village_high / 1000000 <> $1",
        "select id::text from export where village_low / 1000000 <> $1 or village_high / 1000000 <> $1",
        "select id::text from programme_quota where village_low / 1000000 <> $1",
        "select id::text from aid_cycle where village_low / 1000000 <> $1",
        "select id::text from cycle_generation where village_low / 1000000 <> $1 or village_high / 1000000 <> $1",
        "select id::text from entitlement where village_id / 1000000 <> $1",
        "select id::text from payment_order where village_low / 1000000 <> $1 and id not in (select id from job)",
        "select id::text from bank_file where village_low / 1000000 <> $1",
        "select id::text from kks_card where village_id / 1000000 <> $1",
        "select id::text from wallet where village_id / 1000000 <> $1",
        "select id::text from journal_entry where village_low / 1000000 <> $1 or village_high / 1000000 <> $1",
        "select id::text from idle_return where village_low / 1000000 <> $1 or village_high / 1000000 <> $1",
        "select id::text from health_membership where village_id / 1000000 <> $1",
        "select id::text from membership_review where village_low / 1000000 <> $1 or village_high / 1000000 <> $1",
        "select id::text from ewarong_agent where village_id / 1000000 <> $1",
        "select id::text from ewarong_service where village_id / 1000000 <> $1",
        "select id::text from ewarong_inspection where village_id / 1000000 <> $1",
        "select id::text from ewarong_violation where village_id / 1000000 <> $1",
        "select id::text from ewarong_supplier where village_low / 1000000 <> $1",
        "select id::text from ewarong_delivery where village_id / 1000000 <> $1",
        "select id::text from ewarong_other_sales where village_id / 1000000 <> $1",
        "select id::text from price_observation where village_id / 1000000 <> $1",
        "select id::text from ewarong_transaction where village_id / 1000000 <> $1",
        "select id::text from ewarong_signal where village_low / 1000000 <> $1",
        "select id::text from ewarong_screening where village_low / 1000000 <> $1 or village_high / 1000000 <> $1",
        "select id::text from job where village_low / 1000000 <> $1 or village_high / 1000000 <> $1",
        "select id::text from principal_grant where village_low / 1000000 <> $1",
        "select id::text from audit_event where village_low / 1000000 <> $1 or village_high / 1000000 <> $1",
    ):
        ids.update(row["id"] for row in await owner.fetch(statement, BANYUMAS.id))
    return ids


def _codes_of_own_rows(request: Request, tenant_types: frozenset[str], data: dict[str, Any]) -> Iterator[str]:
    """Codes of the regions that rows of the types ``tenant_types`` stand in. All other regions of an answer are public."""
    for at, step in enumerate(request.way, start=1):
        if step.to == "Region" and step.type in tenant_types:
            yield from (region["code"] for region in _at(data, request.way[:at]))


def _at(data: Any, way: Way) -> list[dict[str, Any]]:
    found = [data]
    for step in way:
        values = [value.get(step.field) for value in found]
        found = [
            item for value in values for item in (value if isinstance(value, list) else [value]) if item is not None
        ]
    return found
