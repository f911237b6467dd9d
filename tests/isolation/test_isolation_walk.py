"""Nothing of one regency shows in another: every table, and every way through the schema."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.registry.sealing import Seal
from app.schema.root import api
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.architecture.tables import INTERNAL, REFERENCE, TENANT, tables_of
from tests.authz.people import access_of, grant
from tests.isolation.arguments import argument_values, belongings
from tests.isolation.walking import Document, Walk, Way
from tests.support.client import ApiClient, Caller, api_of
from tests.support.world import BANYUMAS, CILACAP, SLEMAN

if TYPE_CHECKING:
    from collections.abc import Sequence

Owner = "asyncpg.Connection[asyncpg.Record]"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


async def test_nothing_of_the_neighbours_shows_in_any_table_or_on_any_way_through_the_schema(
    api_client: ApiClient,
    api_settings: Settings,
    alone: DatabaseServer,
    world_database: Database,
    owner: "asyncpg.Connection[asyncpg.Record]",
    seal: Seal,
) -> None:
    await every_table(world_database, owner)
    blueprint = api().planner.blueprint
    walk = Walk(
        blueprint.schema,
        public=frozenset(name for name, source in blueprint.sources.items() if source.tenancy is None),
        values=argument_values(
            own=await belongings(api_client, owner, seal, BANYUMAS),
            foreign=await belongings(api_client, owner, seal, CILACAP),
        ),
    )
    documents = walk.documents()
    banyumas = await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    seen = await _answers(banyumas, documents)
    async with api_of(api_settings, alone) as without_neighbours:
        undisturbed = await _answers(await without_neighbours.as_(Role.REGENCY_ADMIN, BANYUMAS.code), documents)
    ids = await _ids_of_neighbours(owner)
    for document, answer in seen.items():
        # A count, a sum, a null, an order: nothing at all may depend on rows that are not the caller's.
        assert answer == undisturbed[document], document.text
        for neighbour in (CILACAP, SLEMAN):
            assert neighbour.mark not in answer, document.text
            assert neighbour.masked not in answer, document.text
        assert ids.isdisjoint(UUID.findall(answer)), document.text
        for code in _codes_of_own_rows(document, walk.public, json.loads(answer)["data"]):
            assert code == BANYUMAS.code or code.startswith(f"{BANYUMAS.code}."), document.text
    await _the_walk_would_notice(api_client, documents, seen)


async def every_table(database: Database, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """No scope, no rows; the scope of Banyumas, all rows of Banyumas and none of anybody else."""
    access = access_of(load_role_matrix(), grant(Role.REGENCY_ADMIN, BANYUMAS.code))
    tables = await tables_of(owner)
    assert tables == TENANT | REFERENCE | INTERNAL, "say in tests/architecture/tables.py what the new table is"
    for table in sorted(TENANT):
        everything = f"select regency_id from {table}"
        assert await database.reference(everything) == [], table
        async with database.read(access.scope(Permission.REGISTRY_FAMILY_READ)) as session:
            seen = [row["regency_id"] for row in await session.rows(everything)]
        assert set(seen) <= {BANYUMAS.id}, table
        assert len(seen) == await owner.fetchval(f"select count(*) from {table} where regency_id = $1", BANYUMAS.id)
    for table in sorted(INTERNAL):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.reference(f"select * from {table}")


async def _answers(caller: Caller, documents: "Sequence[Document]") -> dict[Document, str]:
    answers = {}
    for document in documents:
        response = await caller.post(document.text)
        assert response.status_code == 200, f"{document.text}\n{response.text}"
        answers[document] = response.text
    return answers


async def _ids_of_neighbours(owner: "asyncpg.Connection[asyncpg.Record]") -> set[str]:
    ids: set[str] = set()
    for table in ("family", "person", "welfare_rank"):
        rows = await owner.fetch(f"select id::text from {table} where regency_id <> $1", BANYUMAS.id)
        ids.update(row["id"] for row in rows)
    return ids


def _codes_of_own_rows(document: Document, public: frozenset[str], data: dict[str, Any]) -> Iterator[str]:
    """Codes of regions that rows of a tenant point at. Regions that the caller named, or reached from others, are public."""
    for at, step in enumerate(document.way):
        above = document.way[at - 1].to if at else "Query"
        asked_for = step.type in {"Query", "RegistrySummary"} or above in public or step.type in public
        if step.to == "Region" and not asked_for:
            yield from (region["code"] for region in _at(data, document.way[: at + 1]))


def _at(data: Any, way: Way) -> list[dict[str, Any]]:
    found = [data]
    for step in way:
        values = [value.get(step.field) for value in found]
        found = [
            item for value in values for item in (value if isinstance(value, list) else [value]) if item is not None
        ]
    return found


async def _the_walk_would_notice(api_client: ApiClient, documents: "Sequence[Document]", seen: dict[Document, str]) -> None:
    """On every way to a family or a person Banyumas meets its own people, and the ministry those of Cilacap."""
    ministry = await _answers(await api_client.as_(Role.MINISTRY_ADMIN), documents)
    noticed: dict[Way, set[str]] = {}
    for document in documents:
        assert "errors" not in json.loads(seen[document]) or "after:" in document.text, seen[document]
        marks = noticed.setdefault(document.way, set())
        marks |= {mark for mark in (BANYUMAS.mark,) if mark in seen[document]}
        marks |= {mark for mark in (CILACAP.mark,) if mark in ministry[document]}
    for way, marks in noticed.items():
        if any("Family" in step or "Person" in step for step in way):
            assert marks == {BANYUMAS.mark, CILACAP.mark}, way
