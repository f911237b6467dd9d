"""Events with ids and moments that are the same in every database, each marked with its regency.

They happen in a future year: reading is kept in the trail, and whoever asks for that year alone is not told of the asking.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from tests.support.world import BANYUMAS, CILACAP, SLEMAN, Regency, connected

if TYPE_CHECKING:
    import asyncpg

FUTURE: Final = "2100-01-01T00:00:00Z"
READER: Final = "01b00000-0000-7000-8000-000000000000"
_BEGIN: Final = datetime(2100, 1, 1, tzinfo=UTC)
_EVENT: Final = """
insert into audit_event (regency_id, id, village_low, village_high, happened_at, action, principal_id, roles, permission, operation,
  document_hash, subject_type, subject_ids, row_count, purpose, request_id)
select $1::bigint / 1000000, $2::text::uuid, $1, $3, $4, $5, $6::text::uuid, '{REGENCY_VERIFIER}', 'registry:person:read', $7,
  sha256($7::text::bytea), 'Person', array(select unnest(array[p.id, p.family_id])), 1, 'COMPLAINT', $7
from person p where p.regency_id = $8 and p.presence = 'PRESENT' and p.nik_sealed is not null and p.family_id is not null
order by p.id desc limit 1
"""
"""About the person whom ``arguments.belongings`` chooses."""


def _village(code: str) -> int:
    return RegionPath.parse(code).id


def _inside(regency: Regency) -> Iterator[tuple[int, int]]:
    """Spans that lie in ``regency``: all of it, a district, a village, and its last village."""
    yield regency.path.villages.low, regency.path.villages.high
    yield _village(regency.village(1, 1)), _village(regency.village(1, 3))
    yield _village(regency.village(1, 2)), _village(regency.village(1, 2))
    yield regency.path.villages.high, regency.path.villages.high


def _across() -> Iterator[tuple[int, int]]:
    """Spans that lie in several regencies, Banyumas among them: by a village, as neighbours, as a province, as the country."""
    low, high = BANYUMAS.path.villages.low, BANYUMAS.path.villages.high
    yield low - 1, low
    yield low, high + 1
    yield high, high + 1
    yield CILACAP.path.villages.low, high
    yield CILACAP.path.villages.low, SLEMAN.path.villages.high
    yield 3_300_000_000, 3_399_999_999
    yield 0, 9_999_999_999


async def _plant(
    owner: "asyncpg.Connection[asyncpg.Record]", group: int, spans: Iterator[tuple[int, int]], mark: str, of: Regency
) -> None:
    for number, (low, high) in enumerate(spans):
        event = f"01a00000-0000-7000-8000-{group:06}{number:06}"
        moment = _BEGIN + timedelta(hours=number, microseconds=group)
        action = "REVEAL" if number % 2 else "READ"
        await owner.execute(_EVENT, low, event, high, moment, action, READER, mark, of.id)


@asynccontextmanager
async def happening(server: DatabaseServer, *regencies: Regency) -> AsyncIterator[None]:
    """Events in each of ``regencies`` for as long as the context is open; with neighbours also such as lie across them.

    What lies across bears the mark of Cilacap though it is about a person of Banyumas: Banyumas does not see it.
    """
    async with connected(server) as owner:
        try:
            for regency in regencies:
                await _plant(owner, regency.id, _inside(regency), regency.mark, regency)
            if CILACAP in regencies:
                await _plant(owner, 0, _across(), CILACAP.mark, BANYUMAS)
            yield
        finally:
            await owner.execute("delete from audit_event where happened_at >= $1", _BEGIN)
