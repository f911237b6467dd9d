"""Violations: where they stand, how they came there, and what was said of them."""

from typing import Any, Final

import sqlalchemy as sa
import strawberry

from app.authz.permissions import Permission
from app.domain.ewarong.models.oversight import (
    StatementKind,
    ViolationAct,
    ViolationCode,
    ViolationState,
    ewarong_statement,
    ewarong_violation,
    ewarong_violation_step,
)
from app.schema.enums import described_by
from app.schema.ewarong.agents import EwarongAgent, outlet_of_row
from app.schema.ewarong.inspections import (
    AGENT_ARGUMENT,
    NEWEST_FIRST,
    REGION_ARGUMENT,
    EwarongInspection,
    of_agent,
)
from app.schema.ids import tenant_node
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.printing import constant
from app.schema.plan.source import (
    Connect,
    Many,
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
from app.schema.regions import VILLAGE, Region, in_region
from app.schema.scalars import Date, DateTime
from app.tenants.rls import Tenancy

VIOLATION: Final = "EwarongViolation"
READ: Final = Permission.EWARONG_VIOLATION_READ
_INSIDE: Final = Permission.EWARONG_INSPECTION_READ
_SIGNALS: Final = Permission.EWARONG_SIGNAL_READ
for _terms, _name in (
    (ViolationState, "EwarongViolationState"),
    (ViolationAct, "EwarongViolationAct"),
    (StatementKind, "EwarongStatementKind"),
):
    described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in _terms}, _name)

VIOLATIONS: Final = Source(
    table=ewarong_violation,
    permission=READ,
    tenancy=Tenancy.VILLAGE,
    orders=NEWEST_FIRST,
    node=tenant_node(VIOLATION),
    bound="agent_id",
)
_STEPS: Final = Source(ewarong_violation_step, READ, Tenancy.VILLAGE, bound="agent_id")
_STATEMENTS: Final = Source(ewarong_statement, READ, Tenancy.VILLAGE, bound="agent_id")


def _null(_row: Row) -> sa.ColumnElement[Any]:
    return sa.cast(sa.null(), sa.Text())


def _taken_by_office(row: Row) -> sa.ColumnElement[Any]:
    return sa.case((row.c.act != constant(ViolationAct.RECORD.value), row.c.taken_by_name))


def _overdue(rows: Any) -> sa.ColumnElement[bool]:
    zone = sa.func.region_time_zone(rows.regency_id)
    today = sa.cast(sa.func.timezone(zone, sa.func.now()), sa.Date)
    unanswered = sa.and_(rows.replied_at.is_(None), rows.appealed_at.is_(None))
    return sa.func.coalesce(sa.and_(rows.reply_due < today, unanswered), sa.false())


def _signal(row: Row) -> sa.ColumnElement[Any]:
    named = sa.func.concat(constant("EwarongSignal:"), row.c.regency_id, constant(":"), row.c.signal_id)
    return sa.case((row.c.signal_id.is_not(None), named))


def _of_violation(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    row = reading.parent.c
    return [rows.c.regency_id == row.regency_id, rows.c.violation_id == row.id]


@planned(_STEPS)
@strawberry.type(description="A step of a violation, with its reason. One that an appeal took back is there, too.")
class EwarongViolationStep:
    """A row of ``ewarong_violation_step``."""

    step: int = column("step", description="1 for its being recorded, and then upwards.")
    act: ViolationAct = column("act", description="What was done.")
    from_state: ViolationState | None = column("from_state", description="Where it stood; null for the first step.")
    to_state: ViolationState = column("to_state", description="Where it stands from then on.")
    reason: str = column("reason", description="Why; of a warning, what it says.")
    reply_due: Date | None = column(
        "reply_due", description="The last day on which the outlet could answer it; null where nothing was to answer."
    )
    taken_by: str | None = expression(
        lambda row: row.c.taken_by_name,
        permission=_INSIDE,
        masked=_taken_by_office,
        description=f"Who took it. Of the first step, who has recorded the violation: null without `{_INSIDE.value}`, as for the outlet.",
    )
    taken_at: DateTime = column("taken_at", description="When.")


@planned(_STATEMENTS)
@strawberry.type(description="What an outlet says of a step, or what is answered to its appeal.")
class EwarongStatement:
    """A row of ``ewarong_statement``."""

    kind: StatementKind = column("kind", description="What it is.")
    text: str = column("text", description="What is said.")
    against: ViolationState = column("against", description="Where the violation stood, which it speaks to.")
    step: int = column("step", description="The number of the step that it speaks to.")
    said_by: str = column("said_by_name", description="Who said it.")
    said_at: DateTime = column("said_at", description="When.")


@planned(VIOLATIONS)
@strawberry.type(
    description="Something that an outlet did wrong, and what has become of it: the office warns twice and recommends, the bank decides. "
    "Whoever runs an outlet sees its own violations alone, and not who has recorded them."
)
class EwarongViolation(Node):
    """A row of ``ewarong_violation``."""

    id: strawberry.ID = expression(
        VIOLATIONS.node_text, description="Id for `node(id:)` and the mutations of violations."
    )
    agent: EwarongAgent | None = planned_field(
        One(outlet_of_row), description="The outlet. Needs `ewarong:agent:read`."
    )
    village: Region = planned_field(VILLAGE, description="Where the outlet is.")
    code: ViolationCode = column("code", description="What it did.")
    state: ViolationState = column("state", description="Where the violation stands.")
    description: str = column("description", description="What was seen. No family is named.")
    inspection: EwarongInspection | None = planned_field(
        One(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.id == reading.parent.c.inspection_id,
            ]
        ),
        description=f"The inspection that shows it; null where there was none. Needs `{_INSIDE.value}`.",
    )
    signal_id: strawberry.ID | None = expression(
        _signal,
        permission=_SIGNALS,
        masked=_null,
        description=f"Id of the signal that led to it, for `node(id:)`; null where there was none, and without `{_SIGNALS.value}`.",
    )
    recorded_by: str | None = expression(
        lambda row: row.c.recorded_by_name,
        permission=_INSIDE,
        masked=_null,
        description=f"Who recorded it; null without `{_INSIDE.value}`, as for the outlet and the bank.",
    )
    recorded_at: DateTime = column("recorded_at", description="When it was recorded.")
    reply_due: Date | None = column(
        "reply_due",
        description="The last day, at the outlet, on which it can answer the last step; null where nothing is to answer. The next step "
        "waits for the answer, or for this day to pass.",
    )
    overdue: bool = expression(
        lambda row: _overdue(row.c), description="Whether that day has passed and the outlet has not answered."
    )
    replied_at: DateTime | None = column("replied_at", description="When the outlet replied to the last step.")
    appealed_at: DateTime | None = column("appealed_at", description="When it appealed against the last step.")
    appeal_answered_at: DateTime | None = column(
        "appeal_answered_at", description="When that appeal was rejected; an accepted one takes the step back instead."
    )
    decision_reason: str | None = column(
        "decision_reason", description="Why it was dismissed or closed, or what the bank says; null while it is open."
    )
    decided_at: DateTime | None = column("decided_at", description="When it ended; null while it is open.")
    steps: list[EwarongViolationStep] = planned_field(
        Many(_of_violation, lambda rows: [rows.c.step]), description="How it came to stand there, oldest first."
    )
    statements: list[EwarongStatement] = planned_field(
        Many(_of_violation, lambda rows: [rows.c.id]),
        description="What the outlet said and what it was answered, oldest first.",
    )
    version: int = column(
        "version",
        description="Grows with every change and every statement; give it back to the mutations of violations.",
    )


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = [*in_region(reading, rows, by_village=False), *of_agent(reading, rows)]
    conditions += [
        rows.c[name] == constant(given.known.value)
        for name in ("state", "code")
        if (given := reading.arguments.get(name)) is not None
    ]
    if (overdue := reading.arguments.get("overdue")) is not None:
        conditions.append(_overdue(rows.c) == overdue.bind(sa.Boolean()))
    return conditions


@strawberry.type
class EwarongViolationsQuery:
    """Queries about violations."""

    ewarong_violations: Connection[EwarongViolation] = planned_field(
        Connect(_listed),
        description=f"Violations, the newest first; whoever runs an outlet gets those of that one. Needs `{READ.value}`.",
        arguments=page_arguments(
            REGION_ARGUMENT,
            AGENT_ARGUMENT,
            argument("state", ViolationState | None, "Only those that stand here.", default=None),
            argument("code", ViolationCode | None, "Only of this code.", default=None),
            argument(
                "overdue",
                bool | None,
                "Only those whose outlet has (`true`) or has not (`false`) let the day pass without an answer.",
                default=None,
            ),
        ),
    )
