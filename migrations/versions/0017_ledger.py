"""The double-entry ledger: wallets, journal entries and their lines.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy, appended_table, tenant_policy

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# The triggers look rows up by their keys, one at a time and in their order. Each statement is planned when it runs (EXECUTE): a plan
# kept from a time of few entries, when one index was as good as the other, would read one from end to end for each of 800,000 lines.
_AS_OWNER = """
returns trigger language plpgsql security definer set search_path = public, pg_temp
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off"""
# A trigger for each statement runs when the statement has ended, with all that it has inserted anywhere.
_ENTRIES = f"""
create function journal_entry_posted() {_AS_OWNER} as $$
declare
  wrong_ boolean;
begin
  execute 'select exists (
    select from new_rows e where not exists (
      select from journal_line l where l.regency_id = e.regency_id and l.entry_id = e.id and l.number = 1
    )
  )' into wrong_;
  if wrong_ then
    raise exception using errcode = 'KL001', message = 'a journal entry and its lines come in one statement';
  end if;
  insert into seal_queue (stream, regency_id, record_id) select 'ledger', regency_id, id from new_rows;
  return null;
end
$$
"""
# Of an entry only one statement can bring the line with number 1, and every statement has to: so no line is added later. Here a line finds
# its entry, too: the plan of a foreign key is kept, whatever there was when it was made.
_LINES = f"""
create function journal_line_posted() {_AS_OWNER} as $$
declare
  slot_ constant smallint := pg_backend_pid() % 16;
  wrong_ boolean;
  lost_ bigint;
begin
  execute 'select exists (
    select from new_rows group by regency_id, entry_id
    having sum(amount) <> 0 or count(*) < 2 or min(number) <> 1 or max(number) <> count(*)
  )' into wrong_;
  if wrong_ then
    raise exception using errcode = 'KL001',
      message = 'the lines of a journal entry sum to zero, are numbered from 1 and come in one statement';
  end if;
  execute 'select exists (
    select from new_rows l left join journal_entry e on e.regency_id = l.regency_id and e.id = l.entry_id
    where (l.village_low, l.village_high, l.programme_code) is distinct from (e.village_low, e.village_high, e.programme_code)
  )' into wrong_;
  if wrong_ then
    raise exception using errcode = 'KL001', message = 'a line has a journal entry, and lies where that lies';
  end if;
  execute 'with moved as materialized (
    select l.regency_id, l.holder_id, l.programme_code, e.family_id, sum(l.amount)::bigint as amount
    from new_rows l join journal_entry e on e.regency_id = l.regency_id and e.id = l.entry_id
    where l.account = ''WALLET''
    group by l.regency_id, l.holder_id, l.programme_code, e.family_id order by l.regency_id, l.holder_id
  ), done as (
    update wallet w set balance = w.balance + m.amount, moved_at = now() from moved m
    where w.regency_id = m.regency_id and w.id = m.holder_id
      and w.programme_code = m.programme_code and w.family_id = m.family_id
    returning 1
  )
  select (select count(*) from moved) - (select count(*) from done)' into lost_;
  if lost_ <> 0 then
    raise exception using errcode = 'KL002', message = 'a line names no wallet of the family and programme of its entry';
  end if;
  insert into ledger_total as t (regency_id, programme_code, account, slot, village_low, village_high, amount, lines)
  select regency_id, programme_code, account, slot_, regency_id * 1000000::bigint, regency_id * 1000000::bigint + 999999,
    sum(amount), count(*)
  from new_rows group by regency_id, programme_code, account order by regency_id, programme_code, account
  on conflict (regency_id, programme_code, account, slot)
    do update set amount = t.amount + excluded.amount, lines = t.lines + excluded.lines;
  return null;
exception when check_violation then
  raise exception using errcode = 'KL003', message = 'a wallet holds too little';
end
$$
"""
_TRIGGERS = {"journal_entry": _ENTRIES, "journal_line": _LINES}
# What is not named here the database sets: a balance begins at nothing, and nobody says when an entry was posted.
_INSERTED = {
    "wallet": "regency_id, id, village_id, family_id, programme_code",
    "journal_entry": "regency_id, id, village_low, village_high, kind, programme_code, cycle_id, family_id, source_id, source_key, "
    "principal_id, reason",
}


def upgrade() -> None:
    """Create."""
    op.create_table(
        "wallet",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_id", sa.BigInteger(), nullable=False),
        sa.Column("family_id", pg.UUID(), nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column(
            "balance", sa.BigInteger(), server_default="0", nullable=False, comment="rupiah; the sum of its lines"
        ),
        sa.Column(
            "moved_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when its balance last changed",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("wallet_balance_ck")),
        sa.CheckConstraint("village_id / 1000000 = regency_id", name=op.f("wallet_village_in_regency_ck")),
        sa.ForeignKeyConstraint(["programme_code"], ["programme.code"], name="wallet_programme_fk"),
        sa.ForeignKeyConstraint(
            ["regency_id", "family_id"], ["family.regency_id", "family.id"], name="wallet_family_fk"
        ),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("wallet_pk")),
        sa.UniqueConstraint("regency_id", "family_id", "programme_code", name="wallet_family_uq"),
    )
    # No index but the key holds an id: the planner would take it for as good as the key where it thinks that there are few rows.
    op.create_index("wallet_village_ix", "wallet", ["village_id"], unique=False)
    op.create_table(
        "journal_entry",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column(
            "happened_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("cycle_id", pg.UUID(), nullable=True),
        sa.Column("family_id", pg.UUID(), nullable=True),
        sa.Column(
            "source_id",
            pg.UUID(),
            nullable=False,
            comment="the entitlement, order, transaction or wallet that it is about",
        ),
        sa.Column(
            "source_key",
            sa.Text(),
            nullable=False,
            comment="what may happen once only, such as TOP_UP:SEMBAKO:2026-01-01:family",
        ),
        sa.Column("principal_id", pg.UUID(), nullable=False, comment="who caused it"),
        sa.Column("reason", sa.Text(), nullable=True, comment="why an entry is reversed"),
        sa.CheckConstraint(
            "kind in ('RELEASE', 'TOP_UP', 'RELEASE_RETURN', 'REDEMPTION', 'WITHDRAWAL', 'IDLE_RETURN', 'REVERSAL')",
            name=op.f("journal_entry_kind_ck"),
        ),
        sa.CheckConstraint("(kind = 'REVERSAL') = (reason is not null)", name=op.f("journal_entry_reason_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("journal_entry_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("journal_entry_span_ck")),
        sa.ForeignKeyConstraint(["programme_code"], ["programme.code"], name="journal_entry_programme_fk"),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("journal_entry_pk")),
        sa.UniqueConstraint("regency_id", "source_key", name="journal_entry_source_uq"),
    )
    op.create_index(
        "journal_entry_family_ix",
        "journal_entry",
        ["regency_id", "family_id"],
        unique=False,
        postgresql_where=sa.text("family_id IS NOT NULL"),
    )
    op.create_index(
        "journal_entry_cycle_ix",
        "journal_entry",
        ["regency_id", "cycle_id", "happened_at"],
        unique=False,
        postgresql_where=sa.text("cycle_id IS NOT NULL"),
    )
    op.create_index("journal_entry_newest_ix", "journal_entry", ["happened_at"], unique=False)
    op.create_table(
        "journal_line",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry_id", pg.UUID(), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("holder_id", pg.UUID(), nullable=True, comment="the wallet, or the agent"),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="rupiah; positive: into the account"),
        sa.CheckConstraint(
            "(account in ('WALLET', 'AGENT')) = (holder_id is not null)", name=op.f("journal_line_holder_ck")
        ),
        sa.CheckConstraint(
            "account in ('TREASURY', 'CLEARING', 'WALLET', 'AGENT', 'WITHDRAWN')", name=op.f("journal_line_account_ck")
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("journal_line_amount_ck")),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("journal_line_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("journal_line_span_ck")),
        sa.PrimaryKeyConstraint("regency_id", "entry_id", "number", name=op.f("journal_line_pk")),
    )
    op.create_index(
        "journal_line_holder_ix",
        "journal_line",
        ["regency_id", "holder_id"],
        unique=False,
        postgresql_where=sa.text("holder_id IS NOT NULL"),
    )
    op.create_table(
        "ledger_total",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lines", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "account in ('TREASURY', 'CLEARING', 'WALLET', 'AGENT', 'WITHDRAWN')", name=op.f("ledger_total_account_ck")
        ),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("ledger_total_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("ledger_total_span_ck")),
        sa.PrimaryKeyConstraint("regency_id", "programme_code", "account", "slot", name=op.f("ledger_total_pk")),
    )
    op.create_table(
        "idle_return",
        sa.Column("regency_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", pg.UUID(), nullable=False),
        sa.Column("village_low", sa.BigInteger(), nullable=False),
        sa.Column("village_high", sa.BigInteger(), nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("programme_code", sa.Text(), nullable=False),
        sa.Column(
            "untouched_since",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="wallets that moved at this moment or later stay as they are",
        ),
        sa.Column("idempotency_key", pg.UUID(), nullable=False),
        sa.Column("job_id", pg.UUID(), nullable=True),
        sa.Column("made_by", pg.UUID(), nullable=False),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wallets", sa.Integer(), server_default="0", nullable=False, comment="how many were emptied so far"),
        sa.Column("amount", sa.BigInteger(), server_default="0", nullable=False, comment="rupiah returned so far"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("village_low / 1000000 = regency_id", name=op.f("idle_return_regency_ck")),
        sa.CheckConstraint("village_low <= village_high", name=op.f("idle_return_span_ck")),
        sa.ForeignKeyConstraint(["programme_code"], ["programme.code"], name="idle_return_programme_fk"),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name="idle_return_region_fk"),
        sa.PrimaryKeyConstraint("regency_id", "id", name=op.f("idle_return_pk")),
        sa.UniqueConstraint("regency_id", "made_by", "idempotency_key", name="idle_return_key_uq"),
    )
    op.create_index("idle_return_newest_ix", "idle_return", ["id"], unique=False)
    for table, tenancy, privileges in (
        ("wallet", Tenancy.VILLAGE, "select"),
        ("journal_line", Tenancy.SPAN, "select, insert"),
        ("ledger_total", Tenancy.SPAN, "select"),
        ("idle_return", Tenancy.SPAN, "select, insert, update"),
    ):
        for statement in tenant_policy(table, tenancy, privileges):
            op.execute(statement)
    # Read by time, as the audit trail is, and so seen by the same policy; but appended within the scope alone.
    for statement in appended_table("journal_entry"):
        op.execute(statement)
    op.execute(
        "create policy journal_entry_place on journal_entry as restrictive for insert to kesos_app "
        f"with check ({Tenancy.SPAN.policy})"
    )
    op.execute("revoke insert on journal_entry from kesos_app")
    _let_nobody_but_the_triggers_change_the_ledger()


def _let_nobody_but_the_triggers_change_the_ledger() -> None:
    for table, columns in _INSERTED.items():
        op.execute(f"grant insert ({columns}) on {table} to kesos_app")
    for table in ("wallet", "journal_line", "ledger_total"):
        op.execute(f"revoke insert, update, delete, truncate on {table} from kesos_loader")
        op.execute(f"create policy {table}_owner on {table} to kesos_owner using (true) with check (true)")
    for table, function in _TRIGGERS.items():
        op.execute(function)
        op.execute(f"revoke all on function {table}_posted from public")
        op.execute(
            f"create trigger {table}_posted after insert on {table} referencing new table as new_rows "
            f"for each statement execute function {table}_posted()"
        )
    # A balance is changed often and no index holds it: with room on its page, the new version of a row stays out of the indexes.
    op.execute("alter table wallet set (fillfactor = 70)")


def downgrade() -> None:
    """Drop, with the seals of what goes."""
    for table in ("idle_return", "ledger_total", "journal_line", "journal_entry", "wallet"):
        op.drop_table(table)
    for table in _TRIGGERS:
        op.execute(f"drop function {table}_posted")
    for table in ("seal_queue", "sealed_leaf", "seal_batch"):
        op.execute(f"delete from {table} where stream = 'ledger'")
