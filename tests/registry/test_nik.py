from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.registry.enums import Sex
from app.domain.registry.nik import PROVINCES, Finding, NikVerdict, check_kk, check_nik
from app.tenants.region_path import RegionPath
from tests.registry.opensid_files import nik_of

TODAY = date(2026, 11, 21)
BANYUMAS_VILLAGE = RegionPath.parse("33.02.01.2001")
NO_TEST_PROVINCES: frozenset[str] = frozenset()


def verdict_of(number: str, **declared: object) -> NikVerdict:
    return check_nik(number, today=TODAY, test_provinces=NO_TEST_PROVINCES, **declared)  # type: ignore[arg-type]


def codes(findings: Sequence[Finding]) -> list[str]:
    return [finding.code for finding in findings]


@given(
    province=st.sampled_from(sorted(PROVINCES)),
    segments=st.tuples(st.integers(1, 99), st.integers(1, 99)),
    birth_date=st.dates(date(1927, 1, 1), TODAY),
    sex=st.sampled_from(Sex),
    serial=st.integers(1, 9999),
)
def test_every_number_made_by_the_rules_is_accepted_and_read_back(
    province: str, segments: tuple[int, int], birth_date: date, sex: Sex, serial: int
) -> None:
    number = nik_of(f"{province}{segments[0]:02}{segments[1]:02}", birth_date, sex, serial)
    verdict = verdict_of(number, sex=sex, birth_date=birth_date)
    assert verdict == NikVerdict(number, (), (), sex, birth_date)
    assert verdict_of(number).birth_date == birth_date


@given(st.text())
def test_any_text_gets_a_verdict(text: str) -> None:
    assert verdict_of(text).errors
    assert check_kk(text, test_provinces=NO_TEST_PROVINCES).errors


@pytest.mark.parametrize(
    ("number", "error"),
    [
        ("330201010290000", "NIK_NOT_16_DIGITS"),
        ("33020101029000011", "NIK_NOT_16_DIGITS"),
        ("330201010290000A", "NIK_NOT_16_DIGITS"),
        ("\u0663302010102900001", "NIK_NOT_16_DIGITS"),  # an Arabic digit
        ("3302010102900001\x00", "NIK_NOT_16_DIGITS"),
        ("", "NIK_NOT_16_DIGITS"),
        ("2002010102900001", "NIK_PROVINCE_UNKNOWN"),
        ("9902010102900001", "NIK_PROVINCE_UNKNOWN"),
        ("3300010102900001", "NIK_REGION_ZERO"),
        ("3302000102900001", "NIK_REGION_ZERO"),
        ("3302013002900001", "NIK_DATE_IMPOSSIBLE"),  # 30 February
        ("3302017002900001", "NIK_DATE_IMPOSSIBLE"),  # 30 February of a woman
        ("3302010013900001", "NIK_DATE_IMPOSSIBLE"),
        ("3302010001900001", "NIK_DATE_IMPOSSIBLE"),
        ("3302013201900001", "NIK_DATE_IMPOSSIBLE"),
        ("3302014001900001", "NIK_DATE_IMPOSSIBLE"),
        ("3302017201900001", "NIK_DATE_IMPOSSIBLE"),
        ("3302018101900001", "NIK_DATE_IMPOSSIBLE"),  # python-stdnum takes 81 for 1
        ("3302012902990001", "NIK_DATE_IMPOSSIBLE"),  # 1999 was no leap year
        ("3302010102900000", "NIK_SERIAL_ZERO"),
    ],
)
def test_what_no_nik_can_be_is_an_error(number: str, error: str) -> None:
    assert codes(verdict_of(number).errors) == [error]


@pytest.mark.parametrize(
    "number",
    [
        "3302010102900001",
        "33.02.01.010290.0001",
        "3302 0101 0290 0001",
        "6501010102900001",  # Kalimantan Utara, unknown to python-stdnum
        "9201010102900001",
        "9601010102900001",  # Papua Barat Daya, since 2022
        "3399990102900001",  # a regency that does not exist (any more)
        "3302017112900001",  # a woman born on the 31st
        "3302012902000001",  # 29 February 2000
    ],
)
def test_what_a_nik_may_be_is_accepted(number: str) -> None:
    assert verdict_of(number).errors == ()


def test_all_errors_are_told_at_once() -> None:
    assert codes(verdict_of("2000003002900000").errors) == [
        "NIK_PROVINCE_UNKNOWN",
        "NIK_REGION_ZERO",
        "NIK_DATE_IMPOSSIBLE",
        "NIK_SERIAL_ZERO",
    ]


def test_a_test_province_is_accepted_only_where_it_is_named() -> None:
    accepted = check_nik("9902010102900001", village=BANYUMAS_VILLAGE, today=TODAY, test_provinces=frozenset({"99"}))
    assert (accepted.errors, accepted.warnings) == ((), ())
    assert codes(verdict_of("9902010102900001").errors) == ["NIK_PROVINCE_UNKNOWN"]


def test_sex_and_birth_date_that_differ_are_warnings() -> None:
    number = nik_of("330201", date(1990, 2, 1), Sex.FEMALE, 1)
    assert verdict_of(number, sex=Sex.FEMALE, birth_date=date(1990, 2, 1)).warnings == ()
    differing = verdict_of(number, sex=Sex.MALE, birth_date=date(1990, 2, 2))
    assert differing.errors == ()
    assert codes(differing.warnings) == ["NIK_SEX_DIFFERS", "NIK_BIRTH_DATE_DIFFERS"]


def test_a_prefix_of_another_regency_is_a_warning_and_one_of_another_district_is_none() -> None:
    assert verdict_of("3302270102900001", village=BANYUMAS_VILLAGE).warnings == ()
    assert codes(verdict_of("3301010102900001", village=BANYUMAS_VILLAGE).warnings) == ["NIK_ISSUED_ELSEWHERE"]
    assert codes(verdict_of("3399010102900001", village=BANYUMAS_VILLAGE).warnings) == ["NIK_ISSUED_ELSEWHERE"]


@pytest.mark.parametrize(
    ("number", "born"),
    [
        ("3302012111260001", date(2026, 11, 21)),
        ("3302012211260001", date(1926, 11, 22)),  # that day of 2026 has not come yet
        ("3302010101000001", date(2000, 1, 1)),
        ("3302013112990001", date(1999, 12, 31)),
    ],
)
def test_the_century_is_the_latest_that_has_come(number: str, born: date) -> None:
    assert verdict_of(number).birth_date == born


def test_a_declared_birth_date_decides_the_century() -> None:
    verdict = verdict_of("3302010101200001", birth_date=date(1920, 1, 1))
    assert (verdict.warnings, verdict.birth_date) == ((), date(1920, 1, 1))


def test_a_kk_of_the_wrong_length_is_an_error_and_nothing_else_is() -> None:
    def kk(number: str) -> tuple[list[str], list[str]]:
        verdict = check_kk(number, village=BANYUMAS_VILLAGE, test_provinces=frozenset({"99"}))
        return codes(verdict.errors), codes(verdict.warnings)

    assert kk("3302011708170001") == ([], [])
    assert kk("9902011708170001") == ([], [])
    assert kk("330201170817000") == (["KK_NOT_16_DIGITS"], [])
    assert kk("3302019912000001") == ([], ["KK_DATE_IMPOSSIBLE"])
    assert kk("3302015708170001") == ([], ["KK_DATE_IMPOSSIBLE"])  # no 40 is added to a day of issue
    assert kk("3301011708170001") == ([], ["KK_ISSUED_ELSEWHERE"])
    assert kk("0330201200100001") == ([], ["KK_PROVINCE_UNKNOWN", "KK_DATE_IMPOSSIBLE"])


def test_no_text_and_no_repr_tells_the_number() -> None:
    number = "2000003002900000"
    verdict = verdict_of(number)
    assert number not in repr(verdict)
    assert all(number not in finding.indonesian + finding.english for finding in verdict.errors)
