"""Families that can buy with a card, by village: SQL that reports of other contexts are made of."""

from typing import Any

import sqlalchemy as sa

from app.domain.bansos.models.payments import CardState, kks_card


def cards(name: str) -> sa.FromClause:
    """The cards, as a table that is called ``name`` in the statement."""
    return kks_card.alias(name)


def is_active(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a card of ``rows`` is active. A family has at most one such card."""
    active: sa.ColumnElement[Any] = sa.literal_column(f"'{CardState.ACTIVE.value}'", sa.Text())
    equal: sa.ColumnElement[bool] = rows.c.state == active
    return equal
