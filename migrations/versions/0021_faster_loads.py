"""Staged rows are looked at no more than they have to be: they live for minutes, and a check has PostgreSQL look when it matters.

Of 60 columns five are searched by. Statistics of the others, and maps of which pages all can see, cost autovacuum a fifth of what
loading a file did, on a machine of two cores.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_SEARCHED = {
    "staged_family": ("regency_id", "import_id", "line", "family_key", "village_id"),
    "staged_person": ("regency_id", "import_id", "line", "family_key"),
}
_TARGET_OF_SEARCHED = 10
"""All that is planned with them is whether a table is large; 3,000 rows of it tell that."""
_DEFAULT = -1


def _look_at(table: str, *, searched: int, others: int) -> None:
    columns = ", ".join(f"'{name}'" for name in _SEARCHED[table])
    op.execute(f"""
do $$
declare
  column_ record;
begin
  for column_ in select attname from pg_attribute where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped loop
    execute format('alter table {table} alter %I set statistics %s', column_.attname,
      case when column_.attname in ({columns}) then {searched} else {others} end);
  end loop;
end
$$""")


def upgrade() -> None:
    """Look less."""
    for table in _SEARCHED:
        _look_at(table, searched=_TARGET_OF_SEARCHED, others=0)
        # What is deleted is still vacuumed away.
        op.execute(f"alter table {table} set (autovacuum_vacuum_insert_threshold = -1)")


def downgrade() -> None:
    """Look as at any table."""
    for table in _SEARCHED:
        op.execute(f"alter table {table} reset (autovacuum_vacuum_insert_threshold)")
        _look_at(table, searched=_DEFAULT, others=_DEFAULT)
