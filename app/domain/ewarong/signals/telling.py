"""Keeping what a screening found, once: one statement finds, compares with what was told before, and writes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.ewarong.models.signals import SignalCode, SignalState, ewarong_lead, ewarong_signal
from app.domain.ewarong.signals.statements import MOST_LEADS, STATEMENTS
from app.domain.ewarong.signals.suppliers import concentrated_suppliers
from app.tenants.region_path import Span
from app.tenants.scope import REGENCY_WIDTH

_PARAMETER: Final = re.compile(r"(?<![:\w]):(\w+)")
_TYPES: Final[Mapping[str, sa.types.TypeEngine[Any]]] = {
    **dict.fromkeys(("low", "high"), sa.BigInteger()),
    **dict.fromkeys(("regency_low", "regency_high"), sa.Integer()),
    **dict.fromkeys(("first_day", "last_day", "today"), sa.Date()),
}
"""Of the parameters of ``STATEMENTS``; the others are numbers to compare with."""
_SUBJECT: Final = ("regency_id", "village_low", "village_high", "agent_id", "family_id", "district_id", "supplier_id")
_SEEN: Final = ("first_day", "last_day", "measured", "threshold", "transactions")
_FOUND: Final = (
    *(sa.column(name, ewarong_signal.c[name].type) for name in (*_SUBJECT, *_SEEN)),
    sa.column("about", sa.Text()),
    sa.column("leads", pg.ARRAY(pg.UUID(as_uuid=True))),
    sa.column("places", pg.ARRAY(sa.BigInteger())),
)
_NEW_ID: Final[sa.ColumnElement[Any]] = sa.literal_column(
    "cast(lpad(to_hex(cast(extract(epoch from clock_timestamp()) * 1000 as bigint)), 12, '0') || '7' "
    "|| substr(replace(cast(gen_random_uuid() as text), '-', ''), 14) as uuid)",
    pg.UUID(as_uuid=True),
)
"""A UUID of version 7: time, and then chance."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at: villages, the first and the last day of whole months, and the day on which that happens."""

    villages: Span
    first_day: date
    last_day: date
    today: date

    @property
    def months(self) -> tuple[tuple[date, date], ...]:
        """The first and the last day of each."""
        months, first = [], self.first_day
        while first <= self.last_day:
            following = (first + timedelta(days=31)).replace(day=1)
            months.append((first, following - timedelta(days=1)))
            first = following
        return tuple(months)


async def tell(session: AsyncSession, code: SignalCode, asked: Asked, numbers: Mapping[str, Decimal]) -> int:
    """Keep the signals of ``code`` that are there, compared with ``numbers``; how many nobody was told of before.

    One that nobody has triaged is kept up with what is there now; one that somebody has is left as it is.
    """
    # Behind the walls the planner expects a row or two of everything, and would look each of a million up by itself.
    await session.execute(sa.text("set local enable_nestloop = off"))
    await session.execute(sa.text("set local work_mem = '128MB'"))
    new = 0
    for found in _finding(code, asked):
        new += (await session.execute(_telling(code, found), _values(asked, numbers))).scalar_one()
    return new


def _finding(code: SignalCode, asked: Asked) -> "Iterator[sa.Select[Any] | sa.TextualSelect]":
    if code is SignalCode.F8:
        yield from (concentrated_suppliers(asked.villages, *month) for month in asked.months)
    else:
        yield _found(code)


def _values(asked: Asked, numbers: Mapping[str, Decimal]) -> dict[str, Any]:
    villages = asked.villages
    return {
        **numbers,
        "low": villages.low,
        "high": villages.high,
        "regency_low": villages.low // REGENCY_WIDTH,
        "regency_high": villages.high // REGENCY_WIDTH,
        "first_day": asked.first_day,
        "last_day": asked.last_day,
        "today": asked.today,
    }


def _found(code: SignalCode) -> sa.TextualSelect:
    """The rows of the statement of ``code``."""
    text = f"with {STATEMENTS[code]} select {', '.join(column.name for column in _FOUND)} from found"  # noqa: S608  (names of columns)
    parameters = [
        sa.bindparam(name, type_=_TYPES.get(name, sa.Numeric())) for name in sorted(set(_PARAMETER.findall(text)))
    ]
    return sa.text(text).bindparams(*parameters).columns(*_FOUND)


def _telling(code: SignalCode, found: "sa.Select[Any] | sa.TextualSelect") -> sa.Select[Any]:
    rows = found.cte("rows").prefix_with("materialized", dialect="postgresql")
    key = sa.func.concat(code.value, ":", rows.c.about)
    insertion = pg.insert(ewarong_signal).from_select(
        ["id", "code", "subject_key", *_SUBJECT, *_SEEN],
        # Two screenings at once write in the same order, so that neither waits for the other for ever.
        sa.select(_NEW_ID, sa.literal(code.value), key, *(rows.c[name] for name in (*_SUBJECT, *_SEEN))).order_by(
            rows.c.regency_id, key
        ),
    )
    given, before = insertion.excluded, ewarong_signal.c
    newer = ("supplier_id", "agent_id", "village_low", "village_high", *_SEEN)
    told = (
        insertion.on_conflict_do_update(
            index_elements=[before.regency_id, before.subject_key],
            set_={name: given[name] for name in newer} | {"version": before.version + 1},
            where=sa.and_(
                before.state == SignalState.OPEN.value,
                sa.or_(*(before[name].is_distinct_from(given[name]) for name in newer)),
            ),
        )
        .returning(before.regency_id, before.id, before.subject_key, before.version)
        .cte("told")
    )
    leads = pg.insert(ewarong_lead).from_select(
        ["regency_id", "signal_id", "transaction_id", "village_id"], _leads(told, rows, key)
    )
    # Another screening may have kept some since this one's snapshot was taken.
    leads = leads.on_conflict_do_nothing()
    return sa.select(sa.func.count().filter(told.c.version == 1)).select_from(told).add_cte(leads.cte("kept"))


def _leads(told: sa.CTE, rows: sa.CTE, key: sa.ColumnElement[str]) -> sa.Select[Any]:
    """The first transactions behind what was told, as many as there is room for beside those that are kept already."""
    behind = (
        sa.func.unnest(rows.c.leads, rows.c.places)
        .table_valued(
            sa.column("id", pg.UUID(as_uuid=True)), sa.column("village_id", sa.BigInteger()), with_ordinality="number"
        )
        .render_derived("behind")
        .lateral()
    )
    kept = ewarong_lead.alias("kept_before")
    of_signal = sa.and_(kept.c.regency_id == told.c.regency_id, kept.c.signal_id == told.c.id)
    number = sa.select(sa.func.count()).select_from(kept).where(of_signal).correlate(told).scalar_subquery()
    place = sa.func.row_number().over(partition_by=(told.c.regency_id, told.c.id), order_by=behind.c.number) + number
    each = (
        sa.select(
            told.c.regency_id,
            told.c.id.label("signal_id"),
            behind.c.id.label("transaction_id"),
            behind.c.village_id,
            place.label("place"),
        )
        .select_from(told)
        .join(rows, sa.and_(rows.c.regency_id == told.c.regency_id, key == told.c.subject_key))
        .join(behind, sa.true())
        .where(~sa.exists().where(of_signal, kept.c.transaction_id == behind.c.id).correlate(told, behind))
        .subquery()
    )
    return sa.select(each.c.regency_id, each.c.signal_id, each.c.transaction_id, each.c.village_id).where(
        each.c.place <= MOST_LEADS
    )
