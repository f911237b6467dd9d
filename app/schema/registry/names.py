"""Rows by the words of a name.

A word that is sought finds whatever name has a word that begins with it, in any order, in capitals or not: "ami sit" finds SITI AMINAH.
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.registry.models import family
from app.schema.plan.arguments import Argument
from app.schema.plan.source import Reading, Way, Ways
from app.schema.text import storable

SEARCH_HELP: Final = (
    "Words of the name or how they begin, all of them, in any order: `ami sit` finds SITI AMINAH. "
    "Needs `registry:name:read`."
)
COMMON: Final = 1_000
"""A name that more families of the caller have is sought among them in their order, where a page of such is soon found."""


def name_holds(reading: Reading, column: sa.ColumnElement[str], search: Argument) -> list[sa.ColumnElement[bool]]:
    """That the name in ``column`` holds the words of ``search``; no words are held by all names."""
    reading.require(Permission.REGISTRY_NAME_READ)
    words = search.bind(sa.Text(), storable)
    # Asked once, not for each row. The pattern of the longest word says less than the query, and says it sooner.
    pattern, query = (sa.select(made).scalar_subquery() for made in (sa.func.name_pattern(words), _query(words)))
    holds = sa.func.name_words(column).op("@@", is_comparison=True)(query)
    return [sa.or_(query.is_(None), sa.and_(sa.func.lower(column).like(pattern), holds))]


def _query(words: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    return sa.func.name_query(words, type_=pg.TSQUERY())


def ways_to_families(reading: Reading) -> Ways | None:
    """Families whose head has a rare name by the index of words, others along the order of the list; None where no name is sought."""
    given = reading.arguments.get("filter")
    search = None if given is None else given.get("search")
    if search is None:
        return None
    found = sa.func.families_named(search.bind(sa.Text(), storable), sa.literal_column(str(COMMON))).table_valued(
        sa.Column("complete", sa.Boolean()),
        sa.Column("regency_ids", pg.ARRAY(sa.Integer())),
        sa.Column("ids", pg.ARRAY(pg.UUID())),
    )
    named = sa.select(found).cte("named")
    walked = family.alias()
    is_common = sa.not_(sa.select(named.c.complete).scalar_subquery())
    return Ways(
        named,
        (
            Way(_families_of(named), ()),
            Way(walked, [is_common, *name_holds(reading, walked.c.head_name, search)]),
        ),
    )


def _families_of(named: sa.CTE) -> sa.FromClause:
    keys = sa.func.unnest(named.c.regency_ids, named.c.ids).table_valued("regency_id", "id").render_derived()
    # Each is sought by its key, however many PostgreSQL expects: a limit is what keeps it from reading all families instead.
    one = family.alias()
    each = (
        sa.select(one)
        .where(one.c.regency_id == keys.c.regency_id, one.c.id == keys.c.id)
        .limit(sa.literal_column("1"))
        .lateral()
    )
    return sa.select(each).select_from(named).join(keys, sa.true()).join(each, sa.true()).subquery()
