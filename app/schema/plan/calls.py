"""A mutation that is one call of a function of the database, as the one statement that does it and prints what it answers.

The statement does not see the rows that its own function wrote. So an object that is answered is made of the row that the function
returned: of columns and expressions of that row. Whatever needs another row is left to the stock executor, which reads it afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import orjson
import sqlalchemy as sa
from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails, collect_fields
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.authz.authorize import NotPermitted
from app.domain.base import DomainError
from app.schema.plan.arguments import Binder, Caller, Parameter, bound_values
from app.schema.plan.blueprint import Blueprint
from app.schema.plan.compile import Compiler, Selected
from app.schema.plan.printing import json_object
from app.schema.plan.selection import FieldDenied, Selection
from app.schema.plan.source import Call, Computed, Outcome, Part, Payload, Reading, Row, Source, Value
from app.schema.plan.statement import Text
from app.tenants.session import SCOPE_ARGUMENTS, SCOPE_CALL

CALL_ARGUMENTS: Final = 2
_TOLD: Final = "told"
_TOLD_FIRST: Final = ("outcome", "detail")


class NotPlanned(Exception):
    """Something is selected that the row which the function returns cannot answer."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value of what is answered: an attribute of the object in Python, printed as its GraphQL type says."""

    attribute: str
    type: GraphQLLeafType | GraphQLList[Any] | GraphQLNonNull[Any]

    def printed(self, answered: object) -> Any:
        """The value for JSON."""
        return _printed(self.type, getattr(answered, self.attribute))


@dataclass(frozen=True, slots=True)
class Told:
    """A value that the statement printed, the one with the number ``at``; with whose personal data it holds where it ``tells_subjects``."""

    at: int
    tells_subjects: bool


PrintedField: TypeAlias = tuple[bytes, Leaf | Told | bytes]
"""A response key, and how what stands there is printed: bytes are printed as they are."""


@dataclass(frozen=True, slots=True)
class CallStatement:
    """The statement of the mutation ``name``: it calls the function and yields outcome, detail, and of the row the key of ``keys`` columns,
    the further ones of the call, and what is printed.
    """

    call: Call
    name: str
    text: str
    keys: int

    @property
    def first_printed(self) -> int:
        """The column after those that an outcome is made of."""
        return len(_TOLD_FIRST) + self.keys + len(self.call.further)

    def outcome(self, record: Sequence[Any]) -> Outcome:
        """What ``record`` says that was done."""
        first, second = len(_TOLD_FIRST), len(_TOLD_FIRST) + self.keys
        detail = orjson.loads(record[1]) if record[1] is not None else {}
        return Outcome(record[0], detail, tuple(record[first:second]), tuple(record[second : self.first_printed]))

    @classmethod
    def of(cls, call: Call, name: str, source: Source, columns: Sequence[str] = ()) -> "CallStatement":
        """The statement that yields ``columns`` of the row too, which is one of ``source``."""
        if source.node is None:
            raise LookupError(f"{source.table.name} has no node ids")
        names = [f"{_TOLD}.{each}" for each in (*_TOLD_FIRST, *source.node.columns, *call.further)]
        arguments = f"${SCOPE_ARGUMENTS + 1}::jsonb, ${SCOPE_ARGUMENTS + 2}::jsonb"
        # Called for each row of `scope`, and so after it; and once, for `offset 0` keeps the call from being repeated for each column.
        return cls(
            call,
            name,
            f"with scope as materialized (select {SCOPE_CALL}), {_TOLD} as materialized (select (called.answer).* "  # noqa: S608  (our own words)
            f"from (select {call.function}({arguments}) as answer from scope offset 0) as called) "
            f"select {', '.join([*names, *columns])} from {_TOLD}",
            len(source.node.columns),
        )


@dataclass(frozen=True, slots=True)
class CallPlan:
    """How a document that is nothing but one call is answered, for one permission set and one shape of variables."""

    key: str
    statement: CallStatement
    field: GraphQLField
    nodes: list[FieldNode]
    parameters: tuple[Parameter | Any, ...]
    printed: Mapping[type, tuple[PrintedField, ...]]

    def bind(self, variables: Mapping[str, Any], caller: Caller) -> list[Any]:
        """The values to send after the arguments of the function.

        Raises:
            DomainError: a value is out of its bounds.
        """
        return bound_values(self.parameters, variables, caller)


def called_source(blueprint: Blueprint, answered: GraphQLField) -> Source:
    """The source of the object that a call answers, whose row its function returns."""
    for type_ in _members(blueprint, answered):
        for name, declared in type_.fields.items():
            if isinstance(blueprint.specifications.get((type_.name, name)), Payload):
                return blueprint.source_of(declared)
    raise LookupError(f"{answered.type} answers no object")


def _members(blueprint: Blueprint, answered: GraphQLField) -> Sequence[GraphQLObjectType]:
    union: Any = get_named_type(answered.type)
    return blueprint.schema.get_possible_types(union)


def planned_call(selection: Selection) -> CallPlan | None:
    """The plan of a mutation that is nothing but one call; None where the stock executor answers it, or refuses it."""
    root = selection.root_type
    fields = collect_fields(
        selection.blueprint.schema, selection.fragments, selection.variables, root, selection.operation
    ).grouped_field_set
    if len(fields) != 1:
        return None
    ((key, details),) = fields.items()
    name = details[0].node.name.value
    call = selection.blueprint.specifications.get((root.name, name))
    if not isinstance(call, Call) or call.permission not in selection.access.permissions:
        return None
    scope = selection.access.scope(call.permission)
    planner = _CallPlanner(replace(selection, statement_scope=scope), call, root.fields[name])
    try:
        return planner.plan(key, details)
    except (NotPlanned, FieldDenied, NotPermitted, DomainError):
        return None


@dataclass(slots=True)
class _CallPlanner:
    selection: Selection
    call: Call
    called: GraphQLField
    binder: Binder = field(default_factory=lambda: Binder("call"))
    texts: list[Text] = field(default_factory=list)

    def plan(self, key: str, details: list[FieldDetails]) -> CallPlan:
        source = called_source(self.selection.blueprint, self.called)
        printed = {
            _python_type(type_): tuple(self._printed(type_, details))
            for type_ in _members(self.selection.blueprint, self.called)
        }
        parameters: list[Parameter | Any] = []
        columns: list[str] = []
        for text in self.texts:
            columns.append(text.numbered(SCOPE_ARGUMENTS + CALL_ARGUMENTS + len(parameters)))
            parameters += text.parameters
        return CallPlan(
            key,
            CallStatement.of(self.call, details[0].node.name.value, source, columns),
            self.called,
            [each.node for each in details],
            tuple(parameters),
            printed,
        )

    def _printed(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> list[PrintedField]:
        printed: list[PrintedField] = []
        for key, nodes in self.selection.subfields(type_, details).items():
            name = nodes[0].node.name.value
            how: Leaf | Told | bytes
            if name == "__typename":
                how = b'"%b"' % type_.name.encode()
            elif isinstance(self.selection.blueprint.specifications.get((type_.name, name)), Payload):
                how = self._told(type_.fields[name], nodes)
            else:
                how = _leaf(type_.fields[name])
            printed.append((key.encode(), how))
        return printed

    def _told(self, answered: GraphQLField, details: list[FieldDetails]) -> Told:
        source = self.selection.blueprint.source_of(answered)
        if self.selection.access.scope(source.permission) != self.selection.statement_scope:
            raise NotPlanned("the object may not be read wherever the mutation may be done")
        compiler = _RowCompiler(self.selection, self.binder)
        self.texts.append(Text.of(compiler.made_of_row(source, answered, details), self.binder))
        return Told(len(self.texts) - 1, compiler.tells_subjects)


class _RowCompiler(Compiler):
    """Compiles an object of which there is nothing but the row that the function returned."""

    def made_of_row(self, source: Source, answered: GraphQLField, details: list[FieldDetails]) -> sa.ColumnElement[Any]:
        type_: Any = get_named_type(answered.type)
        rows = sa.table(_TOLD, *(sa.column(each.name, each.type) for each in source.table.c))
        columns = self._columns(type_, details, Row(rows))
        return json_object(columns, rows, beside=self._subjects(source, type_.name, rows))

    def _expression(self, specification: object, selected: Selected) -> sa.ColumnElement[Any]:
        if not isinstance(specification, Value | Part):
            raise NotPlanned(selected.details[0].node.name.value)
        return super()._expression(specification, selected)

    def _needs(self, _specification: Computed, _reading: Reading) -> Any:
        raise NotPlanned("a field needs Python")


def _leaf(answered: GraphQLField) -> Leaf:
    definition = answered.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not is_leaf_type(get_named_type(answered.type)) or definition is None or definition.base_resolver is not None:
        raise NotPlanned("a field is neither a value nor a row")
    return Leaf(definition.python_name, answered.type)  # type: ignore[arg-type]  # a leaf, or a list of them


def _printed(type_: Any, value: Any) -> Any:
    if value is None:
        return None
    nullable = get_nullable_type(type_)
    if isinstance(nullable, GraphQLList):
        return [_printed(nullable.of_type, each) for each in value]
    serialize: Callable[[Any], Any] = nullable.coerce_output_value
    return serialize(value)


def _python_type(type_: GraphQLObjectType) -> type:
    origin: type = type_.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].origin
    return origin
