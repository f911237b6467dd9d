"""Every way through the schema, written as requests: root fields, node types, connections, counts, sums, nested relations.

The ways are read from the schema itself. What cannot be read there, the values of arguments, stands in ``arguments``; a field
or an argument that is missing there stops the walk, so that whoever adds one must say how it is walked.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple, cast

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

LONGEST_WAY = 6
"""Every field is reached, and followed by every other, within as many steps."""


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
    """What an argument is given; None leaves it out.

    ``always``: values of a variable, on every way through the field, one request for each. ``once``: literals, on the
    shortest way only.
    """

    always: Sequence[Any] = (None,)
    once: Sequence[str | None] = ()


class Request(NamedTuple):
    """A way with all arguments given."""

    way: Way
    text: str
    variables: Mapping[str, Any]


@dataclass
class Walk:
    """All requests over ``schema``; ``public`` are the types whose rows belong to no tenant."""

    schema: GraphQLSchema
    public: frozenset[str]
    values: Mapping[str, Values]
    visited: set[tuple[str, str]] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    def requests(self) -> list[Request]:
        """Every way with its arguments.

        What mutations and subscriptions answer is walked by ``test_mutations`` and ``test_subscriptions``.

        Raises:
            Uncovered: a field cannot be reached, or an argument has no values.
        """
        ways = list(self._ways())
        plain = [request for way in ways for request in self._requests(way)]
        asking = [request for way in self._asking(ways) for request in self._requests(way, asking=True)]
        missing = {
            f"{name}.{field_name}"
            for name, type_ in reachable_types(self.schema, "Query").items()
            for field_name in type_.fields
        } - {f"{name}.{field_name}" for name, field_name in self.visited}
        if missing:
            raise Uncovered(f"no way leads to {sorted(missing)}")
        if stale := self.values.keys() - self.used:
            raise Uncovered(f"values for arguments that are gone: {sorted(stale)}")
        return plain + asking

    def _ways(self) -> Iterator[Way]:
        """Shortest first, until each field has followed on each other once.

        A relation is compiled from the row that it stands on and from its own permission, so which fields led to that row makes no
        difference. Below a public type every field is taken once, and the node of an edge is where a way ends: what lies there is
        nobody's, or is walked below `nodes`.
        """
        taken: set[tuple[tuple[str, str] | None, tuple[str, str]]] = set()
        waiting: deque[tuple[Way, GraphQLNamedType]] = deque([((), cast("GraphQLObjectType", self.schema.query_type))])
        while waiting:
            way, type_ = waiting.popleft()
            further = []
            ended = len(way) == LONGEST_WAY or (way and way[-1].type.endswith("Edge"))
            for object_type in () if ended else self._object_types(type_):
                for name, definition in object_type.fields.items():
                    to = get_named_type(definition.type)
                    above = None if object_type.name in self.public or not way else way[-1][:2]
                    pair = (above, (object_type.name, name))
                    if not is_composite_type(to) or pair in taken:
                        continue
                    taken.add(pair)
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

    def _requests(self, way: Way, *, asking: bool = False) -> Iterator[Request]:
        """One request for each combination of what is always given, then one for each value that is given once."""
        asked = self._arguments(way, asking=asking)
        always = {key: _leading_on(key, values.always, way) for key, (_, values) in asked.items()}
        for chosen in product(*always.values()):
            variables = {key: value for key, value in zip(always, chosen, strict=True) if value is not None}
            yield self._request(way, variables, {}, asking=asking)
        plain = {key: values[0] for key, values in always.items() if values[0] is not None}
        for key, (_, values) in asked.items():
            if key not in self.used:
                self.used.add(key)
                others = {other: value for other, value in plain.items() if other != key}
                for literal in values.once:
                    yield self._request(way, others, {} if literal is None else {key: literal}, asking=asking)

    def _request(self, way: Way, variables: Mapping[str, Any], literals: Mapping[str, str], *, asking: bool) -> Request:
        types = {key: definition.type for key, (definition, _) in self._arguments(way, asking=asking).items()}
        names = {key: f"v{number}" for number, key in enumerate(variables)}
        given = {**{key: f"${name}" for key, name in names.items()}, **literals}
        header = ", ".join(f"${name}: {types[key]}" for key, name in names.items())
        body = self._selection("Query", way, given, asking=asking)
        return Request(
            way,
            f"query({header}) {{{body}}}" if header else f"{{{body}}}",
            {name: variables[key] for key, name in names.items()},
        )

    def _field(self, step: Step) -> GraphQLField:
        fields: Mapping[str, GraphQLField] = cast("GraphQLObjectType", self.schema.type_map[step.type]).fields
        return fields[step.field]

    def _selection(
        self, type_name: str, way: Way, given: Mapping[str, str], *, asking: bool, among: Sequence[str] = ()
    ) -> str:
        """All leaves of the type, which is one ``among`` several, and the field that the way takes next."""
        type_ = self.schema.type_map[type_name]
        if not isinstance(type_, GraphQLObjectType):
            names = [way[0].type] if way else [possible.name for possible in self._object_types(type_)]
            return " ".join(
                f"... on {name} {{{self._selection(name, way, given, asking=asking, among=names)}}}" for name in names
            )
        selected = [] if type_name == "Query" else ["__typename"]
        for name, definition in type_.fields.items():
            step = Step(type_name, name, get_named_type(definition.type).name)
            if way and way[0] == step:
                selected.append(
                    f"{name}{_call(step, definition, given)} "
                    f"{{{self._selection(step.to, way[1:], given, asking=asking)}}}"
                )
            elif not is_composite_type(get_named_type(definition.type)) and (asking or not definition.args):
                # Leaves of one name may be of another kind on another type; there are no more aliases than that takes.
                alias = f"{type_name}_{name}: " if self._differs(name, among) else ""
                selected.append(f"{alias}{name}{_call(step, definition, given)}")
            else:
                continue
            self.visited.add((type_name, name))
        return " ".join(selected)

    def _differs(self, name: str, among: Sequence[str]) -> bool:
        fields = [cast("GraphQLObjectType", self.schema.type_map[each]).fields.get(name) for each in among]
        there = [field for field in fields if field is not None]
        return len({str(field.type) for field in there}) > 1 or (len(there) > 1 and any(field.args for field in there))

    def _arguments(self, way: Way, *, asking: bool) -> dict[str, tuple[GraphQLArgument, Values]]:
        """All arguments along ``way``; those of leaves too where it is ``asking``."""
        steps = list(way)
        if asking:
            passed = {step.type for step in way[1:]}
            ends = {type_.name for type_ in self._object_types(self.schema.type_map[way[-1].to])}
            reached = passed | ends
            for type_name in sorted(reached):
                fields = cast("GraphQLObjectType", self.schema.type_map[type_name]).fields
                steps += [Step(type_name, name, "") for name, definition in fields.items() if self._asks(definition)]
        return {
            _key(step, argument): (definition, self._values(_key(step, argument), definition))
            for step in steps
            for argument, definition in self._field(step).args.items()
        }

    def _values(self, key: str, definition: GraphQLArgument) -> Values:
        type_ = get_named_type(definition.type)
        labels = list(type_.values) if isinstance(type_, GraphQLEnumType) else []
        if labels and not is_required_argument(definition):
            return Values(once=labels)
        if key not in self.values:
            raise Uncovered(f"{key} has no values: say in tests/isolation/arguments.py how it is walked")
        values = self.values[key]
        written = " ".join(str(value) for value in (*values.always, *values.once))
        inputs = [f"{name}:" for name in _input_fields(type_)] if isinstance(type_, GraphQLInputObjectType) else []
        if missing := [text for text in labels + inputs if text not in written]:
            raise Uncovered(f"no value of {key} holds {missing}")
        return values


def reachable_types(schema: GraphQLSchema, root: str) -> dict[str, GraphQLObjectType]:
    """The object types that an answer below the type ``root`` may hold, itself included."""
    found: dict[str, GraphQLObjectType] = {}
    waiting: list[GraphQLNamedType] = [schema.type_map[root]]
    while waiting:
        type_ = waiting.pop()
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            waiting.extend(schema.get_possible_types(type_))
        elif isinstance(type_, GraphQLObjectType) and type_.name not in found:
            found[type_.name] = type_
            waiting.extend(get_named_type(definition.type) for definition in type_.fields.values())
    return found


def _leading_on(key: str, values: Sequence[Any], way: Way) -> Sequence[Any]:
    """Of the ids of all kinds that `node` and `nodes` are given, those of the type that the way goes on from.

    Raises:
        Uncovered: there is none of that type.
    """
    if key not in {"Query.node(id)", "Query.nodes(ids)"} or len(way) == 1:
        return values
    prefix = f"{way[1].type}:"
    found: Sequence[Any]
    if key == "Query.node(id)":
        found = [value for value in values if value.startswith(prefix)]
    else:
        found = [ids for ids in ([value for value in ids if value.startswith(prefix)] for ids in values) if ids]
    if not found:
        raise Uncovered(f"{key} has no id of a {way[1].type}")
    return found


def _key(step: Step, argument: str) -> str:
    return f"{step.type}.{step.field}({argument})"


def _call(step: Step, definition: GraphQLField, given: Mapping[str, str]) -> str:
    written = [f"{name}: {given[_key(step, name)]}" for name in definition.args if _key(step, name) in given]
    return f"({', '.join(written)})" if written else ""


def _input_fields(type_: GraphQLInputObjectType) -> Iterator[str]:
    for name, definition in type_.fields.items():
        yield name
        inner = get_named_type(definition.type)
        if isinstance(inner, GraphQLInputObjectType):
            yield from _input_fields(inner)
