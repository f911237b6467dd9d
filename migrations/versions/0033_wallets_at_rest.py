"""Wallets that are emptied for having lain idle are locked before they are looked at.

The application may read wallets and not change them, and only whoever may change a row may lock it. So a function of the owner does, for
wallets that the scope of its caller holds.

Revision ID: 0033
Revises: 0032
"""

from alembic import op

from app.tenants.rls import Tenancy

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

# In the order in which entries move wallets (``journal_line_posted``): whoever moves several of them waits, and neither waits for ever.
# ``perform`` reads all rows; what a function in SQL answers with would stop at the first.
_LOCKED = f"""
create function wallets_locked(regency_ int, ids_ uuid[]) returns void
language plpgsql security definer set search_path = public, pg_temp set enable_seqscan = off as $$
begin
  perform from wallet where regency_id = regency_ and id = any(ids_) and {Tenancy.VILLAGE.policy}
  order by regency_id, id for no key update;
end
$$"""


def upgrade() -> None:
    """Create."""
    op.execute(_LOCKED)
    op.execute("revoke all on function wallets_locked from public")
    op.execute("grant execute on function wallets_locked to kesos_app")


def downgrade() -> None:
    """Drop."""
    op.execute("drop function wallets_locked")
