"""A search asks the index of names for its three longest words alone; families beyond its caller's scope make no name common.

Also, what parts words is an apostrophe as typesetters and phones write it, and a blank that keeps words on one line.

Revision ID: 0036
Revises: 0035
"""

from importlib import import_module

from alembic import op

from app.tenants.rls import Tenancy

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

names = import_module("migrations.versions.0031_words_of_names")

# As before, with U+2018, U+2019, U+02BC and U+00A0.
_WORDS = r"""
create or replace function name_words(name text) returns tsvector language sql immutable strict parallel safe
return array_to_tsvector(
  array_remove(
    string_to_array(translate(left(lower(name), 200), E'.,;-/''`"()\t\n\r\u2018\u2019\u02BC\u00A0', repeat(' ', 17)), ' '), ''
  )
)"""

# A GIN index collects all rows of each beginning before it compares them: of many beginnings that would be the country many times over,
# and of one or two letters a good part of it each. So these are asked for only where there are none that are longer. Null where there
# is no word.
_SOUGHT = r"""
create function name_sought(words text) returns tsquery language sql immutable strict parallel safe
return (
  select string_agg('''' || replace(word, '\', '\\') || ''':*', ' & ')::tsquery
  from (
    select word from (
      select word, least(max(length(word)) over (), 3) as enough from unnest(tsvector_to_array(name_words(words))) as word
    ) as each
    where length(word) >= enough order by length(word) desc, word limit 3
  ) as longest
)"""

# One row. Not ``complete``, and no families, where more than ``most`` families of the caller are called so, or where the index finds so
# many of other scopes that to look at each takes longer than it is worth: whoever walks the families that the caller sees finds them.
# The policy of the table is asked of those that the index found, not used to find them; so are further words. A plan that was kept
# since families were few must not read all of them.
# Materialized, for what an expression of functions is worth would be found out anew for each row.
_NAMED = f"""
create or replace function families_named(words text, most int)
returns table (complete boolean, regency_ids int[], ids uuid[])
language sql stable security definer set search_path = public, pg_temp set enable_seqscan = off as $$
  with found as materialized (
    select regency_id, id, village_id, head_name from family where name_words(head_name) @@ name_sought(words) limit 5 * most + 1
  ),
  named as materialized (
    select regency_id, id from found
    where {Tenancy.VILLAGE.policy} and (
      (select numnode(name_sought(words)) = numnode(name_query(words))) or name_words(head_name) @@ (select name_query(words))
    )
    limit most + 1
  ),
  counted as materialized (
    select (select count(*) from named) <= most and (select count(*) from found) <= 5 * most and name_query(words) is not null
      as complete
  )
  select c.complete, array_agg(n.regency_id) filter (where n.id is not null), array_agg(n.id) filter (where n.id is not null)
  from counted c left join named n on c.complete
  group by c.complete
$$"""


def upgrade() -> None:
    """Replace the functions, and the index with them: it holds what the old one made of names."""
    _replace(_WORDS)
    op.execute(_SOUGHT)
    op.execute(_NAMED)


def downgrade() -> None:
    """Bring the functions of before back."""
    op.execute(_replacing(names._NAMED))  # noqa: SLF001  (its text is kept in one place)
    op.execute("drop function name_sought")
    _replace(_replacing(names._WORDS))  # noqa: SLF001  (its text is kept in one place)


def _replacing(function: str) -> str:
    return function.replace("create function", "create or replace function")


def _replace(words: str) -> None:
    op.execute("drop index family_words_ix")
    op.execute(words)
    op.execute(
        "create index family_words_ix on family using gin (name_words(head_name)) with (gin_pending_list_limit = 1024)"
    )
