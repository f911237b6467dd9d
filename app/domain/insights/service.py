"""Proof that the summary rows say what the rows say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from app.domain.insights.models import DECILES, IDENTITY_COLUMNS
from app.domain.insights.queries import UNKNOWN_BIRTH_YEAR
from app.domain.registry.enums import FamilyStatus, Presence
from app.tenants.region_path import VILLAGE_DIGITS, RegionLevel

_LEVELS: Final = {level.depth: level for level in (RegionLevel.REGENCY, RegionLevel.DISTRICT, RegionLevel.VILLAGE)}
_WIDTHS: Final = ", ".join(f"({depth}, {10 ** (VILLAGE_DIGITS - level.digits)})" for depth, level in _LEVELS.items())


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A counter of a region that does not equal the number of rows that it counts."""

    level: RegionLevel
    region_id: int
    counter: str
    """Name of the column; of persons by birth year and sex, those too."""
    stored: int
    counted: int


@dataclass(frozen=True, slots=True)
class _Promise:
    """Counters of a summary table, and the rows that they count."""

    table: str
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

    def broken(self, rows: list[asyncpg.Record]) -> Iterator[Discrepancy]:
        """What ``rows``, the result of ``statement``, tell."""
        for row in rows:
            of = "".join(f" {row[name]}" for name in self.keys)
            for name in self.counters:
                stored, counted = row[f"stored_{name}"], row[f"counted_{name}"]
                if stored != counted:
                    yield Discrepancy(_LEVELS[row["depth"]], row["region_id"], name + of, stored, counted)


_FAMILIES: Final = f"family where status = '{FamilyStatus.ACTIVE.value}'"
_PERSONS: Final = f"person where presence in ('{Presence.PRESENT.value}', '{Presence.NEW_MEMBER.value}')"
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
        "registry_cohort",
        _PERSONS,
        {"persons": "count(*)"},
        {
            "birth_year": f"coalesce(extract(year from birth_date), {UNKNOWN_BIRTH_YEAR})::smallint",
            "sex": "sex",
        },
    ),
)
_SPANS: Final = """
select depth, region_id, village_low, region_id * width as expected
from {table} join (values {widths}) as levels (depth, width) using (depth)
where (village_low, village_high, regency_id)
  is distinct from (region_id * width, region_id * width + width - 1, (region_id * width / 1000000)::int)
order by depth, region_id
"""


async def verify_summaries(loader: "asyncpg.Connection[asyncpg.Record]") -> list[Discrepancy]:
    """Count every row again and compare with the summary rows, all in one snapshot.

    ``loader`` is a connection of kesos_loader: what row-level security hides cannot be counted. A summary row whose span
    of villages is not that of its region is reported as ``village_low``, because the span decides who may see it.
    """
    found: list[Discrepancy] = []
    async with loader.transaction(isolation="repeatable_read", readonly=True):
        for promise in _PROMISES:
            found += promise.broken(await loader.fetch(promise.statement))
        for table in ("registry_summary", "registry_cohort"):
            rows = await loader.fetch(_SPANS.format(table=table, widths=_WIDTHS))
            found += [
                Discrepancy(_LEVELS[row["depth"]], row["region_id"], "village_low", row["village_low"], row["expected"])
                for row in rows
            ]
    return found
