"""What is compiled, and what comes of it: the selection of one operation, and its root fields as expressions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast

import sqlalchemy as sa
from graphql import GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues
from graphql.language import OperationDefinitionNode

from app.authz.authorize import Access
from app.authz.permissions import Permission
from app.schema.plan.arguments import Argument, Binder
from app.schema.plan.blueprint import Blueprint
from app.tenants.scope import TenantScope


class FieldDenied(Exception):
    """A selected field needs a permission that the principal does not hold."""

    def __init__(self, permission: Permission, field_name: str) -> None:
        super().__init__(f"{field_name} needs {permission}")
        self.permission = permission
        self.field_name = field_name


_Error = TypeVar("_Error", bound=Exception)


def unraised(error: _Error) -> _Error:
    """An error equal to ``error`` that was never raised.

    One that was raised holds on to all that it has passed, with who asked for what. So a plan keeps an equal of what refused it, and
    whoever finds that raises another: or each request that is refused would stay in memory with what it sent.
    """
    equal = type(error).__new__(type(error), *error.args)
    equal.__dict__.update(error.__dict__)
    return equal


class Check(NamedTuple):
    """Something that the database must confirm for a root field to be answered, and the error where it does not."""

    condition: sa.ColumnElement[bool]
    argument: Argument
    error: Callable[[Any], Exception]


@dataclass(frozen=True, slots=True)
class Selection:
    """What stays the same while one operation is compiled.

    ``statement_scope`` is the scope that every root field shares; None where they differ and the statement runs under
    their union. Then each type adds its own ranges, always: whether one scope holds another differs among principals
    who share a plan. ``for_tree`` when the stock executor will walk the answer: then objects behind an interface also
    carry their type.
    """

    blueprint: Blueprint
    fragments: dict[str, FragmentDetails]
    operation: OperationDefinitionNode
    variables: VariableValues
    access: Access
    statement_scope: TenantScope | None
    for_tree: bool = False

    @property
    def root_type(self) -> GraphQLObjectType:
        """The type whose fields are the roots of the operation."""
        return cast("GraphQLObjectType", self.blueprint.schema.get_root_type(self.operation.operation))

    def subfields(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> dict[str, list[FieldDetails]]:
        """What is selected below ``details`` on ``type_``, by response key."""
        return collect_subfields(
            self.blueprint.schema, self.fragments, self.variables, self.operation, type_, details
        ).grouped_field_set


@dataclass(slots=True)
class Root:
    """One compiled root field: an expression of type json, its parameters, and what must hold for it to be answered.

    Where it ``tells_subjects``, the value stands behind the rows whose personal data it holds (``plan.subjects``).
    """

    expression: sa.ColumnElement[Any]
    binder: Binder
    checks: list[Check]
    needs_python: bool
    tells_subjects: bool
