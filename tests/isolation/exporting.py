"""Exports with ids and moments that are the same in every database, each marked with its regency. None has a file.

Each is its principal's alone: in what has neighbours, the administrator of Banyumas also has one about Cilacap, and a colleague one about
Banyumas. Both bear the mark of Cilacap, for Banyumas sees neither. The ministry has one about Cilacap, by which it is known that it shows.
"""

from typing import TYPE_CHECKING, Final

from app.authz.roles import Role
from app.tenants.server import DatabaseServer
from tests.support.client import enrol
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

_EXPORT: Final = """
insert into export (regency_id, id, village_low, village_high, principal_id, idempotency_key, job_id, format, root_field, operation,
  document_hash, request_digest, purpose, rights, row_count, size, sha256, created_at, finished_at, expires_at, removed_at)
select $1::bigint / 1000000, $2::text::uuid, $1, $3, p.id, $2::text::uuid,
  ('01e00000-0000-7000-8000-1' || lpad(($1::bigint / 1000000)::text, 11, '0'))::uuid, 'CSV', 'families', $4,
  sha256('x'), decode(repeat('00', 16), 'hex'), 'AUDIT', sha256('x'), 7, 9, sha256('x'), '2026-01-01Z', '2026-01-01Z', '2026-01-02Z',
  '2026-01-02Z'
from principal p where p.subject = $5
on conflict do nothing
"""


def _uuid(number: int, place: int) -> str:
    return f"01f00000-0000-7000-8000-{number}{place:011}"


def export_of(regency: Regency) -> str:
    """The node id of an export about all of ``regency``: of its administrator, of Cilacap that of the ministry."""
    return f"Export:{regency.id}:{_uuid(0, regency.id)}"


async def plant_exports(server: DatabaseServer, *regencies: Regency) -> None:
    """Give the administrator of each of ``regencies`` two exports about all of it."""
    async with connected(server) as owner:
        for regency in regencies:
            administrator = await enrol(server, (Role.REGENCY_ADMIN, regency.code))
            ministry = await enrol(server, (Role.MINISTRY_ADMIN, ""))
            await _insert(owner, regency, 0, regency.mark, ministry if regency is CILACAP else administrator)
            await _insert(owner, regency, 1, regency.mark, administrator)
        if CILACAP in regencies:
            clerk = await enrol(server, (Role.REGENCY_ADMIN, BANYUMAS.code))
            await _insert(owner, CILACAP, 2, CILACAP.mark, clerk)
            colleague = await enrol(server, (Role.REGENCY_VERIFIER, BANYUMAS.code))
            await _insert(owner, BANYUMAS, 3, CILACAP.mark, colleague)


async def _insert(
    owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency, number: int, mark: str, subject: str
) -> None:
    villages = regency.path.villages
    await owner.execute(_EXPORT, villages.low, _uuid(number, regency.id), villages.high, mark, subject)
