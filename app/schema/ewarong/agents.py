"""Outlets: who runs them, how they came to be admitted, how they stand, and how many families they serve."""

from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.bansos.models.payments import Bank
from app.domain.base import DomainError
from app.domain.ewarong.agents.coverage import MOST_FAMILIES, families_of
from app.domain.ewarong.catalogue.queries import threshold
from app.domain.ewarong.models.agents import (
    AgentKind,
    AgentState,
    Criterion,
    ewarong_agent,
    ewarong_agent_step,
    ewarong_due_diligence,
)
from app.schema.enums import described_by
from app.schema.ids import tenant_node
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.printing import constant
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
from app.schema.regions import CODE_ARGUMENT_HELP, VILLAGE, Region, in_region
from app.schema.scalars import Date, DateTime
from app.tenants.rls import Tenancy

if TYPE_CHECKING:
    from app.schema.ewarong.agents_services import EwarongService

AGENT: Final = "EwarongAgent"
READ: Final = Permission.EWARONG_AGENT_READ
ID_HELP: Final = "The `id` of the e-Warong."
for _terms, _name in (
    (AgentKind, "EwarongAgentKind"),
    (AgentState, "EwarongAgentState"),
    (Criterion, "EwarongCriterion"),
):
    described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in _terms}, _name)


class EwarongMonthWrong(DomainError):
    """The day does not begin a month."""

    code = "EWARONG_MONTH_INVALID"

    def __init__(self) -> None:
        super().__init__("`month` adalah hari pertama suatu bulan.", "`month` is the first day of a month.")


class _AgentOrder(Enum):
    VILLAGE = "VILLAGE"


_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
VILLAGE_KEY: Final = OrderKey(lambda rows: rows.c.village_id, sa.BigInteger(), int)
AGENTS: Final = Source(
    table=ewarong_agent,
    permission=READ,
    tenancy=Tenancy.VILLAGE,
    orders={_AgentOrder.VILLAGE: Order((VILLAGE_KEY, _ID))},
    node=tenant_node(AGENT),
    bound="id",
)
# What takes another permission than the outlet is an object of its own, read from the same row: so whoever is bound to one outlet, and
# sees others by another grant, is told nothing of theirs.
_OWNERS: Final = Source(ewarong_agent, Permission.EWARONG_OWNER_READ, Tenancy.VILLAGE, bound="id")
_SERVED: Final = Source(ewarong_agent, Permission.EWARONG_TRANSACTION_READ, Tenancy.VILLAGE, bound="id")
_STEPS: Final = Source(ewarong_agent_step, READ, Tenancy.VILLAGE, bound="agent_id")
_DILIGENCE: Final = Source(ewarong_due_diligence, READ, Tenancy.VILLAGE, bound="agent_id")


def _same(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    row = reading.parent.c
    return [rows.c.regency_id == row.regency_id, rows.c.id == row.id]


def _in_month(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    # A day that begins no month is refused whatever is asked of it.
    return [*_same(reading, rows), reading.arguments["month"].bind(sa.Date(), _first_day).is_not(None)]


def of_outlet(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The rows of the outlet that the field stands on."""
    row = reading.parent.c
    return [rows.c.regency_id == row.regency_id, rows.c.agent_id == row.id]


def outlet_of_row(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The outlet of the row that the field stands on."""
    row = reading.parent.c
    return [rows.c.regency_id == row.regency_id, rows.c.id == row.agent_id]


def _newest_of_criterion(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    later = ewarong_due_diligence.alias()
    superseded = (
        sa.select(sa.literal_column("1"))
        .select_from(later)
        .where(
            later.c.regency_id == rows.c.regency_id,
            later.c.agent_id == rows.c.agent_id,
            later.c.criterion == rows.c.criterion,
            later.c.id > rows.c.id,
        )
        .correlate(rows)
        .exists()
    )
    return [*of_outlet(reading, rows), ~superseded]


def _month(row: Row) -> sa.ColumnElement[Any]:
    return row.arguments["month"].bind(sa.Date(), _first_day)


def _first_day(day: date) -> date:
    if day.day != 1:
        raise EwarongMonthWrong
    return day


def _most_families(row: Row) -> sa.ColumnElement[Any]:
    return sa.cast(threshold(MOST_FAMILIES, _month(row)), sa.Integer())


def _violation(row: Row) -> sa.ColumnElement[Any]:
    named = sa.func.concat(constant("EwarongViolation:"), row.c.regency_id, constant(":"), row.c.violation_id)
    return sa.case((row.c.violation_id.is_not(None), named))


@planned(_OWNERS)
@strawberry.type(description="Who owns an e-Warong. Needs `ewarong:owner:read`.")
class EwarongOwner:
    """The owner's columns of ``ewarong_agent``."""

    name: str = column("owner_name", description="Name.")
    nik_masked: str = column("owner_nik_masked", description="NIK with all but the first and last four digits hidden.")


@planned(_SERVED)
@strawberry.type(description="How many families an e-Warong serves in a month. Needs `ewarong:transaction:read`.")
class EwarongFamilies:
    """Transactions of an outlet, counted by family."""

    served: int = expression(
        lambda row: families_of(row.from_, _month(row)),
        description="Different families that bought there; those whose purchases were all taken back do not count.",
    )
    most: int | None = expression(
        _most_families,
        description="How many it should serve at most, by the rule of that month: with more, families need another e-Warong. Nobody "
        "is refused for it.",
    )


@planned(_STEPS)
@strawberry.type(
    description="A step from one state of an e-Warong to another. While it is frozen or inactive, the office may move the state that it "
    "comes back to: such a step leads from one warning to the next."
)
class EwarongAgentStep:
    """A row of ``ewarong_agent_step``."""

    from_state: AgentState | None = column("from_state", description="Where it stood; null for the first step.")
    to_state: AgentState = column("to_state", description="Where it stands from then on.")
    reason: str = column("reason", description="Why.")
    violation_id: strawberry.ID | None = expression(
        _violation, description="Id of the violation that it answers, for `node(id:)`; null where it is no sanction."
    )
    taken_by: str = column("taken_by_name", description="Who took it.")
    taken_at: DateTime = column("taken_at", description="When.")


@planned(_DILIGENCE)
@strawberry.type(description="What due diligence has found of one criterion.")
class EwarongAssessment:
    """A row of ``ewarong_due_diligence``."""

    criterion: Criterion = column("criterion", description="The criterion.")
    met: bool = column("met", description="Whether it is met.")
    note: str = column("note", description="What was seen; may be empty.")
    assessed_by: str = column("assessed_by_name", description="Who looked.")
    assessed_at: DateTime = column("assessed_at", description="When.")


@planned(AGENTS)
@strawberry.type(
    description="An outlet where families redeem food aid. The bank admits and revokes it; the office watches, warns and recommends. "
    "Whoever runs one sees that one alone. Needs `ewarong:agent:read`."
)
class EwarongAgent(Node):
    """A row of ``ewarong_agent``."""

    id: strawberry.ID = expression(AGENTS.node_text, description="Id for `node(id:)` and the mutations of e-Warong.")
    number: str = column("number", description="By which its bank knows it.")
    name: str = column("name", description="What it is called.")
    kind: AgentKind = column("kind", description="What kind of outlet it is.")
    bank: Bank = column("bank", description="Its bank.")
    address: str = column("address", description="Where it is.")
    latitude: float | None = column("latitude", description="Degrees north; null where it is not known.")
    longitude: float | None = column("longitude", description="Degrees east; null where it is not known.")
    village: Region = planned_field(VILLAGE, description="The village in which it stands.")
    owner: EwarongOwner | None = planned_field(
        One(_same), description="Who owns it; null where the caller may see the e-Warong and not its owner."
    )
    state: AgentState = column("state", description="Where it stands.")
    state_at: DateTime = column("state_at", description="Since when.")
    returns_to: AgentState | None = column(
        "returns_to",
        description="Of one that is frozen or inactive: where it stands once it no longer is. A freeze ends no warning.",
    )
    proposed_by: str = column("proposed_by_name", description="Who proposed it.")
    proposed_at: DateTime = column("proposed_at", description="When it was proposed.")
    version: int = column("version", description="Grows with every change; give it back to the mutations of e-Warong.")
    steps: list[EwarongAgentStep] = planned_field(
        Many(of_outlet, lambda rows: [rows.c.id]), description="How it came to stand there, oldest first."
    )
    due_diligence: list[EwarongAssessment] = planned_field(
        Many(_newest_of_criterion, lambda rows: [rows.c.criterion]),
        description="What was found last of each criterion; the bank admits it once all are met.",
    )
    families: EwarongFamilies | None = planned_field(
        One(_in_month),
        description="How many families it serves in a month; null where the caller may not see its transactions.",
        arguments=[argument("month", Date, "The first day of the month, such as `2026-07-01`.")],
    )
    services: Connection[Annotated["EwarongService", strawberry.lazy("app.schema.ewarong.agents_services")]] = (
        planned_field(
            Connect(of_outlet),
            description="Where and when it serves elsewhere, newest plan first; those that are over or called off too.",
            arguments=page_arguments(),
        )
    )


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = in_region(reading, rows)
    for name in ("state", "kind", "bank"):
        if (given := reading.arguments.get(name)) is not None:
            conditions.append(rows.c[name] == constant(given.known.value))
    return conditions


@strawberry.type
class EwarongAgentsQuery:
    """Queries about outlets."""

    ewarong_agents: Connection[EwarongAgent] = planned_field(
        Connect(_listed),
        description=f"Outlets, by village. Whoever runs one gets that one. Needs `{READ.value}`.",
        arguments=page_arguments(
            argument("region", str | None, f"Only in this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("state", AgentState | None, "Only those that stand here.", default=None),
            argument("kind", AgentKind | None, "Only of this kind.", default=None),
            argument("bank", Bank | None, "Only of this bank.", default=None),
        ),
    )
