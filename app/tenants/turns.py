"""Transactions that stand in each other's way: PostgreSQL has one of them give in, and whoever may begins it anew."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError

from app.tenants.sqlstates import sqlstate_of

_TURN: Final = frozenset({"40001", "40P01"})
"""SQLSTATE of whoever had to give in: nothing of it is done."""
_TRIES: Final = 6
_Done = TypeVar("_Done")


async def in_turn(transaction: Callable[[], Awaitable[_Done]]) -> _Done:
    """What ``transaction`` returns, which is all of one transaction, begun anew a few times where it had to give in to another."""
    for _ in range(_TRIES - 1):
        try:
            return await transaction()
        except asyncpg.PostgresError as error:
            if error.sqlstate not in _TURN:
                raise
        except DBAPIError as error:
            if sqlstate_of(error) not in _TURN:
                raise
    return await transaction()
