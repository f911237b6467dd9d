"""Which rows of an import are applied, listed once for all of its batches, on a connection of kesos_loader.

They are those that the preview calls accepted (``verdicts`` tells the rule and where else it stands), less what somebody has decided since.
"""

import asyncio
from collections.abc import Iterable
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

_REFUSED: Final = """
select from import_issue i where i.regency_id = $1 and i.import_id = $2 and i.subject = '{subject}' and i.severity = 'ERROR'
  and i.line = {line}
"""
_FAMILY_REFUSED: Final = _REFUSED.format(subject="FAMILY", line="f.line")
_PERSON_REFUSED: Final = _REFUSED.format(subject="PERSON", line="p.line")
_MATCHED: Final = "select line from import_match where regency_id = $1 and import_id = $2 and subject = '{subject}'"
_PERSONS: Final = f"""
create temp table accepted_person as
select f.village_id, f.line as family_line, p.line, p.relationship = 'HEAD' as is_head,
  p.member_no, exists ({_PERSON_REFUSED}) as is_refused, p.line = any($3) as is_left_out, m.line is not null as is_matched
from (select * from staged_family where regency_id = $1 and import_id = $2) f
join (select * from staged_person where regency_id = $1 and import_id = $2) p using (family_key)
left join ({_MATCHED.format(subject="PERSON")}) m on m.line = p.line
where not exists ({_FAMILY_REFUSED})
"""  # noqa: S608  (our own words)
# A family goes with its head, unless it is registered and has one.
_FAMILIES: Final = f"""
create temp table accepted_family as
select f.village_id, f.line, m.head_line, coalesce(m.has_refused, false) as has_refused, o.line is not null as is_matched
from staged_family f left join ({_MATCHED.format(subject="FAMILY")}) o on o.line = f.line
left join (
  select family_line, min(line) filter (where is_head and not is_refused) as head_line, bool_or(is_refused) as has_refused,
    bool_or(is_head and is_left_out) as is_headless
  from accepted_person group by family_line
) m on m.family_line = f.line
where f.regency_id = $1 and f.import_id = $2 and not exists ({_FAMILY_REFUSED}) and (m.is_headless is not true or o.line is not null)
"""  # noqa: S608  (our own words)
_REJECTED: Final = "delete from accepted_person where is_refused or is_left_out"
# By itself, so that it is one join: beside an OR each person would look through all families.
_OF_HEADLESS: Final = (
    "delete from accepted_person p where not exists (select from accepted_family f where f.line = p.family_line)"
)
_SETTINGS: Final = (
    # Nothing is known yet of tables that were filled a moment ago. Joining all with all by hash is right whatever their size.
    "enable_nestloop = off",
    "default_statistics_target = 10",
    "work_mem = '64MB'",
    "maintenance_work_mem = '128MB'",
    # The processors wait for this list: all of them may work at it, though many of the rows come out.
    "parallel_tuple_cost = 0.01",
)
_SORTED: Final = (
    "create index on accepted_person (village_id)",
    "create index on accepted_family (village_id)",
    "analyze accepted_person (village_id)",
    "analyze accepted_family (village_id)",
)
_FAMILIES_WITHIN: Final = """
select coalesce(array_agg(line), '{}'), coalesce(array_agg(head_line), '{}'), coalesce(array_agg(line) filter (where has_refused), '{}'),
  coalesce(array_agg(line) filter (where is_matched), '{}')
from (select * from accepted_family where village_id between $1 and $2 order by village_id, line) f
"""
_PERSONS_WITHIN: Final = """
select coalesce(array_agg(line), '{}'), coalesce(array_agg(family_line), '{}'), coalesce(array_agg(place), '{}')
from (
  select line, family_line, row_number() over (partition by village_id, family_line order by member_no, line)::int as place
  from accepted_person where village_id between $1 and $2 and not (is_matched and $3)
) p
"""
_COUNTED: Final = """
select regency_id::int, count(*)::int from (
  select village_id / 1000000 as regency_id from accepted_family
  union all select village_id / 1000000 from accepted_person
  union all select family_regency_id from import_departure where regency_id = $1 and import_id = $2
) r group by regency_id order by regency_id
"""


class AcceptedFamilies(NamedTuple):
    """Families that are applied, village by village: columns of the same length, since rows of Python cost more than the statements."""

    lines: list[int]
    head_lines: list[int | None]
    refused: list[int]
    """Those of the lines where the row of a member is refused."""
    matched: list[int]
    """Those of the lines that the check matched with a registered family."""


class AcceptedPersons(NamedTuple):
    """Persons who are applied, family by family."""

    lines: list[int]
    family_lines: list[int]
    places: list[int]
    """Their places among those of the family, from 1 on."""


class Accepted:
    """The accepted rows of one import, in temporary tables that go with the connection."""

    def __init__(self, loader: "asyncpg.Connection[asyncpg.Record]", key: tuple[int, UUID]) -> None:
        """List the rows of the import ``key`` on ``loader``, which is used for nothing else."""
        self._loader = loader
        self._key = key
        self._turn = asyncio.Lock()

    async def find(self, left_out: Iterable[int]) -> None:
        """Find them, but for the persons of the lines ``left_out``."""
        loader, lines = self._loader, list(left_out)
        for setting in _SETTINGS:
            await loader.execute(f"set {setting}")
        await loader.execute("drop table if exists accepted_person, accepted_family")
        await loader.fetch(_PERSONS, *self._key, lines)
        await loader.execute("analyze accepted_person (family_line)")
        await loader.fetch(_FAMILIES, *self._key)
        await loader.execute(_REJECTED)
        if lines:
            await loader.execute(_OF_HEADLESS)
        for statement in _SORTED:
            await loader.execute(statement)
        await loader.execute("reset all")

    async def within(self, low: int, high: int, *, only_new: bool) -> tuple[AcceptedFamilies, AcceptedPersons]:
        """Those of the villages from ``low`` to ``high``; where ``only_new``, without persons who are registered."""
        async with self._turn:
            families = await self._loader.fetchrow(_FAMILIES_WITHIN, low, high)
            persons = await self._loader.fetchrow(_PERSONS_WITHIN, low, high, only_new)
        if families is None or persons is None:
            raise LookupError("a statement that adds up has one row")
        return AcceptedFamilies(*families), AcceptedPersons(*persons)

    async def by_regency(self) -> dict[int, int]:
        """How many rows of each regency the import applies, departures among them."""
        async with self._turn:
            return dict(await self._loader.fetch(_COUNTED, *self._key))
