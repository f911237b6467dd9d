"""What a plan answered, for the stock executor: each root field finds its part, or raises its own refusal."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
from graphql import GraphQLError

from app.schema.plan.arguments import Caller
from app.schema.plan.planner import OperationPlan
from app.schema.plan.selection import unraised
from app.schema.plan.statement import RootText, Statement
from app.schema.plan.subjects import SubjectGroup
from app.tenants.session import Database


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan answered without the stock executor: the members of ``data`` as JSON, and what went wrong.

    The JSON is in pieces, so that a long answer is copied once, where the whole body is put together.
    """

    members: Sequence[bytes]
    errors: tuple[GraphQLError, ...] = ()


@dataclass(slots=True)
class Answer:
    """The planned root fields of one request, read together at the first that is asked for: one statement, one snapshot.

    ``subjects`` are those whose personal data was read. ``record`` is given where the statement of all root fields has run already.
    ``staleness``: what is younger than so many seconds may be missing.
    """

    plan: OperationPlan
    variables: Mapping[str, Any]
    caller: Caller
    database: Database
    staleness: float = 0.0
    record: asyncpg.Record | None = None
    subjects: list[SubjectGroup] = field(default_factory=list, init=False)
    _reading: "asyncio.Task[dict[str, Any]] | None" = field(default=None, init=False)

    async def root(self, key: str) -> Any:
        """The value of the root field ``key``: raw JSON, or a tree where a field below needs Python."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        value = (await self._reading)[key]
        if isinstance(value, Exception):
            raise unraised(value)
        return value

    async def _read(self) -> dict[str, Any]:
        if self.record is not None:
            return self._answered(self.plan.statement(tuple(self.plan.roots)), self.record)
        answered: dict[str, Any] = {}
        askable = []
        for key, root in self.plan.roots.items():
            if isinstance(root, Exception):
                answered[key] = root
                continue
            try:
                self.plan.statement((key,)).bind(self.variables, self.caller)
            except Exception as error:  # noqa: BLE001  (it belongs to this root field and is raised there)
                answered[key] = error
            else:
                askable.append(key)
        if askable:
            statement = self.plan.statement(tuple(askable))
            record = await self.database.read_once(
                self.plan.scope(self.caller.access),
                statement.text,
                statement.bind(self.variables, self.caller),
                staleness=self.staleness,
            )
            answered |= self._answered(statement, record)
        return answered

    def _answered(self, statement: Statement, record: asyncpg.Record) -> dict[str, Any]:
        values, self.subjects = statement.values(record)
        read = {key: self._value(key, value) for key, value in zip(statement.keys, values, strict=True)}
        return read | statement.failures(record, self.variables)

    def _value(self, key: str, json: bytes | None) -> Any:
        root = self.plan.roots[key]
        if json is None:
            return None
        return orjson.loads(json) if isinstance(root, RootText) and root.needs_python else orjson.Fragment(json)
