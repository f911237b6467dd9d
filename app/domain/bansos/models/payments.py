"""Orders of payment, the files that go to a bank and come back, and the cards (KKS) that families hold."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata, tenant_columns, village_lies_in_regency
from app.domain.columns import actor, check, created_at, moment, one_of, span_columns


class OrderState(Term):
    """Where an order of payment stands: the steps of the treasury and the bank that it takes as a whole."""

    ACCOUNT_CHECK = ("ACCOUNT_CHECK", "rekening diperiksa bank")
    ACCOUNTS_CHECKED = ("ACCOUNTS_CHECKED", "hasil cek rekening diterima")
    SPM = ("SPM", "surat perintah membayar terbit")
    OMSPAN = ("OMSPAN", "masuk OMSPAN")
    SP2D = ("SP2D", "surat perintah pencairan dana terbit")
    STANDING_INSTRUCTION = ("STANDING_INSTRUCTION", "perintah pemindahbukuan dikirim")
    SETTLED = ("SETTLED", "semua hasil top up diterima")


class FileKind(Term):
    """What a file between Kesos and a bank is about."""

    ACCOUNT_CHECK = ("ACCOUNT_CHECK", "permintaan cek rekening")
    ACCOUNT_RESULT = ("ACCOUNT_RESULT", "hasil cek rekening")
    TOP_UP = ("TOP_UP", "perintah top up (SI)")
    TOP_UP_RESULT = ("TOP_UP_RESULT", "hasil top up")


class FileFormat(Term):
    """How a file between Kesos and a bank is written."""

    FIXED = ("FIXED", "kolom berlebar tetap")
    CSV = ("CSV", "teks berkolom")


class ResultVerdict(Term):
    """What became of a line of a bank's answer."""

    APPLIED = ("APPLIED", "diterapkan")
    REPEATED = ("REPEATED", "sudah pernah diterima, tidak berpengaruh")
    UNKNOWN = ("UNKNOWN", "tidak dikenal dalam perintah ini")
    MISMATCH = ("MISMATCH", "jumlah atau kartu tidak sama dengan perintah")


class CardState(Term):
    """Where a KKS stands (bank card of a family)."""

    OPENING = ("OPENING", "pembukaan rekening kolektif (burekol)")
    PRINTED = ("PRINTED", "dicetak")
    DISTRIBUTED = ("DISTRIBUTED", "didistribusikan")
    ACTIVE = ("ACTIVE", "aktif")
    LOST = ("LOST", "hilang")
    DAMAGED = ("DAMAGED", "rusak")
    SWAPPED = ("SWAPPED", "tertukar")
    BLOCKED = ("BLOCKED", "diblokir")
    WITHDRAWN = ("WITHDRAWN", "ditarik")


class Bank(Term):
    """Who carries the money."""

    BRI = ("BRI", "Bank Rakyat Indonesia")
    BNI = ("BNI", "Bank Negara Indonesia")
    MANDIRI = ("MANDIRI", "Bank Mandiri")
    BTN = ("BTN", "Bank Tabungan Negara")
    BSI = ("BSI", "Bank Syariah Indonesia")
    POS = ("POS", "PT Pos Indonesia")


payment_order = sa.Table(
    "payment_order",
    metadata,
    *span_columns("payment_order"),
    sa.Column("cycle_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("bank", sa.Text, nullable=False),
    sa.Column(
        "number", sa.Integer, nullable=False, comment="the how many-th of the cycle and bank: families get cards later"
    ),
    sa.Column("state", sa.Text, nullable=False, server_default="ACCOUNT_CHECK"),
    sa.Column("entitlements", sa.Integer, nullable=False, comment="how many it began with"),
    sa.Column("amount", sa.BigInteger, nullable=False, comment="rupiah that it began with"),
    sa.Column("valid_entitlements", sa.Integer, comment="whose accounts the bank found good"),
    sa.Column("valid_amount", sa.BigInteger),
    sa.Column("spm_number", sa.Text),
    sa.Column("sp2d_number", sa.Text),
    *actor("made", nullable=False),
    moment("checked_at"),
    moment("spm_at"),
    moment("omspan_at"),
    moment("sp2d_at"),
    moment("instructed_at"),
    moment("settled_at"),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.ForeignKeyConstraint(
        ["regency_id", "cycle_id"], ["aid_cycle.regency_id", "aid_cycle.id"], name="payment_order_cycle_fk"
    ),
    sa.UniqueConstraint("regency_id", "cycle_id", "bank", "number", name="payment_order_bank_uq"),
    one_of("payment_order", "bank", Bank),
    one_of("payment_order", "state", OrderState),
)
sa.Index("payment_order_newest_ix", payment_order.c.id)

bank_file = sa.Table(
    "bank_file",
    metadata,
    *span_columns("bank_file"),
    sa.Column("order_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False, comment="the how many-th of its kind for the order"),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False, comment="control total in rupiah"),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("vault_id", pg.UUID(as_uuid=True), comment="where a file that goes out lies, sealed"),
    sa.Column("upload_id", pg.UUID(as_uuid=True), comment="the upload that a file that came in was"),
    sa.Column("applied", sa.Integer, comment="lines by verdict, of a file that came in"),
    sa.Column("repeated", sa.Integer),
    sa.Column("unknown", sa.Integer),
    sa.Column("mismatched", sa.Integer),
    *actor("made", nullable=False),
    sa.ForeignKeyConstraint(
        ["regency_id", "order_id"], ["payment_order.regency_id", "payment_order.id"], name="bank_file_order_fk"
    ),
    sa.UniqueConstraint("regency_id", "order_id", "kind", "sha256", name="bank_file_sha256_uq"),
    one_of("bank_file", "kind", FileKind),
    one_of("bank_file", "format", FileFormat),
    check("octet_length(sha256) = 32", "bank_file_sha256_ck"),
)
# Of what goes out there is one file of each kind, number and format: two workers that write it at once do not make two.
sa.Index(
    "bank_file_out_uq",
    bank_file.c.regency_id,
    bank_file.c.order_id,
    bank_file.c.kind,
    bank_file.c.number,
    bank_file.c.format,
    unique=True,
    postgresql_where=bank_file.c.vault_id.is_not(None),
)
sa.Index("bank_file_vault_ix", bank_file.c.vault_id, postgresql_where=bank_file.c.vault_id.is_not(None))

# A file of results that somebody has brought, or that a bank has answered: what a job reads.
bank_report = sa.Table(
    "bank_report",
    metadata,
    *span_columns("bank_report"),
    sa.Column("order_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("vault_id", pg.UUID(as_uuid=True), nullable=False, comment="where the file lies, sealed; an upload's id"),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("job_id", pg.UUID(as_uuid=True), nullable=False),
    *actor("made", nullable=False),
    sa.ForeignKeyConstraint(
        ["regency_id", "order_id"], ["payment_order.regency_id", "payment_order.id"], name="bank_report_order_fk"
    ),
    sa.UniqueConstraint("regency_id", "idempotency_key", name="bank_report_key_uq"),
)
sa.Index("bank_report_vault_ix", bank_report.c.vault_id)

# The lines of a bank's answer that were not simply applied, and all that failed: what an officer has to look at.
bank_result = sa.Table(
    "bank_result",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("file_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("entitlement_id", pg.UUID(as_uuid=True), comment="null where it is not known"),
    sa.Column("code", sa.Text, nullable=False, comment="the bank's result, such as OK or ACCOUNT_CLOSED"),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(
        ["regency_id", "file_id"], ["bank_file.regency_id", "bank_file.id"], name="bank_result_file_fk"
    ),
    one_of("bank_result", "verdict", ResultVerdict),
    check("village_low / 1000000 = regency_id", "bank_result_regency_ck"),
    check("village_low <= village_high", "bank_result_span_ck"),
)

# Of the number of a card only the last four digits are kept, and the token by which the bank knows it; never a PIN.
kks_card = sa.Table(
    "kks_card",
    metadata,
    *tenant_columns(),
    sa.Column("family_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("person_id", pg.UUID(as_uuid=True), nullable=False, comment="who holds it for the family"),
    sa.Column("bank", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="OPENING"),
    sa.Column("last_four", sa.Text),
    sa.Column("token", sa.Text),
    created_at(),
    moment("activated_at"),
    moment("state_at", nullable=False),
    sa.Column("state_reason", sa.Text),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.ForeignKeyConstraint(["regency_id", "family_id"], ["family.regency_id", "family.id"], name="kks_card_family_fk"),
    one_of("kks_card", "bank", Bank),
    one_of("kks_card", "state", CardState),
    check("last_four ~ '^[0-9]{4}$'", "kks_card_last_four_ck"),
    check("num_nulls(last_four, token) in (0, 2)", "kks_card_token_pair_ck"),
    check("state in ('OPENING', 'WITHDRAWN') or token is not null", "kks_card_token_known_ck"),
    sa.UniqueConstraint("regency_id", "token", name="kks_card_token_uq"),
    village_lies_in_regency("kks_card"),
)
# A family has one card that counts; those before it stay as they ended.
sa.Index(
    "kks_card_family_uq",
    kks_card.c.regency_id,
    kks_card.c.family_id,
    unique=True,
    postgresql_where=sa.text("state in ('OPENING', 'PRINTED', 'DISTRIBUTED', 'ACTIVE', 'BLOCKED')"),
)
sa.Index("kks_card_family_ix", kks_card.c.regency_id, kks_card.c.family_id)
sa.Index("kks_card_village_ix", kks_card.c.village_id, kks_card.c.id)
# An outlet has the token alone, whichever regency the family lives in.
sa.Index("kks_card_token_ix", kks_card.c.token)
