"""Grants are given by people, and whoever holds a copy of them hears of a change.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from app.tenants.rls import Tenancy

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OPERATOR = "00000000-0000-7000-8000-000000000001"

_FIRST_VILLAGE = (
    "case when region_id is null then 0::bigint when region_id < 100 then region_id * 100000000 "
    "when region_id < 10000 then region_id * 1000000 when region_id < 1000000 then region_id * 10000 else region_id end"
)
_LAST_VILLAGE = (
    "case when region_id is null then 9999999999::bigint when region_id < 100 then region_id * 100000000 + 99999999 "
    "when region_id < 10000 then region_id * 1000000 + 999999 when region_id < 1000000 then region_id * 10000 + 9999 "
    "else region_id end"
)
_REQUIRED = ("holder_subject", "holder_name", "status", "people", "given_at")
_CHECKS = {
    "status": "status in ('PROPOSED', 'ACTIVE', 'REVOKED')",
    "people": "people in (1, 2)",
    "two_people": "status <> 'ACTIVE' or people = 1 or given_by is not null and confirmed_by is not null",
    "others": "given_by <> principal_id and confirmed_by <> principal_id and revoked_by <> principal_id "
    "and confirmed_by <> given_by",
    "proposed": "status <> 'PROPOSED' or lapses_at is not null",
    "given": "(given_by is null) = (given_by_name is null)",
    "confirmed": "num_nulls(confirmed_by, confirmed_by_name, confirmed_at) in (0, 3)",
    "revoked": "num_nulls(revoked_by, revoked_by_name, revoked_at) in (0, 3) "
    "and (status = 'REVOKED') = (revoked_by is not null)",
}
_PEOPLE = ("given_by", "confirmed_by", "revoked_by")
# What whoever confirms or revokes may write. Who holds which role where, and how many people it takes, stays as it was given.
_CHANGING = (
    "status, valid_from, confirmed_by, confirmed_by_name, confirmed_at, revoked_by, revoked_by_name, revoked_at, "
    "revocation_reason"
)
_SAME_GRANT: list[str | sa.ColumnElement[object]] = [
    "principal_id",
    "role",
    sa.literal_column("coalesce(region_id, 0)"),
    sa.literal_column("coalesce(entity_id, '00000000-0000-0000-0000-000000000000'::uuid)"),
]

# The grants that count now, and in how many seconds that changes by itself. The snapshot tells which changes the answer holds.
_PRINCIPAL_BY_SUBJECT = """
create or replace function principal_by_subject(issuer_ text, subject_ text) returns json
language sql stable security definer set search_path = public, pg_temp as $$
  select json_build_object(
    'id', p.id, 'name', p.name, 'snapshot', pg_current_snapshot()::text,
    'changes_in', (
      select extract(epoch from min(moment) - now())
      from principal_grant g cross join lateral (values (g.valid_from), (g.valid_to)) as turn(moment)
      where g.principal_id = p.id and g.status = 'ACTIVE' and moment > now()
    ),
    'grants', coalesce((
      select json_agg(json_build_object(
        'role', g.role, 'region_id', coalesce(g.region_id, 0), 'entity_kind', g.entity_kind, 'entity_id', g.entity_id
      ) order by g.role, g.region_id)
      from principal_grant g
      where g.principal_id = p.id and g.status = 'ACTIVE'
        and g.valid_from <= now() and (g.valid_to is null or g.valid_to > now())
    ), '[]'::json))
  from principal p
  where p.issuer = issuer_ and p.subject = subject_ and p.active
$$
"""
_PRINCIPAL_BY_SUBJECT_BEFORE = """
create or replace function principal_by_subject(issuer_ text, subject_ text) returns json
language sql stable security definer set search_path = public, pg_temp as $$
  select json_build_object('id', p.id, 'name', p.name, 'grants', coalesce((
    select json_agg(json_build_object(
      'role', g.role, 'region_id', coalesce(g.region_id, 0), 'entity_kind', g.entity_kind, 'entity_id', g.entity_id
    ) order by g.role, g.region_id)
    from principal_grant g
    where g.principal_id = p.id and g.valid_from <= now() and (g.valid_to is null or g.valid_to > now())
  ), '[]'::json))
  from principal p
  where p.issuer = issuer_ and p.subject = subject_ and p.active
$$
"""
# Finds the principal, or makes it: nobody need have logged in to be given a role. It is locked until the transaction ends, so that
# grants of one principal are given one after the other, and the second finds the first.
_PRINCIPAL_FOR_GRANT = """
create function principal_for_grant(id_ uuid, issuer_ text, subject_ text, name_ text) returns uuid
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  found_ uuid;
begin
  insert into principal (id, issuer, subject, name) values (id_, issuer_, subject_, name_)
  on conflict (issuer, subject) do nothing;
  select p.id into found_ from principal p where p.issuer = issuer_ and p.subject = subject_ for no key update;
  return found_;
end
$$
"""
_PRINCIPAL_CHANGED = """
create function principal_changed() returns trigger language plpgsql set search_path = public, pg_temp as $$
declare
  row_ constant jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
begin
  perform pg_notify('kesos_principal', concat(row_ ->> tg_argv[0], ' ', pg_current_xact_id()));
  return null;
end
$$
"""
# A new principal without grants is nobody's memory, so only what happens to it afterwards is told.
_TRIGGERS = {
    "principal": ("update or delete", "id"),
    "principal_grant": ("insert or update or delete", "principal_id"),
}


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("holder_subject", sa.Text(), nullable=True),
        sa.Column("holder_name", sa.Text(), nullable=True, comment="as whoever gave the grant knows the principal"),
        sa.Column("village_low", sa.BigInteger(), sa.Computed(_FIRST_VILLAGE, persisted=True), nullable=False),
        sa.Column("village_high", sa.BigInteger(), sa.Computed(_LAST_VILLAGE, persisted=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("people", sa.SmallInteger(), nullable=True, comment="how many people it takes to give this grant"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("given_by", pg.UUID(), nullable=True),
        sa.Column("given_by_name", sa.Text(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=True),
        sa.Column(
            "lapses_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until when a proposal waits to be confirmed",
        ),
        sa.Column("confirmed_by", pg.UUID(), nullable=True),
        sa.Column("confirmed_by_name", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", pg.UUID(), nullable=True),
        sa.Column("revoked_by_name", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revocation_reason", sa.Text(), nullable=True),
    ]


def upgrade() -> None:
    """Alter and create."""
    for column in _columns():
        op.add_column("principal_grant", column)
    op.execute(
        "update principal_grant g set holder_subject = p.subject, holder_name = p.name, status = 'ACTIVE', people = 1, "
        "given_at = g.valid_from from principal p where p.id = g.principal_id"
    )
    for name in _REQUIRED:
        op.alter_column("principal_grant", name, nullable=False)
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(f"principal_grant_{name}_ck"), "principal_grant", condition)
    for name in _PEOPLE:
        op.create_foreign_key(f"principal_grant_{name}_fk", "principal_grant", "principal", [name], ["id"])
    op.create_index("principal_grant_region_ix", "principal_grant", ["village_low", "id"], unique=False)
    op.drop_index("principal_grant_uq", "principal_grant")
    op.create_index(
        "principal_grant_uq",
        "principal_grant",
        _SAME_GRANT,
        unique=True,
        postgresql_where=sa.text("valid_to is null and status = 'ACTIVE'"),
    )
    # Jobs of the command line act as this principal. No token names it: it is not active.
    op.execute(
        "insert into principal (id, issuer, subject, name, active) "
        f"values ('{_OPERATOR}', 'kesos:command-line', 'operator', 'Operator server', false)"
    )
    op.execute(_PRINCIPAL_BY_SUBJECT)
    op.execute(_PRINCIPAL_FOR_GRANT)
    op.execute("revoke all on function principal_for_grant from public")
    op.execute("grant execute on function principal_for_grant to kesos_app")
    op.execute(_PRINCIPAL_CHANGED)
    for table, (events, key) in _TRIGGERS.items():
        op.execute(
            f"create trigger {table}_changed after {events} on {table} "
            f"for each row execute function principal_changed('{key}')"
        )
    _put_behind_the_wall()


def _put_behind_the_wall() -> None:
    seen = Tenancy.SPAN.policy
    op.execute("alter table principal_grant enable row level security")
    op.execute("alter table principal_grant force row level security")
    op.execute(
        f"create policy principal_grant_tenant on principal_grant to kesos_app using ({seen}) with check ({seen})"
    )
    # principal_by_subject reads as kesos_owner, before anybody has a scope.
    op.execute("create policy principal_grant_owner on principal_grant to kesos_owner using (true) with check (true)")
    op.execute(f"grant select, insert, update ({_CHANGING}) on principal_grant to kesos_app")


def downgrade() -> None:
    """Take back. What was only proposed, or was revoked, must not come to count: it is deleted."""
    op.execute("revoke all on principal_grant from kesos_app")
    op.execute("drop policy principal_grant_owner on principal_grant")
    op.execute("drop policy principal_grant_tenant on principal_grant")
    op.execute("alter table principal_grant no force row level security")
    op.execute("alter table principal_grant disable row level security")
    for table in _TRIGGERS:
        op.execute(f"drop trigger {table}_changed on {table}")
    op.execute("drop function principal_changed")
    op.execute("drop function principal_for_grant")
    op.execute(_PRINCIPAL_BY_SUBJECT_BEFORE)
    op.execute("delete from principal_grant where status <> 'ACTIVE'")
    op.drop_index("principal_grant_uq", "principal_grant")
    op.create_index(
        "principal_grant_uq", "principal_grant", _SAME_GRANT, unique=True, postgresql_where=sa.text("valid_to is null")
    )
    for column in reversed(_columns()):
        op.drop_column("principal_grant", column.name)
    op.execute(f"delete from principal where id = '{_OPERATOR}'")
