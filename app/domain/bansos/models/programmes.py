"""Programmes, their terms, and how they stand to each other: data with a legal basis and a validity, never code.

All of it is public. A programme of a province or a regency is changed by whoever may change programmes there.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata
from app.domain.columns import acted, actor, check, created_at, moment, one_of


class Benefit(Term):
    """What a programme gives."""

    CASH = ("CASH", "bantuan tunai")
    FOOD = ("FOOD", "bantuan pangan")
    HEALTH_INSURANCE = ("HEALTH_INSURANCE", "iuran jaminan kesehatan")


class Fund(Term):
    """Who pays."""

    STATE = ("STATE", "APBN")
    PROVINCE = ("PROVINCE", "APBD provinsi")
    REGENCY = ("REGENCY", "APBD kabupaten/kota")
    VILLAGE = ("VILLAGE", "Dana Desa")


class Channel(Term):
    """By which way aid reaches the family."""

    BANK = ("BANK", "bank penyalur, dengan KKS")
    POS = ("POS", "PT Pos Indonesia")
    E_WARONG = ("E_WARONG", "e-Warong, dengan saldo KKS")


class TermsState(Term):
    """Where terms stand."""

    PROPOSED = ("PROPOSED", "diusulkan")
    ACTIVE = ("ACTIVE", "berlaku")
    REJECTED = ("REJECTED", "ditolak")


class Relation(Term):
    """How a programme stands to another."""

    EXCLUSIVE = ("EXCLUSIVE", "tidak boleh diterima bersama")
    STACKABLE = ("STACKABLE", "boleh diterima bersama")
    TOP_UP = ("TOP_UP", "menambah program lain")
    REQUIRES = ("REQUIRES", "mensyaratkan program lain")


legal_basis = sa.Table(
    "legal_basis",
    metadata,
    sa.Column("id", sa.Text, primary_key=True, comment="such as PERMENSOS-3-2025"),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date, comment="the last day"),
    check("valid_from <= valid_to", "legal_basis_validity_ck"),
)


def _basis(table: str) -> sa.Column[object]:
    return sa.Column(
        "legal_basis_id", sa.Text, sa.ForeignKey("legal_basis.id", name=f"{table}_legal_basis_fk"), nullable=True
    )


def _programme(table: str, column: str = "programme_code") -> sa.Column[object]:
    return sa.Column(column, sa.Text, sa.ForeignKey("programme.code", name=f"{table}_{column}_fk"), primary_key=True)


programme = sa.Table(
    "programme",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, comment="official Indonesian name"),
    sa.Column("name_english", sa.Text, nullable=False),
    sa.Column("benefit", sa.Text, nullable=False),
    sa.Column("fund", sa.Text, nullable=False),
    sa.Column("channels", pg.ARRAY(sa.Text), nullable=False),
    sa.Column(
        "village_low", sa.BigInteger, nullable=False, comment="the region in which it runs, and which may change it"
    ),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    _basis("programme"),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date, comment="the last day"),
    created_at(),
    one_of("programme", "benefit", Benefit),
    one_of("programme", "fund", Fund),
    check("channels <@ array['BANK', 'POS', 'E_WARONG']", "programme_channels_ck"),
    check("code ~ '^[A-Z][A-Z0-9_]{1,39}$'", "programme_code_ck"),
    check("village_low <= village_high", "programme_span_ck"),
    check("valid_from <= valid_to", "programme_validity_ck"),
)

programme_terms = sa.Table(
    "programme_terms",
    metadata,
    _programme("programme_terms"),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column(
        "valid_from",
        sa.Date,
        nullable=False,
        comment="periods that begin on this day or later; the newest such terms count",
    ),
    _basis("programme_terms"),
    sa.Column("period_months", sa.SmallInteger, nullable=False, comment="length of a period of payment"),
    sa.Column("amount", sa.BigInteger, comment="rupiah a family for a period; null: by components"),
    sa.Column(
        "most_persons", sa.SmallInteger, comment="of how many persons components count, those of the highest amounts"
    ),
    sa.Column("second_approval_above", sa.BigInteger, comment="rupiah of a cycle above which two approve"),
    sa.Column("idle_days", sa.Integer, comment="days after which an untouched balance goes back to the treasury"),
    *actor("proposed", nullable=False),
    *actor("confirmed"),
    sa.Column("reason", sa.Text),
    one_of("programme_terms", "state", TermsState),
    acted("confirmed", "programme_terms"),
    check("(state = 'PROPOSED') = (confirmed_at is null)", "programme_terms_pending_ck"),
    check("confirmed_by is null or confirmed_by <> proposed_by", "programme_terms_checker_ck"),
    check("period_months between 1 and 12", "programme_terms_period_ck"),
    check("amount > 0", "programme_terms_amount_ck"),
    check("most_persons > 0", "programme_terms_persons_ck"),
    check("second_approval_above >= 0", "programme_terms_approval_ck"),
    check("idle_days > 0", "programme_terms_idle_ck"),
    sa.UniqueConstraint("id", name="programme_terms_id_uq"),
    # What is in force on a day is never a matter of luck, and one proposal is decided on before the next is made.
    sa.Index(
        "programme_terms_active_ix", "programme_code", "valid_from", unique=True, postgresql_where="state = 'ACTIVE'"
    ),
    sa.Index("programme_terms_proposed_ix", "programme_code", unique=True, postgresql_where="state = 'PROPOSED'"),
)


def _of_terms(table: str) -> list[sa.Column[object] | sa.ForeignKeyConstraint]:
    return [
        sa.Column("programme_code", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.ForeignKeyConstraint(
            ["programme_code", "version"],
            ["programme_terms.programme_code", "programme_terms.version"],
            name=f"{table}_terms_fk",
        ),
    ]


# A family is entitled where every condition holds; the first that does not, by number, is why it is not.
eligibility_rule = sa.Table(
    "eligibility_rule",
    metadata,
    *_of_terms("eligibility_rule"),
    sa.Column("number", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("code", sa.Text, nullable=False, comment="stable name of the reason, such as DECILE_TOO_HIGH"),
    sa.Column("condition", sa.Text, nullable=False, comment="CEL over a family; true: it may receive"),
    sa.Column("met", sa.Text, nullable=False, comment="Indonesian sentence part where it holds; {fact} is filled in"),
    sa.Column("met_english", sa.Text, nullable=False),
    sa.Column("unmet", sa.Text, nullable=False, comment="Indonesian sentence part where it does not"),
    sa.Column("unmet_english", sa.Text, nullable=False),
    sa.UniqueConstraint("programme_code", "version", "code", name="eligibility_rule_code_uq"),
    check("code ~ '^[A-Z][A-Z0-9_]{1,39}$'", "eligibility_rule_code_ck"),
)

benefit_component = sa.Table(
    "benefit_component",
    metadata,
    *_of_terms("benefit_component"),
    sa.Column("component", sa.Text, primary_key=True, comment="such as IBU_HAMIL_NIFAS"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_english", sa.Text, nullable=False),
    sa.Column(
        "condition", sa.Text, nullable=False, comment="CEL over a person; of a person's components the highest counts"
    ),
    sa.Column("most_per_family", sa.SmallInteger, comment="of how many persons of a family it counts"),
    check("component ~ '^[A-Z][A-Z0-9_]{1,39}$'", "benefit_component_component_ck"),
    check("most_per_family > 0", "benefit_component_most_ck"),
)

# Whole rupiah a year and person; a period takes its share, amount x months / 12, which is whole, too (checked before terms are kept).
benefit_index = sa.Table(
    "benefit_index",
    metadata,
    sa.Column("programme_code", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("component", sa.Text, primary_key=True),
    sa.Column(
        "year",
        sa.SmallInteger,
        primary_key=True,
        autoincrement=False,
        comment="from this year until the next that is named",
    ),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(
        ["programme_code", "version", "component"],
        ["benefit_component.programme_code", "benefit_component.version", "benefit_component.component"],
        name="benefit_index_component_fk",
    ),
    check("amount > 0", "benefit_index_amount_ck"),
)

programme_relation = sa.Table(
    "programme_relation",
    metadata,
    _programme("programme_relation"),
    _programme("programme_relation", "other_code"),
    sa.Column("valid_from", sa.Date, primary_key=True),
    sa.Column("valid_to", sa.Date, comment="the last day"),
    sa.Column("relation", sa.Text, nullable=False),
    _basis("programme_relation"),
    one_of("programme_relation", "relation", Relation),
    check("programme_code <> other_code", "programme_relation_other_ck"),
    check("valid_from <= valid_to", "programme_relation_validity_ck"),
)

programme_quota = sa.Table(
    "programme_quota",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    _programme("programme_quota"),
    sa.Column("year", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column("families", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False, comment="the decree that gives it"),
    moment("updated_at", nullable=False),
    sa.UniqueConstraint("regency_id", "id", name="programme_quota_id_uq"),
    check("families >= 0", "programme_quota_families_ck"),
    check("village_low / 1000000 = regency_id", "programme_quota_regency_ck"),
    check("village_low <= village_high", "programme_quota_span_ck"),
)
