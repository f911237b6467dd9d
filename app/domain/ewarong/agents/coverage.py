"""How many families an outlet serves, and which villages have no outlet: SQL expressions, compiled into the statement that asks.

Villages are gathered by grouping and never by joining: behind row-level security the planner takes a regency for a handful of rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.bansos.payments.holders import cards, is_active
from app.domain.ewarong.models.agents import SERVING, ewarong_agent, ewarong_service
from app.domain.ewarong.models.transactions import ewarong_reversal, ewarong_transaction
from app.domain.regions.models import Level

MOST_FAMILIES: Final = "MOST_FAMILIES"
"""Code of the threshold: how many families one outlet should serve at most."""
COUNTS: Final = ("families", "outlets", "services")
_DIVISORS: Final = {Level.PROVINCE: 100_000_000, Level.REGENCY: 1_000_000, Level.DISTRICT: 10_000, Level.VILLAGE: 1}
Within = Callable[[sa.FromClause], Sequence[sa.ColumnElement[bool]]]
_ONE: Final[sa.ColumnElement[int]] = sa.literal_column("1")
_NOTHING: Final[sa.ColumnElement[int]] = sa.literal_column("0::bigint")


@dataclass(frozen=True, slots=True)
class Covered:
    """What is looked at: the villages ``low`` to ``high``, the day, and what the caller may see."""

    low: Any
    high: Any
    today: Any
    in_villages: Within


def serves(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether an outlet of ``rows`` serves families."""
    states: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{state.value}'", sa.Text()) for state in SERVING]
    found: sa.ColumnElement[bool] = rows.c.state.in_(states)
    return found


def is_planned(rows: sa.FromClause, today: Any) -> sa.ColumnElement[bool]:
    """Whether a service of ``rows`` still takes place on ``today`` or later."""
    return sa.and_(rows.c.cancelled_at.is_(None), rows.c.valid_to >= today)


def families_of(agent: sa.FromClause, month: Any) -> sa.ColumnElement[int]:
    """How many different families an outlet of ``agent`` has served in the month that begins on ``month``.

    A purchase that was taken back does not count.
    """
    sold, back = ewarong_transaction.alias(), ewarong_reversal.alias()
    taken_back = (
        sa.select(_ONE)
        .select_from(back)
        .where(back.c.regency_id == sold.c.regency_id, back.c.transaction_id == sold.c.id)
        .exists()
    )
    return (
        sa.select(sa.func.count(sold.c.family_id.distinct()))
        .where(
            sold.c.regency_id == agent.c.regency_id,
            sold.c.agent_id == agent.c.id,
            sold.c.day >= month,
            sold.c.day < month + sa.text("interval '1 month'"),
            ~taken_back,
        )
        .correlate(agent)
        .scalar_subquery()
    )


def coverage_cells(asked: Covered, by: Level | None) -> "sa.Select[*tuple[Any, ...]]":
    """One row for each region of level ``by`` in which a family has an active card, an outlet serves, or one is to come; else one row.

    The columns are villages, families, outlets, services, gaps (villages with such families and neither an outlet nor a service), and,
    where there is a level, region_id.
    """
    counted = sa.union_all(*(_counted(asked, *each) for each in _sources(asked))).subquery()
    village = (
        sa.select(
            counted.c.village_id,
            *(sa.cast(sa.func.sum(counted.c[name]), sa.BigInteger()).label(name) for name in COUNTS),
        )
        .where(_beyond_a_thing(counted.c.village_id))
        .group_by(counted.c.village_id)
        .subquery()
    )
    gap = sa.and_(village.c.families > _NOTHING, village.c.outlets == _NOTHING, village.c.services == _NOTHING)
    summed = (
        sa.cast(sa.func.coalesce(sa.func.sum(village.c[name]), _NOTHING), sa.BigInteger()).label(name)
        for name in COUNTS
    )
    columns: list[sa.ColumnElement[Any]] = [
        sa.func.count().label("villages"),
        *summed,
        sa.func.count().filter(gap).label("gaps"),
    ]
    query: sa.Select[*tuple[Any, ...]] = sa.select(*columns).select_from(village)
    if by is None:
        return query
    divisor: sa.ColumnElement[int] = sa.literal_column(f"{_DIVISORS[by]}::bigint")
    region_id = village.c.village_id.op("/")(divisor)
    return query.add_columns(region_id.label("region_id")).group_by(region_id)


def _sources(asked: Covered) -> list[tuple[str, sa.FromClause, sa.ColumnElement[bool]]]:
    holders, outlets, services = cards("holders"), ewarong_agent.alias(), ewarong_service.alias()
    return [
        ("families", holders, is_active(holders)),
        ("outlets", outlets, serves(outlets)),
        ("services", services, is_planned(services, asked.today)),
    ]


def _counted(
    asked: Covered, name: str, rows: sa.FromClause, counts: sa.ColumnElement[bool]
) -> "sa.Select[*tuple[Any, ...]]":
    columns: Mapping[str, sa.ColumnElement[Any]] = dict.fromkeys(COUNTS, _NOTHING) | {name: sa.func.count()}
    return (
        sa.select(rows.c.village_id, *(value.label(each) for each, value in columns.items()))
        .where(counts, rows.c.village_id.between(asked.low, asked.high), *asked.in_villages(rows))
        .group_by(rows.c.village_id)
    )


def _beyond_a_thing(village_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """That a village is one of those whom a grant shows as a whole: whose grants are bound to an outlet sees that outlet, not a village."""
    unbound = sa.func.nullif(
        sa.func.current_setting(sa.literal_column("'app.unbound'"), sa.true()), sa.literal_column("''")
    )
    return sa.func.coalesce(village_id.op("<@", is_comparison=True)(sa.cast(unbound, pg.INT8MULTIRANGE)), sa.true())
