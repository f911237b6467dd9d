"""Jobs for the differential tests, and as the reference executor resolves them."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from tests.differential.audit_fields import region_code
from tests.differential.rows import Arguments, Reader, Resolver, Row, connection_of, decoded_cursor, villages_of

if TYPE_CHECKING:
    import asyncpg

WORKER: Final = UUID("01800000-0000-7000-8000-000000003404")
KEYS: Final[dict[str, tuple[type, ...]]] = {"NEWEST": (UUID,)}
_PLACES: Final = (
    (3471000000, 3471999999),
    (3471030000, 3471039999),
    (3402000000, 3402999999),
    (3400000000, 3499999999),
    (3471031001, 3471031001),
    (3402010000, 3471031001),
    (3302000000, 3302999999),
    (0, 9_999_999_999),
)
_KINDS: Final = ("IMPORT_CHECK", "EXPORT", "MATCHING", "IMPORT_APPLY", "EXPORT")
_STATES: Final = ("SUCCEEDED", "FAILED", "RUNNING", "CANCELLED", "QUEUED", "SUCCEEDED", "FAILED")
_ENDED: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
_LARGEST: Final = 2**31 - 1
_BEGIN: Final = datetime(2024, 3, 3, 23, 59, 58, 120_000, tzinfo=UTC)
_YEAR: Final = timedelta(days=365)


def _pace(number: int, done: int, finished_at: datetime | None) -> tuple[datetime | None, int | None]:
    """From when, and from what, the rate of a job counts.

    A job that goes on has a rate of each moment, which two executors do not ask for in the same one. Those here have done nothing since
    their stage began, or began it in a future that a clock put back has made: what is told of them stays. How a rate that grows old is
    told, tests/jobs look at.
    """
    if number % 6 == 0:
        return None, None
    if finished_at is None:
        return (_BEGIN, done) if number % 2 else (datetime.now(tz=UTC) + _YEAR, 0)
    return finished_at - timedelta(seconds=0.7 * (number % 9 - 1)), done + 9 if number % 5 == 0 else done // 3


def _jobs() -> Iterator[Row]:
    """Jobs of every kind and state, about places of every size, some beyond the province."""
    for number, (low, high) in enumerate(_PLACES * 7):
        state, done = _STATES[number % len(_STATES)], 1_000 * (number % 4)
        finished_at = _BEGIN + timedelta(days=number, microseconds=number) if state in _ENDED else None
        paced_from, paced_done = _pace(number, done, finished_at)
        has_failed = state == "FAILED"
        yield {
            "regency_id": low // 1_000_000,
            "id": UUID(f"01e20000-0000-7000-8000-{number:012}"),
            "village_low": low,
            "village_high": high,
            "kind": _KINDS[number % len(_KINDS)],
            "subject_id": UUID(int=number),
            "state": state,
            "stage": (None, "READ", 'R"\\é')[number % 3],
            "done": done,
            "total": None if number % 3 == 0 else 2_500,
            "paced_from": paced_from,
            "paced_done": paced_done,
            "attempts": number % 3,
            "error_code": "INTERNAL" if has_failed else None,
            "error_indonesian": 'Berkas "rusak" \\ é.' if has_failed else None,
            "error_english": "The file is broken." if has_failed else None,
            "principal_id": WORKER,
            "principal_name": 'Sri "Ayu" \\ é',
            "created_at": _BEGIN,
            "started_at": None if state == "QUEUED" else _BEGIN + timedelta(seconds=number),
            "finished_at": finished_at,
            "cancel_requested_at": finished_at if state == "CANCELLED" else None,
        }


def some_of(regency: int) -> Sequence[UUID]:
    """Jobs of a regency: about all of it, about less, or about more than its officers may see."""
    return [job["id"] for job in _jobs() if job["regency_id"] == regency]


async def start(owner: "asyncpg.Connection[asyncpg.Record]", *, matcher: UUID, importer: UUID) -> None:
    """Jobs, some of which work on matchings of ``matcher`` and imports of ``importer``."""
    for job in _jobs():
        values = ", ".join(f"${number}" for number in range(1, len(job) + 1))
        await owner.execute(f"insert into job ({', '.join(job)}) values ({values})", *job.values())  # noqa: S608  (a test's own words)
    for table, principal in (("civil_registry_matching", matcher), ("registry_import", importer)):
        rows = await owner.fetch(f"select regency_id, id from {table} where created_by = $1 order by id", principal)  # noqa: S608  (as above)
        for number, row in enumerate(rows):
            if number % 4 != 3 and (jobs := some_of(row["regency_id"])):
                chosen = jobs[number % len(jobs)]
                await owner.execute(f"update {table} set job_id = $1 where id = $2", chosen, row["id"])  # noqa: S608  (as above)


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away."""
    await owner.execute("delete from job where principal_id = $1", WORKER)


async def _seen(reader: Reader) -> list[Row]:
    rows = await reader.rows("select * from job order by id desc")
    return [{**row, "__typename": "Job"} for row in rows if reader.covers(Permission.JOBS_JOB_READ, row)]


async def by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The job, if the principal may see it."""
    return next((row for row in await _seen(reader) if (row["regency_id"], row["id"]) == (regency, id_)), None)


async def of_row(reader: Reader, above: Row, _arguments: Arguments) -> Row | None:
    """The job that works on a row of another table, if the principal may see the job too."""
    return await by_id(reader, above["regency_id"], above["job_id"])


async def _one(reader: Reader, _root: Row, arguments: Arguments) -> Row | None:
    _, regency, identifier = arguments["id"].split(":")
    return await by_id(reader, int(regency), UUID(identifier))


async def _page(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    wanted, region, after = arguments.get("filter") or {}, arguments.get("region"), arguments.get("after")
    low, high = villages_of(region) if region is not None else (0, 10**10)
    found = [
        row
        for row in await _seen(reader)
        if low <= row["village_low"] <= row["village_high"] <= high
        and (wanted.get("states") is None or row["state"] in wanted["states"])
        and (wanted.get("kinds") is None or row["kind"] in wanted["kinds"])
    ]
    keys = decoded_cursor(after, "NEWEST", KEYS["NEWEST"]) if after is not None else None

    async def count() -> int:
        return len(found)

    rows = found if keys is None else [row for row in found if row["id"] < keys[0]]
    return connection_of(rows, arguments, order="NEWEST", keys=lambda row: [row["id"]], count=count)


def _rate(_reader: Reader, row: Row, _arguments: Arguments) -> float | None:
    if row["paced_from"] is None:
        return None
    seconds = ((row["finished_at"] or datetime.now(tz=UTC)) - row["paced_from"]).total_seconds()
    done: int = row["done"] - row["paced_done"]
    return done / seconds if done >= 0 and seconds > 0 else None


def _seconds_left(reader: Reader, row: Row, arguments: Arguments) -> int | None:
    rate = _rate(reader, row, arguments)
    if row["state"] != "RUNNING" or row["total"] is None or not rate:
        return None
    left = math.ceil(max(row["total"] - row["done"], 0) / rate)
    return left if left <= _LARGEST else None


def _column(name: str) -> Resolver:
    def resolve(_reader: Reader, row: Row, _arguments: Arguments) -> Any:
        return row[name]

    return resolve


FIELDS: Final[dict[str, Resolver]] = {
    "Query.job": _one,
    "Query.jobs": _page,
    "Job.id": lambda _reader, row, _arguments: f"Job:{row['regency_id']}:{row['id']}",
    "Job.ratePerSecond": _rate,
    "Job.estimatedSecondsLeft": _seconds_left,
    "Job.error": lambda _reader, row, _arguments: row if row["error_code"] is not None else None,
    "Job.regionCode": region_code,
    "Job.startedBy": _column("principal_name"),
    "JobError.code": _column("error_code"),
    "JobError.message": _column("error_indonesian"),
}
