"""School, work and health of synthetic persons, by sex, age, marriage and wealth.

Shares are plausible choices that no source prints; what goes together (who can be pregnant, which school an age
attends, who works) is the questionnaire's logic (domain facts, section 3).
"""

from random import Random
from typing import Final

from app.domain.base import Term
from app.domain.registry.copy_text import Value, fragment
from app.domain.registry.enums import (
    Caregiver,
    ChronicDisease,
    DepressionFrequency,
    Difficulty,
    EducationLevel,
    HealthInsurance,
    Industry,
    Nutrition,
    SchoolParticipation,
    Sex,
    TurnoverBand,
    WorkPosition,
)
from app.domain.registry.models import DIFFICULTIES, person
from app.domain.registry.seed.rows import Weighted, seeded

_NAMES: Final = person.c.keys()
LIVELIHOOD_COLUMNS: Final = (
    "pregnant",
    *_NAMES[_NAMES.index("school_participation") : _NAMES.index("employment_insured") + 1],
)
PROFILES: Final = 16

# Age in years at which a level begins and ends, and how many of that age attend it at the poorest and the richest.
_SCHOOLS: Final = (
    (EducationLevel.EARLY_CHILDHOOD, 4, 6, (0.36, 0.86)),
    (EducationLevel.PRIMARY, 7, 12, (0.985, 0.999)),
    (EducationLevel.LOWER_SECONDARY, 13, 15, (0.90, 0.99)),
    (EducationLevel.UPPER_SECONDARY, 16, 18, (0.58, 0.94)),
    (EducationLevel.BACHELOR, 19, 22, (0.06, 0.58)),
)
_BEFORE: Final = {
    EducationLevel.EARLY_CHILDHOOD: EducationLevel.NONE,
    EducationLevel.PRIMARY: EducationLevel.NONE,
    EducationLevel.LOWER_SECONDARY: EducationLevel.PRIMARY,
    EducationLevel.UPPER_SECONDARY: EducationLevel.LOWER_SECONDARY,
    EducationLevel.BACHELOR: EducationLevel.UPPER_SECONDARY,
}
_FARMING: Final = frozenset(
    {
        Industry.FOOD_CROPS,
        Industry.HORTICULTURE,
        Industry.ESTATE_CROPS,
        Industry.CAPTURE_FISHERY,
        Industry.AQUACULTURE,
        Industry.LIVESTOCK,
        Industry.FORESTRY,
    }
)
_PUBLIC: Final = frozenset({Industry.GOVERNMENT, Industry.EDUCATION, Industry.HEALTH})
_OWN_BUSINESS: Final = frozenset({WorkPosition.OWN_ACCOUNT, WorkPosition.ASSISTED_BY_UNPAID, WorkPosition.EMPLOYER})
_WAGE: Final = frozenset({WorkPosition.EMPLOYEE, WorkPosition.CIVIL_SERVANT})
_SEVERITY: Final = Weighted({Difficulty.SOME: 0.74, Difficulty.MUCH: 0.21, Difficulty.CANNOT: 0.05})
_CAREGIVER: Final = Weighted({Caregiver.FAMILY: 0.84, Caregiver.OUTSIDE_FAMILY: 0.04, Caregiver.NONE: 0.12})
_DEPRESSION: Final = Weighted(
    {
        DepressionFrequency.NEVER: 0.955,
        DepressionFrequency.MONTHLY: 0.025,
        DepressionFrequency.WEEKLY: 0.012,
        DepressionFrequency.DAILY: 0.008,
    }
)
_DISEASE: Final = Weighted(
    {
        ChronicDisease.HYPERTENSION: 34.0,
        ChronicDisease.RHEUMATISM: 16.0,
        ChronicDisease.DIABETES: 13.0,
        ChronicDisease.CHOLESTEROL: 9.0,
        ChronicDisease.ASTHMA: 8.0,
        ChronicDisease.HEART: 6.0,
        ChronicDisease.STROKE: 4.0,
        ChronicDisease.TUBERCULOSIS: 3.0,
        ChronicDisease.CANCER: 1.5,
        ChronicDisease.KIDNEY_FAILURE: 1.2,
        ChronicDisease.ALZHEIMER: 0.6,
        ChronicDisease.CIRRHOSIS: 0.4,
        ChronicDisease.HIV: 0.3,
        ChronicDisease.THALASSEMIA: 0.2,
        ChronicDisease.LEUKAEMIA: 0.1,
        ChronicDisease.HAEMOPHILIA: 0.1,
        ChronicDisease.OTHER: 2.6,
    }
)
# The weight of each answer for the poorest and for the richest fifth.
_ANSWERS: Final[dict[str, dict[Term, tuple[float, float]]]] = {
    "diploma_of_young": {
        EducationLevel.NONE: (0.02, 0.0),
        EducationLevel.PRIMARY: (0.30, 0.04),
        EducationLevel.LOWER_SECONDARY: (0.34, 0.10),
        EducationLevel.UPPER_SECONDARY: (0.32, 0.50),
        EducationLevel.DIPLOMA_1_2: (0.002, 0.01),
        EducationLevel.DIPLOMA_3: (0.006, 0.06),
        EducationLevel.BACHELOR: (0.01, 0.25),
        EducationLevel.MASTER: (0.0, 0.035),
        EducationLevel.DOCTORATE: (0.0, 0.003),
        EducationLevel.SPECIAL: (0.002, 0.002),
    },
    "diploma_of_old": {
        EducationLevel.NONE: (0.42, 0.08),
        EducationLevel.PRIMARY: (0.44, 0.30),
        EducationLevel.LOWER_SECONDARY: (0.09, 0.16),
        EducationLevel.UPPER_SECONDARY: (0.05, 0.28),
        EducationLevel.DIPLOMA_3: (0.0, 0.05),
        EducationLevel.BACHELOR: (0.0, 0.11),
        EducationLevel.MASTER: (0.0, 0.02),
    },
    "industry": {
        Industry.FOOD_CROPS: (0.34, 0.06),
        Industry.HORTICULTURE: (0.06, 0.02),
        Industry.ESTATE_CROPS: (0.05, 0.03),
        Industry.CAPTURE_FISHERY: (0.02, 0.01),
        Industry.AQUACULTURE: (0.01, 0.01),
        Industry.LIVESTOCK: (0.03, 0.01),
        Industry.FORESTRY: (0.02, 0.0),
        Industry.MINING: (0.01, 0.01),
        Industry.MANUFACTURING: (0.12, 0.14),
        Industry.ENERGY: (0.0, 0.01),
        Industry.WATER_WASTE: (0.01, 0.01),
        Industry.CONSTRUCTION: (0.12, 0.04),
        Industry.TRADE: (0.11, 0.23),
        Industry.TRANSPORT: (0.03, 0.05),
        Industry.LODGING_FOOD: (0.03, 0.06),
        Industry.INFORMATION: (0.0, 0.02),
        Industry.FINANCE: (0.0, 0.03),
        Industry.REAL_ESTATE: (0.0, 0.01),
        Industry.PROFESSIONAL: (0.0, 0.02),
        Industry.RENTAL_SERVICES: (0.01, 0.02),
        Industry.GOVERNMENT: (0.003, 0.08),
        Industry.EDUCATION: (0.007, 0.08),
        Industry.HEALTH: (0.002, 0.04),
        Industry.ARTS: (0.002, 0.005),
        Industry.OTHER_SERVICES: (0.01, 0.015),
        Industry.HOUSEHOLD_EMPLOYER: (0.026, 0.0),
    },
    "position_in_farming": {
        WorkPosition.OWN_ACCOUNT: (0.22, 0.30),
        WorkPosition.ASSISTED_BY_UNPAID: (0.26, 0.36),
        WorkPosition.EMPLOYER: (0.01, 0.14),
        WorkPosition.CASUAL_AGRICULTURE: (0.34, 0.02),
        WorkPosition.UNPAID: (0.17, 0.10),
    },
    "position_elsewhere": {
        WorkPosition.OWN_ACCOUNT: (0.28, 0.24),
        WorkPosition.ASSISTED_BY_UNPAID: (0.10, 0.08),
        WorkPosition.EMPLOYER: (0.01, 0.10),
        WorkPosition.EMPLOYEE: (0.30, 0.50),
        WorkPosition.CASUAL_OTHER: (0.24, 0.01),
        WorkPosition.UNPAID: (0.07, 0.05),
    },
    "position_in_public": {WorkPosition.CIVIL_SERVANT: (0.15, 0.75), WorkPosition.EMPLOYEE: (0.85, 0.25)},
    "turnover_band": {band: (0.5**number, 0.2) for number, band in enumerate(TurnoverBand)},
    "nutrition": {
        Nutrition.WASTING: (0.09, 0.03),
        Nutrition.STUNTING: (0.26, 0.08),
        Nutrition.NO_RECORD: (0.50, 0.80),
        Nutrition.UNKNOWN: (0.15, 0.09),
    },
    "health_insurance": {
        HealthInsurance.PBI_JK: (0.66, 0.02),
        HealthInsurance.PBI_REGIONAL: (0.14, 0.06),
        HealthInsurance.INDEPENDENT: (0.03, 0.34),
        HealthInsurance.NONE: (0.17, 0.20),
        HealthInsurance.WAGE_EARNER: (0.0, 0.38),
    },
}
_ANSWERS_OF_FIFTH: Final = tuple(
    {name: Weighted.between(ends, fifth / 4) for name, ends in _ANSWERS.items()} for fifth in range(5)
)


def age_group(age: int) -> int:
    """The first age in years of the people who are alike in school, work and health: single years to 24, then five."""
    return age if age < 25 else age // 5 * 5


def livelihood_profiles(sex: Sex, group: int, fifth: int, *run: object, married: bool) -> list[str]:
    """COPY text of ``LIVELIHOOD_COLUMNS`` for ``PROFILES`` people alike; the persons of a run draw from it.

    ``group`` is their ``age_group``, ``fifth`` their wealth from 0 to 4.
    """
    random = seeded("livelihood", sex.value, group, married, fifth, *run)
    return [
        fragment(
            LIVELIHOOD_COLUMNS,
            (school := _school(random, group, fifth))
            | _work(random, sex, group, fifth, school["school_participation"] is SchoolParticipation.ATTENDING)
            | _health(random, sex, group, fifth, married),
        )
        for _ in range(PROFILES)
    ]


def _school(random: Random, age: int, fifth: int) -> dict[str, Value]:
    for level, first, last, (poorest, richest) in _SCHOOLS:
        if not first <= age <= last:
            continue
        before = _BEFORE[level]
        if random.random() < poorest + (richest - poorest) * fifth / 4:
            return {
                "school_participation": SchoolParticipation.ATTENDING,
                "education_level": level,
                "school_grade": None if level is EducationLevel.EARLY_CHILDHOOD else age - first + 1,
                "highest_diploma": before,
            }
        participation = SchoolParticipation.NEVER if before is EducationLevel.NONE else SchoolParticipation.LEFT
        return {"school_participation": participation, "education_level": before, "highest_diploma": before}
    if age < 4:
        return {"school_participation": SchoolParticipation.NEVER}
    diploma = _ANSWERS_OF_FIFTH[fifth]["diploma_of_old" if age >= 55 else "diploma_of_young"].pick(random)
    never = diploma is EducationLevel.NONE and random.random() < 0.5
    return {
        "school_participation": SchoolParticipation.NEVER if never else SchoolParticipation.LEFT,
        "education_level": diploma,
        "highest_diploma": diploma,
    }


def _work(random: Random, sex: Sex, age: int, fifth: int, attending: bool) -> dict[str, Value]:
    if age < 5:
        return {}
    taxed = age >= 20 and random.random() < 0.04 + 0.16 * fifth
    if age < 15 or random.random() >= _share_that_works(sex, age, attending):
        return {"working": False, "own_business": False, "has_tax_number": taxed}
    answers = _ANSWERS_OF_FIFTH[fifth]
    industry = answers["industry"].pick(random)
    kind = "in_farming" if industry in _FARMING else "in_public" if industry in _PUBLIC else "elsewhere"
    position = answers[f"position_{kind}"].pick(random)
    return {
        "working": True,
        "work_hours_per_week": min(max(round(random.gauss(41, 11)), 4), 84),
        "industry": industry,
        "work_position": position,
        "has_tax_number": taxed,
        "own_business": position in _OWN_BUSINESS,
        "turnover_band": answers["turnover_band"].pick(random) if position in _OWN_BUSINESS else None,
        "employment_insured": position in _WAGE and random.random() < 0.2 + 0.17 * fifth,
    }


def _share_that_works(sex: Sex, age: int, attending: bool) -> float:
    prime = 0.92 if sex is Sex.MALE else 0.54
    if attending:
        return prime * 0.08
    return prime * (0.7 if age < 20 else 0.85 if age < 25 else 1.0 if age < 60 else 0.6 if age < 75 else 0.18)


def _health(random: Random, sex: Sex, age: int, fifth: int, married: bool) -> dict[str, Value]:
    answers = _ANSWERS_OF_FIFTH[fifth]
    values: dict[str, Value] = {"health_insurance": answers["health_insurance"].pick(random)}
    if sex is Sex.FEMALE and 15 <= age <= 49:
        values["pregnant"] = married and random.random() < (0.07 if age < 38 else 0.015)
    if age < 5:
        values["nutrition"] = answers["nutrition"].pick(random)
    sick = 0.008 + max(0, age - 30) * 0.0052
    values["chronic_disease"] = _DISEASE.pick(random) if random.random() < sick else ChronicDisease.NONE
    if age >= 2:
        values |= _difficulties(random, age)
    if age >= 10:
        values["depression"] = _DEPRESSION.pick(random)
    return values


def _difficulties(random: Random, age: int) -> dict[str, Value]:
    share = 0.004 + (max(0, age - 45) / 50) ** 2 * 0.22
    found: dict[str, Value] = {f"difficulty_{function}": Difficulty.NONE for function in DIFFICULTIES}
    for column in found:
        if random.random() < share:
            found[column] = _SEVERITY.pick(random)
    if any(degree in {Difficulty.MUCH, Difficulty.CANNOT} for degree in found.values()):
        found["caregiver"] = _CAREGIVER.pick(random)
    return found
