"""Persons of the registry."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from app.authz.permissions import Permission
from app.domain.registry import enums
from app.schema.node import Node
from app.schema.plan.source import Many, One, Part, column, expression, planned, planned_field
from app.schema.regions import REGENCY, VILLAGE, Region
from app.schema.registry.reveal import revealed_number
from app.schema.registry.sources import PERSONS, initial_of
from app.schema.scalars import Date, DateTime

if TYPE_CHECKING:
    from app.schema.bansos.memberships import HealthMembership
    from app.schema.registry.family import Family


@strawberry.type(description="Schooling of a person.")
class Education:
    """Columns of ``person``."""

    participation: enums.SchoolParticipation | None = column(
        "school_participation", description="Whether the person goes to school."
    )
    level: enums.EducationLevel | None = column("education_level", description="Level attended, or last attended.")
    grade: int | None = column("school_grade", description="Class within the level.")
    highest_diploma: enums.EducationLevel | None = column("highest_diploma", description="Highest level completed.")


@strawberry.type(description="Work and business of a person.")
class Work:
    """Columns of ``person``."""

    working: bool | None = column("working", description="Whether the person worked in the past week.")
    hours_per_week: int | None = column("work_hours_per_week", description="Hours of work a week.")
    industry: enums.Industry | None = column("industry", description="Field of the main job.")
    position: enums.WorkPosition | None = column("work_position", description="Position in the main job.")
    has_tax_number: bool | None = column("has_tax_number", description="Whether the person has an NPWP.")
    own_business: bool | None = column("own_business", description="Whether the person runs a business.")
    turnover_band: enums.TurnoverBand | None = column("turnover_band", description="Monthly turnover of the business.")
    employment_insured: bool | None = column(
        "employment_insured", description="Whether the person is in BPJS Ketenagakerjaan."
    )


@strawberry.type(
    description="Health and functioning of a person: specific personal data under UU PDP, needs `registry:health:read`."
)
class Health:
    """Columns of ``person``."""

    pregnant: bool | None = column("pregnant", description="Whether the person is pregnant.")
    nutrition: enums.Nutrition | None = column("nutrition", description="Nutritional status of a small child.")
    chronic_disease: enums.ChronicDisease | None = column("chronic_disease", description="Chronic disease reported.")
    difficulty_seeing: enums.Difficulty | None = column("difficulty_seeing", description="Seeing.")
    difficulty_hearing: enums.Difficulty | None = column("difficulty_hearing", description="Hearing.")
    difficulty_walking: enums.Difficulty | None = column(
        "difficulty_walking", description="Walking or climbing stairs."
    )
    difficulty_using_hands: enums.Difficulty | None = column(
        "difficulty_using_hands", description="Using hands and fingers."
    )
    difficulty_learning: enums.Difficulty | None = column("difficulty_learning", description="Learning.")
    difficulty_controlling_behaviour: enums.Difficulty | None = column(
        "difficulty_controlling_behaviour", description="Controlling behaviour."
    )
    difficulty_communicating: enums.Difficulty | None = column("difficulty_communicating", description="Communicating.")
    difficulty_caring_for_self: enums.Difficulty | None = column(
        "difficulty_caring_for_self", description="Caring for oneself."
    )
    difficulty_remembering: enums.Difficulty | None = column(
        "difficulty_remembering", description="Remembering or concentrating."
    )
    depression: enums.DepressionFrequency | None = column("depression", description="How often sad or anxious.")
    caregiver: enums.Caregiver | None = column("caregiver", description="Whether somebody helps.")
    health_insurance: enums.HealthInsurance | None = column("health_insurance", description="Segment of JKN.")


@planned(PERSONS)
@strawberry.type(description="A person in the social registry.")
class Person(Node):
    """A row of ``person``."""

    id: strawberry.ID = expression(PERSONS.node_text, description="Id for `node(id:)`.")
    name: str = column(
        "name",
        description="Name as registered; without `registry:name:read` its first letter and `***`.",
        permission=Permission.REGISTRY_NAME_READ,
        masked=initial_of("name"),
    )
    nik: str | None = column(
        "nik_masked", description="NIK, masked: `3302********0001`. Null for a person without NIK."
    )
    nik_revealed: str | None = revealed_number(
        "nik_sealed",
        subject="Person",
        description="The whole NIK. Needs `registry:nik:reveal` and a purpose; each reveal is logged with both.",
    )
    temporary_id: str | None = column("temporary_id", description="Id of the office for a person without NIK.")
    no_nik_reason: enums.NoNikReason | None = column("no_nik_reason", description="Why there is no NIK.")
    identity_status: enums.IdentityStatus = column("identity_status", description="State with the civil registry.")
    mismatch_reason: enums.MismatchReason | None = column(
        "mismatch_reason", description="Why the civil registry could not match the person."
    )
    relationship: enums.FamilyRelationship | None = column(
        "relationship", description="Relationship to the head of the family; null for a person without family."
    )
    presence: enums.Presence = column("presence", description="Where the person is found to be.")
    sex: enums.Sex = column("sex", description="Sex as registered.")
    birth_place: str | None = column("birth_place", description="Place of birth.")
    birth_date: Date | None = column("birth_date", description="Date of birth.")
    marital_status: enums.MaritalStatus | None = column("marital_status", description="Marital status.")
    has_birth_certificate: bool | None = column(
        "has_birth_certificate", description="Whether there is an akta kelahiran."
    )
    has_child_identity_card: bool | None = column("has_child_identity_card", description="Whether there is a KIA.")
    has_identity_card: bool | None = column("has_identity_card", description="Whether there is a KTP.")
    education: Education = planned_field(Part(), description="Schooling.")
    work: Work = planned_field(Part(), description="Work and business.")
    health: Health = planned_field(
        Part(Permission.REGISTRY_HEALTH_READ), description="Health and functioning; needs `registry:health:read`."
    )
    village: Region = planned_field(VILLAGE, description="Village of residence.")
    regency: Region = planned_field(REGENCY, description="Regency of residence.")
    family: "Annotated[Family, strawberry.lazy('app.schema.registry.family')] | None" = planned_field(
        One(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.id == reading.parent.c.family_id,
            ]
        ),
        description="The family that the person belongs to.",
    )
    health_memberships: "list[Annotated[HealthMembership, strawberry.lazy('app.schema.bansos.memberships')]]" = (
        planned_field(
            Many(
                lambda reading, rows: [
                    rows.c.regency_id == reading.parent.c.regency_id,
                    rows.c.person_id == reading.parent.c.id,
                ],
                lambda rows: [rows.c.made_at.desc(), rows.c.id],
            ),
            description="Memberships of health insurance that the state or the region pays, the newest first; needs "
            "`bansos:membership:read`.",
        )
    )
    version: int = column("version", description="Grows with every change; give it back when you change the person.")
    updated_at: DateTime = column("updated_at", description="When the person was last changed.")
