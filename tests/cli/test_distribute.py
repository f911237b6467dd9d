"""Laying tables out on Citus. There is none here: a stand-in refuses what the sources of Citus say that it refuses, and keeps a record.

It has the same functions and tables as the extension, as far as Kesos uses them, and no shards.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest

from app.tenants.distribution import NOTHING, Layout, read_layout, steps_left
from app.tenants.migrate import migrate
from app.tenants.server import DatabaseServer, prepare
from tests.architecture.tables import KNOWN, REFERENCE, TENANT
from tests.cli.terminal import Ended, Terminal
from tests.support.process import url_of
from tests.support.world import connected, drop, named

_T = TypeVar("_T")
_STAND_IN = """
set allow_system_table_mods = on;
insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
values (999999, 'citus', 10, 11, false, '13.0-1');
create table pg_catalog.pg_dist_partition (
  logicalrelid regclass, partmethod "char", partkey text, colocationid int, repmodel "char", shards int);
create table pg_catalog.pg_dist_node (groupid int);
create table pg_catalog.pg_dist_object (classid oid, objid oid);
create function pg_catalog.column_to_column_name(regclass, text) returns text language sql as 'select $2';
create function pg_catalog.run_command_on_workers(text) returns table (result text) language sql as
  $$ select current_setting('worker.enable_unsafe_triggers', true) $$;
create function pg_catalog.refuse_what_citus_refuses(asked regclass, key text) returns void language plpgsql as $$
declare found text;
begin
  if exists (select from pg_dist_partition where logicalrelid = asked) then
    raise 'table % is already distributed', asked;
  end if;
  if asked::text = current_setting('worker.lost', true) then
    raise 'connection to the remote node failed with the following error: %', asked;
  end if;
  if current_setting('citus.enable_unsafe_triggers', true) is distinct from 'on' then
    select tgname into found from pg_trigger where tgrelid = asked and not tgisinternal limit 1;
    if found is not null then raise 'cannot distribute relation % because it has triggers: %', asked, found; end if;
  end if;
  select polname into found from pg_policy where polrelid = asked and not polpermissive limit 1;
  if found is not null then raise 'the policy % would become permissive', found; end if;
  select conname into found from pg_constraint where conrelid = asked and contype in ('p', 'u', 'x') and key is not null
    and (select attnum from pg_attribute where attrelid = asked and attname = key) <> all (conkey) limit 1;
  if found is not null then raise 'cannot create constraint %', found; end if;
  select conname into found from pg_constraint f left join pg_dist_partition d on d.logicalrelid = f.confrelid
    where f.conrelid = asked and f.contype = 'f' and f.confrelid <> asked
    and (d.logicalrelid is null or key is null and d.partmethod <> 'n') limit 1;
  if found is not null then raise 'referenced table must be a distributed table or a reference table: %', found; end if;
end $$;
create function pg_catalog.create_reference_table(asked regclass) returns void language sql as $$
  select refuse_what_citus_refuses(asked, null);
  insert into pg_dist_partition values (asked, 'n', null, 1, 't', 1) $$;
create function pg_catalog.create_distributed_table(
  asked regclass, key text, distribution_type text default 'hash', colocate_with text default 'default', shard_count int default null
) returns void language sql as $$
  select refuse_what_citus_refuses(asked, key);
  insert into pg_dist_partition select asked, 'h', key, coalesce(max(colocationid), 2), 's', coalesce(max(shards), shard_count, 32)
    from pg_dist_partition where logicalrelid = case when colocate_with not in ('none', 'default') then colocate_with::regclass end $$;
create function pg_catalog.create_distributed_function(asked regprocedure) returns void language sql as
  $$ insert into pg_dist_object values ('pg_proc'::regclass, asked) $$;
"""
_PLACED = "select count(*) from pg_dist_partition"
_UNDO = """
delete from pg_dist_partition; delete from pg_dist_node; delete from pg_dist_object;
alter table job drop constraint if exists job_principal_fk;
drop policy if exists family_narrow on family;
alter policy journal_entry_append on journal_entry with check (true);
drop policy if exists journal_entry_place on journal_entry;
create policy journal_entry_place on journal_entry as restrictive for insert to kesos_app with check ({restriction});
"""


def run(work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(work)


async def _execute(server: DatabaseServer, statement: str) -> None:
    async with connected(server) as owner:
        await owner.execute(statement)


async def _value(server: DatabaseServer, statement: str) -> Any:
    async with connected(server) as owner:
        return await owner.fetchval(statement)


async def _layout(server: DatabaseServer) -> Layout:
    async with connected(server) as owner:
        return await read_layout(owner)


async def _make_cluster(server: DatabaseServer) -> None:
    await drop(server)
    await prepare(server)
    await migrate(server)
    async with connected(server) as owner:
        await owner.execute(
            "insert into region (id, code, level, kind, name, village_low, village_high) "
            "values (33, '33', 'PROVINCE', 'PROVINCE', 'Jawa Tengah', 3300000000, 3399999999)"
        )
        await owner.execute(_STAND_IN)


@pytest.fixture
def stock(server: DatabaseServer) -> DatabaseServer:
    """A database without Citus."""
    return server


@pytest.fixture(scope="module")
def stand_in(running_server: DatabaseServer) -> Iterator[DatabaseServer]:
    """A migrated database with the stand-in."""
    stand_in = named(running_server, "citus")
    run(_make_cluster(stand_in))
    yield stand_in
    run(drop(stand_in))


@pytest.fixture
def cluster(stand_in: DatabaseServer) -> Iterator[DatabaseServer]:
    """The same as an operator has to set it, with nothing laid out; what a test did to it is undone."""
    restriction = run(_value(stand_in, "select with_check from pg_policies where permissive = 'RESTRICTIVE'"))
    run(_configure(stand_in, "citus.enable_unsafe_triggers", "on"))
    run(_configure(stand_in, "worker.enable_unsafe_triggers", "on"))
    yield stand_in
    run(_execute(stand_in, _UNDO.format(restriction=restriction)))


async def _configure(server: DatabaseServer, setting: str, value: str) -> None:
    await _execute(server, f"alter database {server.admin.database} set {setting} = '{value}'")


def distribute(server: DatabaseServer, *options: str) -> Ended:
    return Terminal(Path.cwd(), KESOS_DATABASE_URL=url_of(server)).kesos("distribute", *options)


def refused(ended: Ended) -> str:
    assert (ended.code, ended.out) == (1, "")
    sentence = ended.err.splitlines()[-1]
    assert sentence.startswith("kesos: ")
    return sentence


def statements(ended: Ended) -> list[str]:
    assert ended.code == 0, ended.err
    return [line.removesuffix(";") for line in ended.out.splitlines() if not line.startswith("--")]


def test_the_catalogue_tells_the_tables_of_tenants_from_those_of_everybody_and_the_rest(stock: DatabaseServer) -> None:
    layout = run(_layout(stock))
    assert set(layout.tenant) == TENANT
    assert set(layout.reference) == REFERENCE
    assert set(layout.local) == KNOWN - TENANT - REFERENCE
    assert len(layout.tenant) + len(layout.reference) + len(layout.local) == len(KNOWN)


def test_every_node_gets_the_functions_that_triggers_call(stock: DatabaseServer) -> None:
    assert run(_layout(stock)).helpers == ("ledger_entry_id(integer,text)", "ledger_slot()")


def test_without_citus_nothing_is_changed_and_it_is_said_what_to_do(stock: DatabaseServer) -> None:
    before = run(_value(stock, "select count(*) from pg_policies where permissive = 'RESTRICTIVE'"))
    sentence = refused(distribute(stock, "--yes"))
    assert "has no Citus, and nothing was changed: install its extension on every node" in sentence
    assert run(_value(stock, "select count(*) from pg_policies where permissive = 'RESTRICTIVE'")) == before == 1


def test_the_plan_is_printed_without_citus_and_can_be_piped(stock: DatabaseServer) -> None:
    planned = distribute(stock, "--plan")
    assert statements(planned) == [each.sql for each in steps_left(run(_layout(stock)), NOTHING)]
    assert "\n-- The coordinator keeps alembic_version, pgqueuer" in planned.out
    assert "shard_count => 64" in distribute(stock, "--plan", "--shards", "64").out


def test_the_plan_runs_nothing(cluster: DatabaseServer) -> None:
    assert len(statements(distribute(cluster, "--plan"))) > len(TENANT | REFERENCE)
    assert run(_value(cluster, _PLACED)) == 0


def test_every_table_is_laid_out_once_with_its_regency_beside_the_others(cluster: DatabaseServer) -> None:
    done = distribute(cluster, "--yes", "--shards", "16")
    assert done.code == 0, done.err
    assert done.out == f"{len(TENANT)} tables are distributed by regency, {len(REFERENCE)} are on every node.\n"
    assert "may reach no rows of another regency" in done.err
    spread = "select count(*) from pg_dist_partition where (partmethod, partkey, colocationid, shards) = ('h', 'regency_id', 2, 16)"
    assert run(_value(cluster, spread)) == len(TENANT)
    assert run(_value(cluster, "select count(*) from pg_dist_partition where partmethod = 'n'")) == len(REFERENCE)
    again = distribute(cluster)
    assert (again.code, again.out) == (0, "Every table is where it belongs: nothing was left to do.\n")
    assert statements(distribute(cluster, "--plan")) == []


def test_what_was_interrupted_is_taken_up_where_it_stopped(cluster: DatabaseServer) -> None:
    whole = statements(distribute(cluster, "--plan"))
    run(_configure(cluster, "worker.lost", "person"))
    sentence = refused(distribute(cluster, "--yes"))
    failed = next(at for at, each in enumerate(whole) if "public.person'" in each)
    assert f"{failed} of {len(whole)} statements are done and stay so" in sentence
    assert "connection to the remote node failed" in sentence
    assert statements(distribute(cluster, "--plan")) == whole[failed:]
    run(_configure(cluster, "worker.lost", ""))
    assert distribute(cluster, "--yes").code == 0
    assert run(_value(cluster, _PLACED)) == len(TENANT | REFERENCE)


def test_nobody_is_asked_twice_and_a_no_changes_nothing(cluster: DatabaseServer) -> None:
    assert distribute(cluster).code == 1
    assert run(_value(cluster, _PLACED)) == 0


@pytest.mark.parametrize("node", ["citus", "worker"])
def test_triggers_are_allowed_on_every_node_or_nothing_is_done(cluster: DatabaseServer, node: str) -> None:
    run(_configure(cluster, f"{node}.enable_unsafe_triggers", "off"))
    assert "set citus.enable_unsafe_triggers to on at every node (1 lack it)" in refused(distribute(cluster, "--yes"))
    assert run(_value(cluster, _PLACED)) == 0


def test_a_coordinator_that_is_no_node_is_refused(cluster: DatabaseServer) -> None:
    run(_execute(cluster, "insert into pg_dist_node values (1)"))
    assert "call citus_set_coordinator_host" in refused(distribute(cluster, "--yes"))
    run(_execute(cluster, "insert into pg_dist_node values (0)"))
    assert distribute(cluster, "--yes").code == 0


@pytest.mark.parametrize(
    ("row", "advice"),
    [
        ("('family', 'h', 'village_id', 2, 's', 32)", "family would lie elsewhere: call undistribute_table"),
        ("('family', 'n', null, 1, 't', 1)", "family would lie elsewhere"),
        ("('region', 'h', 'regency_id', 2, 's', 32)", "region would lie elsewhere"),
        ("('job', 'h', 'regency_id', 3, 's', 32), ('upload', 'h', 'regency_id', 2, 's', 32)", "lie apart, in 2 groups"),
    ],
)
def test_a_table_that_lies_elsewhere_is_left_to_its_operator(cluster: DatabaseServer, row: str, advice: str) -> None:
    run(_execute(cluster, f"insert into pg_dist_partition values {row}"))  # noqa: S608  (our own words)
    placed = run(_value(cluster, _PLACED))
    assert advice in refused(distribute(cluster, "--yes"))
    assert run(_value(cluster, _PLACED)) == placed


def test_a_table_that_citus_keeps_on_the_coordinator_for_the_time_being_is_still_to_be_done(
    cluster: DatabaseServer,
) -> None:
    whole = statements(distribute(cluster, "--plan"))
    run(_execute(cluster, "insert into pg_dist_partition values ('family', 'n', null, 0, 's', 1)"))
    assert statements(distribute(cluster, "--plan")) == whole


def test_a_foreign_key_to_a_table_that_stays_is_named(cluster: DatabaseServer) -> None:
    run(
        _execute(
            cluster,
            "alter table job add constraint job_principal_fk foreign key (subject_id) references principal (id)",
        )
    )
    assert "job points at principal, which would stay on the coordinator" in refused(distribute(cluster, "--yes"))


def test_a_restriction_that_cannot_be_done_without_is_named(cluster: DatabaseServer) -> None:
    run(
        _execute(
            cluster, "create policy family_narrow on family as restrictive for select to kesos_app using (decile < 5)"
        )
    )
    assert "take the restrictive policy family_narrow on family for a permission" in refused(
        distribute(cluster, "--yes")
    )


async def _appends(server: DatabaseServer, village: int) -> None:
    """Append to the journal in ``village``, as somebody who has Cilacap, for a programme that there is not."""
    connection = await server.app.connect()
    try:
        async with connection.transaction():
            await connection.execute("select kesos_scope(3301, 3301, 3301000000, 3301999999, '', '', '')")
            await connection.execute(
                "insert into journal_entry (regency_id, id, village_low, village_high, kind, programme_code, family_id, source_id, "
                "source_key, principal_id, reason) "
                "select $1::bigint / 1000000, u, $1, $1, 'REVERSAL', 'NONE', u, u, 'REVERSAL:' || u, u, 'x' from gen_random_uuid() u",
                village,
            )
    finally:
        await connection.close()


def test_the_journal_is_appended_to_within_the_scope_alone_when_no_policy_restricts_any_more(
    cluster: DatabaseServer,
) -> None:
    assert distribute(cluster, "--yes").code == 0
    assert run(_value(cluster, "select count(*) from pg_policy where not polpermissive")) == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        run(_appends(cluster, 3302012001))
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        run(_appends(cluster, 3301012001))
