"""Cycles of aid: where they stand, who answers for them, and how they add up."""

from enum import Enum
from typing import Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.bansos.models.cycles import (
    CycleState,
    Outcome,
    PaymentStep,
    aid_cycle,
    cycle_generation,
    cycle_outcome,
    entitlement,
)
from app.schema.audit import region_code_of_span
from app.schema.bansos.entitlement_filters import PERIOD_HELP, PROGRAMME_HELP, of_period, of_programme
from app.schema.bansos.payment_terms import CYCLE, cycle_key
from app.schema.bansos.programmes import Programme
from app.schema.ids import span_node, tenant_node
from app.schema.jobs import Job
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import (
    Connect,
    Many,
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
from app.schema.regions import CODE_ARGUMENT_HELP, Region, in_region_span
from app.schema.scalars import Date, DateTime, Rupiah
from app.tenants.rls import Tenancy

GENERATION: Final = "CycleGeneration"


class _CycleOrder(Enum):
    NEWEST = "NEWEST"


# Ids are UUIDs of version 7: their order is that of time.
_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
_READ: Final = Permission.BANSOS_CYCLE_READ
CYCLES: Final = Source(
    table=aid_cycle,
    permission=_READ,
    tenancy=Tenancy.SPAN,
    orders={_CycleOrder.NEWEST: Order((_ID,), descending=True)},
    node=tenant_node(CYCLE),
)
GENERATIONS: Final = Source(cycle_generation, _READ, Tenancy.SPAN, node=span_node(GENERATION))
PROGRAMME_OF_ROW: Final = One(lambda reading, rows: [rows.c.code == reading.parent.c.programme_code])
_OUTCOMES: Final = Source(cycle_outcome, _READ, Tenancy.SPAN)
_VERIFIED: Final[sa.ColumnElement[str]] = sa.literal_column(f"'{CycleState.VERIFIED.value}'")


@planned(_OUTCOMES)
@strawberry.type(description="How many families a cycle decides about in one way for one reason.")
class CycleOutcome:
    """A row of ``cycle_outcome``."""

    outcome: Outcome = column("outcome", description="What was decided.")
    reason: str | None = expression(
        lambda row: sa.func.nullif(row.c.reason, sa.literal_column("''")),
        description="Code of the rule that they do not meet, or of the exclusion; null for those who are entitled.",
    )
    families: int = column("families", description="Families.")
    amount: Rupiah = column("amount", description="What they are entitled to together, in rupiah.")


@strawberry.type(description="How much of a cycle's money is at one step of the chain of payment.")
class CycleStepTotal:
    """Entitlements of a cycle, added up."""

    step: PaymentStep = column("step", description="The step.")
    entitlements: int = column("entitlements", description="Entitlements that are there.")
    amount: Rupiah = column("amount", description="Their rupiah.")


def _of_cycle(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    cycle = reading.parent.c
    # While the list is generated anew, what an earlier generation has counted is nobody's.
    return [rows.c.regency_id == cycle.regency_id, rows.c.cycle_id == cycle.id, cycle.generated_at.is_not(None)]


def _totals(reading: Reading) -> sa.FromClause:
    rows, cycle = entitlement.alias(), reading.parent
    return (
        sa.select(
            rows.c.step,
            sa.func.count().label("entitlements"),
            sa.cast(sa.func.sum(rows.c.amount), sa.BigInteger()).label("amount"),
        )
        .where(rows.c.regency_id == cycle.c.regency_id, rows.c.cycle_id == cycle.c.id)
        .group_by(rows.c.step)
        .correlate(cycle.from_)
        .lateral()
    )


def _awaits_second(row: Row) -> sa.ColumnElement[bool]:
    return sa.and_(row.c.state == _VERIFIED, row.c.approved_by.is_not(None))


def _generation(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.id == reading.parent.c.generation_id]


def _job(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    above = reading.parent.c
    return [rows.c.regency_id == above.regency_id, rows.c.id == above.job_id]


@planned(GENERATIONS)
@strawberry.type(
    description="The making of the lists of a region by one job. Its whole region must be the caller's to be seen."
)
class CycleGeneration(Node):
    """A row of ``cycle_generation``."""

    id: strawberry.ID = expression(GENERATIONS.node_text, description="Id for `node(id:)`.")
    programme_code: str = column("programme_code", description=PROGRAMME_HELP)
    period: Date = column("period_start", description=PERIOD_HELP)
    region_code: str | None = expression(
        region_code_of_span, description="Code of the region whose regencies it makes lists for; null: the country."
    )
    job: Job | None = planned_field(
        One(_job), description="The job that does it: how far it is, and why it failed where it has."
    )
    made_by: str = column("made_by_name", description="Who asked for it.")
    made_at: DateTime = column("made_at", description="When.")


@planned(CYCLES)
@strawberry.type(
    description="The list of who receives a programme in a period in one regency, in one revision. The whole regency must be the caller's "
    "to be seen. Whoever makes, verifies and approves it are different people."
)
class AidCycle(Node):
    """A row of ``aid_cycle``."""

    id: strawberry.ID = expression(CYCLES.node_text, description="Id for `node(id:)` and the mutations of cycles.")
    programme_code: str = column("programme_code", description=PROGRAMME_HELP)
    programme: Programme = planned_field(PROGRAMME_OF_ROW, description="The programme.")
    terms_version: int = column("terms_version", description="Version of the terms of the programme that it goes by.")
    period: Date = column("period_start", description=PERIOD_HELP)
    period_end: Date = column("period_end", description="The last day of the period.")
    regency: Region = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.regency_id]), description="Whose families it is about."
    )
    revision: int = column("revision", description="1 for the first list of the period; each new revision adds one.")
    reason: str | None = column("reason", description="Why this revision came to be; null for the first.")
    state: CycleState = column("state", description="Where it stands.")
    awaits_second_approval: bool = expression(
        _awaits_second,
        description="Whether one person has approved it and a second one must: its amount is above that of the terms.",
    )
    families: int | None = column("families", description="Families looked at; null until the list is generated.")
    entitled: int | None = column("entitled", description="Families that are entitled; null until then.")
    amount: Rupiah | None = column("amount", description="Rupiah of all entitlements; null until then.")
    outcomes: list[CycleOutcome] = planned_field(
        Many(_of_cycle, lambda rows: [rows.c.outcome, rows.c.families.desc(), rows.c.reason]),
        description="In and out by reason: they add up to all `families`. Empty until the list is generated.",
    )
    totals: list[CycleStepTotal] = planned_field(
        Many(lambda _reading, _rows: [], lambda rows: [rows.c.step], _totals),
        description="Its money by step of the chain of payment.",
    )
    generation: CycleGeneration | None = planned_field(
        One(_generation),
        description="What fills, or has filled, the list. Null where that was asked for a region beyond the caller's.",
    )
    made_by: str = column("made_by_name", description="Who had the list generated.")
    made_at: DateTime = column("made_at", description="When that was asked for.")
    generated_at: DateTime | None = column("generated_at", description="When the list was complete.")
    verified_by: str | None = column("verified_by_name", description="Who verified it.")
    verified_at: DateTime | None = column("verified_at", description="When.")
    approved_by: str | None = column("approved_by_name", description="Who approved it first.")
    approved_at: DateTime | None = column("approved_at", description="When.")
    second_approved_by: str | None = column("second_approved_by_name", description="Who approved it after that.")
    second_approved_at: DateTime | None = column("second_approved_at", description="When.")
    released_by: str | None = column("released_by_name", description="Who gave it to payment.")
    released_at: DateTime | None = column("released_at", description="When.")
    paid_at: DateTime | None = column("paid_at", description="When the last bank had answered for the last family.")
    reconciled_at: DateTime | None = column("reconciled_at", description="When its totals agreed with the ledger.")
    closed_at: DateTime | None = column("closed_at", description="When it was closed.")
    version: int = column("version", description="Grows with every change; give it back when you decide on the cycle.")


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = [
        *in_region_span(reading, rows),
        *of_programme(reading.arguments, rows),
        *of_period(reading.arguments, rows),
    ]
    if (states := reading.arguments.get("states")) is not None:
        chosen = states.bind(pg.ARRAY(sa.Text()), lambda terms: [term.value for term in terms])
        conditions.append(rows.c.state == sa.any_(chosen))
    return conditions


def _by_id(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given = reading.arguments["id"]
    return [
        rows.c.regency_id == given.bind(sa.Integer(), lambda text: cycle_key(text)[0]),
        rows.c.id == given.bind(pg.UUID(), lambda text: cycle_key(text)[1]),
    ]


@strawberry.type
class CyclesQuery:
    """Queries about cycles."""

    aid_cycle: AidCycle | None = planned_field(
        One(_by_id),
        description="One cycle. Null where there is none, or none that the caller may see.",
        arguments=[argument("id", strawberry.ID, "The `id` of a cycle.")],
    )
    aid_cycles: Connection[AidCycle] = planned_field(
        Connect(_listed),
        description="Cycles of regencies that lie wholly in the regions of the caller, newest first, superseded revisions included. Needs "
        "`bansos:cycle:read`.",
        arguments=page_arguments(
            argument("region", str | None, f"Only regencies in this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("programme", str | None, f"Only of this programme. {PROGRAMME_HELP}", default=None),
            argument("period", Date | None, f"Only of this period. {PERIOD_HELP}", default=None),
            argument("states", list[CycleState] | None, "Only in these states.", default=None),
        ),
    )
