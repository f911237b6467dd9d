"""Signals: what was seen, of whom, and the transactions behind it; and the screenings that found them."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import sqlalchemy as sa
import strawberry

from app.authz.permissions import Permission
from app.domain.ewarong.models.signals import (
    SignalCode,
    SignalState,
    TriageState,
    ewarong_lead,
    ewarong_screening,
    ewarong_signal,
)
from app.domain.ewarong.signals.screening import SUBJECT
from app.domain.ewarong.signals.statements import MOST_LEADS
from app.domain.ewarong.signals.texts import TOLD, SignalUnit
from app.schema.audit import region_code_of_span
from app.schema.enums import described_by
from app.schema.ewarong.agents import EwarongAgent, outlet_of_row
from app.schema.ewarong.inspections import AGENT_ARGUMENT, NEWEST_FIRST, of_agent
from app.schema.ewarong.supply import EwarongSupplier, supplier_of
from app.schema.ewarong.transactions import EwarongTransaction
from app.schema.ids import span_node, tenant_node
from app.schema.jobs import Job
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.printing import constant
from app.schema.plan.source import (
    Connect,
    One,
    Reading,
    Row,
    Source,
    argument,
    column,
    expression,
    planned,
    planned_field,
)
from app.schema.regions import CODE_ARGUMENT_HELP, Region, in_region_span
from app.schema.scalars import Date, DateTime
from app.tenants.rls import Tenancy

if TYPE_CHECKING:
    from app.schema.registry.family import Family

SIGNAL: Final = "EwarongSignal"
READ: Final = Permission.EWARONG_SIGNAL_READ
for _terms, _name in (
    (SignalCode, "EwarongSignalCode"),
    (SignalState, "EwarongSignalState"),
    (TriageState, "EwarongTriageState"),
    (SignalUnit, "EwarongSignalUnit"),
):
    described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in _terms}, _name)

SIGNALS: Final = Source(
    table=ewarong_signal,
    permission=READ,
    tenancy=Tenancy.SPAN,
    orders=NEWEST_FIRST,
    node=tenant_node(SIGNAL),
)
SCREENINGS: Final = Source(
    table=ewarong_screening,
    permission=READ,
    tenancy=Tenancy.SPAN,
    orders=NEWEST_FIRST,
    node=span_node(SUBJECT),
)


def _number(name: str) -> Any:
    return lambda row: sa.cast(row.c[name], sa.Double())


def _by_code(texts: dict[SignalCode, str]) -> Any:
    """What ``texts`` say of the code of a row."""
    return lambda row: sa.case(*((row.c.code == constant(code.value), constant(text)) for code, text in texts.items()))


def _unit(row: Row) -> sa.ColumnElement[Any]:
    by_code = _by_code({code: told.unit.value for code, told in TOLD.items()})(row)
    index = sa.and_(row.c.code == constant(SignalCode.F8.value), row.c.supplier_id.is_(None))
    return sa.case((index, constant(SignalUnit.INDEX.value)), else_=by_code)


def _behind(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    above, leads = reading.parent.c, ewarong_lead.alias()
    kept = sa.select(leads.c.transaction_id).where(
        leads.c.regency_id == above.regency_id, leads.c.signal_id == above.id
    )
    if (outer := reading.outer) is not None:
        kept = kept.correlate(outer)
    return [rows.c.regency_id == above.regency_id, rows.c.id.in_(kept)]


@planned(SIGNALS)
@strawberry.type(
    description="A pattern that a person should look at. It accuses nobody, and nothing follows from it by itself: who finds it worth a "
    f"check goes there, and may record a violation that names it. No e-Warong sees what is suspected of it. Needs `{READ.value}`."
)
class EwarongSignal(Node):
    """A row of ``ewarong_signal``."""

    id: strawberry.ID = expression(
        SIGNALS.node_text, description="Id for `node(id:)`, `ewarongSignalTriage` and `ewarongViolationRecord`."
    )
    code: SignalCode = column("code", description="What was seen.")
    description: str = expression(
        _by_code({code: told.indonesian for code, told in TOLD.items()}),
        description="In Indonesian: what that is, and what it may and may not mean.",
    )
    description_english: str = expression(
        _by_code({code: told.english for code, told in TOLD.items()}), description="The same in English."
    )
    region_code: str | None = expression(
        region_code_of_span, description="Code of the village of its e-Warong or family; of F8, of the district."
    )
    agent: EwarongAgent | None = planned_field(
        One(outlet_of_row), description="The e-Warong; null where it is about none. Needs `ewarong:agent:read`."
    )
    family: Annotated["Family", strawberry.lazy("app.schema.registry.family")] | None = planned_field(
        One(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.id == reading.parent.c.family_id,
            ]
        ),
        description="Of F2 and F12: the family; null where it lives in another regency or is not the caller's to see.",
    )
    district: Region | None = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.district_id]), description="Of F8: the district."
    )
    supplier: EwarongSupplier | None = planned_field(
        supplier_of("supplier_id"),
        description="Of F8: the supplier whose share is too large; null where it is the index.",
    )
    first_day: Date = column("first_day", description="The first day on which it was seen.")
    last_day: Date = column("last_day", description="The last one; of F7 and F12, the day of the screening.")
    measured: float = expression(_number("measured"), description="How much was seen, in `unit`.")
    threshold: float = expression(
        _number("threshold"),
        description="What that is compared with: F1 and F2 tell of as many and more, F11 of less, the others of more.",
    )
    unit: SignalUnit = expression(_unit, description="What both count.")
    transaction_count: int = column("transactions", description="How many transactions stand behind it.")
    transactions: Connection[EwarongTransaction] = planned_field(
        Connect(_behind),
        description=f"Those transactions, at most the first {MOST_LEADS} that were found; those that came in last come first. Needs "
        "`ewarong:transaction:read`.",
        arguments=page_arguments(),
    )
    state: SignalState = column("state", description="What a person made of it.")
    triaged_by: str | None = column("triaged_by_name", description="Who did; null: nobody yet.")
    triaged_at: DateTime | None = column("triaged_at", description="When.")
    triage_reason: str | None = column("triage_reason", description="Why.")
    found_at: DateTime = column("created_at", description="When a screening found it first.")
    version: int = column(
        "version",
        description="Grows with every change; give it back to `ewarongSignalTriage`. While it is open, later screenings keep it up.",
    )


@planned(SCREENINGS)
@strawberry.type(
    description="A search for signals in a region, by a job. Its whole region must be the caller's to be seen. Needs "
    f"`{READ.value}`."
)
class EwarongScreening(Node):
    """A row of ``ewarong_screening``."""

    id: strawberry.ID = expression(SCREENINGS.node_text, description="Id for `node(id:)`.")
    region: Region | None = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.region_id]), description="Where was looked."
    )
    first_day: Date = column("first_day", description="The first day asked for; its whole month was looked at.")
    last_day: Date = column("last_day", description="The last day asked for; its whole month was looked at.")
    signals: int | None = column(
        "signals", description="How many signals were found that nobody was told of before; null: it has not begun."
    )
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
        "finished_at", description="When all signals were looked for; null before, and where the job failed."
    )


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = [*in_region_span(reading, rows), *of_agent(reading, rows)]
    conditions += [
        rows.c[name] == constant(given.known.value)
        for name in ("state", "code")
        if (given := reading.arguments.get(name)) is not None
    ]
    return conditions


@strawberry.type
class EwarongSignalsQuery:
    """Queries about signals."""

    ewarong_signals: Connection[EwarongSignal] = planned_field(
        Connect(_listed),
        description=f"Signals, those found last first. Needs `{READ.value}`.",
        arguments=page_arguments(
            argument("region", str | None, f"Only what lies wholly in this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("state", SignalState | None, "Only those of which this was made.", default=None),
            argument("code", SignalCode | None, "Only of this code.", default=None),
            AGENT_ARGUMENT,
        ),
    )
    ewarong_screenings: Connection[EwarongScreening] = planned_field(
        Connect(in_region_span),
        description=f"Screenings, newest first. Needs `{READ.value}`.",
        arguments=page_arguments(
            argument(
                "region", str | None, f"Only those that lie wholly in this region. {CODE_ARGUMENT_HELP}", default=None
            ),
        ),
    )
