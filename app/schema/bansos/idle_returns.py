"""Returning idle balances to the treasury: starting it, and how far it is."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.bansos.ledger.idle import start_idle_return
from app.domain.bansos.models.ledger import idle_return
from app.domain.regions.rules import parse_region
from app.schema.bansos.entitlement_filters import of_programme
from app.schema.bansos.ledger import PROGRAMME_HELP
from app.schema.bansos.programmes import Programme
from app.schema.context import Info
from app.schema.ids import span_node
from app.schema.jobs import Job
from app.schema.mutations import Key, Refusal, answered, change, read
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import (
    Connect,
    One,
    Order,
    Reading,
    Source,
    argument,
    column,
    expression,
    planned,
    planned_field,
)
from app.schema.plan.source import Key as OrderKey
from app.schema.regions import CODE_ARGUMENT_HELP, Region, in_region_span
from app.schema.scalars import DateTime, Rupiah
from app.schema.text import storable
from app.tenants.rls import Tenancy

_NAME: Final = "IdleReturn"
_PERMISSION: Final = Permission.BANSOS_LEDGER_RETURN
_READ: Final = Permission.BANSOS_LEDGER_READ
_JAKARTA: Final = ZoneInfo("Asia/Jakarta")


class _Newest(Enum):
    NEWEST = "NEWEST"


# Ids are UUIDs of version 7: their order is that of time.
_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
IDLE_RETURNS: Final = Source(
    table=idle_return,
    permission=_READ,
    tenancy=Tenancy.SPAN,
    orders={_Newest.NEWEST: Order((_ID,), descending=True)},
    node=span_node(_NAME),
)


@planned(IDLE_RETURNS)
@strawberry.type(
    description="Balances that go back to the treasury because nobody has touched their wallets for as long as the terms of the programme "
    "say. Its whole region must be the caller's to be seen."
)
class IdleReturn(Node):
    """A row of ``idle_return``."""

    id: strawberry.ID = expression(IDLE_RETURNS.node_text, description="Id for `node(id:)`.")
    region: Region | None = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.region_id]), description="Whose wallets."
    )
    programme: Programme = planned_field(
        One(lambda reading, rows: [rows.c.code == reading.parent.c.programme_code]), description="Of which programme."
    )
    untouched_since: DateTime = column(
        "untouched_since", description="Wallets that moved at this moment or later stay as they are."
    )
    wallets: int = column("wallets", description="How many wallets were emptied so far.")
    amount: Rupiah = column("amount", description="Rupiah returned so far.")
    job: Job | None = planned_field(
        One(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.id == reading.parent.c.job_id,
            ]
        ),
        description="The job that does it: how far it is, and why it failed where it has. Needs `jobs:job:read`.",
    )
    started_by: str = column("made_by_name", description="Who started it.")
    started_at: DateTime = column("made_at", description="When it was started.")
    finished_at: DateTime | None = column(
        "finished_at", description="When the last wallet was emptied; null before, and where the job failed."
    )


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [*in_region_span(reading, rows), *of_programme(reading.arguments, rows)]


@strawberry.type
class IdleReturnsQuery:
    """Queries about returns of idle balances."""

    idle_returns: Connection[IdleReturn] = planned_field(
        Connect(_listed),
        description=f"Returns of idle balances, newest first. Needs `{_READ.value}`.",
        arguments=page_arguments(
            argument(
                "region", str | None, f"Only those that lie wholly in this region. {CODE_ARGUMENT_HELP}", default=None
            ),
            argument("programme", str | None, PROGRAMME_HELP, default=None),
        ),
    )


@strawberry.input(description="Which idle balances to return.")
class IdleBalancesReturnInput:
    """Input of ``idleBalancesReturn``."""

    region: str = strawberry.field(description=f"Whose wallets: a province or what lies in one. {CODE_ARGUMENT_HELP}")
    programme: str = strawberry.field(description="Code of the programme, such as `SEMBAKO`.")
    idempotency_key: UUID = strawberry.field(
        description="A UUID that you make for each return; the same again answers the one that it has started."
    )


@strawberry.type(
    description="A job will return them; this is how far it is. With a key that was used before: what that started."
)
class IdleBalancesReturned:
    """What ``idleBalancesReturn`` did."""

    return_key: strawberry.Private[Key]
    idle_return: IdleReturn | None = answered(
        "return_key", description="The return as it is now; listen to `jobProgress` of its `job` for its end."
    )


async def _return(
    info: Info,
    given: Annotated[IdleBalancesReturnInput, strawberry.argument(name="input", description="Which balances.")],
) -> IdleBalancesReturned:
    async with change(info, _PERMISSION) as acting:
        principal = acting.access.principal
        started = await start_idle_return(
            acting.session,
            principal_id=principal.id,
            principal_name=principal.name,
            region=read("region", parse_region, given.region),
            programme_code=read("programme", storable, given.programme),
            today=datetime.now(_JAKARTA).date(),
            idempotency_key=given.idempotency_key,
        )
        acting.concerns(_NAME, [started.id], started.region.villages)
    return IdleBalancesReturned(return_key=(started.regency_id, started.id))


IdleBalancesReturnResult: TypeAlias = Annotated[
    IdleBalancesReturned | Refusal,
    strawberry.union("IdleBalancesReturnResult", description="What `idleBalancesReturn` did, or why it did nothing."),
]


@strawberry.type
class IdleReturnsMutation:
    """Mutations of returns of idle balances."""

    idle_balances_return: IdleBalancesReturnResult | None = strawberry.mutation(
        resolver=_return,
        description="Return to the treasury what is in wallets that nobody has touched for as many days as the terms of the programme say "
        f"(`idleDays`), by a job. Needs `{_PERMISSION.value}`.",
    )
