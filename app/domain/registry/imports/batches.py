"""The batches that an import is applied in, and the counts that its preview shows."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from app.domain.registry.imports.matching import ACCEPTED_FAMILY
from app.domain.registry.imports.models import ImportStage
from app.domain.registry.imports.running import Check

FAMILIES_OF_BATCH: Final = 5_000
"""One transaction applies about so many families; it holds memory and locks for a second or two."""


_VILLAGES: Final = f"""
select village_id, sum(accepted)::int, sum(leaving)::int from (
  select f.village_id, count(*) as accepted, 0 as leaving from checked_family f where {ACCEPTED_FAMILY} group by f.village_id
  union all
  select family_village_id, 0, count(*) from import_departure
  where regency_id = :regency_id and import_id = :import_id group by family_village_id
) v group by village_id order by village_id"""  # noqa: S608  (our own words)
# Joined to the refused lines: within a FILTER a subquery would go through all of them for each row.
_COUNTED: Final = f"""
with of_families as (
  select count(*) as staged, count(*) filter (where x.line is null) as accepted
  from checked_family f left join refused_line x on x.subject = 'FAMILY' and x.line = f.line
), of_persons as (
  select count(*) as staged,
    count(*) filter (where p.family_line is not null and x.line is null and o.line is null) as accepted
  from checked_person p left join refused_line x on x.subject = 'FAMILY' and x.line = p.family_line
    left join refused_line o on o.subject = 'PERSON' and o.line = p.line
), of_matches as (
  select subject, outcome, count(*) as n from import_match
  where regency_id = :regency_id and import_id = :import_id group by subject, outcome
), matches as (
  select coalesce(sum(n) filter (where subject = 'FAMILY' and outcome = 'SAME'), 0) as families_same,
    coalesce(sum(n) filter (where subject = 'FAMILY' and outcome = 'CHANGED'), 0) as families_changed,
    coalesce(sum(n) filter (where subject = 'FAMILY' and outcome = 'MOVED'), 0) as families_moved,
    coalesce(sum(n) filter (where subject = 'PERSON' and outcome = 'SAME'), 0) as persons_same,
    coalesce(sum(n) filter (where subject = 'PERSON' and outcome = 'CHANGED'), 0) as persons_changed,
    coalesce(sum(n) filter (where subject = 'PERSON' and outcome = 'MOVED'), 0) as persons_moved
  from of_matches
)
update registry_import i set
  families_staged = f.staged, families_accepted = f.accepted, families_rejected = f.staged - f.accepted,
  families_new = f.accepted - m.families_same - m.families_changed - m.families_moved,
  families_same = m.families_same, families_changed = m.families_changed, families_moved = m.families_moved,
  families_left = (
    select count(*) from import_departure d where d.regency_id = i.regency_id and d.import_id = i.id
  ),
  persons_staged = p.staged, persons_accepted = p.accepted, persons_rejected = p.staged - p.accepted,
  persons_new = p.accepted - m.persons_same - m.persons_changed - m.persons_moved,
  persons_same = m.persons_same, persons_changed = m.persons_changed, persons_moved = m.persons_moved,
  rows_with_warnings = (
    select count(*) from (
      select distinct subject, line from import_issue w
      where w.regency_id = i.regency_id and w.import_id = i.id and w.severity = 'WARNING'
    ) warned
  ),
  probable_duplicates = (
    select count(*) from import_duplicate d where d.regency_id = i.regency_id and d.import_id = i.id
  ),
  stage = '{ImportStage.VALIDATED.value}', validated_at = now(), version = i.version + 1
from of_families f, of_persons p, matches m
where i.regency_id = :regency_id and i.id = :import_id and i.stage = '{ImportStage.PARSED.value}'"""  # noqa: S608  (our own words)
_COLUMNS: Final = ("regency_id", "import_id", "village_low", "village_high", "number", "first_village_id", "last_village_id",
    "families")  # fmt: skip


class VillageWork(NamedTuple):
    """What is to be applied in one village."""

    village_id: int
    accepted: int
    leaving: int


class Batch(NamedTuple):
    """Villages that are applied in one transaction, from the first to the last, and the accepted families of the file there."""

    first_village_id: int
    last_village_id: int
    families: int


def batches_of(villages: Iterable[VillageWork], size: int = FAMILIES_OF_BATCH) -> Iterator[Batch]:
    """``villages``, ordered by id, in batches of about ``size`` families; a village is never split, so it may exceed that alone."""
    first, last, accepted, work = 0, 0, 0, 0
    for village in villages:
        more = village.accepted + village.leaving
        if work and work + more > size:
            yield Batch(first, last, accepted)
            accepted, work = 0, 0
        if not work:
            first = village.village_id
        last = village.village_id
        accepted += village.accepted
        work += more
    if work:
        yield Batch(first, last, accepted)


async def lay_batches(check: Check) -> int:
    """Write the batches of accepted families and departures; returns how many there are."""
    villages = [VillageWork(*row) for row in await check.rows(_VILLAGES)]
    span = (check.regency_id, check.import_id, check.villages.low, check.villages.high)
    rows = [(*span, number, *batch) for number, batch in enumerate(batches_of(villages), 1)]
    await check.loader.copy_records_to_table("import_batch", records=rows, columns=_COLUMNS)
    return len(rows)


async def conclude(check: Check) -> bool:
    """Count what was found and call the import VALIDATED; whether it was still waiting for that."""
    return await check.execute(_COUNTED) == 1
