"""What the journal says of redemptions, for a settlement: the families may live in regencies that its reader does not see.

Revision ID: 0029
Revises: 0028
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

# The caller has read which entries are of transactions of the outlet; of each it learns what was booked for that outlet and nothing else.
# Each entry is looked up by the key, however many there are.
_BOOKED = """
create function ewarong_booked(agent_ uuid, regencies_ int[], entries_ uuid[]) returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select coalesce(sum(l.amount), 0)::bigint
  from unnest(regencies_, entries_) as e (regency_id, entry_id),
    lateral (
      select j.amount from journal_line j
      where j.regency_id = e.regency_id and j.entry_id = e.entry_id and j.account = 'AGENT' and j.holder_id = agent_
      offset 0
    ) l
$$
"""


def upgrade() -> None:
    """Create."""
    op.execute(_BOOKED)
    op.execute("revoke all on function ewarong_booked from public")
    op.execute("grant execute on function ewarong_booked to kesos_app")


def downgrade() -> None:
    """Drop."""
    op.execute("drop function ewarong_booked")
