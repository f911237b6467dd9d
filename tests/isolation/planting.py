"""Grants with ids and moments that are the same in every database, each marked with its regency."""

from app.tenants.server import DatabaseServer
from tests.support.world import Regency, connected

_PRINCIPAL = "insert into principal (id, issuer, subject, name) values ($1::text::uuid, 'https://sso.test', $2, $2) on conflict do nothing"
_GRANT = """
insert into principal_grant (id, principal_id, holder_subject, holder_name, role, region_id, status, people, reason,
  valid_from, valid_to, given_at, lapses_at)
values ($1::text::uuid, $2::text::uuid, $3, $3, $4, $5, $6, $7, $3, '2026-01-01Z', '2027-01-01Z', '2026-01-01Z', '2026-01-15Z')
on conflict do nothing
"""


def quiet_district(regency: Regency) -> str:
    """A district in which no other test gives a role to anybody."""
    return regency.district(17)


async def plant(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` two grants in its quiet district."""
    async with connected(server) as owner:
        for regency in regencies:
            district = int(quiet_district(regency).replace(".", ""))
            principal, *grants = (f"01900000-0000-7000-8000-{number}{regency.id:011}" for number in range(3))
            await owner.execute(_PRINCIPAL, principal, regency.mark)
            for grant, given in zip(grants, (("TKSK", "ACTIVE", 1), ("PKH_FACILITATOR", "PROPOSED", 2)), strict=True):
                role, status, people = given
                await owner.execute(_GRANT, grant, principal, regency.mark, role, district, status, people)
