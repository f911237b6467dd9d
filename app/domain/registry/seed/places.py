"""Where the synthetic families live: how they spread over the villages, and coordinates that look like a map."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final

from app.domain.regions.models import RegionKind
from app.domain.registry.seed.rows import seeded

# South, north, west and east of each province in degrees, rounded to tenths by hand from general knowledge. The points
# made from them are synthetic: they fall in the right part of Indonesia, in no real village and at times in the sea.
_BOXES: Final[dict[int, tuple[float, float, float, float]]] = {
    11: (2.2, 5.6, 95.2, 98.2),
    12: (-0.3, 4.0, 97.6, 100.3),
    13: (-2.4, 0.8, 99.2, 101.8),
    14: (-1.0, 2.4, 100.1, 103.7),
    15: (-2.7, -0.8, 101.2, 104.4),
    16: (-4.8, -1.7, 102.2, 106.0),
    17: (-4.9, -2.4, 101.1, 103.7),
    18: (-5.9, -3.8, 103.6, 105.8),
    19: (-3.3, -1.6, 105.2, 108.2),
    21: (-0.8, 4.0, 103.4, 108.2),
    31: (-6.4, -6.1, 106.7, 107.0),
    32: (-7.8, -6.0, 106.4, 108.8),
    33: (-8.1, -6.5, 108.7, 111.6),
    34: (-8.1, -7.6, 110.1, 110.8),
    35: (-8.7, -6.8, 111.0, 114.4),
    36: (-6.9, -6.0, 105.3, 106.7),
    51: (-8.8, -8.1, 114.5, 115.7),
    52: (-9.0, -8.2, 115.9, 119.2),
    53: (-10.9, -8.2, 119.0, 125.1),
    61: (-3.0, 2.0, 108.8, 114.1),
    62: (-3.4, 0.7, 110.8, 115.8),
    63: (-4.1, -1.4, 114.4, 116.5),
    64: (-2.3, 2.5, 113.9, 118.9),
    65: (1.2, 4.3, 114.7, 117.9),
    71: (0.4, 1.7, 123.2, 125.2),
    72: (-3.5, 1.2, 119.6, 124.1),
    73: (-6.0, -2.0, 118.9, 121.7),
    74: (-6.0, -2.8, 121.0, 124.5),
    75: (0.4, 1.0, 121.3, 123.5),
    76: (-3.5, -1.0, 118.8, 119.8),
    81: (-8.2, -2.8, 125.8, 134.8),
    82: (-2.4, 2.6, 124.4, 129.6),
    91: (-3.8, -0.7, 134.4, 140.9),
    92: (-4.2, -0.8, 132.1, 135.2),
    93: (-9.0, -4.6, 137.5, 140.9),
    94: (-5.1, -2.3, 134.5, 138.1),
    95: (-5.2, -3.2, 137.5, 140.9),
    96: (-2.2, 0.9, 129.3, 133.1),
}
_ELSEWHERE: Final = (-8.0, 4.0, 96.0, 140.0)
_REGENCY_RADIUS: Final = 0.15
_VILLAGE_RADIUS: Final = 0.01

# A kelurahan holds about three times the people of a desa.
_VILLAGE_WEIGHT: Final = {RegionKind.KELURAHAN: 3.0, RegionKind.DESA: 1.0, RegionKind.DESA_ADAT: 0.4}


@dataclass(frozen=True, slots=True)
class Village:
    """A village to fill and what its families need to know about it."""

    id: int
    kind: RegionKind
    regency_name: str

    @property
    def regency_id(self) -> int:
        """The regency that owns the rows."""
        return self.id // 1_000_000

    @property
    def weight(self) -> float:
        """How many families live here, against other villages."""
        return _VILLAGE_WEIGHT[self.kind] * (0.5 + seeded("village", self.id).random())


def spread(villages: Sequence[Village], families: int) -> list[int]:
    """How many of ``families`` live in each of ``villages``; the counts sum to ``families`` exactly.

    The running total is rounded, not each count, so any run of villages (a district, a regency) has its share to within
    one family.
    """
    totals = list(accumulate(village.weight for village in villages))
    marks = [round(families * total / totals[-1]) for total in totals]
    return [mark - before for before, mark in zip([0, *marks], marks, strict=False)]


class Ground:
    """Coordinates of a village: a fixed point near the fixed centre of its regency, in the box of its province."""

    def __init__(self, village: Village) -> None:
        """Place the village."""
        south, north, west, east = _BOXES.get(village.regency_id // 100, _ELSEWHERE)
        regency, here = seeded("regency", village.regency_id), seeded("place", village.id)
        self._latitude = _near(regency, here, south, north)
        self._longitude = _near(regency, here, west, east)

    def point(self, random: Random) -> tuple[float, float]:
        """Latitude and longitude in degrees of a house in the village, within about 1 km of its point."""
        return (
            self._latitude + (random.random() * 2 - 1) * _VILLAGE_RADIUS,
            self._longitude + (random.random() * 2 - 1) * _VILLAGE_RADIUS,
        )


def _near(regency: Random, here: Random, low: float, high: float) -> float:
    margin = min(_REGENCY_RADIUS, (high - low) / 4)
    centre = regency.uniform(low + margin, high - margin)
    edge = margin - _VILLAGE_RADIUS
    return centre + here.uniform(-edge, edge)
