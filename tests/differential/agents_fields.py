"""Outlets, their steps and services for the differential tests, and as the reference executor resolves them."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from itertools import product
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from app.domain.ewarong.models.agents import AgentKind, AgentState, Criterion
from tests.differential import region_fields
from tests.differential.cycle_fields import MAKER, bounds, tagged
from tests.differential.rows import Arguments, Reader, Resolver, Row, insert, page_of
from tests.support.triggers import past_triggers

if TYPE_CHECKING:
    import asyncpg

_BY_VILLAGE: Final[tuple[type, ...]] = (int, UUID)
KEYS: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    "Query.ewarongAgents": {"VILLAGE": _BY_VILLAGE},
    "Query.ewarongServices": {"NEWEST": (UUID,)},
    "EwarongAgent.services": {"NEWEST": (UUID,)},
}
COLUMNS: Final = {
    "EwarongOwner.name": "owner_name",
    "EwarongOwner.nikMasked": "owner_nik_masked",
    "EwarongAgent.proposedBy": "proposed_by_name",
    "EwarongAgentStep.takenBy": "taken_by_name",
    "EwarongAssessment.assessedBy": "assessed_by_name",
    "EwarongService.plannedBy": "planned_by_name",
    "EwarongService.cancelledBy": "cancelled_by_name",
}
READ: Final = Permission.EWARONG_AGENT_READ
TYPES: Final = {
    **dict.fromkeys(
        ("EwarongAgentConnection", "EwarongServiceConnection", "EwarongAgentStep", "EwarongAssessment"), READ
    ),
    "EwarongOwner": Permission.EWARONG_OWNER_READ,
    "EwarongFamilies": Permission.EWARONG_TRANSACTION_READ,
}
_VILLAGES: Final = (3471031001, 3471031002, 3402012001, 3302012001)
_NAME: Final = 'Warung "Sri" \\ é'
_AT: Final = datetime(2031, 2, 3, 4, 5, 6, 70_000, tzinfo=UTC)
_TABLES: Final = {
    "ewarong_transaction": "reported_by",
    "ewarong_service": "planned_by",
    "ewarong_due_diligence": "assessed_by",
    "ewarong_agent_step": "taken_by",
    "ewarong_agent": "proposed_by",
}


def _uuid(kind: int, number: int) -> UUID:
    return UUID(int=MAKER.int + kind * 1_000_000 + number)


def _actor(prefix: str, *, is_known: bool = True) -> Row:
    values = (MAKER, _NAME, _AT) if is_known else (None, None, None)
    return dict(zip((f"{prefix}_by", f"{prefix}_by_name", f"{prefix}_at"), values, strict=True))


def _agents() -> Iterator[Row]:
    kinds, banks = list(AgentKind), ("BRI", "BNI", "POS")
    for number, (village, state) in enumerate(product(_VILLAGES, AgentState)):
        paused = state in {AgentState.FROZEN, AgentState.INACTIVE}
        yield {
            "regency_id": village // 1_000_000,
            "id": _uuid(7, number * 37 % 101),
            "village_id": village,
            "number": str(number),
            "name": f"{_NAME} {number}",
            "kind": kinds[number % len(kinds)].value,
            "bank": banks[number % 3],
            "address": "Jalan 1",
            "latitude": -7.5 if number % 2 else None,
            "longitude": 110.25 if number % 2 else None,
            "owner_name": _NAME,
            "owner_nik_sealed": b"",
            "owner_nik_digest": number.to_bytes(16),
            "owner_nik_masked": f"9902********{number:04}",
            "state": state.value,
            "returns_to": "FIRST_WARNING" if paused else None,
            "idempotency_key": _uuid(7, number),
            "request": b"",
            "state_at": _AT,
            "version": number + 1,
            **_actor("proposed"),
        }


def _of(agent: Row, kind: int, number: int) -> Row:
    key = {"regency_id": agent["regency_id"], "village_id": agent["village_id"], "agent_id": agent["id"]}
    return {**key, "id": _uuid(kind, agent["version"] * 10 + number)}


def _belonging(agent: Row) -> Iterator[tuple[str, Row]]:
    for number in range(agent["version"] % 3):
        step = {
            "from_state": "ACTIVE" if number else None,
            "to_state": agent["state"],
            "reason": _NAME,
            "violation_id": agent["id"] if number else None,
        }
        yield "ewarong_agent_step", {**_of(agent, 8, number), **step, **_actor("taken")}
    for number, criterion in enumerate((Criterion.MARKET_PRICE, Criterion.DAILY_SHOP, Criterion.MARKET_PRICE)):
        found = {"criterion": criterion.value, "met": number == 2, "note": str(number)}
        yield "ewarong_due_diligence", {**_of(agent, 9, number), **found, **_actor("assessed")}
    for number in range(agent["version"] % 4):
        weekly = number % 2 == 0
        service = {
            # The village that is served may be another one of the regency.
            "village_id": 3471031002 if agent["regency_id"] == 3471 else agent["village_id"],
            "weekday": number + 1 if weekly else None,
            "valid_from": date(1999, 12, 31),
            "valid_to": date(2020, 2, 29) if weekly else date(1999, 12, 31),
            "opens": time(8, 5),
            "closes": time(12, 30),
            "place": "Balai",
            "idempotency_key": _uuid(10, agent["version"] * 10 + number),
        }
        actors = {**_actor("planned"), **_actor("cancelled", is_known=number == 2)}
        yield "ewarong_service", {**_of(agent, 10, number), **service, **actors}
    for number in range(agent["version"] % 5):
        yield "ewarong_transaction", {**_of(agent, 11, number), **_sale(agent, number)}


def _sale(agent: Row, number: int) -> Row:
    identifier = _uuid(11, agent["version"] * 10 + number)
    return {
        "programme_code": "SEMBAKO",
        "amount": 1,
        "balance": 0,
        "happened_at": _AT,
        "received_at": _AT,
        "day": date(2031, 7, 1 + number) if number < 3 else date(2031, 8, 1),
        "last_four": "0000",
        "card_id": identifier,
        "family_id": _uuid(12, number // 2),
        "family_regency_id": agent["regency_id"],
        "family_village_id": agent["village_id"],
        "wallet_id": identifier,
        "entry_id": identifier,
        "receipt": str(identifier),
        "unbalanced": False,
        "basket": b"",
        "idempotency_key": identifier,
        "request": b"",
        "reported_by": MAKER,
    }


async def start(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """An outlet in every state in each of four villages, with what belongs to it."""
    # Sales have no entry in the journal here, which their triggers would miss.
    async with past_triggers(owner):
        for agent in _agents():
            await insert(owner, "ewarong_agent", agent)
            for table, row in _belonging(agent):
                await insert(owner, table, row)


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away."""
    async with past_triggers(owner):
        for table, by in _TABLES.items():
            await owner.execute(f"delete from {table} where {by} = $1", MAKER)  # noqa: S608  (our own words)


async def _agents_seen(reader: Reader, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(
        f"select * from ewarong_agent where {where} order by village_id, id",  # noqa: S608  (our own words)
        *arguments,
    )
    return [tagged("EwarongAgent", row) for row in reader.seen(READ, rows)]


async def agent_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The outlet, if the principal may see it."""
    return next(iter(await _agents_seen(reader, "regency_id = $1 and id = $2", regency, id_)), None)


async def _services_seen(reader: Reader, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(f"select * from ewarong_service where {where} order by id desc", *arguments)  # noqa: S608  (our own words)
    return [tagged("EwarongService", row) for row in reader.seen(READ, rows)]


async def service_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The service, if the principal may see it."""
    return next(iter(await _services_seen(reader, "regency_id = $1 and id = $2", regency, id_)), None)


async def _listed(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    found = [
        row
        for row in await _agents_seen(reader, "village_id between $1 and $2", *bounds(arguments))
        if all(arguments.get(name) in {None, row[name]} for name in ("state", "kind", "bank"))
    ]
    return page_of(found, arguments, "VILLAGE", _BY_VILLAGE, ("village_id", "id"))


def _takes_place(row: Row, day: date) -> bool:
    return (
        row["cancelled_at"] is None
        and row["valid_from"] <= day <= row["valid_to"]
        and row["weekday"] in {None, day.isoweekday()}
    )


async def _all_services(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    found = await _services_seen(reader, "village_id between $1 and $2", *bounds(arguments))
    if (on := arguments.get("on")) is not None:
        found = [row for row in found if _takes_place(row, date.fromisoformat(on))]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _services(reader: Reader, agent: Row, arguments: Arguments) -> Row:
    found = await _services_seen(reader, "regency_id = $1 and agent_id = $2", agent["regency_id"], agent["id"])
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _steps(reader: Reader, agent: Row, _arguments: Arguments) -> list[Row]:
    rows = await reader.rows("select * from ewarong_agent_step where agent_id = $1 order by id", agent["id"])
    return [{**row, "__typename": "EwarongAgentStep"} for row in rows]


async def _diligence(reader: Reader, agent: Row, _arguments: Arguments) -> list[Row]:
    rows = await reader.rows("select * from ewarong_due_diligence where agent_id = $1 order by id", agent["id"])
    newest = {row["criterion"]: {**row, "__typename": "EwarongAssessment"} for row in rows}
    return [newest[criterion] for criterion in sorted(newest)]


def _apart(permission: Permission, type_name: str) -> Resolver:
    """The object of the same row that takes another permission."""

    def resolve(reader: Reader, agent: Row, arguments: Arguments) -> Row | None:
        return {**agent, **arguments, "__typename": type_name} if reader.reaches(permission, agent) else None

    return resolve


async def _served(reader: Reader, row: Row, _arguments: Arguments) -> int:
    first = date.fromisoformat(row["month"])
    sold = await reader.rows("select * from ewarong_transaction where agent_id = $1", row["id"])
    back = await reader.rows("select transaction_id from ewarong_reversal where agent_id = $1", row["id"])
    taken_back = {each["transaction_id"] for each in back}
    return len(
        {
            each["family_id"]
            for each in sold
            if (each["day"].year, each["day"].month) == (first.year, first.month) and each["id"] not in taken_back
        }
    )


async def _most(reader: Reader, row: Row, _arguments: Arguments) -> int | None:
    rules = await reader.rows(
        "select valid_from, value from ewarong_threshold where code = 'MOST_FAMILIES' order by valid_from"
    )
    first = date.fromisoformat(row["month"])
    return next((int(each["value"]) for each in reversed(rules) if each["valid_from"] <= first), None)


def month_codes(_judge: object, month: str, _given: object) -> set[str]:
    """What is wrong with the argument ``month``."""
    return set() if month.endswith("-01") else {"EWARONG_MONTH_INVALID"}


def _of_row(name: str) -> Callable[[Reader, Row, Arguments], Any]:
    return lambda _reader, row, _arguments: row[name]


def _clock(name: str) -> Resolver:
    return lambda _reader, row, _arguments: f"{row[name]:%H:%M}"


def _village(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    return region_fields.by_id(reader, row["village_id"])


def _violation(_reader: Reader, row: Row, _arguments: Arguments) -> str | None:
    return None if row["violation_id"] is None else f"EwarongViolation:{row['regency_id']}:{row['violation_id']}"


FIELDS: Final[dict[str, Resolver]] = {
    "Query.ewarongAgents": _listed,
    "Query.ewarongServices": _all_services,
    "EwarongAgent.id": _of_row("node_id"),
    "EwarongAgent.village": _village,
    "EwarongAgent.owner": _apart(Permission.EWARONG_OWNER_READ, "EwarongOwner"),
    "EwarongAgent.families": _apart(Permission.EWARONG_TRANSACTION_READ, "EwarongFamilies"),
    "EwarongAgent.steps": _steps,
    "EwarongAgent.dueDiligence": _diligence,
    "EwarongAgent.services": _services,
    "EwarongFamilies.served": _served,
    "EwarongFamilies.most": _most,
    "EwarongAgentStep.violationId": _violation,
    "EwarongService.id": _of_row("node_id"),
    "EwarongService.village": _village,
    "EwarongService.agent": lambda reader, row, _arguments: agent_by_id(reader, row["regency_id"], row["agent_id"]),
    "EwarongService.opens": _clock("opens"),
    "EwarongService.closes": _clock("closes"),
}
