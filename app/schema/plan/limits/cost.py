"""The cost of an operation: how many values its answer may hold, as a sum that variables complete.

A value is a key of an object in the answer, or a leaf in a list. Lists multiply what is selected below them; a list whose length is
written in the document is multiplied out when the document is read, one whose length is a variable opens a *scope* that is counted
anew for every request. What @skip and @include leave out is counted as if it were there, and so is what two fields of one name share.

A fragment costs the same wherever it stands, but for the lists at its top that take their size from the connection it is spread in:
these are counted apart (``per_item``), so that each fragment is measured once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from app.schema.plan.limits.refusals import MOST_COST, CostTooHigh
from app.schema.plan.limits.sizes import Varying

_HIGHEST: Final = 10**12
"""Nothing is counted beyond this, so that numbers stay small however fragments multiply them."""
WHOLE: Final = 0
PER_ITEM: Final = 1


class Place(NamedTuple):
    """Where something stands: in which scope, and how often in each item of it."""

    scope: int
    times: int

    def multiplied(self, times: int) -> "Place":
        """The same place, ``times`` as often."""
        return Place(self.scope, min(self.times * times, _HIGHEST))


class Spread(NamedTuple):
    """A fragment that is spread: where it stands, and where the items stand that it lists at its top."""

    fragment: str
    place: Place
    items: Place


class Totals(NamedTuple):
    """Values of a fragment: those that it has once, and those that it has for each item of the connection it is spread in."""

    whole: int
    per_item: int


@dataclass(slots=True)
class Sum:
    """The values of one definition: in each scope a constant, and the fragments that are spread there.

    Scope 0 is the definition; scope 1 of a fragment is an item of the connection that it is spread in. Each further scope is an item of
    a list in the scope ``parents[scope]``.
    """

    parents: list[int] = field(default_factory=lambda: [WHOLE, PER_ITEM])
    sides: list[int] = field(default_factory=lambda: [WHOLE, PER_ITEM])
    sizes: list[Varying | None] = field(default_factory=lambda: [None, None])
    constants: list[int] = field(default_factory=lambda: [0, 0])
    spreads: list[Spread] = field(default_factory=list)

    def add(self, place: Place) -> None:
        """Count one value at ``place``."""
        self.constants[place.scope] += place.times

    def within(self, place: Place, size: int | Varying) -> Place:
        """Where the items of a list stand that has ``size`` items at ``place``."""
        if not isinstance(size, Varying):
            return place.multiplied(size)
        self.parents.append(place.scope)
        self.sides.append(self.sides[place.scope])
        self.sizes.append(size)
        self.constants.append(0)
        return Place(len(self.sizes) - 1, place.times)

    def fold(self, known: Mapping[str, Totals]) -> None:
        """Add the spreads of fragments whose totals are ``known`` to the constants."""
        for fragment, place, items in self.spreads:
            if fragment in known:
                self.add(place.multiplied(known[fragment].whole))
                self.add(items.multiplied(known[fragment].per_item))
        self.spreads = [spread for spread in self.spreads if spread.fragment not in known]

    @property
    def is_constant(self) -> bool:
        """Whether no variable decides anything."""
        return not self.spreads and len(self.sizes) == len((WHOLE, PER_ITEM))

    def totals(self, variables: Mapping[str, Any], known: Mapping[str, Totals]) -> Totals:
        """The values for these ``variables``, with the totals of all fragments that vary ``known``."""
        counts: list[int] = []
        totals = [0, 0]
        for parent, side, size, constant in zip(self.parents, self.sides, self.sizes, self.constants, strict=True):
            counts.append(1 if size is None else min(counts[parent] * size.items(variables), _HIGHEST))
            totals[side] += counts[-1] * constant
        for fragment, place, items in self.spreads:
            if fragment in known:
                whole, per_item = known[fragment]
                totals[self.sides[place.scope]] += counts[place.scope] * place.times * whole
                totals[self.sides[items.scope]] += counts[items.scope] * items.times * per_item
        return Totals(min(totals[WHOLE], _HIGHEST), min(totals[PER_ITEM], _HIGHEST))


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one operation: a number, or what variables make of it and of the fragments that they vary."""

    constant: int | None
    operation: Sum
    fragments: Sequence[tuple[str, Sum]]

    @classmethod
    def of(cls, operation: Sum, varying: Sequence[tuple[str, Sum]]) -> "Cost":
        """The cost of ``operation``; ``varying`` are the fragments that variables vary, each behind those that it spreads."""
        if operation.is_constant:
            return cls(operation.totals({}, {}).whole, operation, ())
        return cls(None, operation, varying if operation.spreads else ())

    def values(self, variables: Mapping[str, Any]) -> int:
        """The values that the answer may hold for these coerced ``variables``.

        Raises:
            CostTooHigh: there may be more than one operation may ask for.
        """
        cost = self.constant
        if cost is None:
            known: dict[str, Totals] = {}
            for name, fragment in self.fragments:
                known[name] = fragment.totals(variables, known)
            cost = self.operation.totals(variables, known).whole
        if cost > MOST_COST:
            raise CostTooHigh(cost)
        return cost
