"""The table of jobs: work that goes on after the request that asked for it.

A job stands for the span of villages that its work is about and is seen by whoever holds that span. Which worker has it is the
queue's business (``queue``); this table says what people are told.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import Term, metadata


class JobKind(Term):
    """What a job does."""

    IMPORT_CHECK = ("IMPORT_CHECK", "membaca dan memeriksa berkas impor")
    IMPORT_APPLY = ("IMPORT_APPLY", "menerapkan impor pada registri")
    EXPORT = ("EXPORT", "menulis berkas ekspor")
    MATCHING = ("MATCHING", "memadankan orang dengan data kependudukan Dukcapil")
    CYCLE_GENERATION = ("CYCLE_GENERATION", "membuat daftar penerima bantuan")
    BANK_FILE = ("BANK_FILE", "menulis berkas untuk bank penyalur")
    BANK_RESULTS = ("BANK_RESULTS", "membaca hasil dari bank penyalur")
    IDLE_RETURN = ("IDLE_RETURN", "mengembalikan saldo mengendap ke kas negara")
    MEMBERSHIP_REVIEW = ("MEMBERSHIP_REVIEW", "memeriksa kepesertaan PBI-JK terhadap registri")
    EWARONG_SCREENING = ("EWARONG_SCREENING", "mencari sinyal dalam transaksi e-Warong")


class JobState(Term):
    """Where a job stands."""

    QUEUED = ("QUEUED", "menunggu giliran")
    RUNNING = ("RUNNING", "sedang dikerjakan")
    SUCCEEDED = ("SUCCEEDED", "selesai")
    FAILED = ("FAILED", "gagal")
    CANCELLED = ("CANCELLED", "dibatalkan")

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to the job."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


ENDED: Final = tuple(state for state in JobState if state.has_ended)


def _one_of(column: str, terms: type[Term]) -> sa.CheckConstraint:
    members = ", ".join(f"'{term.value}'" for term in terms)
    return sa.CheckConstraint(f"{column} in ({members})", name=sa.schema.conv(f"job_{column}_ck"))


_ENDED: Final = ", ".join(f"'{state.value}'" for state in ENDED)

# Codes are texts with a check: under row-level security only leakproof comparisons use an index, and enums have none.
job = sa.Table(
    "job",
    metadata,
    sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
    sa.Column("village_low", sa.BigInteger, nullable=False),
    sa.Column("village_high", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column(
        "subject_id", pg.UUID(as_uuid=True), nullable=False, comment="the import, the export, ... that the job works on"
    ),
    sa.Column("state", sa.Text, nullable=False, server_default="QUEUED"),
    sa.Column("stage", sa.Text),
    sa.Column("done", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("total", sa.BigInteger),
    sa.Column("paced_from", sa.DateTime(timezone=True)),
    sa.Column("paced_done", sa.BigInteger, comment="what was done at paced_from: the rate counts from there"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0", comment="attempts that met an unknown error"),
    sa.Column("error_code", sa.Text),
    sa.Column("error_indonesian", sa.Text),
    sa.Column("error_english", sa.Text),
    # No foreign key: a tenant table points at none that lies elsewhere.
    sa.Column("principal_id", pg.UUID(as_uuid=True), nullable=False),
    sa.Column("principal_name", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("cancel_requested_at", sa.DateTime(timezone=True)),
    _one_of("kind", JobKind),
    _one_of("state", JobState),
    sa.CheckConstraint(
        f"(state in ({_ENDED})) = (finished_at is not null)",
        name=sa.schema.conv("job_finished_ck"),
    ),
    sa.CheckConstraint(
        "num_nulls(error_code, error_indonesian, error_english) = case state when 'FAILED' then 0 else 3 end",
        name=sa.schema.conv("job_error_ck"),
    ),
    sa.CheckConstraint("done >= 0 and total >= 0", name=sa.schema.conv("job_done_ck")),
    sa.CheckConstraint("village_low / 1000000 = regency_id", name=sa.schema.conv("job_regency_ck")),
    sa.CheckConstraint("village_low <= village_high", name=sa.schema.conv("job_span_ck")),
)
sa.Index("job_newest_ix", job.c.id)
