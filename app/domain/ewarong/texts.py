"""Texts that stay with outlets and their sales: nobody's number may be in them, least of all where nothing is ever edited."""

import re
from typing import Final

from app.domain.base import DomainError

_DIGITS_OF_A_NUMBER: Final = 16
"""Of a NIK, a number of a KK, and of most cards."""
_RUN: Final = re.compile(r"\d+(?:[ .\-]\d+)*")
_GROUP: Final = re.compile(r"\d+")


class PersonalNumber(DomainError):
    """A text holds what may be the number of a person, a family or a card."""

    code = "PERSONAL_NUMBER"

    def __init__(self, field: str) -> None:
        super().__init__(
            "Teks memuat 16 angka, seperti NIK, nomor KK, atau nomor kartu. Hapus nomor itu; keluarga tidak disebut di sini.",
            "The text holds 16 digits, like a NIK, a number of a KK or of a card. Take it out; no family is named here.",
        )
        self.fields = (field,)


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
