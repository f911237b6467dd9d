"""The declarations of a schema, gathered once and indexed by GraphQL names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition

from app.schema.plan.source import SOURCE_ATTRIBUTE, SPECIFICATION, Computed, Payload, Source, Specification

RUNTIME_TYPE_KEY = "$type"


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Sources by type name; specifications by (type name, field name)."""

    schema: GraphQLSchema
    sources: Mapping[str, Source]
    specifications: Mapping[tuple[str, str], Specification]

    @classmethod
    def of(cls, schema: GraphQLSchema) -> "Blueprint":
        """Gather the declarations and let planned types resolve from the printed tree.

        A planned field that meets the stock executor (because a sibling needs Python) finds its value in the parsed JSON under its
        response key, so both ways print what PostgreSQL printed.
        """
        sources: dict[str, Source] = {}
        specifications: dict[tuple[str, str], Specification] = {}
        roots = {root.name for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root}
        for name, type_ in schema.type_map.items():
            if isinstance(type_, GraphQLObjectType):
                definition = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
                if not isinstance(definition, StrawberryObjectDefinition):
                    continue
                if (source := getattr(definition.origin, SOURCE_ATTRIBUTE, None)) is not None:
                    sources[name] = source
                declared = {
                    field_name: specification
                    for field_name, field in type_.fields.items()
                    if (specification := _specification(field)) is not None
                }
                specifications |= {(name, field_name): specification for field_name, specification in declared.items()}
                # What a mutation answers is made in Python; only the objects below it are printed by PostgreSQL.
                answered = any(isinstance(specification, Payload) for specification in declared.values())
                if name not in roots and declared and not answered:
                    type_.is_type_of = None
                    for field_name, field in type_.fields.items():
                        if not isinstance(declared.get(field_name), Computed):
                            field.resolve = _from_tree
            elif isinstance(type_, GraphQLInterfaceType):
                type_.resolve_type = _runtime_type
            elif isinstance(type_, GraphQLEnumType):
                _print_labels(type_)
        return cls(schema, sources, specifications)

    def source_of(self, field: GraphQLField) -> Source:
        """The source of the rows that ``field`` returns, be it one, a list or a connection of them.

        Raises:
            LookupError: the type declares none.
        """
        type_ = get_named_type(field.type)
        if type_.name not in self.sources and isinstance(type_, GraphQLObjectType) and "nodes" in type_.fields:
            type_ = get_named_type(type_.fields["nodes"].type)
        return self.sources[type_.name]


def _specification(field: GraphQLField) -> Specification | None:
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    metadata: Mapping[str, Any] = getattr(definition, "metadata", None) or {}
    return metadata.get(SPECIFICATION)


def _from_tree(source: Mapping[str, Any], info: Any, **_arguments: Any) -> Any:
    return source[info.path.key]


def _runtime_type(value: Mapping[str, Any], _info: Any, _type: Any) -> str:
    name: str = value[RUNTIME_TYPE_KEY]
    return name


def _print_labels(enum: GraphQLEnumType) -> None:
    coerce = enum.coerce_output_value

    def coerce_label(value: Any) -> str:
        return value if isinstance(value, str) and value in enum.values else coerce(value)

    enum.coerce_output_value = coerce_label  # type: ignore[method-assign,assignment]  # bound to this one enum
