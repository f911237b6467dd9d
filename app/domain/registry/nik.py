"""The rules of the two 16-digit numbers: NIK of a person, KK of a family card.

Both read PPKKCC DDMMYY SSSS: province, regency and district of issue, a date, a serial number (domain facts, section
2). Neither has a check digit. In a NIK the date is the birth date, with 40 added to the day for a woman; in a KK it is
the day of issue.

python-stdnum takes the separators away (``stdnum.id.nik``). Its ``validate`` is not used, because it refuses
people who exist and admits numbers that do not: its provinces are those before 2012, with the BPS numbers of Papua, so
Kalimantan Utara (65) and four of the six provinces of Papua (92, 93, 95, 96) are missing; it takes the days 81-99 for
1-19; it looks neither at segments 00 nor at serial 0000; and the century that it reports is nearly always the 20th.
Its calendar is right, but an import asks for tens of thousands of dates, and it cleans each of them character by character.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from stdnum.id import nik as stdnum_nik

from app.domain.registry.enums import Sex
from app.tenants.region_path import RegionLevel, RegionPath

_ISLAND_GROUPS: Final = ((11, 19), (21, 21), (31, 36), (51, 53), (61, 65), (71, 76), (81, 82), (91, 96))
# Kepmendagri 300.2.2-2138/2025, 38 provinces. A constant, so that a number can be judged without a database.
PROVINCES: Final = frozenset(str(code) for first, last in _ISLAND_GROUPS for code in range(first, last + 1))
_SIXTEEN_DIGITS: Final = re.compile(r"[0-9]{16}")
_FEMALE_DAY: Final = 40
_LAST_DAY: Final = 71
_DATES_REMEMBERED: Final = 1 << 17
"""More than the 74,400 date parts that make sense, of both sexes and in all years."""


class Finding(NamedTuple):
    """One thing found wrong or odd: a stable code, and the texts for people. No text ever holds the number itself."""

    code: str
    indonesian: str
    english: str


NIK_NOT_16_DIGITS: Final = Finding(
    "NIK_NOT_16_DIGITS", "NIK harus terdiri atas 16 angka.", "A NIK consists of 16 digits."
)
NIK_PROVINCE_UNKNOWN: Final = Finding(
    "NIK_PROVINCE_UNKNOWN",
    "Dua angka pertama NIK bukan kode provinsi.",
    "The first two digits of the NIK are no province code.",
)
NIK_REGION_ZERO: Final = Finding(
    "NIK_REGION_ZERO",
    "Kode kabupaten/kota atau kecamatan dalam NIK adalah 00.",
    "The regency or district code in the NIK is 00.",
)
NIK_DATE_IMPOSSIBLE: Final = Finding(
    "NIK_DATE_IMPOSSIBLE",
    "Tanggal lahir dalam NIK tidak ada dalam kalender (perempuan: tanggal ditambah 40).",
    "The birth date in the NIK is not in the calendar (a woman's day has 40 added).",
)
NIK_SERIAL_ZERO: Final = Finding(
    "NIK_SERIAL_ZERO", "Nomor urut NIK tidak boleh 0000.", "The serial number of a NIK is never 0000."
)
NIK_SEX_DIFFERS: Final = Finding(
    "NIK_SEX_DIFFERS",
    "Jenis kelamin berbeda dengan yang tercermin dalam NIK.",
    "The sex differs from the one that the NIK shows.",
)
NIK_BIRTH_DATE_DIFFERS: Final = Finding(
    "NIK_BIRTH_DATE_DIFFERS",
    "Tanggal lahir berbeda dengan yang tercermin dalam NIK.",
    "The birth date differs from the one that the NIK shows.",
)
NIK_ISSUED_ELSEWHERE: Final = Finding(
    "NIK_ISSUED_ELSEWHERE",
    "NIK diterbitkan di kabupaten/kota lain; wajar bagi warga yang pernah pindah atau setelah pemekaran.",
    "The NIK was issued in another regency; that is usual after moving or after a regency was split.",
)
KK_NOT_16_DIGITS: Final = Finding(
    "KK_NOT_16_DIGITS", "Nomor KK harus terdiri atas 16 angka.", "A KK number consists of 16 digits."
)
KK_PROVINCE_UNKNOWN: Final = Finding(
    "KK_PROVINCE_UNKNOWN",
    "Dua angka pertama nomor KK bukan kode provinsi (nomor KK sementara?).",
    "The first two digits of the KK number are no province code (a provisional number?).",
)
KK_DATE_IMPOSSIBLE: Final = Finding(
    "KK_DATE_IMPOSSIBLE",
    "Tanggal terbit dalam nomor KK tidak ada dalam kalender.",
    "The date of issue in the KK number is not in the calendar.",
)
KK_ISSUED_ELSEWHERE: Final = Finding(
    "KK_ISSUED_ELSEWHERE",
    "Nomor KK diterbitkan di kabupaten/kota lain.",
    "The KK number was issued in another regency.",
)


@dataclass(frozen=True, slots=True)
class KkVerdict:
    """What a KK number is worth; acceptable when there are no ``errors``."""

    number: str = field(repr=False)
    """The number without separators, as it is sealed and digested."""
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class NikVerdict:
    """What a NIK is worth; acceptable when there are no ``errors``."""

    number: str = field(repr=False)
    """The number without separators, as it is sealed and digested."""
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    sex: Sex | None = None
    """The sex that the number shows; none where its date is impossible."""
    birth_date: date | None = field(default=None, repr=False)
    """The birth date that it shows: the declared one if that agrees, else the latest that is not in the future."""


class ShownDate(NamedTuple):
    """What the six digits of the date in a NIK show."""

    birth_date: date
    """In the 20th century, but for dates that only the 21st has."""
    sex: Sex

    def latest(self, today: date) -> date:
        """The birth date in the latest century that does not put it after ``today``."""
        later = self.birth_date.replace(year=2000 + self.birth_date.year % 100)
        return later if later <= today else self.birth_date

    def beside(self, declared: date | None, today: date) -> date:
        """The birth date: the declared one if that agrees, else the latest that is not in the future."""
        shown = self.birth_date
        if declared is not None and (declared.month, declared.day, declared.year % 100) == (
            shown.month,
            shown.day,
            shown.year % 100,
        ):
            return declared
        return self.latest(today)


@lru_cache(maxsize=_DATES_REMEMBERED)
def shown_date(digits: str) -> ShownDate | None:
    """What DDMMYY in a NIK shows; None where there is no such day."""
    day, month, year = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if day > _LAST_DAY:
        return None
    sex = Sex.FEMALE if day > _FEMALE_DAY else Sex.MALE
    for century in (1900, 2000):
        try:
            return ShownDate(date(century + year, month, day % _FEMALE_DAY), sex)
        except ValueError:
            continue
    return None


def nik_region_errors(digits: str, test_provinces: frozenset[str]) -> tuple[Finding, ...]:
    """What is wrong with PPKKCC of a NIK."""
    return _found(
        (NIK_PROVINCE_UNKNOWN, not is_province(digits, test_provinces)),
        (NIK_REGION_ZERO, "00" in {digits[2:4], digits[4:6]}),
    )


def is_province(digits: str, test_provinces: frozenset[str]) -> bool:
    """Whether a number begins with the code of a province, or with one of ``test_provinces``."""
    return digits[:2] in PROVINCES or digits[:2] in test_provinces


def is_serial(digits: str) -> bool:
    """Whether SSSS of a NIK may be."""
    return digits != "0000"


def is_day_of_issue(digits: str) -> bool:
    """Whether DDMMYY in a KK number is a day of the calendar."""
    return int(digits[:2]) <= _FEMALE_DAY and shown_date(digits) is not None


def regency_of_issue(number: str, test_provinces: frozenset[str]) -> int | None:
    """The regency where a NIK or KK was issued; None where it is a synthetic one, which tells nothing.

    Districts split too often for their two digits to tell anything: in OpenSID's sample the families of Senggigi
    (52.01.14) hold cards of 52.01.08.
    """
    return None if number[:2] in test_provinces else int(number[:4])


def _issued_elsewhere(number: str, village: RegionPath | None, test_provinces: frozenset[str]) -> bool:
    regency = regency_of_issue(number, test_provinces)
    return village is not None and regency is not None and regency != village.ancestor(RegionLevel.REGENCY).id


def check_nik(
    number: str,
    *,
    sex: Sex | None = None,
    birth_date: date | None = None,
    village: RegionPath | None = None,
    today: date,
    test_provinces: frozenset[str],
) -> NikVerdict:
    """Judge a NIK by itself, and against what is declared of its holder where that is given.

    A wrong form, a province that does not exist, a segment 00, an impossible date and serial 0000 are errors. Whatever
    differs from the declared sex, birth date or domicile is a warning only: a NIK is never issued anew, neither on
    moving nor to mend its date. A regency that does not exist (any more) differs from every domicile, so it is the
    same warning.

    Args:
        number: 16 digits; blanks, dots and hyphens between them are ignored.
        sex: the declared sex.
        birth_date: the declared birth date.
        village: the village of domicile.
        today: decides the century of the two-digit year.
        test_provinces: province prefixes of synthetic persons that are accepted besides the 38.
    """
    digits = stdnum_nik.compact(number)
    if _SIXTEEN_DIGITS.fullmatch(digits) is None:
        return NikVerdict(digits, (NIK_NOT_16_DIGITS,))
    shown = shown_date(digits[6:12])
    errors = nik_region_errors(digits, test_provinces) + _found(
        (NIK_DATE_IMPOSSIBLE, shown is None), (NIK_SERIAL_ZERO, not is_serial(digits[12:]))
    )
    if shown is None:
        return NikVerdict(digits, errors)
    shown_birth_date = shown.beside(birth_date, today)
    warnings = _found(
        (NIK_SEX_DIFFERS, sex is not None and sex is not shown.sex),
        (NIK_BIRTH_DATE_DIFFERS, birth_date is not None and birth_date != shown_birth_date),
        (NIK_ISSUED_ELSEWHERE, _issued_elsewhere(digits, village, test_provinces)),
    )
    return NikVerdict(digits, errors, warnings, shown.sex, shown_birth_date)


def check_kk(number: str, *, village: RegionPath | None = None, test_provinces: frozenset[str]) -> KkVerdict:
    """Judge a KK number.

    Only its length is an error: what its segments mean rests on practice, not on a text that could be cited.

    Args:
        number: 16 digits; blanks, dots and hyphens between them are ignored.
        village: the village of domicile; a KK is issued anew on moving, so another regency is worth a warning.
        test_provinces: province prefixes of synthetic families that are accepted besides the 38.
    """
    digits = stdnum_nik.compact(number)
    if _SIXTEEN_DIGITS.fullmatch(digits) is None:
        return KkVerdict(digits, (KK_NOT_16_DIGITS,))
    province_known = is_province(digits, test_provinces)
    warnings = _found(
        (KK_PROVINCE_UNKNOWN, not province_known),
        (KK_ISSUED_ELSEWHERE, province_known and _issued_elsewhere(digits, village, test_provinces)),
        (KK_DATE_IMPOSSIBLE, not is_day_of_issue(digits[6:12])),
    )
    return KkVerdict(digits, (), warnings)


def _found(*findings: tuple[Finding, bool]) -> tuple[Finding, ...]:
    return tuple(finding for finding, present in findings if present)
