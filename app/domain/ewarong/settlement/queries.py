"""Settlements, added up from transactions and reversals under the scope of whoever reads them."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.ewarong.models.transactions import ewarong_reversal, ewarong_transaction

Reached: TypeAlias = Callable[[sa.FromClause], list[sa.ColumnElement[bool]]]
"""The conditions under which rows of an outlet are within the permission of whoever reads."""

_NOTHING: Final[sa.ColumnElement[int]] = sa.literal_column("0::bigint")


def _of_outlet(rows: sa.FromClause, asked: sa.FromClause, reached: Reached) -> list[sa.ColumnElement[bool]]:
    return [
        rows.c.regency_id == asked.c.regency_id,
        rows.c.agent_id == asked.c.agent_id,
        rows.c.day.between(asked.c.first_day, asked.c.last_day),
        *reached(rows),
    ]


def _movements(asked: sa.FromClause, reached: Reached) -> sa.FromClause:
    """Each redemption and reversal of an outlet: day, amount, reversed_amount, and its entry in the journal.

    ``asked`` has regency_id, agent_id, first_day and last_day. A reversal counts on the day on which it was made.
    """
    t, r, of = ewarong_transaction.alias(), ewarong_reversal.alias(), ewarong_transaction.alias()
    redeemed = (
        sa.select(
            t.c.agent_id,
            t.c.day,
            t.c.amount,
            _NOTHING.label("reversed_amount"),
            t.c.family_regency_id.label("entry_regency_id"),
            t.c.entry_id,
        )
        .where(*_of_outlet(t, asked, reached))
        .correlate(asked)
    )
    reversed_ = (
        sa.select(r.c.agent_id, r.c.day, _NOTHING, r.c.amount, of.c.family_regency_id, r.c.entry_id)
        .join_from(r, of, sa.and_(of.c.regency_id == r.c.regency_id, of.c.id == r.c.transaction_id))
        .where(*_of_outlet(r, asked, reached))
        .correlate(asked)
    )
    return sa.union_all(redeemed, reversed_).subquery("movement")


def _sums(rows: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    is_redemption = rows.c.amount > _NOTHING

    def total(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
        return sa.cast(sa.func.coalesce(sa.func.sum(column), _NOTHING), sa.BigInteger())

    return [
        sa.func.count().filter(is_redemption).label("transactions"),
        total(rows.c.amount).label("amount"),
        sa.func.count().filter(sa.not_(is_redemption)).label("reversals"),
        total(rows.c.reversed_amount).label("reversed_amount"),
        total(rows.c.amount - rows.c.reversed_amount).label("due"),
    ]


def settled(asked: sa.FromClause, reached: Reached) -> sa.FromClause:
    """One row: transactions, amount, reversals, reversed_amount, due (rupiah that the bank owes), and booked.

    ``booked`` is what the journal has put on the account of the outlet for the same redemptions and reversals.
    """
    rows = _movements(asked, reached)
    agents = sa.func.array_agg(rows.c.agent_id, type_=pg.ARRAY(pg.UUID))
    booked = sa.func.ewarong_booked(
        agents[sa.literal_column("1")],
        sa.func.array_agg(rows.c.entry_regency_id),
        sa.func.array_agg(rows.c.entry_id),
        type_=sa.BigInteger(),
    )
    return sa.select(*_sums(rows), sa.func.coalesce(booked, _NOTHING).label("booked")).subquery()


def settled_by_day(asked: sa.FromClause, reached: Reached) -> sa.FromClause:
    """As ``settled`` without ``booked``, one row for each day on which something moved."""
    rows = _movements(asked, reached)
    return sa.select(rows.c.day, *_sums(rows)).group_by(rows.c.day).subquery()
