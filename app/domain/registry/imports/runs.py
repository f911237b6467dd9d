"""Columns of a file that are looked up together.

A registry asks everybody the same questions, each with a few answers, so neighbouring answers come in the same company again and again.
``Run`` works out each such company once, which takes a tenth of the look-ups that cells by themselves take.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from operator import getitem
from typing import Final

import sqlalchemy as sa

from app.domain.registry.imports.models import FAMILY_ATTRIBUTES, PERSON_ATTRIBUTES
from app.domain.registry.models import family, person

_LONGEST: Final = 10
"""Columns; with more, the same answers come together too seldom."""
_MOST_REMEMBERED: Final = 1 << 12
_LONGEST_REMEMBERED: Final = 400
_MANY_VALUED: Final = frozenset({"birth_date", "floor_area_m2"})
_RANK: Final = ("percentile", "ranked_on", "decile")
_NEIGHBOURHOOD: Final = ("rw", "rt")


def _is_many_valued(column: sa.Column[object]) -> bool:
    return isinstance(column.type, sa.Text | sa.Double) or column.name in _MANY_VALUED


def _parts(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    rest = iter(names)
    return tuple(iter(lambda: tuple(islice(rest, _LONGEST)), ()))


_FAMILY_FEW: Final = {*_RANK, *_NEIGHBOURHOOD}
FAMILY_ALONE: Final = tuple(
    name for name in FAMILY_ATTRIBUTES if name not in _FAMILY_FEW and _is_many_valued(family.c[name])
)
"""Columns of a family that are looked up one by one: each has as many values as there are families."""
FAMILY_RUNS: Final = (
    _RANK,
    _NEIGHBOURHOOD,
    *_parts(name for name in FAMILY_ATTRIBUTES if name not in {*_FAMILY_FEW, *FAMILY_ALONE}),
)
FAMILY_VALUES: Final = (*FAMILY_ALONE, *(name for run in FAMILY_RUNS for name in run))
"""The columns of a family but for its place in the import, its village and its KK number, in the order in which they are staged."""
PERSON_ALONE: Final = tuple(name for name in PERSON_ATTRIBUTES if _is_many_valued(person.c[name]))
PERSON_RUNS: Final = _parts(name for name in PERSON_ATTRIBUTES if name not in PERSON_ALONE)
PERSON_VALUES: Final = (*PERSON_ALONE, *(name for run in PERSON_RUNS for name in run))


class Unusual(Exception):
    """Nothing may be wrong with these cells, but they are to be looked at one by one."""


class Run(dict[str, str]):
    """The cells of a few columns, with tabs between, -> their COPY text."""

    def __init__(
        self, memos: Sequence[Mapping[str, str]], is_unusual: Callable[[Sequence[str]], bool] | None = None
    ) -> None:
        """``memos`` know each column by itself; ``is_unusual`` tells of values in COPY text that do not go together."""
        super().__init__()
        self._memos = memos
        self._is_unusual = is_unusual

    def __missing__(self, joined: str) -> str:
        cells = joined.split("\t")
        if len(cells) != len(self._memos):
            # A tab within a cell.
            raise Unusual
        values = list(map(getitem, self._memos, cells))
        if self._is_unusual is not None and self._is_unusual(values):
            raise Unusual
        found = "\t".join(values)
        if len(joined) <= _LONGEST_REMEMBERED:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[joined] = found
        return found
