"""Grants with ids and moments that are the same in every database, each marked with its regency."""

from tests.support.world import Regency, connected
from app.tenants.server import DatabaseServer

_PRINCIPAL = "insert into principal (id, issuer, subject, name) values ($1::uuid, 'https://sso.test', $2, $2) on conflict do nothing"
_GRANT = """
insert into principal_grant (id, principal_id, holder_subject, holder_name, role, region_id, status, people, reason,
  valid_from, valid_to, given_at, lapses_at)
values ($1::uuid, $2::uuid, $3, $3, $4, $5, $6, $7, $3, '2026-01-01Z', '2027-01-01Z', '2026-01-01Z', '2026-01-15Z')
on conflict do nothing
"""


def quiet_district(regency: Regency) -> str:
    """A district in which no other test gives a role to anybody."""
    return regency.district(20)


async def plant(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` two grants in its quiet district."""
    async with connected(server) as owner:
        for regency in regencies:
            district = int(quiet_district(regency).replace(".", ""))
            principal = f"01900000-0000-7000-8000-00000000{regency.id}"
            await owner.execute(_PRINCIPAL, principal, regency.mark)
            for number, (role, status, people) in enumerate([("TKSK", "ACTIVE", 1), ("PKH_FACILITATOR", "PROPOSED", 2)]):
                grant = f"01900000-0000-7000-8000-00000001{number}{regency.id:03}"[:36]
                await owner.execute(_GRANT, grant, principal, regency.mark, role, district, status, people)
