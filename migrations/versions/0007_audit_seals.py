"""Events of every kind, and the seals that show whether one was changed.

Revision ID: 0007
Revises: 0006
"""

from datetime import date
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, appended_table, reference_table, tenant_policy

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ACTIONS = "'READ', 'REVEAL', 'EXPORT', 'LOGIN', 'REFUSAL', 'CHANGE'"
_NEW_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "village_low": sa.BigInteger(),
    "village_high": sa.BigInteger(),
    "roles": pg.ARRAY(sa.Text()),
    "operation": sa.Text(),
    "document_hash": sa.LargeBinary(),
    "subject_ids": pg.ARRAY(pg.UUID()),
    "row_count": sa.Integer(),
}
_OPTIONAL = frozenset({"document_hash"})
_CHECKS = {
    "audit_event_action_ck": f"action in ({_ACTIONS})",
    "audit_event_regency_ck": "village_low / 1000000 = regency_id",
    "audit_event_span_ck": "village_low <= village_high",
    "audit_event_purpose_ck": "action <> 'REVEAL' or purpose is not null",
    "audit_event_document_hash_ck": "octet_length(document_hash) = 32",
    "audit_event_row_count_ck": "row_count >= 0",
}
# Until now the only events were NIK and KK shown in full. What their callers' roles were was not written down.
_CARRY_OVER = """
update audit_event set
  action = upper(action), village_low = village_id, village_high = village_id, roles = '{}', subject_ids = array[subject_id],
  operation = case subject_type when 'Person' then 'nikRevealed' when 'Family' then 'kkRevealed' else action end, row_count = 1
"""
_CARRY_BACK = """
update audit_event set action = lower(action), village_id = village_low, subject_id = subject_ids[1]
"""
_NOT_TOLD_BEFORE = """
delete from audit_event where action <> 'REVEAL' or village_low <> village_high or permission is null
  or cardinality(subject_ids) <> 1
"""
# The operators of arrays are not leakproof, so under a policy no index on `subject_ids` is used: the owner looks the keys up, and whoever
# asks reads with them what the policy lets them see.
_EVENTS_ABOUT = """
create function audit_events_about(subjects uuid[], since timestamptz) returns table (regency_id int, id uuid)
language sql stable security definer set search_path = public, pg_temp as $$
  select e.regency_id, e.id from audit_event e where e.subject_ids && subjects and e.happened_at >= since
$$
"""
_UU_PDP_IN_FORCE = date(2022, 10, 17)
# New subjects wait in a list, which is cheap to append to, until the sealer moves them into the index: measured for events of 50
# subjects, 30 us instead of 90, and no request that has to tidy up for 130 ms. The limit is what a minute at full load may leave.
_PENDING_KB = 262_144
_INDEX_SUBJECTS = """
create function audit_index_subjects() returns bigint
language sql volatile security definer set search_path = public, pg_temp as $$
  select gin_clean_pending_list('audit_event_subject_ix')
$$
"""
_INITIAL = "Kebijakan awal; ditetapkan oleh instansi."
_RECORDS_OF_PROCESSING = (
    f"{_INITIAL} UU 27/2022 mewajibkan perekaman seluruh kegiatan pemrosesan data pribadi tanpa menyebut jangka waktu."
)
_RETENTION = {
    "READ": (1826, _RECORDS_OF_PROCESSING),
    "REVEAL": (1826, _RECORDS_OF_PROCESSING),
    "EXPORT": (1826, _RECORDS_OF_PROCESSING),
    "CHANGE": (1826, _RECORDS_OF_PROCESSING),
    "LOGIN": (366, _INITIAL),
    "REFUSAL": (366, _INITIAL),
}


def upgrade() -> None:
    """Alter and create."""
    _alter_events()
    _create_seals()
    retention = op.create_table(
        "audit_retention",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.CheckConstraint(f"action in ({_ACTIONS})", name=op.f("audit_retention_action_ck")),
        sa.CheckConstraint("days > 0", name=op.f("audit_retention_days_ck")),
        sa.PrimaryKeyConstraint("action", "valid_from", name=op.f("audit_retention_pk")),
    )
    op.bulk_insert(
        retention,
        [
            {"action": action, "valid_from": _UU_PDP_IN_FORCE, "days": days, "legal_basis": legal_basis}
            for action, (days, legal_basis) in _RETENTION.items()
        ],
    )
    for statement in reference_table("audit_retention"):
        op.execute(statement)
    for function, created in (("audit_events_about", _EVENTS_ABOUT), ("audit_index_subjects", _INDEX_SUBJECTS)):
        op.execute(created)
        op.execute(f"revoke all on function {function} from public")
        op.execute(f"grant execute on function {function} to kesos_app")


def _alter_events() -> None:
    # The owner carries over rows that no policy shows it.
    op.execute("alter table audit_event no force row level security")
    op.execute("drop policy audit_event_tenant on audit_event")
    for name, sql_type in _NEW_COLUMNS.items():
        op.add_column("audit_event", sa.Column(name, sql_type))
    for name in ("permission", "purpose"):
        op.alter_column("audit_event", name, nullable=True)
    op.execute(_CARRY_OVER)
    for name in _NEW_COLUMNS.keys() - _OPTIONAL:
        op.alter_column("audit_event", name, nullable=False)
    op.drop_column("audit_event", "village_id")
    op.drop_column("audit_event", "subject_id")
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(name), "audit_event", condition)
    op.create_index("audit_event_regency_ix", "audit_event", ["regency_id", "happened_at", "id"], unique=False)
    op.create_index("audit_event_time_ix", "audit_event", ["happened_at", "id"], unique=False)
    op.create_index("audit_event_principal_ix", "audit_event", ["principal_id", "happened_at", "id"], unique=False)
    op.create_index(
        "audit_event_subject_ix",
        "audit_event",
        ["subject_ids"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": _PENDING_KB},
    )
    op.execute("revoke insert, update, delete, truncate on audit_event from kesos_loader")
    for statement in appended_table("audit_event"):
        op.execute(statement)


def _create_seals() -> None:
    op.create_table(
        "seal_queue",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_id", pg.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "regency_id", "record_id", name=op.f("seal_queue_pk")),
    )
    op.create_table(
        "seal_batch",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=True),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_count", sa.Integer(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("seal_batch_number_ck")),
        sa.CheckConstraint("(number = 1) = (previous is null)", name=op.f("seal_batch_previous_ck")),
        sa.CheckConstraint("leaf_count > 0", name=op.f("seal_batch_leaf_count_ck")),
        sa.PrimaryKeyConstraint("stream", "number", name=op.f("seal_batch_pk")),
    )
    op.create_table(
        "sealed_leaf",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_id", pg.UUID(), nullable=False),
        sa.Column("batch_number", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "regency_id", "record_id", name=op.f("sealed_leaf_pk")),
    )
    op.create_index("sealed_leaf_batch_ix", "sealed_leaf", ["stream", "batch_number", "position"], unique=False)
    op.execute("grant select, insert, delete on seal_queue to kesos_app")
    op.execute("grant select, insert on seal_batch, sealed_leaf to kesos_app")
    op.execute("grant select on seal_queue, seal_batch, sealed_leaf to kesos_loader")
    op.execute("insert into seal_queue (stream, regency_id, record_id) select 'audit', regency_id, id from audit_event")


def downgrade() -> None:
    """Drop; of the events, those stay that the older table can tell."""
    for function in ("audit_events_about", "audit_index_subjects"):
        op.execute(f"drop function {function}")
    for table in ("audit_retention", "sealed_leaf", "seal_batch", "seal_queue"):
        op.drop_table(table)
    op.execute("alter table audit_event no force row level security")
    for policy in ("tenant", "append", "owner"):
        op.execute(f"drop policy audit_event_{policy} on audit_event")
    op.execute(_NOT_TOLD_BEFORE)
    for name in _CHECKS:
        op.drop_constraint(op.f(name), "audit_event", type_="check")
    for index in ("regency", "time", "principal", "subject"):
        op.drop_index(f"audit_event_{index}_ix", "audit_event")
    op.add_column("audit_event", sa.Column("village_id", sa.BigInteger()))
    op.add_column("audit_event", sa.Column("subject_id", pg.UUID()))
    op.execute(_CARRY_BACK)
    for name in ("village_id", "subject_id", "permission", "purpose"):
        op.alter_column("audit_event", name, nullable=False)
    for name in _NEW_COLUMNS:
        op.drop_column("audit_event", name)
    op.create_check_constraint(
        op.f("audit_event_village_in_regency_ck"), "audit_event", "village_id / 1000000 = regency_id"
    )
    op.create_index("audit_event_subject_ix", "audit_event", ["regency_id", "subject_id", "happened_at"], unique=False)
    for statement in tenant_policy("audit_event", Tenancy.VILLAGE, "select, insert"):
        op.execute(statement)
