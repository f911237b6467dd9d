"""Grants and events for the differential tests, with the oddities that an office seldom meets.

Reading is kept in the trail, so the trail grows by being asked for. ``forget`` takes it back to what is written here.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING, Final
from uuid import UUID

from tests.differential import (
    agents_fields,
    cycle_fields,
    export_fields,
    import_fields,
    insurance_fields,
    job_fields,
    ledger_fields,
    oversight_fields,
    payment_fields,
    programme_fields,
    sales_fields,
    signals_fields,
    supply_fields,
)
from tests.differential.rows import Row

if TYPE_CHECKING:
    import asyncpg

SOMEBODY: Final = UUID("01800000-0000-7000-8000-000000003401")
GIVER: Final = UUID("01800000-0000-7000-8000-000000003402")
_ISSUER: Final = "https://sso.test/differential"
_REQUEST: Final = 'differential "1" \\'
_REGENCIES: Final = [3400, 3402, 3471]
"""Of the events that the callers of these tests leave: where they read, and what of them lies in the whole province."""
_COUNTRY: Final = (0, 9_999_999_999)
_SPANS: Final = (
    (3471031001, 3471031001),
    (3471030000, 3471039999),
    (3471000000, 3471999999),
    (3471031001, 3471031002),
    (3402000000, 3402999999),
    (3402012001, 3402012001),
    (3402012001, 3471031001),
    (3400000000, 3499999999),
    (3402010000, 3402029999),
    (3471990000, 3502009999),
    _COUNTRY,
)
"""Villages, districts, regencies, spans between them, one that reaches into the next province, and the country."""
_BEGIN: Final = datetime(2024, 2, 29, 23, 59, 58, 120_000, tzinfo=UTC)
_NOW: Final = datetime.now(tz=UTC)
_YEAR: Final = timedelta(days=365)
_FORGET: Final = """
with gone as (
  delete from audit_event where regency_id = any($1) and request_id <> $2 returning regency_id, id
)
delete from seal_queue q using gone where q.stream = 'audit' and q.regency_id = gone.regency_id and q.record_id = gone.id
"""


def _grant(number: int, role: str, region: int | None, **changes: object) -> Row:
    return {
        "id": UUID(f"01900000-0000-7000-8000-0000000034{number:02}"),
        "principal_id": SOMEBODY,
        "holder_subject": f"uji-{number}",
        "holder_name": 'Sri "Ayu" \\ é',
        "role": role,
        "region_id": region,
        "status": "ACTIVE",
        "people": 1,
        "valid_from": _NOW - _YEAR,
        "given_at": _BEGIN,
        **changes,
    }


def _grants() -> Iterator[Row]:
    given = {"given_by": GIVER, "given_by_name": "Pemberi", "reason": "SK 800/12/2026"}
    revoked = {"revoked_by": GIVER, "revoked_by_name": "Pencabut", "revoked_at": _BEGIN, "revocation_reason": "Pindah"}
    lks = {"entity_kind": "lks", "entity_id": UUID("01800000-0000-7000-8000-00000000beef")}
    yield _grant(1, "PSM", 3471031001, **given)
    yield _grant(2, "LKS_MANAGER", 347103, valid_to=_NOW + _YEAR, **lks)
    yield _grant(3, "REGENCY_VERIFIER", 3471, status="PROPOSED", people=2, lapses_at=_NOW + _YEAR, **given)
    yield _grant(4, "REGENCY_VERIFIER", 3402, status="REVOKED", people=2, **given, **revoked)
    yield _grant(5, "KOORDINATOR_LAMA", 347103, reason="peran yang tidak dikenal lagi")
    yield _grant(6, "REGENCY_ADMIN", 3471, valid_from=_NOW + _YEAR, valid_to=_NOW + 2 * _YEAR)
    yield _grant(7, "TKSK", 347103, valid_to=_NOW - _YEAR / 2)
    yield _grant(8, "PROVINCE_OFFICER", 34)
    yield _grant(9, "MINISTRY_ANALYST", None)
    yield _grant(10, "REGENCY_ADMIN", 3302)


def _matchings() -> Iterator[Row]:
    """Matchings of regions of every size, some done, some begun, and one beyond the province."""
    places = ((3471, 3471000000, 3471999999), (347103, 3471030000, 3471039999), (3471031001, 3471031001, 3471031001),
              (3402, 3402000000, 3402999999), (34, 3400000000, 3499999999), (3302, 3302000000, 3302999999))  # fmt: skip
    for number, (region, low, high) in enumerate(places * 2):
        yield {
            "regency_id": low // 1_000_000,
            "id": UUID(f"01600000-0000-7000-8000-0000000034{number:02}"),
            "village_low": low,
            "village_high": high,
            "region_id": region,
            "statuses": ["NIK_ISSUED", "UNMATCHED"][number % 2 :],
            "idempotency_key": UUID(int=number),
            "cursor_village_id": low,
            "cursor_person_id": UUID(int=0),
            "persons_found": None if number % 5 == 0 else 1_000 * number,
            "persons_matched": 839 * number,
            "persons_deceased": 21 * number,
            "persons_skipped": number % 3,
            "created_by": GIVER,
            "created_by_name": 'Sri "Ayu" \\ é',
            "created_at": _BEGIN + timedelta(days=number),
            "finished_at": _NOW if number % 2 else None,
        }


def _events(persons: Sequence[Row]) -> Iterator[Row]:
    """An event for every second person, in every kind of place; some share their moment, some are about nobody."""
    spans = cycle(_SPANS)
    actions = cycle(("READ", "REVEAL", "EXPORT", "LOGIN", "REFUSAL", "CHANGE"))
    operations = cycle(("", "Halaman", 'O"b', "_"))
    roles = cycle((["REGENCY_ADMIN"], [], ["PSM", "TKSK"]))
    for number, person in enumerate(persons[::2]):
        low, high = next(spans)
        action = next(actions)
        subjects = [each for each in (person["id"], person["family_id"]) if each is not None][number % 3 :]
        yield {
            "regency_id": low // 1_000_000,
            "id": UUID(f"01700000-0000-7000-8000-{number * 7 % 997:012}"),
            "village_low": low,
            "village_high": high,
            "happened_at": _BEGIN + timedelta(minutes=number // 3, microseconds=number % 2),
            "action": action,
            "principal_id": SOMEBODY if number % 4 else GIVER,
            "roles": next(roles),
            "permission": None if action == "LOGIN" else "registry:person:read",
            "operation": next(operations),
            "document_hash": bytes([number % 256]) * 32 if number % 5 else None,
            "subject_type": "Person" if subjects else "Operation",
            "subject_ids": subjects,
            "row_count": len(subjects),
            "purpose": "COMPLAINT" if action == "REVEAL" else None,
            "request_id": _REQUEST,
        }


async def _insert(owner: "asyncpg.Connection[asyncpg.Record]", table: str, row: Row) -> None:
    values = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await owner.execute(f"insert into {table} ({', '.join(row)}) values ({values})", *row.values())  # noqa: S608  (a test's own words)


async def happen(owner: "asyncpg.Connection[asyncpg.Record]", persons: Sequence[Row]) -> None:
    """Give grants, most of them in Yogyakarta, and keep events about ``persons``."""
    for principal in (SOMEBODY, GIVER):
        name = str(principal)
        await _insert(owner, "principal", {"id": principal, "issuer": _ISSUER, "subject": name, "name": name})
    for grant in _grants():
        await _insert(owner, "principal_grant", grant)
    for matching in _matchings():
        await _insert(owner, "civil_registry_matching", matching)
    await import_fields.start(owner)
    await programme_fields.start(owner)
    await insurance_fields.start(owner)
    await job_fields.start(owner, matcher=GIVER, importer=import_fields.STARTER)
    await cycle_fields.start(owner)
    await payment_fields.start(owner)
    await ledger_fields.start(owner)
    await agents_fields.start(owner)
    await oversight_fields.start(owner)
    await supply_fields.start(owner)
    await sales_fields.start(owner)
    await signals_fields.start(owner)
    for event in _events(persons):
        await _insert(owner, "audit_event", event)


async def unhappen(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take all of that back."""
    await forget(owner)
    await signals_fields.clear(owner)
    await sales_fields.clear(owner)
    await supply_fields.clear(owner)
    await oversight_fields.clear(owner)
    await agents_fields.clear(owner)
    await ledger_fields.clear(owner)
    await payment_fields.clear(owner)
    await cycle_fields.clear(owner)
    await export_fields.clear(owner)
    await job_fields.clear(owner)
    await import_fields.clear(owner)
    await programme_fields.clear(owner)
    await insurance_fields.clear(owner)
    await owner.execute("delete from audit_event where request_id = $1", _REQUEST)
    await owner.execute("delete from principal_grant where principal_id = $1", SOMEBODY)
    await owner.execute("delete from civil_registry_matching where created_by = $1", GIVER)
    await owner.execute("delete from principal where issuer = $1", _ISSUER)


async def forget(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take what was asked since out of the trail, so that two who read it one after the other read the same."""
    await owner.execute(_FORGET, _REGENCIES, _REQUEST)
