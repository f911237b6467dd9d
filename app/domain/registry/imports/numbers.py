"""NIK and KK as they are staged: judged by the rules of ``nik``, which are asked once for each prefix.

A file of a province holds millions of numbers and some 600 prefixes, and nearly every NIK shows the birth date that is declared beside
it, so most of what the rules say of a number is found in a small dictionary and by comparing digits.
"""

from datetime import date
from typing import Final, NamedTuple

from app.domain.registry.copy_text import NULL
from app.domain.registry.enums import Sex
from app.domain.registry.imports.staging import Number, Reading, StagedNik
from app.domain.registry.nik import (
    Finding,
    check_kk,
    check_nik,
    is_day_of_issue,
    is_province,
    is_serial,
    nik_region_errors,
    regency_of_issue,
    shown_date,
)

_MOST_REMEMBERED: Final = 1 << 17
_DIGITS: Final = 16
_SEX_OF_TENS: Final = {
    f"{tens}{tens + added}": sex.value for tens in range(4) for added, sex in ((0, Sex.MALE), (4, Sex.FEMALE))
}
"""The tens of the declared day and those in the NIK, where a woman's day has 40 added -> the sex that the NIK shows."""


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


def is_plain_number(cell: str) -> bool:
    """Whether a cell holds 16 digits and nothing else."""
    return len(cell) == _DIGITS and cell.isdecimal() and cell.isascii()


class _NikPrefixes(dict[str, str | None]):
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


class PlainNiks:
    """What NIKs show that nothing is wrong with."""

    def __init__(self, reading: Reading) -> None:
        self._prefixes = _NikPrefixes(reading)
        self._today = reading.today

    def shown(self, nik: str, born: str) -> str | None:
        """Birth date, sex and regency of issue as COPY text; None where the cell ``nik`` is to be looked at, or ``born``, a date in
        COPY text, says nothing."""
        if not is_plain_number(nik) or not is_serial(nik[12:]) or born == NULL:
            return None
        regency = self._prefixes[nik[:6]]
        if regency is None:
            return None
        sex = _SEX_OF_TENS.get(born[8] + nik[6])
        if sex is not None and nik[7:12] == born[9:] + born[5:7] + born[2:4]:
            # Nearly all: the number shows the date that is declared, and does not tell the century.
            return f"{born}\t{sex}\t{regency}"
        date_shown = shown_date(nik[6:12])
        if date_shown is None:
            return None
        return f"{date_shown.latest(self._today).isoformat()}\t{date_shown.sex.value}\t{regency}"


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
