"""Past the triggers: rows that came to be long ago, and whoever tampers with them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg


@asynccontextmanager
async def past_triggers(owner: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    """One transaction in which no trigger runs, not even those of foreign keys. Only an administrator of the server can."""
    async with owner.transaction():
        await owner.execute("set local session_replication_role = replica")
        yield
        await owner.execute("set local session_replication_role = origin")
