"""What the bank owes an outlet for a span of days, compared with the journal."""

from typing import Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.domain.ewarong.models.agents import ewarong_agent
from app.domain.ewarong.settlement.queries import Reached, settled, settled_by_day
from app.schema.ewarong.agents import EwarongAgent
from app.schema.ids import parse_node_id
from app.schema.plan.source import Derived, Many, One, Reading, argument, column, expression, planned_field
from app.schema.scalars import Date, Rupiah
from app.tenants.rls import Tenancy

_READ: Final = Permission.EWARONG_SETTLEMENT_READ
MOST_DAYS: Final = 92


class SettlementDaysWrong(DomainError):
    """The days are none, or too many."""

    code = "SETTLEMENT_DAYS_WRONG"
    fields = ("to",)

    def __init__(self) -> None:
        super().__init__(
            f"`to` tidak boleh sebelum `from`, dan paling banyak {MOST_DAYS} hari.",
            f"`to` must not be before `from`, and there are {MOST_DAYS} days at most.",
        )


def _regency_of(text: str) -> int:
    return int(parse_node_id(text, "EwarongAgent").key[0])


def _id_of(text: str) -> UUID:
    return UUID(str(parse_node_id(text, "EwarongAgent").key[1]))


def _asked(reading: Reading) -> sa.FromClause:
    """The one row of a settlement: the outlet, where the caller sees it, and the days."""
    given, rows = reading.arguments, ewarong_agent.alias()
    first, last = given["from"].bind(sa.Date()), given["to"].bind(sa.Date())
    reading.check(
        sa.cast(last - first, sa.Integer()).between(0, MOST_DAYS - 1), given["to"], lambda _: SettlementDaysWrong()
    )
    return (
        sa.select(
            rows.c.regency_id,
            rows.c.id.label("agent_id"),
            first.label("first_day"),
            last.label("last_day"),
        )
        .where(
            rows.c.regency_id == given["agent"].bind(sa.Integer(), _regency_of),
            rows.c.id == given["agent"].bind(pg.UUID(), _id_of),
            *reading.within(_READ, Tenancy.VILLAGE, rows, "id"),
        )
        .subquery()
    )


def _reached(reading: Reading) -> Reached:
    return lambda rows: reading.within(_READ, Tenancy.VILLAGE, rows, "agent_id")


def _total(reading: Reading) -> sa.FromClause:
    return settled(reading.parent.from_, _reached(reading))


def _days(reading: Reading) -> sa.FromClause:
    return settled_by_day(reading.parent.from_, _reached(reading))


def _all(_reading: Reading, _rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return []


def _agent_of_row(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    row = reading.parent.c
    return [rows.c.regency_id == row.regency_id, rows.c.id == row.agent_id]


@strawberry.type(description="What moved at an outlet on one day.")
class EwarongSettlementDay:
    """One row of ``settled_by_day``."""

    day: Date = column("day", description="Local day of the outlet.")
    transactions: int = column("transactions", description="Redemptions of that day.")
    amount: Rupiah = column("amount", description="Their rupiah.")
    reversals: int = column(
        "reversals", description="Redemptions that were taken back on that day, of whatever day they were."
    )
    reversed_amount: Rupiah = column("reversed_amount", description="Their rupiah.")
    due: Rupiah = column(
        "due", description="`amount` less `reversedAmount`; below zero where more was taken back than sold."
    )


@strawberry.type(description="What moved in all days together.")
class EwarongSettlementTotal:
    """The row of ``settled``."""

    transactions: int = column("transactions", description="Redemptions.")
    amount: Rupiah = column("amount", description="Their rupiah.")
    reversals: int = column("reversals", description="Redemptions that were taken back.")
    reversed_amount: Rupiah = column("reversed_amount", description="Their rupiah.")
    due: Rupiah = column("due", description="What the bank owes the outlet: `amount` less `reversedAmount`.")
    booked: Rupiah = column(
        "booked", description="What the journal has put on the account of the outlet for the same redemptions."
    )
    reconciled: bool = expression(
        lambda row: row.c.due == row.c.booked,
        description="Whether `due` and `booked` are the same. Where they are not, pay nothing and tell the operator.",
    )


@strawberry.type(description="A settlement of an outlet with its bank.")
class EwarongSettlement:
    """What ``ewarongSettlement`` answers."""

    agent: EwarongAgent = planned_field(One(_agent_of_row), description="The outlet.")
    first_day: Date = column("first_day", description="The first day.")
    last_day: Date = column("last_day", description="The last day, included.")
    total: EwarongSettlementTotal = planned_field(
        One(_all, _total), description="All days together; the sum of `days`."
    )
    days: list[EwarongSettlementDay] = planned_field(
        Many(_all, lambda rows: [rows.c.day], _days), description="Days on which something moved, in order."
    )


@strawberry.type
class EwarongSettlementsQuery:
    """Queries about settlements."""

    ewarong_settlement: EwarongSettlement | None = planned_field(
        Derived(_asked, _READ),
        description="What the bank owes an outlet for a span of days, and whether the journal says the same. Null where there is no such "
        f"outlet, or none that the caller may see; an agent sees its own. Needs `{_READ.value}`.",
        arguments=[
            argument("agent", strawberry.ID, "The `id` of the outlet."),
            argument("from", Date, "The first day."),
            argument("to", Date, f"The last day, included; {MOST_DAYS} days at most."),
        ],
    )
