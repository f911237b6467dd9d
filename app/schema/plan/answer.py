"""What a plan answered, for the stock executor: each root field finds its part, or raises its own refusal."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.schema.plan.arguments import Caller
from app.schema.plan.planner import OperationPlan, RootText
from app.tenants.session import Database


@dataclass(slots=True)
class Answer:
    """The planned root fields of one request, read together at the first that is asked for: one statement, one snapshot."""

    plan: OperationPlan
    variables: Mapping[str, Any]
    caller: Caller
    database: Database
    _reading: "asyncio.Task[dict[str, Any]] | None" = field(default=None, init=False)

    async def root(self, key: str) -> Any:
        """The value of the root field ``key``: raw JSON, or a tree where a field below needs Python."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        value = (await self._reading)[key]
        if isinstance(value, Exception):
            raise value
        return value

    async def _read(self) -> dict[str, Any]:
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
                self.plan.scope(self.caller.access), statement.text, statement.bind(self.variables, self.caller)
            )
            answered |= {key: self._value(key, record[at]) for at, key in enumerate(askable)}
            answered |= statement.failures(record, self.variables)
        return answered

    def _value(self, key: str, json: bytes | None) -> Any:
        root = self.plan.roots[key]
        if json is None:
            return None
        return orjson.loads(json) if isinstance(root, RootText) and root.needs_python else orjson.Fragment(json)
