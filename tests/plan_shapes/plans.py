"""What PostgreSQL does for a document, and what of it would be wrong in a country of many regencies."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from app.authz.authorize import Access
from app.domain.base import DomainError
from app.domain.registry.sealing import Seal
from app.schema.plan.arguments import Caller
from app.schema.plan.statement import RootText
from app.schema.root import api
from tests.architecture.tables import NO_SECRET
from tests.plan_shapes.country import TABLES, UNPLANTED

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

Node = Mapping[str, Any]
FEW: Final = 10
"""An index that holds no place may find so many rows, as those of a key, or of a time of which there are hardly any."""
MOST_READ: Final = 2_000
"""Rows of one table that a page may read: more than a regency has where it is not busy, and far fewer than where it is."""
SYNTHETIC: Final = "99"
"""The province of the numbers of people whom there are not."""
_WALL: Final = re.compile(r"\b(regency_id|village_id|village_low|village_high|principal_id)\b")
_WALLED: Final = TABLES - UNPLANTED - NO_SECRET
_EXPLAIN: Final = "explain (analyze, timing off, format json) "


class Asked(NamedTuple):
    """A statement as the application sends it."""

    text: str
    arguments: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody who asks."""

    access: Access
    seal: Seal

    def statement(self, document: str, variables: Mapping[str, Any]) -> Asked | None:
        """The statement of ``document``; None where it needs none, or where its arguments do not go together.

        Raises:
            AssertionError: the document is not valid, or asks for what the caller may not see.
        """
        planner = api().planner
        read = planner.document(document)
        assert not isinstance(read, list), (document, read)
        (operation,) = read.operations.values()
        coerced = planner.variables(operation, dict(variables))
        assert not isinstance(coerced, list), (document, coerced)
        plan = planner.plan(operation, coerced, self.access)
        if not plan.roots:
            return None
        refused = [root for root in plan.roots.values() if not isinstance(root, RootText)]
        assert not refused, (document, refused)
        statement = plan.statement(tuple(plan.roots))
        try:
            bound = statement.bind(coerced.coerced, Caller(self.access, self.seal, frozenset({SYNTHETIC})))
        except DomainError:
            return None
        return Asked(statement.text, [*plan.scope(self.access).settings, *bound])


async def plan_of(connection: "Connection", asked: Asked) -> Node:
    """The plan of ``asked`` for the arguments that it is sent with, and what it read."""
    plan: Node = json.loads(await connection.fetchval(_EXPLAIN + asked.text, *asked.arguments))[0]["Plan"]
    return plan


async def kept_plan_of(connection: "Connection", asked: Asked) -> Node:
    """The plan that PostgreSQL keeps for any arguments, once it has seen a statement a few times, and what it read."""
    prepared = await connection.prepare(asked.text)
    types = [f"{parameter.schema}.{parameter.name}" for parameter in prepared.get_parameters()]
    written = ", ".join(f"quote_nullable(${at}::{type_}::text)" for at, type_ in enumerate(types, start=1))
    literals = ", ".join(await connection.fetchrow(f"select {written}", *asked.arguments) or ())
    await connection.execute("set plan_cache_mode = force_generic_plan")
    try:
        await connection.execute(f"prepare kept as {asked.text}")
        plan: Node = json.loads(await connection.fetchval(f"{_EXPLAIN} execute kept({literals})"))[0]["Plan"]
    finally:
        await connection.execute("deallocate all")
        await connection.execute("reset plan_cache_mode")
        await connection.reload_schema_state()
    return plan


def nodes_of(plan: Node) -> Iterator[Node]:
    """All nodes of ``plan``."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes_of(below)


def complaints(plan: Node, own_rows: Mapping[str, int], *, page: bool) -> Iterator[str]:
    """What ``plan`` does that it must not: it reads the rows of others, or for a ``page`` far more than fit on it.

    ``own_rows`` are how many rows of each table are the caller's.
    """
    for node in nodes_of(plan):
        table = node.get("Relation Name")
        if table in _WALLED and node["Actual Loops"]:
            yield from _of_scan(node, table, own_rows[table])
        if page and _rows_read(node) > MOST_READ:
            yield f"{_named(node)} takes {_rows_read(node):.0f} rows for a page"


def _of_scan(node: Node, table: str, own: int) -> Iterator[str]:
    read = _rows_read(node)
    if node["Node Type"] == "Seq Scan":
        yield f"{table} is read from end to end"
    elif read > own:
        yield f"{_named(node)} reads {read:.0f} rows where {own} are the caller's"
    elif read > FEW and not any(_WALL.search(condition) for condition in _index_conditions(node)):
        yield f"{_named(node)} is not sought by where the rows belong: {list(_index_conditions(node))}"


def _index_conditions(node: Node) -> Iterator[str]:
    for each in nodes_of(node):
        yield each.get("Index Cond", "")


def _rows_read(node: Node) -> float:
    """Rows that a scan looked at each time, those that it dropped included; of a sort, those that it was given."""
    if node["Node Type"] == "Sort":
        return float(node["Plans"][0]["Actual Rows"])
    dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float(node["Actual Rows"] + dropped) if "Relation Name" in node else 0.0


def _named(node: Node) -> str:
    return " ".join(str(node[key]) for key in ("Node Type", "Relation Name", "Index Name", "Sort Key") if key in node)
