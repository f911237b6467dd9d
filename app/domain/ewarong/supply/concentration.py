"""How concentrated the suppliers of a district are: shares of what its outlets buy, and the Herfindahl-Hirschman index."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.ewarong.catalogue.queries import threshold
from app.domain.ewarong.models.supply import ewarong_delivery

DISTRICT_WIDTH: Final = 10_000
"""How many villages a district could have by its code."""
MOST_SHARE: Final = "F8_SHARE"
MOST_INDEX: Final = "F8_HHI"
_HIGHEST: Final[sa.ColumnElement[Any]] = sa.literal_column("10000::numeric")


@dataclass(frozen=True, slots=True)
class Bought:
    """Which deliveries are looked at: expressions, so that both a request and a job ask with their own values."""

    low: sa.ColumnElement[int]
    """The lowest village."""
    high: sa.ColumnElement[int]
    first: sa.ColumnElement[Any]
    """The first day."""
    last: sa.ColumnElement[Any]
    within: Callable[[sa.FromClause], list[sa.ColumnElement[bool]]] = lambda _rows: []
    """What else a row must meet to be looked at."""


def share_rows(bought: Bought) -> sa.Subquery:
    """One row for each district and supplier.

    ``district_id``, ``regency_id``, ``supplier_id``, ``amount`` (rupiah), ``outlets``, and its ``share`` of what the district buys.
    """
    rows = ewarong_delivery.alias()
    district = rows.c.village_id.op("/")(sa.literal_column(str(DISTRICT_WIDTH)))
    amount = sa.func.sum(rows.c.amount)
    return (
        sa.select(
            district.label("district_id"),
            rows.c.regency_id,
            rows.c.supplier_id,
            sa.cast(amount, sa.BigInteger()).label("amount"),
            (amount / sa.func.sum(amount).over(partition_by=district)).label("share"),
            sa.func.count(rows.c.agent_id.distinct()).label("outlets"),
        )
        .where(
            rows.c.village_id.between(bought.low, bought.high),
            rows.c.delivered_on.between(bought.first, bought.last),
            *bought.within(rows),
        )
        .group_by(sa.text("1"), rows.c.regency_id, rows.c.supplier_id)
        .subquery()
    )


def district_rows(bought: Bought) -> sa.Select[Any]:
    """One row for each district in which anything was bought.

    ``district_id``, ``regency_id``, ``amount`` (rupiah), ``suppliers``; ``index``: the sum of the squared percentages of the suppliers, up
    to 10,000 where there is one alone; ``largest_id`` and ``largest_share``: the supplier that has most and how much of all;
    ``concentrated``: whether either lies above its threshold on the last day; ``shares``: a JSON list of the suppliers, with
    ``regency_id``, ``supplier_id``, ``amount``, ``share`` and ``outlets``.
    """
    each = share_rows(bought)
    amount = sa.cast(each.c.amount, sa.Numeric())
    total: sa.ColumnElement[Any] = sa.func.sum(amount)
    index = _HIGHEST * sa.func.sum(amount * amount) / (total * total)
    largest = sa.func.max(amount) / total
    # Of two that have as much, always the same one is named.
    first = sa.func.array_agg(pg.aggregate_order_by(each.c.supplier_id, each.c.amount.desc(), each.c.supplier_id))
    summed = sa.select(
        each.c.district_id,
        sa.func.min(each.c.regency_id).label("regency_id"),
        sa.cast(total, sa.BigInteger()).label("amount"),
        sa.func.count().label("suppliers"),
        index.label("index"),
        first[1].label("largest_id"),
        largest.label("largest_share"),
        sa.func.json_agg(
            sa.func.json_build_object(
                *_named("regency_id", each.c.regency_id),
                *_named("supplier_id", each.c.supplier_id),
                *_named("amount", each.c.amount),
                *_named("outlets", each.c.outlets),
                *_named("share", each.c.share),
            )
        ).label("shares"),
    ).group_by(each.c.district_id)
    rows = summed.subquery()
    concentrated = sa.or_(
        rows.c.index > threshold(MOST_INDEX, bought.last), rows.c.largest_share > threshold(MOST_SHARE, bought.last)
    )
    return sa.select(rows, sa.func.coalesce(concentrated, sa.false()).label("concentrated"))


def _named(name: str, value: sa.ColumnElement[Any]) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    return sa.literal_column(f"'{name}'"), value
