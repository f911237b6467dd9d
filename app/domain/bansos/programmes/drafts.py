"""Terms before they are kept: what they say, whether that can be, and the rows that they become."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple, TypeAlias

import sqlalchemy as sa

from app.domain.bansos.models.programmes import benefit_component, benefit_index, eligibility_rule, programme_terms
from app.domain.bansos.programmes.errors import TermsInvalid
from app.domain.bansos.programmes.periods import LENGTHS, YEARS, begins_period
from app.domain.bansos.terms import Component, Rule
from app.domain.base import DomainError

Row = dict[str, Any]
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
_MONTHS: Final = 12
MOST_RULES: Final = 50
MOST_COMPONENTS: Final = 30
_MOST_RUPIAH: Final = 1_000_000_000
"""Of a family or person and year: more is a typing error."""
_LONGEST_CONDITION: Final = 2_000
_LONGEST_TEXT: Final = 300
_MOST_COUNTED: Final = 100
_MOST_DAYS: Final = 3_650
_MOST_OF_A_CYCLE: Final = 2**53 - 1


class ComponentDraft(NamedTuple):
    """What a person is to add to the amount of a family."""

    component: str
    name: str
    name_english: str
    condition: str
    most_per_family: int | None
    amounts: Mapping[int, int]
    """Rupiah a person and year, by the year from which it counts."""

    @property
    def of_period(self) -> Component:
        """It as terms have it, but for its amount."""
        return Component(*self[:-1], amount=0)


@dataclass(frozen=True, slots=True)
class Draft:
    """Terms that somebody wants to be in force from ``valid_from``; the fields are those of ``app.domain.bansos.terms.Terms``."""

    valid_from: date
    period_months: int
    legal_basis_id: str | None = None
    amount: int | None = None
    most_persons: int | None = None
    second_approval_above: int | None = None
    idle_days: int | None = None
    rules: tuple[Rule, ...] = ()
    components: tuple[ComponentDraft, ...] = ()

    @property
    def columns(self) -> Row:
        """The columns of ``programme_terms`` that say what the terms are."""
        return {column.name: getattr(self, column.name) for column in programme_terms.c if hasattr(self, column.name)}

    def rows(self, code: str, version: int) -> dict[sa.Table, list[Row]]:
        """What belongs to the terms ``version`` of the programme ``code``, tables in the order in which they are filled."""
        key = {"programme_code": code, "version": version}
        components = [each._asdict() for each in self.components]
        return {
            eligibility_rule: [key | rule._asdict() for rule in self.rules],
            benefit_component: [
                key | {name: value for name, value in each.items() if name != "amounts"} for each in components
            ],
            benefit_index: [
                key | {"component": each.component, "year": year, "amount": amount}
                for each in self.components
                for year, amount in sorted(each.amounts.items())
            ],
        }


Check: TypeAlias = Callable[[Iterable[Rule], Iterable[Component]], None]
"""How conditions and sentences are checked: ``app.domain.bansos.eligibility.checks.check_terms``, which lies above this module."""


class _Flaw(Exception):
    def __init__(self, indonesian: str, english: str) -> None:
        self.indonesian, self.english = indonesian, english


@contextmanager
def _at(place: str) -> Iterator[None]:
    try:
        yield
    except _Flaw as flaw:
        raise TermsInvalid(place, flaw.indonesian, flaw.english) from None
    except DomainError as error:
        raise TermsInvalid(place, error.indonesian, error.english) from error


def check_draft(draft: Draft, check: Check | None = None) -> None:
    """Make sure that ``draft`` can be terms; conditions are looked at where ``check`` is given.

    Raises:
        TermsInvalid: it cannot; ``fields`` name the place, such as ``rules.0.condition``.
    """
    with _at("period_months"):
        if draft.period_months not in LENGTHS:
            lengths = ", ".join(map(str, LENGTHS))
            raise _Flaw(f"panjang masa harus salah satu dari {lengths} bulan", f"a period has {lengths} months")
    with _at("valid_from"):
        if draft.valid_from.year not in YEARS or not begins_period(draft.valid_from, draft.period_months):
            raise _Flaw(
                f"harus hari pertama suatu masa {draft.period_months} bulan, dihitung dari 1 Januari",
                f"must be the first day of a period of {draft.period_months} month(s), counted from 1 January",
            )
    with _at("amount"):
        if (draft.amount is None) == (not draft.components):
            raise _Flaw(
                "isi jumlah per keluarga atau komponen, salah satu saja",
                "give an amount a family or components, one of both",
            )
        _between(draft.amount, 1, _MOST_RUPIAH)
    with _at("most_persons"):
        if draft.most_persons is not None and not draft.components:
            raise _Flaw("hanya untuk program dengan komponen", "is for programmes with components alone")
        _between(draft.most_persons, 1, _MOST_COUNTED)
    with _at("second_approval_above"):
        _between(draft.second_approval_above, 0, _MOST_OF_A_CYCLE)
    with _at("idle_days"):
        _between(draft.idle_days, 1, _MOST_DAYS)
    _check_rules(draft.rules, check)
    _check_components(draft, check)


def _check_rules(rules: tuple[Rule, ...], check: Check | None) -> None:
    with _at("rules"):
        _few(len(rules), MOST_RULES)
    codes, numbers = set[str](), set[int]()
    for place, rule in enumerate(rules):
        with _at(f"rules.{place}.code"):
            _new(rule.code, codes)
        with _at(f"rules.{place}.number"):
            if rule.number in numbers:
                raise _Flaw("nomor ini sudah dipakai aturan lain", "another rule has this number")
            _between(rule.number, 1, 32_767)
        numbers.add(rule.number)
        with _at(f"rules.{place}.condition"):
            _text(rule.condition, _LONGEST_CONDITION)
        for name in ("met", "met_english", "unmet", "unmet_english"):
            with _at(f"rules.{place}.{name}"):
                _text(getattr(rule, name), _LONGEST_TEXT)
        if check is not None:
            with _at(f"rules.{place}.condition"):
                check([rule], [])


def _check_components(draft: Draft, check: Check | None) -> None:
    with _at("components"):
        _few(len(draft.components), MOST_COMPONENTS)
    codes = set[str]()
    for place, each in enumerate(draft.components):
        with _at(f"components.{place}.component"):
            _new(each.component, codes)
        with _at(f"components.{place}.condition"):
            _text(each.condition, _LONGEST_CONDITION)
            if check is not None:
                check([], [each.of_period])
        for name in ("name", "name_english"):
            with _at(f"components.{place}.{name}"):
                _text(getattr(each, name), _LONGEST_TEXT)
        with _at(f"components.{place}.most_per_family"):
            _between(each.most_per_family, 1, _MOST_COUNTED)
        with _at(f"components.{place}.amounts"):
            _check_amounts(each.amounts, draft)


def _check_amounts(amounts: Mapping[int, int], draft: Draft) -> None:
    first_year = draft.valid_from.year
    if not amounts or min(amounts) > first_year:
        raise _Flaw(
            f"beri jumlah untuk tahun {first_year} atau sebelumnya, karena ketentuan berlaku sejak tahun itu",
            f"give an amount for {first_year} or an earlier year, for the terms begin then",
        )
    for year, amount in amounts.items():
        _between(year, YEARS.start, YEARS.stop - 1)
        _between(amount, 1, _MOST_RUPIAH)
        if amount * draft.period_months % _MONTHS:
            raise _Flaw(
                "bagian satu masa dari jumlah setahun harus rupiah bulat",
                "the share of a period in the amount of a year must be whole rupiah",
            )


def _between(value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise _Flaw(f"harus {least} sampai {most}", f"must be {least} to {most}")


def _few(count: int, most: int) -> None:
    if count > most:
        raise _Flaw(f"paling banyak {most}", f"at most {most}")


def _new(code: str, codes: set[str]) -> None:
    if _CODE.fullmatch(code) is None:
        raise _Flaw(
            "kode terdiri atas 2 sampai 40 huruf besar, angka dan garis bawah",
            "a code is 2 to 40 capital letters, digits and underscores",
        )
    if code in codes:
        raise _Flaw(f"{code} ada lebih dari sekali", f"{code} is there more than once")
    codes.add(code)


def _text(text: str, longest: int) -> None:
    # PostgreSQL holds no NUL and UTF-8 no lone surrogate; neither is printable.
    if not text.strip() or len(text) > longest or not text.replace("\n", " ").isprintable():
        raise _Flaw(f"harus berisi 1 sampai {longest} huruf", f"must have 1 to {longest} characters")
