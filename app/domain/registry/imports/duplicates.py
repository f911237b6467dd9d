"""Probable duplicates: persons of one village born on one day whose names are alike. A person decides; nothing merges by itself.

PostgreSQL finds who shares village and day, Python compares the names. Who is known by the NIK or as a member of the family is no
question, and neither are members of one family with NIKs of their own: twins have names alike.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from app.domain.registry.imports.matching import ACCEPTED_PERSON
from app.domain.registry.imports.names import Name, comparable, likeness
from app.domain.registry.imports.running import REGISTERED_PERSONS, Check

MOST_OF_ONE_DAY: Final = 200
"""A birth date that more persons of a village share is one that was filled in for want of a better, and tells nothing."""
_WRITTEN_AT_ONCE: Final = 5_000
_COLUMNS: Final = ("regency_id", "id", "village_low", "village_high", "import_id", "line", "other_line", "person_regency_id",
    "person_id", "score")  # fmt: skip


_COMPARED: Final = (
    """create temp table compared (
  village_id bigint, birth_date date, line int, regency_id int, person_id uuid, name text, family_line int, has_nik boolean, fresh boolean
) on commit drop""",
    f"""insert into compared
select p.village_id, p.birth_date, p.line, null, null, p.name, p.family_line, p.nik_digest is not null, m.line is null
from checked_person p left join matched_person m using (line)
where {ACCEPTED_PERSON} and p.birth_date is not null""",  # noqa: S608  (our own words)
    "create temp table shared_day (village_id bigint, birth_date date) on commit drop",
    f"""insert into compared
select r.village_id, r.birth_date, null, r.regency_id, r.id, r.name, f.line, r.nik_digest is not null, false
from {REGISTERED_PERSONS} r
join (select distinct village_id, birth_date from compared where fresh) s using (village_id, birth_date)
left join matched_family f on f.regency_id = r.regency_id and f.id = r.family_id
where r.presence <> 'DECEASED'
  and not exists (select from matched_person m where m.regency_id = r.regency_id and m.id = r.id)""",  # noqa: S608  (our own words)
    f"""insert into shared_day select village_id, birth_date from compared group by village_id, birth_date
having count(*) between 2 and {MOST_OF_ONE_DAY} and bool_or(fresh)""",  # noqa: S608  (our own words)
    "analyze compared",
    "analyze shared_day",
)
_BLOCKS: Final = """select c.* from compared c join shared_day s using (village_id, birth_date)
order by c.village_id, c.birth_date, c.line nulls last, c.regency_id, c.person_id"""
_DECIDED: Final = """select line, other_line, person_regency_id, person_id from import_duplicate
where regency_id = :regency_id and import_id = :import_id"""


class _Candidate(NamedTuple):
    """Somebody who is compared."""

    line: int | None
    regency_id: int | None
    person_id: UUID | None
    name: Name
    family_line: int | None
    has_nik: bool
    fresh: bool


Pair = tuple[int, int | None, int | None, UUID | None]
"""A line and who it may be: another line, or a registered person by regency and id."""


async def find_duplicates(check: Check) -> int:
    """Write the probable duplicates that nobody has decided about before; returns how many there are in all."""
    for statement in _COMPARED:
        await check.execute(statement)
    decided = {tuple(row) for row in await check.rows(_DECIDED)}
    count, rows = len(decided), []
    async for block in _blocks(check):
        # Two hundred names are compared in some milliseconds; other jobs of this process need not wait for that.
        for pair, score in await asyncio.to_thread(list, _alike(block)):
            if pair not in decided:
                rows.append(
                    (check.regency_id, uuid7(), check.villages.low, check.villages.high, check.import_id, *pair, score)
                )
        if len(rows) >= _WRITTEN_AT_ONCE:
            count += await _write(check, rows)
            rows = []
    return count + await _write(check, rows)


async def _write(check: Check, rows: Sequence[tuple[object, ...]]) -> int:
    await check.loader.copy_records_to_table("import_duplicate", records=rows, columns=_COLUMNS)
    return len(rows)


async def _blocks(check: Check) -> AsyncIterator[list[asyncpg.Record]]:
    """Persons of one village and birth date, those of the file first."""
    block: list[asyncpg.Record] = []
    async for row in check.stream(_BLOCKS):
        if block and (row["village_id"], row["birth_date"]) != (block[0]["village_id"], block[0]["birth_date"]):
            yield block
            block = []
        block.append(row)
    if block:
        yield block


def _alike(block: Iterable[asyncpg.Record]) -> Iterator[tuple[Pair, int]]:
    people = [
        _Candidate(
            row["line"],
            row["regency_id"],
            row["person_id"],
            comparable(row["name"]),
            row["family_line"],
            row["has_nik"],
            row["fresh"],
        )
        for row in block
    ]
    for one, other in combinations(people, 2):
        if not (one.fresh or other.fresh):
            continue
        if one.has_nik and other.has_nik and one.family_line == other.family_line:
            continue
        score = likeness(one.name, other.name)
        if not score:
            continue
        if other.line is not None and one.line is not None:
            yield (other.line, one.line, None, None), score
        elif one.line is not None:
            yield (one.line, None, other.regency_id, other.person_id), score
