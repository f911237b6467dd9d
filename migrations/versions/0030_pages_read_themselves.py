"""Indexes that hold a page in its order within the caller's regency, where the whole of it, or of the country, was read and sorted.

Found by tests/plan_shapes: the pages of wallets, journal entries and reference prices, and the look-up of a person who died.

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_DECEASED = sa.text("nik_digest is not null and presence = 'DECEASED'")


def upgrade() -> None:
    """Make them; the villages of wallets are held in order by one index instead of two."""
    op.create_index("person_deceased_nik_ix", "person", ["nik_digest", "regency_id"], postgresql_where=_DECEASED)
    op.create_index("journal_entry_regency_ix", "journal_entry", ["regency_id", "happened_at", "id"])
    op.create_index("reference_price_newest_ix", "reference_price", ["id"])
    op.drop_index("wallet_village_ix", "wallet")
    op.create_index("wallet_village_ix", "wallet", ["village_id", "id"])


def downgrade() -> None:
    """Take them away."""
    op.drop_index("wallet_village_ix", "wallet")
    op.create_index("wallet_village_ix", "wallet", ["village_id"])
    op.drop_index("reference_price_newest_ix", "reference_price")
    op.drop_index("journal_entry_regency_ix", "journal_entry")
    op.drop_index("person_deceased_nik_ix", "person")
