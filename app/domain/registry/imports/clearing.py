"""Staged rows of imports that are over, where the job that was to clear them away did not.

It may be cancelled before its turn, or be given up, and who started it may have lost the role; the rows are of persons and must not stay.
"""

from typing import Final

from app.domain.jobs.models import ENDED
from app.domain.jobs.queue import Queue
from app.domain.registry.imports.models import ImportStage

_LINES_AT_ONCE: Final = 10_000
"""A worker shows that it lives on the same connection, in between."""
_MOST_TURNS: Final = 20
_OVER: Final = [ImportStage.APPLIED.value, ImportStage.DISCARDED.value]
_ENDED: Final = [state.value for state in ENDED]
# The lines at the beginning of one such import. Another worker that is at it has locked it. PostgreSQL looks for the least line, and for a
# range of lines, in the index; for any line at all it would read all that others have staged, once for each import that is over.
_CLEARED: Final = """
with found as materialized (
  select i.regency_id, i.id, first.line
  from registry_import i, lateral (
    select least(
      (select min(line) from staged_family s where s.regency_id = i.regency_id and s.import_id = i.id),
      (select min(line) from staged_person s where s.regency_id = i.regency_id and s.import_id = i.id)
    ) as line offset 0
  ) first
  where i.stage = any($1::text[]) and first.line is not null
    and not exists (select from job j where j.regency_id = i.regency_id and j.id = i.job_id and j.state <> all ($2::text[]))
  limit 1 for update of i skip locked
), families as (
  delete from staged_family s using found f
  where s.regency_id = f.regency_id and s.import_id = f.id and s.line >= f.line and s.line < f.line + $3::int
), persons as (
  delete from staged_person s using found f
  where s.regency_id = f.regency_id and s.import_id = f.id and s.line >= f.line and s.line < f.line + $3::int
)
select id from found"""


async def clear_staged(queue: Queue) -> int:
    """Clear away some of what is left of imports that are over and that no job works on, on the connection of ``queue``; in how many turns.

    What remains is for the next time. The connection is kesos_loader's, which sees all regencies.
    """
    turns = 0
    while turns < _MOST_TURNS and await queue.driver.fetch(_CLEARED, _OVER, _ENDED, _LINES_AT_ONCE):
        turns += 1
    return turns
