"""Houses, utilities, assets and aid received of synthetic families.

How a variable moves from the poorest to the richest decile is a plausible choice, after what the registry measures
(domain facts, section 3); no source prints these shares.
"""

from datetime import date
from random import Random
from typing import Final

from app.domain.base import Term
from app.domain.registry.copy_text import Value, fragment
from app.domain.registry.enums import (
    CookingFuel,
    DrinkingWater,
    Floor,
    HouseOwnership,
    LandTitle,
    Lighting,
    MeterPower,
    Roof,
    SewageDisposal,
    SewageDistance,
    Toilet,
    ToiletBowl,
    Wall,
)
from app.domain.registry.models import ASSETS, LIVESTOCK, PROGRAMMES_RECEIVED, family
from app.domain.registry.seed.rows import Weighted, seeded

_NAMES: Final = family.c.keys()
HOUSING_COLUMNS: Final = tuple(
    _NAMES[_NAMES.index("house_ownership") : _NAMES.index(f"last_{PROGRAMMES_RECEIVED[-1]}_on") + 1]
)

# The weight of each answer in the poorest and in the richest decile.
_ANSWERS: Final[dict[str, dict[Term, tuple[float, float]]]] = {
    "house_ownership": {
        HouseOwnership.OWNED: (0.82, 0.84),
        HouseOwnership.RENTED: (0.05, 0.10),
        HouseOwnership.RENT_FREE: (0.12, 0.03),
        HouseOwnership.OFFICIAL: (0.00, 0.02),
        HouseOwnership.OTHER: (0.01, 0.01),
    },
    "land_title": {
        LandTitle.CERTIFICATE_OF_MEMBER: (0.28, 0.74),
        LandTitle.CERTIFICATE_OF_OTHER_WITH_AGREEMENT: (0.06, 0.05),
        LandTitle.CERTIFICATE_OF_OTHER_WITHOUT_AGREEMENT: (0.12, 0.06),
        LandTitle.OTHER_CERTIFICATE: (0.06, 0.07),
        LandTitle.LETTER: (0.36, 0.07),
        LandTitle.NONE: (0.12, 0.01),
    },
    "floor": {
        Floor.EARTH: (0.24, 0.0),
        Floor.BAMBOO: (0.03, 0.0),
        Floor.CEMENT_BRICK: (0.40, 0.06),
        Floor.WOOD: (0.10, 0.02),
        Floor.TILE_TERRAZZO: (0.12, 0.10),
        Floor.CERAMIC: (0.10, 0.66),
        Floor.PARQUET_VINYL_CARPET: (0.0, 0.03),
        Floor.MARBLE_GRANITE: (0.0, 0.13),
        Floor.OTHER: (0.01, 0.0),
    },
    "wall": {
        Wall.MASONRY: (0.48, 0.96),
        Wall.PLASTERED_WOVEN_BAMBOO: (0.07, 0.01),
        Wall.WOOD_BOARD: (0.22, 0.03),
        Wall.WOVEN_BAMBOO: (0.17, 0.0),
        Wall.LOG: (0.02, 0.0),
        Wall.BAMBOO: (0.03, 0.0),
        Wall.OTHER: (0.01, 0.0),
    },
    "roof": {
        Roof.CONCRETE: (0.0, 0.10),
        Roof.TILE: (0.60, 0.70),
        Roof.ZINC: (0.20, 0.14),
        Roof.ASBESTOS: (0.13, 0.06),
        Roof.WOOD_SHINGLE: (0.02, 0.0),
        Roof.BAMBOO: (0.01, 0.0),
        Roof.THATCH: (0.03, 0.0),
        Roof.OTHER: (0.01, 0.0),
    },
    "drinking_water": {
        DrinkingWater.BOTTLED: (0.01, 0.20),
        DrinkingWater.REFILL: (0.12, 0.36),
        DrinkingWater.PIPED: (0.08, 0.18),
        DrinkingWater.BOREHOLE: (0.20, 0.18),
        DrinkingWater.PROTECTED_WELL: (0.24, 0.06),
        DrinkingWater.UNPROTECTED_WELL: (0.12, 0.0),
        DrinkingWater.PROTECTED_SPRING: (0.11, 0.02),
        DrinkingWater.UNPROTECTED_SPRING: (0.07, 0.0),
        DrinkingWater.SURFACE_WATER: (0.02, 0.0),
        DrinkingWater.RAINWATER: (0.02, 0.0),
        DrinkingWater.OTHER: (0.01, 0.0),
    },
    "sewage_distance": {
        SewageDistance.UNDER_10_M: (0.38, 0.24),
        SewageDistance.AT_LEAST_10_M: (0.44, 0.68),
        SewageDistance.UNKNOWN: (0.18, 0.08),
    },
    "lighting": {
        Lighting.PLN_METERED: (0.80, 0.995),
        Lighting.PLN_UNMETERED: (0.16, 0.005),
        Lighting.OTHER_ELECTRICITY: (0.02, 0.0),
        Lighting.NO_ELECTRICITY: (0.02, 0.0),
    },
    "meter_1": {
        MeterPower.VA_450: (0.76, 0.03),
        MeterPower.VA_900: (0.23, 0.34),
        MeterPower.VA_1300: (0.01, 0.40),
        MeterPower.VA_2200: (0.0, 0.17),
        MeterPower.VA_OVER_2200: (0.0, 0.06),
    },
    "cooking_fuel": {
        CookingFuel.ELECTRICITY: (0.0, 0.02),
        CookingFuel.LPG_5_5_KG: (0.0, 0.06),
        CookingFuel.LPG_12_KG: (0.0, 0.12),
        CookingFuel.LPG_3_KG: (0.56, 0.74),
        CookingFuel.CITY_GAS: (0.0, 0.02),
        CookingFuel.BIOGAS: (0.005, 0.0),
        CookingFuel.KEROSENE: (0.015, 0.0),
        CookingFuel.BRIQUETTE: (0.005, 0.0),
        CookingFuel.CHARCOAL: (0.015, 0.0),
        CookingFuel.FIREWOOD: (0.38, 0.01),
        CookingFuel.OTHER: (0.005, 0.0),
        CookingFuel.NO_COOKING: (0.015, 0.03),
    },
    "toilet": {
        Toilet.OWN: (0.62, 0.985),
        Toilet.SHARED: (0.14, 0.01),
        Toilet.COMMUNAL: (0.05, 0.0),
        Toilet.PUBLIC: (0.05, 0.005),
        Toilet.UNUSED: (0.01, 0.0),
        Toilet.NONE: (0.13, 0.0),
    },
    "toilet_bowl": {
        ToiletBowl.GOOSENECK: (0.80, 0.995),
        ToiletBowl.COVERED_SQUAT: (0.06, 0.005),
        ToiletBowl.OPEN_SQUAT: (0.06, 0.0),
        ToiletBowl.PIT: (0.08, 0.0),
    },
    "sewage_disposal": {
        SewageDisposal.SEPTIC_TANK: (0.56, 0.96),
        SewageDisposal.TREATMENT_PLANT: (0.01, 0.03),
        SewageDisposal.WATER_BODY: (0.16, 0.01),
        SewageDisposal.PIT: (0.24, 0.0),
        SewageDisposal.OPEN_LAND: (0.02, 0.0),
        SewageDisposal.OTHER: (0.01, 0.0),
    },
}
_FROM_THE_GROUND: Final = frozenset(
    {
        DrinkingWater.BOREHOLE,
        DrinkingWater.PROTECTED_WELL,
        DrinkingWater.UNPROTECTED_WELL,
        DrinkingWater.PROTECTED_SPRING,
        DrinkingWater.UNPROTECTED_SPRING,
    }
)
_ASSETS: Final = {
    "gas_cylinder_5_5kg": (0.01, 0.26),
    "refrigerator": (0.30, 0.95),
    "air_conditioner": (0.0, 0.42),
    "water_heater": (0.0, 0.12),
    "landline": (0.0, 0.04),
    "flat_television": (0.22, 0.90),
    "gold_10g": (0.01, 0.36),
    "computer": (0.02, 0.55),
    "motorcycle": (0.56, 0.96),
    "bicycle": (0.34, 0.46),
    "car": (0.0, 0.48),
    "boat": (0.01, 0.0),
    "motor_boat": (0.01, 0.01),
    "smartphone": (0.68, 0.99),
    "other_land": (0.08, 0.36),
    "other_house": (0.01, 0.20),
}
_LIVESTOCK: Final = {
    "cattle": (0.08, 4),
    "buffalo": (0.01, 3),
    "horses": (0.002, 2),
    "pigs": (0.01, 6),
    "goats_sheep": (0.13, 8),
}
# A share that ends below zero: the programme reaches nobody above the decile where the line crosses zero.
_PROGRAMMES: Final = {
    "sembako": (0.62, -0.42),
    "pkh": (0.36, -0.30),
    "blt_village_fund": (0.12, -0.08),
    "electricity_subsidy": (0.74, 0.03),
    "local_aid": (0.06, -0.02),
    "fertiliser_subsidy": (0.20, 0.03),
    "lpg_subsidy": (0.56, 0.50),
}
_PROFILES_PER_DECILE: Final = 400


def housing_profiles(decile: int, today: date, *run: object) -> list[str]:
    """COPY text of ``HOUSING_COLUMNS`` for houses of ``decile``; the families of a run draw from it."""
    random, wealth = seeded("housing", decile, *run), (decile - 1) / 9
    answers = {column: Weighted.between(ends, wealth) for column, ends in _ANSWERS.items()}
    return [
        fragment(HOUSING_COLUMNS, _house(random, answers, wealth) | _belongings(random, wealth, today))
        for _ in range(_PROFILES_PER_DECILE)
    ]


def _house(random: Random, answers: dict[str, Weighted[Term]], wealth: float) -> dict[str, Value]:
    values: dict[str, Value] = {column: answer.pick(random) for column, answer in answers.items()}
    if values["house_ownership"] is not HouseOwnership.OWNED:
        values["land_title"] = None
    if values["drinking_water"] not in _FROM_THE_GROUND:
        values["sewage_distance"] = None
    if values["lighting"] is not Lighting.PLN_METERED:
        values["meter_1"] = None
    elif random.random() < 0.09 * wealth:
        values["meter_2"] = answers["meter_1"].pick(random)
    if values["toilet"] is Toilet.NONE:
        values["toilet_bowl"] = values["sewage_disposal"] = None
    values["floor_area_m2"] = int(random.lognormvariate(3.65 + 0.85 * wealth, 0.32))
    values["internet"] = random.random() < 0.18 + 0.76 * wealth
    values["active_bank_account"] = random.random() < 0.36 + 0.60 * wealth
    return values


def _belongings(random: Random, wealth: float, today: date) -> dict[str, Value]:
    assets: dict[str, Value] = {
        f"has_{asset}": random.random() < _ASSETS[asset][0] + (_ASSETS[asset][1] - _ASSETS[asset][0]) * wealth
        for asset in ASSETS
    }
    livestock: dict[str, Value] = {}
    for animal in LIVESTOCK:
        share, most = _LIVESTOCK[animal]
        livestock[f"{animal}_count"] = random.randint(1, most) if random.random() < share else 0
    aid: dict[str, Value] = {}
    for programme in PROGRAMMES_RECEIVED:
        poorest, richest = _PROGRAMMES[programme]
        if random.random() < poorest + (richest - poorest) * wealth:
            aid[f"last_{programme}_on"] = _month(today, random.randint(0, 18))
    return assets | livestock | aid


def _month(today: date, ago: int) -> date:
    months = today.year * 12 + today.month - 1 - ago
    return date(months // 12, months % 12 + 1, 1)
