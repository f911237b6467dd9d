"""A country of many regencies, made of the things of one: there a plan that reads the rows of others shows.

Every tenant table is filled alike, by what its columns are, so a new one is filled too. The copies are such as constraints allow, which
no trigger looks at: they tell nothing true, but there are as many of them, and as many different ones, as a plan depends on.
"""

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from app.tenants.server import DatabaseServer
from tests.architecture.tables import TENANT, WALLED
from tests.support.triggers import past_triggers
from tests.support.world import BANYUMAS, connected

if TYPE_CHECKING:
    import asyncpg

    Owner: TypeAlias = asyncpg.Connection[asyncpg.Record]

TABLES: Final = TENANT | WALLED
OTHERS: Final = 60
"""Regencies beside Banyumas."""
ROWS: Final = 60
"""Of each table, in each of them."""
SHARE: Final = 20
"""So many times as many are Banyumas' own."""
BUSY: Final = frozenset(
    {
        *("audit_event", "entitlement", "ewarong_transaction", "family", "health_membership"),
        *("journal_entry", "kks_card", "person", "wallet"),
    }
)
"""Tables of which a regency has so many rows that a page must not read all of them."""
BUSY_SHARE: Final = 200
BUSY_OTHERS_SHARE: Final = 10
"""Of a busy table too, most rows are those of others: reading it from end to end must cost more than seeking one's own."""
UNPLANTED: Final = frozenset({"bank_report", "barred_owner", "upload"})
"""Tables of which nobody plants a row, so that there is nothing to copy: no plan over them tells anything."""

_COLUMNS: Final = """
select c.relname as table, a.attname as name, format_type(a.atttypid, null) as type,
  exists (
    select from pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and a.attnum = any(k.conkey)
    and k.confrelid::regclass::text <> all($1)
  ) as leads_out
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relname = any($1) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
order by c.relname, a.attnum
"""
_COPIES: Final = """
create temp table copy as
select row_number() over ()::int as n, place, number from (
  select {own} as place, number from generate_series(1, {own_rows}) number
  union all
  select place, number from (select id::int as place from region where level = 'REGENCY' and id <> {own} order by id limit {others}) r,
    generate_series(1, {others_rows}) number
) c
"""
_ANOTHER_ID: Final = "overlay({}::text placing lpad(to_hex(copy.n), 4, '0') from 1 for 4)::uuid"
_MOVED: Final = "case {} else {{0}} end".format(
    " ".join(
        f"when {{0}} / {width} = {BANYUMAS.id} then {{0}} + (copy.place - {BANYUMAS.id})::bigint * {width}"
        for width in (1, 100, 10_000, 1_000_000)
    )
)
"""Whatever is a code of Banyumas, or of a district or a village of it, becomes that of another place."""
_DIGEST: Final = "substr(sha256({0} || int4send(copy.n)), 1, length({0}))"
_BY_TYPE: Final = {
    "uuid": _ANOTHER_ID,
    "uuid[]": f"array(select {_ANOTHER_ID.format('u')} from unnest({{0}}) u)",  # noqa: S608  (a test's own words)
    "integer": _MOVED,
    "bigint": _MOVED,
    "bytea": f"case when length({{0}}) in (16, 32) then {_DIGEST} else {{0}} end",
    "timestamp with time zone": "{0} - copy.number * interval '1 second'",  # others do things at the same time
}
_BY_NAME: Final = {
    ("principal_id", "uuid"): _ANOTHER_ID,  # nobody's: whoever asks must not be given grants all over the country
    ("revision", "integer"): "{0} + copy.number",
    ("year", "integer"): "{0} + copy.number",
    ("period_start", "date"): "({0} - copy.number * interval '1 month')::date",
    ("week", "date"): "{0} - copy.number * 7",
    **{(name, "text"): "{0} || copy.number" for name in ("number", "receipt", "source_key", "subject_key", "token")},
}
"""Columns that are unique in a regency, whatever they say."""


class Column(NamedTuple):
    """A column of a table; ``leads_out`` where a foreign key leads from it to something that belongs to no tenant."""

    name: str
    sql_type: str
    leads_out: bool


def _copied(column: Column) -> str:
    """What stands in ``column`` of a copy."""
    of_type = "{0}" if column.leads_out and column.sql_type == "uuid" else _BY_TYPE.get(column.sql_type, "{0}")
    return _BY_NAME.get((column.name, column.sql_type), of_type).format(f't."{column.name}"')


async def populate(server: DatabaseServer) -> None:
    """Copy what Banyumas has, for Banyumas and for many other regencies, and let PostgreSQL count it."""
    async with connected(server) as owner:
        columns: defaultdict[str, list[Column]] = defaultdict(list)
        for table, *column in await owner.fetch(_COLUMNS, sorted(TABLES)):
            columns[table].append(Column(*column))
        own_rows = ROWS * BUSY_SHARE
        others_rows = ROWS * BUSY_OTHERS_SHARE
        await owner.execute(_COPIES.format(own=BANYUMAS.id, own_rows=own_rows, others=OTHERS, others_rows=others_rows))
        async with past_triggers(owner):
            for table, described in columns.items():
                await _multiply(owner, table, described)
        await owner.execute("analyze")


async def own_rows(owner: "Owner") -> dict[str, int]:
    """How many rows of each tenant table are Banyumas' own."""
    return {table: await owner.fetchval(f"select count(*) from {table} t where {_own(table)}") for table in TABLES}  # noqa: S608  (a test's own words)


def _own(table: str) -> str:
    return "t.regency_id = 3302" if table in TENANT else "t.village_low / 1000000 = 3302"


async def _multiply(owner: "Owner", table: str, columns: list[Column]) -> None:
    rows = await owner.fetchval(f"select count(*) from {table} t where {_own(table)}")  # noqa: S608  (a test's own words)
    if not rows:
        return
    own_share, others_share = (BUSY_SHARE, BUSY_OTHERS_SHARE) if table in BUSY else (SHARE, 1)
    share = f"case copy.place when {BANYUMAS.id} then {own_share} else {others_share} end"
    names = ", ".join(f'"{column.name}"' for column in columns)
    await owner.execute(
        f"insert into {table} ({names}) select {', '.join(map(_copied, columns))} from {table} t, copy "  # noqa: S608  (a test's own words)
        f"where {_own(table)} and copy.number <= {max(ROWS // rows, 1)} * {share} "
        "on conflict do nothing"
    )
