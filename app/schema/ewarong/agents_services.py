"""Where and when mobile and collective outlets serve."""

from enum import Enum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.domain.ewarong.models.agents import ewarong_service
from app.schema.ewarong.agents import READ, EwarongAgent, outlet_of_row
from app.schema.ids import tenant_node
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.printing import constant
from app.schema.plan.source import (
    Connect,
    One,
    Order,
    Reading,
    Row,
    Source,
    argument,
    column,
    expression,
    planned,
    planned_field,
)
from app.schema.plan.source import Key as OrderKey
from app.schema.regions import CODE_ARGUMENT_HELP, VILLAGE, Region, in_region
from app.schema.scalars import Date, DateTime
from app.tenants.rls import Tenancy

SERVICE: Final = "EwarongService"


class _ServiceOrder(Enum):
    NEWEST = "NEWEST"


# Ids are UUIDs of version 7: their order is that of time.
SERVICES: Final = Source(
    table=ewarong_service,
    permission=READ,
    tenancy=Tenancy.VILLAGE,
    orders={
        _ServiceOrder.NEWEST: Order((OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID),), descending=True),
    },
    node=tenant_node(SERVICE),
    bound="agent_id",
)


def _clock(name: str) -> Any:
    def printed(row: Row) -> sa.ColumnElement[str]:
        return sa.func.to_char(row.c[name], constant("HH24:MI"))

    return printed


@planned(SERVICES)
@strawberry.type(
    description="When an e-Warong serves in a village other than its own: once, or every week. Seen by whoever works in the village that "
    "is served. Needs `ewarong:agent:read`."
)
class EwarongService(Node):
    """A row of ``ewarong_service``."""

    id: strawberry.ID = expression(SERVICES.node_text, description="Id for `node(id:)` and `ewarongServiceCancel`.")
    agent: EwarongAgent | None = planned_field(
        One(outlet_of_row), description="Who comes; null where the caller may not see it, for it stands elsewhere."
    )
    village: Region = planned_field(VILLAGE, description="The village that is served.")
    place: str = column("place", description="Where in the village.")
    weekday: int | None = column("weekday", description="1 Monday to 7 Sunday, every week; null: once, on `validFrom`.")
    valid_from: Date = column("valid_from", description="The first day.")
    valid_to: Date = column("valid_to", description="The last day.")
    opens: str = expression(_clock("opens"), description="From this local time, such as `08:00`.")
    closes: str = expression(_clock("closes"), description="Until this local time.")
    planned_by: str = column("planned_by_name", description="Who planned it.")
    planned_at: DateTime = column("planned_at", description="When it was planned.")
    cancelled_by: str | None = column("cancelled_by_name", description="Who called it off; null where nobody has.")
    cancelled_at: DateTime | None = column("cancelled_at", description="When it was called off.")


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = in_region(reading, rows, by_village=False)
    if (day := reading.arguments.get("on")) is not None:
        given = day.bind(sa.Date())
        weekday = sa.func.coalesce(rows.c.weekday == sa.extract("isodow", given), sa.true())
        conditions += [rows.c.valid_from <= given, rows.c.valid_to >= given, rows.c.cancelled_at.is_(None), weekday]
    return conditions


@strawberry.type
class EwarongServicesQuery:
    """Queries about services elsewhere."""

    ewarong_services: Connection[EwarongService] = planned_field(
        Connect(_listed),
        description=f"Services of mobile and collective e-Warong, newest plan first. Needs `{READ.value}`.",
        arguments=page_arguments(
            argument("region", str | None, f"Only in villages of this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("on", Date | None, "Only those that take place on this day.", default=None),
        ),
    )
