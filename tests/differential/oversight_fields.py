"""Inspections and violations for the differential tests, and as the reference executor resolves them."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import product
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.authz.permissions import Permission
from app.domain.ewarong.models.oversight import CheckResult, ViolationCode, ViolationState
from tests.differential import region_fields
from tests.differential.agents_fields import agent_by_id
from tests.differential.cycle_fields import MAKER, bounds, tagged
from tests.differential.rows import Arguments, Reader, Resolver, Row, insert, page_of

if TYPE_CHECKING:
    import asyncpg

KEYS: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    "Query.ewarongInspections": {"NEWEST": (UUID,)},
    "Query.ewarongViolations": {"NEWEST": (UUID,)},
}
COLUMNS: Final = {
    "EwarongChecklistItem.violation": "violation_code",
    "EwarongInspection.reportedBy": "reported_by_name",
    "EwarongInspection.reportedAt": "created_at",
    "EwarongStatement.saidBy": "said_by_name",
}
NODES: Final = {
    "EwarongInspection": Permission.EWARONG_INSPECTION_READ,
    "EwarongViolation": Permission.EWARONG_VIOLATION_READ,
}
TYPES: Final = {
    **dict.fromkeys(("EwarongInspectionConnection", "EwarongFinding"), Permission.EWARONG_INSPECTION_READ),
    **dict.fromkeys(
        ("EwarongViolationConnection", "EwarongViolationStep", "EwarongStatement"), Permission.EWARONG_VIOLATION_READ
    ),
    "EwarongChecklistItem": Permission.EWARONG_CATALOGUE_READ,
}
_NAME: Final = 'Bu "Tri" \\ é'
_AT: Final = datetime(2031, 2, 3, 4, 5, 6, 70_000, tzinfo=UTC)
_OFFICE: Final = ZoneInfo("Asia/Jakarta")
_OUTLETS: Final = """
select regency_id, village_id, id as agent_id from ewarong_agent where proposed_by = $1 and state in ('ACTIVE', 'FIRST_WARNING')
order by village_id, id
"""
_CLEARED: Final = (
    "delete from ewarong_statement where said_by = $1",
    "delete from ewarong_violation_step where taken_by = $1",
    "delete from ewarong_violation where recorded_by = $1",
    "delete from ewarong_finding where inspection_id in (select id from ewarong_inspection where reported_by = $1)",
    "delete from ewarong_inspection where reported_by = $1",
)
_DUE: Final = (None, date(1999, 12, 31), date(2090, 2, 28))


def _uuid(kind: int, number: int) -> UUID:
    return UUID(int=MAKER.int + kind * 1_000_000 + number * 97 % 10_007)


def _actor(prefix: str) -> Row:
    return {f"{prefix}_by": MAKER, f"{prefix}_by_name": _NAME, f"{prefix}_at": _AT}


def _inspections(outlet: Row, place: int, items: list[str]) -> Iterator[tuple[str, Row]]:
    for number in range(place % 3):
        identifier = _uuid(21, place * 10 + number)
        yield (
            "ewarong_inspection",
            {
                **outlet,
                "id": identifier,
                "inspected_at": _AT,
                "latitude": -7.25 if number else None,
                "longitude": 110.5 if number else None,
                "photos": [bytes([number + each]) * 32 for each in (9, 3)][: number * 2],
                "note": _NAME,
                "met": number,
                "not_met": 2,
                "idempotency_key": identifier,
                "request": b"",
                "reported_by": MAKER,
                "reported_by_name": _NAME,
                "created_at": _AT,
            },
        )
        for at, (item, result) in enumerate(zip(items, (*CheckResult, CheckResult.MET), strict=True)):
            found = {"item_code": item, "result": result.value, "note": "" if at else _NAME}
            yield "ewarong_finding", {**outlet, "inspection_id": identifier, **found}


def _violations(outlet: Row, place: int) -> Iterator[tuple[str, Row]]:
    codes = list(ViolationCode)
    for number, (state, due) in enumerate(product(ViolationState, _DUE)):
        if (number + place) % 4:
            continue
        identifier = _uuid(22, place * 100 + number)
        parts = {**outlet, "violation_id": identifier}
        yield (
            "ewarong_violation",
            {
                **outlet,
                "id": identifier,
                "code": codes[(number + place) % len(codes)].value,
                "state": state.value,
                "description": f"{_NAME}\n{number}",
                "inspection_id": _uuid(21, place * 10) if place % 3 else None,
                "signal_id": identifier if number % 3 else None,
                "idempotency_key": identifier,
                "request": b"",
                "step": 2,
                "reply_due": due,
                "replied_at": _AT if number % 5 == 1 else None,
                "appealed_at": _AT if number % 7 == 1 else None,
                "appeal_answered_at": _AT if number % 14 == 1 else None,
                "decision_reason": _NAME if state is ViolationState.REMEDIED else None,
                "version": number + 1,
                **_actor("recorded"),
            },
        )
        for step, act, before in ((1, "RECORD", None), (2, "WARN", "RECORDED")):
            taken = {"step": step, "act": act, "from_state": before, "to_state": state.value, "reason": _NAME}
            key = {"id": _uuid(23, (place * 100 + number) * 2 + step), "reply_due": due}
            yield "ewarong_violation_step", {**parts, **taken, **key, **_actor("taken")}
        for at, kind in enumerate(("REPLY", "APPEAL")[: number % 3]):
            said = {"kind": kind, "text": _NAME, "against": state.value, "step": 2}
            yield (
                "ewarong_statement",
                {**parts, **said, "id": _uuid(24, (place * 100 + number) * 2 + at), **_actor("said")},
            )


async def start(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Inspections and violations of outlets that are there already."""
    listed = await owner.fetch("select code from ewarong_checklist_item order by code desc limit 4")
    items = [row["code"] for row in listed]
    for place, record in enumerate(await owner.fetch(_OUTLETS, MAKER)):
        outlet = dict(record)
        for table, row in (*_inspections(outlet, place, items), *_violations(outlet, place)):
            await insert(owner, table, row)


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away."""
    for statement in _CLEARED:
        await owner.execute(statement, MAKER)


async def _inspections_seen(reader: Reader, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(f"select * from ewarong_inspection where {where} order by id desc", *arguments)  # noqa: S608  (our own words)
    return [tagged("EwarongInspection", row) for row in reader.seen(NODES["EwarongInspection"], rows)]


async def inspection_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The inspection, if the principal may see it."""
    return next(iter(await _inspections_seen(reader, "regency_id = $1 and id = $2", regency, id_)), None)


async def _violations_seen(reader: Reader, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(f"select * from ewarong_violation where {where} order by id desc", *arguments)  # noqa: S608  (our own words)
    return [tagged("EwarongViolation", row) for row in reader.seen(NODES["EwarongViolation"], rows)]


async def violation_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The violation, if the principal may see it."""
    return next(iter(await _violations_seen(reader, "regency_id = $1 and id = $2", regency, id_)), None)


def _of_outlet(row: Row, arguments: Arguments) -> bool:
    asked = arguments.get("agent")
    return asked is None or asked == f"EwarongAgent:{row['regency_id']}:{row['agent_id']}"


async def _all_inspections(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    seen = await _inspections_seen(reader, "village_id between $1 and $2", *bounds(arguments))
    return page_of([row for row in seen if _of_outlet(row, arguments)], arguments, "NEWEST", (UUID,), ("id",))


def _is_overdue(row: Row) -> bool:
    return (
        row["reply_due"] is not None
        and row["reply_due"] < datetime.now(_OFFICE).date()
        and row["replied_at"] is None
        and row["appealed_at"] is None
    )


async def _all_violations(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    found = [
        row
        for row in await _violations_seen(reader, "village_id between $1 and $2", *bounds(arguments))
        if _of_outlet(row, arguments)
        and all(arguments.get(name) in {None, row[name]} for name in ("state", "code"))
        and arguments.get("overdue") in {None, _is_overdue(row)}
    ]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _checklist(reader: Reader, _root: Row, arguments: Arguments) -> list[Row]:
    on = date.fromisoformat(arguments["on"])
    rows = await reader.rows('select * from ewarong_checklist_item order by code collate "C"')
    return [
        {**row, "__typename": "EwarongChecklistItem"}
        for row in rows
        if row["valid_from"] <= on and (row["valid_to"] is None or on <= row["valid_to"])
    ]


async def _findings(reader: Reader, inspection: Row, _arguments: Arguments) -> list[Row]:
    rows = await reader.rows(
        'select * from ewarong_finding where inspection_id = $1 order by item_code collate "C"', inspection["id"]
    )
    return [{**row, "__typename": "EwarongFinding"} for row in rows]


async def _item(reader: Reader, finding: Row, _arguments: Arguments) -> Row:
    (row,) = await reader.rows("select * from ewarong_checklist_item where code = $1", finding["item_code"])
    return {**row, "__typename": "EwarongChecklistItem"}


def _of_violation(table: str, order: str, type_name: str) -> Resolver:
    async def resolve(reader: Reader, violation: Row, _arguments: Arguments) -> list[Row]:
        rows = await reader.rows(
            f"select * from {table} where violation_id = $1 order by {order}",  # noqa: S608  (our own words)
            violation["id"],
        )
        return [{**row, "__typename": type_name} for row in rows]

    return resolve


async def _inspection(reader: Reader, violation: Row, _arguments: Arguments) -> Row | None:
    identifier = violation["inspection_id"]
    return None if identifier is None else await inspection_by_id(reader, violation["regency_id"], identifier)


def _signal(reader: Reader, row: Row, _arguments: Arguments) -> str | None:
    if row["signal_id"] is None or not reader.reaches(Permission.EWARONG_SIGNAL_READ, row):
        return None
    return f"EwarongSignal:{row['regency_id']}:{row['signal_id']}"


def _recorded_by(reader: Reader, row: Row, _arguments: Arguments) -> str | None:
    return row["recorded_by_name"] if reader.reaches(Permission.EWARONG_INSPECTION_READ, row) else None


def _taken_by(reader: Reader, row: Row, _arguments: Arguments) -> str | None:
    is_told = row["act"] != "RECORD" or reader.reaches(Permission.EWARONG_INSPECTION_READ, row)
    return row["taken_by_name"] if is_told else None


def _of_row(name: str) -> Callable[[Reader, Row, Arguments], Any]:
    return lambda _reader, row, _arguments: row[name]


def _village(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    return region_fields.by_id(reader, row["village_id"])


def _agent(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    return agent_by_id(reader, row["regency_id"], row["agent_id"])


FIELDS: Final[dict[str, Resolver]] = {
    "Query.ewarongChecklist": _checklist,
    "Query.ewarongInspections": _all_inspections,
    "Query.ewarongViolations": _all_violations,
    "EwarongInspection.id": _of_row("node_id"),
    "EwarongInspection.agent": _agent,
    "EwarongInspection.village": _village,
    "EwarongInspection.photos": lambda _reader, row, _arguments: [photo.hex() for photo in row["photos"]],
    "EwarongInspection.findings": _findings,
    "EwarongFinding.item": _item,
    "EwarongViolation.id": _of_row("node_id"),
    "EwarongViolation.agent": _agent,
    "EwarongViolation.village": _village,
    "EwarongViolation.inspection": _inspection,
    "EwarongViolation.signalId": _signal,
    "EwarongViolation.recordedBy": _recorded_by,
    "EwarongViolation.overdue": lambda _reader, row, _arguments: _is_overdue(row),
    "EwarongViolation.steps": _of_violation("ewarong_violation_step", "step", "EwarongViolationStep"),
    "EwarongViolation.statements": _of_violation("ewarong_statement", "id", "EwarongStatement"),
    "EwarongViolationStep.takenBy": _taken_by,
}
