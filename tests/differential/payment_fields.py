"""Orders of payment, files of banks and cards for the differential tests, and as the reference executor resolves them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from tests.differential import cycle_fields, job_fields, region_fields
from tests.differential.cycle_fields import MAKER, bounds, node_parts, tagged, uuid_of, value_of
from tests.differential.rows import Arguments, Reader, Resolver, Row, insert, page_of

if TYPE_CHECKING:
    import asyncpg

KEYS: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    **{where: {"NEWEST": (UUID,)} for where in ("Query.paymentOrders", "PaymentOrder.files", "PaymentOrder.jobs")},
    "BankFile.results": {"LINE": (int,)},
    "Query.kksCards": {"VILLAGE": (int, UUID)},
}
COLUMNS: Final = {f"{name}.madeBy": "made_by_name" for name in ("PaymentOrder", "BankFile")}
_READ: Final = Permission.BANSOS_PAYMENT_READ
_CARD: Final = Permission.BANSOS_CARD_READ
_BEGIN: Final = datetime(2031, 2, 28, 23, 59, 58, 120_000, tzinfo=UTC)
_BANKS: Final = ("BRI", "BNI", "POS")
_STATES: Final = ("SETTLED", "ACCOUNT_CHECK", "SP2D")
_KINDS: Final = ("ACCOUNT_CHECK", "ACCOUNT_RESULT", "TOP_UP", "TOP_UP_RESULT")
_VERDICTS: Final = ("MISMATCH", "UNKNOWN", "REPEATED", "APPLIED")
_CARD_STATES: Final = ("ACTIVE", "OPENING", "BLOCKED", "DISTRIBUTED", "PRINTED")
_ENDED: Final = ("LOST", "SWAPPED", "DAMAGED", "WITHDRAWN")
_CYCLES: Final = "select * from aid_cycle where made_by = $1 and state in ('CLOSED', 'VERIFIED') order by id"


def _place(row: Row) -> Row:
    return {name: row[name] for name in ("regency_id", "village_low", "village_high")}


def _made(number: int) -> Row:
    return {"made_by": MAKER, "made_by_name": 'Sri "Ayu" \\ é', "made_at": _BEGIN + timedelta(minutes=number)}


def _orders(cycle: Row, first: int) -> Iterator[Row]:
    for number, (bank, state) in enumerate(zip(_BANKS, _STATES, strict=True), first):
        moments = ("checked_at", "spm_at", "omspan_at", "sp2d_at", "instructed_at", "settled_at")
        reached = {"SETTLED": 6, "ACCOUNT_CHECK": 0, "SP2D": 4}[state]
        yield (
            _place(cycle)
            | _made(number)
            | {
                "id": uuid_of(400 + number),
                "cycle_id": cycle["id"],
                "bank": bank,
                "number": number % 2 + 1,
                "state": state,
                "entitlements": number,
                "amount": 2**42 + number,
                "valid_entitlements": number if reached else None,
                "valid_amount": 2**42 if reached else None,
                "spm_number": '"SPM" \\ 1' if reached else None,
                "sp2d_number": "SP2D-1" if reached else None,
                "version": number + 1,
                **{name: _BEGIN + timedelta(days=place) for place, name in enumerate(moments[:reached])},
            }
        )


def _files(order: Row, first: int) -> Iterator[Row]:
    """Files of every kind. None lies in the vault: a link tells the second that it was made in. tests/bansos follow them."""
    for number, kind in enumerate(_KINDS, first):
        is_answer = kind.endswith("RESULT")
        yield (
            _place(order)
            | _made(number)
            | {
                "id": uuid_of(600 + number),
                "order_id": order["id"],
                "kind": kind,
                "format": ("CSV", "FIXED")[number % 3 % 2],
                "number": number % 4 + 1,
                "rows": number,
                "amount": 2**43 + number,
                "sha256": bytes([number]) * 32,
                **dict.fromkeys(("applied", "repeated", "unknown", "mismatched"), number if is_answer else None),
            }
        )


def _results(file: Row, entitlement_ids: list[UUID]) -> Iterator[Row]:
    for line, verdict in enumerate(_VERDICTS, 1):
        yield _place(file) | {
            "file_id": file["id"],
            "line": line * 2,
            "verdict": verdict,
            "entitlement_id": entitlement_ids[line] if verdict != "UNKNOWN" and entitlement_ids else None,
            "code": 'KODE"\\',
            "amount": 2**41 + line,
        }


def _cards(entitlement: Row, number: int) -> Iterator[Row]:
    """The card that counts, and of every third family one before it; two of a moment where both are."""
    states = (_CARD_STATES[number % 5], *([_ENDED[number % 4]] if number % 3 == 0 else []))
    for place, state in enumerate(states, 1):
        is_known = state not in {"OPENING", "WITHDRAWN"}
        identifier = UUID(int=entitlement["id"].int + place)
        yield {
            **{name: entitlement[name] for name in ("regency_id", "village_id", "family_id")},
            "id": identifier,
            "person_id": entitlement["recipient_id"],
            "bank": _BANKS[number % 3],
            "state": state,
            "last_four": f"{number:04}" if is_known else None,
            "token": f"token-{identifier}" if is_known else None,
            "created_at": _BEGIN if number % 2 else _BEGIN - timedelta(days=place),
            "activated_at": _BEGIN if state == "ACTIVE" else None,
            "state_at": _BEGIN + timedelta(hours=number),
            "state_reason": 'Hilang "di jalan"' if state == "LOST" else None,
            "version": number + 1,
        }


async def start(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Orders of all the cycles that have a list, their files and what banks answered, and cards of the families."""
    first = 0
    for cycle in [dict(row) for row in await owner.fetch(_CYCLES, MAKER)]:
        entitlements = await owner.fetch("select * from entitlement where cycle_id = $1 order by id", cycle["id"])
        for order in _orders(cycle, first):
            await insert(owner, "payment_order", order)
            await _answer(owner, order, first, [row["id"] for row in entitlements])
            first += 1
        await owner.execute(
            "update entitlement set order_id = $2 where cycle_id = $1 and right(id::text, 6) > '7'",
            *(cycle["id"], uuid_of(400 + first - 3)),
        )
        for number, entitlement in enumerate(entitlements if cycle["state"] == "CLOSED" else []):
            for card in _cards(dict(entitlement), number):
                await insert(owner, "kks_card", card)


async def _answer(
    owner: "asyncpg.Connection[asyncpg.Record]", order: Row, number: int, entitlement_ids: list[UUID]
) -> None:
    for file in _files(order, 4 * number):
        await insert(owner, "bank_file", file)
        for result in _results(file, entitlement_ids) if file["applied"] is not None else ():
            await insert(owner, "bank_result", result)
    subjects = await owner.fetch(
        "select subject_id, id from job where regency_id = $1 and principal_id = $2 order by id",
        *(order["regency_id"], job_fields.WORKER),
    )
    # Of the jobs of a regency every third reads a report of the order; of no two orders the same one.
    for place, job in enumerate(subjects):
        if place % 6 == number % 6:
            report = {"id": job["subject_id"], "order_id": order["id"], "vault_id": uuid_of(number)}
            known = {"idempotency_key": job["id"], "job_id": job["id"]}
            await insert(owner, "bank_report", _place(order) | _made(number) | report | known)


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away; the cycles must still be there."""
    await owner.execute("delete from bank_result where file_id in (select id from bank_file where made_by = $1)", MAKER)
    for table in ("bank_report", "bank_file", "payment_order"):
        await owner.execute(f"delete from {table} where made_by = $1", MAKER)  # noqa: S608  (a test's own words)
    await owner.execute("delete from kks_card where regency_id in (3402, 3471)")


async def _orders_seen(reader: Reader) -> list[Row]:
    rows = await reader.rows("select * from payment_order order by id desc")
    return [tagged("PaymentOrder", row) for row in rows if reader.covers(_READ, row)]


async def order_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The order, if the principal may see its whole regency."""
    return next((row for row in await _orders_seen(reader) if (row["regency_id"], row["id"]) == (regency, id_)), None)


async def _files_seen(reader: Reader) -> list[Row]:
    rows = await reader.rows("select * from bank_file order by id desc")
    return [tagged("BankFile", row) for row in rows if reader.covers(_READ, row)]


async def file_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The file, if the principal may see its whole regency."""
    return next((row for row in await _files_seen(reader) if (row["regency_id"], row["id"]) == (regency, id_)), None)


async def _cards_seen(reader: Reader, order: str = "village_id, id") -> list[Row]:
    rows = await reader.rows(f"select * from kks_card order by {order}")  # noqa: S608  (our own words)
    return [tagged("KksCard", row) for row in reader.seen(_CARD, rows)]


async def card_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The card, if the principal may see its village."""
    return next((row for row in await _cards_seen(reader) if (row["regency_id"], row["id"]) == (regency, id_)), None)


def _is(row: Row, arguments: Arguments, *names: str) -> bool:
    return all(arguments.get(name) in {None, row[name]} for name in names)


async def _listed(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    low, high = bounds(arguments)
    cycle = arguments.get("cycle")
    found = [
        row
        for row in await _orders_seen(reader)
        if low <= row["village_low"] <= row["village_high"] <= high
        and _is(row, arguments, "bank", "state")
        and (cycle is None or (row["regency_id"], row["cycle_id"]) == node_parts(cycle))
    ]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _files_of(reader: Reader, order: Row, arguments: Arguments) -> Row:
    found = [row for row in await _files_seen(reader) if row["order_id"] == order["id"] and _is(row, arguments, "kind")]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _jobs_of(reader: Reader, order: Row, arguments: Arguments) -> Row:
    reports = await reader.rows("select id from bank_report where order_id = $1", order["id"])
    subjects = {order["id"], *(row["id"] for row in reports)}
    rows = await reader.rows("select * from job where regency_id = $1 order by id desc", order["regency_id"])
    found = [
        {**row, "__typename": "Job"}
        for row in rows
        if row["subject_id"] in subjects and reader.covers(Permission.JOBS_JOB_READ, row)
    ]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _results_of(reader: Reader, file: Row, arguments: Arguments) -> Row:
    rows = await reader.rows("select * from bank_result where file_id = $1 order by line", file["id"])
    found = [row for row in rows if _is(row, arguments, "verdict")]
    return page_of(found, arguments, "LINE", (int,), ("line",))


async def _steps(reader: Reader, order: Row, _arguments: Arguments) -> list[Row]:
    return await reader.rows(
        "select step, count(*) as count, sum(amount)::bigint as amount from entitlement "
        "where regency_id = $1 and order_id = $2 group by step order by step",
        *(order["regency_id"], order["id"]),
    )


async def _cards_listed(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    low, high = bounds(arguments)
    found = [
        row
        for row in await _cards_seen(reader)
        if low <= row["village_id"] <= high and _is(row, arguments, "state", "bank")
    ]
    return page_of(found, arguments, "VILLAGE", (int, UUID), ("village_id", "id"))


async def _cards_of(reader: Reader, family: Row, _arguments: Arguments) -> list[Row]:
    return [row for row in await _cards_seen(reader, "created_at desc, id") if row["family_id"] == family["id"]]


def other_id(kind: str, column: str) -> Resolver:
    """The node id of a row of the same regency that ``column`` names."""

    def resolve(_reader: Reader, row: Row, _arguments: Arguments) -> Any:
        return None if row[column] is None else f"{kind}:{row['regency_id']}:{row[column]}"

    return resolve


FIELDS: Final[dict[str, Resolver]] = {
    "Query.paymentOrder": lambda reader, _root, arguments: order_by_id(reader, *node_parts(arguments["id"])),
    "Query.paymentOrders": _listed,
    "Query.kksCards": _cards_listed,
    "Family.cards": _cards_of,
    **{f"{name}.id": value_of("node_id") for name in ("PaymentOrder", "BankFile", "KksCard")},
    "PaymentOrder.cycleId": other_id("AidCycle", "cycle_id"),
    "PaymentOrder.cycle": cycle_fields.cycle,
    "PaymentOrder.regency": cycle_fields.regency,
    "PaymentOrder.steps": _steps,
    "PaymentOrder.files": _files_of,
    "PaymentOrder.jobs": _jobs_of,
    "BankFile.sha256": lambda _reader, row, _arguments: row["sha256"].hex(),
    "BankFile.downloadUrl": lambda _reader, _row, _arguments: None,
    "BankFile.results": _results_of,
    "BankResult.entitlementId": other_id("Entitlement", "entitlement_id"),
    "KksCard.familyId": other_id("Family", "family_id"),
    "KksCard.holderId": other_id("Person", "person_id"),
    "KksCard.village": lambda reader, row, _arguments: region_fields.by_id(reader, row["village_id"]),
}
