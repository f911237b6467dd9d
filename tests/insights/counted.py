"""What the summary rows of a regency say, and what they should say: every row counted one by one, in Python."""

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from app.domain.insights.models import IDENTITY_COLUMNS, YEAR_COLUMNS, registry_summary
from app.domain.registry.enums import IdentityStatus
from app.tenants.region_path import RegionLevel, RegionPath

if TYPE_CHECKING:
    import asyncpg

Totals: TypeAlias = "Counter[tuple[int, object]]"
"""How many, by region id and by what is counted; what is counted zero times is absent."""

_COUNTERS = [column.name for column in registry_summary.c if column.name.startswith(("families", "persons"))]
_LEVELS = (RegionLevel.REGENCY, RegionLevel.DISTRICT, RegionLevel.VILLAGE)
_LIVING_HERE = {"PRESENT", "NEW_MEMBER"}


async def stored_totals(connection: "asyncpg.Connection[asyncpg.Record]", *regency_ids: int) -> Totals:
    """The summary rows of the regencies, their slots added up."""
    totals: Totals = Counter()
    for row in await connection.fetch("select * from registry_summary where regency_id = any($1)", regency_ids):
        _assert_span(row)
        for counter in _COUNTERS:
            totals[row["region_id"], counter] += row[counter]
    for row in await connection.fetch("select * from registry_cohort where regency_id = any($1)", regency_ids):
        _assert_span(row)
        for year, name in enumerate(YEAR_COLUMNS):
            totals[row["region_id"], (row["birth_decade"] * 10 + year, row["sex"])] += row[name]
    return _without_zeros(totals)


async def counted_totals(connection: "asyncpg.Connection[asyncpg.Record]", *regency_ids: int) -> Totals:
    """The families that are active and the persons who live with them, counted."""
    totals: Totals = Counter()
    families = "select village_id, decile from family where regency_id = any($1) and status = 'ACTIVE'"
    for row in await connection.fetch(families, regency_ids):
        ranked = f"families_decile_{row['decile']}" if row["decile"] else "families_unranked"
        _count(totals, row["village_id"], "families", ranked)
    for row in await connection.fetch("select * from person where regency_id = any($1)", regency_ids):
        if row["presence"] in _LIVING_HERE:
            year = row["birth_date"].year if row["birth_date"] else 0
            status = IDENTITY_COLUMNS[IdentityStatus[row["identity_status"]]]
            _count(totals, row["village_id"], "persons", status, (year, row["sex"]))
    return totals


def _count(totals: Totals, village_id: int, *counted: object) -> None:
    village = RegionPath.of_id(village_id)
    for level in _LEVELS:
        for what in counted:
            totals[village.ancestor(level).id, what] += 1


def _assert_span(row: "asyncpg.Record") -> None:
    region = RegionPath.of_id(row["region_id"])
    assert row["depth"] == region.level.depth
    assert (row["village_low"], row["village_high"]) == (region.villages.low, region.villages.high)


def _without_zeros(totals: Totals) -> Totals:
    return Counter({key: count for key, count in totals.items() if count})
