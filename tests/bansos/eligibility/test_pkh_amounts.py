"""What PKH pays, worked out by hand: domain facts, section 4. A stage is a quarter of the year's amount.

A year and person: pregnant 3,000,000; child under six 3,000,000; SD 900,000; SMP 1,500,000; SMA 2,000,000; severe disability 2,400,000;
elderly (70 and older since 2022) 2,400,000. At most 2 pregnant, 2 children under six, 1 disabled, 1 elderly; at most 4 persons a family.
"""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from app.domain.bansos.models.programmes import Benefit
from app.domain.bansos.programmes.files import shipped_programmes
from app.domain.bansos.programmes.periods import last_day
from app.domain.bansos.terms import Component, Terms
from app.domain.registry.enums import Difficulty, EducationLevel, Presence, SchoolParticipation
from app.tenants.region_path import Span
from tests.bansos.eligibility.households import ON, Columns, Household, Registry, born, head, household, member, pupil

SD, SMP, SMA = EducationLevel.PRIMARY, EducationLevel.LOWER_SECONDARY, EducationLevel.UPPER_SECONDARY


def pkh(version: int = 2, period_start: date = ON) -> Terms:
    """The terms of PKH as they ship."""
    (file,) = (each for each in shipped_programmes() if each.code == "PKH")
    (entry,) = (each for each in file.terms if each.version == version)
    draft = file.draft(entry)
    components = tuple(
        Component(
            each.component, each.name, each.name_english, each.condition, each.most_per_family,
            each.amounts[2021] * draft.period_months // 12,
        )
        for each in draft.components
    )  # fmt: skip
    return Terms(
        programme_code="PKH",
        version=version,
        name=file.name,
        name_english=file.name_english,
        benefit=Benefit.CASH,
        villages=Span(0, 9_999_999_999),
        period_start=period_start,
        period_end=last_day(period_start, draft.period_months),
        months=draft.period_months,
        amount=draft.amount,
        most_persons=draft.most_persons,
        second_approval_above=draft.second_approval_above,
        idle_days=draft.idle_days,
        rules=draft.rules,
        components=components,
    )


def pregnant(age: int = 28) -> Columns:
    return member(age, pregnant=True)


def disabled(age: int = 35) -> Columns:
    return member(age, difficulty_walking=Difficulty.CANNOT)


WORKED: list[tuple[str, Household, int | None, dict[str, int]]] = [
    # 3,000,000 / 4
    ("one pregnant woman", household(head(), pregnant()), 750_000, {"IBU_HAMIL_NIFAS": 1}),
    # 3,000,000 / 4
    ("one small child", household(head(), member(3)), 750_000, {"ANAK_USIA_DINI": 1}),
    # 900,000 / 4
    ("one child at SD", household(head(), pupil(9, SD)), 225_000, {"SD": 1}),
    # 1,500,000 / 4
    ("one child at SMP", household(head(), pupil(13, SMP)), 375_000, {"SMP": 1}),
    # 2,000,000 / 4
    ("one child at SMA", household(head(), pupil(17, SMA)), 500_000, {"SMA": 1}),
    # 2,400,000 / 4: the head himself is 72
    ("somebody elderly", household(head(72)), 600_000, {"LANJUT_USIA": 1}),
    # 2,400,000 / 4
    ("somebody disabled", household(head(), disabled()), 600_000, {"DISABILITAS_BERAT": 1}),
    # 225,000 + 375,000 + 500,000
    (
        "one at each school",
        household(head(), pupil(8, SD), pupil(13, SMP), pupil(16, SMA)),
        1_100_000,
        {"SD": 1, "SMP": 1, "SMA": 1},
    ),
    # At most 2 children under six: 2 x 750,000, nothing for the third
    ("three small children", household(head(), member(1), member(3), member(5)), 1_500_000, {"ANAK_USIA_DINI": 2}),
    # At most 2 pregnant: 2 x 750,000
    (
        "three pregnant",
        household(head(), pregnant(), pregnant(22), pregnant(33)),
        1_500_000,
        {"IBU_HAMIL_NIFAS": 2},
    ),
    # 1 elderly of two: 600,000
    ("two elderly", household(head(75), member(71)), 600_000, {"LANJUT_USIA": 1}),
    # 1 disabled of two: 600,000
    ("two disabled", household(head(), disabled(), disabled(20)), 600_000, {"DISABILITAS_BERAT": 1}),
    # Five persons count, four are paid: 750,000 + 750,000 + 600,000 + 500,000, and the 375,000 of SMP is left out
    (
        "five in five components",
        household(head(71), pregnant(), member(2), pupil(16, SMA), pupil(13, SMP)),
        2_600_000,
        {"IBU_HAMIL_NIFAS": 1, "ANAK_USIA_DINI": 1, "LANJUT_USIA": 1, "SMA": 1},
    ),
    # Six at SD without a limit of their own, but four persons a family: 4 x 225,000
    ("six at SD", household(head(), *[pupil(7 + each, SD) for each in range(6)]), 900_000, {"SD": 4}),
    # The most that PKH pays: 2 x 750,000 + 2 x 750,000; elderly, disabled and SMA find the four places taken
    (
        "the most of all",
        household(head(80), pregnant(), pregnant(25), member(1), member(4), disabled(), pupil(17, SMA)),
        3_000_000,
        {"IBU_HAMIL_NIFAS": 2, "ANAK_USIA_DINI": 2},
    ),
    # Pregnant, at SMA, 17: counts once, for the more that it pays: 750,000, not 500,000 besides
    (
        "a pregnant pupil",
        household(head(), pupil(17, SMA, pregnant=True)),
        750_000,
        {"IBU_HAMIL_NIFAS": 1},
    ),
    # 74 and unable to walk: 600,000 once, as DISABILITAS_BERAT, whose code comes first; his wife of 70 takes the place of the elderly
    (
        "elderly and disabled",
        household(head(74, difficulty_walking=Difficulty.CANNOT), member(70)),
        1_200_000,
        {"DISABILITAS_BERAT": 1, "LANJUT_USIA": 1},
    ),
    # Six on the first day of the stage: no small child any more, and not yet at school
    ("a child of six", household(head(), member(None, birth_date=date(2020, 1, 1))), None, {}),
    # Six a day later: still a small child on the first day
    (
        "a child who is six tomorrow",
        household(head(), member(None, birth_date=date(2020, 1, 2))),
        750_000,
        {"ANAK_USIA_DINI": 1},
    ),
    # Has left school: 0
    (
        "out of school",
        household(head(), member(15, school_participation=SchoolParticipation.LEFT, education_level=SMP)),
        None,
        {},
    ),
    # 22 at SMA is beyond school age: 0; the sister of 21 counts
    ("beyond school age", household(head(), pupil(22, SMA), pupil(21, SMA)), 500_000, {"SMA": 1}),
    # Who has died or moved out counts no more: of 750,000 + 225,000 + 600,000 the 225,000 of the one who is there
    (
        "only those who live there",
        household(
            head(),
            pupil(9, SD),
            member(3, presence=Presence.DECEASED),
            member(75, presence=Presence.MOVED_WITHIN_COUNTRY),
        ),
        225_000,
        {"SD": 1},
    ),
    # A child born since counts as everybody: 750,000
    ("a new member", household(head(), member(0, presence=Presence.NEW_MEMBER)), 750_000, {"ANAK_USIA_DINI": 1}),
    # 69 since 2022: 0
    ("not yet elderly", household(head(69)), None, {}),
]


@pytest.mark.parametrize(("given", "amount", "paid"), [case[1:] for case in WORKED], ids=[case[0] for case in WORKED])
async def test_pkh_pays_what_was_worked_out_by_hand(
    registry: Registry, given: Household, amount: int | None, paid: dict[str, int]
) -> None:
    row = await registry.decide_one(pkh(), given)
    assert row.failed is None
    assert row.amount == amount
    assert Counter(each["component"] for each in row.components or []) == paid
    assert sum(each["amount"] for each in row.components or []) == (amount or 0)
    assert [each["amount"] for each in row.components or []] == sorted(
        (each["amount"] for each in row.components or []), reverse=True
    )


async def test_the_elderly_were_sixty_and_older_in_2021(registry: Registry) -> None:
    given = household(head(None, birth_date=born(64, date(2021, 1, 1))))
    ((family_id, _),) = await registry.register(given)
    # 2,400,000 / 4 by the terms of 2021; nothing by those of 2022, which begin at 70
    assert (await registry.decide(pkh(1, date(2021, 1, 1))))[family_id].amount == 600_000
    assert (await registry.decide(pkh(2, date(2022, 1, 1))))[family_id].amount is None


async def test_four_stages_add_up_to_the_amount_of_the_year(registry: Registry) -> None:
    given = household(head(), pupil(9, SD), pupil(13, SMP), pupil(16, SMA))
    ((family_id, _),) = await registry.register(given)
    stages = [(await registry.decide(pkh(2, date(2026, month, 1))))[family_id].amount for month in (1, 4, 7, 10)]
    # 900,000 + 1,500,000 + 2,000,000
    assert sum(stages) == 4_400_000


REFUSED: list[tuple[str, Household, str]] = [
    ("an unranked family", household(head(), pregnant(), decile=None), "DECILE_UNKNOWN"),
    ("a family of decile 5", household(head(), pregnant(), decile=5), "DECILE_TOO_HIGH"),
    ("a head who is not matched", household(head(identity_status="UNMATCHED"), pregnant()), "HEAD_NOT_MATCHED"),
    ("no head who lives there", household(head(presence=Presence.DECEASED), pregnant()), "HEAD_NOT_MATCHED"),
    ("a civil servant", household(head(work_position="CIVIL_SERVANT"), pregnant()), "CIVIL_SERVANT"),
]


@pytest.mark.parametrize(("given", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
async def test_the_first_rule_that_is_not_met_is_why(registry: Registry, given: Household, code: str) -> None:
    row: Any = await registry.decide_one(pkh(), given)
    assert row.failed == code
