"""Background jobs: how far they are, cancelling them, and hearing of them while they run."""

from collections.abc import AsyncGenerator
from enum import Enum
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.authorize import authorize
from app.authz.permissions import Permission
from app.domain.jobs.errors import JobUnknown
from app.domain.jobs.models import JobKind, JobState, job
from app.domain.jobs.queue import Place
from app.domain.jobs.service import cancel, has_ended, kind_of
from app.schema.audit import region_code_of_span
from app.schema.context import Info, RequestContext, SubscriptionInfo
from app.schema.enums import described_by
from app.schema.ids import parse_node_id, span_node
from app.schema.language import Language
from app.schema.mutations import Key, Refusal, answered, change, read
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import (
    SPECIFICATION,
    Computed,
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
from app.schema.regions import CODE_ARGUMENT_HELP, in_region_span
from app.schema.scalars import DateTime
from app.tenants.rls import Tenancy

for _terms in (JobKind, JobState):
    described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in _terms})

PERMISSIONS: Final = {
    JobKind.IMPORT_CHECK: Permission.REGISTRY_IMPORT_RUN,
    JobKind.IMPORT_APPLY: Permission.REGISTRY_IMPORT_RUN,
    JobKind.EXPORT: Permission.EXPORTS_EXPORT_RUN,
    JobKind.MATCHING: Permission.REGISTRY_MATCHING_RUN,
    JobKind.CYCLE_GENERATION: Permission.BANSOS_CYCLE_MAKE,
    JobKind.BANK_FILE: Permission.BANSOS_PAYMENT_ORDER,
    JobKind.BANK_RESULTS: Permission.BANSOS_PAYMENT_REPORT,
    JobKind.IDLE_RETURN: Permission.BANSOS_LEDGER_RETURN,
    JobKind.MEMBERSHIP_REVIEW: Permission.BANSOS_MEMBERSHIP_CHANGE,
    JobKind.EWARONG_SCREENING: Permission.EWARONG_SIGNAL_SCREEN,
}
"""By which permission each kind of job is started, worked on and cancelled."""


class _JobOrder(Enum):
    NEWEST = "NEWEST"


# Ids are UUIDs of version 7: their order is that of time.
_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
JOBS: Final = Source(
    table=job,
    permission=Permission.JOBS_JOB_READ,
    tenancy=Tenancy.SPAN,
    orders={_JobOrder.NEWEST: Order((_ID,), descending=True)},
    node=span_node("Job"),
)


_ZERO: Final[sa.ColumnElement[float]] = sa.literal_column("0", sa.Double())


def _rate(row: Row) -> sa.ColumnElement[float]:
    """What was done since the stage or the attempt began, whichever came later, by the seconds that it took; null before."""
    until = sa.func.coalesce(row.c.finished_at, sa.func.now())
    seconds: sa.ColumnElement[float] = sa.cast(sa.extract("epoch", until - row.c.paced_from), sa.Double())
    done: sa.ColumnElement[float] = sa.cast(row.c.done - row.c.paced_done, sa.Double())
    rate: sa.ColumnElement[float] = done.op("/")(sa.func.nullif(seconds, _ZERO))
    # A clock that was put back measures nothing.
    return sa.case((sa.and_(done >= _ZERO, seconds > _ZERO), rate))


def _seconds_left(row: Row) -> sa.ColumnElement[int]:
    # GREATEST passes over nulls: without the check of the total, what nobody knows would be no time at all.
    to_do: sa.ColumnElement[float] = sa.case(
        (
            row.c.total.is_not(None),
            sa.cast(sa.func.greatest(row.c.total - row.c.done, sa.literal_column("0")), sa.Double()),
        )
    )
    left = sa.func.ceil(to_do.op("/")(sa.func.nullif(_rate(row), _ZERO)))
    # A job that has hardly begun may promise centuries; what no Int holds is no estimate.
    sane = left <= sa.literal_column("2147483647")
    running = row.c.state == sa.literal_column(f"'{JobState.RUNNING.value}'")
    return sa.case((sa.and_(running, sane), sa.cast(left, sa.BigInteger())))


def _failed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    above = reading.parent.c
    return [rows.c.regency_id == above.regency_id, rows.c.id == above.id, rows.c.error_code.is_not(None)]


def _message(root: Any, info: Info) -> str:
    message: str = root["indonesian$" if info.context.language is Language.INDONESIAN else "english$"]
    return message


@strawberry.type(description="Why a job has failed.")
class JobError:
    """Columns of ``job``."""

    code: str = column("error_code", description="Stable name of the reason, such as `IMPORT_FILE_UNREADABLE`.")
    message: str = strawberry.field(
        resolver=_message,
        description="What to tell people, in the language of `Accept-Language`; needs `jobs:job:read`, as the job itself does.",
        metadata={
            SPECIFICATION: Computed(
                {"indonesian": lambda row: row.c.error_indonesian, "english": lambda row: row.c.error_english},
                Permission.JOBS_JOB_READ,
                Tenancy.SPAN,
            )
        },
    )


@planned(JOBS)
@strawberry.type(
    description="Work that goes on after the request that asked for it. All that it is about must be the caller's to be seen."
)
class Job(Node):
    """A row of ``job``."""

    id: strawberry.ID = expression(JOBS.node_text, description="Id for `node(id:)`, `jobProgress` and `jobCancel`.")
    kind: JobKind = column("kind", description="What it does.")
    state: JobState = column(
        "state", description="Where it stands. A job that waits for another attempt is `QUEUED` again."
    )
    stage: str | None = column("stage", description="What it is at, as a stable name; null before it says so.")
    done: int = column("done", description="How much of the stage is done, in rows of whatever it works on.")
    total: int | None = column("total", description="How much there is to do in the stage; null: not known yet.")
    rate_per_second: float | None = expression(
        _rate,
        description="How much was done in a second since the stage began; null before anything was done.",
    )
    estimated_seconds_left: int | None = expression(
        _seconds_left,
        description="How long the stage will take at this rate; null where nobody can tell, and once the job has ended.",
    )
    error: JobError | None = planned_field(
        One(_failed, rows=lambda _reading: job.alias()),
        description="Why it has failed; null where it has not.",
    )
    region_code: str | None = expression(
        region_code_of_span,
        description="Code of the smallest region that holds all that it is about; null: the whole country.",
    )
    attempts: int = column("attempts", description="How often it was begun: again after an error, or a restart.")
    started_by: str = column("principal_name", description="Who started it.")
    created_at: DateTime = column("created_at", description="When it was started: queued, that is.")
    started_at: DateTime | None = column("started_at", description="When a worker first began it.")
    finished_at: DateTime | None = column("finished_at", description="When it ended.")
    cancel_requested_at: DateTime | None = column(
        "cancel_requested_at", description="When somebody asked to cancel it; it ends soon after."
    )


@strawberry.input(description="Which jobs to list. Conditions that are given must all hold.")
class JobFilter:
    """Input of the filter of jobs."""

    states: list[JobState] | None = strawberry.field(default=None, description="Only in these states.")
    kinds: list[JobKind] | None = strawberry.field(default=None, description="Only these kinds.")


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = in_region_span(reading, rows)
    given = reading.arguments.get("filter")
    if given is None:
        return conditions
    for name, of_row in (("states", rows.c.state), ("kinds", rows.c.kind)):
        if (chosen := given.get(name)) is not None:
            values = chosen.bind(pg.ARRAY(sa.Text()), lambda terms: [term.value for term in terms])
            conditions.append(of_row == sa.any_(values))
    return conditions


def _by_id(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given = reading.arguments["id"]
    return [
        rows.c.regency_id == given.bind(sa.Integer(), lambda text: _place(text).regency_id),
        rows.c.id == given.bind(pg.UUID(), lambda text: _place(text).job_id),
    ]


def _place(text: str) -> Place:
    return Place(*parse_node_id(text, "Job").key)


@strawberry.type
class JobsQuery:
    """Queries about jobs."""

    job: Job | None = planned_field(
        One(_by_id),
        description="One job. Null where there is none, or none that the caller may see.",
        arguments=[argument("id", strawberry.ID, "The `id` of a job.")],
    )
    jobs: Connection[Job] = planned_field(
        Connect(_listed),
        description="Jobs about what lies wholly in the regions of the caller, newest first. Needs `jobs:job:read`.",
        arguments=page_arguments(
            argument(
                "region",
                str | None,
                f"Only jobs about what lies wholly in this region. {CODE_ARGUMENT_HELP}",
                default=None,
            ),
            argument("filter", JobFilter | None, "Which jobs.", default=None),
        ),
    )


@strawberry.input(description="Which job to cancel.")
class JobCancelInput:
    """Input of ``jobCancel``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the job.")


@strawberry.type(
    description="Cancelling was asked for: a job that waited is `CANCELLED` now, one that runs will be as soon as it hears of it."
)
class JobCancelRequested:
    """What ``jobCancel`` did."""

    job_key: strawberry.Private[Key]
    job: Job | None = answered("job_key", description="The job as it is now; listen to `jobProgress` for its end.")


async def _permission_for(context: RequestContext, place: Place) -> Permission:
    """The permission by which the job is cancelled.

    Raises:
        NotPermitted: the caller may start no job of any kind.
        JobUnknown: there is none, or none of a kind that the caller may start.
    """
    scope = context.access.scope_of_any(PERMISSIONS.values())
    async with context.database.read(scope) as session:
        kind = await kind_of(session, *place)
    if kind is None or PERMISSIONS[kind] not in context.access.permissions:
        raise JobUnknown
    return PERMISSIONS[kind]


async def _cancel(
    info: Info, given: Annotated[JobCancelInput, strawberry.argument(name="input", description="The job to cancel.")]
) -> JobCancelRequested:
    place = read("id", _place, given.id)
    async with change(info, await _permission_for(info.context, place)) as acting:
        villages = await cancel(acting.session, *place)
        acting.concerns("Job", [place.job_id], villages)
    return JobCancelRequested(job_key=tuple(place))


JobCancelResult: TypeAlias = Annotated[
    JobCancelRequested | Refusal,
    strawberry.union("JobCancelResult", description="What `jobCancel` did, or why it did nothing."),
]


@strawberry.type
class JobsMutation:
    """Mutations of jobs."""

    job_cancel: JobCancelResult | None = strawberry.mutation(
        resolver=_cancel,
        description="Cancel a job. Needs the permission by which such a job is started: "
        f"{', '.join(f'`{each.value}`' for each in dict.fromkeys(PERMISSIONS.values()))}.",
    )


@strawberry.type(description="A job at one moment.")
class JobProgress:
    """What ``jobProgress`` tells."""

    job_key: strawberry.Private[Key]
    job: Job | None = answered(
        "job_key",
        description="The job. Null where there is none, or none that the caller may see: then nothing follows.",
    )


async def progress_of_job(
    info: SubscriptionInfo,
    id: Annotated[strawberry.ID, strawberry.argument(description="The `id` of a job.")],  # noqa: A002  (its name in the schema)
) -> AsyncGenerator[JobProgress, None]:
    """A job now, and at each change until it has ended."""
    place = _place(id)
    context = info.context
    scope = authorize(context.access, Permission.JOBS_JOB_READ)
    async with context.job_changes.of(place) as changes:
        over = False
        while not over:
            async with context.database.read(scope) as session:
                over = await has_ended(session, *place)
            yield JobProgress(job_key=tuple(place))
            if not over:
                await anext(changes)
