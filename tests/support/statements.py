"""What PostgreSQL was sent, told by PostgreSQL itself."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncpg

_SENT = """
select query, calls from watching.pg_stat_statements
where userid = 'kesos_app'::regrole and dbid = (select oid from pg_database where datname = current_database())
order by query
"""


_KEPT = "insert into audit_event"


class Sent(NamedTuple):
    """One text and how often it ran."""

    text: str
    calls: int


class Statements:
    """The statements of kesos_app in one database since the last ``forget``."""

    def __init__(self, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._owner = owner

    async def watch(self) -> bool:
        """Begin; False where the server was not started with pg_stat_statements."""
        if "pg_stat_statements" not in await self._owner.fetchval("show shared_preload_libraries"):
            return False
        await self._owner.execute("create schema if not exists watching")
        await self._owner.execute("create extension if not exists pg_stat_statements schema watching")
        return True

    async def forget(self) -> None:
        """Count from now on."""
        await self._owner.execute("select watching.pg_stat_statements_reset()")

    async def sent(self) -> list[Sent]:
        """Every text that was run to answer; not what the audit trail was told, which is ``kept``."""
        return [each for each in await self._all() if _KEPT not in each.text]

    async def kept(self) -> int:
        """How many statements appended to the audit trail."""
        return sum(each.calls for each in await self._all() if _KEPT in each.text)

    async def _all(self) -> list[Sent]:
        return [Sent(row["query"], row["calls"]) for row in await self._owner.fetch(_SENT)]

    async def calls(self) -> int:
        """How many statements were run, BEGIN and COMMIT included."""
        return sum(each.calls for each in await self.sent())
