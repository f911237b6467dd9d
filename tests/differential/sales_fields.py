"""Transactions of outlets: what there is of them beside ``agents_fields``, and how the reference executor reads them."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from tests.differential import agents_fields, programme_fields, supply_fields
from tests.differential.cycle_fields import MAKER, bounds, tagged
from tests.differential.rows import Arguments, Reader, Resolver, Row, insert, page_of
from tests.support.triggers import past_triggers

if TYPE_CHECKING:
    import asyncpg

READ: Final = Permission.EWARONG_TRANSACTION_READ
NODE: Final = "EwarongTransaction"
TYPES: Final = dict.fromkeys(("EwarongTransactionConnection", "EwarongTransactionLine", "EwarongReversal"), READ)
KEYS: Final[dict[str, dict[str, tuple[type, ...]]]] = {"Query.ewarongTransactions": {"NEWEST": (UUID,)}}
COLUMNS: Final = {"EwarongReversal.reversedBy": "reversed_by_name"}
_AT: Final = datetime.fromisoformat("2031-02-03T04:05:06.07+00:00")
_NAME: Final = 'Agen "Sri" \\ é'
_SOLD: Final = "select * from ewarong_transaction where reported_by = $1 order by regency_id desc, id"


async def start(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Lines for each planted transaction, and a reversal for every third."""
    rows = await owner.fetch(_SOLD, MAKER)
    async with past_triggers(owner):
        for number, sold in enumerate(rows):
            own = {name: sold[name] for name in ("regency_id", "village_id", "agent_id")}
            for at in range(number % 4):
                line = {
                    "transaction_id": sold["id"],
                    "number": at + 1,
                    "commodity_code": ("RICE", "EGGS", "TIDAK_ADA")[at],
                    "quantity": Decimal(number + 1) / 8,
                    "unit_price": 8 * (at + 1),
                    "amount": (number + 1) * (at + 1),
                }
                await insert(owner, "ewarong_line", own | line)
            if number % 3 == 0:
                taken = {
                    "id": sold["id"],
                    "transaction_id": sold["id"],
                    "amount": sold["amount"],
                    "reason": _NAME,
                    "entry_id": sold["id"],
                    "day": date(2031, 8, 2),
                    "idempotency_key": sold["id"],
                    "reversed_by": MAKER,
                    "reversed_by_name": _NAME,
                    "reversed_at": _AT,
                }
                await insert(owner, "ewarong_reversal", own | taken)


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away."""
    async with past_triggers(owner):
        await owner.execute("delete from ewarong_reversal where reversed_by = $1", MAKER)
        await owner.execute(
            "delete from ewarong_line l using ewarong_transaction t "
            "where t.reported_by = $1 and l.regency_id = t.regency_id and l.transaction_id = t.id",
            MAKER,
        )


async def _seen(reader: Reader, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(f"select * from ewarong_transaction where {where} order by id desc", *arguments)  # noqa: S608  (our own words)
    return [tagged(NODE, row) for row in reader.seen(READ, rows)]


async def sale_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The transaction, if the principal may see it."""
    return next(iter(await _seen(reader, "regency_id = $1 and id = $2", regency, id_)), None)


def _chosen(row: Row, arguments: Arguments) -> bool:
    agent, programme = arguments.get("agent"), arguments.get("programme")
    first, last = arguments.get("from"), arguments.get("to")
    return (
        agent in {None, f"EwarongAgent:{row['regency_id']}:{row['agent_id']}"}
        and programme in {None, row["programme_code"]}
        and (first is None or row["day"] >= date.fromisoformat(first))
        and (last is None or row["day"] <= date.fromisoformat(last))
    )


async def _listed(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    found = await _seen(reader, "village_id between $1 and $2", *bounds(arguments))
    return page_of([row for row in found if _chosen(row, arguments)], arguments, "NEWEST", (UUID,), ("id",))


async def _lines(reader: Reader, row: Row, _arguments: Arguments) -> list[Row]:
    lines = await reader.rows(
        "select * from ewarong_line where regency_id = $1 and transaction_id = $2 order by number",
        *(row["regency_id"], row["id"]),
    )
    return [{**line, "day": row["day"], "__typename": "EwarongTransactionLine"} for line in lines]


async def _reversal(reader: Reader, row: Row, _arguments: Arguments) -> Row | None:
    found = await reader.row(
        "select * from ewarong_reversal where regency_id = $1 and transaction_id = $2", row["regency_id"], row["id"]
    )
    return None if found is None else {**found, "__typename": "EwarongReversal"}


def _agent(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    return agents_fields.agent_by_id(reader, row["regency_id"], row["agent_id"])


def _verdict(reader: Reader, row: Row, arguments: Arguments) -> Any:
    priced = {**row, "observed_on": row["day"], "price": row["unit_price"]}
    return supply_fields.FIELDS["PriceObservation.verdict"](reader, priced, arguments)


FIELDS: Final[dict[str, Resolver]] = {
    "Query.ewarongTransactions": _listed,
    "EwarongTransaction.id": lambda _reader, row, _arguments: row["node_id"],
    "EwarongTransaction.agent": _agent,
    "EwarongTransaction.programme": lambda reader, row, _arguments: programme_fields.by_code(
        reader, row["programme_code"]
    ),
    "EwarongTransaction.lines": _lines,
    "EwarongTransaction.reversal": _reversal,
    "EwarongTransactionLine.commodity": supply_fields.FIELDS["EwarongDelivery.commodity"],
    "EwarongTransactionLine.quantity": supply_fields.FIELDS["EwarongDelivery.quantity"],
    "EwarongTransactionLine.verdict": _verdict,
}
