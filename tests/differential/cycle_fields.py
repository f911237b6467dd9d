"""Cycles, entitlements and exclusions for the differential tests, and as the reference executor resolves them."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.authz.permissions import Permission
from tests.differential import job_fields, programme_fields, region_fields, registry_fields
from tests.differential.audit_fields import region_code
from tests.differential.rows import Arguments, Reader, Resolver, Row, insert, page_of, villages_of
from tests.support.triggers import past_triggers

if TYPE_CHECKING:
    import asyncpg

_BY_VILLAGE: Final[dict[str, tuple[type, ...]]] = {"VILLAGE": (int, UUID)}
KEYS: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    "Query.aidCycles": {"NEWEST": (UUID,)},
    "Query.entitlements": _BY_VILLAGE,
    "Query.aidExclusions": {"FAMILY": (UUID,)},
    "Family.entitlements": _BY_VILLAGE,
    "Family.payments": {"NEWEST": (datetime, UUID)},
}
COLUMNS: Final = {
    **{f"{name}.period": "period_start" for name in ("AidCycle", "CycleGeneration", "Entitlement", "AidExclusion")},
    **{f"{name}.madeBy": "made_by_name" for name in ("AidCycle", "CycleGeneration")},
    **{f"AidCycle.{name}By": f"{name}_by_name" for name in ("verified", "approved", "released")},
    "AidCycle.secondApprovedBy": "second_approved_by_name",
    "EntitlementComponent.code": "component",
    "AidExclusion.otherProgrammeCode": "other_code",
    "FamilyPayment.period": "period_start",
    "FamilyPayment.paidAt": "step_at",
}
MAKER: Final = UUID("01f40000-0000-7000-8000-000000000000")
PERIODS: Final = ("2031-01-01", "2031-04-01")
_CYCLE: Final = Permission.BANSOS_CYCLE_READ
_ENTITLEMENT: Final = Permission.BANSOS_ENTITLEMENT_READ
_NAME: Final = 'Sri "Ayu" \\ é'
_BEGIN: Final = datetime(2031, 1, 31, 16, 30, 0, 120_000, tzinfo=UTC)
"""Half past eleven in the evening in Jakarta."""
_OFFICE: Final = ZoneInfo("Asia/Jakarta")
_STATES: Final = (
    ("SEMBAKO", 0, 1, "SUPERSEDED"),
    ("SEMBAKO", 0, 2, "VERIFIED"),
    ("SEMBAKO", 1, 1, "DRAFT"),
    ("PKH", 0, 1, "CLOSED"),
)
_PLACES: Final = (3471, 3402, 3302)
_STEPS: Final = ("TOPPED_UP", "WAITING", "TOPPED_UP", "TOP_UP_FAILED", "CANCELLED")
_PEOPLE: Final = """
select f.regency_id, f.village_id, f.id, p.id as person_id from family f
join person p on p.regency_id = f.regency_id and p.family_id = f.id and p.member_no = 1
where f.regency_id in (3402, 3471) order by f.regency_id desc, f.id
"""
_OF_CYCLES: Final = "(select id from aid_cycle where made_by = $1)"


def uuid_of(number: int) -> UUID:
    """An id of these tests."""
    return UUID(int=MAKER.int + number)


def _actor(prefix: str, number: int, *, is_known: bool) -> Row:
    return {
        f"{prefix}_by": uuid_of(number) if is_known else None,
        f"{prefix}_by_name": _NAME if is_known else None,
        f"{prefix}_at": _BEGIN + timedelta(days=number) if is_known else None,
    }


def _generations() -> Iterator[Row]:
    """One of each regency, and one of a whole province."""
    for number, (low, high) in enumerate(((3471, 3471), (3402, 3402), (3302, 3302), (3400, 3499))):
        jobs = job_fields.some_of(low)
        yield {
            "regency_id": low,
            "id": uuid_of(100 + number),
            "village_low": low * 1_000_000,
            "village_high": high * 1_000_000 + 999_999,
            "programme_code": "SEMBAKO",
            "period_start": date.fromisoformat(PERIODS[0]),
            "idempotency_key": uuid_of(number),
            "job_id": jobs[0] if jobs else None,
            "made_by": MAKER,
            "made_by_name": _NAME,
            "made_at": _BEGIN,
        }


def _cycles(versions: dict[str, int]) -> Iterator[Row]:
    """Cycles in several states; of each regency the last was made for the whole province."""
    for place, regency in enumerate(_PLACES):
        for number, (programme, period, revision, state) in enumerate(_STATES):
            is_made, is_closed = state != "DRAFT", state == "CLOSED"
            yield {
                "regency_id": regency,
                "id": uuid_of(200 + 10 * place + number),
                "village_low": regency * 1_000_000,
                "village_high": regency * 1_000_000 + 999_999,
                "programme_code": programme,
                "terms_version": versions[programme],
                "period_start": date.fromisoformat(PERIODS[period]),
                "period_end": date.fromisoformat(PERIODS[period]) + timedelta(days=89),
                "revision": revision,
                "state": state,
                "generation_id": uuid_of(103 if is_closed else 100 + place),
                "families": 38 if is_made else None,
                "entitled": 30 if is_made else None,
                "amount": 2**40 + number if is_made else None,
                "generated_at": _BEGIN if is_made else None,
                "reason": 'Data "keliru"' if revision == 2 else None,
                **_actor("made", 0, is_known=True),
                **_actor("verified", 1, is_known=state in {"VERIFIED", "CLOSED"}),
                **_actor("approved", 2, is_known=state in {"VERIFIED", "CLOSED"}),
                **_actor("second_approved", 3, is_known=is_closed),
                **_actor("released", 4, is_known=is_closed),
                **{f"{name}_at": _BEGIN if is_closed else None for name in ("paid", "reconciled", "closed")},
                "version": number + 1,
            }


def _copied(cycle: Row, family: Row) -> Row:
    return {
        "regency_id": cycle["regency_id"],
        "cycle_id": cycle["id"],
        "village_id": family["village_id"],
        "family_id": family["id"],
        "facts": "{}",
        **{name: cycle[name] for name in ("programme_code", "terms_version", "period_start")},
    }


def _decided(cycle: Row, families: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """What becomes of each family in ``cycle``: most are in, some of them by components and at many steps."""
    for number, family in enumerate(families, cycle["id"].int % 7):
        if number % 4 == 3:
            outcome = ("NOT_ELIGIBLE", "EXCLUDED", "OVER_QUOTA")[number // 4 % 3]
            reason, other = ("DOUBLE_AID", "PKH") if outcome == "EXCLUDED" else ('R"\\', None)
            yield "aid_exclusion", _copied(cycle, family) | {"outcome": outcome, "reason": reason, "other_code": other}
            continue
        step = _STEPS[number % 5]
        parts = [
            {"component": code, "person_id": str(family["person_id"]), "amount": 2**33 + place}
            for place, code in enumerate(("LANSIA", "ANAK_SD", "IBU_HAMIL_NIFAS"))
        ]
        yield (
            "entitlement",
            _copied(cycle, family)
            | {
                "id": UUID(int=cycle["id"].int + 1_000_000 * (number + 1)),
                "recipient_id": family["person_id"],
                "amount": 600_000 + number,
                "components": json.dumps(parts[: number % 4]) if number % 3 else None,
                "step": step,
                "step_reason": "ACCOUNT_CLOSED" if step == "TOP_UP_FAILED" else None,
                # Every second moment is shared: the id then tells what comes first.
                "step_at": None if step == "WAITING" else _BEGIN + timedelta(hours=number // 2),
            },
        )


async def start(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Cycles of two regencies that these tests see and of one that they do not, and what they decide about every family."""
    found = await owner.fetch("select programme_code, min(version) as version from programme_terms group by 1")
    families = [dict(row) for row in await owner.fetch(_PEOPLE)]
    for generation in _generations():
        await insert(owner, "cycle_generation", generation)
    for cycle in _cycles({row["programme_code"]: row["version"] for row in found}):
        await insert(owner, "aid_cycle", cycle)
        async with past_triggers(owner):
            for table, row in _decided(cycle, [each for each in families if each["regency_id"] == cycle["regency_id"]]):
                await insert(owner, table, row)
        # A draft has counts too, of an earlier generation: they are not told.
        for outcome, reason, count in (
            ("EXCLUDED", "DOUBLE_AID", 3),
            ("ENTITLED", "", 30),
            ("EXCLUDED", "POSTPONED", 5),
        ):
            of = {name: cycle[name] for name in ("regency_id", "village_low", "village_high")}
            counted = {
                "cycle_id": cycle["id"],
                "outcome": outcome,
                "reason": reason,
                "families": count,
                "amount": 2**41,
            }
            async with past_triggers(owner):
                await insert(owner, "cycle_outcome", of | counted)


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away."""
    async with past_triggers(owner):
        for table in ("entitlement", "aid_exclusion", "cycle_outcome"):
            await owner.execute(f"delete from {table} where cycle_id in {_OF_CYCLES}", MAKER)  # noqa: S608  (a test's own words)
    for table in ("aid_cycle", "cycle_generation"):
        await owner.execute(f"delete from {table} where made_by = $1", MAKER)  # noqa: S608  (as above)


def node_parts(text: str) -> tuple[int, UUID]:
    """Regency and id of a node id."""
    _, regency, identifier = text.split(":")
    return int(regency), UUID(identifier)


def bounds(arguments: Arguments) -> tuple[int, int]:
    """The villages of the argument ``region``; all where there is none."""
    region = arguments.get("region")
    return villages_of(region) if region is not None else (0, 10**10)


def tagged(kind: str, row: Row) -> Row:
    """``row`` as a node of type ``kind``."""
    return {**row, "__typename": kind, "node_id": f"{kind}:{row['regency_id']}:{row['id']}"}


async def _cycles_seen(reader: Reader, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(f"select * from aid_cycle where {where} order by id desc", *arguments)  # noqa: S608  (our own words)
    return [tagged("AidCycle", row) for row in rows if reader.covers(_CYCLE, row)]


async def cycle_by_id(reader: Reader, regency: int, id_: UUID | None) -> Row | None:
    """The cycle, if the principal may see its whole regency."""
    return next(iter(await _cycles_seen(reader, "regency_id = $1 and id = $2", regency, id_)), None)


async def generation_by_id(reader: Reader, regency: int | None, id_: UUID) -> Row | None:
    """The generation, if the principal may see all that it is about; of any regency where none is told."""
    row = await reader.row(
        "select * from cycle_generation where id = $2 and regency_id = coalesce($1::int, regency_id)", regency, id_
    )
    return tagged("CycleGeneration", row) if row is not None and reader.covers(_CYCLE, row) else None


async def _entitlements(reader: Reader, where: str = "true", *arguments: object) -> list[Row]:
    rows = await reader.rows(f"select * from entitlement where {where} order by village_id, id", *arguments)  # noqa: S608  (our own words)
    return [tagged("Entitlement", row) for row in reader.seen(_ENTITLEMENT, rows)]


async def entitlement_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The entitlement, if the principal may see its village."""
    return next(iter(await _entitlements(reader, "regency_id = $1 and id = $2", regency, id_)), None)


async def _exclusions(reader: Reader, regency: int, cycle_id: UUID) -> list[Row]:
    rows = await reader.rows(
        "select * from aid_exclusion where regency_id = $1 and cycle_id = $2 order by family_id", regency, cycle_id
    )
    return [
        {**row, "__typename": "AidExclusion", "node_id": f"AidExclusion:{regency}:{cycle_id}:{row['family_id']}"}
        for row in reader.seen(_ENTITLEMENT, rows)
    ]


async def exclusion_by_id(reader: Reader, regency: int, cycle_id: UUID, family_id: UUID) -> Row | None:
    """The exclusion, if the principal may see its village."""
    found = await _exclusions(reader, regency, cycle_id)
    return next((row for row in found if row["family_id"] == family_id), None)


def _chosen(row: Row, arguments: Arguments, listed: str) -> bool:
    """Whether a row is of the programme, the period and the states or steps that are asked for."""
    wanted, period = arguments.get(f"{listed}s"), arguments.get("period")
    return (
        arguments.get("programme") in {None, row["programme_code"]}
        and (period is None or row["period_start"] == date.fromisoformat(period))
        and (wanted is None or row[listed] in wanted)
    )


async def _all_cycles(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    low, high = bounds(arguments)
    found = [
        row
        for row in await _cycles_seen(reader)
        if low <= row["village_low"] <= row["village_high"] <= high and _chosen(row, arguments, "state")
    ]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _all_entitlements(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    found = await _entitlements(reader, "village_id between $1 and $2", *bounds(arguments))
    if (cycle := arguments.get("cycle")) is not None:
        found = [row for row in found if (row["regency_id"], row["cycle_id"]) == node_parts(cycle)]
    found = [row for row in found if _chosen(row, arguments, "step")]
    return page_of(found, arguments, "VILLAGE", _BY_VILLAGE["VILLAGE"], ("village_id", "id"))


async def _all_exclusions(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    outcomes = arguments.get("outcomes")
    found = [
        row
        for row in await _exclusions(reader, *node_parts(arguments["cycle"]))
        if (outcomes is None or row["outcome"] in outcomes) and arguments.get("reason") in {None, row["reason"]}
    ]
    return page_of(found, arguments, "FAMILY", (UUID,), ("family_id",))


async def _of_family(reader: Reader, family: Row, arguments: Arguments) -> list[Row]:
    found = await _entitlements(reader, "regency_id = $1 and family_id = $2", family["regency_id"], family["id"])
    return [row for row in found if _chosen(row, arguments, "step")]


async def _entitled(reader: Reader, family: Row, arguments: Arguments) -> Row:
    found = await _of_family(reader, family, arguments)
    return page_of(found, arguments, "VILLAGE", _BY_VILLAGE["VILLAGE"], ("village_id", "id"))


async def _paid(reader: Reader, family: Row, arguments: Arguments) -> Row:
    day = arguments.get("asOf")
    found = [
        row
        for row in await _of_family(reader, family, arguments)
        if row["step"] == "TOPPED_UP"
        and (day is None or row["step_at"].astimezone(_OFFICE).date() <= date.fromisoformat(day))
    ]
    found.sort(key=lambda row: (row["step_at"], row["id"]), reverse=True)
    return page_of(found, arguments, "NEWEST", (datetime, UUID), ("step_at", "id"))


async def _outcomes(reader: Reader, cycle: Row, _arguments: Arguments) -> list[Row]:
    if cycle["generated_at"] is None:
        return []
    return await reader.rows(
        "select * from cycle_outcome where regency_id = $1 and cycle_id = $2 order by outcome, families desc, reason",
        *(cycle["regency_id"], cycle["id"]),
    )


async def _totals(reader: Reader, cycle: Row, _arguments: Arguments) -> list[Row]:
    return await reader.rows(
        "select step, count(*) as entitlements, sum(amount)::bigint as amount from entitlement "
        "where regency_id = $1 and cycle_id = $2 group by step order by step",
        *(cycle["regency_id"], cycle["id"]),
    )


def _components(_reader: Reader, row: Row, _arguments: Arguments) -> list[Row]:
    parts: list[Row] = json.loads(row["components"] or "[]")
    listed = sorted(parts, key=lambda part: (part["component"], part["person_id"]))
    return [{**part, "person": f"Person:{row['regency_id']}:{part['person_id']}"} for part in listed]


def value_of(name: str) -> Resolver:
    """What the row has under ``name``."""

    def resolve(_reader: Reader, row: Row, _arguments: Arguments) -> Any:
        return row[name]

    return resolve


def programme(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    """The programme of a row."""
    return programme_fields.by_code(reader, row["programme_code"])


def family(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    """The family of a row, if the principal may see it."""
    return registry_fields.family_by_id(reader, row["regency_id"], row["family_id"])


def cycle(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    """The cycle of a row, if the principal may see its whole regency."""
    return cycle_by_id(reader, row["regency_id"], row["cycle_id"])


def regency(reader: Reader, row: Row, _arguments: Arguments) -> Any:
    """The regency of a row."""
    return region_fields.by_id(reader, row["regency_id"])


FIELDS: Final[dict[str, Resolver]] = {
    "Query.aidCycle": lambda reader, _root, arguments: cycle_by_id(reader, *node_parts(arguments["id"])),
    "Query.aidCycles": _all_cycles,
    "Query.entitlements": _all_entitlements,
    "Query.aidExclusions": _all_exclusions,
    "Family.entitlements": _entitled,
    "Family.payments": _paid,
    **{f"{name}.id": value_of("node_id") for name in ("AidCycle", "CycleGeneration", "Entitlement", "AidExclusion")},
    **{f"{name}.programme": programme for name in ("AidCycle", "Entitlement", "FamilyPayment")},
    **{f"{name}.family": family for name in ("Entitlement", "AidExclusion")},
    **{f"{name}.cycle": cycle for name in ("Entitlement", "AidExclusion")},
    "AidCycle.regency": regency,
    "AidCycle.awaitsSecondApproval": lambda _reader, row, _arguments: (
        row["state"] == "VERIFIED" and row["approved_by"] is not None
    ),
    "AidCycle.outcomes": _outcomes,
    "AidCycle.totals": _totals,
    "AidCycle.generation": lambda reader, row, _arguments: generation_by_id(reader, None, row["generation_id"]),
    "CycleGeneration.regionCode": region_code,
    "CycleGeneration.job": job_fields.of_row,
    "CycleOutcome.reason": lambda _reader, row, _arguments: row["reason"] or None,
    "Entitlement.recipient": lambda reader, row, _arguments: registry_fields.person_by_id(
        reader, row["regency_id"], row["recipient_id"]
    ),
    "Entitlement.components": _components,
    "EntitlementComponent.personId": value_of("person"),
    "FamilyPayment.entitlementId": value_of("node_id"),
}
