"""Documents are read once per text and planned once per permission set and shape of their variables.

A request whose document is known goes from variables to SQL to bytes; nothing is parsed, validated or executed again.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputType,
    OperationDefinitionNode,
    OperationType,
    get_variable_values,
    parse,
    validate,
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
from app.schema.plan.compile import Compiler, FieldDenied, Root, Selection
from app.schema.plan.source import Connect, Derived, Lookup, Many, One, Specification
from app.schema.plan.subjects import SubjectGroup, split
from app.tenants.scope import TenantScope
from app.tenants.session import SCOPE_ARGUMENTS, SCOPE_CALL

MOST_DOCUMENTS: Final = 1000
LONGEST_REMEMBERED_DOCUMENT: Final = 16_384
MOST_PLANS_OF_A_DOCUMENT: Final = 64
_MOST_TOKENS: Final = 4000
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


@dataclass(slots=True)
class OperationPlan:
    """How one operation is answered for one permission set and one shape of variables.

    ``roots`` holds a compiled root, or the refusal that its field raises; root fields that need no database are not in it.
    """

    roots: dict[str, RootText | Exception]
    permissions: tuple[Permission, ...]
    complete: bool
    statements: dict[tuple[str, ...], Statement] = field(default_factory=dict)

    def statement(self, keys: tuple[str, ...]) -> Statement:
        """The statement that answers the root fields ``keys``."""
        if keys not in self.statements:
            self.statements[keys] = Statement.of(
                {key: root for key in keys if isinstance(root := self.roots[key], RootText)}
            )
        return self.statements[keys]

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


def _shared_scope(access: Access, permissions: Sequence[Permission]) -> TenantScope | None:
    scopes = {access.scope(permission) for permission in permissions}
    return scopes.pop() if len(scopes) == 1 else None


@dataclass(slots=True)
class Operation:
    """One operation of a known document."""

    node: OperationDefinitionNode
    fragments: dict[str, FragmentDetails]
    variable_types: tuple[tuple[str, GraphQLInputType], ...]
    plans: LRUCache[tuple[Hashable, Hashable], OperationPlan] = field(
        default_factory=lambda: LRUCache(MOST_PLANS_OF_A_DOCUMENT)
    )

    def shape(self, variables: VariableValues) -> Hashable:
        """What of the variables decides the plan."""
        return tuple(shape_of(type_, variables.coerced.get(name, Undefined)) for name, type_ in self.variable_types)


@dataclass(slots=True)
class Document:
    """A document that was parsed and validated, with its operations by name."""

    node: DocumentNode
    operations: dict[str | None, Operation]

    def operation(self, name: str | None) -> Operation | None:
        """The operation ``name``, or the only one."""
        if name is None:
            return next(iter(self.operations.values())) if len(self.operations) == 1 else None
        return self.operations.get(name)


class Planner:
    """Reads documents and plans their operations for one schema."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self._documents: LRUCache[str, Document] = LRUCache(MOST_DOCUMENTS)

    def document(self, text: str) -> Document | list[GraphQLError]:
        """The document of ``text``, or what is wrong with it."""
        if (known := self._documents.get(text)) is not None:
            return known
        try:
            node = parse(text, max_tokens=_MOST_TOKENS)
        except GraphQLError as error:
            return [error]
        if errors := validate(self.blueprint.schema, node, hide_suggestions=True):
            return errors
        fragments = {
            definition.name.value: FragmentDetails(definition)
            for definition in node.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        operations = [definition for definition in node.definitions if isinstance(definition, OperationDefinitionNode)]
        document = Document(
            node,
            {
                operation.name.value if operation.name else None: Operation(
                    operation, fragments, self._variable_types(operation)
                )
                for operation in operations
            },
        )
        if len(text) <= LONGEST_REMEMBERED_DOCUMENT:
            self._documents[text] = document
        return document

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
        key = (access.shape, operation.shape(variables))
        plan = operation.plans.get(key)
        if plan is None:
            plan = self._make_plan(operation, variables, access)
            operation.plans[key] = plan
        return plan

    def _make_plan(self, operation: Operation, variables: VariableValues, access: Access) -> OperationPlan:
        schema = self.blueprint.schema
        root_type = schema.get_root_type(operation.node.operation)
        if root_type is None or operation.node.operation is not OperationType.QUERY:
            return OperationPlan({}, (), complete=False)
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
