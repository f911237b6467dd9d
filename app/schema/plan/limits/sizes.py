"""How long the lists of an answer may be: by their arguments where these say so, by assumption elsewhere.

A connection's ``first`` stands above the lists that it is about (``nodes``, ``edges``), so a field may *give* a size to the lists right
below it, and a list may *take* the size that was given above.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)
from graphql.language import (
    ArgumentNode,
    BooleanValueNode,
    EnumValueNode,
    IntValueNode,
    ListValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from app.domain.audit.proofs import MOST_BATCHES
from app.schema.ids import MOST_IDS
from app.schema.paging import DEFAULT_PAGE, LONGEST_PAGE
from app.schema.plan.blueprint import Blueprint
from app.schema.plan.source import Connect, Lookup, PagePart

ASSUMED: Final = 15
"""Items of a plain list of which nothing better is known, such as the members of a family: a family card has ten lines."""
_LONGEST_INT: Final = 10


def _page(first: Any) -> int:
    # More is refused when the plan is bound, so it never comes to more.
    return min(max(first, 0), LONGEST_PAGE) if type(first) is int else DEFAULT_PAGE


def _ids(ids: Any) -> int:
    return min(len(ids), MOST_IDS) if isinstance(ids, list) else 1


_MOST_REGIONS: Final[Mapping[tuple[int, str], int]] = {
    (0, "PROVINCE"): 1,
    (0, "REGENCY"): 38,
    (0, "DISTRICT"): 666,
    (0, "VILLAGE"): 8_563,
    (1, "REGENCY"): 1,
    (1, "DISTRICT"): 51,
    (1, "VILLAGE"): 852,
    (2, "DISTRICT"): 1,
    (2, "VILLAGE"): 108,
    (3, "VILLAGE"): 1,
}
"""Regions of a level in the largest region whose code has so many dots: the tree of the data folder."""
_REGIONS_OF_COUNTRY: Final = {"PROVINCE": 38, "REGENCY": 514}


def _summary_rows(region: Any, by: Any) -> int:
    dots = region.count(".") if isinstance(region, str) else 0
    # A term where the schema has coerced it, a name where it stands in the document.
    return _MOST_REGIONS.get((dots, getattr(by, "value", by)), 1)


def _balance_rows(region: Any, by: Any) -> int:
    # Where no region is named, all of the country.
    return _summary_rows(region, by) if region is not None else _REGIONS_OF_COUNTRY[getattr(by, "value", by)]


class Count(NamedTuple):
    """A number of items that depends on ``arguments``; ``defaults`` stand in for those that are absent."""

    of: Callable[..., int]
    arguments: tuple[str, ...] = ()
    defaults: tuple[Any, ...] = ()


class Varying(NamedTuple):
    """A number of items that variables decide: each of ``sources`` is a variable and its stand-in, or None and a value."""

    of: Callable[..., int]
    sources: tuple[tuple[str | None, Any], ...]

    def items(self, variables: Mapping[str, Any]) -> int:
        """The number for these coerced ``variables``."""
        return self.of(*[variables.get(name, value) if name is not None else value for name, value in self.sources])


def size_of(count: Count, arguments: Sequence[ArgumentNode]) -> int | Varying:
    """The number of items where it is known already, or what decides it."""
    given = {argument.name.value: argument.value for argument in arguments}
    sources = tuple(
        _source(given.get(name), default) for name, default in zip(count.arguments, count.defaults, strict=True)
    )
    if all(name is None for name, _ in sources):
        return count.of(*[value for _, value in sources])
    return Varying(count.of, sources)


def _source(node: ValueNode | None, default: Any) -> tuple[str | None, Any]:
    match node:
        case None:
            return None, default
        case VariableNode():
            return node.name.value, default
        case IntValueNode():
            return None, int(node.value) if len(node.value) <= _LONGEST_INT else LONGEST_PAGE
        case StringValueNode() | EnumValueNode() | BooleanValueNode():
            return None, node.value
        case ListValueNode():
            return None, list(node.values)
        case _:
            return None, None


def _exactly(number: int) -> Count:
    return Count(lambda: number)


_FIRST: Final = Count(_page, ("first",), (DEFAULT_PAGE,))
_IDS: Final = Count(_ids, ("ids",), ((),))
_SUMMARY_ROWS: Final = Count(_summary_rows, ("region", "by"), ("", "VILLAGE"))
_GIVEN: Final[Mapping[tuple[str, str], Count]] = {
    ("Query", "registrySummary"): _SUMMARY_ROWS,
    ("Query", "aidOverlap"): _SUMMARY_ROWS,
    ("Query", "ewarongCoverage"): _SUMMARY_ROWS,
    ("Query", "ledgerBalances"): Count(_balance_rows, ("region", "by"), (None, "REGENCY")),
}
_TAKEN: Final = frozenset(
    {
        ("RegistrySummary", "rows"),
        ("AidOverlap", "rows"),
        ("EwarongCoverage", "rows"),
        ("LedgerBalances", "rows"),
    }
)
_LISTS: Final[Mapping[tuple[str, str], Count]] = {
    ("Me", "permissions"): _exactly(100),
    ("AuditEvent", "subjectIds"): _exactly(2 * LONGEST_PAGE),
    ("Region", "ancestors"): _exactly(3),
    ("RegistryCounts", "familiesByDecile"): _exactly(10),
    ("RegistryCounts", "personsByIdentityStatus"): _exactly(5),
    ("RegistryCounts", "personsByAge"): _exactly(16),
    ("Person", "healthMemberships"): _exactly(3),
    ("OverlapCounts", "doubleAid"): _exactly(5),
    ("OverlapCounts", "toppedUp"): _exactly(5),
    ("JournalEntry", "lines"): _exactly(2),
    ("EwarongSettlement", "days"): _exactly(31),
    # The outlets of a regency on a few days.
    ("EwarongDayTotals", "rows"): _exactly(1000),
    ("SupplierConcentration", "districts"): _exactly(30),
    # Introspection: averages of the schema, rounded up, whose products are no less than what there is of each.
    ("__Schema", "types"): _exactly(200),
    ("__Schema", "directives"): _exactly(10),
    ("__Directive", "args"): _exactly(3),
    ("__Directive", "locations"): _exactly(10),
    ("__Type", "fields"): _exactly(5),
    ("__Type", "inputFields"): _exactly(2),
    ("__Type", "enumValues"): _exactly(6),
    ("__Type", "interfaces"): _exactly(1),
    ("__Type", "possibleTypes"): _exactly(1),
    ("__Field", "args"): _exactly(1),
}


# The place in its batch; up to a seal that somebody noted also seven values of every batch on the way.
_PROOF: Final = Count(lambda seal: 50 if seal is None else 7 * MOST_BATCHES, ("seal",), (None,))
_DOCUMENTS: Final[Mapping[tuple[str, str], Count]] = {
    ("AuditEvent", "inclusionProof"): _PROOF,
    ("JournalEntry", "inclusionProof"): _PROOF,
}
"""Leaves that are documents of their own, of so many values."""


@dataclass(frozen=True, slots=True)
class FieldSize:
    """What a field adds to an answer: the type below it, the items that it lists, and the size that it gives to lists below it.

    ``type_name`` is empty for a leaf. ``takes`` a list whose size is given above.
    """

    type_name: str
    lists: Count | None = None
    takes: bool = False
    gives: Count | None = None


def field_sizes(blueprint: Blueprint) -> Mapping[str, Mapping[str, FieldSize]]:
    """The sizes of all fields, by type and field, those of introspection included."""
    return {
        name: {
            field_name: _field_size(blueprint, (name, field_name), field.type) for field_name, field in fields.items()
        }
        for name, type_ in blueprint.schema.type_map.items()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and (fields := type_.fields)
    }


def _field_size(blueprint: Blueprint, place: tuple[str, str], type_: GraphQLOutputType) -> FieldSize:
    named = get_named_type(type_)
    type_name = named.name if is_composite_type(named) else ""
    specification = blueprint.specifications.get(place)
    if isinstance(specification, Connect):
        return FieldSize(type_name, gives=_FIRST)
    if place in _GIVEN:
        return FieldSize(type_name, gives=_GIVEN[place])
    if place in _DOCUMENTS:
        return FieldSize(type_name, lists=_DOCUMENTS[place])
    if not is_list_type(get_nullable_type(type_)):
        return FieldSize(type_name)
    if isinstance(specification, PagePart) or place in _TAKEN:
        return FieldSize(type_name, takes=True)
    of_ids = isinstance(specification, Lookup)
    return FieldSize(type_name, lists=_IDS if of_ids else _LISTS.get(place, _exactly(ASSUMED)))
