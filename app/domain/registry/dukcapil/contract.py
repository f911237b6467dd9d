"""The shapes that Kesos and the civil registry exchange (docs/dukcapil.md), as both sides of the wire read them."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

PATH: Final = "/v1/matches"
MOST_ITEMS: Final = 500
NAME_CHARACTERS: Final = 200
LARGEST_REQUEST: Final = 1024 * 1024
"""Bytes. 500 items with the longest names need half of it."""
LARGEST_ANSWER: Final = 256 * 1024
"""Bytes. 500 results with references of ours need a sixth of it."""


class MatchResult(StrEnum):
    """What the civil registry says of one person; all but the first are also a ``MismatchReason``."""

    MATCHED = "MATCHED"
    NIK_EMPTY = "NIK_EMPTY"
    NIK_NOT_FOUND = "NIK_NOT_FOUND"
    NAME_DIFFERS = "NAME_DIFFERS"
    BIRTH_DATE_DIFFERS = "BIRTH_DATE_DIFFERS"
    NIK_DUPLICATE = "NIK_DUPLICATE"
    NOT_RECORDED = "NOT_RECORDED"
    DECEASED = "DECEASED"
    MOVED_ABROAD = "MOVED_ABROAD"


class StatedSex(StrEnum):
    """Sex as registered."""

    MALE = "MALE"
    FEMALE = "FEMALE"


class _Message(BaseModel):
    # What a later version adds is not known here and does no harm.
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        strict=True,
        extra="ignore",
        hide_input_in_errors=True,
    )


_Reference = Annotated[str, Field(min_length=1, max_length=64)]
_BatchId = Annotated[str, Field(pattern=r"^[0-9a-zA-Z-]{16,64}$")]


class Item(_Message):
    """One person to compare. Its text form tells nothing about them."""

    reference: _Reference
    nik: str = Field(pattern=r"^[0-9]{16}$", repr=False)
    name: str = Field(max_length=NAME_CHARACTERS, repr=False)
    birth_date: date | None = Field(repr=False)
    sex: StatedSex | None = Field(default=None, repr=False)


class Batch(_Message):
    """What is sent: the same ``batch_id`` always goes with the same items."""

    batch_id: _BatchId
    items: list[Item] = Field(min_length=1, max_length=MOST_ITEMS)


class Result(_Message):
    """What is said of the item with this reference."""

    reference: _Reference
    result: MatchResult
    name_score: float | None = Field(default=None, ge=0, le=1)
    """How alike the names are, 1: the same. For the gateway to give where it knows."""


class Answer(_Message):
    """What comes back: a result for each item, in any order."""

    batch_id: _BatchId
    results: list[Result] = Field(max_length=MOST_ITEMS)
