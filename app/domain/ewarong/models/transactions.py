"""Redemptions of families at outlets, their lines, what takes them back, and the totals of the day."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import metadata, tenant_columns, village_lies_in_regency
from app.domain.columns import actor, check, moment
from app.domain.ewarong.models.columns import of_agent, outlet_columns

# Written by functions of the database (migrations 0025, 0035) and never changed: what corrects it is a row beside it.
ewarong_transaction = sa.Table(
    "ewarong_transaction",
    metadata,
    *outlet_columns(),
    sa.Column("programme_code", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False, comment="rupiah"),
    sa.Column("balance", sa.BigInteger, nullable=False, comment="rupiah left in the wallet right after it"),
    sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False, comment="by the clock of the device"),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("day", sa.Date, nullable=False, comment="local day of the outlet on which it happened"),
    sa.Column(
        "clock_skew", sa.Integer, comment="seconds that the device's clock was ahead of the server's; null: unknown"
    ),
    sa.Column("device_id", pg.UUID(as_uuid=True)),
    sa.Column("device_sequence", sa.Integer),
    sa.Column("latitude", sa.Double),
    sa.Column("longitude", sa.Double),
    sa.Column("last_four", sa.Text, nullable=False, comment="of the card"),
    sa.Column("card_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("family_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("family_regency_id", sa.Integer, nullable=False, comment="a family may buy in another regency"),
    sa.Column("family_village_id", sa.BigInteger, nullable=False),
    sa.Column("wallet_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("entry_id", pg.UUID(as_uuid=True), nullable=False, comment="in the journal of the family's regency"),
    sa.Column("receipt", sa.Text, nullable=False, comment="code by which the family can check it"),
    sa.Column("unbalanced", sa.Boolean, nullable=False, comment="a food group is missing that the basket should hold"),
    sa.Column(
        "basket",
        sa.LargeBinary,
        nullable=False,
        comment="digest of commodities and quantities: equal for equal baskets",
    ),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column(
        "request", sa.LargeBinary, nullable=False, comment="digest of what was asked: a key stands for one request"
    ),
    *actor("reported", nullable=False)[:1],
    sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_transaction_key_uq"),
    sa.UniqueConstraint("receipt", "regency_id", name="ewarong_transaction_receipt_uq"),
    check("amount > 0 and balance >= 0", "ewarong_transaction_amount_ck"),
    check("num_nulls(device_id, device_sequence) in (0, 2)", "ewarong_transaction_device_ck"),
    check("num_nulls(latitude, longitude) in (0, 2)", "ewarong_transaction_place_ck"),
    village_lies_in_regency("ewarong_transaction"),
)
# Ids are UUIDs of version 7: their order is that of time.
sa.Index(
    "ewarong_transaction_agent_ix",
    ewarong_transaction.c.regency_id,
    ewarong_transaction.c.agent_id,
    ewarong_transaction.c.id,
)
sa.Index("ewarong_transaction_day_ix", ewarong_transaction.c.regency_id, ewarong_transaction.c.day)
sa.Index("ewarong_transaction_family_ix", ewarong_transaction.c.regency_id, ewarong_transaction.c.family_id)

ewarong_line = sa.Table(
    "ewarong_line",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("transaction_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("number", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("village_id", sa.BigInteger, nullable=False),
    sa.Column("agent_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("commodity_code", sa.Text, nullable=False),
    sa.Column("quantity", sa.Numeric(9, 3), nullable=False, comment="units of the commodity"),
    sa.Column("unit_price", sa.BigInteger, nullable=False, comment="rupiah"),
    sa.Column("amount", sa.BigInteger, nullable=False, comment="rupiah: quantity by price, rounded half up"),
    check("quantity > 0 and unit_price > 0 and amount > 0", "ewarong_line_amount_ck"),
    village_lies_in_regency("ewarong_line"),
)

# The transaction stays as it is; the journal has the opposite entry.
ewarong_reversal = sa.Table(
    "ewarong_reversal",
    metadata,
    *outlet_columns(),
    sa.Column("transaction_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("entry_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("day", sa.Date, nullable=False, comment="local day of the outlet on which it was taken back"),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    *actor("reversed", nullable=False),
    sa.UniqueConstraint("regency_id", "transaction_id", name="ewarong_reversal_transaction_uq"),
    sa.UniqueConstraint("regency_id", "idempotency_key", name="ewarong_reversal_key_uq"),
    check("amount > 0", "ewarong_reversal_amount_ck"),
    village_lies_in_regency("ewarong_reversal"),
    of_agent("ewarong_reversal"),
)

# Several rows a day and outlet, so that nobody waits for another's; districts and regencies are added up from them.
ewarong_day = sa.Table(
    "ewarong_day",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("agent_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("village_id", sa.BigInteger, nullable=False),
    sa.Column("transactions", sa.Integer, nullable=False, server_default="0"),
    sa.Column("amount", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("reversals", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reversed_amount", sa.BigInteger, nullable=False, server_default="0"),
    village_lies_in_regency("ewarong_day"),
)
sa.Index("ewarong_day_village_ix", ewarong_day.c.village_id, ewarong_day.c.day)

# A device's clock and how far it has got, when it synced for an outlet: a device that is handed on has a row with each. Nobody is told of
# a sale by this: what is sent again is known by its key.
ewarong_device = sa.Table(
    "ewarong_device",
    metadata,
    *tenant_columns(),
    sa.Column("agent_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("last_sequence", sa.Integer, nullable=False, server_default="0"),
    sa.Column(
        "clock_skew",
        sa.Integer,
        nullable=False,
        server_default="0",
        comment="seconds ahead of the server, when it synced last",
    ),
    moment("synced_at", nullable=False),
    village_lies_in_regency("ewarong_device"),
    of_agent("ewarong_device"),
)
