"""Where each table lies on a cluster of Citus: read from the catalogue, and brought about step by step.

No list of tables is kept. A table whose primary key begins with ``regency_id`` is a tenant's and is distributed by it; one that everybody
may read, that jobs keep and that has no triggers is copied to every node; whatever else there is stays on the coordinator.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Final

from app.tenants.rls import APP_ROLE, LOADER_ROLE

if TYPE_CHECKING:
    import asyncpg

KEY: Final = "regency_id"
SHARDS: Final = 32
_TABLES: Final = """
select c.relname::text as name,
  exists (select from pg_constraint k join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
    where k.conrelid = c.oid and k.contype = 'p' and a.attname = $3) as of_tenants,
  not c.relrowsecurity and has_table_privilege($1, c.oid, 'select') and has_table_privilege($2, c.oid, 'update') as of_everybody,
  array(select t.tgname::text from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal order by 1) as triggers,
  array(select distinct f.relname::text from pg_constraint k join pg_class f on f.oid = k.confrelid
    where k.conrelid = c.oid and k.contype = 'f' and f.oid <> c.oid order by 1) as targets
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by 1
"""
_FUNCTIONS: Final = """
select p.proname::text as name, p.oid::regprocedure::text as signature, p.prosrc as body,
  exists (select from pg_trigger t join pg_class c on c.oid = t.tgrelid where t.tgfoid = p.oid and c.relname = any ($1)) as fired
from pg_proc p
where p.pronamespace = 'public'::regnamespace
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
order by 2
"""
# Citus makes the policies of a shard anew without the word RESTRICTIVE, so that one more condition would become one more permission.
_RESTRICTIONS: Final = """
select r.tablename::text as table, r.policyname::text as name, r.cmd, r.with_check as condition,
  p.policyname::text as into, p.with_check as already
from pg_policies r
left join pg_policies p on p.schemaname = r.schemaname and p.tablename = r.tablename and p.permissive = 'PERMISSIVE'
  and p.cmd in ('INSERT', 'ALL') and p.roles && r.roles
where r.schemaname = 'public' and r.permissive = 'RESTRICTIVE' order by 1, 2, 5
"""
_PLACED: Final = """
select c.relname::text as name, d.partmethod::text as method, d.repmodel::text as copies, d.colocationid as colocation,
  case when d.partkey is not null then column_to_column_name(d.logicalrelid, d.partkey) end as key
from pg_dist_partition d join pg_class c on c.oid = d.logicalrelid where c.relnamespace = 'public'::regnamespace
"""
_KNOWN_FUNCTIONS: Final = """
select p.oid::regprocedure::text as signature from pg_dist_object o
join pg_proc p on o.classid = 'pg_proc'::regclass and o.objid = p.oid where p.pronamespace = 'public'::regnamespace
"""
# A cluster without nodes is its coordinator alone, which Citus then makes the first of them.
_COORDINATOR_IS_NODE: Final = "select count(*) = 0 or bool_or(groupid = 0) from pg_dist_node"
_UNSAFE_TRIGGERS: Final = """
select count(*) filter (where value is distinct from 'on') from (
  select current_setting('citus.enable_unsafe_triggers', true) as value
  union all select result from run_command_on_workers('show citus.enable_unsafe_triggers')
) nodes
"""


class CannotDistribute(Exception):
    """The tables cannot be laid out; the message is one sentence that says what to do next."""


@dataclass(frozen=True, slots=True)
class Step:
    """A statement that can be run by itself: what was done before it stays done if it fails."""

    about: str
    sql: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the tables of the schema belong, in an order in which foreign keys point backwards."""

    tenant: tuple[str, ...]
    reference: tuple[str, ...]
    local: tuple[str, ...]
    triggers: Mapping[str, tuple[str, ...]]
    """Triggers of tenant tables."""
    helpers: tuple[str, ...]
    """Functions that triggers of tenant tables call, and that every node must therefore have."""
    narrowing: tuple[Step, ...]
    """What says the same as restrictive policies without any."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What Citus has done already."""

    tenant: frozenset[str] = frozenset()
    reference: frozenset[str] = frozenset()
    helpers: frozenset[str] = frozenset()


NOTHING: Final = Placed()


async def read_layout(connection: "asyncpg.Connection[asyncpg.Record]") -> Layout:
    """Read from the catalogue where each table of the schema ``public`` belongs.

    Raises:
        CannotDistribute: a tenant's table points at one that stays on the coordinator, or a restrictive policy cannot be done without.
    """
    tables = {row["name"]: row for row in await connection.fetch(_TABLES, APP_ROLE, LOADER_ROLE, KEY)}
    tenant = {name for name, row in tables.items() if row["of_tenants"]}
    # Citus lets no reference table have triggers; the queue of jobs is such a table, and one that changes all the time.
    reference = {name for name, row in tables.items() if row["of_everybody"] and not row["triggers"]} - tenant
    for name in sorted(tenant | reference):
        astray = set(tables[name]["targets"]) - reference - (tenant if name in tenant else set())
        if astray:
            raise CannotDistribute(
                f"{name} points at {', '.join(sorted(astray))}, which would stay on the coordinator: drop that foreign key, and try again."
            )
    targets = {name: row["targets"] for name, row in tables.items()}
    return Layout(
        tenant=_ordered(tenant, targets),
        reference=_ordered(reference, targets),
        local=tuple(sorted(tables.keys() - tenant - reference)),
        triggers={name: tuple(tables[name]["triggers"]) for name in sorted(tenant) if tables[name]["triggers"]},
        helpers=_called(await connection.fetch(_FUNCTIONS, sorted(tenant))),
        narrowing=_narrowing(await connection.fetch(_RESTRICTIONS)),
    )


def _ordered(names: Iterable[str], targets: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """``names`` by name, but each behind all that it points at."""
    within = set(names)
    sorter = TopologicalSorter({name: sorted(within.intersection(targets[name])) for name in sorted(within)})
    sorter.prepare()
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += ready
        sorter.done(*ready)
    return tuple(ordered)


def _called(functions: "list[asyncpg.Record]") -> tuple[str, ...]:
    """Signatures of what triggers call, in bodies that PostgreSQL, and so Citus, takes for mere text."""
    fired = [row for row in functions if row["fired"]]
    found: set[str] = set()
    ahead = list(fired)
    while ahead:
        words = set(re.findall(r"\w+(?=\s*\()", ahead.pop()["body"]))
        new = [row for row in functions if row["name"] in words and row["signature"] not in found and row not in fired]
        found |= {row["signature"] for row in new}
        ahead += new
    return tuple(sorted(found))


def _narrowing(restrictions: "list[asyncpg.Record]") -> tuple[Step, ...]:
    steps = []
    for name in dict.fromkeys((row["table"], row["name"]) for row in restrictions):
        rows = [row for row in restrictions if (row["table"], row["name"]) == name]
        table, policy = name
        if rows[0]["cmd"] != "INSERT" or rows[0]["into"] is None:
            raise CannotDistribute(
                f"Citus would take the restrictive policy {policy} on {table} for a permission: write it into the others, and try again."
            )
        statements = [f"alter policy {row['into']} on public.{table} with check ({_both(row)})" for row in rows]
        steps.append(Step(f"policy {policy}", "; ".join([*statements, f"drop policy {policy} on public.{table}"])))
    return tuple(steps)


def _both(row: "asyncpg.Record") -> str:
    condition: str = row["condition"]
    return condition if row["already"] in {None, "true"} else f"({row['already']}) and ({condition})"


async def citus_version(connection: "asyncpg.Connection[asyncpg.Record]") -> str | None:
    """The version of Citus in this database; None where it has none."""
    version: str | None = await connection.fetchval("select extversion from pg_extension where extname = 'citus'")
    return version


async def read_placed(connection: "asyncpg.Connection[asyncpg.Record]", layout: Layout) -> Placed:
    """Ask Citus what of ``layout`` is done.

    Raises:
        CannotDistribute: a table is distributed otherwise.
    """
    rows = await connection.fetch(_PLACED)
    spread = {row["name"]: (row["key"], row["colocation"]) for row in rows if row["method"] == "h"}
    # A table of one copy on the coordinator, which Citus itself has made of one that points at a reference table, is none of these.
    copied = {row["name"] for row in rows if row["method"] == "n" and row["copies"] == "t"}
    groups = {group for name, (_, group) in spread.items() if name in layout.tenant}
    wrong = [name for name, (key, _) in spread.items() if name not in layout.tenant or key != KEY]
    wrong += [name for name in copied if name not in layout.reference]
    if wrong:
        raise CannotDistribute(
            f"{', '.join(sorted(wrong))} would lie elsewhere: call undistribute_table of each, and try again."
        )
    if len(groups) > 1:
        raise CannotDistribute(
            f"Tables of one regency lie apart, in {len(groups)} groups: call update_distributed_table_colocation, and try again."
        )
    known = {row["signature"] for row in await connection.fetch(_KNOWN_FUNCTIONS)}
    return Placed(frozenset(spread), frozenset(copied), frozenset(known))


async def require_cluster(connection: "asyncpg.Connection[asyncpg.Record]", layout: Layout) -> None:
    """Make sure that the coordinator keeps tables beside copies of those of everybody, and that Citus takes tables with triggers.

    Raises:
        CannotDistribute: it does not.
    """
    if not await connection.fetchval(_COORDINATOR_IS_NODE):
        raise CannotDistribute(
            "The coordinator is no node of its cluster, so its own tables could not point at reference tables: "
            "call citus_set_coordinator_host, and run `kesos distribute` again."
        )
    without = await connection.fetchval(_UNSAFE_TRIGGERS)
    if layout.triggers and without:
        raise CannotDistribute(
            f"{len(layout.triggers)} tables have triggers, and Citus takes none: read docs/scaling.md, set citus.enable_unsafe_triggers "
            f"to on at every node ({without} lack it), and run `kesos distribute` again."
        )


def steps_left(layout: Layout, placed: Placed, shards: int = SHARDS) -> list[Step]:
    """What is left to do, in order. ``shards`` is the number of pieces of each table, where none is distributed yet."""
    steps = list(layout.narrowing)
    steps += [
        Step(name, f"select create_reference_table('public.{name}')")
        for name in layout.reference
        if name not in placed.reference
    ]
    steps += [
        Step(signature, f"select create_distributed_function('{signature}')")
        for signature in layout.helpers
        if signature not in placed.helpers
    ]
    beside = next((name for name in layout.tenant if name in placed.tenant), None)
    for name in layout.tenant:
        if name in placed.tenant:
            continue
        where = f"'none', shard_count => {shards}" if beside is None else f"'public.{beside}'"
        steps.append(Step(name, f"select create_distributed_table('public.{name}', '{KEY}', colocate_with => {where})"))
        beside = beside or name
    return steps


def concerns(layout: Layout) -> list[str]:
    """What an operator must know before the tables are laid out so, a sentence each."""
    count = sum(map(len, layout.triggers.values()))
    return [
        "Kesos has not been run on Citus, and docs/scaling.md says what it lacks: rehearse on a copy, and keep a backup.",
        f"{count} triggers of {len(layout.triggers)} tables need citus.enable_unsafe_triggers = on at every node.",
        "On Citus a trigger fires once for each shard that a statement touches, and may reach no rows of another regency.",
        "Workers see no scope of kesos_scope, for set_config is not carried to them: tenant tables show no rows there until it is.",
        f"The coordinator keeps {', '.join(layout.local)}: Kesos must be pointed at it, and at no worker.",
        "What a table held before stays on the coordinator's disk, unseen, until truncate_local_data_after_distributing_table.",
    ]
