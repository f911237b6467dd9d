"""The double-entry ledger: wallets, journal entries, and their lines, which sum to zero and are never changed."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata, tenant_columns, village_lies_in_regency
from app.domain.columns import actor, check, created_at, moment, one_of, span_columns


class Account(Term):
    """What a line of the journal belongs to. Money that is with the account is positive."""

    TREASURY = ("TREASURY", "kas negara atau daerah (negatif: sudah dilepas)")
    CLEARING = ("CLEARING", "rekening penampungan di bank penyalur")
    WALLET = ("WALLET", "saldo keluarga")
    AGENT = ("AGENT", "tagihan agen e-Warong pada bank")
    WITHDRAWN = ("WITHDRAWN", "ditarik tunai oleh keluarga")


class EntryKind(Term):
    """What an entry of the journal tells."""

    RELEASE = ("RELEASE", "dana dilepas ke rekening penampungan")
    TOP_UP = ("TOP_UP", "saldo keluarga diisi")
    RELEASE_RETURN = ("RELEASE_RETURN", "dana yang gagal disalurkan kembali ke kas")
    REDEMPTION = ("REDEMPTION", "belanja di e-Warong")
    WITHDRAWAL = ("WITHDRAWAL", "tarik tunai")
    IDLE_RETURN = ("IDLE_RETURN", "saldo mengendap kembali ke kas")
    REVERSAL = ("REVERSAL", "pembetulan dengan jurnal balik")


wallet = sa.Table(
    "wallet",
    metadata,
    *tenant_columns(),
    sa.Column("family_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("programme_code", sa.Text, sa.ForeignKey("programme.code", name="wallet_programme_fk"), nullable=False),
    sa.Column("balance", sa.BigInteger, nullable=False, server_default="0", comment="rupiah; the sum of its lines"),
    sa.Column(
        "moved_at",
        sa.DateTime(timezone=True),
        nullable=False,
        server_default=sa.func.now(),
        comment="when its balance last changed",
    ),
    created_at(),
    sa.ForeignKeyConstraint(["regency_id", "family_id"], ["family.regency_id", "family.id"], name="wallet_family_fk"),
    sa.UniqueConstraint("regency_id", "family_id", "programme_code", name="wallet_family_uq"),
    check("balance >= 0", "wallet_balance_ck"),
    village_lies_in_regency("wallet"),
)
sa.Index("wallet_village_ix", wallet.c.village_id, wallet.c.id)

# About one family: the span is its village. About an order of payment: its regency.
journal_entry = sa.Table(
    "journal_entry",
    metadata,
    *span_columns("journal_entry"),
    # Entries of one statement follow one another: otherwise all top-ups of a province would be the newest.
    sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column(
        "programme_code", sa.Text, sa.ForeignKey("programme.code", name="journal_entry_programme_fk"), nullable=False
    ),
    sa.Column("cycle_id", pg.UUID(as_uuid=True)),
    sa.Column("family_id", pg.UUID(as_uuid=True)),
    sa.Column(
        "source_id",
        pg.UUID(as_uuid=True),
        nullable=False,
        comment="the entitlement, order, transaction or wallet that it is about",
    ),
    sa.Column(
        "source_key",
        sa.Text,
        nullable=False,
        comment="what may happen once only, such as TOP_UP:SEMBAKO:2026-01-01:family",
    ),
    sa.Column("principal_id", pg.UUID(as_uuid=True), nullable=False, comment="who caused it"),
    sa.Column("reason", sa.Text, comment="why an entry is reversed"),
    sa.UniqueConstraint("regency_id", "source_key", name="journal_entry_source_uq"),
    one_of("journal_entry", "kind", EntryKind),
    check("(kind = 'REVERSAL') = (reason is not null)", "journal_entry_reason_ck"),
)
sa.Index(
    "journal_entry_cycle_ix",
    journal_entry.c.regency_id,
    journal_entry.c.cycle_id,
    journal_entry.c.happened_at,
    postgresql_where=journal_entry.c.cycle_id.is_not(None),
)
sa.Index("journal_entry_newest_ix", journal_entry.c.happened_at)
sa.Index("journal_entry_regency_ix", journal_entry.c.regency_id, journal_entry.c.happened_at, journal_entry.c.id)
sa.Index(
    "journal_entry_family_ix",
    journal_entry.c.regency_id,
    journal_entry.c.family_id,
    postgresql_where=journal_entry.c.family_id.is_not(None),
)

# All lines of an entry come in one statement with it, or they are refused: a trigger looks the entry up, adds the lines up, moves the
# wallets, and counts.
journal_line = sa.Table(
    "journal_line",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entry_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("number", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("holder_id", pg.UUID(as_uuid=True), comment="the wallet, or the agent"),
    sa.Column("programme_code", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False, comment="rupiah; positive: into the account"),
    one_of("journal_line", "account", Account),
    check("amount <> 0", "journal_line_amount_ck"),
    check("(account in ('WALLET', 'AGENT')) = (holder_id is not null)", "journal_line_holder_ck"),
    check("village_low / 1000000 = regency_id", "journal_line_regency_ck"),
    check("village_low <= village_high", "journal_line_span_ck"),
)
sa.Index(
    "journal_line_holder_ix",
    journal_line.c.regency_id,
    journal_line.c.holder_id,
    postgresql_where=journal_line.c.holder_id.is_not(None),
)

# Added up by regency; several slots, so that nobody waits for another's row.
ledger_total = sa.Table(
    "ledger_total",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("programme_code", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("lines", sa.BigInteger, nullable=False, server_default="0"),
    one_of("ledger_total", "account", Account),
    check("village_low / 1000000 = regency_id", "ledger_total_regency_ck"),
    check("village_low <= village_high", "ledger_total_span_ck"),
)

# Wallets that nobody has touched for so long that what is in them goes back to the treasury, by a job.
idle_return = sa.Table(
    "idle_return",
    metadata,
    *span_columns("idle_return"),
    sa.Column("region_id", sa.BigInteger, sa.ForeignKey("region.id", name="idle_return_region_fk"), nullable=False),
    sa.Column(
        "programme_code", sa.Text, sa.ForeignKey("programme.code", name="idle_return_programme_fk"), nullable=False
    ),
    sa.Column(
        "untouched_since",
        sa.DateTime(timezone=True),
        nullable=False,
        comment="wallets that moved at this moment or later stay as they are",
    ),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("job_id", pg.UUID(as_uuid=True)),
    *actor("made", nullable=False),
    sa.Column("wallets", sa.Integer, nullable=False, server_default="0", comment="how many were emptied so far"),
    sa.Column("amount", sa.BigInteger, nullable=False, server_default="0", comment="rupiah returned so far"),
    moment("finished_at"),
    sa.UniqueConstraint("regency_id", "made_by", "idempotency_key", name="idle_return_key_uq"),
)
# Ids are UUIDs of version 7: their order is that of time.
sa.Index("idle_return_newest_ix", idle_return.c.id)
