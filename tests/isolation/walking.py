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
        ways = list(self._ways())
        plain = [document for way in ways for document in self._documents(way)]
        asking = [document for way in self._asking(ways) for document in self._documents(way, asking=True)]
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
        return list(dict.fromkeys(plain + asking))

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

    def _asking(self, ways: Sequence[Way]) -> list[Way]:
        """From each root field the shortest way to each type with leaves that take arguments, such as a NIK in full."""
        found: dict[tuple[str, str], Way] = {}
        for way in ways:
            for at, step in enumerate(way):
                types = self._object_types(self.schema.type_map[step.to])
                if any(self._asks(definition) for type_ in types for definition in type_.fields.values()):
                    found.setdefault((way[0].field, step.to), way[: at + 1])
        return list(found.values())

    @staticmethod
    def _asks(definition: GraphQLField) -> bool:
        return bool(definition.args) and not is_composite_type(get_named_type(definition.type))

    def _object_types(self, type_: GraphQLNamedType) -> Sequence[GraphQLObjectType]:
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return self.schema.get_possible_types(type_)
        return [cast("GraphQLObjectType", type_)]

    def _documents(self, way: Way, *, asking: bool = False) -> Iterator[Document]:
        """One document for each combination of what is always given, then one for each value that is given once."""
        asked = self._arguments(way, asking=asking)
        always = {key: values.always for key, values in asked.items()}
        for chosen in product(*always.values()):
            yield self._document(way, dict(zip(always, chosen, strict=True)), asking=asking)
        plain = {key: values[0] for key, values in always.items()}
        for key, values in asked.items():
            if key not in self.used:
                self.used.add(key)
                for value in values.once:
                    yield self._document(way, plain | {key: value}, asking=asking)

    def _document(self, way: Way, given: Mapping[str, str | None], *, asking: bool) -> Document:
        step, definition = way[0], self._field(way[0])
        self.visited.add((step.type, step.field))
        below = self._selection(step.to, way[1:], given, asking=asking)
        return Document(way, f"{{{step.field}{_call(step, definition, given)} {{{below}}}}}")

    def _field(self, step: Step) -> GraphQLField:
        return cast("GraphQLObjectType", self.schema.type_map[step.type]).fields[step.field]

    def _selection(self, type_name: str, way: Way, given: Mapping[str, str | None], *, asking: bool) -> str:
        """All leaves of the type, and the field that the way takes next."""
        type_ = self.schema.type_map[type_name]
        if not isinstance(type_, GraphQLObjectType):
            names = [way[0].type] if way else [possible.name for possible in self._object_types(type_)]
            return " ".join(
                f"... on {name} {{{self._selection(name, way, given, asking=asking)}}}" for name in names
            )
        selected = ["__typename"]
        for name, definition in type_.fields.items():
            step = Step(type_name, name, get_named_type(definition.type).name)
            if way and way[0] == step:
                selected.append(
                    f"{name}{_call(step, definition, given)} "
                    f"{{{self._selection(step.to, way[1:], given, asking=asking)}}}"
                )
            elif not is_composite_type(get_named_type(definition.type)) and (asking or not definition.args):
                selected.append(f"{name}{_call(step, definition, given)}")
            else:
                continue
            self.visited.add((type_name, name))
        return " ".join(selected)

    def _arguments(self, way: Way, *, asking: bool) -> dict[str, Values]:
        """The values of all arguments along ``way``; those of leaves too where it is ``asking``."""
        asked: dict[str, Values] = {}
        steps = list(way)
        if asking:
            reached = {type_.name for step in way for type_ in self._object_types(self.schema.type_map[step.to])}
            for type_name in sorted(reached):
                fields = cast("GraphQLObjectType", self.schema.type_map[type_name]).fields
                steps += [Step(type_name, name, "") for name, definition in fields.items() if self._asks(definition)]
        for step in steps:
            for argument, definition in self._field(step).args.items():
                key = f"{step.type}.{step.field}({argument})"
                asked[key] = self._values(key, definition)
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


def _call(step: Step, definition: GraphQLField, given: Mapping[str, str | None]) -> str:
    literals = {argument: given.get(f"{step.type}.{step.field}({argument})") for argument in definition.args}
    written = ", ".join(f"{argument}: {literal}" for argument, literal in literals.items() if literal is not None)
    return f"({written})" if written else ""


def _input_fields(type_: GraphQLInputObjectType) -> Iterator[str]:
    for name, definition in type_.fields.items():
        yield name
        inner = get_named_type(definition.type)
        if isinstance(inner, GraphQLInputObjectType):
            yield from _input_fields(inner)
