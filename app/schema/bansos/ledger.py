"""The ledger: wallets of families, journal entries and their lines."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg
from strawberry.scalars import JSON

from app.authz.permissions import Permission
from app.domain.audit.streams import LEDGER
from app.domain.bansos.models.ledger import Account, EntryKind, journal_entry, journal_line, wallet
from app.schema.audit import region_code_of_span
from app.schema.bansos.cycles import AidCycle
from app.schema.bansos.entitlement_filters import of_programme
from app.schema.bansos.programmes import Programme
from app.schema.enums import described_by
from app.schema.ids import parse_node_id, span_node, tenant_node
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.printing import constant
from app.schema.plan.source import (
    Connect,
    Key,
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
from app.schema.proving import proof_field
from app.schema.regions import CODE_ARGUMENT_HELP, VILLAGE, Region, in_region, in_region_span
from app.schema.scalars import DateTime, Rupiah
from app.tenants.rls import Tenancy

if TYPE_CHECKING:
    from app.schema.registry.family import Family

_ENUMS: Final[dict[type[Account | EntryKind], str]] = {Account: "LedgerAccount", EntryKind: "JournalEntryKind"}
for _terms, _name in _ENUMS.items():
    described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in _terms}, _name)

READ: Final = Permission.BANSOS_LEDGER_READ
_ENTRY: Final = "JournalEntry"
_WALLET: Final = "Wallet"
PROGRAMME_HELP: Final = "Only of the programme with this code, such as `SEMBAKO`."


class _Sorted(Enum):
    NEWEST = "NEWEST"
    VILLAGE = "VILLAGE"


_ID: Final = Key(lambda rows: rows.c.id, pg.UUID(), UUID)
# Ids of entries are made of what they are about: their order is not that of time.
_MOMENT: Final = Key(lambda rows: rows.c.happened_at, sa.DateTime(timezone=True), datetime)
ENTRIES: Final = Source(
    table=journal_entry,
    permission=READ,
    tenancy=Tenancy.SPAN,
    orders={_Sorted.NEWEST: Order((_MOMENT, _ID), descending=True)},
    node=span_node(_ENTRY),
)
LINES: Final = Source(journal_line, READ, Tenancy.SPAN)
WALLETS: Final = Source(
    table=wallet,
    permission=READ,
    tenancy=Tenancy.VILLAGE,
    orders={_Sorted.VILLAGE: Order((Key(lambda rows: rows.c.village_id, sa.BigInteger(), int), _ID))},
    node=tenant_node(_WALLET),
    personal=True,
    about=("family_id",),
)


def _node_text(prefix: str, column_: str) -> Any:
    """The id of another row of the same regency, null where the column is."""

    def text(row: Row) -> sa.ColumnElement[Any]:
        printed = sa.func.concat(constant(f"{prefix}:"), row.c.regency_id, constant(":"), row.c[column_])
        return sa.case((row.c[column_].is_not(None), printed))

    return text


def _wallet_of_line(row: Row) -> sa.ColumnElement[Any]:
    printed = sa.func.concat(constant(f"{_WALLET}:"), row.c.regency_id, constant(":"), row.c.holder_id)
    return sa.case((row.c.account == constant(Account.WALLET.value), printed))


def _same(own: str, other: str) -> Any:
    """Rows of the same regency whose column ``other`` is the column ``own`` of the row above."""
    return lambda reading, rows: [
        rows.c.regency_id == reading.parent.c.regency_id,
        rows.c[other] == reading.parent.c[own],
    ]


_PROGRAMME: Final = One(lambda reading, rows: [rows.c.code == reading.parent.c.programme_code])


@planned(LINES)
@strawberry.type(description="One side of a journal entry. The lines of an entry sum to zero.")
class JournalLine:
    """A row of ``journal_line``."""

    number: int = column("number", description="Its place in the entry, from 1.")
    account: Account = column("account", description="What the money moves into or out of.")
    wallet_id: strawberry.ID | None = expression(
        _wallet_of_line, description="The wallet, for `node(id:)` and `wallets`; null where the account is another."
    )
    amount: Rupiah = column("amount", description="Rupiah: positive into the account, negative out of it.")


@planned(ENTRIES)
@strawberry.type(
    description="Money that moved from one account to another. What is written stays: a redemption that was taken back is undone by an "
    "entry of kind `REVERSAL`."
)
class JournalEntry(Node):
    """A row of ``journal_entry``."""

    id: strawberry.ID = expression(ENTRIES.node_text, description="Id for `node(id:)` and `journalEntry(id:)`.")
    happened_at: DateTime = column("happened_at", description="When it was posted.")
    kind: EntryKind = column("kind", description="What it tells.")
    programme: Programme = planned_field(_PROGRAMME, description="The programme whose money it is.")
    region_code: str | None = expression(
        region_code_of_span, description="Code of the village of the family; of a payment order, of its regency."
    )
    cycle: AidCycle | None = planned_field(
        One(_same("cycle_id", "id")),
        description="The cycle that pays, where one does. Null for callers who do not hold its whole regency.",
    )
    family_id: strawberry.ID | None = expression(
        _node_text("Family", "family_id"), description="The family, for `node(id:)`; null where it is about no family."
    )
    source_key: str = column(
        "source_key", description="What may happen once only, such as `TOP_UP:SEMBAKO:2026-01-01:` and a family."
    )
    reason: str | None = column("reason", description="Of a `REVERSAL`: why.")
    lines: list[JournalLine] = planned_field(
        Many(_same("id", "entry_id"), lambda rows: [rows.c.number]), description="Its lines, by number: two or more."
    )
    inclusion_proof: JSON | None = proof_field(LEDGER, READ, "journal entry")


def _in_wallet(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    above, lines = reading.parent.c, journal_line.alias()
    held = sa.select(lines.c.entry_id).where(
        lines.c.regency_id == above.regency_id,
        lines.c.holder_id == above.id,
        lines.c.account == constant(Account.WALLET.value),
    )
    if (outer := reading.outer) is not None:
        held = held.correlate(outer)
    return [rows.c.regency_id == above.regency_id, rows.c.id.in_(held)]


@planned(WALLETS)
@strawberry.type(
    description="What a family has of a programme and has not spent. It is the sum of its lines, and never below zero."
)
class Wallet(Node):
    """A row of ``wallet``."""

    id: strawberry.ID = expression(WALLETS.node_text, description="Id for `node(id:)`.")
    family: Annotated["Family", strawberry.lazy("app.schema.registry.family")] | None = planned_field(
        One(_same("family_id", "id")), description="Whose it is. Null where the family is not the caller's to see."
    )
    programme: Programme = planned_field(_PROGRAMME, description="The programme whose money it holds.")
    village: Region = planned_field(VILLAGE, description="Where the family lived when the wallet was opened.")
    balance: Rupiah = column("balance", description="Rupiah.")
    moved_at: DateTime = column("moved_at", description="When the balance last changed, or the wallet was opened.")
    entries: Connection[JournalEntry] = planned_field(
        Connect(_in_wallet), description="What moved its balance, newest first.", arguments=page_arguments()
    )


def _by_id(prefix: str) -> Any:
    def on(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        given = reading.arguments["id"]
        return [
            rows.c.regency_id == given.bind(sa.Integer(), lambda text: parse_node_id(text, prefix).key[0]),
            rows.c.id == given.bind(pg.UUID(), lambda text: parse_node_id(text, prefix).key[1]),
        ]

    return on


def _related(reading: Reading, name: str, prefix: str) -> tuple[sa.ColumnElement[int], sa.ColumnElement[Any]] | None:
    """Regency and id of the row that the argument ``name`` names, where it is given."""
    given = reading.arguments.get(name)
    if given is None:
        return None
    return (
        given.bind(sa.Integer(), lambda text: parse_node_id(text, prefix).key[0]),
        given.bind(pg.UUID(), lambda text: parse_node_id(text, prefix).key[1]),
    )


def _entries(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = [*in_region_span(reading, rows), *of_programme(reading.arguments, rows)]
    if (kind := reading.arguments.get("kind")) is not None:
        conditions.append(rows.c.kind == constant(kind.known.value))
    for name, prefix, column_ in (("cycle", "AidCycle", "cycle_id"), ("family", "Family", "family_id")):
        if (named := _related(reading, name, prefix)) is not None:
            conditions += [rows.c.regency_id == named[0], rows.c[column_] == named[1]]
    if (named := _related(reading, "wallet", _WALLET)) is not None:
        lines = journal_line.alias()
        held = sa.select(lines.c.entry_id).where(
            lines.c.regency_id == named[0],
            lines.c.holder_id == named[1],
            lines.c.account == constant(Account.WALLET.value),
        )
        conditions += [rows.c.regency_id == named[0], rows.c.id.in_(held)]
    return conditions


def _wallets(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = [*in_region(reading, rows), *of_programme(reading.arguments, rows)]
    if reading.arguments["holding"].known:
        conditions.append(rows.c.balance > sa.literal_column("0"))
    return conditions


_REGION: Final = argument(
    "region", str | None, f"Only what lies wholly in this region. {CODE_ARGUMENT_HELP}", default=None
)
_OF_PROGRAMME: Final = argument("programme", str | None, PROGRAMME_HELP, default=None)


@strawberry.type
class LedgerQuery:
    """Queries about the ledger."""

    journal_entry: JournalEntry | None = planned_field(
        One(_by_id(_ENTRY)),
        description="One entry of the journal. Null where there is none, or none that the caller may see.",
        arguments=[argument("id", strawberry.ID, "The `id` of an entry.")],
    )
    journal_entries: Connection[JournalEntry] = planned_field(
        Connect(_entries),
        description=f"Entries of the journal, newest first. Conditions that are given must all hold. Needs `{READ.value}`.",
        arguments=page_arguments(
            _REGION,
            _OF_PROGRAMME,
            argument("kind", EntryKind | None, "Only of this kind.", default=None),
            argument("cycle", strawberry.ID | None, "Only of the cycle with this `id`.", default=None),
            argument("family", strawberry.ID | None, "Only about the family with this `id`.", default=None),
            argument("wallet", strawberry.ID | None, "Only those that moved the wallet with this `id`.", default=None),
        ),
    )
    wallets: Connection[Wallet] = planned_field(
        Connect(_wallets),
        description=f"Wallets of families, by village. Needs `{READ.value}`.",
        arguments=page_arguments(
            _REGION,
            _OF_PROGRAMME,
            argument("holding", bool, "Only wallets that hold something.", default=False),
        ),
    )
