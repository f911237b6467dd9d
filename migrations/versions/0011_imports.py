"""Imports: staged rows, what is said of them, and how far applying has come.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, tenant_policy

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Staged rows and what is said of them are written and cleared away by jobs.
_PRIVILEGES = {
    "registry_import": "select, insert, update",
    "import_batch": "select, update",
    "import_duplicate": "select, update",
    "import_departure": "select",
    "import_issue": "select",
    "import_match": "select",
    "staged_family": "select",
    "staged_person": "select",
}

# PostgreSQL plans for tables as they were when it last looked, and a job fills these in a minute. Only an owner may have it look again, so
# the owner lends that to jobs. Of the wide rows it looks at what they are looked up by.
_ANALYZE = """
create function analyze_imports() returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
  analyze staged_family (regency_id, import_id, line, family_key, village_id), staged_person (regency_id, import_id, line, family_key),
    import_issue, import_match, import_departure;
end
$$
"""


def _enum(name: str) -> pg.ENUM:
    return pg.ENUM(name=name, create_type=False)


def upgrade() -> None:
    """Create."""
    op.create_table(
        "registry_import",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("upload_id", pg.UUID(), nullable=False),
        sa.Column("job_id", pg.UUID(), nullable=True),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.Column("encoding", sa.Text(), server_default="utf-8-sig", nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text(), server_default="UPLOADED", nullable=False),
        sa.Column("accept_valid", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("families_staged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_accepted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_new", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_same", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_moved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("families_left", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_staged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_accepted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_new", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_same", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("persons_moved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_with_warnings", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("probable_duplicates", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_by", pg.UUID(), nullable=False),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("validated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(format = 'PROFILE') = (profile is not null)", name=op.f("registry_import_profile_ck")),
        sa.CheckConstraint(
            "format in ('KESOS_CSV', 'OPENSID', 'REGSOSEK_2022', 'PROFILE')", name=op.f("registry_import_format_ck")
        ),
        sa.CheckConstraint("mode in ('ADDITION', 'EDITION')", name=op.f("registry_import_mode_ck")),
        sa.CheckConstraint(
            "stage in ('UPLOADED', 'PARSED', 'VALIDATED', 'APPLYING', 'APPLIED', 'DISCARDED')",
            name=op.f("registry_import_stage_ck"),
        ),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("registry_import_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("registry_import_span_ck")),
        sa.ForeignKeyConstraint(["edition_id"], ["registry_edition.id"], name="registry_import_edition_fk"),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name="registry_import_region_fk"),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("registry_import_pk")),
        sa.UniqueConstraint("regency_id", "idempotency_key", name="registry_import_key_uq"),
    )
    op.create_table(
        "import_departure",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("import_id", pg.UUID(), nullable=False),
        sa.Column("family_regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("family_id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("family_village_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "reason in ('MEMBERS_MOVED', 'MEMBERS_DECEASED', 'NOT_IN_EDITION')", name=op.f("import_departure_reason_ck")
        ),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("import_departure_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("import_departure_span_ck")),
        sa.PrimaryKeyConstraint(
            "regency_id", "import_id", "family_regency_id", "family_id", name=op.f("import_departure_pk")
        ),
    )
    op.create_table(
        "import_issue",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("import_id", pg.UUID(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("value_masked", sa.Text(), server_default="", nullable=False),
        sa.Column("other_line", sa.Integer(), nullable=True),
        sa.CheckConstraint("severity in ('WARNING', 'ERROR')", name=op.f("import_issue_severity_ck")),
        sa.CheckConstraint("subject in ('FAMILY', 'PERSON')", name=op.f("import_issue_subject_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("import_issue_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("import_issue_span_ck")),
        sa.PrimaryKeyConstraint(
            "regency_id", "import_id", "subject", "line", "code", "column_name", name=op.f("import_issue_pk")
        ),
    )
    op.create_table(
        "import_match",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("import_id", pg.UUID(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("registered_regency_id", sa.Integer(), nullable=False),
        sa.Column("registered_id", pg.UUID(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("changed", pg.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint("outcome in ('SAME', 'CHANGED', 'MOVED')", name=op.f("import_match_outcome_ck")),
        sa.CheckConstraint("subject in ('FAMILY', 'PERSON')", name=op.f("import_match_subject_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("import_match_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("import_match_span_ck")),
        sa.PrimaryKeyConstraint("regency_id", "import_id", "subject", "line", name=op.f("import_match_pk")),
    )
    op.create_index(
        "import_match_registered_ix", "import_match", ["regency_id", "import_id", "registered_id"], unique=False
    )
    op.create_table(
        "staged_family",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("import_id", pg.UUID(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("family_key", sa.LargeBinary(), nullable=False),
        sa.Column("village_code", sa.Text(), nullable=True),
        sa.Column("village_id", sa.BigInteger(), nullable=True),
        sa.Column("kk_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("kk_digest", sa.LargeBinary(), nullable=True),
        sa.Column("kk_masked", sa.Text(), nullable=True),
        sa.Column("kk_regency", sa.Integer(), nullable=True),
        sa.Column("percentile", sa.SmallInteger(), nullable=True),
        sa.Column("ranked_on", sa.Date(), nullable=True),
        sa.Column("decile", sa.SmallInteger(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("hamlet", sa.Text(), nullable=True),
        sa.Column("rw", sa.Text(), nullable=True),
        sa.Column("rt", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("house_ownership", _enum("house_ownership"), nullable=True),
        sa.Column("land_title", _enum("land_title"), nullable=True),
        sa.Column("floor_area_m2", sa.Integer(), nullable=True),
        sa.Column("floor", _enum("floor_material"), nullable=True),
        sa.Column("wall", _enum("wall_material"), nullable=True),
        sa.Column("roof", _enum("roof_material"), nullable=True),
        sa.Column("drinking_water", _enum("drinking_water"), nullable=True),
        sa.Column("sewage_distance", _enum("sewage_distance"), nullable=True),
        sa.Column("lighting", _enum("lighting"), nullable=True),
        sa.Column("meter_1", _enum("meter_power"), nullable=True),
        sa.Column("meter_2", _enum("meter_power"), nullable=True),
        sa.Column("meter_3", _enum("meter_power"), nullable=True),
        sa.Column("cooking_fuel", _enum("cooking_fuel"), nullable=True),
        sa.Column("toilet", _enum("toilet_facility"), nullable=True),
        sa.Column("toilet_bowl", _enum("toilet_bowl"), nullable=True),
        sa.Column("sewage_disposal", _enum("sewage_disposal"), nullable=True),
        sa.Column("internet", sa.Boolean(), nullable=True),
        sa.Column("active_bank_account", sa.Boolean(), nullable=True),
        sa.Column("has_gas_cylinder_5_5kg", sa.Boolean(), nullable=True),
        sa.Column("has_refrigerator", sa.Boolean(), nullable=True),
        sa.Column("has_air_conditioner", sa.Boolean(), nullable=True),
        sa.Column("has_water_heater", sa.Boolean(), nullable=True),
        sa.Column("has_landline", sa.Boolean(), nullable=True),
        sa.Column("has_flat_television", sa.Boolean(), nullable=True),
        sa.Column("has_gold_10g", sa.Boolean(), nullable=True),
        sa.Column("has_computer", sa.Boolean(), nullable=True),
        sa.Column("has_motorcycle", sa.Boolean(), nullable=True),
        sa.Column("has_bicycle", sa.Boolean(), nullable=True),
        sa.Column("has_car", sa.Boolean(), nullable=True),
        sa.Column("has_boat", sa.Boolean(), nullable=True),
        sa.Column("has_motor_boat", sa.Boolean(), nullable=True),
        sa.Column("has_smartphone", sa.Boolean(), nullable=True),
        sa.Column("has_other_land", sa.Boolean(), nullable=True),
        sa.Column("has_other_house", sa.Boolean(), nullable=True),
        sa.Column("cattle_count", sa.Integer(), nullable=True),
        sa.Column("buffalo_count", sa.Integer(), nullable=True),
        sa.Column("horses_count", sa.Integer(), nullable=True),
        sa.Column("pigs_count", sa.Integer(), nullable=True),
        sa.Column("goats_sheep_count", sa.Integer(), nullable=True),
        sa.Column("last_sembako_on", sa.Date(), nullable=True),
        sa.Column("last_pkh_on", sa.Date(), nullable=True),
        sa.Column("last_blt_village_fund_on", sa.Date(), nullable=True),
        sa.Column("last_electricity_subsidy_on", sa.Date(), nullable=True),
        sa.Column("last_local_aid_on", sa.Date(), nullable=True),
        sa.Column("last_fertiliser_subsidy_on", sa.Date(), nullable=True),
        sa.Column("last_lpg_subsidy_on", sa.Date(), nullable=True),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("staged_family_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("staged_family_span_ck")),
        sa.PrimaryKeyConstraint("regency_id", "import_id", "line", name=op.f("staged_family_pk")),
    )
    op.create_index("staged_family_key_ix", "staged_family", ["regency_id", "import_id", "family_key"], unique=False)
    op.create_index(
        "staged_family_village_ix", "staged_family", ["regency_id", "import_id", "village_id"], unique=False
    )
    op.create_table(
        "staged_person",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("import_id", pg.UUID(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("family_key", sa.LargeBinary(), nullable=False),
        sa.Column("nik_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("nik_digest", sa.LargeBinary(), nullable=True),
        sa.Column("nik_masked", sa.Text(), nullable=True),
        sa.Column("nik_birth_date", sa.Date(), nullable=True),
        sa.Column("nik_sex", _enum("sex"), nullable=True),
        sa.Column("nik_regency", sa.Integer(), nullable=True),
        sa.Column("relationship", _enum("family_relationship"), nullable=True),
        sa.Column("member_no", sa.SmallInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("temporary_id", sa.Text(), nullable=True),
        sa.Column("no_nik_reason", _enum("no_nik_reason"), nullable=True),
        sa.Column("presence", _enum("presence"), nullable=True),
        sa.Column("sex", _enum("sex"), nullable=True),
        sa.Column("birth_place", sa.Text(), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("marital_status", _enum("marital_status"), nullable=True),
        sa.Column("pregnant", sa.Boolean(), nullable=True),
        sa.Column("has_birth_certificate", sa.Boolean(), nullable=True),
        sa.Column("has_child_identity_card", sa.Boolean(), nullable=True),
        sa.Column("has_identity_card", sa.Boolean(), nullable=True),
        sa.Column("school_participation", _enum("school_participation"), nullable=True),
        sa.Column("education_level", _enum("education_level"), nullable=True),
        sa.Column("school_grade", sa.SmallInteger(), nullable=True),
        sa.Column("highest_diploma", _enum("education_level"), nullable=True),
        sa.Column("working", sa.Boolean(), nullable=True),
        sa.Column("work_hours_per_week", sa.SmallInteger(), nullable=True),
        sa.Column("industry", _enum("industry"), nullable=True),
        sa.Column("work_position", _enum("work_position"), nullable=True),
        sa.Column("has_tax_number", sa.Boolean(), nullable=True),
        sa.Column("own_business", sa.Boolean(), nullable=True),
        sa.Column("turnover_band", _enum("turnover_band"), nullable=True),
        sa.Column("nutrition", _enum("nutrition"), nullable=True),
        sa.Column("difficulty_seeing", _enum("difficulty"), nullable=True),
        sa.Column("difficulty_hearing", _enum("difficulty"), nullable=True),
        sa.Column("difficulty_walking", _enum("difficulty"), nullable=True),
        sa.Column("difficulty_using_hands", _enum("difficulty"), nullable=True),
        sa.Column("difficulty_learning", _enum("difficulty"), nullable=True),
        sa.Column("difficulty_controlling_behaviour", _enum("difficulty"), nullable=True),
        sa.Column("difficulty_communicating", _enum("difficulty"), nullable=True),
        sa.Column("difficulty_caring_for_self", _enum("difficulty"), nullable=True),
        sa.Column("difficulty_remembering", _enum("difficulty"), nullable=True),
        sa.Column("depression", _enum("depression_frequency"), nullable=True),
        sa.Column("caregiver", _enum("caregiver"), nullable=True),
        sa.Column("chronic_disease", _enum("chronic_disease"), nullable=True),
        sa.Column("health_insurance", _enum("health_insurance"), nullable=True),
        sa.Column("employment_insured", sa.Boolean(), nullable=True),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("staged_person_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("staged_person_span_ck")),
        sa.PrimaryKeyConstraint("regency_id", "import_id", "line", name=op.f("staged_person_pk")),
    )
    op.create_index("staged_person_family_ix", "staged_person", ["regency_id", "import_id", "family_key"], unique=False)
    op.create_table(
        "import_batch",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("import_id", pg.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("first_village_id", sa.BigInteger(), nullable=False),
        sa.Column("last_village_id", sa.BigInteger(), nullable=False),
        sa.Column("families", sa.Integer(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("import_batch_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("import_batch_span_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "import_id"],
            ["registry_import.regency_id", "registry_import.id"],
            name="import_batch_import_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "import_id", "number", name=op.f("import_batch_pk")),
    )
    op.create_table(
        "import_duplicate",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("import_id", pg.UUID(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("other_line", sa.Integer(), nullable=True),
        sa.Column("person_regency_id", sa.Integer(), nullable=True),
        sa.Column("person_id", pg.UUID(), nullable=True),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", pg.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "decision in ('SAME_PERSON', 'DIFFERENT_PERSON')", name=op.f("import_duplicate_decision_ck")
        ),
        sa.CheckConstraint(
            "(other_line is null) <> (person_id is null) and (person_id is null) = (person_regency_id is null)",
            name=op.f("import_duplicate_other_ck"),
        ),
        sa.CheckConstraint("score between 0 and 100", name=op.f("import_duplicate_score_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("import_duplicate_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("import_duplicate_span_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "import_id"],
            ["registry_import.regency_id", "registry_import.id"],
            name="import_duplicate_import_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("import_duplicate_pk")),
    )
    op.create_index("import_duplicate_import_ix", "import_duplicate", ["regency_id", "import_id", "line"], unique=False)
    for table, privileges in _PRIVILEGES.items():
        for statement in tenant_policy(table, Tenancy.SPAN, privileges):
            op.execute(statement)
    op.execute(_ANALYZE)
    op.execute("revoke all on function analyze_imports from public")
    op.execute("grant execute on function analyze_imports to kesos_loader")


def downgrade() -> None:
    """Drop."""
    op.execute("drop function analyze_imports")
    for table in reversed(_PRIVILEGES):
        op.drop_table(table)
