"""Families by words of the names of their heads: an index of the words, and a way to it past row-level security.

PostgreSQL uses an index before it has asked a policy only for comparisons that can tell nobody anything, which a search for words is
not. So a function of the owner looks in the index, and returns what the scope of its caller holds.

Revision ID: 0031
Revises: 0030
"""

from alembic import op

from app.tenants.rls import OWNER_ROLE, Tenancy

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# What stands between words in names and titles; a full stop may do so without a space ("Hj.Siti"). No name is as long as 200 characters,
# and no word may be longer than a tsvector holds.
_WORDS = r"""
create function name_words(name text) returns tsvector language sql immutable strict parallel safe
return array_to_tsvector(
  array_remove(string_to_array(translate(left(lower(name), 200), E'.,;-/''`"()\t\n\r', repeat(' ', 13)), ' '), '')
)"""

# Null where there is no word to look for.
_QUERY = r"""
create function name_query(words text) returns tsquery language sql immutable strict parallel safe
return (
  select string_agg('''' || replace(word, '\', '\\') || ''':*', ' & ')::tsquery
  from unnest(tsvector_to_array(name_words(words))) as word
)"""

_LONGEST = r"""
create function name_pattern(words text) returns text language sql immutable strict parallel safe
return (
  select '%' || replace(replace(replace(word, '\', '\\'), '%', '\%'), '_', '\_') || '%'
  from unnest(tsvector_to_array(name_words(words))) as word order by length(word) desc limit 1
)"""

# One row. Where more than ``most`` families anywhere are called so, not ``complete`` and no families: then whoever walks the families
# that the caller sees soon finds some. The policy of the table is asked of those that were found, not used to find them. A plan that
# was kept since families were few must not read all of them.
_NAMED = f"""
create function families_named(words text, most int)
returns table (complete boolean, regency_ids int[], ids uuid[])
language sql stable security definer set search_path = public, pg_temp set enable_seqscan = off as $$
  with named as materialized (
    select regency_id, id, village_id from family where name_words(head_name) @@ name_query(words) limit most + 1
  ),
  counted as (select count(*) <= most and name_query(words) is not null as complete from named)
  select c.complete, array_agg(n.regency_id) filter (where n.id is not null), array_agg(n.id) filter (where n.id is not null)
  from counted c left join named n on c.complete and {Tenancy.VILLAGE.policy}
  group by c.complete
$$"""


def upgrade() -> None:
    """Create. Of the list of what is not in the index yet, which every search reads, no more than a megabyte."""
    for statement in (_WORDS, _QUERY, _LONGEST):
        op.execute(statement)
    op.execute(
        "create index family_words_ix on family using gin (name_words(head_name)) with (gin_pending_list_limit = 1024)"
    )
    op.execute(f"create policy family_owner on family for select to {OWNER_ROLE} using (true)")
    op.execute(_NAMED)
    op.execute("revoke all on function families_named from public")
    op.execute("grant execute on function families_named to kesos_app")


def downgrade() -> None:
    """Drop."""
    op.execute("drop function families_named")
    op.execute("drop policy family_owner on family")
    op.execute("drop index family_words_ix")
    for name in ("name_pattern", "name_query", "name_words"):
        op.execute(f"drop function {name}")
