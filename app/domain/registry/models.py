"""Tables of the social registry.

NIK and KK stand in three columns: sealed (AES-256-GCM), digest (HMAC, for look-up and uniqueness) and masked (what reads return).
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, enum_column_type, metadata, tenant_columns, village_lies_in_regency
from app.domain.registry import enums


def _coded(name: str, terms: type[Term], type_name: str) -> sa.Column[object]:
    return sa.Column(name, enum_column_type(terms, type_name))


def _versioned() -> list[sa.Column[object]]:
    return [
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    ]


registry_edition = sa.Table(
    "registry_edition",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("scheme", enum_column_type(enums.RegistryScheme, "registry_scheme"), nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("legal_basis", sa.Text),
    sa.Column("published_on", sa.Date, nullable=False),
    sa.UniqueConstraint("scheme", "period", name="registry_edition_period_uq"),
)

ASSETS = (
    "gas_cylinder_5_5kg",
    "refrigerator",
    "air_conditioner",
    "water_heater",
    "landline",
    "flat_television",
    "gold_10g",
    "computer",
    "motorcycle",
    "bicycle",
    "car",
    "boat",
    "motor_boat",
    "smartphone",
    "other_land",
    "other_house",
)
LIVESTOCK = ("cattle", "buffalo", "horses", "pigs", "goats_sheep")
PROGRAMMES_RECEIVED = (
    "sembako",
    "pkh",
    "blt_village_fund",
    "electricity_subsidy",
    "local_aid",
    "fertiliser_subsidy",
    "lpg_subsidy",
)

family = sa.Table(
    "family",
    metadata,
    *tenant_columns(),
    sa.Column("edition_id", sa.Integer, sa.ForeignKey("registry_edition.id", name="family_edition_fk"), nullable=False),
    sa.Column("status", enum_column_type(enums.FamilyStatus, "family_status"), nullable=False, server_default="ACTIVE"),
    sa.Column("head_name", sa.Text, nullable=False),
    sa.Column("kk_sealed", sa.LargeBinary),
    sa.Column("kk_digest", sa.LargeBinary),
    sa.Column("kk_masked", sa.Text),
    sa.Column("decile", sa.SmallInteger),
    sa.Column("address", sa.Text),
    sa.Column("hamlet", sa.Text),
    sa.Column("rw", sa.Text),
    sa.Column("rt", sa.Text),
    sa.Column("latitude", sa.Double),
    sa.Column("longitude", sa.Double),
    _coded("house_ownership", enums.HouseOwnership, "house_ownership"),
    _coded("land_title", enums.LandTitle, "land_title"),
    sa.Column("floor_area_m2", sa.Integer),
    _coded("floor", enums.Floor, "floor_material"),
    _coded("wall", enums.Wall, "wall_material"),
    _coded("roof", enums.Roof, "roof_material"),
    _coded("drinking_water", enums.DrinkingWater, "drinking_water"),
    _coded("sewage_distance", enums.SewageDistance, "sewage_distance"),
    _coded("lighting", enums.Lighting, "lighting"),
    _coded("meter_1", enums.MeterPower, "meter_power"),
    _coded("meter_2", enums.MeterPower, "meter_power"),
    _coded("meter_3", enums.MeterPower, "meter_power"),
    _coded("cooking_fuel", enums.CookingFuel, "cooking_fuel"),
    _coded("toilet", enums.Toilet, "toilet_facility"),
    _coded("toilet_bowl", enums.ToiletBowl, "toilet_bowl"),
    _coded("sewage_disposal", enums.SewageDisposal, "sewage_disposal"),
    sa.Column("internet", sa.Boolean),
    sa.Column("active_bank_account", sa.Boolean),
    *[sa.Column(f"has_{asset}", sa.Boolean) for asset in ASSETS],
    *[sa.Column(f"{animal}_count", sa.Integer) for animal in LIVESTOCK],
    *[sa.Column(f"last_{programme}_on", sa.Date) for programme in PROGRAMMES_RECEIVED],
    *_versioned(),
    sa.ForeignKeyConstraint(["village_id"], ["region.id"], name="family_village_fk"),
    sa.CheckConstraint("decile between 1 and 10", name=sa.schema.conv("family_decile_ck")),
    sa.CheckConstraint(
        "latitude between -90 and 90 and longitude between -180 and 180", name=sa.schema.conv("family_location_ck")
    ),
    sa.CheckConstraint("(latitude is null) = (longitude is null)", name=sa.schema.conv("family_location_pair_ck")),
    sa.CheckConstraint("(kk_sealed is null) = (kk_digest is null)", name=sa.schema.conv("family_kk_sealed_ck")),
    village_lies_in_regency("family"),
)
sa.Index("family_village_ix", family.c.village_id, family.c.id)
sa.Index("family_name_ix", family.c.head_name, family.c.id)
sa.Index(
    "family_words_ix",
    sa.func.name_words(family.c.head_name),
    postgresql_using="gin",
    postgresql_with={"gin_pending_list_limit": 1024},
)
sa.Index(
    "family_kk_uq",
    family.c.kk_digest,
    family.c.regency_id,
    unique=True,
    postgresql_where=sa.text("kk_digest is not null and status = 'ACTIVE'"),
)

DIFFICULTIES = (
    "seeing",
    "hearing",
    "walking",
    "using_hands",
    "learning",
    "controlling_behaviour",
    "communicating",
    "caring_for_self",
    "remembering",
)

person = sa.Table(
    "person",
    metadata,
    *tenant_columns(),
    sa.Column("family_id", pg.UUID(as_uuid=True)),
    sa.Column("relationship", enum_column_type(enums.FamilyRelationship, "family_relationship")),
    sa.Column("member_no", sa.SmallInteger),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("nik_sealed", sa.LargeBinary),
    sa.Column("nik_digest", sa.LargeBinary),
    sa.Column("nik_masked", sa.Text),
    sa.Column("temporary_id", sa.Text),
    _coded("no_nik_reason", enums.NoNikReason, "no_nik_reason"),
    sa.Column("identity_status", enum_column_type(enums.IdentityStatus, "identity_status"), nullable=False),
    _coded("mismatch_reason", enums.MismatchReason, "mismatch_reason"),
    sa.Column("presence", enum_column_type(enums.Presence, "presence"), nullable=False, server_default="PRESENT"),
    sa.Column("sex", enum_column_type(enums.Sex, "sex"), nullable=False),
    sa.Column("birth_place", sa.Text),
    sa.Column("birth_date", sa.Date),
    _coded("marital_status", enums.MaritalStatus, "marital_status"),
    sa.Column("pregnant", sa.Boolean),
    sa.Column("has_birth_certificate", sa.Boolean),
    sa.Column("has_child_identity_card", sa.Boolean),
    sa.Column("has_identity_card", sa.Boolean),
    _coded("school_participation", enums.SchoolParticipation, "school_participation"),
    _coded("education_level", enums.EducationLevel, "education_level"),
    sa.Column("school_grade", sa.SmallInteger),
    _coded("highest_diploma", enums.EducationLevel, "education_level"),
    sa.Column("working", sa.Boolean),
    sa.Column("work_hours_per_week", sa.SmallInteger),
    _coded("industry", enums.Industry, "industry"),
    _coded("work_position", enums.WorkPosition, "work_position"),
    sa.Column("has_tax_number", sa.Boolean),
    sa.Column("own_business", sa.Boolean),
    _coded("turnover_band", enums.TurnoverBand, "turnover_band"),
    _coded("nutrition", enums.Nutrition, "nutrition"),
    *[_coded(f"difficulty_{function}", enums.Difficulty, "difficulty") for function in DIFFICULTIES],
    _coded("depression", enums.DepressionFrequency, "depression_frequency"),
    _coded("caregiver", enums.Caregiver, "caregiver"),
    _coded("chronic_disease", enums.ChronicDisease, "chronic_disease"),
    _coded("health_insurance", enums.HealthInsurance, "health_insurance"),
    sa.Column("employment_insured", sa.Boolean),
    *_versioned(),
    sa.ForeignKeyConstraint(["regency_id", "family_id"], ["family.regency_id", "family.id"], name="person_family_fk"),
    sa.CheckConstraint("(nik_sealed is null) = (nik_digest is null)", name=sa.schema.conv("person_nik_sealed_ck")),
    sa.CheckConstraint("(family_id is null) = (relationship is null)", name=sa.schema.conv("person_relationship_ck")),
    village_lies_in_regency("person"),
)
sa.Index("person_village_ix", person.c.village_id, person.c.id)
sa.Index("person_family_ix", person.c.regency_id, person.c.family_id)
sa.Index("person_name_ix", person.c.name, person.c.id)
sa.Index(
    "person_nik_uq",
    person.c.nik_digest,
    person.c.regency_id,
    unique=True,
    postgresql_where=sa.text("nik_digest is not null and presence <> 'DECEASED'"),
)
sa.Index(
    "person_deceased_nik_ix",
    person.c.nik_digest,
    person.c.regency_id,
    postgresql_where=sa.text("nik_digest is not null and presence = 'DECEASED'"),
)

welfare_rank = sa.Table(
    "welfare_rank",
    metadata,
    *tenant_columns(),
    sa.Column("family_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("scheme", enum_column_type(enums.RegistryScheme, "registry_scheme"), nullable=False),
    sa.Column(
        "edition_id", sa.Integer, sa.ForeignKey("registry_edition.id", name="welfare_rank_edition_fk"), nullable=False
    ),
    sa.Column("decile", sa.SmallInteger, nullable=False),
    sa.Column("percentile", sa.SmallInteger),
    sa.Column("ranked_on", sa.Date, nullable=False),
    sa.ForeignKeyConstraint(
        ["regency_id", "family_id"], ["family.regency_id", "family.id"], name="welfare_rank_family_fk"
    ),
    sa.UniqueConstraint("regency_id", "family_id", "edition_id", name="welfare_rank_edition_uq"),
    sa.CheckConstraint("decile between 1 and 10", name=sa.schema.conv("welfare_rank_decile_ck")),
    sa.CheckConstraint("percentile between 1 and 100", name=sa.schema.conv("welfare_rank_percentile_ck")),
    village_lies_in_regency("welfare_rank"),
)
