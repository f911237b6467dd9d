"""Objects that a mutation or a subscription answers: compiled like root fields, read by the key that its resolver names, when it does."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa
from graphql import GraphQLObjectType, get_named_type, is_abstract_type
from graphql.execution.collect_fields import FieldDetails, collect_fields

from app.schema.plan.arguments import Bound
from app.schema.plan.compile import Compiler
from app.schema.plan.selection import Root, Selection
from app.schema.plan.source import One, Payload, Reading, Source

KEY: Final = "$key"
"""Stands among the variables for the key of the object; no variable of a document can be called so."""


def _part(at: int) -> Callable[[Mapping[str, Any]], Any]:
    return lambda variables: variables[KEY][at]


class PayloadCompiler(Compiler):
    """Compiles one object that a mutation or a subscription answers."""

    def payload(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> Root:
        """The expression of the field of ``details`` on the payload ``type_``.

        Raises:
            FieldDenied: the selection holds a field that the principal may not see.
            DomainError: an argument cannot be.
        """
        columns = self._field("payload", type_, details, None)
        return Root(columns["payload"], self.binder, self.checks, self.needs_python, self.tells_subjects)

    def _expression(self, specification: object, selected: Any) -> sa.ColumnElement[Any]:
        if isinstance(specification, Payload):
            return self._one(self._by_key(self.selection.blueprint.source_of(selected.definition)), selected)
        return super()._expression(specification, selected)

    def _by_key(self, source: Source) -> One:
        if source.node is None:
            raise LookupError(f"{source.table.name} has no node ids")
        columns = list(zip(source.node.columns, source.node.types, strict=True))

        def on(_reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
            return [
                rows.c[name] == self.binder.add(Bound(_part(at)), sql_type)
                for at, (name, sql_type) in enumerate(columns)
            ]

        return One(on)


def payload_fields(
    selection: Selection,
) -> Iterator[tuple[tuple[str, str], GraphQLObjectType, list[FieldDetails]]]:
    """The selected objects of all payloads: the response keys of root field and object, the payload's type, and the field's nodes."""
    schema, specifications = selection.blueprint.schema, selection.blueprint.specifications
    root = selection.root_type
    fields = collect_fields(schema, selection.fragments, selection.variables, root, selection.operation)
    for key, details in fields.grouped_field_set.items():
        field = root.fields.get(details[0].node.name.value)
        answered = get_named_type(field.type) if field is not None else None
        types = schema.get_possible_types(answered) if is_abstract_type(answered) else [answered]
        for type_ in (each for each in types if isinstance(each, GraphQLObjectType)):
            for object_key, sub_details in selection.subfields(type_, details).items():
                if isinstance(specifications.get((type_.name, sub_details[0].node.name.value)), Payload):
                    yield (key, object_key), type_, sub_details
