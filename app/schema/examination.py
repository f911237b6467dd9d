"""What would be wrong with a document if it were registered: found before anybody relies on it."""

from collections.abc import Sequence
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
)
from graphql.execution.values import VariableValues
from graphql.type import is_required_input_field

from app.authz.authorize import Access, NotPermitted
from app.domain.base import DomainError
from app.domain.documents.errors import DocumentNotPublic
from app.schema import errors
from app.schema.language import Language
from app.schema.plan.planner import Document, Operation, Planner
from app.schema.plan.selection import FieldDenied

_SCALARS: Final[Sequence[Any]] = (
    1,
    "1",
    True,
    "2000-01-01",
    "2000-01-01T00:00:00Z",
    "00000000-0000-7000-8000-000000000000",
)
"""Every scalar takes one of these."""


def faults_of(text: str, planner: Planner, language: Language, *, public: Access | None = None) -> list[str]:
    """What is wrong with the document ``text``, a sentence each; with the access of the ``public``, whether it may be open to it."""
    document = planner.document(text)
    if isinstance(document, list):
        return [_said(error, language) for error in document]
    found: list[Exception] = []
    for operation in document.operations.values():
        variables = _sample_variables(planner, operation)
        try:
            document.cost(operation, variables)
            if public is not None:
                _require_public(planner, operation, variables, public)
        except DomainError as refusal:
            found.append(refusal)
    return [_said(GraphQLError("", original_error=error), language) for error in found]


def operation_names(text: str, planner: Planner) -> str:
    """The names of the operations of a valid document, in its order."""
    document = planner.document(text)
    return ", ".join(filter(None, document.operations)) if isinstance(document, Document) else ""


def _said(error: GraphQLError, language: Language) -> str:
    entry = errors.formatted(error, language, "")
    message: str = entry["message"]
    places = "".join(f" ({place['line']}:{place['column']})" for place in entry.get("locations", ())[:1])
    return message + places


def _require_public(planner: Planner, operation: Operation, variables: VariableValues, public: Access) -> None:
    plan = planner.plan(operation, variables, public)
    refusals = [root for root in plan.roots.values() if isinstance(root, Exception)]
    if refusals or not plan.complete:
        denied = (refusal for refusal in refusals if isinstance(refusal, NotPermitted | FieldDenied))
        raise DocumentNotPublic(refusal.permission.value for refusal in denied)


def _sample_variables(planner: Planner, operation: Operation) -> VariableValues:
    """The fewest variables that the operation takes."""
    required = {
        name: _sample(type_)
        for (name, type_), node in zip(operation.variable_types, operation.node.variable_definitions or (), strict=True)
        if isinstance(type_, GraphQLNonNull) and node.default_value is None
    }
    variables = planner.variables(operation, required)
    if isinstance(variables, list):
        raise LookupError(f"no sample of the variables: {variables[0].message}")  # noqa: TRY004  (a scalar without sample)
    return variables


def _sample(type_: GraphQLInputType) -> Any:
    match type_:
        case GraphQLNonNull():
            return _sample(type_.of_type)
        case GraphQLList():
            return [_sample(type_.of_type)]
        case GraphQLEnumType():
            return next(iter(type_.values))
        case GraphQLInputObjectType():
            return {name: _sample(field.type) for name, field in type_.fields.items() if is_required_input_field(field)}
        case GraphQLScalarType():
            return next((value for value in _SCALARS if _takes(type_, value)), None)


def _takes(scalar: GraphQLScalarType, value: Any) -> bool:
    try:
        return scalar.coerce_input_value(value) is not Undefined
    except (GraphQLError, DomainError):
        return False
