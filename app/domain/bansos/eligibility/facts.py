"""What conditions may ask of a family and of the persons who live with it: the one place of aid that reads the tables of the registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from app.domain.bansos.eligibility.tree import Comparator, Kind, Plain
from app.domain.registry import enums
from app.domain.registry.enums import FamilyRelationship, IdentityStatus, Presence
from app.domain.registry.models import ASSETS, DIFFICULTIES, LIVESTOCK, family, person, welfare_rank

LIVING: Final = (Presence.PRESENT, Presence.NEW_MEMBER)
"""The presence of those who live with their family."""


@dataclass(frozen=True, slots=True)
class Sources:
    """A family, its present rank and its persons, joined and grouped by family, as they are looked at on a day."""

    day: date
    family: sa.FromClause = field(default_factory=lambda: family.alias("f"))
    rank: sa.FromClause = field(default_factory=lambda: welfare_rank.alias("w"))
    person: sa.FromClause = field(default_factory=lambda: person.alias("p"))

    @property
    def joined(self) -> sa.FromClause:
        """Each family beside each of its persons, wherever they are."""
        f, w, p = self.family.c, self.rank.c, self.person.c
        return self.family.outerjoin(
            self.rank,
            sa.and_(w.regency_id == f.regency_id, w.family_id == f.id, w.edition_id == f.edition_id),
        ).outerjoin(self.person, sa.and_(p.regency_id == f.regency_id, p.family_id == f.id))

    @property
    def living(self) -> sa.ColumnElement[bool]:
        """Whether the person lives with the family."""
        living: sa.ColumnElement[bool] = self.person.c.presence.in_(LIVING)
        return living

    @property
    def heads(self) -> sa.ColumnElement[bool]:
        """Whether the person is the head of the family."""
        is_head: sa.ColumnElement[bool] = self.person.c.relationship == FamilyRelationship.HEAD
        return is_head

    @property
    def born(self) -> sa.ColumnElement[date]:
        """The birth date of a person who was born by the day; null otherwise, so that nobody is younger than nought."""
        born: sa.ColumnElement[date] = self.person.c.birth_date
        return sa.case((born <= self.day, born))

    @property
    def persons(self) -> sa.ColumnElement[int]:
        """How many persons live with the family."""
        return sa.func.count(self.person.c.id).filter(self.living)


class Fact(NamedTuple):
    """Something that is known of a family or a person, or unknown (null)."""

    kind: Kind
    indonesian: str
    english: str
    of: Callable[[Sources], sa.ColumnElement[Any]]
    compared: Callable[[Sources, Comparator, int], sa.ColumnElement[bool]] | None = None
    """A cheaper way to compare it with a number."""


def years_before(day: date, years: int) -> date:
    """The last day on which somebody was born who is ``years`` old on ``day``. 29 February becomes a year older on 1 March."""
    year = max(1, day.year - max(0, years))
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _age(sources: Sources) -> sa.ColumnElement[int]:
    day = sa.cast(sa.literal(sources.day, sa.Date()), sa.DateTime())
    age = sa.func.age(day, sa.cast(sources.born, sa.DateTime()))
    return sa.cast(sa.func.date_part("year", age), sa.Integer())


def _age_compared(sources: Sources, comparator: Comparator, years: int) -> sa.ColumnElement[bool]:
    # Dates are compared, not ages: to work out an age takes four calls, for each person and rule.
    born = sources.born
    reached, passed = (sa.literal(years_before(sources.day, each), sa.Date()) for each in (years, years + 1))
    match comparator:
        case Comparator.AT_LEAST:
            return born <= reached
        case Comparator.LESS:
            return born > reached
        case Comparator.MORE:
            return born <= passed
        case Comparator.AT_MOST:
            return born > passed
        case Comparator.EQUAL:
            return sa.and_(born <= reached, born > passed)
        case Comparator.UNEQUAL:
            return sa.or_(born > reached, born <= passed)


def _of_family(kind: Kind, column: str, indonesian: str, english: str) -> Fact:
    return Fact(kind, indonesian, english, lambda sources: sources.family.c[column])


def _of_person(kind: Kind, column: str, indonesian: str, english: str) -> Fact:
    return Fact(kind, indonesian, english, lambda sources: sources.person.c[column])


def _matched(sources: Sources) -> sa.ColumnElement[bool]:
    matched: sa.ColumnElement[bool] = sources.person.c.identity_status == IdentityStatus.MATCHED
    return matched


def _severe(sources: Sources) -> sa.ColumnElement[bool]:
    answers = [sources.person.c[f"difficulty_{function}"] for function in DIFFICULTIES]
    return sa.or_(*[answer == enums.Difficulty.CANNOT for answer in answers])


_ASSET_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "gas_cylinder_5_5kg": ("tabung gas 5,5 kg atau lebih", "a gas cylinder of 5.5 kg or more"),
    "refrigerator": ("lemari es", "a refrigerator"),
    "air_conditioner": ("AC", "an air conditioner"),
    "water_heater": ("pemanas air", "a water heater"),
    "landline": ("telepon rumah", "a fixed telephone line"),
    "flat_television": ("televisi layar datar 30 inci atau lebih", "a flat television of 30 inches or more"),
    "gold_10g": ("emas atau perhiasan senilai 10 g", "gold or jewellery worth 10 g of gold"),
    "computer": ("komputer atau tablet", "a computer or tablet"),
    "motorcycle": ("sepeda motor", "a motorcycle"),
    "bicycle": ("sepeda", "a bicycle"),
    "car": ("mobil", "a car"),
    "boat": ("perahu", "a boat"),
    "motor_boat": ("kapal atau perahu motor", "a motor boat"),
    "smartphone": ("telepon pintar", "a smartphone"),
    "other_land": ("lahan selain yang ditempati", "land other than that of the house"),
    "other_house": ("rumah di tempat lain", "a house elsewhere"),
}
_LIVESTOCK_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "cattle": ("sapi", "cattle"),
    "buffalo": ("kerbau", "buffalo"),
    "horses": ("kuda", "horses"),
    "pigs": ("babi", "pigs"),
    "goats_sheep": ("kambing dan domba", "goats and sheep"),
}

FAMILY_FACTS: Final[Mapping[str, Fact]] = {
    "decile": _of_family(
        Plain.INTEGER, "decile", "desil kesejahteraan, 1 (termiskin) sampai 10", "welfare decile, 1 (poorest) to 10"
    ),
    "percentile": Fact(
        Plain.INTEGER,
        "persentil kesejahteraan, 1 (termiskin) sampai 100",
        "welfare percentile, 1 (poorest) to 100",
        lambda sources: sa.func.max(sources.rank.c.percentile),
    ),
    "status": _of_family(
        enums.FamilyStatus, "status", "status keluarga", "whether the family is still registered there"
    ),
    "members": Fact(
        Plain.INTEGER,
        "jumlah anggota yang tinggal bersama",
        "number of members who live with the family",
        lambda sources: sources.persons,
    ),
    "head_matched": Fact(
        Plain.BOOLEAN,
        "NIK kepala keluarga padan; tidak diketahui kalau kepala tidak tinggal di sana",
        "the NIK of the head is matched; unknown where no head lives there",
        lambda sources: sa.func.bool_or(_matched(sources)).filter(sources.living, sources.heads),
    ),
    "matched": Fact(
        Plain.BOOLEAN,
        "NIK semua anggota yang tinggal bersama padan",
        "the NIK of each member who lives with the family is matched",
        lambda sources: sa.func.bool_and(_matched(sources)).filter(sources.living),
    ),
    "house_ownership": _of_family(
        enums.HouseOwnership, "house_ownership", "status bangunan tempat tinggal", "status of the house"
    ),
    "land_title": _of_family(
        enums.LandTitle, "land_title", "bukti kepemilikan lahan", "proof of ownership of the land"
    ),
    "floor_area_m2": _of_family(Plain.INTEGER, "floor_area_m2", "luas lantai (m2)", "floor area (m2)"),
    "floor": _of_family(enums.Floor, "floor", "bahan lantai terluas", "main material of the floor"),
    "wall": _of_family(enums.Wall, "wall", "bahan dinding terluas", "main material of the walls"),
    "roof": _of_family(enums.Roof, "roof", "bahan atap terluas", "main material of the roof"),
    "drinking_water": _of_family(
        enums.DrinkingWater, "drinking_water", "sumber air minum utama", "main source of drinking water"
    ),
    "sewage_distance": _of_family(
        enums.SewageDistance,
        "sewage_distance",
        "jarak sumber air ke penampungan tinja",
        "distance from the water source to sewage",
    ),
    "lighting": _of_family(enums.Lighting, "lighting", "sumber penerangan utama", "main source of lighting"),
    "meter_1": _of_family(enums.MeterPower, "meter_1", "daya meteran listrik pertama", "power of the first meter"),
    "meter_2": _of_family(enums.MeterPower, "meter_2", "daya meteran listrik kedua", "power of the second meter"),
    "meter_3": _of_family(enums.MeterPower, "meter_3", "daya meteran listrik ketiga", "power of the third meter"),
    "cooking_fuel": _of_family(enums.CookingFuel, "cooking_fuel", "bahan bakar memasak utama", "main cooking fuel"),
    "toilet": _of_family(enums.Toilet, "toilet", "fasilitas buang air besar", "toilet facility"),
    "toilet_bowl": _of_family(enums.ToiletBowl, "toilet_bowl", "jenis kloset", "kind of toilet bowl"),
    "sewage_disposal": _of_family(
        enums.SewageDisposal, "sewage_disposal", "pembuangan akhir tinja", "where sewage ends"
    ),
    "internet": _of_family(Plain.BOOLEAN, "internet", "memiliki sambungan internet", "has an internet connection"),
    "active_bank_account": _of_family(
        Plain.BOOLEAN, "active_bank_account", "memiliki rekening aktif", "has an active bank account"
    ),
    **{
        f"has_{asset}": _of_family(
            Plain.BOOLEAN, f"has_{asset}", f"memiliki {_ASSET_NAMES[asset][0]}", f"has {_ASSET_NAMES[asset][1]}"
        )
        for asset in ASSETS
    },
    **{
        f"{animal}_count": _of_family(
            Plain.INTEGER,
            f"{animal}_count",
            f"jumlah {_LIVESTOCK_NAMES[animal][0]}",
            f"number of {_LIVESTOCK_NAMES[animal][1]}",
        )
        for animal in LIVESTOCK
    },
}
"""By the name that follows ``family.``; an expression of a statement that is grouped by family."""

PERSON_FACTS: Final[Mapping[str, Fact]] = {
    "age": Fact(
        Plain.INTEGER,
        "umur dalam tahun penuh pada hari pertama masa penyaluran",
        "age in whole years on the first day of the period",
        _age,
        _age_compared,
    ),
    "sex": _of_person(enums.Sex, "sex", "jenis kelamin", "sex as registered"),
    "relationship": _of_person(
        enums.FamilyRelationship, "relationship", "hubungan dengan kepala keluarga", "relationship to the head"
    ),
    "marital_status": _of_person(enums.MaritalStatus, "marital_status", "status perkawinan", "marital status"),
    "nik_matched": Fact(Plain.BOOLEAN, "NIK padan", "the NIK is matched with the civil registry", _matched),
    "pregnant": _of_person(Plain.BOOLEAN, "pregnant", "sedang hamil", "is pregnant"),
    "school": _of_person(
        enums.SchoolParticipation, "school_participation", "partisipasi sekolah", "whether the person goes to school"
    ),
    "education_level": _of_person(
        enums.EducationLevel,
        "education_level",
        "jenjang yang sedang atau terakhir diikuti",
        "level attended, or last attended",
    ),
    "school_grade": _of_person(Plain.INTEGER, "school_grade", "kelas dalam jenjang itu", "class within the level"),
    "highest_diploma": _of_person(
        enums.EducationLevel, "highest_diploma", "ijazah tertinggi", "highest level completed"
    ),
    "disability_severe": Fact(
        Plain.BOOLEAN,
        "tidak bisa sama sekali melakukan salah satu dari sembilan fungsi",
        "cannot do at all one of the nine functions asked about",
        _severe,
    ),
    "chronic_disease": _of_person(enums.ChronicDisease, "chronic_disease", "penyakit menahun", "chronic disease"),
    "nutrition": _of_person(enums.Nutrition, "nutrition", "status gizi anak kecil", "nutrition of a small child"),
    "working": _of_person(Plain.BOOLEAN, "working", "bekerja dalam seminggu terakhir", "worked in the past week"),
    "work_position": _of_person(
        enums.WorkPosition, "work_position", "kedudukan dalam pekerjaan utama", "position in the main job"
    ),
    "health_insurance": _of_person(
        enums.HealthInsurance, "health_insurance", "segmen jaminan kesehatan", "segment of health insurance"
    ),
}
"""By the name that follows ``person.``, or the name of a member; an expression over ``Sources.person``."""
