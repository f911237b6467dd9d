"""Families of the registry."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from app.authz.permissions import Permission
from app.domain.registry import enums
from app.schema.bansos.eligibility import FamilyEligibility, why_not_of_family
from app.schema.bansos.entitlement_filters import AS_OF, CHOSEN, NEEDS, of_family, paid_to_family
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import Connect, Many, One, Part, column, expression, planned, planned_field
from app.schema.regions import DISTRICT, REGENCY, VILLAGE, Region
from app.schema.registry.person import Person
from app.schema.registry.ranks import RegistryEdition, WelfareRank
from app.schema.registry.reveal import revealed_number
from app.schema.registry.sources import FAMILIES, initial_of
from app.schema.scalars import Date, DateTime

if TYPE_CHECKING:
    from app.schema.bansos.cards import KksCard
    from app.schema.bansos.entitlements import Entitlement, FamilyPayment
    from app.schema.bansos.ledger import Wallet


@strawberry.type(description="The house that a family lives in, by the answers of Regsosek and DTSEN.")
class Housing:
    """Columns of ``family``."""

    ownership: enums.HouseOwnership | None = column("house_ownership", description="Status of the house.")
    land_title: enums.LandTitle | None = column("land_title", description="Proof of ownership of the land.")
    floor_area_m2: int | None = column("floor_area_m2", description="Floor area in square metres.")
    floor: enums.Floor | None = column("floor", description="Main material of the floor.")
    wall: enums.Wall | None = column("wall", description="Main material of the outer walls.")
    roof: enums.Roof | None = column("roof", description="Main material of the roof.")
    drinking_water: enums.DrinkingWater | None = column("drinking_water", description="Main source of drinking water.")
    sewage_distance: enums.SewageDistance | None = column(
        "sewage_distance", description="Distance from the water source to the nearest sewage."
    )
    lighting: enums.Lighting | None = column("lighting", description="Main source of lighting.")
    meter_1: enums.MeterPower | None = column("meter_1", description="Power of the first electricity meter.")
    meter_2: enums.MeterPower | None = column("meter_2", description="Power of the second electricity meter.")
    meter_3: enums.MeterPower | None = column("meter_3", description="Power of the third electricity meter.")
    cooking_fuel: enums.CookingFuel | None = column("cooking_fuel", description="Main cooking fuel.")
    toilet: enums.Toilet | None = column("toilet", description="Toilet facility.")
    toilet_bowl: enums.ToiletBowl | None = column("toilet_bowl", description="Kind of toilet bowl.")
    sewage_disposal: enums.SewageDisposal | None = column("sewage_disposal", description="Where sewage ends.")


@strawberry.type(description="What a family owns. Null where the question was not answered.")
class Assets:
    """Columns of ``family``."""

    gas_cylinder_5_5kg: bool | None = column("has_gas_cylinder_5_5kg", description="Gas cylinder of 5.5 kg or more.")
    refrigerator: bool | None = column("has_refrigerator", description="Refrigerator.")
    air_conditioner: bool | None = column("has_air_conditioner", description="Air conditioner.")
    water_heater: bool | None = column("has_water_heater", description="Water heater.")
    landline: bool | None = column("has_landline", description="Fixed telephone line.")
    flat_television: bool | None = column("has_flat_television", description="Flat television of 30 inches or more.")
    gold_10g: bool | None = column("has_gold_10g", description="Gold or jewellery worth 10 g of gold.")
    computer: bool | None = column("has_computer", description="Computer or tablet.")
    motorcycle: bool | None = column("has_motorcycle", description="Motorcycle.")
    bicycle: bool | None = column("has_bicycle", description="Bicycle.")
    car: bool | None = column("has_car", description="Car.")
    boat: bool | None = column("has_boat", description="Boat.")
    motor_boat: bool | None = column("has_motor_boat", description="Motor boat.")
    smartphone: bool | None = column("has_smartphone", description="Smartphone.")
    other_land: bool | None = column("has_other_land", description="Land other than that of the house.")
    other_house: bool | None = column("has_other_house", description="House elsewhere.")
    internet: bool | None = column("internet", description="Internet connection.")
    active_bank_account: bool | None = column("active_bank_account", description="Active bank account.")
    cattle: int | None = column("cattle_count", description="Head of cattle.")
    buffalo: int | None = column("buffalo_count", description="Head of buffalo.")
    horses: int | None = column("horses_count", description="Horses.")
    pigs: int | None = column("pigs_count", description="Pigs.")
    goats_sheep: int | None = column("goats_sheep_count", description="Goats and sheep.")


@strawberry.type(
    description="The month in which the family last received a programme, as its first day; null: not in a year."
)
class ProgrammesReceived:
    """Columns of ``family``: answers of the questionnaire, not payments of this system."""

    sembako: Date | None = column("last_sembako_on", description="Sembako (BPNT).")
    pkh: Date | None = column("last_pkh_on", description="Program Keluarga Harapan.")
    blt_village_fund: Date | None = column("last_blt_village_fund_on", description="BLT Dana Desa.")
    electricity_subsidy: Date | None = column("last_electricity_subsidy_on", description="Electricity subsidy.")
    local_aid: Date | None = column("last_local_aid_on", description="Aid of the regional government.")
    fertiliser_subsidy: Date | None = column("last_fertiliser_subsidy_on", description="Fertiliser subsidy.")
    lpg_subsidy: Date | None = column("last_lpg_subsidy_on", description="LPG subsidy.")


def _whereabouts(name: str, what: str) -> Any:
    """A column that leads to the family's door."""
    permission = Permission.REGISTRY_ADDRESS_READ
    return column(name, description=f"{what}; needs `{permission.value}`.", permission=permission)


@planned(FAMILIES)
@strawberry.type(description="A family (KK) in the social registry.")
class Family(Node):
    """A row of ``family``."""

    id: strawberry.ID = expression(FAMILIES.node_text, description="Id for `node(id:)`.")
    status: enums.FamilyStatus = column("status", description="Whether the family is still registered where it stands.")
    head_name: str = column(
        "head_name",
        description="Name of the head; without `registry:name:read` its first letter and `***`.",
        permission=Permission.REGISTRY_NAME_READ,
        masked=initial_of("head_name"),
    )
    kk: str | None = column("kk_masked", description="Number of the family card, masked: `3302********0001`.")
    kk_revealed: str | None = revealed_number(
        "kk_sealed",
        subject="Family",
        description="The whole number. Needs `registry:nik:reveal` and a purpose; each reveal is logged with both.",
    )
    decile: int | None = column(
        "decile", description="Present welfare decile, 1 (poorest) to 10; null while the family is unranked."
    )
    address: str | None = _whereabouts("address", "Street address")
    hamlet: str | None = _whereabouts("hamlet", "Dusun or lingkungan")
    rw: str | None = _whereabouts("rw", "RW as written")
    rt: str | None = _whereabouts("rt", "RT as written")
    latitude: float | None = _whereabouts("latitude", "Latitude in degrees (WGS 84)")
    longitude: float | None = _whereabouts("longitude", "Longitude in degrees (WGS 84)")
    housing: Housing = planned_field(Part(), description="The house.")
    assets: Assets = planned_field(Part(), description="What the family owns.")
    programmes_received: ProgrammesReceived = planned_field(
        Part(), description="Programmes received, by questionnaire."
    )
    village: Region = planned_field(VILLAGE, description="Village of residence.")
    district: Region = planned_field(DISTRICT, description="District (kecamatan) of residence.")
    regency: Region = planned_field(REGENCY, description="Regency or city of residence.")
    members: list[Person] = planned_field(
        Many(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.family_id == reading.parent.c.id,
            ],
            lambda rows: [rows.c.member_no, rows.c.id],
        ),
        description="The members, the head first.",
    )
    ranks: list[WelfareRank] = planned_field(
        Many(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.family_id == reading.parent.c.id,
            ],
            lambda rows: [rows.c.ranked_on.desc(), rows.c.id],
        ),
        description="Welfare ranks of all editions, the newest first.",
    )
    cards: list[Annotated["KksCard", strawberry.lazy("app.schema.bansos.cards")]] = planned_field(
        Many(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.family_id == reading.parent.c.id,
            ],
            lambda rows: [rows.c.created_at.desc(), rows.c.id],
        ),
        description="The cards (KKS) of the family, the newest first: those that were lost or replaced too. Needs `bansos:card:read`.",
    )
    wallets: list[Annotated["Wallet", strawberry.lazy("app.schema.bansos.ledger")]] = planned_field(
        Many(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.family_id == reading.parent.c.id,
            ],
            lambda rows: [rows.c.programme_code],
        ),
        description="What it has of each programme and has not spent, by code of the programme. Needs `bansos:ledger:read`.",
    )
    edition: RegistryEdition = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.edition_id]),
        description="The edition that the family's data comes from.",
    )
    entitlements: Connection[Annotated["Entitlement", strawberry.lazy("app.schema.bansos.entitlements")]] = (
        planned_field(
            Connect(of_family),
            description=f"What the family is to receive, or was, by all cycles, cancelled ones included. {NEEDS}",
            arguments=page_arguments(*CHOSEN),
        )
    )
    payments: Connection[Annotated["FamilyPayment", strawberry.lazy("app.schema.bansos.entitlements")]] = planned_field(
        Connect(paid_to_family),
        description=f"What has reached the account of the family, newest first. {NEEDS}",
        arguments=page_arguments(AS_OF, CHOSEN[0]),
    )
    why_not: FamilyEligibility | None = why_not_of_family()
    version: int = column("version", description="Grows with every change; give it back when you change the family.")
    updated_at: DateTime = column("updated_at", description="When the family was last changed.")
