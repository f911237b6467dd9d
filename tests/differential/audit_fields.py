"""The audit trail as the reference executor resolves it."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from tests.differential.rows import (
    VILLAGE_DIGITS,
    Arguments,
    Reader,
    Resolver,
    Row,
    connection_of,
    decoded_cursor,
    villages_of,
)

KEYS: Final[dict[str, tuple[type, ...]]] = {"NEWEST": (datetime, UUID)}
_EVENTS: Final = "select * from audit_event order by happened_at desc, id desc"
_LEVELS: Final = ((10, 4), (6, 2), (4, 2), (2, 2))
"""Digits of the code of a village, a district, a regency and a province, and those of its last part."""


async def _seen(reader: Reader) -> list[Row]:
    return [
        {**event, "__typename": "AuditEvent", "node_id": f"AuditEvent:{event['regency_id']}:{event['id']}"}
        for event in await reader.rows(_EVENTS)
        if reader.covers(Permission.AUDIT_EVENT_READ, event)
    ]


async def by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The event, if the principal may see it."""
    events = await _seen(reader)
    return next((event for event in events if (event["regency_id"], event["id"]) == (regency, id_)), None)


def _page(events: list[Row], arguments: Arguments) -> Row:
    after = arguments.get("after")
    keys = decoded_cursor(after, "NEWEST", KEYS["NEWEST"]) if after is not None else None

    async def count() -> int:
        return len(events)

    rows = events if keys is None else [each for each in events if (each["happened_at"], each["id"]) < tuple(keys)]
    return connection_of(
        rows, arguments, order="NEWEST", keys=lambda event: [event["happened_at"], event["id"]], count=count
    )


def _wanted(event: Row, arguments: Arguments) -> bool:
    region, wanted = arguments.get("region"), arguments.get("filter") or {}
    low, high = villages_of(region) if region is not None else (0, 10**10)
    actions, since, until = wanted.get("actions"), wanted.get("since"), wanted.get("until")
    principal = wanted.get("principalId")
    return (
        low <= event["village_low"] <= event["village_high"] <= high
        and (actions is None or event["action"] in actions)
        and (principal is None or event["principal_id"] == UUID(principal))
        and (since is None or since <= event["happened_at"])
        and (until is None or event["happened_at"] < until)
    )


async def _audit_events(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    return _page([event for event in await _seen(reader) if _wanted(event, arguments)], arguments)


async def _subject_access(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    digits = "".join(character for character in arguments["nik"] if character.isdigit())
    rows = await reader.rows("select * from person where nik_digest = $1", reader.seal.digest(digits))
    persons = reader.seen(Permission.AUDIT_SUBJECT_READ, rows)
    subjects = {person[name] for person in persons for name in ("id", "family_id")}
    since = arguments.get("since")
    events = [
        event
        for event in await _seen(reader)
        if subjects & set(event["subject_ids"])
        and (since is None or since <= event["happened_at"])
        and reader.covers(Permission.AUDIT_SUBJECT_READ, event)
    ]
    return _page(events, arguments)


def region_code(_reader: Reader, event: Row, _arguments: Arguments) -> str | None:
    """The code of the smallest region that holds the villages of an event, or of a job."""
    low, high = (str(event[name]).rjust(VILLAGE_DIGITS, "0") for name in ("village_low", "village_high"))
    for digits, last in _LEVELS:
        if low[:digits] == high[:digits]:
            above = [low[at : at + 2] for at in range(0, digits - last, 2)]
            return ".".join([*above, low[digits - last : digits]])
    return None


def _hash(_reader: Reader, event: Row, _arguments: Arguments) -> str | None:
    found: bytes | None = event["document_hash"]
    return None if found is None else found.hex()


def _ids(_reader: Reader, event: Row, _arguments: Arguments) -> Any:
    return [str(each) for each in event["subject_ids"]]


FIELDS: Final[dict[str, Resolver]] = {
    "Query.auditEvents": _audit_events,
    "Query.subjectAccess": _subject_access,
    "AuditEvent.id": lambda _reader, event, _arguments: event["node_id"],
    "AuditEvent.regionCode": region_code,
    "AuditEvent.documentHash": _hash,
    "AuditEvent.subjectIds": _ids,
    # None of these events is sealed; proofs are looked at in tests/audit.
    "AuditEvent.inclusionProof": lambda _reader, _event, _arguments: None,
}
