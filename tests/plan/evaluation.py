"""Lets PostgreSQL say what an expression of the engine yields."""

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from hypothesis import settings
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

from app.tenants.session import Database

REPEATABLE: Final = settings(max_examples=60, derandomize=True, database=None, deadline=None)
"""The same examples in every run, however slow the machine is."""

_TYPES: dict[type, sa.types.TypeEngine[Any]] = {int: sa.BigInteger(), str: sa.Text(), UUID: pg.UUID()}


def row_of(**values: Any) -> sa.FromClause:
    """A row whose columns have these values."""
    return sa.select(
        *[sa.bindparam(None, value, type_=_TYPES[type(value)]).label(name) for name, value in values.items()]
    ).subquery()


def sql_of(expression: sa.ColumnElement[Any]) -> str:
    """The text of a statement that selects ``expression``."""
    compiled = sa.select(expression).compile(dialect=asyncpg_dialect.dialect())  # type: ignore[no-untyped-call]
    return compiled.string


async def evaluated(database: Database, expression: sa.ColumnElement[Any]) -> Any:
    """What PostgreSQL makes of ``expression``."""
    compiled = sa.select(expression).compile(dialect=asyncpg_dialect.dialect())  # type: ignore[no-untyped-call]
    arguments = [compiled.params[name] for name in compiled.positiontup or ()]
    (row,) = await database.reference(compiled.string, *arguments)
    return row[0]
