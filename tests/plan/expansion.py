"""What a document holds when every fragment is written out where it is spread: the slow and obvious way to count.

And documents at random: selections of the schema with fragments in fragments, and syntax trees that fit no schema at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from hypothesis import strategies as st

from app.schema.paging import DEFAULT_PAGE
from app.schema.plan.limits.sizes import ASSUMED

_LISTS: Final = {
    ("Me", "permissions"): 50,
    ("AuditEvent", "subjectIds"): 200,
    ("Region", "ancestors"): 3,
    ("RegistryCounts", "familiesByDecile"): 10,
    ("RegistryCounts", "personsByIdentityStatus"): 5,
    ("RegistryCounts", "personsByAge"): 16,
}
_ROWS: Final = {("33", "PROVINCE"): 1, ("33", "REGENCY"): 38, ("33.02", "DISTRICT"): 51, ("33.02", "VILLAGE"): 852}


@dataclass
class Expanded:
    """What one operation holds, written out."""

    levels: int = 0
    root_fields: int = 0
    objects: int = 0
    fields: int = 0
    values: int = 0


@dataclass
class Expansion:
    """Writes out the operations of a document."""

    schema: GraphQLSchema
    document: DocumentNode
    variables: Mapping[str, Any]
    _found: Expanded = field(default_factory=Expanded)

    def operation(self, name: str | None = None) -> Expanded:
        """What the operation ``name`` holds."""
        self._found = Expanded()
        for node in self.document.definitions:
            if isinstance(node, OperationDefinitionNode) and (node.name.value if node.name else None) == name:
                self._found.values = self._selected(node.selection_set, self.schema.query_type, 0, ASSUMED)
        return self._found

    def _selected(self, selection_set: SelectionSetNode, type_: GraphQLNamedType | None, level: int, page: int) -> int:
        self._found.levels = max(self._found.levels, level)
        values = 0
        for node in selection_set.selections:
            match node:
                case FieldNode():
                    values += self._field(node, type_, level, page)
                case InlineFragmentNode():
                    condition = node.type_condition
                    narrowed = self.schema.type_map.get(condition.name.value) if condition else type_
                    values += self._selected(node.selection_set, narrowed, level, page)
                case FragmentSpreadNode():
                    fragment = self._fragment(node.name.value)
                    narrowed = self.schema.type_map.get(fragment.type_condition.name.value)
                    values += self._selected(fragment.selection_set, narrowed, level, page)
        return values

    def _fragment(self, name: str) -> FragmentDefinitionNode:
        return next(
            node
            for node in self.document.definitions
            if isinstance(node, FragmentDefinitionNode) and node.name.value == name
        )

    def _field(self, node: FieldNode, type_: GraphQLNamedType | None, level: int, page: int) -> int:
        self._found.fields += 1
        self._found.root_fields += level == 0
        self._found.objects += node.selection_set is not None
        definition = getattr(type_, "fields", {}).get(node.name.value)
        below = get_named_type(definition.type) if definition is not None else None
        items = self._items(node, type_, definition, page)
        inner = ASSUMED
        if below is not None and below.name.endswith("Connection"):
            inner = self._argument(node, "first", DEFAULT_PAGE)
        elif node.name.value == "registrySummary":
            inner = _ROWS.get((self._argument(node, "region", ""), self._argument(node, "by", "")), 1)
        if node.selection_set is None:
            return 1 if items is None else 1 + items
        values = self._selected(node.selection_set, below, level + 1, inner)
        return 1 + values * (1 if items is None else items)

    def _items(self, node: FieldNode, type_: GraphQLNamedType | None, definition: Any, page: int) -> int | None:
        """How many items the field lists; None where it is no list."""
        if type_ is None or definition is None or not is_list_type(get_nullable_type(definition.type)):
            return None
        if type_.name.endswith("Connection") or (type_.name, node.name.value) == ("RegistrySummary", "rows"):
            return page
        if node.name.value == "nodes":
            return len(self._argument(node, "ids", []))
        return _LISTS.get((type_.name, node.name.value), ASSUMED)

    def _argument(self, node: FieldNode, name: str, default: Any) -> Any:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        return self._literal(given[name], default) if name in given else default

    def _literal(self, node: ValueNode, default: Any) -> Any:
        match node:
            case VariableNode():
                return self.variables.get(node.name.value, default)
            case IntValueNode():
                return int(node.value)
            case ListValueNode():
                return [self._literal(item, None) for item in node.values]
            case StringValueNode():
                return node.value
        return getattr(node, "value", None)


_TYPES: Final = (
    "Family",
    "FamilyConnection",
    "FamilyEdge",
    "Person",
    "Region",
    "RegionConnection",
    "RegistryCounts",
    "RegistrySummary",
    "RegistrySummaryRow",
    "Query",
)
_PAGES: Final = ("", "(first: 3)", "(first: $n)", "(first: $absent)", '(first: 100, after: "x")')
_SUMMARIES: Final = ('(region: "33", by: REGENCY)', '(region: "33.02", by: $by)', "(region: $region, by: $by)")
VARIABLES: Final = {"n": 7, "by": "VILLAGE", "region": "33.02", "ids": ["a", "b"]}


@st.composite
def documents(draw: st.DrawFn, schema: GraphQLSchema) -> str:
    """A document of one operation with up to eight fragments, which spread those before them. Its variables: ``VARIABLES``."""
    fragments: list[tuple[str, str, str]] = []
    for number in range(draw(st.integers(0, 8))):
        type_name = draw(st.sampled_from(_TYPES))
        fragments.append((f"F{number}", type_name, _selection(draw, schema, type_name, 3, fragments)))
    written = [f"fragment {name} on {type_name} {body}" for name, type_name, body in fragments]
    return "\n".join([f"query {_selection(draw, schema, 'Query', 4, fragments)}", *written])


def _selection(
    draw: st.DrawFn, schema: GraphQLSchema, type_name: str, depth: int, fragments: list[tuple[str, str, str]]
) -> str:
    fields = getattr(schema.type_map[type_name], "fields", {})
    leaves = [
        "__typename",
        *(name for name, each in fields.items() if not hasattr(get_named_type(each.type), "fields")),
    ]
    objects = [name for name, each in fields.items() if get_named_type(each.type).name in {*_TYPES, "Node"}]
    spread = [name for name, of, _ in fragments if of == type_name]

    def deeper(name: str) -> str:
        return _selection(draw, schema, name, depth - 1, fragments)

    def an_object() -> str:
        name = draw(st.sampled_from(objects))
        below = get_named_type(fields[name].type).name
        arguments = draw(_arguments(name, below))
        return f"{draw(st.sampled_from(['', 'a: ']))}{name}{arguments} {deeper(below)}"

    kinds: list[Callable[[], str]] = [lambda: draw(st.sampled_from(leaves))]
    if depth and objects:
        kinds.append(an_object)
    if spread:
        kinds.append(lambda: f"...{draw(st.sampled_from(spread))}")
    if depth:
        kinds.append(lambda: f"... @include(if: true) {deeper(type_name)}")
        kinds.append(lambda: f"... on {type_name} {deeper(type_name)}")
    return "{ " + " ".join(kind() for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))) + " }"


def _arguments(name: str, below: str) -> st.SearchStrategy[str]:
    if below.endswith("Connection"):
        return st.sampled_from(_PAGES)
    if name == "registrySummary":
        return st.sampled_from(_SUMMARIES)
    if name == "nodes":
        return st.sampled_from(['(ids: ["a", $b, "c"])', "(ids: $ids)"])
    return st.just("")


_NAMES: Final = st.sampled_from(
    [
        "families",
        "nodes",
        "edges",
        "first",
        "ids",
        "Family",
        "Query",
        "FamilyConnection",
        "__schema",
        "__typename",
        "F",
        "G",
        "on1",
    ]
)
_VALUES: Final = st.recursive(
    st.sampled_from(["1", "-5", "$n", "9" * 5000, '"x"', '"""\n{"""', "null", "true", "ENUM", "1.5e3", "[]", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: "[" + " ".join(values) + "]")
        | st.lists(inner, max_size=2).map(lambda values: "{" + " ".join(f"a: {value}" for value in values) + "}")
    ),
    max_leaves=5,
)
_DIRECTIVES: Final = st.lists(_NAMES.map(lambda name: f"@{name}"), max_size=3).map(" ".join)


@st.composite
def _field(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    arguments = draw(st.lists(st.tuples(_NAMES, _VALUES), max_size=2))
    written = "(" + ", ".join(f"{name}: {value}" for name, value in arguments) + ")" if arguments else ""
    alias = draw(st.sampled_from(["", "alias: "]))
    return f"{alias}{draw(_NAMES)}{written} {draw(_DIRECTIVES)} {draw(st.sampled_from([draw(inner), '']))}"


_SELECTIONS: Final = st.recursive(
    st.just("{ }"),
    lambda inner: st.lists(
        _field(inner)
        | _NAMES.map(lambda name: f"...{name} ")
        | st.tuples(_NAMES, inner).map(lambda pair: f"... on {pair[0]} {pair[1]}")
        | inner.map(lambda selection: f"... {selection}"),
        max_size=4,
    ).map(lambda selections: "{ " + " ".join(selections) + " }"),
    max_leaves=12,
)
_DEFINITIONS: Final = st.one_of(
    _SELECTIONS,
    st.tuples(st.sampled_from(["query", "mutation", "subscription"]), _NAMES, _VALUES, _DIRECTIVES, _SELECTIONS).map(
        lambda parts: f"{parts[0]} {parts[1]}($n: [[Int!]] @d) {parts[3]} {parts[4]}"
    ),
    st.tuples(_NAMES, _NAMES, _DIRECTIVES, _SELECTIONS).map(
        lambda parts: f"fragment {parts[0]} on {parts[1]} {parts[2]} {parts[3]}"
    ),
    st.sampled_from(["type T { a: Int }", "schema { query: Q }", "directive @d on FIELD", "scalar S"]),
)
GARBAGE: Final = st.lists(_DEFINITIONS, min_size=1, max_size=6).map("\n".join)
"""Texts that follow the grammar and nothing else: circles of fragments, fragments that are missing or stand on no type."""
