"""Bulk inserts are counted with less work: changed rows are added up once, and a decade of birth years is one row.

An import that follows hard on another finds the registry's statistics refreshed.

Revision ID: 0014
Revises: 0013
"""

from collections.abc import Callable
from importlib import import_module

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Depth and width of the regions above a village, and the slot that counts: those rows are spread over 16 by the backend that writes.
_ABOVE = "(2::smallint, 1000000::bigint, slot_), (3, 10000, slot_)"
_DECILES = {f"families_decile_{decile}": f"decile = {decile}" for decile in range(1, 11)}
_STATUSES = {
    f"persons_{status.lower()}": f"identity_status = '{status}'"
    for status in ("NO_IDENTITY", "IN_PROCESS", "NIK_ISSUED", "MATCHED", "UNMATCHED")
}
_YEARS = {f"persons_{year}": f"birth_year % 10 = {year}" for year in range(10)}
_LIVING_HERE = "presence in ('PRESENT', 'NEW_MEMBER')"
_REGION = ("regency_id", "region_id", "slot", "depth", "village_low", "village_high")
_SUMMARY_KEY = ("regency_id", "region_id", "slot")
# In the words of ``registry_cohort`` a person whose birth date is not known is born in the year 0.
_BIRTH_YEAR = "greatest(coalesce(date_part('year', birth_date), 0), 0)::int"
_PERSON_COLUMNS = f"regency_id, village_id, presence, identity_status, sex, {_BIRTH_YEAR} as birth_year"

# Two imports may come within a minute, sooner than autovacuum looks. The registry is looked at again where a tenth of it is new.
_ANALYZE = """
create or replace function analyze_imports() returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
  grown text;
begin
  analyze staged_family (regency_id, import_id, line, family_key, village_id), staged_person (regency_id, import_id, line, family_key),
    import_issue, import_match, import_departure;
  for grown in
    select s.relname from pg_stat_user_tables s join pg_class c on c.oid = s.relid
    where s.relid in ('family'::regclass, 'person'::regclass, 'welfare_rank'::regclass)
      and s.n_mod_since_analyze > 50 + 0.1 * greatest(c.reltuples, 0)
  loop
    execute format('analyze %I', grown);
  end loop;
end
$$
"""


def _trigger(name: str, statement: Callable[[str], str], columns: str) -> str:
    """The trigger function ``name``, which runs ``statement`` of the rows that an event has changed, each with its sign.

    The transition tables of one event exist only for that event, so the rows are chosen by TG_OP.
    """
    sources = {
        "INSERT": f"select 1 as sign, {columns} from new_rows",
        "DELETE": f"select -1 as sign, {columns} from old_rows",
        "UPDATE": f"select 1 as sign, {columns} from new_rows union all select -1, {columns} from old_rows",
    }
    branches = " els".join(f"if tg_op = '{event}' then {statement(rows)};" for event, rows in sources.items())
    return f"""
create or replace function {name}() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  slot_ constant smallint := pg_backend_pid() % 16;
begin
  {branches} end if;
  return null;
end
$$
"""


def _changed(rows: str, counted: str, by: str) -> str:
    """A CTE of how many rows there are more or less, so that what follows goes through groups and no more through rows."""
    return f"""
  with changed as materialized (
    select {by}, sum(sign)::int as n from ({rows}) r where {counted} group by {by} having sum(sign) <> 0
  )"""


def _upsert(table: str, key: tuple[str, ...], group: dict[str, str], counters: dict[str, str]) -> str:
    """Add the groups of ``changed`` to the rows of their village, district and regency.

    ``group`` has the columns of ``key`` beside those of the region, ``counters`` those that count, each with its condition or ''.
    """
    sums = {
        name: f"sum(n) filter (where {condition})" if condition else "sum(n)" for name, condition in counters.items()
    }
    columns = ", ".join([*group, *counters])
    grouped = "".join(f", {name}" for name in group)
    return f"""
  insert into {table} as s ({", ".join(_REGION)}, {columns})
  with of_village as materialized (
    select regency_id, village_id, {
        ", ".join(
            [f"{expression} as {name}" for name, expression in group.items()]
            + [f"coalesce({expression}, 0)::int as {name}" for name, expression in sums.items()]
        )
    }
    from changed group by {", ".join(["regency_id", "village_id", *group.values()])}
  ), counted as (
    select regency_id, village_id as region_id, 0::smallint as slot, 4::smallint as depth, village_id as village_low,
      village_id as village_high, {columns}
    from of_village
    union all
    select regency_id, village_id / width, slot, depth, village_id / width * width, village_id / width * width + width - 1,
      {", ".join([*group, *(f"sum({name})" for name in counters)])}
    from of_village cross join (values {_ABOVE}) as above (depth, width, slot)
    group by regency_id, village_id / width, width, slot, depth{grouped}
  )
  select {", ".join(_REGION)}, {columns} from counted
  where not ({" and ".join(f"{name} = 0" for name in counters)})
  order by {", ".join(key)}
  on conflict ({", ".join(key)}) do update set {
        ", ".join(f"{name} = s.{name} + excluded.{name}" for name in counters)
    }"""


def _count_families(rows: str) -> str:
    return _changed(rows, "status = 'ACTIVE'", "regency_id, village_id, decile") + _upsert(
        "registry_summary",
        _SUMMARY_KEY,
        {},
        {"families": "", **_DECILES, "families_unranked": "decile is null"},
    )


def _count_persons(rows: str) -> str:
    cohorts = _upsert(
        "registry_cohort",
        (*_SUMMARY_KEY, "birth_decade", "sex"),
        {"birth_decade": "birth_year / 10", "sex": "sex"},
        _YEARS,
    )
    return (
        _changed(rows, _LIVING_HERE, "regency_id, village_id, identity_status, sex, birth_year")
        + f", cohorts as ({cohorts})"
        + _upsert("registry_summary", _SUMMARY_KEY, {}, {"persons": "", **_STATUSES})
    )


def _make_cohorts(*columns: sa.Column[object], key: str) -> None:
    """Create ``registry_cohort`` with ``columns`` between its region and its span; ``key`` is the first of them."""
    op.create_table(
        "registry_cohort",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column(key, sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sex", pg.ENUM(name="sex", create_type=False), nullable=False),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("regency_id", "region_id", "slot", key, "sex", name=op.f("registry_cohort_pk")),
    )
    op.create_index("registry_cohort_depth_ix", "registry_cohort", ["depth", "regency_id", "region_id"], unique=False)
    for statement in tenant_policy("registry_cohort", Tenancy.SPAN, "select"):
        op.execute(statement)
    op.execute("create policy registry_cohort_owner on registry_cohort to kesos_owner using (true) with check (true)")


def _count(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


_KEPT = "create temp table kept_cohort on commit drop as select * from registry_cohort"
_KEPT_COLUMNS = ", ".join((*_REGION, "sex"))


def upgrade() -> None:
    """A row of ``registry_cohort`` holds ten birth years."""
    op.execute(_KEPT)
    op.drop_table("registry_cohort")
    _make_cohorts(*[_count(name) for name in _YEARS], key="birth_decade")
    sums = ", ".join(f"coalesce(sum(persons) filter (where {condition}), 0)" for condition in _YEARS.values())
    op.execute(
        f"insert into registry_cohort ({_KEPT_COLUMNS}, birth_decade, {', '.join(_YEARS)}) "
        f"select {_KEPT_COLUMNS}, birth_year / 10, {sums} from kept_cohort group by {_KEPT_COLUMNS}, birth_year / 10"
    )
    op.execute("drop table kept_cohort")
    op.execute(_trigger("registry_summary_families", _count_families, "regency_id, village_id, decile, status"))
    op.execute(_trigger("registry_summary_persons", _count_persons, _PERSON_COLUMNS))
    op.execute(_ANALYZE)


def downgrade() -> None:
    """A row of ``registry_cohort`` holds one birth year."""
    op.execute(_KEPT)
    op.drop_table("registry_cohort")
    _make_cohorts(_count("persons"), key="birth_year")
    years = ", ".join(f"({year}, {name})" for year, name in enumerate(_YEARS))
    op.execute(
        f"insert into registry_cohort ({_KEPT_COLUMNS}, birth_year, persons) "
        f"select {_KEPT_COLUMNS}, birth_decade * 10 + year, persons from kept_cohort cross join lateral (values {years}) y (year, persons) "
        "where persons <> 0"
    )
    op.execute("drop table kept_cohort")
    former = import_module("migrations.versions.0004_registry_summary")
    for function in (former._COUNT_FAMILIES, former._COUNT_PERSONS):  # noqa: SLF001  (its text is kept in one place)
        op.execute(function.replace("create function", "create or replace function"))
    imports = import_module("migrations.versions.0011_imports")
    op.execute(imports._ANALYZE.replace("create function", "create or replace function"))  # noqa: SLF001  (its text is kept in one place)
