"""One pass over a parsed document: it counts what the limits are about, and works out what the answer may cost.

Every definition is walked once and every fragment measured once, with integers and no recursion, so the pass takes time in proportion to
the text whatever the document holds. It comes before validation: fields, types and fragments that do not exist count as leaves, and
fragments that spread each other in a circle count as nothing, because validation refuses them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, NamedTuple

from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
)

from app.schema.plan.blueprint import Blueprint
from app.schema.plan.limits.cost import PER_ITEM, WHOLE, Cost, Place, Spread, Sum, Totals
from app.schema.plan.limits.refusals import Limit, LimitExceeded
from app.schema.plan.limits.sizes import ASSUMED, FieldSize, field_sizes, size_of

_INTROSPECTION: Final = {"__schema": FieldSize("__Schema"), "__type": FieldSize("__Type")}
_LEAF: Final = FieldSize("")
_NO_FIELDS: Final[Mapping[str, FieldSize]] = {}
_JUST_BEYOND: Final = Limit.FIELDS.most + 1


@dataclass(frozen=True, slots=True)
class Measure:
    """What a document holds: its tokens, whether it introspects, and the cost of each operation by name."""

    tokens: int
    introspects: bool
    extents: Mapping[str | None, Mapping[Limit, int]]
    costs: Mapping[str | None, Cost]

    def cost(self, operation_name: str | None, variables: Mapping[str, Any]) -> int:
        """The values that the answer of an operation may hold, for these coerced ``variables``.

        Raises:
            CostTooHigh: there may be more than one operation may ask for.
        """
        return self.costs[operation_name].values(variables)


class _Selections(NamedTuple):
    """A selection set that is still to be walked: whose it is, how deep, and where its values and its listed items stand."""

    nodes: Sequence[SelectionNode]
    type_name: str
    level: int
    place: Place
    items: Place


@dataclass(slots=True)
class _Part:
    """What one definition holds by itself, until the fragments that it spreads are added."""

    levels: int = 0
    root_fields: int = 0
    objects: int = 0
    fields: int = 0
    spreads: list[tuple[str, int]] = field(default_factory=list)
    """Fragments, each with the level at which it is spread."""
    sum: Sum = field(default_factory=Sum)

    def add(self, fragments: Mapping[str, "_Part"]) -> None:
        """Add what the spread ``fragments`` hold; nothing grows further than just beyond its limit."""
        for name, level in self.spreads:
            if (fragment := fragments.get(name)) is not None:
                self.levels = min(max(self.levels, level + fragment.levels), _JUST_BEYOND)
                self.root_fields = min(self.root_fields + (0 if level else fragment.root_fields), _JUST_BEYOND)
                self.objects = min(self.objects + fragment.objects, _JUST_BEYOND)
                self.fields = min(self.fields + fragment.fields, _JUST_BEYOND)

    @property
    def extent(self) -> dict[Limit, int]:
        """What it holds, by limit."""
        return {
            Limit.LEVELS: self.levels,
            Limit.ROOT_FIELDS: self.root_fields,
            Limit.OBJECTS: self.objects,
            Limit.FIELDS: self.fields,
        }


class Meter:
    """Measures documents of one schema."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._fields = field_sizes(blueprint)
        schema = blueprint.schema
        roots = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
        self._roots = {operation: type_.name for operation, type_ in roots.items() if type_ is not None}

    def measure(self, document: DocumentNode, tokens: int = 0) -> Measure:
        """Measure ``document``, which has so many ``tokens``.

        Raises:
            LimitExceeded: it holds too much of something.
        """
        work = _Pass(self._fields)
        fragments: dict[str, _Part] = {}
        operations: dict[str | None, _Part] = {}
        for node in document.definitions:
            if isinstance(node, FragmentDefinitionNode):
                fragments[node.name.value] = work.part(node, node.type_condition.name.value, Place(PER_ITEM, 1))
            elif isinstance(node, OperationDefinitionNode):
                name = node.name.value if node.name is not None else None
                operations[name] = work.part(node, self._roots.get(node.operation.value, ""), Place(WHOLE, ASSUMED))
        known, varying = _added_up(fragments)
        for part in operations.values():
            part.add(fragments)
            part.sum.fold(known)
        extents = {name: part.extent for name, part in operations.items()}
        for extent in (work.extent, *extents.values()):
            for limit, found in extent.items():
                if found > limit.most:
                    raise LimitExceeded(limit)
        costs = {name: Cost.of(part.sum, varying) for name, part in operations.items()}
        return Measure(tokens, work.introspects, extents, costs)


class _Pass:
    """Walks the definitions of one document and counts what they hold together."""

    def __init__(self, fields: Mapping[str, Mapping[str, FieldSize]]) -> None:
        self._fields = fields
        self._operations = self._fragments = self._spreads = self._variables = self._aliases = 0
        self._directives = self._most_directives = 0
        self.introspects = False

    @property
    def extent(self) -> dict[Limit, int]:
        """What the definitions hold together, by limit."""
        return {
            Limit.OPERATIONS: self._operations,
            Limit.FRAGMENTS: self._fragments,
            Limit.SPREADS: self._spreads,
            Limit.VARIABLES: self._variables,
            Limit.ALIASES: self._aliases,
            Limit.DIRECTIVES_OF_ONE_PLACE: self._most_directives,
            Limit.DIRECTIVES: self._directives,
        }

    def part(self, node: OperationDefinitionNode | FragmentDefinitionNode, type_name: str, items: Place) -> _Part:
        """What ``node`` holds by itself. ``type_name``: what it selects from; ``items``: where the lists at its top stand."""
        if isinstance(node, FragmentDefinitionNode):
            self._fragments += 1
        else:
            self._operations += 1
        variables = node.variable_definitions or ()
        self._variables += len(variables)
        for each in (node, *variables):
            if each.directives:
                self._count_directives(each.directives)
        part = _Part()
        todo = [_Selections(node.selection_set.selections, type_name, 0, Place(WHOLE, 1), items)]
        while todo:
            self._walk(part, todo.pop(), todo)
        return part

    def _count_directives(self, directives: Sequence[Node]) -> None:
        self._directives += len(directives)
        self._most_directives = max(self._most_directives, len(directives))

    def _walk(self, part: _Part, at: _Selections, todo: list[_Selections]) -> None:
        """Count the selections ``at`` one place, and put what is selected below them on the list of what is ``todo``."""
        part.levels = max(part.levels, at.level)
        for node in at.nodes:
            if isinstance(node, FieldNode):
                self._field(part, node, at, todo)
            elif isinstance(node, FragmentSpreadNode):
                self._spreads += 1
                part.spreads.append((node.name.value, at.level))
                part.sum.spreads.append(Spread(node.name.value, at.place, at.items))
            elif isinstance(node, InlineFragmentNode):
                type_name = node.type_condition.name.value if node.type_condition is not None else at.type_name
                todo.append(_Selections(node.selection_set.selections, type_name, at.level, at.place, at.items))
            if node.directives:
                self._count_directives(node.directives)

    def _field(self, part: _Part, node: FieldNode, at: _Selections, todo: list[_Selections]) -> None:
        name = node.name.value
        part.fields += 1
        if at.level == 0:
            part.root_fields += 1
        if node.alias is not None:
            self._aliases += 1
        size = self._fields.get(at.type_name, _NO_FIELDS).get(name, _LEAF)
        if name in _INTROSPECTION:
            self.introspects = True
            size = _INTROSPECTION[name]
        place = at.place
        part.sum.add(place)
        is_list = size.takes or size.lists is not None
        if size.takes:
            place = at.items
        elif size.lists is not None:
            place = part.sum.within(place, size_of(size.lists, node.arguments or ()))
        if node.selection_set is None:
            if is_list:
                part.sum.add(place)
            return
        part.objects += 1
        items = (
            place.multiplied(ASSUMED)
            if size.gives is None
            else part.sum.within(place, size_of(size.gives, node.arguments or ()))
        )
        todo.append(_Selections(node.selection_set.selections, size.type_name, at.level + 1, place, items))


def _added_up(fragments: Mapping[str, _Part]) -> tuple[Mapping[str, Totals], Sequence[tuple[str, Sum]]]:
    """Add to each fragment what it spreads: the totals of those that are constant, and the others in the order of their spreading."""
    if not fragments:
        return {}, ()
    spreads = {name: {spread for spread, _ in part.spreads} for name, part in fragments.items()}
    try:
        order = tuple(TopologicalSorter(spreads).static_order())
    except CycleError:
        return {}, ()
    known: dict[str, Totals] = {}
    varying: list[tuple[str, Sum]] = []
    for name in order:
        if (part := fragments.get(name)) is None:
            continue
        part.add(fragments)
        part.sum.fold(known)
        if part.sum.is_constant:
            known[name] = part.sum.totals({}, {})
        else:
            varying.append((name, part.sum))
    return known, varying
