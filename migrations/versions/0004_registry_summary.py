"""Summary rows of the registry and the triggers that keep them.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _enum(name: str) -> pg.ENUM:
    return pg.ENUM(name=name, create_type=False)


_TRANSITIONS = {
    "insert": "new table as new_rows",
    "update": "old table as old_rows new table as new_rows",
    "delete": "old table as old_rows",
}


# The transition tables of one event exist only for that event, so the rows to count are chosen by TG_OP. Regency and district rows
# are spread over 16 slots by the backend that writes, so that offices do not wait for each other; a village is one slot.
def _count_function(name: str, columns: str, insert: str) -> str:
    sources = {
        "INSERT": f"select 1 as sign, {columns} from new_rows",
        "DELETE": f"select -1 as sign, {columns} from old_rows",
        "UPDATE": f"select 1 as sign, {columns} from new_rows union all select -1, {columns} from old_rows",
    }
    branches = " els".join(
        f"if tg_op = '{event}' then {insert.replace(':changed', source)};" for event, source in sources.items()
    )
    return f"""
create function {name}() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  slot_ constant smallint := pg_backend_pid() % 16;
begin
  {branches} end if;
  return null;
end
$$
"""


_LEVELS = """
  cross join lateral (values
    (2::smallint, c.regency_id::bigint, c.regency_id * 1000000::bigint, c.regency_id * 1000000::bigint + 999999, slot_),
    (3, c.village_id / 10000, c.village_id / 10000 * 10000, c.village_id / 10000 * 10000 + 9999, slot_),
    (4, c.village_id, c.village_id, c.village_id, 0::smallint)
  ) as l(depth, region_id, village_low, village_high, slot)
"""
_FAMILY_COUNTERS = ("families", *(f"families_decile_{decile}" for decile in range(1, 11)), "families_unranked")
_FAMILY_SUMS = (
    "sum(c.sign)",
    *(f"coalesce(sum(c.sign) filter (where c.decile = {decile}), 0)" for decile in range(1, 11)),
    "coalesce(sum(c.sign) filter (where c.decile is null), 0)",
)
_PERSON_STATUSES = ("NO_IDENTITY", "IN_PROCESS", "NIK_ISSUED", "MATCHED", "UNMATCHED")
_PERSON_COUNTERS = ("persons", *(f"persons_{status.lower()}" for status in _PERSON_STATUSES))
_PERSON_SUMS = (
    "sum(c.sign)",
    *(f"coalesce(sum(c.sign) filter (where c.identity_status = '{status}'), 0)" for status in _PERSON_STATUSES),
)


def _upsert(table: str, key: str, counters: tuple[str, ...], sums: tuple[str, ...], condition: str) -> str:
    columns = f"{key}, depth, village_low, village_high, {', '.join(counters)}"
    grouped = {name: f"l.{name}" for name in ("region_id", "slot")}
    selected = ", ".join(grouped.get(name, f"c.{name}") for name in key.split(", "))
    unchanged = " and ".join(f"{total} = 0" for total in sums)
    return f"""
  insert into {table} as s ({columns})
  select {selected}, l.depth, l.village_low, l.village_high, {", ".join(sums)}
  from (:changed) c {_LEVELS}
  where {condition}
  group by {selected}, l.depth, l.village_low, l.village_high
  having not ({unchanged})
  order by {selected}
  on conflict ({key}) do update set {", ".join(f"{name} = s.{name} + excluded.{name}" for name in counters)}"""


_COUNT_FAMILIES = _count_function(
    "registry_summary_families",
    "regency_id, village_id, decile, status",
    _upsert("registry_summary", "regency_id, region_id, slot", _FAMILY_COUNTERS, _FAMILY_SUMS, "c.status = 'ACTIVE'"),
)
_LIVING_HERE = "c.presence in ('PRESENT', 'NEW_MEMBER')"
_COUNT_PERSONS = _count_function(
    "registry_summary_persons",
    "regency_id, village_id, identity_status, presence, sex, coalesce(extract(year from birth_date), 0)::smallint as birth_year",
    _upsert("registry_summary", "regency_id, region_id, slot", _PERSON_COUNTERS, _PERSON_SUMS, _LIVING_HERE)
    + ";"
    + _upsert(
        "registry_cohort", "regency_id, region_id, slot, birth_year, sex", ("persons",), ("sum(c.sign)",), _LIVING_HERE
    ),
)


def upgrade() -> None:
    """Create."""
    op.create_table(
        "registry_summary",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("families", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_decile_1", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_decile_2", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_decile_3", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_decile_4", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_decile_5", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_decile_6", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_decile_7", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_decile_8", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_decile_9", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_decile_10", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_unranked", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_no_identity", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_in_process", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_nik_issued", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_matched", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_unmatched", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("regency_id", "region_id", "slot", name=op.f("registry_summary_pk")),
    )
    op.create_index("registry_summary_depth_ix", "registry_summary", ["depth", "regency_id", "region_id"], unique=False)
    op.create_table(
        "registry_cohort",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("birth_year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sex", _enum("sex"), nullable=False),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("persons", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint(
            "regency_id", "region_id", "slot", "birth_year", "sex", name=op.f("registry_cohort_pk")
        ),
    )
    op.create_index("registry_cohort_depth_ix", "registry_cohort", ["depth", "regency_id", "region_id"], unique=False)
    for table in ("registry_summary", "registry_cohort"):
        for statement in tenant_policy(table, Tenancy.SPAN, "select"):
            op.execute(statement)
        # The triggers below count as kesos_owner: whoever writes one village moves the totals of its regency.
        op.execute(f"create policy {table}_owner on {table} to kesos_owner using (true) with check (true)")
    op.execute(_COUNT_FAMILIES)
    op.execute(_COUNT_PERSONS)
    for table, function in (("family", "registry_summary_families"), ("person", "registry_summary_persons")):
        for event, transition in _TRANSITIONS.items():
            op.execute(
                f"create trigger {table}_summary_{event} after {event} on {table} referencing {transition} "
                f"for each statement execute function {function}()"
            )


def downgrade() -> None:
    """Drop."""
    for table, function in (("person", "registry_summary_persons"), ("family", "registry_summary_families")):
        for event in _TRANSITIONS:
            op.execute(f"drop trigger {table}_summary_{event} on {table}")
        op.execute(f"drop function {function}")
    op.drop_table("registry_cohort")
    op.drop_table("registry_summary")
