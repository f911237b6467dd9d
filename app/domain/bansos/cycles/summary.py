"""Who is entitled to how much by region, added up from the lists of regencies: SQL expressions, so that they compile into the statement
that asks for them. Provinces are sums of the same rows as their regencies, so the two always agree."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from app.domain.bansos.cycles.queries import GIVEN_UP
from app.domain.bansos.models.cycles import aid_cycle, cycle_outcome
from app.domain.regions.models import Level

LEVELS: Final = {Level.PROVINCE: 100, Level.REGENCY: 1}
"""Levels of rows, with how many ids of regencies each takes up."""
COUNTED: Final = ("families", "entitled", "amount")
Permitted = Callable[[sa.FromClause], Sequence[sa.ColumnElement[bool]]]


def cycles_there(asked: sa.FromClause, permitted: Permitted) -> sa.FromClause:
    """The lists that the row ``asked`` means: those of its programme_code and period_start between village_low and village_high."""
    rows, c = aid_cycle.alias(), asked.c
    states: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{state}'") for state in GIVEN_UP]
    return (
        sa.select(rows.c.regency_id, rows.c.id, *[rows.c[name] for name in COUNTED])
        .where(
            rows.c.village_low >= c.village_low,
            rows.c.village_high <= c.village_high,
            rows.c.programme_code == c.programme_code,
            rows.c.period_start == c.period_start,
            rows.c.state.not_in(states),
            *permitted(rows),
        )
        .correlate(asked)
        .subquery()
    )


def summed(cycles: sa.FromClause, by: Level | None) -> sa.FromClause:
    """``cycles`` added up: a row for each region of level ``by`` (region_id, village_low, village_high), or one in all."""
    count = sa.func.count().label("cycles")
    columns = [count, *[_sum(cycles.c[name]).label(name) for name in COUNTED]]
    if by is None:
        return sa.select(*columns).select_from(cycles).subquery()
    width: sa.ColumnElement[int] = sa.literal_column(str(LEVELS[by]))
    region_id: sa.ColumnElement[int] = sa.cast(cycles.c.regency_id.op("/")(width), sa.BigInteger())
    return sa.select(region_id.label("region_id"), *columns).select_from(cycles).group_by(sa.text("1")).subquery()


def outcomes_of(cycles: sa.FromClause) -> sa.FromClause:
    """How many families of ``cycles`` have which outcome for which reason. Columns: outcome, reason, families, amount."""
    rows = cycle_outcome.alias()
    return (
        sa.select(
            rows.c.outcome,
            rows.c.reason,
            _sum(rows.c.families).label("families"),
            _sum(rows.c.amount).label("amount"),
        )
        .join_from(cycles, rows, sa.and_(rows.c.regency_id == cycles.c.regency_id, rows.c.cycle_id == cycles.c.id))
        .group_by(rows.c.outcome, rows.c.reason)
        .subquery()
    )


def _sum(counter: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.coalesce(sa.func.sum(counter), sa.literal_column("0")), sa.BigInteger())
