"""NIK and KK as they are staged: judged by the rules of ``nik``, which are asked once for each prefix and each date.

A file of a province holds millions of numbers, some 600 prefixes and at most 74,400 dates, so all that the rules say of
a number is found in two dictionaries.
"""

from datetime import date
from typing import Final, NamedTuple

from app.domain.registry.copy_text import NULL
from app.domain.registry.imports.staging import Number, Reading, StagedNik
from app.domain.registry.nik import (
    Finding,
    check_kk,
    check_nik,
    is_day_of_issue,
    is_province,
    nik_region_errors,
    regency_of_issue,
    shown_date,
)

_MOST_REMEMBERED: Final = 1 << 17


class StagedKk(NamedTuple):
    """A KK number that was judged: ``number`` is None where it may not be stored."""

    number: Number | None
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def staged_nik(digits: str, birth_date: date | None, reading: Reading) -> StagedNik:
    """Judge the NIK of somebody who is said to be born on ``birth_date``."""
    verdict = check_nik(digits, birth_date=birth_date, today=reading.today, test_provinces=reading.test_provinces)
    if verdict.errors:
        return StagedNik(None, verdict.errors)
    number = Number(verdict.number, regency_of_issue(verdict.number, reading.test_provinces))
    return StagedNik(number, (), verdict.birth_date, verdict.sex)


def staged_kk(digits: str, reading: Reading) -> StagedKk:
    """Judge a KK number."""
    verdict = check_kk(digits, test_provinces=reading.test_provinces)
    if verdict.errors:
        return StagedKk(None, verdict.errors, ())
    known = is_province(verdict.number, reading.test_provinces)
    regency = regency_of_issue(verdict.number, reading.test_provinces) if known else None
    return StagedKk(Number(verdict.number, regency), (), verdict.warnings)


class NikPrefixes(dict[str, str | None]):
    """PPKKCC of a NIK -> the regency of issue as COPY text; None where no NIK begins so."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._test_provinces = reading.test_provinces

    def __missing__(self, digits: str) -> str | None:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        regency: str | None = None
        if not nik_region_errors(digits, self._test_provinces):
            regency = str(regency_of_issue(digits, self._test_provinces) or NULL)
        self[digits] = regency
        return regency


class NikDates(dict[str, tuple[str, str] | None]):
    """DDMMYY of a NIK -> birth date and sex as COPY text; None where there is no such day."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._today = reading.today

    def __missing__(self, digits: str) -> tuple[str, str] | None:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        shown = shown_date(digits)
        said = None if shown is None else (shown.latest(self._today).isoformat(), str(shown.sex.value))
        self[digits] = said
        return said


class KkPrefixes(dict[str, str | None]):
    """PPKK of a KK number -> the regency of issue as COPY text; None where it is worth a warning."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._test_provinces = reading.test_provinces

    def __missing__(self, digits: str) -> str | None:
        known = is_province(digits, self._test_provinces)
        self[digits] = regency = str(regency_of_issue(digits, self._test_provinces) or NULL) if known else None
        return regency


class KkDates(dict[str, bool]):
    """DDMMYY of a KK number -> whether there is such a day."""

    def __missing__(self, digits: str) -> bool:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        self[digits] = possible = is_day_of_issue(digits)
        return possible
