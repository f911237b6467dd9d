"""How far the permissions of a selection reach, as conditions over rows."""

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.schema.plan.arguments import Binder, BoundEntities, BoundFree, BoundRegency, BoundScope
from app.schema.plan.printing import constant
from app.schema.plan.selection import Selection
from app.tenants.rls import Tenancy


class Reach(NamedTuple):
    """The reach of the permissions of ``selection``; ``binder`` is told its parameters."""

    selection: Selection
    binder: Binder

    def within(
        self, permission: Permission, tenancy: Tenancy, rows: sa.FromClause, bound: str | None = None
    ) -> list[sa.ColumnElement[bool]]:
        """The ranges of ``permission``, and the things that it is bound to, where they differ from those that the statement runs under."""
        if self.selection.access.scope(permission) == self.selection.statement_scope:
            return []
        ranges = sa.cast(self.binder.add(BoundScope(permission), sa.Text()), pg.INT8MULTIRANGE)
        village = (
            rows.c.village_id
            if tenancy is Tenancy.VILLAGE
            else sa.func.int8range(rows.c.village_low, rows.c.village_high, constant("[]"))
        )
        of_things = [] if bound is None else [self._bound(permission, bound, rows)]
        reached = village.op("&&" if tenancy is Tenancy.PART else "<@", is_comparison=True)(ranges)
        return [reached, *of_things]

    def _bound(self, permission: Permission, bound: str, rows: sa.FromClause) -> sa.ColumnElement[bool]:
        """That a row is of a thing to which ``permission`` is bound; where it is bound to none, or free in the village, it need not be."""
        things = sa.cast(self.binder.add(BoundEntities(permission), pg.ARRAY(pg.UUID)), pg.ARRAY(pg.UUID))
        free = sa.cast(self.binder.add(BoundFree(permission), sa.Text()), pg.INT8MULTIRANGE)
        of_them = sa.func.coalesce(rows.c[bound] == sa.any_(things), sa.true())
        return sa.or_(of_them, rows.c.village_id.op("<@", is_comparison=True)(free))

    def in_regencies(self, permission: Permission, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        """That a row is of the regencies that ``permission`` reaches.

        The policy says no less, but in villages. Where a table has no index of those, and where the newest come first, a page is found
        only in an index that begins with the regency.
        """
        regency: sa.ColumnElement[Any] = rows.c.regency_id
        first = self.binder.add(BoundRegency(permission), sa.Integer())
        if self.selection.access.scope(permission).in_one_regency:
            # Told that it is one and not a range, PostgreSQL knows that the index holds its rows in their order.
            return [regency == first]
        return [regency.between(first, self.binder.add(BoundRegency(permission, last=True), sa.Integer()))]
