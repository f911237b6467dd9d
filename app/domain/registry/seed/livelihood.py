"""School, work and health of synthetic persons, by sex, age, marriage and wealth.

Shares are plausible choices that no source prints; what goes together (who can be pregnant, which school an age
attends, who works) is the questionnaire's logic (domain facts, section 3).
"""

from random import Random
from typing import Final

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
from app.domain.registry.seed.rows import Value, between, fragment, pick, seeded

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
_DIPLOMA_OF_YOUNG: Final = {
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
}
_DIPLOMA_OF_OLD: Final = {
    EducationLevel.NONE: (0.42, 0.08),
    EducationLevel.PRIMARY: (0.44, 0.30),
    EducationLevel.LOWER_SECONDARY: (0.09, 0.16),
    EducationLevel.UPPER_SECONDARY: (0.05, 0.28),
    EducationLevel.DIPLOMA_3: (0.0, 0.05),
    EducationLevel.BACHELOR: (0.0, 0.11),
    EducationLevel.MASTER: (0.0, 0.02),
}
_INDUSTRY: Final = {
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
_POSITION_IN_FARMING: Final = {
    WorkPosition.OWN_ACCOUNT: (0.22, 0.30),
    WorkPosition.ASSISTED_BY_UNPAID: (0.26, 0.36),
    WorkPosition.EMPLOYER: (0.01, 0.14),
    WorkPosition.CASUAL_AGRICULTURE: (0.34, 0.02),
    WorkPosition.UNPAID: (0.17, 0.10),
}
_POSITION_ELSEWHERE: Final = {
    WorkPosition.OWN_ACCOUNT: (0.28, 0.24),
    WorkPosition.ASSISTED_BY_UNPAID: (0.10, 0.08),
    WorkPosition.EMPLOYER: (0.01, 0.10),
    WorkPosition.EMPLOYEE: (0.30, 0.50),
    WorkPosition.CASUAL_OTHER: (0.24, 0.01),
    WorkPosition.UNPAID: (0.07, 0.05),
}
_POSITION_IN_PUBLIC: Final = {WorkPosition.CIVIL_SERVANT: (0.15, 0.75), WorkPosition.EMPLOYEE: (0.85, 0.25)}
_OWN_BUSINESS: Final = frozenset({WorkPosition.OWN_ACCOUNT, WorkPosition.ASSISTED_BY_UNPAID, WorkPosition.EMPLOYER})
_WAGE: Final = frozenset({WorkPosition.EMPLOYEE, WorkPosition.CIVIL_SERVANT})
_TURNOVER: Final = {band: (0.5**number, 0.2) for number, band in enumerate(TurnoverBand)}
_NUTRITION: Final = {
    Nutrition.WASTING: (0.09, 0.03),
    Nutrition.STUNTING: (0.26, 0.08),
    Nutrition.NO_RECORD: (0.50, 0.80),
    Nutrition.UNKNOWN: (0.15, 0.09),
}
_SEVERITY: Final = {Difficulty.SOME: 0.74, Difficulty.MUCH: 0.21, Difficulty.CANNOT: 0.05}
_CAREGIVER: Final = {Caregiver.FAMILY: 0.84, Caregiver.OUTSIDE_FAMILY: 0.04, Caregiver.NONE: 0.12}
_DEPRESSION: Final = {
    DepressionFrequency.NEVER: 0.955,
    DepressionFrequency.MONTHLY: 0.025,
    DepressionFrequency.WEEKLY: 0.012,
    DepressionFrequency.DAILY: 0.008,
}
_DISEASE: Final = {
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
_INSURANCE: Final = {
    HealthInsurance.PBI_JK: (0.66, 0.02),
    HealthInsurance.PBI_REGIONAL: (0.14, 0.06),
    HealthInsurance.INDEPENDENT: (0.03, 0.34),
    HealthInsurance.NONE: (0.17, 0.20),
    HealthInsurance.WAGE_EARNER: (0.0, 0.38),
}


def age_group(age: int) -> int:
    """The first age in years of the people who are alike in school, work and health: single years to 24, then five."""
    return age if age < 25 else age // 5 * 5


def livelihood_profiles(sex: Sex, group: int, fifth: int, *run: object, married: bool) -> list[str]:
    """COPY text of ``LIVELIHOOD_COLUMNS`` for ``PROFILES`` people of an ``age_group`` and a fifth of wealth (0 to 4)."""
    random, wealth = seeded("livelihood", sex.value, group, married, fifth, *run), fifth / 4
    return [
        fragment(
            LIVELIHOOD_COLUMNS,
            _school(random, group, wealth)
            | _work(random, sex, group, wealth)
            | _health(random, sex, group, wealth, married),
        )
        for _ in range(PROFILES)
    ]


def _school(random: Random, age: int, wealth: float) -> dict[str, Value]:
    for level, first, last, (poorest, richest) in _SCHOOLS:
        if not first <= age <= last:
            continue
        if random.random() < poorest + (richest - poorest) * wealth:
            grade = None if level is EducationLevel.EARLY_CHILDHOOD else age - first + 1
            return {
                "school_participation": SchoolParticipation.ATTENDING,
                "education_level": level,
                "school_grade": grade,
                "highest_diploma": _BEFORE[level],
            }
        before = _BEFORE[level]
        participation = SchoolParticipation.NEVER if before is EducationLevel.NONE else SchoolParticipation.LEFT
        return {"school_participation": participation, "education_level": before, "highest_diploma": before}
    if age < 4:
        return {"school_participation": SchoolParticipation.NEVER}
    diploma = pick(random, between(_DIPLOMA_OF_OLD if age >= 55 else _DIPLOMA_OF_YOUNG, wealth))
    never = diploma is EducationLevel.NONE and random.random() < 0.5
    return {
        "school_participation": SchoolParticipation.NEVER if never else SchoolParticipation.LEFT,
        "education_level": diploma,
        "highest_diploma": diploma,
    }


def _works(random: Random, sex: Sex, age: int) -> bool:
    if age < 15:
        return False
    prime = 0.92 if sex is Sex.MALE else 0.54
    share = prime * (0.35 if age < 20 else 0.8 if age < 25 else 1.0 if age < 60 else 0.6 if age < 75 else 0.18)
    return random.random() < share


def _work(random: Random, sex: Sex, age: int, wealth: float) -> dict[str, Value]:
    if age < 5:
        return {}
    if not _works(random, sex, age):
        return {"working": False, "own_business": False, "has_tax_number": random.random() < 0.08 * wealth}
    industry = pick(random, between(_INDUSTRY, wealth))
    positions = (
        _POSITION_IN_FARMING
        if industry in _FARMING
        else _POSITION_IN_PUBLIC
        if industry in _PUBLIC
        else _POSITION_ELSEWHERE
    )
    position = pick(random, between(positions, wealth))
    values: dict[str, Value] = {
        "working": True,
        "work_hours_per_week": min(max(round(random.gauss(41, 11)), 4), 84),
        "industry": industry,
        "work_position": position,
        "has_tax_number": random.random() < 0.04 + 0.66 * wealth,
        "own_business": position in _OWN_BUSINESS,
        "employment_insured": position in _WAGE and random.random() < 0.2 + 0.7 * wealth,
    }
    if position in _OWN_BUSINESS:
        values["turnover_band"] = pick(random, between(_TURNOVER, wealth))
    return values


def _health(random: Random, sex: Sex, age: int, wealth: float, married: bool) -> dict[str, Value]:
    values: dict[str, Value] = {"health_insurance": pick(random, between(_INSURANCE, wealth))}
    if sex is Sex.FEMALE and 15 <= age <= 49:
        values["pregnant"] = married and random.random() < (0.07 if age < 38 else 0.015)
    if age < 5:
        values["nutrition"] = pick(random, between(_NUTRITION, wealth))
    sick = 0.008 + max(0, age - 30) * 0.0052
    values["chronic_disease"] = pick(random, _DISEASE) if random.random() < sick else ChronicDisease.NONE
    if age >= 2:
        values |= _difficulties(random, age)
    if age >= 10:
        values["depression"] = pick(random, _DEPRESSION)
    return values


def _difficulties(random: Random, age: int) -> dict[str, Value]:
    share = 0.004 + (max(0, age - 45) / 50) ** 2 * 0.22
    found: dict[str, Value] = {f"difficulty_{function}": Difficulty.NONE for function in DIFFICULTIES}
    for column in found:
        if random.random() < share:
            found[column] = pick(random, _SEVERITY)
    if any(degree in {Difficulty.MUCH, Difficulty.CANNOT} for degree in found.values()):
        found["caregiver"] = pick(random, _CAREGIVER)
    return found
