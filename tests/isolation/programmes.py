"""Quotas with ids and moments that are the same in every database, each marked with its regency. Programmes themselves are public."""

from typing import Final

from app.tenants.server import DatabaseServer
from tests.support.world import Regency, connected

PROGRAMME: Final = "PKH"
TERMS: Final = "ProgrammeTerms:f3c23e7a-9aab-53ae-91c9-d34127c093d8"
"""The node id of its second terms, which is made of code and version and so the same in every database."""
_QUOTA: Final = """
insert into programme_quota (regency_id, programme_code, year, id, village_low, village_high, families, source, updated_at)
values ($1::bigint / 1000000, $2, $3::int, $4::text::uuid, $1, $5, $3::int, $6, '2100-01-01Z')
on conflict do nothing
"""


def _uuid(year: int, place: int) -> str:
    return f"01f10000-0000-7000-{year}-0{place:011}"


def quota_of(regency: Regency) -> str:
    """The node id of a quota of ``regency``."""
    return f"ProgrammeQuota:{regency.id}:{_uuid(2098, regency.id)}"


async def plant_programmes(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` quotas of two years."""
    async with connected(server) as owner:
        for regency in regencies:
            low, high = regency.path.villages.low, regency.path.villages.high
            for year in (2098, 2099):
                await owner.execute(_QUOTA, low, PROGRAMME, year, _uuid(year, regency.id), high, regency.mark)
