"""SQL that prints JSON: objects whose keys are column names of a derived table, and arrays of them.

``to_json`` of a record is what PostgreSQL does fastest; a key that is too long for a column name is written with JSON_OBJECT instead.
"""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

LONGEST_COLUMN_NAME: Final = 63
_RECORD: Final = "record$"  # no response key can hide it: names of GraphQL have no dollar
_EMPTY_LIST: Final = sa.text("'[]'::json")
_EMPTY_OBJECT: Final = sa.literal_column("'{}'::json", pg.JSON())

Columns = dict[str, sa.ColumnElement[Any]]


class JsonObject(sa.ColumnElement[Any]):
    """``JSON_OBJECT('key' VALUE v, ...)``: for the rare object whose aliases are longer than a column's name may be."""

    inherit_cache = False
    type = pg.JSON()

    def __init__(self, columns: Columns) -> None:
        self.columns = columns


@compiles(JsonObject)
def _json_object(element: JsonObject, compiler: SQLCompiler, **kw: Any) -> str:
    pairs = ", ".join(f"'{key}' VALUE {compiler.process(value, **kw)}" for key, value in element.columns.items())
    return f"JSON_OBJECT({pairs} RETURNING json)"


def constant(text: str) -> sa.ColumnElement[str]:
    """A text that the code knows (a type name, a fixed argument), written into the SQL; never one that a caller sent."""
    quoted = text.replace("'", "''")
    return sa.literal_column(f"'{quoted}'", sa.Text())


def json_object(
    columns: Columns,
    rows: sa.FromClause | None = None,
    conditions: Sequence[sa.ColumnElement[bool]] = (),
    *,
    outer: sa.FromClause | None = None,
    cte: sa.CTE | None = None,
    beside: sa.ColumnElement[str] | None = None,
) -> sa.ColumnElement[Any]:
    """One JSON object of ``columns``; null where ``rows`` has no row. ``outer`` is the row of an enclosing query.

    With a text ``beside`` it, an array of that text and the object.
    """
    query = _row_query(columns)
    if rows is not None:
        query = query.select_from(rows).where(*conditions)
    if outer is not None:
        query = query.correlate(outer)
    record = query.subquery(_RECORD)
    printed = sa.func.to_json(_record(columns, record), type_=pg.JSON())
    if beside is not None:
        printed = sa.func.json_build_array(beside, printed, type_=pg.JSON())
    answer = sa.select(printed).select_from(record)
    if cte is not None:
        answer = answer.add_cte(cte, nest_here=True)
    return answer.scalar_subquery()


def json_list(columns: Columns, query: sa.Select[Any], *, outer: sa.FromClause | None = None) -> sa.ColumnElement[Any]:
    """A JSON array with one object of ``columns`` for each row of ``query``, in its order."""
    listed = query.with_only_columns(*_row_query(columns).selected_columns, maintain_column_froms=True)
    if outer is not None:
        listed = listed.correlate(outer)
    record = listed.subquery(_RECORD)
    printed = sa.func.coalesce(sa.func.json_agg(_record(columns, record)), _EMPTY_LIST)
    return sa.select(printed).select_from(record).scalar_subquery()


def _row_query(columns: Columns) -> sa.Select[Any]:
    if not columns:
        return sa.select(_EMPTY_OBJECT.label("object"))
    if _fits(columns):
        return sa.select(*[value.label(key) for key, value in columns.items()])
    return sa.select(JsonObject(columns).label("object"))


def _record(columns: Columns, record: sa.Subquery) -> sa.ColumnElement[Any]:
    return record.table_valued() if columns and _fits(columns) else record.c.object


def _fits(columns: Columns) -> bool:
    return all(len(key) <= LONGEST_COLUMN_NAME for key in columns)
