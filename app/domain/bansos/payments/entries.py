"""What is posted about entitlements: one entry for each, in the village of the family."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.domain.bansos.ledger.posting import Rows
from app.domain.bansos.models.cycles import entitlement


def entries_of(source_key: sa.ColumnElement[str], moved: Sequence[sa.ColumnElement[Any]]) -> Rows:
    """An entry over its whole amount for each entitlement, for ``post_entries``; whoever asks says which (``where``).

    ``moved`` is what ``app.domain.bansos.ledger.posting.moved`` makes.
    """
    e = entitlement.c
    return sa.select(
        e.regency_id,
        e.village_id.label("village_low"),
        e.village_id.label("village_high"),
        e.programme_code,
        e.cycle_id,
        e.family_id,
        e.id.label("source_id"),
        source_key.label("source_key"),
        e.amount,
        *moved,
    )
