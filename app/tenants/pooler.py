"""pgbouncer in transaction mode between requests and PostgreSQL.

A connection of PostgreSQL is a client's for one transaction, so nothing stays prepared on it for the next. And clients cannot say there
what holds for a session: pgbouncer refuses such parameters, or drops them. Its own ``connect_query`` sets them, once for each connection
of PostgreSQL, and reads, which want others than writes, come by a database name of their own. Whether they are set is checked here, for
what reads rely on would otherwise be missing without a word.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import asyncpg

from app.tenants.embedded import DatabaseUnavailable
from app.tenants.server import ConnectArguments

# Those that a pgbouncer of any version keeps for each client.
_OF_A_CLIENT: Final = frozenset({"TimeZone", "application_name"})

# Set for this statement alone, so that PostgreSQL writes both alike: 20000ms is 20s.
_THERE: Final = """
select name, current_setting(name) as there, set_config(name, wanted, true) as wanted
from unnest($1::text[], $2::text[]) as asked(name, wanted)
"""


def of_reads(address: ConnectArguments) -> ConnectArguments:
    """Where reads connect: the database ``<name>_reads`` of the pooler."""
    return replace(address, database=f"{address.database}_reads")


def session_options(settings: Mapping[str, str]) -> dict[str, Any]:
    """How asyncpg connects to a pooler where it would set ``settings`` without one."""
    return {
        "statement_cache_size": 0,
        "server_settings": {name: value for name, value in settings.items() if name in _OF_A_CLIENT},
    }


async def require(connection: "asyncpg.Connection[asyncpg.Record]", database: str, settings: Mapping[str, str]) -> None:
    """Make sure that the pooler's ``database`` sets all of ``settings``.

    Raises:
        DatabaseUnavailable: it does not.
    """
    rows = await connection.fetch(_THERE, list(settings), list(settings.values()))
    wrong = [f"{row['name']} = {row['wanted']}" for row in rows if row["there"] != row["wanted"]]
    if wrong:
        raise DatabaseUnavailable(
            f"The pooler's database {database} does not set {', '.join(wrong)}: put that into its connect_query (docs/scaling.md)."
        )
