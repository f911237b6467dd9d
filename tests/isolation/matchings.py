"""Matchings with ids and moments that are the same in every database, each marked with its regency.

What lies across Banyumas and its neighbours bears the mark of Cilacap: Banyumas does not see it.
"""

from typing import Final

from app.tenants.server import DatabaseServer
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

_MATCHING: Final = """
insert into civil_registry_matching (regency_id, id, village_low, village_high, region_id, statuses, idempotency_key,
  cursor_village_id, cursor_person_id, persons_found, persons_matched, persons_name_differs, created_by, created_by_name, created_at)
values ($1::bigint / 1000000, $2::text::uuid, $1, $3, $4::bigint, '{NIK_ISSUED,UNMATCHED}', $2::text::uuid, $1, $2::text::uuid,
  $4::bigint, 7, 3, '01b00000-0000-7000-8000-000000000000', $5, '2100-01-01Z')
on conflict do nothing
"""


def _uuid(number: int, place: int) -> str:
    return f"01d00000-0000-7000-8000-{number}{place:011}"


def matching_of(regency: Regency) -> str:
    """The node id of a matching of all of ``regency``."""
    return f"CivilRegistryMatching:{regency.id}:{_uuid(0, regency.id)}"


async def plant_matchings(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` two matchings of all of it; with neighbours also one that lies across them."""
    async with connected(server) as owner:
        for regency in regencies:
            low, high = regency.path.villages.low, regency.path.villages.high
            for number in range(2):
                await owner.execute(_MATCHING, low, _uuid(number, regency.id), high, regency.id, regency.mark)
        if CILACAP in regencies:
            low, high = CILACAP.path.villages.low, BANYUMAS.path.villages.high
            await owner.execute(_MATCHING, low, _uuid(0, 33), high, 33, CILACAP.mark)
