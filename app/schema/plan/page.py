"""One page of a connection, as SQL."""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from typing import Any

import sqlalchemy as sa

from app.schema.paging import cursor_expression, cursor_values, page_size
from app.schema.plan.source import Order, Reading, Source, Way, Ways

Conditions = Callable[[sa.FromClause], list[sa.ColumnElement[bool]]]


class Page:
    """The rows of one page, plus one that tells whether there are more."""

    def __init__(
        self,
        source: Source,
        reading: Reading,
        conditions: Conditions,
        size: Callable[[int], int] = page_size,
        ways: Callable[[], Ways | None] = lambda: None,
    ) -> None:
        """Read ``source`` under ``conditions``, with the arguments first (checked by ``size``), after and order of ``reading``.

        Where there are ``ways``, on one of them.
        """
        self._source, self._reading, self._conditions, self._ways = source, reading, conditions, ways
        order = reading.arguments.get("order")
        choice = order.known if order is not None else next(iter(source.orders))
        self._name: str = choice.value
        self._order: Order = source.orders[choice]
        if self._order.permission is not None:
            reading.require(self._order.permission)
        self._first = reading.arguments["first"]
        self._size = size
        self.rows: sa.CTE = self._within_parent(self._of_ways(ways())).cte()

    def _of_ways(self, ways: Ways | None) -> sa.Select[Any]:
        if ways is None:
            return self._on_way(Way(self._source.table.alias(), ()))
        each = [sa.select(self._on_way(way).subquery()) for way in ways.each]
        return self._cut(sa.union_all(*each).subquery(), ()).add_cte(ways.choice, nest_here=True)

    def _on_way(self, way: Way) -> sa.Select[Any]:
        return self._cut(way.rows, [*self._conditions(way.rows), *way.conditions, *self._after(self._keys(way.rows))])

    def _cut(self, rows: sa.FromClause, conditions: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
        """As many ``rows`` as the page has, in its order."""
        size = self._size  # not of self: the plan keeps what it binds by, and would keep the whole page
        return (
            sa.select(rows)
            .where(*conditions)
            .order_by(*[key.desc() if self._order.descending else key for key in self._keys(rows)])
            .limit(self._first.bind(sa.Integer(), lambda first: size(first) + 1))
        )

    def _keys(self, rows: sa.FromClause) -> list[sa.ColumnElement[Any]]:
        return [key.expression(rows) for key in self._order.keys]

    def _within_parent(self, query: sa.Select[Any]) -> sa.Select[Any]:
        return query if self._reading.row is None else query.correlate(self._reading.row.from_)

    def _after(self, keys: list[sa.ColumnElement[Any]]) -> list[sa.ColumnElement[bool]]:
        after = self._reading.arguments.get("after")
        if after is None:
            return []
        name, order = self._name, self._order

        def value(at: int) -> Callable[[str], Any]:
            return lambda cursor: cursor_values(name, order, cursor)[at]

        # Integers travel as bigint, whatever the column is: a cursor may hold any, and PostgreSQL compares the two.
        types = [sa.BigInteger() if key.python_type is int else key.sql_type for key in order.keys]
        values = [after.bind(type_, value(at)) for at, type_ in enumerate(types)]
        here, there = sa.tuple_(*keys), sa.tuple_(*values)
        return [here < there if self._order.descending else here > there]

    @property
    def cursor(self) -> sa.ColumnElement[str]:
        """The cursor of a row of the page."""
        return cursor_expression(self._name, self._order, self.rows)

    def shown(self) -> sa.Select[Any]:
        """The rows that the page shows."""
        return sa.select(self.rows).limit(self._first.bind(sa.Integer()))

    def total_count(self) -> sa.ColumnElement[int]:
        """The number of rows over all pages."""
        ways = self._ways()
        if ways is None:
            return self._within_parent(self._count(Way(self._source.table.alias(), ()))).scalar_subquery()
        counts = [self._count(way).scalar_subquery() for way in ways.each]
        query = sa.select(reduce(add, counts)).add_cte(ways.choice, nest_here=True)
        return self._within_parent(query).scalar_subquery()

    def _count(self, way: Way) -> sa.Select[Any]:
        conditions = [*self._conditions(way.rows), *way.conditions]
        return sa.select(sa.func.count()).select_from(way.rows).where(*conditions)

    def _row_count(self) -> sa.ColumnElement[int]:
        return sa.select(sa.func.count()).select_from(self.rows).scalar_subquery()

    def has_next(self) -> sa.ColumnElement[bool]:
        """Whether a row follows the page."""
        return self._row_count() > self._first.bind(sa.Integer())

    def has_previous(self) -> sa.ColumnElement[bool]:
        """Whether the page was asked for with a cursor."""
        return sa.true() if "after" in self._reading.arguments else sa.false()

    def start_cursor(self) -> sa.ColumnElement[str]:
        """The cursor of the first row shown."""
        return sa.select(self.cursor).select_from(self.rows).limit(1).scalar_subquery()

    def end_cursor(self) -> sa.ColumnElement[str]:
        """The cursor of the last row shown."""
        last = sa.func.greatest(sa.func.least(self._row_count(), self._first.bind(sa.Integer())) - 1, 0)
        return sa.select(self.cursor).select_from(self.rows).limit(1).offset(last).scalar_subquery()
