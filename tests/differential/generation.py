"""Documents that hypothesis writes from the published schema, with arguments that hit rows as often as not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    ValueNode,
    build_schema,
    get_named_type,
    parse_const_value,
)
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from tests.differential.disguises import Disguise
from tests.differential.samples import Samples

_REGIONS: Final = (
    *("34", "34.71", "34.71.03", "34.71.03.1001", "34.02", "34.02.01.2001") * 12,
    *("12", "34.99", "3471", "34.71.03.9001", ""),
)
_SIZES: Final = (*(1, 2, 3, 4) * 20, 0, 101, -1)
_SEARCHES: Final = (*("a", "s", "sri", "ko", "%", "", "Slamet R") * 4, "'", '"', "\0")
_DATES: Final = ("1950-01-01", "1975-06-15", "1999-12-31", "2020-02-29")
_JUNK_IDS: Final = (
    "",
    "Family",
    "Family:3471:1",
    "Region:3471",
    "Nobody:3471:0190a1b2-0000-7000-8000-000000000000",
    "\0",
)


class Generated(NamedTuple):
    """A document to send, and its variables."""

    document: str
    variables: dict[str, Any]


def _pools(samples: Samples) -> dict[str, Sequence[str | int]]:
    """Values by the name of the argument, or of the input field, and where that is not enough by the field it belongs to."""
    regions = [f"Region:{code}" for code in ("34", "34.71", "34.71.03.1001", "99.99")]
    some = [*samples.families[:6], *samples.persons[:6], samples.families[-1], samples.persons[-1]]
    cursors = {
        "families": [cursor for listed in samples.family_cursors.values() for cursor in listed[:3]],
        "persons": [cursor for listed in samples.person_cursors.values() for cursor in listed[:3]],
        "regions": [cursor for listed in samples.region_cursors.values() for cursor in listed],
    }
    return {
        "first": _SIZES,
        "region": _REGIONS,
        "within": _REGIONS,
        "code": _REGIONS,
        "search": _SEARCHES,
        "from": (*(1, 1, 2, 3, 5, 10) * 5, 0),
        "to": (*(10, 10, 8, 6, 3, 1) * 5, 11),
        "nik": (*samples.niks, samples.twin_nik, "3471", "3471031502990001"),
        "id": (*some, *regions, *_JUNK_IDS[:1]),
        "ids": (*(*some, *regions) * 4, *_JUNK_IDS[:1]),
        "family.id": (*samples.families[:20] * 2, *samples.families[-3:], *samples.persons[:1], *_JUNK_IDS),
        "person.id": (*samples.persons[:40], *samples.persons[-5:], *samples.families[:1], *_JUNK_IDS),
        "families.after": (*cursors["families"], "?", *cursors["persons"][:1]),
        "persons.after": (*cursors["persons"], "?", *cursors["families"][-1:]),
        "regions.after": (*cursors["regions"], "?"),
        "children.after": (*cursors["regions"], "?"),
    }


def _renamed(type_: GraphQLType, scalar: GraphQLScalarType) -> Any:
    """``type_`` with ``scalar`` in place of the scalar inside it."""
    if isinstance(type_, GraphQLNonNull):
        return GraphQLNonNull(_renamed(type_.of_type, scalar))
    return GraphQLList(_renamed(type_.of_type, scalar)) if isinstance(type_, GraphQLList) else scalar


def _literal(value: str | int) -> ValueNode:
    return nodes.Int(value) if isinstance(value, int) else nodes.String(value)


def _sampled(values: Sequence[str | int]) -> st.SearchStrategy[ValueNode]:
    return st.sampled_from(values).map(_literal)


def _writing_schema(sdl: str, samples: Samples) -> tuple[GraphQLSchema, dict[str, st.SearchStrategy[ValueNode]]]:
    """The schema as the writer of documents sees it: a scalar of its own for each argument, so that each draws from its own pool."""
    schema, pools = build_schema(sdl), _pools(samples)
    scalars: dict[str, st.SearchStrategy[ValueNode]] = {"Date": _sampled(_DATES)}

    def give_pool(owner: str, name: str, argument: GraphQLArgument | GraphQLInputField) -> None:
        pool = pools.get(f"{owner}.{name}", pools.get(name))
        if pool is not None and isinstance(get_named_type(argument.type), GraphQLScalarType):
            scalar = GraphQLScalarType(f"{owner}_{name}")
            argument.type = _renamed(argument.type, scalar)
            scalars[scalar.name] = _sampled(pool)
        if name == "first" and argument.ast_node is not None:
            # Pages within pages of 25 would be answered row by row by the reference.
            argument.ast_node = replace(argument.ast_node, default_value=parse_const_value("3"))

    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in type_.fields.items():
                for name, argument in field.args.items():
                    give_pool(field_name, name, argument)
        elif isinstance(type_, GraphQLInputObjectType):
            for name, input_field in type_.fields.items():
                give_pool(type_.name, name, input_field)
    return schema, scalars


def _without(schema: GraphQLSchema, *fields: str) -> None:
    """Take away what is asked for elsewhere: who calls, and numbers that are logged when they are read."""
    for name in fields:
        type_name, field_name = name.split(".")
        type_ = schema.type_map[type_name]
        if isinstance(type_, GraphQLObjectType):
            del type_.fields[field_name]


def documents(sdl: str, samples: Samples) -> st.SearchStrategy[Generated]:
    """Valid documents over the schema ``sdl``."""
    schema, scalars = _writing_schema(sdl, samples)
    _without(schema, "Query.me", "Family.kkRevealed", "Person.nikRevealed")
    published = build_schema(sdl)
    plain = queries(schema, custom_scalars=scalars, print_ast=lambda document: document)

    @st.composite
    def disguised(draw: st.DrawFn) -> Generated:
        disguise = Disguise(draw, published)
        text = disguise.document(draw(plain))
        return Generated(text, disguise.variables)

    return disguised()
