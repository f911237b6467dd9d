"""Texts and numbers that callers give of outlets."""

from datetime import date

from app.domain.ewarong.agents.errors import NikWrong, TextWrong
from app.domain.ewarong.texts import PersonalNumber, holds_number
from app.domain.registry.nik import check_nik


def checked_text(field: str, given: str, longest: int) -> str:
    """What was given in ``field``, without spaces around it.

    Raises:
        TextWrong: it is empty, too long, or holds characters that nobody sees.
        PersonalNumber: it holds what may be somebody's number.
    """
    text = given.strip()
    if not 0 < len(text) <= longest or not text.isprintable():
        raise TextWrong(field, longest)
    # The number by which the bank knows an outlet may have as many digits.
    if field != "number" and holds_number(text):
        raise PersonalNumber(field)
    return text


def checked_nik(field: str, given: str, *, today: date, test_provinces: frozenset[str]) -> str:
    """The 16 digits of the NIK that was given in ``field``.

    Raises:
        NikWrong: it cannot be one.
    """
    verdict = check_nik(given, today=today, test_provinces=test_provinces)
    if verdict.errors:
        finding = verdict.errors[0]
        raise NikWrong(field, finding.indonesian, finding.english)
    return verdict.number
