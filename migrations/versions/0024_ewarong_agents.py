"""Outlets, their steps, due diligence, services, and who may own none; prices that were seen.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, bound_policy, tenant_policy

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# Whoever proposes an outlet holds a district, and the lists are those of regencies, whichever: this says which office bars the holder of
# a NIK, and nothing else of the list.
_BARRED = """
create function ewarong_owner_barred(digest bytea, day date) returns text
language sql stable security definer set search_path = public, pg_temp
return (
  select office from barred_owner
  where nik_digest = digest and valid_from <= day and coalesce(valid_to >= day, true)
  order by office limit 1
)
"""


def upgrade() -> None:
    """Create."""
    op.create_table(
        "ewarong_agent",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False, comment="by which the bank knows it"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("owner_name", sa.Text(), nullable=False),
        sa.Column("owner_nik_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("owner_nik_digest", sa.LargeBinary(), nullable=False),
        sa.Column("owner_nik_masked", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="PROPOSED", nullable=False),
        sa.Column(
            "returns_to", sa.Text(), nullable=True, comment="where it stands once it is no longer frozen or inactive"
        ),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column(
            "request",
            sa.LargeBinary(),
            nullable=False,
            comment="digest of what was proposed: a key stands for it",
        ),
        sa.Column("proposed_by", pg.UUID(), nullable=False),
        sa.Column("proposed_by_name", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "bank in ('BRI', 'BNI', 'MANDIRI', 'BTN', 'BSI', 'POS')", name=op.f("ewarong_agent_bank_ck")
        ),
        sa.CheckConstraint(
            "kind in ('SHOP', 'BANK_AGENT', 'KUBE', 'RPK', 'MARKET', 'COLLECTIVE', 'MOBILE')",
            name=op.f("ewarong_agent_kind_ck"),
        ),
        sa.CheckConstraint(
            "state in ('PROPOSED', 'DUE_DILIGENCE', 'ACTIVE', 'WATCHED', 'FIRST_WARNING', 'SECOND_WARNING', "
            "'RECOMMENDED_REVOKE', 'REVOKED_BY_BANK', 'INACTIVE', 'FROZEN', 'REJECTED')",
            name=op.f("ewarong_agent_state_ck"),
        ),
        sa.CheckConstraint(
            "returns_to in ('ACTIVE', 'WATCHED', 'FIRST_WARNING', 'SECOND_WARNING', 'RECOMMENDED_REVOKE')",
            name=op.f("ewarong_agent_returns_to_ck"),
        ),
        sa.CheckConstraint(
            "(state in ('FROZEN', 'INACTIVE')) = (returns_to is not null)", name=op.f("ewarong_agent_returns_ck")
        ),
        sa.CheckConstraint("latitude between -11.5 and 6.5", name=op.f("ewarong_agent_latitude_ck")),
        sa.CheckConstraint("longitude between 94.5 and 141.5", name=op.f("ewarong_agent_longitude_ck")),
        sa.CheckConstraint("num_nulls(latitude, longitude) in (0, 2)", name=op.f("ewarong_agent_place_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_agent_village_in_regency_ck")),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_agent_pk")),
        sa.UniqueConstraint("regency_id", "bank", "number", name="ewarong_agent_number_uq"),
        sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_agent_key_uq"),
    )
    op.create_index("ewarong_agent_owner_ix", "ewarong_agent", ["owner_nik_digest"], unique=False)
    op.create_index("ewarong_agent_village_ix", "ewarong_agent", ["village_id", "id"], unique=False)
    op.create_table(
        "ewarong_agent_step",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("violation_id", pg.UUID(), nullable=True, comment="what it answers to, where it is a sanction"),
        sa.Column("taken_by", pg.UUID(), nullable=False),
        sa.Column("taken_by_name", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "to_state in ('PROPOSED', 'DUE_DILIGENCE', 'ACTIVE', 'WATCHED', 'FIRST_WARNING', "
            "'SECOND_WARNING', 'RECOMMENDED_REVOKE', 'REVOKED_BY_BANK', 'INACTIVE', 'FROZEN', 'REJECTED')",
            name=op.f("ewarong_agent_step_to_state_ck"),
        ),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_agent_step_village_in_regency_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"],
            ["ewarong_agent.regency_id", "ewarong_agent.id"],
            name="ewarong_agent_step_agent_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_agent_step_pk")),
    )
    op.create_index("ewarong_agent_step_agent_ix", "ewarong_agent_step", ["regency_id", "agent_id"], unique=False)
    op.create_table(
        "ewarong_due_diligence",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("criterion", sa.Text(), nullable=False),
        sa.Column("met", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("assessed_by", pg.UUID(), nullable=False),
        sa.Column("assessed_by_name", sa.Text(), nullable=False),
        sa.Column("assessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "criterion in ('FIXED_BUSINESS', 'MARKET_PRICE', 'RELIABLE_SUPPLIER', 'SERVES_EVERYBODY', "
            "'PRIORITY_SERVICE', 'DAILY_SHOP', 'OWNER_NOT_BARRED')",
            name=op.f("ewarong_due_diligence_criterion_ck"),
        ),
        sa.CheckConstraint(
            "village_id / 1000000 = regency_id", name=op.f("ewarong_due_diligence_village_in_regency_ck")
        ),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"],
            ["ewarong_agent.regency_id", "ewarong_agent.id"],
            name="ewarong_due_diligence_agent_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_due_diligence_pk")),
    )
    op.create_index(
        "ewarong_due_diligence_agent_ix", "ewarong_due_diligence", ["regency_id", "agent_id", "criterion"], unique=False
    )
    op.create_table(
        "ewarong_service",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=True, comment="1 Monday to 7 Sunday; null: on one day"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False, comment="the last day"),
        sa.Column("opens", sa.Time(), nullable=False, comment="local time"),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("planned_by", pg.UUID(), nullable=False),
        sa.Column("planned_by_name", sa.Text(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_by", pg.UUID(), nullable=True),
        sa.Column("cancelled_by_name", sa.Text(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "num_nulls(cancelled_by, cancelled_by_name, cancelled_at) in (0, 3)",
            name=op.f("ewarong_service_cancelled_ck"),
        ),
        sa.CheckConstraint("opens < closes", name=op.f("ewarong_service_hours_ck")),
        sa.CheckConstraint(
            "valid_from <= valid_to and (weekday is not null or valid_from = valid_to)",
            name=op.f("ewarong_service_days_ck"),
        ),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("ewarong_service_village_in_regency_ck")),
        sa.CheckConstraint("weekday between 1 and 7", name=op.f("ewarong_service_weekday_ck")),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"],
            ["ewarong_agent.regency_id", "ewarong_agent.id"],
            name="ewarong_service_agent_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("ewarong_service_pk")),
        sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_service_key_uq"),
    )
    op.create_index("ewarong_service_agent_ix", "ewarong_service", ["regency_id", "agent_id"], unique=False)
    op.create_index("ewarong_service_village_ix", "ewarong_service", ["village_id", "id"], unique=False)
    op.create_table(
        "barred_owner",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("nik_digest", sa.LargeBinary(), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="the last day in office"),
        sa.Column("source", sa.Text(), nullable=False, comment="the list or decree that says so"),
        sa.Column("listed_by", pg.UUID(), nullable=False),
        sa.Column("listed_by_name", sa.Text(), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "office in ('CIVIL_SERVANT', 'BANK_STAFF', 'VILLAGE_HEAD', 'VILLAGE_STAFF', 'VILLAGE_COUNCIL', "
            "'PROGRAMME_STAFF', 'STATE_ENTERPRISE')",
            name=op.f("barred_owner_office_ck"),
        ),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("barred_owner_validity_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("barred_owner_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("barred_owner_span_ck")),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("barred_owner_pk")),
        sa.UniqueConstraint("regency_id", "nik_digest", "office", "valid_from", name="barred_owner_nik_uq"),
    )
    op.create_index("barred_owner_digest_ix", "barred_owner", ["nik_digest"], unique=False)
    op.create_table(
        "price_observation",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("agent_id", pg.UUID(), nullable=True, comment="the outlet, where it was one"),
        sa.Column("place_name", sa.Text(), nullable=True, comment="the market, where it was one"),
        sa.Column("commodity_code", sa.Text(), nullable=False),
        sa.Column("observed_on", sa.Date(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False, comment="rupiah a unit"),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("observed_by", pg.UUID(), nullable=False),
        sa.Column("observed_by_name", sa.Text(), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(place = 'MARKET') = (place_name is not null)", name=op.f("price_observation_market_ck")),
        sa.CheckConstraint("(place = 'OUTLET') = (agent_id is not null)", name=op.f("price_observation_agent_ck")),
        sa.CheckConstraint("place in ('OUTLET', 'MARKET')", name=op.f("price_observation_place_ck")),
        sa.CheckConstraint("quality in ('GOOD', 'FAIR', 'POOR')", name=op.f("price_observation_quality_ck")),
        sa.CheckConstraint("price > 0", name=op.f("price_observation_price_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("price_observation_village_in_regency_ck")),
        sa.ForeignKeyConstraint(["commodity_code"], ["commodity.code"], name="price_observation_commodity_fk"),
        sa.ForeignKeyConstraint(
            ["regency_id", "agent_id"],
            ["ewarong_agent.regency_id", "ewarong_agent.id"],
            name="price_observation_agent_fk",
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("price_observation_pk")),
        sa.UniqueConstraint("regency_id", "idempotency_key", "commodity_code", name="price_observation_key_uq"),
    )
    op.create_index("price_observation_village_ix", "price_observation", ["village_id", "id"], unique=False)
    op.create_index(
        "price_observation_week_ix", "price_observation", ["regency_id", "commodity_code", "observed_on"], unique=False
    )
    for table, column, privileges in (
        ("ewarong_agent", "id", "select, insert, update"),
        ("ewarong_agent_step", "agent_id", "select, insert"),
        ("ewarong_due_diligence", "agent_id", "select, insert"),
        ("ewarong_service", "agent_id", "select, insert, update"),
    ):
        for statement in bound_policy(table, column, privileges):
            op.execute(statement)
    for table, privileges in (("barred_owner", "select, insert, update"),):
        for statement in tenant_policy(table, Tenancy.SPAN, privileges):
            op.execute(statement)
    op.execute("create policy barred_owner_owner on barred_owner for select to kesos_owner using (true)")
    op.execute(_BARRED)
    op.execute("revoke execute on function ewarong_owner_barred(bytea, date) from public")
    op.execute("grant execute on function ewarong_owner_barred(bytea, date) to kesos_app")
    for table, privileges in (("price_observation", "select, insert"),):
        for statement in tenant_policy(table, Tenancy.VILLAGE, privileges):
            op.execute(statement)


def downgrade() -> None:
    """Drop."""
    op.execute("drop function ewarong_owner_barred(bytea, date)")
    op.drop_table("price_observation")
    op.drop_table("barred_owner")
    op.drop_table("ewarong_service")
    op.drop_table("ewarong_due_diligence")
    op.drop_table("ewarong_agent_step")
    op.drop_table("ewarong_agent")
