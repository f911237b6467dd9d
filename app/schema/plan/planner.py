"""Documents are read once per text and planned once per permission set and shape of their variables.

A request whose document is known goes from variables to SQL to bytes; nothing is parsed, validated or executed again.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import asyncpg
import sqlalchemy as sa
from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    get_variable_values,
    parse,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues
from graphql.pyutils import Undefined
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

from app.authz.authorize import Access, NotPermitted
from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.schema.plan.arguments import Argument, Binder, Bound, BoundScope, Caller, shape_of
from app.schema.plan.blueprint import Blueprint
from app.schema.plan.compile import Compiler
from app.schema.plan.limits.measure import Measure, Meter
from app.schema.plan.limits.memory import DocumentMemory
from app.schema.plan.limits.refusals import LimitExceeded
from app.schema.plan.limits.text import count_tokens
from app.schema.plan.limits.validation import validated
from app.schema.plan.payload import PayloadCompiler, payload_fields
from app.schema.plan.selection import FieldDenied, Root, Selection
from app.schema.plan.source import Connect, Derived, Lookup, Many, One, Specification
from app.schema.plan.subjects import SubjectGroup, split
from app.tenants.scope import TenantScope
from app.tenants.session import SCOPE_ARGUMENTS, SCOPE_CALL

MOST_ERRORS: Final = 20
MOST_BYTES_OF_TRUSTED_PLANS: Final = 128 * 2**20
MOST_BYTES_OF_COMPOSED_PLANS: Final = 64 * 2**20
_BYTES_OF_A_PLAN: Final = 4096
_BYTES_OF_A_CHARACTER_OF_SQL: Final = 3
_DIALECT: Final = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects are not typed
_PARAMETER: Final = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Text:
    """A compiled expression: its SQL, and where its parameters come from, in their order."""

    sql: str
    parameters: tuple[Bound | BoundScope | Any, ...]

    @classmethod
    def of(cls, expression: sa.ColumnElement[Any], binder: Binder) -> "Text":
        """Compile ``expression``, whose parameters ``binder`` knows."""
        compiled = sa.select(expression).compile(dialect=_DIALECT)
        names = compiled.positiontup or ()
        parameters = tuple(binder.bound.get(name, compiled.params[name]) for name in names)
        return cls(compiled.string.removeprefix("SELECT "), parameters)

    def numbered(self, after: int) -> str:
        """The SQL, with its first parameter numbered ``after`` + 1."""
        return _PARAMETER.sub(lambda match: f"${int(match[1]) + after}", self.sql)


@dataclass(frozen=True, slots=True)
class RootText:
    """A root field as text. Plans keep this and not the expressions that it came from, which take twenty times the memory."""

    value: Text
    checks: tuple[tuple[Text, Argument, Callable[[Any], Exception]], ...]
    needs_python: bool
    tells_subjects: bool

    @classmethod
    def of(cls, root: Root) -> "RootText":
        """Compile ``root``."""
        return cls(
            Text.of(root.expression, root.binder),
            tuple((Text.of(check.condition, root.binder), check.argument, check.error) for check in root.checks),
            root.needs_python,
            root.tells_subjects,
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text that sets its scope and answers one or more root fields, and where its parameters come from."""

    text: str
    keys: tuple[str, ...]
    json_keys: tuple[bytes, ...]
    tells_subjects: tuple[bool, ...]
    parameters: tuple[Bound | BoundScope | Any, ...]
    checks: tuple[tuple[str, Argument, Callable[[Any], Exception]], ...]

    @classmethod
    def of(cls, roots: Mapping[str, RootText]) -> "Statement":
        """Join ``roots`` in one statement: one snapshot, one round trip."""
        checks = [(key, *check) for key, root in roots.items() for check in root.checks]
        columns: list[str] = []
        parameters: list[Bound | BoundScope | Any] = []
        for text in [*(root.value for root in roots.values()), *(text for _, text, _, _ in checks)]:
            columns.append(text.numbered(SCOPE_ARGUMENTS + len(parameters)))
            parameters += text.parameters
        return cls(
            # Both parts are SQL that this program wrote; what callers send is bound.
            text=f"with scope as materialized (select {SCOPE_CALL}) select {', '.join(columns)} from scope",  # noqa: S608
            keys=tuple(roots),
            json_keys=tuple(key.encode() for key in roots),
            tells_subjects=tuple(root.tells_subjects for root in roots.values()),
            parameters=tuple(parameters),
            checks=tuple((key, argument, error) for key, _, argument, error in checks),
        )

    def bind(self, variables: Mapping[str, Any], caller: Caller) -> list[Any]:
        """The values to send.

        Raises:
            DomainError: a value is out of its bounds.
        """
        return [
            parameter.value(variables, caller) if isinstance(parameter, Bound | BoundScope) else parameter
            for parameter in self.parameters
        ]

    def values(self, record: asyncpg.Record) -> tuple[list[bytes | None], list[SubjectGroup]]:
        """The JSON of each root field, None where it found nothing, and whose personal data all of them hold."""
        values: list[bytes | None] = []
        subjects: list[SubjectGroup] = []
        for at, tells in enumerate(self.tells_subjects):
            value: bytes | None = record[at]
            if tells and value is not None:
                groups, value = split(value)
                subjects += groups
            values.append(value)
        return values, subjects

    def failures(self, record: asyncpg.Record, variables: Mapping[str, Any]) -> dict[str, Exception]:
        """The root fields whose checks the database answered with no, each with its error."""
        return {
            key: error(argument.getter(variables))
            for at, (key, argument, error) in enumerate(self.checks, start=len(self.keys))
            if not record[at]
        }


@dataclass(frozen=True, slots=True)
class PayloadText:
    """An object that a mutation answers, as the statement that reads it under the scope of ``permission``."""

    statement: Statement
    permission: Permission
    needs_python: bool


@dataclass(slots=True)
class OperationPlan:
    """How one operation is answered for one permission set and one shape of variables.

    ``roots`` holds a compiled root, or the refusal that its field raises; root fields that need no database are not in it. A mutation
    has ``payloads`` instead, by the response keys of its root field and of the object below.
    """

    roots: dict[str, RootText | Exception]
    permissions: tuple[Permission, ...]
    complete: bool
    statements: dict[tuple[str, ...], Statement] = field(default_factory=dict)
    payloads: Mapping[tuple[str, str], PayloadText | Exception] = field(default_factory=dict)

    def statement(self, keys: tuple[str, ...]) -> Statement:
        """The statement that answers the root fields ``keys``."""
        if keys not in self.statements:
            self.statements[keys] = Statement.of(
                {key: root for key in keys if isinstance(root := self.roots[key], RootText)}
            )
        return self.statements[keys]

    @property
    def weight(self) -> int:
        """About how many bytes it takes, with its statement: measured from 5 kB for one name to 600 kB for 40 lists of families."""
        characters = sum(len(root.value.sql) for root in self.roots.values() if isinstance(root, RootText))
        characters += sum(len(each.statement.text) for each in self.payloads.values() if isinstance(each, PayloadText))
        return _BYTES_OF_A_PLAN + _BYTES_OF_A_CHARACTER_OF_SQL * characters

    def scope(self, access: Access) -> TenantScope:
        """The scope that the statement of ``access`` runs under: the one that its root fields share, or their union."""
        if len(self.permissions) == 1:
            return access.scope(self.permissions[0])
        return access.scope_of_any(self.permissions)


def _compiled(name: str, selection: Selection, details: list[FieldDetails], permissions: Sequence[Permission]) -> Root:
    """The root field of ``details``, for whoever holds one of ``permissions``."""
    if selection.access.permissions.isdisjoint(permissions):
        raise NotPermitted(permissions[0])
    root = Compiler(selection, Binder(name)).root(details)
    if root.needs_python:
        return Compiler(replace(selection, for_tree=True), Binder(name)).root(details)
    return root


def plan_memory(most_bytes: int) -> "LRUCache[PlanKey, OperationPlan]":
    """The plans that were used last, as many as ``most_bytes`` hold."""
    return LRUCache(most_bytes, lambda plan: plan.weight)


def _shared_scope(access: Access, permissions: Sequence[Permission]) -> TenantScope | None:
    scopes = {access.scope(permission) for permission in permissions}
    return scopes.pop() if len(scopes) == 1 else None


@dataclass(slots=True, eq=False)
class Operation:
    """One operation of a known document. It keeps its plans among those of other documents, in ``plans``."""

    node: OperationDefinitionNode
    fragments: dict[str, FragmentDetails]
    variable_types: tuple[tuple[str, GraphQLInputType], ...]
    plans: "LRUCache[PlanKey, OperationPlan]"

    def shape(self, variables: VariableValues) -> Hashable:
        """What of the variables decides the plan."""
        return tuple(shape_of(type_, variables.coerced.get(name, Undefined)) for name, type_ in self.variable_types)


PlanKey: TypeAlias = tuple[Operation, Hashable, Hashable]
"""An operation, a permission set and a shape of variables."""


@dataclass(slots=True)
class Document:
    """A document that was parsed, measured and validated, with its operations by name."""

    node: DocumentNode
    operations: dict[str | None, Operation]
    measure: Measure

    def operation(self, name: str | None) -> Operation | None:
        """The operation ``name``, or the only one."""
        if name is None:
            return next(iter(self.operations.values())) if len(self.operations) == 1 else None
        return self.operations.get(name)

    def cost(self, operation: Operation, variables: VariableValues) -> int:
        """The values that the answer of ``operation`` may hold.

        Raises:
            CostTooHigh: there may be more than one operation may ask for.
        """
        name = operation.node.name
        return self.measure.cost(name.value if name is not None else None, variables.coerced)


class Planner:
    """Reads documents and plans their operations for one schema."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self._meter = Meter(blueprint)
        self._memory: DocumentMemory[Document] = DocumentMemory()
        self._trusted_plans = plan_memory(MOST_BYTES_OF_TRUSTED_PLANS)
        self._composed_plans = plan_memory(MOST_BYTES_OF_COMPOSED_PLANS)

    def knows(self, text: str) -> bool:
        """Whether ``text`` was read before and is remembered, so that reading it again costs nothing."""
        return self._memory.knows(text)

    def document(self, text: str, *, trusted: bool = False) -> Document | list[GraphQLError]:
        """The document of ``text``, or what is wrong with it. A ``trusted`` one stays in memory whatever others compose."""
        known = self._memory.recall(text, trusted=trusted)
        if known is None:
            known = self._read(text, self._trusted_plans if trusted else self._composed_plans)
            if isinstance(known, Document):
                self._memory.keep(text, known, known.measure.tokens, trusted=trusted)
            else:
                self._memory.keep_wrong(text, known)
        return known

    def _read(self, text: str, plans: "LRUCache[PlanKey, OperationPlan]") -> Document | list[GraphQLError]:
        try:
            tokens = count_tokens(text)
            node = parse(text)
            measure = self._meter.measure(node, tokens)
        except LimitExceeded as refusal:
            return [GraphQLError(str(refusal), original_error=refusal)]
        except GraphQLError as error:
            return [error]
        if errors := validated(self.blueprint.schema, node, MOST_ERRORS):
            return errors
        fragments = {
            definition.name.value: FragmentDetails(definition)
            for definition in node.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        operations = [definition for definition in node.definitions if isinstance(definition, OperationDefinitionNode)]
        return Document(
            node,
            {
                operation.name.value if operation.name else None: Operation(
                    operation, fragments, self._variable_types(operation), plans
                )
                for operation in operations
            },
            measure,
        )

    def _variable_types(self, operation: OperationDefinitionNode) -> tuple[tuple[str, GraphQLInputType], ...]:
        signatures = (
            get_variable_signature(self.blueprint.schema, definition)
            for definition in operation.variable_definitions or ()
        )
        return tuple((s.name, s.type) for s in signatures if isinstance(s, GraphQLVariableSignature))

    def variables(self, operation: Operation, given: dict[str, Any]) -> VariableValues | list[GraphQLError]:
        """Coerce the variables as graphql-core does."""
        return get_variable_values(
            self.blueprint.schema,
            operation.node.variable_definitions or (),
            given,
            max_errors=50,
            hide_suggestions=True,
        )

    def plan(self, operation: Operation, variables: VariableValues, access: Access) -> OperationPlan:
        """The plan of ``operation`` for this permission set and this shape of variables."""
        key = (operation, access.shape, operation.shape(variables))
        plan = operation.plans.get(key)
        if plan is None:
            plan = self._make_plan(operation, variables, access)
            operation.plans[key] = plan
        return plan

    def _make_plan(self, operation: Operation, variables: VariableValues, access: Access) -> OperationPlan:
        schema = self.blueprint.schema
        root_type = schema.get_root_type(operation.node.operation)
        if root_type is None or operation.node.operation is not OperationType.QUERY:
            return OperationPlan({}, (), complete=False, payloads=self._payloads(operation, variables, access))
        fields = collect_fields(schema, operation.fragments, variables, root_type, operation.node).grouped_field_set
        specifications = {
            key: self.blueprint.specifications.get((root_type.name, details[0].node.name.value))
            for key, details in fields.items()
        }
        wanted = {
            key: self._root_permissions(specification, root_type.fields[fields[key][0].node.name.value], access)
            for key, specification in specifications.items()
            if specification is not None
        }
        held = tuple(dict.fromkeys(permission for permissions in wanted.values() for permission in permissions))
        held = tuple(permission for permission in held if permission in access.permissions)
        scope = _shared_scope(access, held) if held else None
        selection = Selection(self.blueprint, operation.fragments, operation.node, variables, access, scope)
        roots: dict[str, RootText | Exception] = {}
        for number, (key, permissions) in enumerate(wanted.items()):
            try:
                roots[key] = RootText.of(_compiled(f"root{number}", selection, fields[key], permissions))
            except (FieldDenied, NotPermitted, DomainError) as refusal:
                roots[key] = refusal
        complete = 0 < len(roots) == len(fields) and all(
            isinstance(root, RootText) and not root.needs_python for root in roots.values()
        )
        return OperationPlan(roots, held, complete)

    def _payloads(
        self, operation: Operation, variables: VariableValues, access: Access
    ) -> dict[tuple[str, str], PayloadText | Exception]:
        """The objects that a mutation answers; whether they may be read is known before anything is changed."""
        if operation.node.operation is not OperationType.MUTATION:
            return {}
        selection = Selection(self.blueprint, operation.fragments, operation.node, variables, access, None)
        return {keys: self._payload(selection, type_, details) for keys, type_, details in payload_fields(selection)}

    def _payload(
        self, selection: Selection, type_: GraphQLObjectType, details: list[FieldDetails]
    ) -> PayloadText | Exception:
        permission = self.blueprint.source_of(type_.fields[details[0].node.name.value]).permission
        try:
            selection = replace(selection, statement_scope=selection.access.scope(permission))
            root = PayloadCompiler(selection, Binder("payload")).payload(type_, details)
            if root.needs_python:
                tree = replace(selection, for_tree=True)
                root = PayloadCompiler(tree, Binder("payload")).payload(type_, details)
        except (FieldDenied, NotPermitted, DomainError) as refusal:
            return refusal
        return PayloadText(Statement.of({"payload": RootText.of(root)}), permission, root.needs_python)

    def _root_permissions(self, specification: Specification, definition: Any, access: Access) -> list[Permission]:
        match specification:
            case Derived():
                return [specification.permission]
            case Lookup():
                readable = [source.permission for source in self.blueprint.sources.values() if source.node is not None]
                return [permission for permission in readable if permission in access.permissions] or readable[:1]
            case One() | Many() | Connect():
                return [self.blueprint.source_of(definition).permission]
            case _:
                raise LookupError(f"{type(specification).__name__} cannot stand at the root")
