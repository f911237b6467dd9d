"""Region codes of the Kemendagri, read as ranges.

A code is hierarchical, so a subtree is a range of village ids: 33.02 (Banyumas) holds the villages 3302000000..3302999999.
Codes are written with dots. The BPS uses the same digits for other places, so a code without dots is never guessed at.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

VILLAGE_DIGITS = 10
_CODE = re.compile(r"[1-9]\d(?:\.\d\d(?:\.\d\d(?:\.[123]\d{3})?)?)?", re.ASCII)
_UNDOTTED = re.compile(r"\d{4}|\d{6}|\d{7}|\d{10}", re.ASCII)


class RegionLevel(StrEnum):
    """How deep in the tree a region stands, from the country down to the village."""

    COUNTRY = "COUNTRY"
    PROVINCE = "PROVINCE"
    REGENCY = "REGENCY"
    DISTRICT = "DISTRICT"
    VILLAGE = "VILLAGE"

    @property
    def digits(self) -> int:
        """Number of digits of a region id at this level: 0, 2, 4, 6 or 10."""
        return _DIGITS[self]

    @property
    def depth(self) -> int:
        """0 for the country, 4 for a village."""
        return _DEPTH[self]


_DIGITS = {
    RegionLevel.COUNTRY: 0,
    RegionLevel.PROVINCE: 2,
    RegionLevel.REGENCY: 4,
    RegionLevel.DISTRICT: 6,
    RegionLevel.VILLAGE: VILLAGE_DIGITS,
}
_DEPTH = {level: depth for depth, level in enumerate(RegionLevel)}
_LEVEL_OF_DIGITS = {digits: level for level, digits in _DIGITS.items()}


class RegionCodeInvalid(ValueError):
    """The text is no Kemendagri region code; ``looks_like_bps`` when it is a code with its dots left out."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.looks_like_bps = _UNDOTTED.fullmatch(code) is not None


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """An inclusive range of village ids."""

    low: int
    high: int

    def holds(self, other: "Span") -> bool:
        """Whether every village of ``other`` is in this span."""
        return self.low <= other.low and other.high <= self.high


@dataclass(frozen=True, slots=True)
class RegionPath:
    """One region: its level and its id, which is its code without the dots (33.02 -> 3302; the country is 0)."""

    level: RegionLevel
    id: int

    @classmethod
    def country(cls) -> Self:
        """The whole of Indonesia."""
        return cls(RegionLevel.COUNTRY, 0)

    @classmethod
    def parse(cls, code: str) -> Self:
        """Read a dotted code such as ``33``, ``33.02``, ``33.02.01`` or ``33.02.01.2001``.

        Raises:
            RegionCodeInvalid: the text has another form, for instance its dots left out.
        """
        if _CODE.fullmatch(code) is None:
            raise RegionCodeInvalid(code)
        return cls.of_id(int(code.replace(".", "")))

    @classmethod
    def of_id(cls, region_id: int) -> Self:
        """The region of an id that the database holds."""
        digits = len(str(region_id)) if region_id else 0
        return cls(_LEVEL_OF_DIGITS[digits], region_id)

    @property
    def code(self) -> str:
        """The dotted code; ``0`` for the country."""
        digits = str(self.id)
        if self.level is RegionLevel.VILLAGE:
            return f"{digits[:2]}.{digits[2:4]}.{digits[4:6]}.{digits[6:]}"
        return ".".join(digits[at : at + 2] for at in range(0, len(digits), 2))

    @property
    def villages(self) -> Span:
        """The range that holds every village of this region."""
        width = 10 ** (VILLAGE_DIGITS - self.level.digits)
        return Span(self.id * width, (self.id + 1) * width - 1)

    def ancestor(self, level: RegionLevel) -> "RegionPath":
        """This region or the one above it at ``level``.

        Raises:
            ValueError: ``level`` lies below this region.
        """
        if level.depth > self.level.depth:
            raise ValueError(f"{self.code} has no single region at level {level}")
        if level is RegionLevel.COUNTRY:
            return RegionPath.country()
        return RegionPath(level, int(str(self.id)[: level.digits]))

    def holds(self, other: "RegionPath") -> bool:
        """Whether ``other`` is this region or lies in it."""
        return self.villages.holds(other.villages)
