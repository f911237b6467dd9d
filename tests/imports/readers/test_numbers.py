"""The fast look-ups of a reader and the rules of ``nik`` are one."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from app.domain.registry.enums import Sex
from app.domain.registry.imports.numbers import KkDates, KkPrefixes, PlainNiks, staged_kk, staged_nik
from app.domain.registry.nik import PROVINCES, check_kk, check_nik
from tests.imports.readers.staged import TODAY, csv_of, home, kesos, reading_of, staged

READING = reading_of()
TEST_PROVINCES = READING.test_provinces
NUMBERS = st.one_of(
    st.from_regex(r"[0-9]{16}", fullmatch=True),
    st.builds(
        "{}{:02}{:02}{:02}{:02}{:02}{:04}".format,
        st.sampled_from([*sorted(PROVINCES), "99", "20"]),
        st.integers(0, 99),
        st.integers(0, 99),
        st.integers(0, 75),
        st.integers(0, 13),
        st.integers(0, 99),
        st.integers(0, 9999),
    ),
)
_NIKS = PlainNiks(READING)
_KK_PREFIXES, _KK_DATES = KkPrefixes(READING), KkDates()


@given(NUMBERS, st.dates(date(1900, 1, 1), TODAY))
def test_a_nik_is_accepted_by_the_look_ups_exactly_when_the_rules_accept_it(number: str, declared: date) -> None:
    verdict = check_nik(number, birth_date=declared, today=TODAY, test_provinces=TEST_PROVINCES)
    shown = _NIKS.shown(number, declared.isoformat())
    assert (shown is not None) == (not verdict.errors)
    if shown is not None:
        assert verdict.birth_date is not None
        assert verdict.sex is not None
        regency = r"\N" if number[:2] in TEST_PROVINCES else number[:4]
        assert shown.split("\t") == [verdict.birth_date.isoformat(), verdict.sex.value, regency]


@given(st.text("0123456789 .\u0660", max_size=17))
def test_what_is_not_sixteen_digits_is_looked_at(cell: str) -> None:
    assert _NIKS.shown(cell, "1990-01-01") is None or (len(cell) == 16 and cell.isascii() and cell.isdecimal())


@given(NUMBERS)
def test_a_kk_is_without_doubt_by_the_look_ups_exactly_when_the_rules_have_none(number: str) -> None:
    verdict = check_kk(number, test_provinces=TEST_PROVINCES)
    assert (_KK_PREFIXES[number[:4]] is not None and _KK_DATES[number[6:12]]) == (not verdict.warnings)
    assert staged_kk(number, READING).warnings == verdict.warnings


@given(st.dates(date(1900, 1, 1), TODAY), st.dates(date(1900, 1, 1), TODAY), st.sampled_from(Sex))
def test_the_birth_date_beside_the_declared_one_is_the_same_on_both_ways(shown: date, declared: date, sex: Sex) -> None:
    day = shown.day + (40 if sex is Sex.FEMALE else 0)
    nik = f"330201{day:02}{shown:%m%y}0001"
    cells = {
        "kk": home(1)["kk"],
        "relationship": "HEAD",
        "name": "BUDI",
        "sex": sex.value,
        "birth_date": declared.isoformat(),
    }
    (fast,) = staged(kesos([home(1)], [{**cells, "nik": nik}])).persons
    # A blank within the number takes the row off the fast way.
    (careful,) = staged(kesos([home(1)], [{**cells, "nik": f"{nik[:6]} {nik[6:]}"}])).persons
    verdict = staged_nik(nik, declared, READING)
    assert verdict.birth_date is not None
    assert fast["nik_birth_date"] == careful["nik_birth_date"] == verdict.birth_date.isoformat()
    assert fast["nik_sex"] == careful["nik_sex"] == sex.value
    assert fast["nik_regency"] == careful["nik_regency"] == "3302"


def test_a_csv_of_tests_is_what_it_says() -> None:
    assert csv_of([{"a": "1"}]) == "a\r\n1\r\n"
