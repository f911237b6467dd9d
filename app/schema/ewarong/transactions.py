"""Transactions of outlets, their lines, and what takes them back."""

from enum import Enum
from typing import Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.ewarong.catalogue.prices import PricedRow, PriceVerdict
from app.domain.ewarong.models.transactions import ewarong_line, ewarong_reversal, ewarong_transaction
from app.schema.bansos.entitlement_filters import of_programme
from app.schema.bansos.ledger import PROGRAMME_HELP
from app.schema.bansos.programmes import Programme
from app.schema.ewarong.agents import AGENT, EwarongAgent, outlet_of_row
from app.schema.ewarong.catalogue import Commodity
from app.schema.ewarong.prices import commodity_of
from app.schema.ids import parse_node_id, tenant_node
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.arguments import Arguments
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
from app.schema.regions import CODE_ARGUMENT_HELP, in_region
from app.schema.scalars import Date, DateTime, Rupiah
from app.tenants.rls import Tenancy

TRANSACTION: Final = "EwarongTransaction"
READ: Final = Permission.EWARONG_TRANSACTION_READ


class _Newest(Enum):
    NEWEST = "NEWEST"


# Ids are UUIDs of version 7: their order is that in which transactions came in.
_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
TRANSACTIONS: Final = Source(
    table=ewarong_transaction,
    permission=READ,
    tenancy=Tenancy.VILLAGE,
    orders={_Newest.NEWEST: Order((_ID,), descending=True)},
    node=tenant_node(TRANSACTION),
    bound="agent_id",
)
_LINES: Final = Source(ewarong_line, READ, Tenancy.VILLAGE, bound="agent_id")
_REVERSALS: Final = Source(ewarong_reversal, READ, Tenancy.VILLAGE, bound="agent_id")


def _of_transaction(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    row = reading.parent.c
    return [rows.c.regency_id == row.regency_id, rows.c.transaction_id == row.id]


def _priced(row: Row) -> PricedRow:
    of = ewarong_transaction.alias()
    day = (
        sa.select(of.c.day)
        .where(of.c.regency_id == row.c.regency_id, of.c.id == row.c.transaction_id)
        .correlate_except(of)
        .scalar_subquery()
    )
    return PricedRow(row.c.regency_id, row.c.commodity_code, day, row.c.unit_price)


@planned(_LINES)
@strawberry.type(description="Something that was bought.")
class EwarongTransactionLine:
    """A row of ``ewarong_line``."""

    number: int = column("number", description="Its place in the transaction, from 1.")
    commodity: Commodity | None = planned_field(
        One(commodity_of), description="What was bought. Needs `ewarong:catalogue:read`."
    )
    quantity: str = expression(
        lambda row: sa.cast(sa.func.trim_scale(row.c.quantity), sa.Text()),
        description="How many units of the commodity, as a decimal such as `2.5`.",
    )
    unit_price: Rupiah = column("unit_price", description="Rupiah a unit.")
    amount: Rupiah = column("amount", description="Rupiah: quantity by price, rounded half up.")
    verdict: PriceVerdict | None = expression(
        lambda row: _priced(row).verdict,
        description="What the price is worth beside the reference price of the regency in that week; null: none was published. It is a "
        "lead, never a verdict on the outlet.",
    )


@planned(_REVERSALS)
@strawberry.type(description="A transaction was taken back, all of it, and the money is with the family again.")
class EwarongReversal:
    """A row of ``ewarong_reversal``."""

    amount: Rupiah = column("amount", description="Rupiah.")
    reason: str = column("reason", description="Why.")
    day: Date = column("day", description="The day on which it was taken back, where the e-Warong is.")
    reversed_by: str = column("reversed_by_name", description="Who took it back.")
    reversed_at: DateTime = column("reversed_at", description="When.")


@planned(TRANSACTIONS)
@strawberry.type(
    description="What a family has bought at an e-Warong. It is never changed: `reversal` takes it back. Whoever runs an e-Warong sees "
    f"that one's alone. Needs `{READ.value}`."
)
class EwarongTransaction(Node):
    """A row of ``ewarong_transaction``."""

    id: strawberry.ID = expression(TRANSACTIONS.node_text, description="Id for `node(id:)`.")
    agent: EwarongAgent | None = planned_field(
        One(outlet_of_row), description="The e-Warong. Needs `ewarong:agent:read`."
    )
    programme: Programme = planned_field(
        One(lambda reading, rows: [rows.c.code == reading.parent.c.programme_code]),
        description="The programme whose money was spent.",
    )
    amount: Rupiah = column("amount", description="Rupiah: the sum of the lines.")
    balance: Rupiah = column("balance", description="Rupiah that were left to the family right after it.")
    happened_at: DateTime = column("happened_at", description="When, by the clock of the device.")
    received_at: DateTime = column("received_at", description="When it was reported.")
    day: Date = column(
        "day", description="The day on which it happened, where the e-Warong is; `clockSkew` is taken off."
    )
    clock_skew: int | None = column(
        "clock_skew", description="Seconds that the device's clock was ahead of the server's; null: not known."
    )
    device_id: UUID | None = column("device_id", description="The device that has sent it; null: none said so.")
    device_sequence: int | None = column("device_sequence", description="The how many-th of the device it is.")
    latitude: float | None = column("latitude", description="Degrees north, by the device; null: not known.")
    longitude: float | None = column("longitude", description="Degrees east; null: not known.")
    last_four: str = column("last_four", description="The last four digits of the card.")
    receipt: str = column(
        "receipt", description="Code of the receipt, by which anybody can check it: `ewarongReceipt`."
    )
    unbalanced: bool = column(
        "unbalanced", description="Whether a food group is missing that the basket should hold. It is no offence."
    )
    lines: list[EwarongTransactionLine] = planned_field(
        Many(_of_transaction, lambda rows: [rows.c.number]), description="What was bought, in the order given."
    )
    reversal: EwarongReversal | None = planned_field(
        One(_of_transaction), description="How it was taken back; null: it stands."
    )


def _of_agent(arguments: Arguments, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    if (given := arguments.get("agent")) is None:
        return []
    return [
        rows.c.regency_id == given.bind(sa.Integer(), lambda text: parse_node_id(text, AGENT).key[0]),
        rows.c.agent_id == given.bind(pg.UUID(), lambda text: parse_node_id(text, AGENT).key[1]),
    ]


def _on_days(arguments: Arguments, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = []
    if (first := arguments.get("from")) is not None:
        conditions.append(rows.c.day >= first.bind(sa.Date()))
    if (last := arguments.get("to")) is not None:
        conditions.append(rows.c.day <= last.bind(sa.Date()))
    return conditions


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given = reading.arguments
    return [
        *in_region(reading, rows, by_village=False),
        *of_programme(given, rows),
        *_of_agent(given, rows),
        *_on_days(given, rows),
    ]


@strawberry.type
class EwarongTransactionsQuery:
    """Queries about transactions of outlets."""

    ewarong_transactions: Connection[EwarongTransaction] = planned_field(
        Connect(_listed),
        description=f"Transactions, those that came in last first. Whoever runs an e-Warong gets its own. Needs `{READ.value}`.",
        arguments=page_arguments(
            argument("region", str | None, f"Only of outlets in this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("agent", strawberry.ID | None, "Only of the e-Warong with this `id`.", default=None),
            argument("programme", str | None, PROGRAMME_HELP, default=None),
            argument("from", Date | None, "Only of this day and later.", default=None),
            argument("to", Date | None, "Only of this day and earlier.", default=None),
        ),
    )
