"""Seeded chance, and ids that a run can make again."""

from bisect import bisect
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from itertools import accumulate
from random import Random
from typing import Generic, Self, TypeVar

_Choice = TypeVar("_Choice")


def seeded(*parts: object) -> Random:
    """A source of chance that is the same for the same ``parts`` in every process."""
    return Random("/".join(map(str, parts)))  # noqa: S311  (plausible people, no secrets)


class Weighted(Generic[_Choice]):
    """Choices that come as often as their shares of the sum of the weights say."""

    def __init__(self, weights: Mapping[_Choice, float]) -> None:
        """Weights need not sum to 1."""
        self._choices = list(weights)
        self._marks = list(accumulate(weights.values()))

    @classmethod
    def between(cls, ends: Mapping[_Choice, tuple[float, float]], wealth: float) -> Self:
        """Weights that lie ``wealth`` (0 poorest, 1 richest) of the way from the first to the second of each pair."""
        return cls({choice: poorest + (richest - poorest) * wealth for choice, (poorest, richest) in ends.items()})

    def pick(self, random: Random) -> _Choice:
        """One of the choices."""
        return self._choices[bisect(self._marks, random.random() * self._marks[-1])]


class RowIds:
    """UUIDs of version 7 from a fixed day, a counter and a tail of chance: ordered by counter, equal in every run.

    The counter takes the 12 bits after the version and the milliseconds above them, so 4,096 rows share a millisecond.
    """

    def __init__(self, day: date, *run: object) -> None:
        """Make the ids of one table in the seed run that ``run`` names."""
        self._start = int(datetime.combine(day, time(), UTC).timestamp() * 1000)
        self._tail = f"{1 << 63 | seeded(*run).getrandbits(62):016x}"

    def of(self, counter: int) -> str:
        """The id of row ``counter``: 32 hexadecimal digits."""
        return f"{self._start + (counter >> 12) << 16 | 0x7000 | counter & 0xFFF:016x}{self._tail}"
