"""Texts that people write about outlets: they stay with the outlet, so nobody's number may be in them."""

import re
from typing import Final

from app.domain.ewarong.oversight.errors import PersonalNumber, TextWrong

MOST_DESCRIPTION: Final = 2_000
MOST_REASON: Final = 1_000
MOST_NOTE: Final = 500
_DIGITS_OF_A_NUMBER: Final = 16
"""Of a NIK, a number of a KK, and of most cards."""
_RUN: Final = re.compile(r"\d+(?:[ .\-]\d+)*")
_GROUP: Final = re.compile(r"\d+")


def holds_number(text: str) -> bool:
    """Whether ``text`` holds 16 digits or more in a row, or groups of digits that make 16, as numbers are written in letters."""
    return any(_makes_number([len(group) for group in _GROUP.findall(run)]) for run in _RUN.findall(text))


def _makes_number(lengths: list[int]) -> bool:
    if any(length >= _DIGITS_OF_A_NUMBER for length in lengths):
        return True
    return any(
        sum(lengths[first:last]) == _DIGITS_OF_A_NUMBER
        for first in range(len(lengths))
        for last in range(first + 1, len(lengths) + 1)
    )


def checked_text(name: str, text: str, *, most: int = MOST_DESCRIPTION, empty: bool = False) -> str:
    """``text`` as it is kept, of the field ``name`` of the input.

    Raises:
        TextWrong: it is empty (unless ``empty`` may be), too long, or holds what cannot be printed.
        PersonalNumber: it holds what may be somebody's number.
    """
    told = text.strip()
    wrong: TextWrong | PersonalNumber | None = None
    if len(told) > most or not (told or empty) or not all(line.isprintable() for line in told.splitlines()):
        wrong = TextWrong(most)
    elif holds_number(told):
        wrong = PersonalNumber()
    if wrong is not None:
        wrong.fields = (name,)
        raise wrong
    return told
