"""Matchings with the civil registry as the reference executor resolves them."""

from typing import Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from tests.differential import job_fields, region_fields
from tests.differential.rows import Arguments, Reader, Resolver, Row, connection_of, decoded_cursor, villages_of

KEYS: Final[dict[str, tuple[type, ...]]] = {"NEWEST": (UUID,)}
_RESULTS: Final = (
    "matched", "nik_empty", "nik_not_found", "name_differs", "birth_date_differs", "nik_duplicate", "not_recorded", "deceased",
    "moved_abroad", "skipped",
)  # fmt: skip


def _tagged(matching: Row) -> Row:
    counts = {name: matching[f"persons_{name}"] for name in _RESULTS}
    return {
        **matching,
        "__typename": "CivilRegistryMatching",
        "node_id": f"CivilRegistryMatching:{matching['regency_id']}:{matching['id']}",
        "counts": {**counts, "found": matching["persons_found"], "done": sum(counts.values())},
    }


async def _seen(reader: Reader) -> list[Row]:
    matchings = await reader.rows("select * from civil_registry_matching order by id desc")
    return [_tagged(each) for each in matchings if reader.covers(Permission.REGISTRY_MATCHING_RUN, each)]


async def by_id(reader: Reader, regency_id: int, id_: UUID) -> Row | None:
    """The matching, if the principal may see it."""
    return next((row for row in await _seen(reader) if (row["regency_id"], row["id"]) == (regency_id, id_)), None)


async def _one(reader: Reader, _root: Row, arguments: Arguments) -> Row | None:
    _, regency, id_ = arguments["id"].split(":")
    return await by_id(reader, int(regency), UUID(id_))


async def _page(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    region, after = arguments.get("region"), arguments.get("after")
    low, high = villages_of(region) if region is not None else (0, 10**10)
    found = [row for row in await _seen(reader) if low <= row["village_low"] <= row["village_high"] <= high]
    keys = decoded_cursor(after, "NEWEST", KEYS["NEWEST"]) if after is not None else None

    async def count() -> int:
        return len(found)

    rows = found if keys is None else [row for row in found if row["id"] < keys[0]]
    return connection_of(rows, arguments, order="NEWEST", keys=lambda row: [row["id"]], count=count)


def _region(reader: Reader, matching: Row, _arguments: Arguments) -> Any:
    return region_fields.by_id(reader, matching["region_id"])


FIELDS: Final[dict[str, Resolver]] = {
    "Query.civilRegistryMatching": _one,
    "Query.civilRegistryMatchings": _page,
    "CivilRegistryMatching.id": lambda _reader, matching, _arguments: matching["node_id"],
    "CivilRegistryMatching.region": _region,
    "CivilRegistryMatching.job": job_fields.of_row,
}
