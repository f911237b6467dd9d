"""Arguments of a planned field: their shape is known when the plan is made, their values when it runs.

Which filters are present, enum values and booleans decide the SQL, so they belong to the plan. Numbers, texts and ids are bound.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Undefined
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

from app.authz.authorize import Access
from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.domain.registry.sealing import Seal
from app.tenants.scope import multirange_of

Getter = Callable[[Mapping[str, Any]], Any]
_SHAPELESS: Final = "?"
_ABSENT: Final = "-"


def shape_of(type_: GraphQLInputType, value: Any) -> Hashable:
    """What of ``value`` (coerced, of input type ``type_``) decides the SQL: presence, enum values and booleans."""
    if value is Undefined:
        return _ABSENT
    if value is None:
        return None
    if isinstance(type_, GraphQLNonNull):
        return shape_of(type_.of_type, value)
    if isinstance(type_, GraphQLInputObjectType):
        return tuple(
            (name, shape_of(input_field.type, value[input_field.out_name or name]))
            for name, input_field in type_.fields.items()
            if (input_field.out_name or name) in value
        )
    if isinstance(type_, GraphQLEnumType) or type_ is GraphQLBoolean:
        return value  # type: ignore[no-any-return]  # an enum member or a bool
    return _SHAPELESS


class ArgumentNull(DomainError):
    """A nullable variable brought null to an argument that has a default, or into a list, and that takes no null."""

    code = "ARGUMENT_NULL"

    def __init__(self, name: str) -> None:
        super().__init__(f"Argumen `{name}` tidak boleh null.", f"The argument `{name}` must not be null.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a statement is bound for, and the services that a value may need on its way into SQL."""

    access: Access
    seal: Seal
    test_nik_provinces: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bound:
    """One parameter of a statement: where its value comes from and how it is checked and converted."""

    getter: Getter
    convert: Callable[[Any, Caller], Any] | None = None

    def value(self, variables: Mapping[str, Any], caller: Caller) -> Any:
        """The value to send."""
        value = self.getter(variables)
        return self.convert(value, caller) if self.convert is not None else value


@dataclass(frozen=True, slots=True)
class BoundScope:
    """A parameter that carries the ranges of one permission's own scope."""

    permission: Permission

    def value(self, _variables: Mapping[str, Any], caller: Caller) -> str:
        """The ranges, as text of an int8multirange."""
        return caller.access.scope(self.permission).multirange


@dataclass(frozen=True, slots=True)
class BoundRegency:
    """A parameter that carries the first or the last regency of one permission's own scope."""

    permission: Permission
    last: bool = False

    def value(self, _variables: Mapping[str, Any], caller: Caller) -> int | None:
        """Its id; None where the permission reaches nothing."""
        low, high, *_ = caller.access.scope(self.permission).settings
        return high if self.last else low


@dataclass(frozen=True, slots=True)
class BoundEntities:
    """A parameter that carries the things to which grants of one permission are bound."""

    permission: Permission

    def value(self, _variables: Mapping[str, Any], caller: Caller) -> list[UUID] | None:
        """Their ids; None where no grant is bound, so that the permission reaches all rows of its villages."""
        return [entity.id for entity in caller.access.scope(self.permission).entities] or None


@dataclass(frozen=True, slots=True)
class BoundFree:
    """A parameter that carries the ranges of the grants of one permission that are bound to no thing, where others are."""

    permission: Permission

    def value(self, _variables: Mapping[str, Any], caller: Caller) -> str:
        """The ranges, as text of an int8multirange."""
        return multirange_of(caller.access.scope(self.permission).unbound)


@dataclass(frozen=True, slots=True)
class BoundPrincipal:
    """A parameter that carries the id of whoever asks."""

    def value(self, _variables: Mapping[str, Any], caller: Caller) -> UUID:
        """The id."""
        return caller.access.principal.id


Parameter: TypeAlias = Bound | BoundScope | BoundRegency | BoundEntities | BoundFree | BoundPrincipal
"""What a parameter of a statement is bound to when it runs."""


def bound_values(parameters: Iterable[Any], variables: Mapping[str, Any], caller: Caller) -> list[Any]:
    """The values to send for ``parameters``, of which some are values already.

    Raises:
        DomainError: a value is out of its bounds.
    """
    return [each.value(variables, caller) if isinstance(each, Parameter) else each for each in parameters]


class Binder:
    """Collects the parameters of one root field while it is compiled."""

    def __init__(self, name: str) -> None:
        """Name the parameters after ``name``, so that several root fields share a statement."""
        self._name = name
        self.bound: dict[str, Parameter] = {}

    def add(self, source: Parameter, type_: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
        """A parameter of SQL type ``type_`` whose value is ``source``."""
        name = f"{self._name}_{len(self.bound)}"
        self.bound[name] = source
        return sa.bindparam(name, type_=type_, required=True)


@dataclass(frozen=True, slots=True)
class Argument:
    """A present argument, or a present field of an input object."""

    binder: Binder
    getter: Getter
    known: Any = None
    fields: Mapping[str, "Argument"] = field(default_factory=dict)

    def bind(
        self, type_: sa.types.TypeEngine[Any], convert: Callable[[Any], Any] | None = None
    ) -> sa.BindParameter[Any]:
        """Bind the value, checked and converted by ``convert``, which raises a ``DomainError`` on bad input."""
        of_value = (lambda value, _caller: convert(value)) if convert is not None else None
        return self.binder.add(Bound(self.getter, of_value), type_)

    def bind_for(self, type_: sa.types.TypeEngine[Any], convert: Callable[[Any, Caller], Any]) -> sa.BindParameter[Any]:
        """Bind the value, converted with the services of the caller."""
        return self.binder.add(Bound(self.getter, convert), type_)

    def get(self, name: str) -> "Argument | None":
        """The field ``name`` of an input object; None where it is absent or null."""
        return self.fields.get(name)


Arguments = Mapping[str, Argument]


@dataclass(frozen=True, slots=True)
class ArgumentReader:
    """Reads the arguments of fields of one operation, given variables of one shape."""

    binder: Binder
    variables: VariableValues

    def read(self, definitions: Mapping[str, GraphQLArgument], nodes: Sequence[Any]) -> dict[str, Argument]:
        """The present arguments by name; null counts as absent."""
        given = {node.name.value: node.value for node in nodes}
        arguments = {
            name: self._of_node(name, definition, given[name]) if name in given else self._of_default(definition)
            for name, definition in definitions.items()
        }
        return _present(definitions, arguments)

    def _of_node(self, name: str, definition: GraphQLArgument | GraphQLInputField, node: ValueNode) -> Argument | None:
        type_ = definition.type
        if isinstance(node, VariableNode):
            variable = node.name.value
            if variable not in self.variables.coerced:
                return self._of_default(definition)
            return self._of_value(type_, self.variables.coerced[variable], lambda variables: variables[variable])
        named = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(named, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
            given = {object_field.name.value: object_field.value for object_field in node.fields}
            fields = {
                key: self._of_node(key, input_field, given[key]) if key in given else self._of_default(input_field)
                for key, input_field in named.fields.items()
            }
            return Argument(self.binder, _nothing, fields=_present(named.fields, fields))
        value = coerce_input_literal(node, type_, self.variables)
        if value is Undefined:
            # The document is valid, so a variable within brought null where none may stand. This is not absent.
            raise ArgumentNull(name)
        if not _holds_variable(node):
            return self._of_value(type_, value, lambda _variables: value)
        # The getter outlives this request with the plan, so it must not hold what this request sent.
        return self._of_value(
            type_, value, lambda variables: coerce_input_literal(node, type_, VariableValues({}, dict(variables)))
        )

    def _of_default(self, definition: GraphQLArgument | GraphQLInputField) -> Argument | None:
        value = coerce_default_value(definition)
        return self._of_value(definition.type, value, lambda _variables: value)

    def _of_value(self, type_: GraphQLInputType, value: Any, getter: Getter) -> Argument | None:
        if value is None or value is Undefined:
            return None
        if isinstance(type_, GraphQLNonNull):
            return self._of_value(type_.of_type, value, getter)
        if isinstance(type_, GraphQLInputObjectType):
            fields = {}
            for name, input_field in type_.fields.items():
                key = input_field.out_name or name
                if (part := self._of_value(input_field.type, value.get(key), _part(getter, key))) is not None:
                    fields[name] = part
            return Argument(self.binder, getter, fields=fields)
        if isinstance(type_, GraphQLEnumType) or type_ is GraphQLBoolean:
            return Argument(self.binder, getter, known=value)
        return Argument(self.binder, getter)


def _present(
    definitions: Mapping[str, GraphQLArgument | GraphQLInputField], arguments: Mapping[str, Argument | None]
) -> dict[str, Argument]:
    for name, argument in arguments.items():
        if argument is None and isinstance(definitions[name].type, GraphQLNonNull):
            raise ArgumentNull(name)
    return {name: argument for name, argument in arguments.items() if argument is not None}


def _nothing(_variables: Mapping[str, Any]) -> None:
    """Stands for the value of an input object written in the document: only its fields are read."""


def _part(getter: Getter, key: str) -> Getter:
    return lambda variables: getter(variables)[key]


def _holds_variable(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(_holds_variable(item) for item in node.values)
    if isinstance(node, ObjectValueNode):
        return any(_holds_variable(object_field.value) for object_field in node.fields)
    return isinstance(node, VariableNode)
