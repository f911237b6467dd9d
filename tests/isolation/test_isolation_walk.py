"""Nothing of one regency shows in another: every table, and every way through the schema."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

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
from tests.architecture.tables import INTERNAL, KNOWN, TENANT, WALLED, tables_of
from tests.authz.people import access_of, grant
from tests.isolation.arguments import argument_values, belongings, plant_belongings
from tests.isolation.happenings import happening
from tests.isolation.walking import Request, Walk, Way
from tests.support.client import ApiClient, Caller, api_of
from tests.support.world import BANYUMAS, CILACAP, SLEMAN

if TYPE_CHECKING:
    from collections.abc import Sequence

SPANNING = WALLED | {"audit_event"}
"""Rows that stand for many villages, and are seen by whoever has them all."""
SIGNED = re.compile(r"(?<=/bank-files/)[\w.-]+")
"""A link to a file: signed, with its end."""
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


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
    for table in sorted(TENANT - SPANNING):
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
    seen = await _answers(banyumas, requests)
    async with api_of(api_settings, alone) as without_neighbours:
        undisturbed = await _answers(await without_neighbours.as_(Role.REGENCY_ADMIN, BANYUMAS.code), requests)
    ids = await _ids_of_neighbours(owner)
    for request, answer, answer_without_neighbours in zip(requests, seen, undisturbed, strict=True):
        # A count, a sum, a null, an order: nothing at all may depend on rows that are not the caller's.
        assert answer == answer_without_neighbours, request
        for neighbour in (CILACAP, SLEMAN):
            assert neighbour.mark not in answer, request
            assert neighbour.masked not in answer, request
        assert ids.isdisjoint(UUID.findall(answer)), request
        for code in _codes_of_own_rows(request, tenant_types, json.loads(answer)["data"]):
            assert code == BANYUMAS.code or code.startswith(f"{BANYUMAS.code}."), request
    await _the_walk_would_notice(api_client, requests, seen)


async def _answers(caller: Caller, requests: "Sequence[Request]") -> list[str]:
    answers = []
    for request in requests:
        response = await caller.post(request.text, dict(request.variables))
        assert response.status_code == 200, f"{request}\n{response.text}"
        assert "INTERNAL_ERROR" not in response.text, request
        # What it cost, what is left of a budget, and until when a link is good depend on the clock.
        answers.append(SIGNED.sub("", json.dumps(response.json() | {"extensions": None}, ensure_ascii=False)))
    return answers


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


async def _the_walk_would_notice(api_client: ApiClient, requests: "Sequence[Request]", seen: list[str]) -> None:
    """On every way to rows of tenants Banyumas meets its own, and the ministry those of Cilacap."""
    ministry = await api_client.as_(Role.MINISTRY_ADMIN)
    own, foreign, peopled = set(), set(), set()
    for request, answer in zip(requests, seen, strict=True):
        if any(
            step.to
            in {
                "Family",
                "Person",
                "PrincipalGrant",
                "AuditEvent",
                "CivilRegistryMatching",
                "Export",
                "Import",
                "Job",
                "ProgrammeQuota",
            }
            for step in request.way
        ):
            peopled.add(request.way)
            if BANYUMAS.mark in answer:
                own.add(request.way)
            if request.way not in foreign:
                response = await ministry.post(request.text, dict(request.variables))
                if CILACAP.mark in response.text:
                    foreign.add(request.way)
    assert own == peopled
    assert foreign == peopled
