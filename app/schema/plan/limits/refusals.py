"""The limits, in one table, and how a document or an operation over one of them is refused."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from app.domain.base import DomainError

MOST_COST: Final = 1_000_000
"""Values that one operation may ask for: all counts of a province by village, or fourteen pages of 100 families with every field."""


class Limit(Enum):
    """What is counted, how much of it there may be, and what it is called in both languages.

    The widest documents of a front end hold some 200 tokens and 130 fields, the introspection query of GraphiQL 163 tokens, 14 levels
    and 71 objects. The limits leave several times that, and a document that meets them all is read in less than 50 ms.
    """

    CHARACTERS = (16_384, "karakter", "characters")
    TOKENS = (2_000, "token", "tokens")
    CHARACTERS_OF_ONE_WORD = (200, "karakter dalam satu nama atau angka", "characters in one name or number")
    NESTING = (50, "tingkat kurung bersarang", "levels of nested brackets")
    OPERATIONS = (10, "operasi", "operations")
    FRAGMENTS = (50, "fragmen", "fragments")
    SPREADS = (100, "pemakaian fragmen", "fragment spreads")
    VARIABLES = (50, "variabel", "variables")
    ALIASES = (100, "alias", "aliases")
    DIRECTIVES = (50, "direktif", "directives")
    DIRECTIVES_OF_ONE_PLACE = (4, "direktif di satu tempat", "directives in one place")
    LEVELS = (15, "tingkat objek bersarang", "levels of nested objects")
    ROOT_FIELDS = (20, "field teratas dalam satu operasi", "root fields in one operation")
    OBJECTS = (150, "objek dalam satu operasi", "objects in one operation")
    FIELDS = (1_000, "field dalam satu operasi", "fields in one operation")
    COMPARISONS = (30_000, "perbandingan field bernama sama", "comparisons of fields that share a name")

    def __init__(self, most: int, indonesian: str, english: str) -> None:
        self.most, self.indonesian, self.english = most, indonesian, english


_OF_DEPTH: Final = frozenset({Limit.NESTING, Limit.LEVELS})


class LimitExceeded(DomainError):
    """A document holds too much of something; ``limit`` says of what."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(
            f"Dokumen GraphQL paling banyak memuat {limit.most} {limit.indonesian}.",
            f"A GraphQL document holds at most {limit.most} {limit.english}.",
        )
        self.limit = limit
        self.code = "DOCUMENT_TOO_DEEP" if limit in _OF_DEPTH else "DOCUMENT_TOO_LARGE"

    @property
    def extensions(self) -> Mapping[str, Any]:
        """What a front end may read besides the code."""
        return {"limit": self.limit.name, "most": self.limit.most}


class CostTooHigh(DomainError):
    """The answer of an operation might hold more values than anybody can use at once."""

    code = "COST_TOO_HIGH"

    def __init__(self, cost: int) -> None:
        super().__init__(
            f"Permintaan ini dapat menghasilkan {cost} nilai; paling banyak {MOST_COST}. Kurangi `first` atau field.",
            f"This request may yield {cost} values; at most {MOST_COST} are allowed. Ask for fewer rows or fields.",
        )
        self.cost = cost

    @property
    def extensions(self) -> Mapping[str, Any]:
        """What a front end may read besides the code."""
        return {"cost": self.cost, "most": MOST_COST}
