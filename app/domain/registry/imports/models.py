"""Tables of an import: what was read from a file, what is said of each row, and how far applying has come.

All of it stands for the span of villages that the file is about and is seen by whoever holds that span. Staged rows are written by COPY
and go when the import is over; what was said of them stays.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata
from app.domain.registry.models import family, person


class ImportFormat(Term):
    """What a file looks like."""

    KESOS_CSV = ("KESOS_CSV", "CSV Kesos: satu berkas, atau zip berisi families.csv dan persons.csv")
    OPENSID = ("OPENSID", "berkas penduduk OpenSID")
    REGSOSEK_2022 = ("REGSOSEK_2022", "buku kerja keluarga Regsosek 2022 dengan lima lembar")
    PROFILE = ("PROFILE", "buku kerja lain menurut profil pemetaan")


class ImportMode(Term):
    """What the file means for families that it does not name."""

    ADDITION = ("ADDITION", "penambahan: yang tidak disebut tetap")
    EDITION = ("EDITION", "edisi lengkap: yang tidak disebut keluar dari wilayah")


class ImportStage(Term):
    """How far an import has come."""

    UPLOADED = ("UPLOADED", "berkas diterima")
    PARSED = ("PARSED", "berkas terbaca")
    VALIDATED = ("VALIDATED", "sudah diperiksa, menunggu keputusan")
    APPLYING = ("APPLYING", "sedang diterapkan")
    APPLIED = ("APPLIED", "sudah diterapkan")
    DISCARDED = ("DISCARDED", "dibatalkan")


class RowSubject(Term):
    """Which of the two kinds of row a line of a file is. One line may be both: a person with a family around."""

    FAMILY = ("FAMILY", "keluarga")
    PERSON = ("PERSON", "orang")


class Severity(Term):
    """What a finding means for its row."""

    WARNING = ("WARNING", "peringatan: baris tetap diterima")
    ERROR = ("ERROR", "kesalahan: baris ditolak")


class MatchOutcome(Term):
    """What a staged row is to the registered one that it matches."""

    SAME = ("SAME", "sama")
    CHANGED = ("CHANGED", "ada nilai yang berubah")
    MOVED = ("MOVED", "pindah desa/kelurahan atau keluarga")


class DepartureReason(Term):
    """Why a registered family is not in a full edition any more."""

    MEMBERS_MOVED = ("MEMBERS_MOVED", "semua anggota yang masih tinggal di sana tercatat dalam keluarga lain")
    MEMBERS_DECEASED = ("MEMBERS_DECEASED", "semua anggota meninggal")
    NOT_IN_EDITION = ("NOT_IN_EDITION", "tidak ada dalam edisi ini")


class DuplicateDecision(Term):
    """What somebody has decided about a probable duplicate."""

    SAME_PERSON = ("SAME_PERSON", "orang yang sama")
    DIFFERENT_PERSON = ("DIFFERENT_PERSON", "orang yang berbeda")


COUNTS: Final = (
    "families_staged", "families_accepted", "families_rejected", "families_new", "families_same", "families_changed",
    "families_moved", "families_left", "persons_staged", "persons_accepted", "persons_rejected", "persons_new", "persons_same",
    "persons_changed", "persons_moved", "rows_with_warnings", "probable_duplicates",
)  # fmt: skip
"""What is counted of an import; all 0 until the stage that counts it."""


def _one_of(column: str, terms: type[Term], name: str) -> sa.CheckConstraint:
    members = ", ".join(f"'{term.value}'" for term in terms)
    return sa.CheckConstraint(f"{column} in ({members})", name=sa.schema.conv(name))


def _span(table: str) -> tuple[sa.Column[int], sa.Column[int], sa.CheckConstraint, sa.CheckConstraint]:
    return (
        sa.Column("village_low", sa.BigInteger, nullable=False),
        sa.Column("village_high", sa.BigInteger, nullable=False),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=sa.schema.conv(f"{table}_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=sa.schema.conv(f"{table}_span_ck")),
    )


def _regency() -> sa.Column[int]:
    return sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False)


def _of_import(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["regency_id", "import_id"], ["registry_import.regency_id", "registry_import.id"], name=f"{table}_import_fk"
    )


# Codes are texts with a check: under row-level security only leakproof comparisons use an index, and enums have none.
registry_import = sa.Table(
    "registry_import",
    metadata,
    _regency(),
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    *_span("registry_import"),
    sa.Column("region_id", sa.BigInteger, sa.ForeignKey("region.id", name="registry_import_region_fk"), nullable=False),
    sa.Column("upload_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("job_id", pg.UUID(as_uuid=True)),
    sa.Column("idempotency_key", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("profile", sa.Text),
    sa.Column("encoding", sa.Text, nullable=False, server_default="utf-8-sig"),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column(
        "edition_id",
        sa.Integer,
        sa.ForeignKey("registry_edition.id", name="registry_import_edition_fk"),
        nullable=False,
    ),
    sa.Column("stage", sa.Text, nullable=False, server_default="UPLOADED"),
    sa.Column("accept_valid", sa.Boolean, nullable=False, server_default="false"),
    *[sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in COUNTS],
    sa.Column("created_by", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("created_by_name", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("validated_at", sa.DateTime(timezone=True)),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    _one_of("format", ImportFormat, "registry_import_format_ck"),
    _one_of("mode", ImportMode, "registry_import_mode_ck"),
    _one_of("stage", ImportStage, "registry_import_stage_ck"),
    sa.CheckConstraint(
        "(format = 'PROFILE') = (profile is not null)", name=sa.schema.conv("registry_import_profile_ck")
    ),
    sa.UniqueConstraint("regency_id", "idempotency_key", name="registry_import_key_uq"),
)
sa.Index(
    "registry_import_unfinished_ix",
    registry_import.c.upload_id,
    postgresql_where=sa.text("stage in ('UPLOADED', 'PARSED', 'VALIDATED', 'APPLYING')"),
)

_PLACED: Final = {"regency_id", "id", "village_id"}
_KEPT: Final = {"edition_id", "status", "head_name", "version", "created_at", "updated_at"}
FAMILY_ATTRIBUTES: Final = tuple(
    column.name for column in family.columns if column.name not in _PLACED | _KEPT and not column.name.startswith("kk_")
)
"""Columns of ``family`` that a file may fill, ``decile`` among them; in the order in which they are staged."""
_IDENTITY: Final = {"nik_sealed", "nik_digest", "nik_masked", "identity_status", "mismatch_reason", "family_id"}
PERSON_ATTRIBUTES: Final = tuple(
    column.name for column in person.columns if column.name not in _PLACED | _KEPT | _IDENTITY
)
"""Columns of ``person`` that a file may fill besides the NIK; in the order in which they are staged."""


def _copied(table: sa.Table, names: tuple[str, ...]) -> list[sa.Column[object]]:
    return [sa.Column(name, table.c[name].type) for name in names]


# No foreign keys on what is staged: checking one costs as much as the COPY of the row itself.
staged_family = sa.Table(
    "staged_family",
    metadata,
    _regency(),
    sa.Column("import_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    *_span("staged_family"),
    sa.Column("id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("family_key", sa.LargeBinary, nullable=False),
    sa.Column("village_code", sa.Text),
    sa.Column("village_id", sa.BigInteger),
    sa.Column("kk_sealed", sa.LargeBinary),
    sa.Column("kk_digest", sa.LargeBinary),
    sa.Column("kk_masked", sa.Text),
    sa.Column("kk_regency", sa.Integer),
    sa.Column("percentile", sa.SmallInteger),
    sa.Column("ranked_on", sa.Date),
    *_copied(family, FAMILY_ATTRIBUTES),
)
sa.Index("staged_family_key_ix", staged_family.c.regency_id, staged_family.c.import_id, staged_family.c.family_key)
sa.Index("staged_family_village_ix", staged_family.c.regency_id, staged_family.c.import_id, staged_family.c.village_id)

staged_person = sa.Table(
    "staged_person",
    metadata,
    _regency(),
    sa.Column("import_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    *_span("staged_person"),
    sa.Column("id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("family_key", sa.LargeBinary, nullable=False),
    sa.Column("nik_sealed", sa.LargeBinary),
    sa.Column("nik_digest", sa.LargeBinary),
    sa.Column("nik_masked", sa.Text),
    sa.Column("nik_birth_date", sa.Date),
    sa.Column("nik_sex", person.c.sex.type),
    sa.Column("nik_regency", sa.Integer),
    *_copied(person, PERSON_ATTRIBUTES),
)
sa.Index("staged_person_family_ix", staged_person.c.regency_id, staged_person.c.import_id, staged_person.c.family_key)

import_issue = sa.Table(
    "import_issue",
    metadata,
    _regency(),
    sa.Column("import_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("column_name", sa.Text, primary_key=True),
    *_span("import_issue"),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("value_masked", sa.Text, nullable=False, server_default=""),
    sa.Column("other_line", sa.Integer),
    _one_of("subject", RowSubject, "import_issue_subject_ck"),
    _one_of("severity", Severity, "import_issue_severity_ck"),
)

import_match = sa.Table(
    "import_match",
    metadata,
    _regency(),
    sa.Column("import_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    *_span("import_match"),
    sa.Column("registered_regency_id", sa.Integer, nullable=False),
    sa.Column("registered_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("changed", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    _one_of("subject", RowSubject, "import_match_subject_ck"),
    _one_of("outcome", MatchOutcome, "import_match_outcome_ck"),
)

sa.Index(
    "import_match_registered_ix", import_match.c.regency_id, import_match.c.import_id, import_match.c.registered_id
)

import_departure = sa.Table(
    "import_departure",
    metadata,
    _regency(),
    sa.Column("import_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("family_regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("family_id", pg.UUID(as_uuid=True), primary_key=True),
    *_span("import_departure"),
    sa.Column("family_village_id", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    _one_of("reason", DepartureReason, "import_departure_reason_ck"),
)

import_duplicate = sa.Table(
    "import_duplicate",
    metadata,
    _regency(),
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    *_span("import_duplicate"),
    sa.Column("import_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("other_line", sa.Integer),
    sa.Column("person_regency_id", sa.Integer),
    sa.Column("person_id", pg.UUID(as_uuid=True)),
    sa.Column("score", sa.SmallInteger, nullable=False),
    sa.Column("decision", sa.Text),
    sa.Column("decided_by", pg.UUID(as_uuid=True)),
    sa.Column("decided_at", sa.DateTime(timezone=True)),
    _of_import("import_duplicate"),
    _one_of("decision", DuplicateDecision, "import_duplicate_decision_ck"),
    sa.CheckConstraint("score between 0 and 100", name=sa.schema.conv("import_duplicate_score_ck")),
    sa.CheckConstraint(
        "(other_line is null) <> (person_id is null) and (person_id is null) = (person_regency_id is null)",
        name=sa.schema.conv("import_duplicate_other_ck"),
    ),
)
sa.Index(
    "import_duplicate_import_ix", import_duplicate.c.regency_id, import_duplicate.c.import_id, import_duplicate.c.line
)

import_batch = sa.Table(
    "import_batch",
    metadata,
    _regency(),
    sa.Column("import_id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    *_span("import_batch"),
    sa.Column("first_village_id", sa.BigInteger, nullable=False),
    sa.Column("last_village_id", sa.BigInteger, nullable=False),
    sa.Column("families", sa.Integer, nullable=False),
    sa.Column("applied_at", sa.DateTime(timezone=True)),
    _of_import("import_batch"),
)
