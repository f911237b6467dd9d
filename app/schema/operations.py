"""One operation of GraphQL, from what was asked to the bytes of its answer; however it came in.

An operation whose root fields are all compiled goes from variables to SQL to bytes. Anything else (``me``, introspection, a field
that needs Python, a mutation, an error to report) takes the stock executor over the same plans, so both ways answer alike.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson
from graphql import GraphQLError, OperationType
from graphql.execution.values import VariableValues

from app.authz.authorize import Access
from app.domain.audit.models import Action
from app.domain.audit.service import AuditLog, Event
from app.domain.base import DomainError
from app.domain.ewarong.live import TransactionNews
from app.domain.jobs.changes import JobChanges
from app.domain.registry.sealing import Seal
from app.schema import errors
from app.schema.calling import answer_call
from app.schema.context import ChangesOfAccess, RequestContext, SubscriptionContext
from app.schema.documents import Documents, OperationUnknown
from app.schema.exports.desk import ExportDesk
from app.schema.language import Language
from app.schema.plan.answer import Answer, Planned
from app.schema.plan.arguments import Caller
from app.schema.plan.planner import Document, Effort, Operation, OperationPlan
from app.schema.plan.subjects import SubjectGroup
from app.schema.root import Api
from app.tenants.session import Database

ANONYMOUS_OPERATION: Final = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a GraphQL request: a document or the hash of a known one, and what goes with it."""

    query: str | None
    document_hash: str | None
    variables: dict[str, Any]
    operation_name: str | None


class DocumentRefused(Exception):
    """The document or its variables cannot be: ``errors`` say why, all of them under ``code`` unless they have their own."""

    def __init__(self, found: Sequence[GraphQLError], code: str) -> None:
        super().__init__(code)
        self.errors = found
        self.code = code


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that may run: its document is known and valid, its variables are coerced, its caller may send it."""

    text: str
    document: Document
    operation: Operation
    given: dict[str, Any]
    variables: VariableValues
    access: Access
    cost: int
    plan: OperationPlan
    effort: Effort

    @property
    def kind(self) -> OperationType:
        """Whether it is a query, a mutation or a subscription."""
        return self.operation.node.operation

    @property
    def name(self) -> str:
        """The name of the operation in its document; empty where it has none."""
        name = self.operation.node.name
        return name.value if name is not None else ANONYMOUS_OPERATION


@dataclass(frozen=True, slots=True)
class Answered:
    """The body of an answer, and the codes of the errors in it."""

    body: bytes
    codes: tuple[str, ...] = ()


class Operations:
    """Prepares and answers operations over one schema and one database."""

    def __init__(
        self,
        api: Api,
        *,
        database: Database,
        documents: Documents,
        audit: AuditLog,
        seal: Seal,
        exports: ExportDesk,
        test_nik_provinces: frozenset[str],
        dukcapil_configured: bool,
    ) -> None:
        self._api, self._planner = api, api.planner
        self._database, self._documents, self._audit, self._seal = database, documents, audit, seal
        self._exports = exports
        self._test_nik_provinces = test_nik_provinces
        self._dukcapil_configured = dukcapil_configured
        self._job_changes = JobChanges(database)
        self._transaction_news = TransactionNews(database)

    async def prepare(self, asked: Asked, access: Access | None, effort: Effort) -> Prepared:
        """Find the document of ``asked``, whoever asks; None stands for somebody without a token.

        Raises:
            DocumentRefused: the document or its variables are not valid.
            DomainError: the document is over a limit, is not trusted, or has no such operation.
            Unauthenticated: the document is not open to the public, and there is no token.
        """
        text, access, trusted = await self._documents.resolve(asked.query, asked.document_hash, access)
        document = await self._planner.document_of(text, effort, trusted=trusted)
        if isinstance(document, list):
            raise DocumentRefused(document, errors.VALIDATION)
        self._documents.admit(document, access)
        operation = document.operation(asked.operation_name)
        if operation is None:
            raise OperationUnknown
        variables = await self._planner.variables_of(operation, asked.variables, effort)
        if isinstance(variables, list):
            raise DocumentRefused(variables, errors.BAD_USER_INPUT)
        cost = document.cost(operation, variables)
        try:
            plan = await self._planner.plan_of(operation, variables, access, effort)
        except GraphQLError as error:
            # A nullable variable brought null to @skip or @include.
            raise DocumentRefused([error], errors.BAD_USER_INPUT) from None
        return Prepared(text, document, operation, asked.variables, variables, access, cost, plan, effort)

    async def answer(
        self,
        prepared: Prepared,
        place: AbstractAsyncContextManager[None],
        *,
        language: Language,
        request_id: str,
        staleness: float = 0.0,
        extensions: bytes | None = None,
    ) -> Answered:
        """Run a query or a mutation in its ``place`` among those that run. The answer exists once the audit trail holds what it tells.

        ``staleness``: in a query, what is younger than so many seconds may be missing. What a mutation reads is the latest.
        """
        plan = prepared.plan
        caller = Caller(prepared.access, self._seal, self._test_nik_provinces)
        if prepared.kind is not OperationType.QUERY:
            staleness = 0.0
        answer = Answer(plan, prepared.variables.coerced, caller, self._database, staleness)
        async with place:
            planned = await self._planned(prepared, answer) if plan.complete else None
            if planned is None:
                context = self._context(prepared, answer, language, request_id)
                if plan.call is not None:
                    planned = await answer_call(plan.call, prepared.variables, context)
            if planned is not None:
                data: Any = orjson.Fragment(b"".join((b"{", *planned.members, b"}")))
                found: Sequence[GraphQLError] | None = planned.errors
            else:
                result = await self._api.schema.execute(
                    prepared.text, prepared.given, context_value=context, operation_name=prepared.name or None
                )
                data, found = result.data, result.errors
        # Whoever waits for the trail holds up nobody: its writer takes all who wait together.
        entries, refused = self._entries(found, language, request_id)
        await self._keep(prepared, request_id, answer.subjects, refused)
        if planned is not None and not entries:
            return Answered(_framed(planned.members, extensions))
        content = {"data": data}
        if entries:
            content["errors"] = entries
        if extensions is not None:
            content["extensions"] = orjson.Fragment(extensions)
        return Answered(orjson.dumps(content), tuple(entry["extensions"]["code"] for entry in entries))

    async def subscribe(
        self, prepared: Prepared, changes_of_access: ChangesOfAccess, *, language: Language, request_id: str
    ) -> AsyncGenerator[Answered, None]:
        """Run a subscription: one answer for each event, until the source ends or the caller closes the generator."""
        caller = Caller(prepared.access, self._seal, self._test_nik_provinces)
        answer = Answer(prepared.plan, prepared.variables.coerced, caller, self._database)
        context = self._context(prepared, answer, language, request_id)
        results = await self._api.schema.subscribe(
            prepared.text,
            prepared.given,
            context_value=SubscriptionContext(
                **vars(context),
                changes_of_access=changes_of_access,
                job_changes=self._job_changes,
                transaction_news=self._transaction_news,
            ),
            operation_name=prepared.name or None,
        )
        # Closed here and not by the garbage collector: what listens for events stops when nobody asks for them any more.
        async with aclosing(results):
            async for result in results:
                entries, refused = self._entries(result.errors, language, request_id)
                await self._keep(prepared, request_id, [], refused)
                yield _with_errors(result.data, entries)

    async def _planned(self, prepared: Prepared, answer: Answer) -> Planned | None:
        """What root fields answer that are all compiled, or None where something must be refused and the stock executor says what."""
        plan, variables = prepared.plan, prepared.variables
        statement = plan.statement(tuple(plan.roots))
        try:
            arguments = statement.bind(variables.coerced, answer.caller)
        except DomainError:
            return None
        record = await self._database.read_once(
            plan.scope(prepared.access), statement.text, arguments, staleness=answer.staleness
        )
        if statement.failures(record, variables.coerced):
            answer.record = record
            return None
        values, answer.subjects = statement.values(record)
        pieces: list[bytes] = []
        for key, value in zip(statement.json_keys, values, strict=True):
            pieces += (b',"' if pieces else b'"', key, b'":', value or b"null")
        return Planned(pieces)

    def _context(self, prepared: Prepared, answer: Answer, language: Language, request_id: str) -> RequestContext:
        return RequestContext(
            access=prepared.access,
            language=language,
            request_id=request_id,
            operation_name=prepared.name,
            document_hash=_hash(prepared.text),
            database=self._database,
            seal=self._seal,
            exports=self._exports,
            effort=prepared.effort,
            document=prepared.document.node,
            answer=answer,
            dukcapil_configured=self._dukcapil_configured,
        )

    def _entries(
        self, found: Sequence[GraphQLError] | None, language: Language, request_id: str
    ) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
        """The errors as the caller sees them, and the permissions that were refused."""
        entries = [errors.formatted(error, language, request_id) for error in found or ()]
        refused = (entry["extensions"].get("permission") for entry in entries)
        return entries, tuple(dict.fromkeys(permission for permission in refused if permission))

    async def _keep(
        self, prepared: Prepared, request_id: str, subjects: Sequence[SubjectGroup], refused: Sequence[str]
    ) -> None:
        if not subjects and not refused:
            return
        access = prepared.access
        common: Mapping[str, Any] = {
            "principal_id": access.principal.id,
            "operation": prepared.name,
            "document_hash": _hash(prepared.text),
            "purpose": None,
            "request_id": request_id,
        }
        events = [
            _read(group, self._planner.blueprint.sources[group.type_name].permission, access, common)
            for group in subjects
        ]
        events += [_refusal(permission, access, common) for permission in refused]
        await self._audit.append(events)


def _read(group: SubjectGroup, permission: Any, access: Access, common: Mapping[str, Any]) -> Event:
    return Event(
        action=Action.READ,
        roles=access.roles(permission),
        permission=permission.value,
        subject_type=group.type_name,
        subject_ids=group.ids,
        row_count=group.row_count,
        village_low=group.village_low,
        village_high=group.village_high,
        **common,
    )


def _refusal(permission: str, access: Access, common: Mapping[str, Any]) -> Event:
    hull = access.hull
    return Event(
        action=Action.REFUSAL,
        roles=access.all_roles,
        permission=permission,
        subject_type="Operation",
        subject_ids=(),
        row_count=0,
        village_low=hull.low,
        village_high=hull.high,
        **common,
    )


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _framed(members: Sequence[bytes], extensions: bytes | None) -> bytes:
    end = (b"}}",) if extensions is None else (b'},"extensions":', extensions, b"}")
    return b"".join((b'{"data":{', *members, *end))


def _with_errors(data: dict[str, Any] | None, entries: list[dict[str, Any]]) -> Answered:
    content: dict[str, Any] = {"data": data}
    if entries:
        content["errors"] = entries
    return Answered(orjson.dumps(content), tuple(entry["extensions"]["code"] for entry in entries))
