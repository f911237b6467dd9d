"""Tells whoever wants to know how long statements took and how they failed; never their text or their parameters."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

_VERBS: Final = frozenset(
    {"WITH", "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}
)
_BEGAN: Final = "kesos_began"


@dataclass(frozen=True, slots=True)
class RanStatement:
    """A statement that has ended: its first word, seconds, and the SQLSTATE or exception class that it failed with."""

    verb: str
    seconds: float
    failure: str | None


Observer: TypeAlias = Callable[[RanStatement], None]


def observe_connection(connection: "asyncpg.Connection[asyncpg.Record]", observer: Observer) -> None:
    """Tell ``observer`` of every statement of ``connection``, in the context of the task that ran it."""

    def ran(query: Any) -> None:
        observer(RanStatement(_verb(query.query), query.elapsed, _failure(query.exception)))

    connection.add_query_logger(ran)


def observe_engine(engine: AsyncEngine, observer: Observer) -> None:
    """Tell ``observer`` of every statement of ``engine``, in the context of the task that ran it."""

    def begin(connection: Any, *_about: Any) -> None:
        connection.info[_BEGAN] = time.monotonic()

    def end(connection: Any, _cursor: Any, statement: str, *_about: Any) -> None:
        observer(RanStatement(_verb(statement), _seconds(connection), None))

    def fail(about: Any) -> None:
        # Some errors, such as a connection that cannot be had, belong to no statement.
        if about.connection is not None and about.statement is not None:
            observer(
                RanStatement(_verb(about.statement), _seconds(about.connection), _failure(about.original_exception))
            )

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)


def _seconds(connection: Any) -> float:
    now = time.monotonic()
    return now - float(connection.info.pop(_BEGAN, now))


def _verb(statement: str) -> str:
    words = statement[:40].split(maxsplit=1)
    verb = words[0].rstrip(";").upper() if words else ""
    return verb if verb in _VERBS else "OTHER"


def _failure(error: BaseException | None) -> str | None:
    return None if error is None else getattr(error, "sqlstate", None) or type(error).__name__
