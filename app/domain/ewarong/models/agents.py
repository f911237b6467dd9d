"""Outlets (agents), their owners, how they came to be admitted, and where mobile ones serve."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata, tenant_columns, village_lies_in_regency
from app.domain.columns import acted, actor, check, created_at, moment, one_of, span_columns
from app.domain.ewarong.models.columns import of_agent, outlet_columns


class AgentKind(Term):
    """What kind of outlet it is."""

    SHOP = ("SHOP", "toko atau warung")
    BANK_AGENT = ("BANK_AGENT", "agen bank")
    KUBE = ("KUBE", "e-Warong KUBE")
    RPK = ("RPK", "Rumah Pangan Kita")
    MARKET = ("MARKET", "pasar")
    COLLECTIVE = ("COLLECTIVE", "e-Warong kolektif")
    MOBILE = ("MOBILE", "mobil layanan")


class AgentState(Term):
    """Where an outlet stands. Only the bank admits and revokes; the office warns and recommends."""

    PROPOSED = ("PROPOSED", "diusulkan")
    DUE_DILIGENCE = ("DUE_DILIGENCE", "uji tuntas")
    ACTIVE = ("ACTIVE", "aktif")
    WATCHED = ("WATCHED", "dalam pengawasan")
    FIRST_WARNING = ("FIRST_WARNING", "surat peringatan pertama (SP1)")
    SECOND_WARNING = ("SECOND_WARNING", "surat peringatan kedua (SP2)")
    RECOMMENDED_REVOKE = ("RECOMMENDED_REVOKE", "direkomendasikan dicabut")
    REVOKED_BY_BANK = ("REVOKED_BY_BANK", "dicabut bank")
    INACTIVE = ("INACTIVE", "nonaktif")
    FROZEN = ("FROZEN", "dibekukan")
    REJECTED = ("REJECTED", "tidak lolos uji tuntas")


SERVING = (
    AgentState.ACTIVE,
    AgentState.WATCHED,
    AgentState.FIRST_WARNING,
    AgentState.SECOND_WARNING,
    AgentState.RECOMMENDED_REVOKE,
)
"""The states in which an outlet serves families: a recommendation takes nothing away, the bank's decision does."""


class Office(Term):
    """What bars somebody from owning an outlet."""

    CIVIL_SERVANT = ("CIVIL_SERVANT", "ASN, TNI, atau Polri")
    BANK_STAFF = ("BANK_STAFF", "pegawai bank penyalur")
    VILLAGE_HEAD = ("VILLAGE_HEAD", "kepala desa atau lurah")
    VILLAGE_STAFF = ("VILLAGE_STAFF", "perangkat desa")
    VILLAGE_COUNCIL = ("VILLAGE_COUNCIL", "anggota BPD")
    PROGRAMME_STAFF = ("PROGRAMME_STAFF", "pelaksana program: TKSK, PSM, pendamping")
    STATE_ENTERPRISE = ("STATE_ENTERPRISE", "pegawai BUMN atau BUMDes")


class Criterion(Term):
    """What due diligence looks at."""

    FIXED_BUSINESS = ("FIXED_BUSINESS", "usaha tetap yang menjadi penghasilan utama")
    MARKET_PRICE = ("MARKET_PRICE", "menjual sesuai harga pasar")
    RELIABLE_SUPPLIER = ("RELIABLE_SUPPLIER", "pemasok andal: mutu tetap, harga bersaing")
    SERVES_EVERYBODY = ("SERVES_EVERYBODY", "melayani KPM dan bukan KPM")
    PRIORITY_SERVICE = ("PRIORITY_SERVICE", "mendahulukan lansia dan penyandang disabilitas")
    DAILY_SHOP = ("DAILY_SHOP", "warung sehari-hari, bukan didirikan untuk program")
    OWNER_NOT_BARRED = ("OWNER_NOT_BARRED", "pemilik bukan orang yang dilarang")


ewarong_agent = sa.Table(
    "ewarong_agent",
    metadata,
    *tenant_columns(),
    sa.Column("number", sa.Text, nullable=False, comment="by which the bank knows it"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("bank", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("latitude", sa.Double),
    sa.Column("longitude", sa.Double),
    sa.Column("owner_name", sa.Text, nullable=False),
    sa.Column("owner_nik_sealed", sa.LargeBinary, nullable=False),
    sa.Column("owner_nik_digest", sa.LargeBinary, nullable=False),
    sa.Column("owner_nik_masked", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="PROPOSED"),
    sa.Column("returns_to", sa.Text, comment="where it stands once it is no longer frozen or inactive"),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("request", sa.LargeBinary, nullable=False, comment="digest of what was proposed: a key stands for it"),
    *actor("proposed", nullable=False),
    moment("state_at", nullable=False),
    created_at(),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("regency_id", "bank", "number", name="ewarong_agent_number_uq"),
    sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_agent_key_uq"),
    one_of("ewarong_agent", "kind", AgentKind),
    one_of("ewarong_agent", "state", AgentState),
    check(
        "returns_to in ('ACTIVE', 'WATCHED', 'FIRST_WARNING', 'SECOND_WARNING', 'RECOMMENDED_REVOKE')",
        "ewarong_agent_returns_to_ck",
    ),
    check("(state in ('FROZEN', 'INACTIVE')) = (returns_to is not null)", "ewarong_agent_returns_ck"),
    check("bank in ('BRI', 'BNI', 'MANDIRI', 'BTN', 'BSI', 'POS')", "ewarong_agent_bank_ck"),
    check("latitude between -11.5 and 6.5", "ewarong_agent_latitude_ck"),
    check("longitude between 94.5 and 141.5", "ewarong_agent_longitude_ck"),
    check("num_nulls(latitude, longitude) in (0, 2)", "ewarong_agent_place_ck"),
    village_lies_in_regency("ewarong_agent"),
)
sa.Index("ewarong_agent_village_ix", ewarong_agent.c.village_id, ewarong_agent.c.id)
sa.Index("ewarong_agent_owner_ix", ewarong_agent.c.owner_nik_digest)

# Every step of its state, with its reason: rows are only added.
ewarong_agent_step = sa.Table(
    "ewarong_agent_step",
    metadata,
    *outlet_columns(),
    sa.Column("from_state", sa.Text),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("violation_id", pg.UUID(as_uuid=True), comment="what it answers to, where it is a sanction"),
    *actor("taken", nullable=False),
    one_of("ewarong_agent_step", "to_state", AgentState),
    village_lies_in_regency("ewarong_agent_step"),
    of_agent("ewarong_agent_step"),
)
sa.Index("ewarong_agent_step_agent_ix", ewarong_agent_step.c.regency_id, ewarong_agent_step.c.agent_id)

ewarong_due_diligence = sa.Table(
    "ewarong_due_diligence",
    metadata,
    *outlet_columns(),
    sa.Column("criterion", sa.Text, nullable=False),
    sa.Column("met", sa.Boolean, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    *actor("assessed", nullable=False),
    one_of("ewarong_due_diligence", "criterion", Criterion),
    village_lies_in_regency("ewarong_due_diligence"),
    of_agent("ewarong_due_diligence"),
)
sa.Index(
    "ewarong_due_diligence_agent_ix",
    ewarong_due_diligence.c.regency_id,
    ewarong_due_diligence.c.agent_id,
    ewarong_due_diligence.c.criterion,
)

# Where a mobile or collective outlet serves, and when: once on a day, or every week on a weekday. Its village is the one that is served:
# whoever works there is to know, wherever the outlet comes from.
ewarong_service = sa.Table(
    "ewarong_service",
    metadata,
    *outlet_columns(),
    sa.Column("weekday", sa.SmallInteger, comment="1 Monday to 7 Sunday; null: on one day"),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date, nullable=False, comment="the last day"),
    sa.Column("opens", sa.Time, nullable=False, comment="local time"),
    sa.Column("closes", sa.Time, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    *actor("planned", nullable=False),
    *actor("cancelled"),
    sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_service_key_uq"),
    acted("cancelled", "ewarong_service"),
    check("weekday between 1 and 7", "ewarong_service_weekday_ck"),
    check("valid_from <= valid_to and (weekday is not null or valid_from = valid_to)", "ewarong_service_days_ck"),
    check("opens < closes", "ewarong_service_hours_ck"),
    village_lies_in_regency("ewarong_service"),
    of_agent("ewarong_service"),
)
sa.Index("ewarong_service_village_ix", ewarong_service.c.village_id, ewarong_service.c.id)
sa.Index("ewarong_service_agent_ix", ewarong_service.c.regency_id, ewarong_service.c.agent_id)

# Who may own no outlet. Of the person only the digest of the NIK is kept, which is what an owner is compared by.
barred_owner = sa.Table(
    "barred_owner",
    metadata,
    *span_columns("barred_owner"),
    sa.Column("nik_digest", sa.LargeBinary, nullable=False),
    sa.Column("office", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date, comment="the last day in office"),
    sa.Column("source", sa.Text, nullable=False, comment="the list or decree that says so"),
    *actor("listed", nullable=False),
    one_of("barred_owner", "office", Office),
    check("valid_from <= valid_to", "barred_owner_validity_ck"),
    sa.UniqueConstraint("regency_id", "nik_digest", "office", "valid_from", name="barred_owner_nik_uq"),
)
# A list of one regency bars in all of them: whoever looks an owner up asks for the digest alone.
sa.Index("barred_owner_digest_ix", barred_owner.c.nik_digest)
