"""Jobs with ids and moments that are the same in every database, each marked with its regency. They have ended: nothing goes on.

What lies across Banyumas and its neighbours bears the mark of Cilacap: Banyumas does not see it.
"""

from typing import Final

from app.tenants.server import DatabaseServer
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

_JOB: Final = """
insert into job (regency_id, id, village_low, village_high, kind, subject_id, state, stage, done, total, paced_from, paced_done, attempts,
  error_code, error_indonesian, error_english, principal_id, principal_name, created_at, started_at, finished_at)
values ($1::bigint / 1000000, $2::text::uuid, $1, $3, $4, $2::text::uuid, 'FAILED', $5, 10, 20, '2100-01-01Z', 0, 2,
  $5, $5, $5, '01b00000-0000-7000-8000-000000000000', $5, '2100-01-01Z', '2100-01-01Z', '2100-01-01T00:00:10Z')
on conflict do nothing
"""


def _uuid(number: int, place: int) -> str:
    return f"01e00000-0000-7000-8000-{number}{place:011}"


def job_of(regency: Regency) -> str:
    """The node id of a job about all of ``regency``."""
    return f"Job:{regency.id}:{_uuid(0, regency.id)}"


async def plant_jobs(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` two jobs about all of it; with neighbours also one that lies across them."""
    async with connected(server) as owner:
        for regency in regencies:
            low, high = regency.path.villages.low, regency.path.villages.high
            for number, kind in enumerate(("IMPORT_CHECK", "EXPORT")):
                await owner.execute(_JOB, low, _uuid(number, regency.id), high, kind, regency.mark)
        if CILACAP in regencies:
            low, high = CILACAP.path.villages.low, BANYUMAS.path.villages.high
            await owner.execute(_JOB, low, _uuid(0, 33), high, "MATCHING", CILACAP.mark)
