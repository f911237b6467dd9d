"""Revisions go up, down to nothing, and up again, on an empty database and on one that holds families."""

from collections.abc import AsyncIterator
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

import pytest_asyncio

from app.domain.insights.service import verify_summaries
from app.domain.registry.sealing import Seal
from app.domain.registry.seed import seed_registry
from app.domain.registry.service import load_editions
from app.tenants.migrate import migrate
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer, prepare
from app.tenants.session import open_loader
from tests.architecture.tables import KNOWN, tables_of
from tests.support.outlets import plant_agent
from tests.support.world import connected, drop, named

if TYPE_CHECKING:
    import asyncpg

VILLAGE = RegionPath.parse("33.02.01.2001")
_LEFT = """
select 'table ' || relname as what from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'S', 'm')
union all select 'type ' || typname from pg_type where typnamespace = 'public'::regnamespace and typtype = 'e'
union all select 'function ' || proname from pg_proc where pronamespace = 'public'::regnamespace
union all select 'policy ' || polname from pg_policy
"""
_SHAPE = """
select 'column', table_name, column_name, data_type || ' ' || udt_name || ' ' || is_nullable || coalesce(column_default, '')
  from information_schema.columns where table_schema = 'public'
union all select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
  where connamespace = 'public'::regnamespace
union all select 'index', tablename, indexname, indexdef from pg_indexes where schemaname = 'public'
union all select 'policy', tablename, policyname, concat(roles, cmd, qual, with_check) from pg_policies
union all select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
union all select 'function', proname, '', pg_get_functiondef(oid) || coalesce(proacl::text, '') from pg_proc
  where pronamespace = 'public'::regnamespace
union all select 'privileges', relname, '', relacl::text from pg_class where relnamespace = 'public'::regnamespace
order by 1, 2, 3, 4
"""


@pytest_asyncio.fixture
async def scratch(server: DatabaseServer) -> AsyncIterator[DatabaseServer]:
    """A database of the same server in which nothing has been made yet."""
    scratch = named(server, "scratch")
    await drop(scratch)
    await prepare(scratch)
    yield scratch
    await drop(scratch)


@pytest_asyncio.fixture
async def scratch_owner(scratch: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(scratch) as connection:
        yield connection


async def left(owner: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    return [row["what"] for row in await owner.fetch(_LEFT)]


async def shape(owner: "asyncpg.Connection[asyncpg.Record]") -> list[tuple[str, ...]]:
    """Everything that revisions make, as text."""
    return [tuple(row) for row in await owner.fetch(_SHAPE)]


async def fill(scratch: DatabaseServer, seal: Seal) -> None:
    """One village with a few families, and somebody to whom it is granted."""
    async with connected(scratch) as owner:
        parent = None
        for code in ("33", "33.02", "33.02.01", VILLAGE.code):
            path = RegionPath.parse(code)
            kind = {"PROVINCE": "PROVINCE", "REGENCY": "KABUPATEN", "DISTRICT": "DISTRICT"}.get(path.level, "DESA")
            await owner.execute(
                "insert into region (id, code, level, kind, name, parent_id, village_low, village_high) "
                "values ($1, $2, $3, $4, $2, $5, $6, $7)",
                *(path.id, code, path.level.value, kind, parent, path.villages.low, path.villages.high),
            )
            parent = path.id
        await owner.execute(
            "with p as (insert into principal (id, issuer, subject, name) values (gen_random_uuid(), 'i', 's', 'n') returning id) "
            "insert into principal_grant (id, principal_id, holder_subject, holder_name, role, region_id, status, people) "
            "select gen_random_uuid(), id, 's', 'n', 'PSM', $1, 'ACTIVE', 1 from p",
            VILLAGE.id,
        )
    async with open_loader(scratch) as loader:
        await load_editions(loader)
        await seed_registry(loader, region=VILLAGE, families=5, seed=1, seal=seal, today=date(2026, 7, 31))


async def test_an_empty_database_goes_up_down_to_nothing_and_up_to_the_same_again(
    scratch: DatabaseServer, scratch_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await migrate(scratch)
    made = await shape(scratch_owner)
    assert await tables_of(scratch_owner) == KNOWN
    await migrate(scratch, "base", down=True)
    assert await left(scratch_owner) == ["table alembic_version"]
    assert await scratch_owner.fetchval("select count(*) from alembic_version") == 0
    await migrate(scratch)
    assert await shape(scratch_owner) == made


async def test_a_database_with_families_goes_down_to_nothing_and_up_to_the_same_again(
    scratch: DatabaseServer, scratch_owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal
) -> None:
    await migrate(scratch)
    made = await shape(scratch_owner)
    await fill(scratch, seal)
    assert await scratch_owner.fetchval("select sum(families) from registry_summary") > 0
    await migrate(scratch, "base", down=True)
    assert await left(scratch_owner) == ["table alembic_version"]
    await migrate(scratch)
    assert await shape(scratch_owner) == made
    await fill(scratch, seal)
    assert await scratch_owner.fetchval("select count(*) from family") == 5


async def test_every_revision_can_be_left_and_taken_again(
    scratch: DatabaseServer, scratch_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    shapes = [await shape(scratch_owner)]
    for _ in range(5):
        await migrate(scratch, "+1")
        shapes.append(await shape(scratch_owner))
    await migrate(scratch)
    while await scratch_owner.fetchval("select count(*) from alembic_version"):
        await migrate(scratch, "-1", down=True)
    assert len({len(each) for each in shapes}) == len(shapes)


async def test_migrating_what_is_migrated_changes_nothing(
    scratch: DatabaseServer, scratch_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await migrate(scratch)
    made = await shape(scratch_owner)
    await migrate(scratch)
    assert await shape(scratch_owner) == made


async def test_the_tables_are_those_of_the_models(server: DatabaseServer) -> None:
    await migrate(server, check=True)


async def test_what_was_proposed_or_revoked_does_not_come_to_count_when_a_database_goes_down(
    scratch: DatabaseServer, scratch_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await migrate(scratch, "0006")
    await scratch_owner.execute(
        "with p as (insert into principal (id, issuer, subject, name) values (gen_random_uuid(), 'i', 's', 'n') returning *) "
        "insert into principal_grant (id, principal_id, holder_subject, holder_name, role, status, people, lapses_at, "
        "revoked_by, revoked_by_name, revoked_at) select gen_random_uuid(), p.id, 's', 'n', role, status, 1, now(), o.id, o.name, at "
        "from p, (values ('AUDITOR', 'ACTIVE', null), ('BANK_OFFICER', 'PROPOSED', null), ('TKSK', 'REVOKED', now())) "
        "as g(role, status, at) left join principal o on o.subject = 'operator' and at is not null"
    )
    roles = "select jsonb_path_query_array(principal_by_subject('i', 's')::jsonb, '$.grants[*].role')::text"
    assert await scratch_owner.fetchval(roles) == '["AUDITOR"]'
    await migrate(scratch, "0005", down=True)
    assert await scratch_owner.fetchval(roles) == '["AUDITOR"]'
    await migrate(scratch, "0006")
    assert await scratch_owner.fetchval(roles) == '["AUDITOR"]'


async def test_persons_counted_by_birth_year_stay_counted_when_years_become_decades_and_back(
    scratch: DatabaseServer, scratch_owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal
) -> None:
    by_year = "select regency_id, region_id, slot, birth_year, sex, depth, village_low, village_high, persons from registry_cohort"
    await migrate(scratch, "0013")
    await fill(scratch, seal)
    await scratch_owner.execute("update person set birth_date = null where id = (select id from person limit 1)")
    before = await scratch_owner.fetch(f"{by_year} where persons <> 0 order by 1, 2, 3, 4, 5")
    assert {row["depth"] for row in before} == {2, 3, 4}
    await migrate(scratch, "0014")
    async with open_loader(scratch) as loader:
        assert await verify_summaries(loader) == []
    await migrate(scratch, "0013", down=True)
    assert await scratch_owner.fetch(f"{by_year} order by 1, 2, 3, 4, 5") == before
    await scratch_owner.execute("delete from person")
    assert await scratch_owner.fetchval("select sum(persons) from registry_cohort") == 0


async def test_a_device_that_was_handed_on_goes_down_with_the_outlet_for_which_it_synced_last(
    scratch: DatabaseServer, scratch_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await migrate(scratch, "0035")
    outlets = [await plant_agent(scratch_owner, VILLAGE.code) for _ in range(3)]
    synced = (
        "insert into ewarong_device (regency_id, id, village_id, agent_id, synced_at) "
        "values ($1, gen_random_uuid(), $2, $3, now()), ($1, $4, $2, $3, now() - $5::int * interval '1 day')"
    )
    for outlet, days in zip(outlets, (2, 1, 3), strict=True):
        await scratch_owner.execute(synced, outlet.regency_id, outlet.village_id, outlet.id, UUID(int=1), days)
    await migrate(scratch, "0034", down=True)
    of_device = "select agent_id from ewarong_device where id = $1"
    assert [row["agent_id"] for row in await scratch_owner.fetch(of_device, UUID(int=1))] == [outlets[1].id]
    assert await scratch_owner.fetchval("select count(*) from ewarong_device") == 4
    await migrate(scratch, "0035")
    assert await scratch_owner.fetchval("select count(*) from ewarong_device") == 4
