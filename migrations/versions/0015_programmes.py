"""Programmes, their terms, rules, amounts, relations and quotas.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import APP_ROLE, Tenancy, reference_table, tenant_policy

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_OF_TERMS = ("programme_terms", "eligibility_rule", "benefit_component", "benefit_index")
_REFERENCES = ("legal_basis", "programme", *_OF_TERMS, "programme_relation")
_KINDS_BEFORE = ("IMPORT_CHECK", "IMPORT_APPLY", "EXPORT", "MATCHING")
_KINDS = ("CYCLE_GENERATION", "BANK_FILE", "BANK_RESULTS", "IDLE_RETURN", "MEMBERSHIP_REVIEW")


def _job_kinds(kinds: tuple[str, ...]) -> None:
    members = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("job_kind_ck"), "job", type_="check")
    op.create_check_constraint(op.f("job_kind_ck"), "job", f"kind in ({members})")


def upgrade() -> None:
    """Create."""
    op.create_table(
        "legal_basis",
        sa.Column("id", sa.Text(), nullable=False, comment="such as PERMENSOS-3-2025"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="the last day"),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("legal_basis_validity_ck")),
        sa.PrimaryKeyConstraint("id", name=op.f("legal_basis_pk")),
    )
    op.create_table(
        "programme",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="official Indonesian name"),
        sa.Column("name_english", sa.Text(), nullable=False),
        sa.Column("benefit", sa.Text(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("channels", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "village_low",
            sa.BigInteger(),
            nullable=False,
            comment="the region in which it runs, and which may change it",
        ),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("legal_basis_id", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="the last day"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("benefit in ('CASH', 'FOOD', 'HEALTH_INSURANCE')", name=op.f("programme_benefit_ck")),
        sa.CheckConstraint("channels <@ array['BANK', 'POS', 'E_WARONG']", name=op.f("programme_channels_ck")),
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9_]{1,39}$'", name=op.f("programme_code_ck")),
        sa.CheckConstraint("fund in ('STATE', 'PROVINCE', 'REGENCY', 'VILLAGE')", name=op.f("programme_fund_ck")),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("programme_validity_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("programme_span_ck")),
        sa.ForeignKeyConstraint(["legal_basis_id"], ["legal_basis.id"], name="programme_legal_basis_fk"),
        sa.PrimaryKeyConstraint("code", name=op.f("programme_pk")),
    )
    op.create_table(
        "programme_terms",
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "valid_from",
            sa.Date(),
            nullable=False,
            comment="periods that begin on this day or later; the newest such terms count",
        ),
        sa.Column("legal_basis_id", sa.Text(), nullable=True),
        sa.Column("period_months", sa.SmallInteger(), nullable=False, comment="length of a period of payment"),
        sa.Column(
            "amount", sa.BigInteger(), nullable=True, comment="rupiah a family for a period; null: by components"
        ),
        sa.Column(
            "most_persons",
            sa.SmallInteger(),
            nullable=True,
            comment="of how many persons components count, those of the highest amounts",
        ),
        sa.Column(
            "second_approval_above", sa.BigInteger(), nullable=True, comment="rupiah of a cycle above which two approve"
        ),
        sa.Column(
            "idle_days",
            sa.Integer(),
            nullable=True,
            comment="days after which an untouched balance goes back to the treasury",
        ),
        sa.Column("proposed_by", pg.UUID(), nullable=False),
        sa.Column("proposed_by_name", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", pg.UUID(), nullable=True),
        sa.Column("confirmed_by_name", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'PROPOSED') = (confirmed_at is null)", name=op.f("programme_terms_pending_ck")),
        sa.CheckConstraint("state in ('PROPOSED', 'ACTIVE', 'REJECTED')", name=op.f("programme_terms_state_ck")),
        sa.CheckConstraint("amount > 0", name=op.f("programme_terms_amount_ck")),
        sa.CheckConstraint(
            "confirmed_by is null or confirmed_by <> proposed_by", name=op.f("programme_terms_checker_ck")
        ),
        sa.CheckConstraint("idle_days > 0", name=op.f("programme_terms_idle_ck")),
        sa.CheckConstraint("most_persons > 0", name=op.f("programme_terms_persons_ck")),
        sa.CheckConstraint(
            "num_nulls(confirmed_by, confirmed_by_name, confirmed_at) in (0, 3)",
            name=op.f("programme_terms_confirmed_ck"),
        ),
        sa.CheckConstraint("period_months between 1 and 12", name=op.f("programme_terms_period_ck")),
        sa.CheckConstraint("second_approval_above >= 0", name=op.f("programme_terms_approval_ck")),
        sa.ForeignKeyConstraint(["legal_basis_id"], ["legal_basis.id"], name="programme_terms_legal_basis_fk"),
        sa.ForeignKeyConstraint(["programme_code"], ["programme.code"], name="programme_terms_programme_code_fk"),
        sa.PrimaryKeyConstraint("programme_code", "version", name=op.f("programme_terms_pk")),
        sa.UniqueConstraint("id", name="programme_terms_id_uq"),
    )
    op.create_index(
        "programme_terms_active_ix",
        "programme_terms",
        ["programme_code", "valid_from"],
        unique=True,
        postgresql_where="state = 'ACTIVE'",
    )
    op.create_index(
        "programme_terms_proposed_ix",
        "programme_terms",
        ["programme_code"],
        unique=True,
        postgresql_where="state = 'PROPOSED'",
    )
    op.create_table(
        "eligibility_rule",
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False, comment="stable name of the reason, such as DECILE_TOO_HIGH"),
        sa.Column("condition", sa.Text(), nullable=False, comment="CEL over a family; true: it may receive"),
        sa.Column(
            "met", sa.Text(), nullable=False, comment="Indonesian sentence part where it holds; {fact} is filled in"
        ),
        sa.Column("met_english", sa.Text(), nullable=False),
        sa.Column("unmet", sa.Text(), nullable=False, comment="Indonesian sentence part where it does not"),
        sa.Column("unmet_english", sa.Text(), nullable=False),
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9_]{1,39}$'", name=op.f("eligibility_rule_code_ck")),
        sa.ForeignKeyConstraint(
            ["programme_code", "version"],
            ["programme_terms.programme_code", "programme_terms.version"],
            name="eligibility_rule_terms_fk",
        ),
        sa.PrimaryKeyConstraint("programme_code", "version", "number", name=op.f("eligibility_rule_pk")),
        sa.UniqueConstraint("programme_code", "version", "code", name="eligibility_rule_code_uq"),
    )
    op.create_table(
        "benefit_component",
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("component", sa.Text(), nullable=False, comment="such as IBU_HAMIL_NIFAS"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_english", sa.Text(), nullable=False),
        sa.Column(
            "condition",
            sa.Text(),
            nullable=False,
            comment="CEL over a person; of a person's components the highest counts",
        ),
        sa.Column(
            "most_per_family", sa.SmallInteger(), nullable=True, comment="of how many persons of a family it counts"
        ),
        sa.CheckConstraint("component ~ '^[A-Z][A-Z0-9_]{1,39}$'", name=op.f("benefit_component_component_ck")),
        sa.CheckConstraint("most_per_family > 0", name=op.f("benefit_component_most_ck")),
        sa.ForeignKeyConstraint(
            ["programme_code", "version"],
            ["programme_terms.programme_code", "programme_terms.version"],
            name="benefit_component_terms_fk",
        ),
        sa.PrimaryKeyConstraint("programme_code", "version", "component", name=op.f("benefit_component_pk")),
    )
    op.create_table(
        "benefit_index",
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column(
            "year",
            sa.SmallInteger(),
            autoincrement=False,
            nullable=False,
            comment="from this year until the next that is named",
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("benefit_index_amount_ck")),
        sa.ForeignKeyConstraint(
            ["programme_code", "version", "component"],
            ["benefit_component.programme_code", "benefit_component.version", "benefit_component.component"],
            name="benefit_index_component_fk",
        ),
        sa.PrimaryKeyConstraint("programme_code", "version", "component", "year", name=op.f("benefit_index_pk")),
    )
    op.create_table(
        "programme_relation",
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("other_code", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="the last day"),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("legal_basis_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "relation in ('EXCLUSIVE', 'STACKABLE', 'TOP_UP', 'REQUIRES')", name=op.f("programme_relation_relation_ck")
        ),
        sa.CheckConstraint("programme_code <> other_code", name=op.f("programme_relation_other_ck")),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("programme_relation_validity_ck")),
        sa.ForeignKeyConstraint(["legal_basis_id"], ["legal_basis.id"], name="programme_relation_legal_basis_fk"),
        sa.ForeignKeyConstraint(["other_code"], ["programme.code"], name="programme_relation_other_code_fk"),
        sa.ForeignKeyConstraint(["programme_code"], ["programme.code"], name="programme_relation_programme_code_fk"),
        sa.PrimaryKeyConstraint("programme_code", "other_code", "valid_from", name=op.f("programme_relation_pk")),
    )
    op.create_table(
        "programme_quota",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("families", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="the decree that gives it"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("families >= 0", name=op.f("programme_quota_families_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("programme_quota_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("programme_quota_span_ck")),
        sa.ForeignKeyConstraint(["programme_code"], ["programme.code"], name="programme_quota_programme_code_fk"),
        sa.PrimaryKeyConstraint("regency_id", "programme_code", "year", name=op.f("programme_quota_pk")),
        sa.UniqueConstraint("regency_id", "id", name="programme_quota_id_uq"),
    )
    for table in _REFERENCES:
        for statement in reference_table(table):
            op.execute(statement)
    # Terms are proposed with all that belongs to them; only how they stand changes, and that by somebody else.
    for table in _OF_TERMS:
        op.execute(f"grant insert on {table} to {APP_ROLE}")
    op.execute(
        f"grant update (state, reason, confirmed_by, confirmed_by_name, confirmed_at) on programme_terms to {APP_ROLE}"
    )
    for statement in tenant_policy("programme_quota", Tenancy.SPAN, "select, insert, update"):
        op.execute(statement)
    _job_kinds((*_KINDS_BEFORE, *_KINDS))


def downgrade() -> None:
    """Drop."""
    # What such jobs did is undone with the tables that they worked on.
    op.execute(sa.text("delete from job where kind = any(:kinds)").bindparams(kinds=list(_KINDS)))
    _job_kinds(_KINDS_BEFORE)
    op.drop_table("programme_quota")
    op.drop_table("programme_relation")
    op.drop_table("benefit_index")
    op.drop_table("benefit_component")
    op.drop_table("eligibility_rule")
    op.drop_table("programme_terms")
    op.drop_table("programme")
    op.drop_table("legal_basis")
