"""Documents are read once per text and planned once per permission set and shape of their variables.

A request whose document is known goes from variables to SQL to bytes; nothing is parsed, validated or executed again.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeAlias, TypeVar

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

from app.authz.authorize import Access, NotPermitted
from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.schema.plan.arguments import Binder, shape_of
from app.schema.plan.blueprint import Blueprint
from app.schema.plan.calls import CallPlan, planned_call
from app.schema.plan.compile import Compiler
from app.schema.plan.limits.measure import Measure, Meter
from app.schema.plan.limits.memory import DocumentMemory
from app.schema.plan.limits.refusals import LimitExceeded
from app.schema.plan.limits.text import count_tokens
from app.schema.plan.limits.validation import validated
from app.schema.plan.payload import PayloadCompiler, payload_fields
from app.schema.plan.selection import FieldDenied, Root, Selection, unraised
from app.schema.plan.source import Connect, Derived, Lookup, Many, One, Specification
from app.schema.plan.statement import PayloadText, RootText, Statement
from app.tenants.scope import TenantScope

Made = TypeVar("Made")
MOST_ERRORS: Final = 20
MOST_BYTES_OF_TRUSTED_PLANS: Final = 128 * 2**20
MOST_BYTES_OF_COMPOSED_PLANS: Final = 64 * 2**20
MOST_VALUES_AT_ONCE: Final = 2_000
"""So many are coerced within 4 ms: where they are more, others would wait for it."""
_BYTES_OF_A_PLAN: Final = 4096
_BYTES_OF_A_CHARACTER_OF_SQL: Final = 3


@dataclass(slots=True)
class OperationPlan:
    """How one operation is answered for one permission set and one shape of variables.

    ``roots`` holds a compiled root, or the refusal that its field raises; root fields that need no database are not in it. A mutation
    has ``payloads`` instead, by the response keys of its root field and of the object below; where it is nothing but one call of a
    function of the database, also that ``call``.
    """

    roots: dict[str, RootText | Exception]
    permissions: tuple[Permission, ...]
    complete: bool
    statements: dict[tuple[str, ...], Statement] = field(default_factory=dict)
    payloads: Mapping[tuple[str, str], PayloadText | Exception] = field(default_factory=dict)
    call: CallPlan | None = None

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
        characters += len(self.call.statement.text) if self.call is not None else 0
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
    """One operation of a known document. It keeps its plans among those of other documents, in ``plans``.

    They are kept by its ``identity``: with the operation itself a small plan would keep all of a document that was forgotten.
    """

    node: OperationDefinitionNode
    fragments: dict[str, FragmentDetails]
    variable_types: tuple[tuple[str, GraphQLInputType], ...]
    plans: "LRUCache[PlanKey, OperationPlan]"
    identity: object = field(default_factory=object)

    @property
    def characters(self) -> int:
        """How long its text is in the document."""
        location = self.node.loc
        return location.end - location.start if location is not None else 0

    def shape(self, variables: VariableValues) -> Hashable:
        """What of the variables decides the plan."""
        return tuple(shape_of(type_, variables.coerced.get(name, Undefined)) for name, type_ in self.variable_types)


PlanKey: TypeAlias = tuple[object, Hashable, Hashable]
"""The identity of an operation, a permission set and a shape of variables."""


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


class Effort(Protocol):
    """How reading and planning something new is borne: it takes milliseconds, which somebody must answer for."""

    def charge(self, characters: int) -> None:
        """Count the characters of a document that is to be read or planned; may refuse it."""

    async def run(self, work: Callable[[], Made]) -> Made:
        """What ``work`` returns. It touches nothing that the event loop changes."""


class Planner:
    """Reads documents and plans their operations for one schema."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self._meter = Meter(blueprint)
        self._memory: DocumentMemory[Document] = DocumentMemory()
        self._trusted_plans = plan_memory(MOST_BYTES_OF_TRUSTED_PLANS)
        self._composed_plans = plan_memory(MOST_BYTES_OF_COMPOSED_PLANS)
        self.plans_made = self.plans_remembered = 0

    def document(self, text: str, *, trusted: bool = False) -> Document | list[GraphQLError]:
        """The document of ``text``, or what is wrong with it. A ``trusted`` one stays in memory whatever others compose."""
        known = self._memory.recall(text, trusted=trusted)
        return known if known is not None else self._kept(text, self._read(text, trusted=trusted), trusted=trusted)

    async def document_of(self, text: str, effort: Effort, *, trusted: bool) -> Document | list[GraphQLError]:
        """As ``document``; what is new is read as ``effort`` says, and kept by the event loop."""
        known = self._memory.recall(text, trusted=trusted)
        if known is not None:
            return known
        if not trusted:
            effort.charge(len(text))
        return self._kept(text, await effort.run(lambda: self._read(text, trusted=trusted)), trusted=trusted)

    def _kept(self, text: str, found: Document | list[GraphQLError], *, trusted: bool) -> Document | list[GraphQLError]:
        if isinstance(found, Document):
            self._memory.keep(text, found, found.measure.tokens, trusted=trusted)
        else:
            self._memory.keep_wrong(text, found)
        return found

    def _read(self, text: str, *, trusted: bool) -> Document | list[GraphQLError]:
        plans = self._trusted_plans if trusted else self._composed_plans
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

    async def variables_of(
        self, operation: Operation, given: dict[str, Any], effort: Effort
    ) -> VariableValues | list[GraphQLError]:
        """As ``variables``; many values are coerced as ``effort`` says: what a device has kept for a day takes 30 ms."""
        if _holds_more(given, MOST_VALUES_AT_ONCE):
            return await effort.run(lambda: self.variables(operation, given))
        return self.variables(operation, given)

    def plan(self, operation: Operation, variables: VariableValues, access: Access) -> OperationPlan:
        """The plan of ``operation`` for this permission set and this shape of variables."""
        key = (operation.identity, access.shape, operation.shape(variables))
        plan = operation.plans.get(key)
        if plan is None:
            plan = self._make_plan(operation, variables, access)
            operation.plans[key] = plan
        return plan

    async def plan_of(
        self, operation: Operation, variables: VariableValues, access: Access, effort: Effort
    ) -> OperationPlan:
        """As ``plan``; one that is new is made as ``effort`` says, with its statement, and kept by the event loop."""
        key = (operation.identity, access.shape, operation.shape(variables))
        plan = operation.plans.get(key)
        if plan is None:
            if operation.plans is self._composed_plans:
                effort.charge(operation.characters)
            plan = operation.plans[key] = await effort.run(lambda: self._ready_plan(operation, variables, access))
            self.plans_made += 1
        else:
            self.plans_remembered += 1
        return plan

    def _ready_plan(self, operation: Operation, variables: VariableValues, access: Access) -> OperationPlan:
        plan = self._make_plan(operation, variables, access)
        if plan.complete:
            plan.statement(tuple(plan.roots))
        return plan

    def _make_plan(self, operation: Operation, variables: VariableValues, access: Access) -> OperationPlan:
        schema = self.blueprint.schema
        root_type = schema.get_root_type(operation.node.operation)
        if root_type is None or operation.node.operation is not OperationType.QUERY:
            selection = Selection(self.blueprint, operation.fragments, operation.node, variables, access, None)
            call = planned_call(selection) if operation.node.operation is OperationType.MUTATION else None
            return OperationPlan({}, (), complete=False, payloads=self._payloads(selection), call=call)
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
                roots[key] = unraised(refusal)
        complete = 0 < len(roots) == len(fields) and all(
            isinstance(root, RootText) and not root.needs_python for root in roots.values()
        )
        return OperationPlan(roots, held, complete)

    def _payloads(self, selection: Selection) -> dict[tuple[str, str], PayloadText | Exception]:
        """The objects that a mutation or a subscription answers; whether they may be read is known before anything is done."""
        if selection.operation.operation is OperationType.QUERY:
            return {}
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
            return unraised(refusal)
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


def _holds_more(given: dict[str, Any], most: int) -> bool:
    """Whether JSON holds more than ``most`` values; looks at no more of it than that takes."""
    values = 0
    waiting: list[dict[str, Any] | list[Any]] = [given]
    while waiting:
        container = waiting.pop()
        values += len(container)
        if values > most:
            return True
        within = container.values() if isinstance(container, dict) else container
        waiting.extend(value for value in within if isinstance(value, dict | list))
    return False
