"""Texts that people write about outlets: they stay with the outlet, so nobody's number may be in them."""

from typing import Final

from app.domain.ewarong.oversight.errors import TextWrong
from app.domain.ewarong.texts import PersonalNumber, holds_number

MOST_DESCRIPTION: Final = 2_000
MOST_REASON: Final = 1_000
MOST_NOTE: Final = 500


def checked_text(name: str, text: str, *, most: int = MOST_DESCRIPTION, empty: bool = False) -> str:
    """``text`` as it is kept, of the field ``name`` of the input.

    Raises:
        TextWrong: it is empty (unless ``empty`` may be), too long, or holds what cannot be printed.
        PersonalNumber: it holds what may be somebody's number.
    """
    told = text.strip()
    if len(told) > most or not (told or empty) or not all(line.isprintable() for line in told.splitlines()):
        wrong = TextWrong(most)
        wrong.fields = (name,)
        raise wrong
    if holds_number(told):
        raise PersonalNumber(name)
    return told
