"""Signals: patterns in transactions that a person should look at. A signal accuses nobody and changes nothing."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata, village_lies_in_regency
from app.domain.columns import acted, actor, check, created_at, moment, one_of, span_columns


class SignalCode(Term):
    """What was seen."""

    F1 = ("F1", "banyak KKS pada satu agen dalam waktu singkat")
    F2 = ("F2", "KKS yang sama berkali-kali menghabiskan saldo")
    F3 = ("F3", "keranjang seragam")
    F4 = ("F4", "transaksi di luar jam wajar atau sebelum penyaluran")
    F5 = ("F5", "agen dan KPM dari kabupaten/kota yang berbeda")
    F6 = ("F6", "kartu dipakai setelah pemegang meninggal atau dikeluarkan")
    F7 = ("F7", "pemilik agen termasuk orang yang dilarang")
    F8 = ("F8", "pemasok menguasai kecamatan")
    F9 = ("F9", "jumlah bulat tanpa rincian: diduga gesek tunai")
    F10 = ("F10", "KPM melebihi batas pada satu agen")
    F11 = ("F11", "agen tanpa penjualan kepada bukan KPM")
    F12 = ("F12", "saldo mengendap")


class SignalState(Term):
    """What a person made of it."""

    OPEN = ("OPEN", "belum ditelaah")
    CONFIRMED = ("CONFIRMED", "layak diperiksa di lapangan")
    DISMISSED = ("DISMISSED", "ada penjelasan wajar")


class TriageState(Term):
    """What a person can make of it."""

    CONFIRMED = ("CONFIRMED", SignalState.CONFIRMED.indonesian)
    DISMISSED = ("DISMISSED", SignalState.DISMISSED.indonesian)


# One job looks for all signals of a region in a span of days.
ewarong_screening = sa.Table(
    "ewarong_screening",
    metadata,
    *span_columns("ewarong_screening"),
    sa.Column(
        "region_id", sa.BigInteger, sa.ForeignKey("region.id", name="ewarong_screening_region_fk"), nullable=False
    ),
    sa.Column("first_day", sa.Date, nullable=False),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column("signals", sa.Integer, comment="how many were new"),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("job_id", pg.UUID(as_uuid=True)),
    *actor("made", nullable=False),
    moment("finished_at"),
    sa.UniqueConstraint("regency_id", "made_by", "idempotency_key", name="ewarong_screening_key_uq"),
    check("first_day <= last_day", "ewarong_screening_days_ck"),
)

# About an outlet, a district (F8) or a family (F12): the village is where that lies. No outlet reads what is suspected of it.
ewarong_signal = sa.Table(
    "ewarong_signal",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("agent_id", pg.UUID(as_uuid=True)),
    sa.Column("family_id", pg.UUID(as_uuid=True)),
    sa.Column("district_id", sa.BigInteger),
    sa.Column("supplier_id", pg.UUID(as_uuid=True)),
    sa.Column("first_day", sa.Date, nullable=False),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column("measured", sa.Numeric, nullable=False, comment="what was seen, in the unit of the threshold"),
    sa.Column("threshold", sa.Numeric, nullable=False, comment="what it was compared with"),
    sa.Column("transactions", sa.Integer, nullable=False, comment="how many stand behind it"),
    sa.Column("subject_key", sa.Text, nullable=False, comment="what is told once only, such as F1:agent:2026-01-05"),
    sa.Column("state", sa.Text, nullable=False, server_default="OPEN"),
    *actor("triaged"),
    sa.Column("triage_reason", sa.Text),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    created_at(),
    sa.UniqueConstraint("regency_id", "subject_key", name="ewarong_signal_subject_uq"),
    one_of("ewarong_signal", "code", SignalCode),
    one_of("ewarong_signal", "state", SignalState),
    acted("triaged", "ewarong_signal"),
    check("(state = 'OPEN') = (triaged_by is null)", "ewarong_signal_open_ck"),
    check("village_low / 1000000 = regency_id", "ewarong_signal_regency_ck"),
    check("village_low <= village_high", "ewarong_signal_span_ck"),
)
sa.Index("ewarong_signal_newest_ix", ewarong_signal.c.id)
sa.Index("ewarong_signal_agent_ix", ewarong_signal.c.regency_id, ewarong_signal.c.agent_id)

# The transactions behind a signal.
ewarong_lead = sa.Table(
    "ewarong_lead",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("signal_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("transaction_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("village_id", sa.BigInteger, nullable=False),
    village_lies_in_regency("ewarong_lead"),
    sa.ForeignKeyConstraint(
        ["regency_id", "signal_id"],
        ["ewarong_signal.regency_id", "ewarong_signal.id"],
        name="ewarong_lead_signal_fk",
    ),
)
