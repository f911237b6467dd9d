"""Whether an import is being applied to villages, be it one that the caller does not see; whether an import needs an upload.

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_UNFINISHED = "stage in ('UPLOADED', 'PARSED', 'VALIDATED', 'APPLYING')"
# Whoever imports for a regency does not see what is imported for its province. It learns yes or no, and nothing of the other.
_APPLYING = """
create function is_import_applying(but_ uuid, low_ bigint, high_ bigint) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (
    select from registry_import where stage = 'APPLYING' and id <> but_ and village_low <= high_ and village_high >= low_
  )
$$
"""
# Under the scope of its caller: an import lies within the region of its upload, so whoever sees the one sees the other.
_NEEDED = f"""
create function is_upload_needed(upload_ uuid) returns boolean language sql stable as $$
  select exists (select from registry_import where upload_id = upload_ and {_UNFINISHED})
$$
"""


def upgrade() -> None:
    """Create."""
    op.create_index(
        "registry_import_unfinished_ix", "registry_import", ["upload_id"], postgresql_where=sa.text(_UNFINISHED)
    )
    op.execute("create policy registry_import_owner on registry_import for select to kesos_owner using (true)")
    op.execute(_APPLYING)
    op.execute("revoke all on function is_import_applying from public")
    op.execute("grant execute on function is_import_applying to kesos_app")
    op.execute(_NEEDED)


def downgrade() -> None:
    """Drop."""
    op.execute("drop function is_upload_needed")
    op.execute("drop function is_import_applying")
    op.execute("drop policy registry_import_owner on registry_import")
    op.drop_index("registry_import_unfinished_ix", "registry_import")
