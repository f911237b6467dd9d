"""The rows of one connection, as they are at one moment, for whoever exports them."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
from graphql.execution.values import VariableValues

from app.authz.authorize import Access
from app.authz.permissions import Permission
from app.domain.audit.models import Purpose
from app.domain.exports.errors import PurposeMissing
from app.domain.registry.sealing import Seal
from app.schema.documents import OperationUnknown
from app.schema.exports.errors import DocumentInvalid, VariablesInvalid
from app.schema.plan.arguments import Caller
from app.schema.plan.planner import Document, Operation, Planner
from app.schema.plan.rows import AFTER, FIRST, RowsPlan, rows_plan
from app.schema.plan.statement import Text
from app.schema.plan.subjects import SubjectGroup, groups_of
from app.tenants.region_path import VILLAGE_DIGITS, RegionLevel
from app.tenants.scope import TenantScope
from app.tenants.session import ReadSession

PAGE_ROWS: Final = 1_000
_VILLAGES_OF_REGENCY: Final = 10 ** (VILLAGE_DIGITS - RegionLevel.REGENCY.digits)
_NODE, _CURSOR, _VILLAGE, _IDS = range(4)


def named_operation(document: Document | list[Any], name: str | None) -> Operation:
    """The operation ``name`` of ``document``, or its only one.

    Raises:
        DocumentInvalid: the document is none.
        OperationUnknown: it has no such operation.
    """
    if isinstance(document, list):
        raise DocumentInvalid(document)
    operation = document.operation(name)
    if operation is None:
        raise OperationUnknown
    return operation


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows that came together, in their order, and whom they are about."""

    records: list[asyncpg.Record]
    subjects: list[SubjectGroup]

    @property
    def nodes(self) -> list[bytes]:
        """The JSON of each row, as a page of the connection prints it."""
        return [record[_NODE] for record in self.records]


@dataclass(frozen=True, slots=True)
class RowReading:
    """What is read for one export, with variables that were coerced, for an access that reaches no further than exports do."""

    plan: RowsPlan
    variables: Mapping[str, Any]
    caller: Caller

    @classmethod
    def of(
        cls,
        planner: Planner,
        operation: Operation,
        given: dict[str, Any],
        access: Access,
        *,
        seal: Seal,
        test_nik_provinces: frozenset[str],
        purpose: Purpose | None,
    ) -> Self:
        """Plan it; takes milliseconds.

        Raises:
            NotPermitted, FieldDenied: ``access`` may not export, or not read what is selected where it may.
            DomainError: the operation, the variables or the purpose cannot be.
        """
        variables: VariableValues | list[Any] = planner.variables(operation, given)
        if isinstance(variables, list):
            raise VariablesInvalid(variables)
        access.scope(Permission.EXPORTS_EXPORT_RUN)
        narrowed = access.within(Permission.EXPORTS_EXPORT_RUN)
        plan = rows_plan(planner.blueprint, operation, variables, narrowed)
        if any(revealed.purpose is not purpose for revealed in plan.revealed):
            raise PurposeMissing
        reading = cls(plan, variables.coerced, Caller(narrowed, seal, test_nik_provinces))
        reading._arguments(plan.first_page)
        return reading

    @property
    def scope(self) -> TenantScope:
        """Where the rows may lie."""
        return self.caller.access.scope(self.plan.permission)

    def _arguments(self, text: Text, after: str | None = None) -> list[Any]:
        return text.bind({**self.variables, FIRST: PAGE_ROWS, AFTER: after}, self.caller)

    async def check(self, session: ReadSession) -> None:
        """Make sure of what the database must confirm, such as that a region is there.

        Raises:
            DomainError: it does not.
        """
        for text, argument, error in self.plan.checks:
            row = await session.row(text.sql, self._arguments(text))
            if row is None or not row[0]:
                raise error(argument.getter(self.variables))

    async def count(self, session: ReadSession) -> int:
        """How many rows there are."""
        row = await session.row(self.plan.count.sql, self._arguments(self.plan.count))
        return int(row[0]) if row is not None else 0

    async def about(self, session: ReadSession) -> list[SubjectGroup]:
        """Whom the connection is about, where its rows are not theirs."""
        if self.plan.about is None:
            return []
        row = await session.row(self.plan.about.sql, self._arguments(self.plan.about))
        return groups_of(row[0]) if row is not None else []

    async def pages(self, session: ReadSession) -> AsyncIterator[RowPage]:
        """All rows in their order, a thousand at a time."""
        text, after = self.plan.first_page, None
        while records := await session.rows(text.sql, self._arguments(text, after)):
            yield RowPage(records, self._subjects(records))
            if len(records) < PAGE_ROWS:
                break
            text, after = self.plan.next_page, records[-1][_CURSOR]

    def _subjects(self, records: list[asyncpg.Record]) -> list[SubjectGroup]:
        if not self.plan.personal:
            return []
        regencies: dict[int, list[asyncpg.Record]] = {}
        for record in records:
            regencies.setdefault(record[_VILLAGE] // _VILLAGES_OF_REGENCY, []).append(record)
        return [self._group(rows) for rows in regencies.values()]

    def _group(self, rows: list[asyncpg.Record]) -> SubjectGroup:
        villages = [row[_VILLAGE] for row in rows]
        ids = dict.fromkeys(_text(each) for row in rows for each in row[_IDS:] if each is not None)
        return SubjectGroup(self.plan.type_name, min(villages), max(villages), len(rows), tuple(ids))


def _text(identifier: UUID) -> str:
    return str(identifier)
