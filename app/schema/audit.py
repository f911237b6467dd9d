"""The audit trail: what happened, to whom it was told, and the proof that nobody changed it since."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg
from strawberry.scalars import JSON

from app.authz.permissions import Permission
from app.domain.audit.models import Action, Purpose, audit_event
from app.domain.audit.streams import AUDIT
from app.domain.base import DomainError
from app.domain.registry.models import person
from app.schema.enums import described_by
from app.schema.ids import span_node
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.arguments import Argument
from app.schema.plan.source import (
    Connect,
    Key,
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
from app.schema.proving import proof_field
from app.schema.regions import CODE_ARGUMENT_HELP, in_region_span
from app.schema.registry.queries import digest_of_nik
from app.schema.scalars import DateTime
from app.tenants.rls import Tenancy

described_by(
    {action: f"{action.indonesian[0].upper()}{action.indonesian[1:]}." for action in Action}, name="AuditAction"
)


class _EventOrder(Enum):
    NEWEST = "NEWEST"


_MOMENT: Final = Key(lambda rows: rows.c.happened_at, sa.DateTime(timezone=True), datetime)
_ID: Final = Key(lambda rows: rows.c.id, pg.UUID(), UUID)
EVENTS: Final = Source(
    table=audit_event,
    permission=Permission.AUDIT_EVENT_READ,
    tenancy=Tenancy.SPAN,
    orders={_EventOrder.NEWEST: Order((_MOMENT, _ID), descending=True)},
    node=span_node("AuditEvent"),
)


def region_code_of_span(row: Row) -> sa.ColumnElement[str]:
    """The code of the smallest region that holds the span of an event; null for the country."""
    low, high = row.c.village_low, row.c.village_high
    digits = sa.func.lpad(sa.cast(low, sa.Text()), sa.literal_column("10"), sa.literal_column("'0'"))

    def within(width: int) -> sa.ColumnElement[bool]:
        divisor: sa.ColumnElement[int] = sa.literal_column(str(10**width))
        first, last = low.op("/")(divisor), high.op("/")(divisor)
        return sa.cast(first, sa.BigInteger()) == sa.cast(last, sa.BigInteger())

    def dotted(*parts: tuple[int, int]) -> sa.ColumnElement[str]:
        pieces = [
            sa.func.substr(digits, sa.literal_column(str(start)), sa.literal_column(str(length)))
            for start, length in parts
        ]
        return sa.func.concat_ws(sa.literal_column("'.'"), *pieces)

    return sa.case(
        (within(0), dotted((1, 2), (3, 2), (5, 2), (7, 4))),
        (within(4), dotted((1, 2), (3, 2), (5, 2))),
        (within(6), dotted((1, 2), (3, 2))),
        (within(8), dotted((1, 2))),
    )


@planned(EVENTS)
@strawberry.type(
    description="Something that happened: personal data read, revealed, exported or changed, a login, or a refusal."
)
class AuditEvent(Node):
    """An event of the audit trail."""

    id: strawberry.ID = expression(EVENTS.node_text, description="Id for `node(id:)`.")
    happened_at: DateTime = column("happened_at", description="When.")
    action: Action = column("action", description="What kind of thing.")
    principal_id: strawberry.ID = expression(
        lambda row: sa.cast(row.c.principal_id, sa.Text()), description="Id of the principal who did it."
    )
    roles: list[str] = column("roles", description="The roles by which the principal had the permission.")
    permission: str | None = column("permission", description="The permission that was used, or that was missing.")
    operation: str = column(
        "operation",
        description="Name of the operation in its document, empty where it has none; of a change the name of the mutation.",
    )
    document_hash: str | None = expression(
        lambda row: sa.func.encode(row.c.document_hash, sa.literal_column("'hex'")),
        description="SHA-256 of the document, in hexadecimal digits.",
    )
    subject_type: str = column("subject_type", description="Type of the rows that were touched, such as `Person`.")
    subject_ids: list[strawberry.ID] = column(
        "subject_ids",
        description="UUIDs of those rows; where persons were read together with their families, those of the families too.",
    )
    row_count: int = column("row_count", description="How many rows.")
    purpose: Purpose | None = column("purpose", description="What for, where a purpose must be stated.")
    request_id: str = column(
        "request_id", description="`X-Request-ID` of the request, as its answer and the logs carry it."
    )
    region_code: str | None = expression(
        region_code_of_span,
        description="Code of the smallest region that holds all of those rows; null: the whole country.",
    )
    inclusion_proof: JSON | None = proof_field(AUDIT, Permission.AUDIT_EVENT_READ, "event")


@strawberry.input(description="Which events to list. Conditions that are given must all hold.")
class AuditEventFilter:
    """Input of the filters of events."""

    actions: list[Action] | None = strawberry.field(default=None, description="Only these kinds.")
    principal_id: strawberry.ID | None = strawberry.field(default=None, description="Only what this principal did.")
    since: DateTime | None = strawberry.field(default=None, description="At this moment or later.")
    until: DateTime | None = strawberry.field(default=None, description="Before this moment.")


class PrincipalIdInvalid(DomainError):
    """The text is no id of a principal."""

    code = "ID_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "ID prinsipal adalah UUID seperti pada `me { principal { id } }`.",
            "The id of a principal is a UUID as in `me { principal { id } }`.",
        )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise PrincipalIdInvalid from error


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = in_region_span(reading, rows)
    given = reading.arguments.get("filter")
    if given is None:
        return conditions
    conditional: dict[str, Callable[[Argument], sa.ColumnElement[bool]]] = {
        "actions": lambda actions: (
            rows.c.action
            == sa.any_(actions.bind(pg.ARRAY(sa.Text()), lambda chosen: [action.value for action in chosen]))
        ),
        "principalId": lambda principal: rows.c.principal_id == principal.bind(pg.UUID(), _uuid),
        "since": lambda since: rows.c.happened_at >= since.bind(sa.DateTime(timezone=True)),
        "until": lambda until: rows.c.happened_at < until.bind(sa.DateTime(timezone=True)),
    }
    return conditions + [make(part) for name, make in conditional.items() if (part := given.get(name)) is not None]


def _subject(reading: Reading) -> sa.Select[Any]:
    reading.require(Permission.AUDIT_SUBJECT_READ)
    rows = person.alias()
    digest = reading.arguments["nik"].bind_for(sa.LargeBinary(), digest_of_nik)
    within = reading.within(Permission.AUDIT_SUBJECT_READ, Tenancy.VILLAGE, rows)
    # One index holds the numbers of the living, another those of the dead, and PostgreSQL looks into both where it is told of both.
    deceased = sa.literal_column("'DECEASED'", rows.c.presence.type)
    either = sa.or_(rows.c.presence != deceased, rows.c.presence == deceased)
    return sa.select(rows).where(rows.c.nik_digest == digest, either, *within)


def _about_subject(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    subject = _subject(reading).subquery()
    ids = sa.union_all(
        sa.select(subject.c.id), sa.select(subject.c.family_id).where(subject.c.family_id.is_not(None))
    ).subquery()
    since = reading.arguments.get("since")
    moment = sa.literal_column("'-infinity'::timestamptz") if since is None else since.bind(sa.DateTime(timezone=True))
    about = (
        sa.func.audit_events_about(sa.select(sa.func.array_agg(ids.c.id)).scalar_subquery(), moment)
        .table_valued("regency_id", "id")
        .render_derived()
    )
    found = sa.select(about.c.regency_id, about.c.id)
    return [
        sa.tuple_(rows.c.regency_id, rows.c.id).in_(found),
        *reading.within(Permission.AUDIT_SUBJECT_READ, Tenancy.SPAN, rows),
    ]


@strawberry.type
class AuditQuery:
    """Queries of the audit trail."""

    audit_events: Connection[AuditEvent] = planned_field(
        Connect(_listed),
        description="What happened in the regions of the caller, newest first.",
        arguments=page_arguments(
            argument(
                "region", str | None, f"Only events that lie wholly in this region. {CODE_ARGUMENT_HELP}", default=None
            ),
            argument("filter", AuditEventFilter | None, "Which events.", default=None),
        ),
    )
    subject_access: Connection[AuditEvent] = planned_field(
        Connect(_about_subject, about=lambda reading: _subject(reading).subquery()),
        description="Who read, revealed, exported or changed the data of the person with this NIK or of the family that the person "
        "belongs to, newest first: what a person who asks must be told within 3 x 24 hours (UU 27/2022 article 32). "
        "Needs `audit:subject:read`; asking is an event itself.",
        arguments=page_arguments(
            argument("nik", str, "NIK of the person who asks, 16 digits."),
            argument("since", DateTime | None, "Only events of this moment or later.", default=None),
        ),
    )
