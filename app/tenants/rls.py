"""Row-level security for migrations: the second wall, written once.

A policy compares plain columns with transaction settings and holds no subquery, so its ranges are index conditions and it runs on
Citus as it is. Where no scope has been set, the settings are NULL and no row is seen. There is one range, not one for the regency and
one for the village: the planner cannot see the settings, takes each range for 0.5 % of the table, and two of them for nothing at all.

Landed revisions call these helpers: a change of what they produce is a new helper, not an edit.
"""

from enum import Enum

APP_ROLE = "kesos_app"
LOADER_ROLE = "kesos_loader"
OWNER_ROLE = "kesos_owner"


def _setting(name: str, sql_type: str) -> str:
    return f"nullif(current_setting('app.{name}', true), '')::{sql_type}"


def _within(low: str, high: str, exact: str) -> str:
    return (
        f"{low} >= {_setting('village_low', 'bigint')} and {high} <= {_setting('village_high', 'bigint')} "
        f"and coalesce({exact} <@ {_setting('villages', 'int8multirange')}, true)"
    )


_SCOPE_IS_SET = " and ".join(f"current_setting('app.{name}', true) <> ''" for name in ("village_low", "village_high"))


class Tenancy(Enum):
    """How the rows of a table say where they belong."""

    VILLAGE = _within("village_id", "village_id", "village_id")
    """A row lies in the village ``village_id``."""
    SPAN = _within("village_low", "village_high", "int8range(village_low, village_high, '[]')")
    """A row stands for all villages from ``village_low`` to ``village_high`` and is seen by whoever holds them all."""
    PART = (
        f"village_low <= {_setting('village_high', 'bigint')} and village_high >= {_setting('village_low', 'bigint')} "
        f"and coalesce(int8range(village_low, village_high, '[]') && {_setting('villages', 'int8multirange')}, true)"
    )
    """A row stands for such a span and is seen by whoever holds any village of it."""

    @property
    def policy(self) -> str:
        """The condition of the policy, an SQL expression."""
        return self.value


CREATE_SCOPE_FUNCTION = """
create function kesos_scope(
  regency_low int, regency_high int, village_low bigint, village_high bigint, villages text, entities text
) returns int language sql volatile as $$
  select length(concat(
    set_config('app.regency_low', coalesce(regency_low::text, ''), true),
    set_config('app.regency_high', coalesce(regency_high::text, ''), true),
    set_config('app.village_low', coalesce(village_low::text, ''), true),
    set_config('app.village_high', coalesce(village_high::text, ''), true),
    set_config('app.villages', villages, true),
    set_config('app.entities', entities, true)
  ))
$$
"""


# As above, with the villages of the grants that are bound to no thing (my e-Warong, my LKS).
CREATE_SCOPE_FUNCTION_OF_BOUND_GRANTS = """
create or replace function kesos_scope(
  regency_low int, regency_high int, village_low bigint, village_high bigint, villages text, entities text, unbound text
) returns int language sql volatile as $$
  select length(concat(
    set_config('app.regency_low', coalesce(regency_low::text, ''), true),
    set_config('app.regency_high', coalesce(regency_high::text, ''), true),
    set_config('app.village_low', coalesce(village_low::text, ''), true),
    set_config('app.village_high', coalesce(village_high::text, ''), true),
    set_config('app.villages', villages, true),
    set_config('app.entities', entities, true),
    set_config('app.unbound', unbound, true)
  ))
$$
"""


def tenant_policy(table: str, tenancy: Tenancy, privileges: str = "select, insert, update, delete") -> list[str]:
    """The statements that put ``table`` behind the second wall and give the application role ``privileges`` on it."""
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy {table}_tenant on {table} to {APP_ROLE} using ({tenancy.policy}) with check ({tenancy.policy})",
        f"grant {privileges} on {table} to {APP_ROLE}",
        f"grant select, insert, update, delete, truncate on {table} to {LOADER_ROLE}",
    ]


def bound_policy(table: str, column: str, privileges: str = "select, insert, update, delete") -> list[str]:
    """As ``tenant_policy`` for rows in villages that belong to the thing whose id is in ``column``.

    A grant that is bound to such a thing reaches the rows of that thing alone; one that is bound to none reaches all in its villages.
    """
    bound = f"coalesce({column} = any({_setting('entities', 'uuid[]')}), true)"
    seen = f"{Tenancy.VILLAGE.policy} and ({bound} or village_id <@ {_setting('unbound', 'int8multirange')})"
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy {table}_tenant on {table} to {APP_ROLE} using ({seen}) with check ({seen})",
        f"grant {privileges} on {table} to {APP_ROLE}",
        f"grant select, insert, update, delete, truncate on {table} to {LOADER_ROLE}",
    ]


def read_in_order(table: str, column: str) -> list[str]:
    """The statements that let PostgreSQL walk ``table``, under a ``bound_policy``, in the order of an index; what is seen stays the same.

    As in ``appended_table``: an unset scope is a condition of its own, and the ranges have ends, or the planner takes no row to be
    seen and would rather sort all of a regency than walk to the end of a page.
    """
    low, high = _setting("village_low", "bigint"), _setting("village_high", "bigint")
    bound = f"coalesce({column} = any({_setting('entities', 'uuid[]')}), true)"
    seen = (
        f"{_SCOPE_IS_SET} and village_id >= coalesce({low}, 0) and village_id <= coalesce({high}, 9999999999) "
        f"and coalesce(village_id <@ {_setting('villages', 'int8multirange')}, true) "
        f"and ({bound} or village_id <@ {_setting('unbound', 'int8multirange')})"
    )
    return [f"alter policy {table}_tenant on {table} using ({seen}) with check ({seen})"]


def appended_table(table: str) -> list[str]:
    """The statements that put ``table``, whose rows stand for spans of villages, behind the second wall as one that only grows.

    Whoever appends need not be able to read: the application inserts without a scope, and reads within one. The owner alone may
    delete, in jobs that keep to the law's periods.
    """
    # Rows are read in the order in which they came, which no range of villages gives. Where the scope is set by the statement itself, the
    # planner finds it unset, takes a comparison with NULL to hold for no row, and would rather sort all of the table than walk an
    # index. So here an unset scope is a condition of its own, and the ranges have ends that are no secret.
    low, high = _setting("village_low", "bigint"), _setting("village_high", "bigint")
    seen = (
        f"{_SCOPE_IS_SET} and village_low >= coalesce({low}, 0) and village_high <= coalesce({high}, 9999999999) "
        f"and coalesce(int8range(village_low, village_high, '[]') <@ {_setting('villages', 'int8multirange')}, true)"
    )
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy {table}_tenant on {table} for select to {APP_ROLE} using ({seen})",
        f"create policy {table}_append on {table} for insert to {APP_ROLE} with check (true)",
        f"create policy {table}_owner on {table} to {OWNER_ROLE} using (true) with check (true)",
        f"grant select, insert on {table} to {APP_ROLE}",
        f"grant select on {table} to {LOADER_ROLE}",
    ]


def reference_table(table: str, privileges: str = "select") -> list[str]:
    """The statements that open a table without a tenant (regions, editions, catalogues) to the application role."""
    return [
        f"grant {privileges} on {table} to {APP_ROLE}",
        f"grant select, insert, update, delete on {table} to {LOADER_ROLE}",
    ]
