"""Orders of payment, the files that banks get and send back, and what their answers came to."""

from enum import Enum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.bansos.models.cycles import PaymentStep, entitlement
from app.domain.bansos.models.payments import (
    Bank,
    FileFormat,
    FileKind,
    OrderState,
    ResultVerdict,
    bank_file,
    bank_report,
    bank_result,
    payment_order,
)
from app.schema.bansos.cycles import AidCycle
from app.schema.bansos.payment_terms import CYCLE, ORDER, cycle_key, order_key
from app.schema.context import Info
from app.schema.ids import tenant_node
from app.schema.jobs import Job
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.printing import constant
from app.schema.plan.source import (
    SPECIFICATION,
    Computed,
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
from app.schema.scalars import DateTime, Rupiah
from app.tenants.rls import Tenancy

_READ: Final = Permission.BANSOS_PAYMENT_READ
_CARRY: Final = Permission.BANSOS_PAYMENT_REPORT


class _Sorted(Enum):
    NEWEST = "NEWEST"
    LINE = "LINE"


# Ids are UUIDs of version 7: their order is that of time.
_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
_LINE: Final = OrderKey(lambda rows: rows.c.line, sa.Integer(), int)
ORDERS: Final = Source(
    table=payment_order,
    permission=_READ,
    tenancy=Tenancy.SPAN,
    orders={_Sorted.NEWEST: Order((_ID,), descending=True)},
    node=tenant_node(ORDER),
)
FILES: Final = Source(
    table=bank_file,
    permission=_READ,
    tenancy=Tenancy.SPAN,
    orders={_Sorted.NEWEST: Order((_ID,), descending=True)},
    node=tenant_node("BankFile"),
)
RESULTS: Final = Source(bank_result, _READ, Tenancy.SPAN, {_Sorted.LINE: Order((_LINE,))})


def _hexadecimal(name: str) -> Any:
    return lambda row: sa.func.encode(row.c[name], constant("hex"))


def _is(reading: Reading, rows: sa.FromClause, name: str) -> list[sa.ColumnElement[bool]]:
    """The condition of the enum argument ``name`` on the column of that name, where it is given."""
    given = reading.arguments.get(name)
    return [] if given is None else [rows.c[name] == constant(given.known.value)]


def _below_order(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.regency_id == reading.parent.c.regency_id, rows.c.order_id == reading.parent.c.id]


def _entitlement_id(row: Row) -> sa.ColumnElement[Any]:
    printed = sa.func.concat(constant("Entitlement:"), row.c.regency_id, constant(":"), row.c.entitlement_id)
    return sa.case((row.c.entitlement_id.is_not(None), printed))


@planned(RESULTS)
@strawberry.type(
    description="A line of a bank's answer that somebody has to look at: it failed, or it was not simply applied."
)
class BankResult:
    """A row of ``bank_result``."""

    line: int = column("line", description="The how many-th line of the file it is, header not counted.")
    verdict: ResultVerdict = column("verdict", description="What became of it.")
    code: str = column(
        "code",
        description="What the bank says: `OK`, or why not, such as `ACCOUNT_CLOSED`, `NAME_MISMATCH` or `DORMANT`.",
    )
    amount: Rupiah = column("amount", description="The amount that the line names.")
    entitlement_id: strawberry.ID | None = expression(
        _entitlement_id, description="Whom it is about, for `node(id:)`; null where that is not known."
    )


async def _link(root: Any, info: Info) -> str | None:
    if root["vault$"] is None:
        return None
    return info.context.exports.bank_file_link(UUID(root["vault$"]), info.context.access.principal.id)


@planned(FILES)
@strawberry.type(
    description="A file that goes to a bank, or came from one. Its lines name entitlements, tokens of cards and amounts, and nobody."
)
class BankFile(Node):
    """A row of ``bank_file``."""

    id: strawberry.ID = expression(FILES.node_text, description="Id for `node(id:)`.")
    kind: FileKind = column("kind", description="What it is about.")
    format: FileFormat = column("format", description="How it is written.")
    number: int = column("number", description="The how many-th of its kind for the order, as its header says.")
    rows: int = column("rows", description="How many lines it holds.")
    amount: Rupiah = column("amount", description="Control total of its lines.")
    sha256: str = expression(_hexadecimal("sha256"), description="SHA-256 of the whole file, in hexadecimal digits.")
    applied: int | None = column("applied", description="Of an answer: lines that were applied.")
    repeated: int | None = column("repeated", description="Of an answer: lines that said what was known already.")
    unknown: int | None = column("unknown", description="Of an answer: lines about nobody in this order.")
    mismatched: int | None = column(
        "mismatched", description="Of an answer: lines of another amount or card, or against what was said before."
    )
    made_by: str = column("made_by_name", description="On whose behalf it was written or read.")
    made_at: DateTime = column("made_at", description="When it was written or read.")
    download_url: str | None = strawberry.field(
        resolver=_link,
        description="Where to fetch a file that goes out, with GET and without a token: whoever has the link gets the file, for a few "
        f"minutes. Null for answers. Needs `{_CARRY.value}`.",
        metadata={SPECIFICATION: Computed({"vault": lambda row: row.c.vault_id}, _CARRY, Tenancy.SPAN)},
    )
    results: Connection[BankResult] = planned_field(
        Connect(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.file_id == reading.parent.c.id,
                *_is(reading, rows, "verdict"),
            ]
        ),
        description="Of an answer: its lines that failed or were not simply applied.",
        arguments=page_arguments(argument("verdict", ResultVerdict | None, "Only these.", default=None)),
    )


def _steps(_reading: Reading) -> sa.FromClause:
    """How many entitlements of each order are where."""
    e = entitlement.alias()
    kinds = [e.c[name] for name in ("regency_id", "cycle_id", "order_id", "step")]
    amount = sa.cast(sa.func.sum(e.c.amount), sa.BigInteger()).label("amount")
    return sa.select(*kinds, sa.func.count().label("count"), amount).group_by(*kinds).subquery()


@strawberry.type(description="How many entitlements of an order are at one step, and how much they are.")
class PaymentStepTotal:
    """A group of rows of ``entitlement``."""

    step: PaymentStep = column("step", description="Where their money is.")
    count: int = column("count", description="How many they are.")
    amount: Rupiah = column("amount", description="Rupiah of all of them.")


def _jobs(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    parent, report = reading.parent.c, bank_report.alias()
    read = sa.select(report.c.id).where(report.c.regency_id == parent.regency_id, report.c.order_id == parent.id)
    if (outer := reading.outer) is not None:
        read = read.correlate(outer)
    return [
        rows.c.regency_id == parent.regency_id,
        sa.or_(rows.c.subject_id == parent.id, rows.c.subject_id.in_(read)),
    ]


@planned(ORDERS)
@strawberry.type(
    description="What one bank is to pay to families of one cycle. Its whole regency must be the caller's to be seen."
)
class PaymentOrder(Node):
    """A row of ``payment_order``."""

    id: strawberry.ID = expression(ORDERS.node_text, description="Id for `node(id:)` and the mutations of orders.")
    cycle_id: strawberry.ID = expression(
        lambda row: sa.func.concat(constant(f"{CYCLE}:"), row.c.regency_id, constant(":"), row.c.cycle_id),
        description="Id of the cycle whose families it pays, for whoever may not read cycles.",
    )
    cycle: AidCycle | None = planned_field(
        One(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.id == reading.parent.c.cycle_id,
            ]
        ),
        description="The cycle whose families it pays. Needs `bansos:cycle:read`; null where that does not reach as far.",
    )
    regency: Region = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.regency_id]),
        description="The regency or city of the cycle.",
    )
    bank: Bank = column("bank", description="Who pays.")
    number: int = column("number", description="The how many-th order of the cycle with this bank.")
    state: OrderState = column("state", description="How far it is.")
    entitlements: int = column("entitlements", description="How many families it began with.")
    amount: Rupiah = column("amount", description="Rupiah that it began with.")
    valid_entitlements: int | None = column(
        "valid_entitlements", description="How many have a good account; null until all are checked."
    )
    valid_amount: Rupiah | None = column(
        "valid_amount", description="Rupiah of those: what the treasury is to pay; null until all are checked."
    )
    spm_number: str | None = column("spm_number", description="Number of the order to pay (SPM).")
    sp2d_number: str | None = column("sp2d_number", description="Number of the treasury's disbursement (SP2D).")
    made_by: str = column("made_by_name", description="Who made it.")
    made_at: DateTime = column("made_at", description="When it was made.")
    checked_at: DateTime | None = column("checked_at", description="When the last account was checked.")
    spm_at: DateTime | None = column("spm_at", description="When the SPM was noted.")
    omspan_at: DateTime | None = column("omspan_at", description="When its entry into OMSPAN was noted.")
    sp2d_at: DateTime | None = column("sp2d_at", description="When the SP2D was noted.")
    instructed_at: DateTime | None = column("instructed_at", description="When the bank was instructed to pay.")
    settled_at: DateTime | None = column("settled_at", description="When the last answer came.")
    version: int = column("version", description="Grows with every change; give it back to the mutations of orders.")
    steps: list[PaymentStepTotal] = planned_field(
        Many(
            lambda reading, rows: [
                *_below_order(reading, rows),
                rows.c.cycle_id == reading.parent.c.cycle_id,
            ],
            lambda rows: [rows.c.step],
            _steps,
        ),
        description="Where its entitlements are now. Those whose account failed leave it when a later order takes them up.",
    )
    files: Connection[BankFile] = planned_field(
        Connect(lambda reading, rows: [*_below_order(reading, rows), *_is(reading, rows, "kind")]),
        description="Files that went out and answers that came in, newest first.",
        arguments=page_arguments(argument("kind", FileKind | None, "Only these.", default=None)),
    )
    jobs: Connection[Job] = planned_field(
        Connect(_jobs),
        description="The jobs that write, send and read its files, newest first: how far they are, and why one failed. Needs "
        "`jobs:job:read`.",
        arguments=page_arguments(),
    )


def _by_id(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given = reading.arguments["id"]
    return [
        rows.c.regency_id == given.bind(sa.Integer(), lambda text: order_key(text)[0]),
        rows.c.id == given.bind(pg.UUID(), lambda text: order_key(text)[1]),
    ]


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = [*in_region_span(reading, rows), *_is(reading, rows, "bank"), *_is(reading, rows, "state")]
    if (cycle := reading.arguments.get("cycle")) is not None:
        conditions.append(rows.c.regency_id == cycle.bind(sa.Integer(), lambda text: cycle_key(text)[0]))
        conditions.append(rows.c.cycle_id == cycle.bind(pg.UUID(), lambda text: cycle_key(text)[1]))
    return conditions


@strawberry.type
class PaymentsQuery:
    """Queries about orders of payment."""

    payment_order: PaymentOrder | None = planned_field(
        One(_by_id),
        description="One order of payment. Null where there is none, or none that the caller may see.",
        arguments=[argument("id", strawberry.ID, "The `id` of an order of payment.")],
    )
    payment_orders: Connection[PaymentOrder] = planned_field(
        Connect(_listed),
        description=f"Orders of payment, newest first. Needs `{_READ.value}`.",
        arguments=page_arguments(
            argument("region", str | None, f"Only those of cycles in this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("cycle", strawberry.ID | None, "Only those of the cycle with this `id`.", default=None),
            argument("bank", Bank | None, "Only those of this bank.", default=None),
            argument("state", OrderState | None, "Only those that are here.", default=None),
        ),
    )
