"""Proof that the summary rows say what the rows say."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from app.domain.insights.models import DECILES, IDENTITY_COLUMNS, UNKNOWN_BIRTH_YEAR, YEAR_COLUMNS, YEARS_OF_COHORT
from app.domain.registry.enums import FamilyStatus, Presence
from app.tenants.region_path import VILLAGE_DIGITS, RegionLevel

_LEVELS: Final = {level.depth: level for level in (RegionLevel.REGENCY, RegionLevel.DISTRICT, RegionLevel.VILLAGE)}
_WIDTHS: Final = ", ".join(f"({depth}, {10 ** (VILLAGE_DIGITS - level.digits)})" for depth, level in _LEVELS.items())


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A number kept beside the rows that is not what the rows say."""

    level: RegionLevel
    region_id: int
    counter: str
    """Name of the column; where persons are counted by birth year and sex, followed by those."""
    stored: int
    counted: int


@dataclass(frozen=True, slots=True)
class _Promise:
    """Counters of a summary table, and the rows that they count."""

    table: str
    """Its name, or what stands for it after FROM."""
    rows: str
    counters: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def statement(self) -> str:
        """The regions where the two differ, with what is stored and what is counted."""
        keys = "".join(f", {name}" for name in self.keys)
        key_values = "".join(f", {expression} as {name}" for name, expression in self.keys.items())
        counts = ", ".join(f"{expression} as {name}" for name, expression in self.counters.items())
        sums = ", ".join(f"sum({name})::bigint as {name}" for name in self.counters)
        both = ", ".join(
            f"coalesce(s.{name}, 0) as stored_{name}, coalesce(c.{name}, 0) as counted_{name}" for name in self.counters
        )
        differ = " or ".join(f"coalesce(s.{name}, 0) <> coalesce(c.{name}, 0)" for name in self.counters)
        groups = "".join(f", {place}" for place in range(2, 2 + len(self.keys)))
        # S608: the text is made of names and expressions of this module.
        return f"""
with villages as (
  select village_id{key_values}, {counts} from {self.rows} group by village_id{groups}
), counted as (
  select depth, village_id / width as region_id{keys}, {sums}
  from villages cross join (values {_WIDTHS}) as levels (depth, width)
  group by depth, village_id / width{keys}
), stored as (
  select depth, region_id{keys}, {sums} from {self.table} group by depth, region_id{keys}
)
select depth, region_id{keys}, {both}
from stored s full join counted c using (depth, region_id{keys})
where {differ} order by depth, region_id{keys}"""  # noqa: S608


_FAMILIES: Final = f"family where status = '{FamilyStatus.ACTIVE.value}'"
_PERSONS: Final = f"person where presence in ('{Presence.PRESENT.value}', '{Presence.NEW_MEMBER.value}')"
_YEARS: Final = ", ".join(f"({year}, {name})" for year, name in enumerate(YEAR_COLUMNS))
_COHORTS: Final = f"""(
  select depth, region_id, birth_decade * {YEARS_OF_COHORT} + year as birth_year, sex, persons
  from registry_cohort cross join lateral (values {_YEARS}) as y (year, persons)
) as years"""  # noqa: S608  (names of this module)
_PROMISES: Final = (
    _Promise(
        "registry_summary",
        _FAMILIES,
        {
            "families": "count(*)",
            **{f"families_decile_{decile}": f"count(*) filter (where decile = {decile})" for decile in DECILES},
            "families_unranked": "count(*) filter (where decile is null)",
        },
    ),
    _Promise(
        "registry_summary",
        _PERSONS,
        {
            "persons": "count(*)",
            **{
                name: f"count(*) filter (where identity_status = '{status.value}')"
                for status, name in IDENTITY_COLUMNS.items()
            },
        },
    ),
    _Promise(
        _COHORTS,
        _PERSONS,
        {"persons": "count(*)"},
        {
            "birth_year": f"greatest(coalesce(date_part('year', birth_date), {UNKNOWN_BIRTH_YEAR}), {UNKNOWN_BIRTH_YEAR})::int",
            "sex": "sex",
        },
    ),
)
_PLACES: Final = ("regency_id", "village_low", "village_high")
_MISPLACED: Final = """
select * from (
  select depth, region_id, regency_id as stored_regency_id, region_id * width / 1000000 as counted_regency_id,
    village_low as stored_village_low, region_id * width as counted_village_low,
    village_high as stored_village_high, region_id * width + width - 1 as counted_village_high
  from {table} join (values {widths}) as levels (depth, width) using (depth)
) places
where (stored_regency_id, stored_village_low, stored_village_high)
  <> (counted_regency_id, counted_village_low, counted_village_high)
order by depth, region_id
"""


async def verify_summaries(loader: "asyncpg.Connection[asyncpg.Record]") -> list[Discrepancy]:
    """Count every row again and compare with the summary rows, all in one snapshot.

    ``loader`` is a connection of kesos_loader: what row-level security hides cannot be counted. The regency and the span
    of villages of each summary row are compared with its region, too, because they decide who may see it.
    """
    found: list[Discrepancy] = []
    async with loader.transaction(isolation="repeatable_read", readonly=True):
        for promise in _PROMISES:
            found += _differences(await loader.fetch(promise.statement), promise.counters, promise.keys)
        for table in ("registry_summary", "registry_cohort"):
            misplaced = _MISPLACED.format(table=table, widths=_WIDTHS)
            found += _differences(await loader.fetch(misplaced), _PLACES)
    return found


def _differences(
    rows: Iterable[asyncpg.Record], counters: Iterable[str], keys: Iterable[str] = ()
) -> Iterator[Discrepancy]:
    names = [(name, f"stored_{name}", f"counted_{name}") for name in counters]
    for row in rows:
        of = "".join(f" {row[key]}" for key in keys)
        for name, stored, counted in names:
            if row[stored] != row[counted]:
                level = _LEVELS[row["depth"]]
                yield Discrepancy(level, row["region_id"], name + of, row[stored], row[counted])
