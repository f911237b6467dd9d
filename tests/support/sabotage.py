"""A database that fails in the middle of a request, as the application meets it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg


@asynccontextmanager
async def when_persons_are_read(owner: "asyncpg.Connection[asyncpg.Record]", body: str) -> AsyncIterator[None]:
    """While the context lasts, whoever reads a person meets what ``body`` (PL/pgSQL) does with its ``name``."""
    await owner.execute(
        f"create function sabotage(name text) returns boolean language plpgsql as $$ begin {body} return true; end $$;"
        "create policy sabotage on person as restrictive for select to kesos_app using (sabotage(name))"
    )
    try:
        yield
    finally:
        await owner.execute("drop policy sabotage on person; drop function sabotage(text)")


@asynccontextmanager
async def when_events_are_kept(owner: "asyncpg.Connection[asyncpg.Record]", body: str) -> AsyncIterator[None]:
    """While the context lasts, whoever appends to the audit trail meets what ``body`` (PL/pgSQL) does with ``new``."""
    await owner.execute(
        f"create function sabotage() returns trigger language plpgsql as $$ begin {body} return new; end $$;"
        "create trigger sabotage before insert on audit_event for each row execute function sabotage()"
    )
    try:
        yield
    finally:
        await owner.execute("drop trigger sabotage on audit_event; drop function sabotage()")
