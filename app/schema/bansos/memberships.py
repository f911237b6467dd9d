"""Memberships of health insurance whose contributions the state pays (PBI), and reviews of them."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.bansos.models.insurance import (
    DeactivationReason,
    MembershipState,
    Segment,
    health_membership,
    health_segment_rule,
    membership_review,
)
from app.schema.enums import described_by
from app.schema.ids import span_node, tenant_node
from app.schema.jobs import Job
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.printing import constant
from app.schema.plan.source import (
    Connect,
    Join,
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
from app.schema.regions import CODE_ARGUMENT_HELP, REGENCY, VILLAGE, Region, in_region, in_region_span
from app.schema.scalars import Date, DateTime
from app.tenants.rls import Tenancy

if TYPE_CHECKING:
    from app.schema.registry.person import Person

for _terms, _name in ((Segment, "HealthSegment"), (MembershipState, None), (DeactivationReason, None)):
    described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in _terms}, _name)


class _Sorted(Enum):
    VILLAGE = "VILLAGE"
    NEWEST = "NEWEST"


MEMBERSHIP: Final = "HealthMembership"
REVIEW: Final = "MembershipReview"
ID_HELP: Final = "The `id` of the membership."
_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
_VILLAGE: Final = OrderKey(lambda rows: rows.c.village_id, sa.BigInteger(), int)
MEMBERSHIPS: Final = Source(
    table=health_membership,
    permission=Permission.BANSOS_MEMBERSHIP_READ,
    tenancy=Tenancy.VILLAGE,
    orders={_Sorted.VILLAGE: Order((_VILLAGE, _ID))},
    node=tenant_node(MEMBERSHIP),
    personal=True,
    about=("person_id",),
)
# Ids are UUIDs of version 7: their order is that of time.
REVIEWS: Final = Source(
    table=membership_review,
    permission=Permission.BANSOS_MEMBERSHIP_READ,
    tenancy=Tenancy.SPAN,
    orders={_Sorted.NEWEST: Order((_ID,), descending=True)},
    node=span_node(REVIEW),
)


def _is(rows: Any, name: str, term: Enum) -> sa.ColumnElement[bool]:
    equal: sa.ColumnElement[bool] = rows.c[name] == constant(term.value)
    return equal


def _last_day_to_ask(row: Row) -> sa.ColumnElement[Any]:
    rule = health_segment_rule.alias()
    months = (
        sa.select(rule.c.reactivation_months)
        .where(rule.c.segment == row.c.segment, rule.c.valid_from <= row.c.valid_to)
        .order_by(rule.c.valid_from.desc())
        .limit(sa.literal_column("1"))
        .correlate(row.from_)
        .scalar_subquery()
    )
    # Months are PostgreSQL's second argument of make_interval; a month that is shorter ends sooner, as in the rule itself.
    last = sa.cast(row.c.valid_to + sa.func.make_interval(sa.literal_column("0"), months), sa.Date())
    return sa.case((_is(row, "state", MembershipState.DEACTIVATED), last))


def _at_key(name: str) -> Join:
    """The row of the same regency whose id the column ``name`` holds."""

    def on(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        row = reading.parent.c
        return [rows.c.regency_id == row.regency_id, rows.c.id == row[name]]

    return on


def _risky(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    row = reading.parent.c
    return [rows.c.regency_id == row.regency_id, rows.c.id == row.id, rows.c.risk_reason.is_not(None)]


@strawberry.type(description="Why the last review found that a membership may have to end.")
class MembershipRisk:
    """Columns of ``health_membership``."""

    reason: DeactivationReason = column("risk_reason", description="What the registry says.")
    since: Date = column("risk_since", description="The day of the first review that found so.")


@planned(MEMBERSHIPS)
@strawberry.type(
    description="A stretch of membership of a person in a segment of health insurance (JKN) whose contributions the state or the "
    "region pays, or an attempt at one. What ended stays as it was: a membership that is given back is another one. No diagnosis is "
    "kept. Needs `bansos:membership:read`."
)
class HealthMembership(Node):
    """A row of ``health_membership``."""

    id: strawberry.ID = expression(MEMBERSHIPS.node_text, description="Id for `node(id:)` and for mutations.")
    person: "Annotated[Person, strawberry.lazy('app.schema.registry.person')] | None" = planned_field(
        One(_at_key("person_id")),
        description="Who is insured; null where the caller may not see them, such as one who lives elsewhere by now.",
    )
    segment: Segment = column("segment", description="Who pays the contribution.")
    state: MembershipState = column("state", description="Where it stands.")
    state_at: DateTime = column("state_at", description="Since when it stands there.")
    valid_from: Date | None = column("valid_from", description="The first day; null where it never became active.")
    valid_to: Date | None = column("valid_to", description="The last day; null where it has not ended.")
    deactivation_reason: DeactivationReason | None = column("deactivation_reason", description="Why it was ended.")
    decree: str | None = column("decree", description="Number of the decree that ended it.")
    reactivation_until: Date | None = expression(
        _last_day_to_ask, description="The last day on which it can be asked back; null where it has not ended."
    )
    reactivates: "Annotated[HealthMembership, strawberry.lazy('app.schema.bansos.memberships')] | None" = planned_field(
        One(_at_key("reactivates_id")), description="The membership that it gives back, or was to give back."
    )
    facility_name: str | None = column(
        "facility_name", description="The health facility whose letter asks to give it back."
    )
    facility_letter: str | None = column("facility_letter", description="Number of that letter.")
    office_statement: str | None = column(
        "office_statement", description="Number of the statement of the social office that goes with it."
    )
    newborn: bool = expression(
        lambda row: row.c.mother_id.is_not(None),
        description="Whether it was proposed as that of a member's newborn child.",
    )
    refusal_reason: str | None = column("refusal_reason", description="Why it was refused, or not given back.")
    risk: MembershipRisk | None = planned_field(
        One(_risky, rows=lambda _reading: health_membership.alias()),
        description="Why it may have to end, by the last review; null where nothing says so.",
    )
    proposed_by: str = column("made_by_name", description="Who proposed it, asked it back, or took it over.")
    proposed_at: DateTime = column("made_at", description="When it was proposed, asked back, or taken over.")
    verified_by: str | None = column("verified_by_name", description="Who verified it.")
    verified_at: DateTime | None = column("verified_at", description="When it was verified.")
    decided_by: str | None = column("decided_by_name", description="Who decided on it.")
    decided_at: DateTime | None = column("decided_at", description="When it was decided on.")
    ended_by: str | None = column("ended_by_name", description="Who ended it.")
    ended_at: DateTime | None = column("ended_at", description="When its end was written down.")
    village: Region = planned_field(
        VILLAGE, description="Village in which the person lived when it was last looked at."
    )
    regency: Region = planned_field(REGENCY, description="Regency of that village.")
    version: int = column("version", description="Grows with every change; give it back when you change it.")


@planned(REVIEWS)
@strawberry.type(
    description="A look through the memberships of a region: those whom the registry names as members are taken over, and those who "
    "may have to be ended are marked. Its whole region must be the caller's to be seen. Needs `bansos:membership:read`."
)
class MembershipReview(Node):
    """A row of ``membership_review``."""

    id: strawberry.ID = expression(REVIEWS.node_text, description="Id for `node(id:)`.")
    region: Region | None = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.region_id]), description="Whose members are looked at."
    )
    reviewed_on: Date = column("reviewed_on", description="The day as of which the rules are looked at.")
    taken_over: int = column("taken_over", description="Memberships opened because the registry names the person.")
    looked_at: int = column("looked_at", description="Active memberships looked at so far.")
    at_risk: int = column("at_risk", description="Those of them that may have to end.")
    job: Job | None = planned_field(
        One(_at_key("job_id")), description="The job that does it: how far it is, and why it failed where it has."
    )
    started_by: str = column("made_by_name", description="Who started it.")
    started_at: DateTime = column("made_at", description="When it was started.")
    finished_at: DateTime | None = column("finished_at", description="When it was done; null before.")


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = in_region(reading, rows)
    for name in ("state", "segment"):
        if (given := reading.arguments.get(name)) is not None:
            conditions.append(_is(rows, name, given.known))
    return conditions


def _at_risk(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = [*in_region(reading, rows), rows.c.risk_reason.is_not(None)]
    if (given := reading.arguments.get("reason")) is not None:
        conditions.append(_is(rows, "risk_reason", given.known))
    return conditions


_REGION: Final = argument("region", str | None, f"Only in this region. {CODE_ARGUMENT_HELP}", default=None)


@strawberry.type
class MembershipsQuery:
    """Queries about memberships."""

    health_memberships: Connection[HealthMembership] = planned_field(
        Connect(_listed),
        description="Memberships of health insurance by village. Needs `bansos:membership:read`.",
        arguments=page_arguments(
            _REGION,
            argument("state", MembershipState | None, "Only in this state.", default=None),
            argument("segment", Segment | None, "Only of this segment.", default=None),
        ),
    )
    memberships_at_risk: Connection[HealthMembership] = planned_field(
        Connect(_at_risk),
        description="Active memberships that may have to end, by the last `membershipReview` of their region. Nobody is ended by it. "
        "Needs `bansos:membership:read`.",
        arguments=page_arguments(
            _REGION,
            argument("reason", DeactivationReason | None, "Only for this reason.", default=None),
        ),
    )
    membership_reviews: Connection[MembershipReview] = planned_field(
        Connect(in_region_span),
        description="Reviews of memberships, newest first. Needs `bansos:membership:read`.",
        arguments=page_arguments(
            argument(
                "region", str | None, f"Only those that lie wholly in this region. {CODE_ARGUMENT_HELP}", default=None
            )
        ),
    )
