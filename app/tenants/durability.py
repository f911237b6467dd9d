"""Whether PostgreSQL still has what it has acknowledged when it comes back from a crash."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncpg

# Sessions of Kesos set synchronous_commit themselves; these two are of the whole server, and no session can set them.
_VOLATILE: Final = """
select name from pg_settings where name in ('fsync', 'full_page_writes') and setting = 'off' order by name
"""


async def volatile_settings(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Names of the settings of the server under which a crash loses what was acknowledged."""
    return [row["name"] for row in await connection.fetch(_VOLATILE)]
