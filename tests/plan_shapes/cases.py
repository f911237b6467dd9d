"""What a front end asks, as documents: every root field with each of its arguments, and every relation of every type that has ids."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_required_argument,
)

from tests.isolation.walking import Uncovered, Values

PAGE: Final = 25
TRIED: Final = 2
"""So many values of an argument, one after the other."""
_PLACED: Final = frozenset({"first", "after"})


class Case(NamedTuple):
    """A document. ``plain`` where no filter makes PostgreSQL look for rows that are few; ``paged`` where a page may follow."""

    name: str
    text: str
    variables: Mapping[str, Any]
    plain: bool
    paged: bool
    literals: frozenset[str] = frozenset()


def root_cases(schema: GraphQLSchema, name: str, values: Mapping[str, Values]) -> Iterator[Case]:
    """The root field ``name``: with what it must be given, then with each value of each further argument.

    Raises:
        Uncovered: an argument has no values.
    """
    definition = cast("GraphQLObjectType", schema.query_type).fields[name]
    required = {
        argument: _tried(f"Query.{name}({argument})", definition, argument, values)
        for argument, told in definition.args.items()
        if is_required_argument(told)
    }
    given = {argument: tried[0] for argument, tried in required.items()}
    paged = "after" in definition.args
    yield _case(name, definition, given, plain=True, paged=paged)
    for argument in definition.args:
        if argument in _PLACED:
            continue
        for value in _tried(f"Query.{name}({argument})", definition, argument, values):
            if given.get(argument) != value:
                yield _case(name, definition, {**given, argument: value}, plain=argument == "order", paged=False)
    if paged:
        yield _case(name, definition, given, plain=False, paged=False, selection="totalCount")


def relation_cases(schema: GraphQLSchema, type_name: str, node_id: str, values: Mapping[str, Values]) -> Iterator[Case]:
    """The node ``node_id`` by itself, and with each of its relations."""
    type_ = cast("GraphQLObjectType", schema.type_map[type_name])
    yield Case(type_name, _node(type_name, "__typename"), {"id": node_id}, plain=True, paged=False)
    for name, definition in type_.fields.items():
        if not is_composite_type(get_named_type(definition.type)):
            continue
        given = {
            argument: _tried(f"{type_name}.{name}({argument})", definition, argument, values)[0]
            for argument, told in definition.args.items()
            if is_required_argument(told) and argument not in _PLACED
        }
        field = f"{name}{_called(_spelled(given))} {{ {_selection(definition)} }}"
        variables = {"id": node_id, **_variables(given)}
        document = _node(type_name, field, _header(definition, given))
        yield Case(f"{type_name}.{name}", document, variables, plain=True, paged=False)


def _node(type_name: str, selection: str, header: Sequence[str] = ()) -> str:
    return f"query({', '.join(['$id: ID!', *header])}) {{ node(id: $id) {{ ... on {type_name} {{ {selection} }} }} }}"


def _variables(given: Mapping[str, Any]) -> dict[str, Any]:
    return {argument: value.value for argument, value in given.items() if isinstance(value, _Variable)}


def _spelled(given: Mapping[str, Any]) -> dict[str, str]:
    return {argument: value if isinstance(value, str) else f"${argument}" for argument, value in given.items()}


def _header(definition: GraphQLField, given: Mapping[str, Any]) -> list[str]:
    return [f"${argument}: {definition.args[argument].type}" for argument in _variables(given)]


def _case(
    name: str,
    definition: GraphQLField,
    given: Mapping[str, Any],
    *,
    plain: bool,
    paged: bool,
    selection: str = "",
) -> Case:
    variables, paging = _variables(given), "after" in definition.args
    called = _called(({"first": str(PAGE), "after": "$after"} if paging else {}) | _spelled(given))
    header = _header(definition, given) + (["$after: String"] if paging else [])
    operation = f"query({', '.join(header)})" if header else "query"
    text = f"{operation} {{ {name}{called} {{ {selection or _selection(definition)} }} }}"
    filters = {argument: value for argument, value in given.items() if argument not in variables or not plain}
    written = frozenset(value for value in given.values() if isinstance(value, str))
    return Case(f"{name} {filters or ''}{selection}".strip(), text, variables, plain, paged, written)


def _called(given: Mapping[str, str]) -> str:
    return f"({', '.join(f'{argument}: {value}' for argument, value in given.items())})" if given else ""


class _Variable(NamedTuple):
    """A value that travels as a variable."""

    value: Any


def _tried(key: str, definition: GraphQLField, argument: str, values: Mapping[str, Values]) -> Sequence[Any]:
    """What the argument is tried with: literals, and values of variables."""
    type_ = get_named_type(definition.args[argument].type)
    if isinstance(type_, GraphQLEnumType) and key not in values:
        return list(type_.values)[:TRIED]
    if key not in values and str(type_) == "Boolean":
        return ["true"]
    if key not in values:
        raise Uncovered(f"{key} has no values: say in tests/isolation/arguments.py how it is asked")
    told = values[key]
    found = [_Variable(value) for value in told.always if value is not None]
    return [*found, *(literal for literal in told.once if literal is not None)][:TRIED]


def _selection(definition: GraphQLField) -> str:
    """Of a connection its rows and where it ends, of what has an id that, of anything else all that lies below."""
    type_ = get_named_type(definition.type)
    if not isinstance(type_, GraphQLObjectType):
        return "__typename"
    if "pageInfo" in type_.fields:
        return f"nodes {{ {_selection(type_.fields['nodes'])} }} pageInfo {{ endCursor hasNextPage }}"
    if "id" in type_.fields:
        return "id"
    return " ".join(
        f"{name} {{ {_selection(field)} }}" if is_composite_type(get_named_type(field.type)) else name
        for name, field in type_.fields.items()
        if not field.args
    )
