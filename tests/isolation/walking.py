"""Every way through the schema, written as documents: root fields, node types, connections, counts, sums, nested relations.

The ways are read from the schema itself. What cannot be read there, the values of arguments, stands in ``arguments``; a field
or an argument that is missing there stops the walk, so that whoever adds one must say how it is walked.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple, cast

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
    is_required_argument,
)

MOST_VISITS = 2
"""How often one way comes through the same type: Family, its members, and their family once more."""


class Uncovered(AssertionError):
    """The schema has something that nobody has said how to walk."""


class Step(NamedTuple):
    """One field on a way: of which object type, and to which type it leads."""

    type: str
    field: str
    to: str


Way = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Values:
    """What an argument is given, as GraphQL literals; None leaves it out.

    ``always``: on every way through the field, one document for each. ``once``: on the shortest way only.
    """

    always: Sequence[str | None]
    once: Sequence[str | None] = ()


class Document(NamedTuple):
    """A way with all arguments given."""

    way: Way
    text: str


@dataclass
class Walk:
    """All documents over ``schema``; ``public`` are the types whose rows belong to no tenant."""

    schema: GraphQLSchema
    public: frozenset[str]
    values: Mapping[str, Values]
    visited: set[tuple[str, str]] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    def documents(self) -> list[Document]:
        """Every way with its arguments.

        Raises:
            Uncovered: a field cannot be reached, or an argument has no values.
        """
        if self.schema.mutation_type or self.schema.subscription_type:
            raise Uncovered("walk mutations and subscriptions too: the schema has some")
        documents = list(dict.fromkeys(document for way in self._ways() for document in self._documents(way)))
        missing = {
            f"{name}.{field_name}"
            for name, type_ in self.schema.type_map.items()
            if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
            for field_name in type_.fields
        } - {f"{name}.{field_name}" for name, field_name in self.visited}
        if missing:
            raise Uncovered(f"no way leads to {sorted(missing)}")
        if stale := self.values.keys() - self.used:
            raise Uncovered(f"values for arguments that are gone: {sorted(stale)}")
        return documents

    def _ways(self) -> Iterator[Way]:
        """Shortest first. Below a public type every field is taken once: what lies there is nobody's."""
        taken: set[tuple[str, str]] = set()
        waiting: deque[tuple[Way, GraphQLNamedType]] = deque([((), cast("GraphQLObjectType", self.schema.query_type))])
        while waiting:
            way, type_ = waiting.popleft()
            further = []
            for object_type in self._object_types(type_):
                for name, definition in object_type.fields.items():
                    to = get_named_type(definition.type)
                    known = (object_type.name, name) in taken
                    again = sum(step.to == to.name for step in way) >= MOST_VISITS
                    if not is_composite_type(to) or (known if object_type.name in self.public else again):
                        continue
                    taken.add((object_type.name, name))
                    further.append(((*way, Step(object_type.name, name, to.name)), to))
            waiting.extend(further)
            if not further:
                yield way

    def _object_types(self, type_: GraphQLNamedType) -> Sequence[GraphQLObjectType]:
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return self.schema.get_possible_types(type_)
        return [cast("GraphQLObjectType", type_)]

    def _documents(self, way: Way) -> Iterator[Document]:
        """One document for each combination of what is always given, then one for each value that is given once."""
        asked = self._arguments(way)
        always = {key: values.always for key, values in asked.items()}
        for chosen in product(*always.values()):
            yield self._document(way, dict(zip(always, chosen, strict=True)))
        plain = {key: values[0] for key, values in always.items()}
        for key, values in asked.items():
            if key not in self.used:
                self.used.add(key)
                for value in values.once:
                    yield self._document(way, plain | {key: value})

    def _document(self, way: Way, given: Mapping[str, str | None]) -> Document:
        return Document(way, f"{{{self._selection('Query', way, given)}}}")

    def _selection(self, type_name: str, way: Way, given: Mapping[str, str | None]) -> str:
        """All leaves of the type, and the field that the way takes next."""
        type_ = self.schema.type_map[type_name]
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return f"... on {way[0].type} {{{self._selection(way[0].type, way, given)}}}"
        object_type = cast("GraphQLObjectType", type_)
        selected = ["__typename"]
        for name, definition in object_type.fields.items():
            called = f"{name}{self._call(object_type.name, name, definition, given)}"
            if not is_composite_type(get_named_type(definition.type)):
                if type_name != "Query" or not way:
                    selected.append(called)
                    self.visited.add((type_name, name))
            elif way and way[0].field == name:
                selected.append(f"{called} {{{self._selection(way[0].to, way[1:], given)}}}")
                self.visited.add((type_name, name))
        return " ".join(selected)

    def _call(self, type_name: str, name: str, definition: GraphQLField, given: Mapping[str, str | None]) -> str:
        literals = {argument: given.get(f"{type_name}.{name}({argument})") for argument in definition.args}
        written = ", ".join(f"{argument}: {literal}" for argument, literal in literals.items() if literal is not None)
        return f"({written})" if written else ""

    def _arguments(self, way: Way) -> dict[str, Values]:
        """The values of all arguments along ``way``, those of leaves included."""
        asked: dict[str, Values] = {}
        for type_name in dict.fromkeys(["Query", *(step.type for step in way), *(step.to for step in way)]):
            type_ = self.schema.type_map[type_name]
            if not isinstance(type_, GraphQLObjectType):
                continue
            taken = {step.field for step in way if step.type == type_name}
            for name, definition in type_.fields.items():
                if name in taken or not is_composite_type(get_named_type(definition.type)):
                    for argument, argument_definition in definition.args.items():
                        key = f"{type_name}.{name}({argument})"
                        asked[key] = self._values(key, argument_definition)
        return asked

    def _values(self, key: str, definition: GraphQLArgument) -> Values:
        type_ = get_named_type(definition.type)
        if isinstance(type_, GraphQLEnumType):
            labels: list[str | None] = list(type_.values)
            if is_required_argument(definition):
                return Values(labels[:1], labels[1:])
            return Values([None], labels)
        if key not in self.values:
            raise Uncovered(f"{key} has no values: say in tests/isolation/arguments.py how it is walked")
        values = self.values[key]
        if isinstance(type_, GraphQLInputObjectType):
            written = " ".join(literal or "" for literal in (*values.always, *values.once))
            for name in _input_fields(type_):
                if f"{name}:" not in written:
                    raise Uncovered(f"no value of {key} holds the field {name} of {type_.name}")
        return values


def _input_fields(type_: GraphQLInputObjectType) -> Iterator[str]:
    for name, definition in type_.fields.items():
        yield name
        inner = get_named_type(definition.type)
        if isinstance(inner, GraphQLInputObjectType):
            yield from _input_fields(inner)
