"""Signals and screenings: what there is of them, and how the reference executor reads them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from app.domain.ewarong.models.signals import SignalCode, SignalState
from app.domain.ewarong.signals.texts import TOLD
from tests.differential import agents_fields, cycle_fields, job_fields, region_fields, sales_fields, supply_fields
from tests.differential.audit_fields import region_code
from tests.differential.cycle_fields import MAKER, bounds, tagged
from tests.differential.rows import Arguments, Reader, Resolver, Row, insert, page_of

if TYPE_CHECKING:
    import asyncpg

READ: Final = Permission.EWARONG_SIGNAL_READ
NODES: Final = {"EwarongSignal": READ, "EwarongScreening": READ}
TYPES: Final = dict.fromkeys(("EwarongSignalConnection", "EwarongScreeningConnection"), READ)
KEYS: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    "Query.ewarongSignals": {"NEWEST": (UUID,)},
    "Query.ewarongScreenings": {"NEWEST": (UUID,)},
    "EwarongSignal.transactions": {"NEWEST": (UUID,)},
}
COLUMNS: Final = {
    "EwarongSignal.triagedBy": "triaged_by_name",
    "EwarongSignal.foundAt": "created_at",
    "EwarongSignal.transactionCount": "transactions",
    "EwarongScreening.startedBy": "made_by_name",
    "EwarongScreening.startedAt": "made_at",
}
_AT: Final = datetime(2031, 2, 3, 4, 5, 6, 70_000, tzinfo=UTC)
_NAME: Final = 'Bu "Tri" \\ é'
_CLEARED: Final = (
    "delete from ewarong_lead where signal_id in (select id from ewarong_signal where starts_with(subject_key, $1::uuid::text))",
    "delete from ewarong_signal where starts_with(subject_key, $1::uuid::text)",
    "delete from ewarong_screening where made_by = $1",
)
_SUPPLIER: Final = "select id from ewarong_supplier where listed_by = $1 and regency_id = $2 order by id limit 1"
_FAMILY: Final = "select id from family where regency_id = $1 and village_id = $2 order by id limit 1"
_SOLD: Final = "select * from ewarong_transaction where reported_by = $1 order by regency_id desc, id"


def _uuid(kind: int, number: int) -> UUID:
    return UUID(int=MAKER.int + kind * 1_000_000 + number * 89 % 10_007)


def _signals(sales: "list[asyncpg.Record]") -> Iterator[tuple[Row, "asyncpg.Record"]]:
    """Signals about the outlets of ``sales``, one for each code and state in turn, with the transaction that they begin with."""
    kinds = list(product(SignalCode, SignalState))
    for number, sold in enumerate(sales):
        code, state = kinds[number * 7 % len(kinds)]
        triaged = state is not SignalState.OPEN
        identifier = _uuid(31, number)
        yield (
            {
                "regency_id": sold["regency_id"],
                "id": identifier,
                "village_low": sold["village_id"],
                "village_high": sold["village_id"],
                "code": code.value,
                "agent_id": None if code is SignalCode.F12 else sold["agent_id"],
                "first_day": date(2031, 7, 1),
                "last_day": date(2031, 7, 1 + number % 30),
                "measured": Decimal(number) / 8,
                "threshold": Decimal("0.7") if code is SignalCode.F3 else Decimal(number),
                "transactions": number,
                "subject_key": f"{MAKER}:{number}",
                "state": state.value,
                "triaged_by": MAKER if triaged else None,
                "triaged_by_name": _NAME if triaged else None,
                "triaged_at": _AT if triaged else None,
                "triage_reason": _NAME if triaged else None,
                "created_at": _AT,
                "version": number + 1,
            },
            sold,
        )


async def start(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Signals about outlets that are there already, with transactions behind them, and screenings."""
    sales = await owner.fetch(_SOLD, MAKER)
    for number, (signal, sold) in enumerate(_signals(sales)):
        place = (signal["regency_id"], signal["village_low"])
        signal["family_id"] = await owner.fetchval(_FAMILY, *place) if signal["code"] in {"F2", "F12"} else None
        if signal["code"] == "F8":
            district = signal["village_low"] // 10_000
            signal |= {
                "district_id": district,
                "village_low": district * 10_000,
                "village_high": district * 10_000 + 9_999,
            }
            signal["supplier_id"] = await owner.fetchval(_SUPPLIER, MAKER, signal["regency_id"]) if number % 2 else None
        await insert(owner, "ewarong_signal", signal)
        others = [each for each in sales if each["regency_id"] == sold["regency_id"]][: number % 4]
        for each in {each["id"]: each for each in (sold, *others)}.values():
            lead = {"signal_id": signal["id"], "transaction_id": each["id"]}
            await insert(owner, "ewarong_lead", {name: each[name] for name in ("regency_id", "village_id")} | lead)
    for number, region in enumerate((34, 3471, 347103, 3402, 3302, 3471)):
        digits = 10 ** (10 - len(str(region)))
        low, high = region * digits, region * digits + digits - 1
        screening = {
            "regency_id": low // 1_000_000,
            "id": _uuid(32, number),
            "village_low": low,
            "village_high": high,
            "region_id": region,
            "first_day": date(2031, 7, 1),
            "last_day": date(2031, 7, 1 + number),
            "signals": number or None,
            "idempotency_key": _uuid(32, number),
            "job_id": await owner.fetchval(
                "select id from job where regency_id = $1 order by id limit 1", low // 1_000_000
            ),
            "made_by": MAKER,
            "made_by_name": _NAME,
            "made_at": _AT,
            "finished_at": _AT if number % 2 else None,
        }
        await insert(owner, "ewarong_screening", screening)


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away."""
    for statement in _CLEARED:
        await owner.execute(statement, MAKER)


async def _seen(reader: Reader, table: str, kind: str) -> list[Row]:
    rows = await reader.rows(f"select * from {table} order by id desc")  # noqa: S608  (our own words)
    return [tagged(kind, row) for row in rows if reader.covers(READ, row)]


async def _signals_seen(reader: Reader) -> list[Row]:
    return await _seen(reader, "ewarong_signal", "EwarongSignal")


async def _screenings_seen(reader: Reader) -> list[Row]:
    return await _seen(reader, "ewarong_screening", "EwarongScreening")


async def signal_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The signal, if the principal may see it."""
    return next((row for row in await _signals_seen(reader) if (row["regency_id"], row["id"]) == (regency, id_)), None)


async def screening_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The screening, if the principal may see all of its region."""
    rows = await _screenings_seen(reader)
    return next((row for row in rows if (row["regency_id"], row["id"]) == (regency, id_)), None)


def _within(row: Row, arguments: Arguments) -> bool:
    low, high = bounds(arguments)
    return bool(low <= row["village_low"] <= row["village_high"] <= high)


async def _listed_signals(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    agent = arguments.get("agent")
    found = [
        row
        for row in await _signals_seen(reader)
        if _within(row, arguments)
        and agent in {None, f"EwarongAgent:{row['regency_id']}:{row['agent_id']}"}
        and all(arguments.get(name) in {None, row[name]} for name in ("state", "code"))
    ]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _listed_screenings(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    found = [row for row in await _screenings_seen(reader) if _within(row, arguments)]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _agent(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    identifier = row["agent_id"]
    return None if identifier is None else await agents_fields.agent_by_id(reader, row["regency_id"], identifier)


async def _family(reader: Reader, row: Row, arguments: Arguments) -> Any:
    return None if row["family_id"] is None else await cycle_fields.family(reader, row, arguments)


async def _district(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    return None if row["district_id"] is None else await region_fields.by_id(reader, row["district_id"])


async def _supplier(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    if row["supplier_id"] is None:
        return None
    return await supply_fields.BY_ID["EwarongSupplier"](reader, row["regency_id"], row["supplier_id"])


async def _transactions(reader: Reader, row: Row, arguments: Arguments) -> Row:
    leads = await reader.rows(
        "select transaction_id from ewarong_lead where regency_id = $1 and signal_id = $2", row["regency_id"], row["id"]
    )
    ids = sorted((lead["transaction_id"] for lead in leads), reverse=True)
    found = [await sales_fields.sale_by_id(reader, row["regency_id"], id_) for id_ in ids]
    return page_of([each for each in found if each is not None], arguments, "NEWEST", (UUID,), ("id",))


def _unit(_reader: Reader, row: Row, _arguments: Arguments) -> str:
    if row["code"] == "F8" and row["supplier_id"] is None:
        return "INDEX"
    return str(TOLD[SignalCode(row["code"])].unit.value)


FIELDS: Final[dict[str, Resolver]] = {
    "Query.ewarongSignals": _listed_signals,
    "Query.ewarongScreenings": _listed_screenings,
    "EwarongSignal.id": lambda _reader, row, _arguments: row["node_id"],
    "EwarongSignal.description": lambda _reader, row, _arguments: TOLD[SignalCode(row["code"])].indonesian,
    "EwarongSignal.descriptionEnglish": lambda _reader, row, _arguments: TOLD[SignalCode(row["code"])].english,
    "EwarongSignal.regionCode": region_code,
    "EwarongSignal.agent": _agent,
    "EwarongSignal.family": _family,
    "EwarongSignal.district": _district,
    "EwarongSignal.supplier": _supplier,
    "EwarongSignal.measured": lambda _reader, row, _arguments: float(row["measured"]),
    "EwarongSignal.threshold": lambda _reader, row, _arguments: float(row["threshold"]),
    "EwarongSignal.unit": _unit,
    "EwarongSignal.transactions": _transactions,
    "EwarongScreening.id": lambda _reader, row, _arguments: row["node_id"],
    "EwarongScreening.region": lambda reader, row, _arguments: region_fields.by_id(reader, row["region_id"]),
    "EwarongScreening.job": job_fields.of_row,
}
