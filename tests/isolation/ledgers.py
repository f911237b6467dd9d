"""Wallets, journal entries and returns with ids and moments that are the same in every database, each marked with its regency.

A return that lies across Banyumas and its neighbours bears the mark of Cilacap: Banyumas does not see it.
"""

from typing import TYPE_CHECKING, Final

from app.tenants.server import DatabaseServer
from tests.isolation.cycles import PROGRAMME
from tests.isolation.working import job_of
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

_WALLETS: Final = """
insert into wallet (regency_id, id, village_id, family_id, programme_code, moved_at)
select regency_id, ($2::text || n)::uuid, village_id, id, $3, '2100-01-01Z' from (
  select *, row_number() over (order by id desc) - 1 as n from family where regency_id = $1 order by id desc limit 2
) f
on conflict do nothing
"""
_ENTRIES: Final = """
with e as (
  insert into journal_entry (regency_id, id, village_low, village_high, happened_at, kind, programme_code, cycle_id, family_id, source_id,
    source_key, principal_id, reason)
  select regency_id, ($3::text || right(id::text, 1))::uuid, village_id, village_id, '2100-01-01Z', $4, programme_code, null, family_id, id,
    concat($4::text, ' ', $5::text, ' ', right(id::text, 1)), '01b00000-0000-7000-8000-000000000000',
    case $4 when 'REVERSAL' then $5::text end
  from wallet where regency_id = $1 and id::text like $2::text || '_'
  on conflict do nothing returning *
)
insert into journal_line (regency_id, entry_id, number, village_low, village_high, account, holder_id, programme_code, amount)
select e.regency_id, e.id, n, village_low, village_high, case n when 1 then 'CLEARING' else 'WALLET' end,
  case n when 2 then source_id end, programme_code, case n when 1 then -$6::bigint else $6::bigint end
from e, (values (1), (2)) v(n)
"""
_STILL: Final = "update wallet set moved_at = '2100-01-01Z' where regency_id = $1 and id::text like $2::text || '_'"
_RETURN: Final = """
insert into idle_return (regency_id, id, village_low, village_high, region_id, programme_code, untouched_since, idempotency_key, job_id,
  made_by, made_by_name, made_at, wallets, amount)
values ($1::bigint / 1000000, $2::text::uuid, $1, $3, $4::bigint, $5, '2099-10-01Z', $2::text::uuid, $6::text::uuid,
  '01b00000-0000-7000-8000-000000000000', $7, '2100-01-01Z', $4::bigint, $4::bigint)
on conflict do nothing
"""


def _uuid(kind: int, place: int) -> str:
    """An id but for its last digit."""
    return f"01fd0000-0000-7000-8000-{kind}{place:010}"


def wallet_of(regency: Regency) -> str:
    """The node id of a wallet of ``regency``."""
    return f"Wallet:{regency.id}:{_uuid(1, regency.id)}0"


def entry_of(regency: Regency) -> str:
    """The node id of an entry that fills it."""
    return f"JournalEntry:{regency.id}:{_uuid(2, regency.id)}0"


def return_of(regency: Regency) -> str:
    """The node id of a return of idle balances of all of ``regency``."""
    return f"IdleReturn:{regency.id}:{_uuid(4, regency.id)}0"


# Whether somebody has sealed them yet must not make two databases differ.
_UNSEALED: Final = tuple(
    f"delete from {table} where stream = 'ledger' and regency_id = $1 and starts_with(record_id::text, $2)"  # noqa: S608  (our own words)
    for table in ("seal_queue", "sealed_leaf")
)


async def plant_ledger(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` two wallets, two entries for each, and two returns; with neighbours also one that lies across them."""
    async with connected(server) as owner:
        for regency in regencies:
            await _plant(owner, regency)
        if CILACAP in regencies:
            low, high = CILACAP.path.villages.low, BANYUMAS.path.villages.high
            job = job_of(CILACAP).rpartition(":")[2]
            await owner.execute(_RETURN, low, f"{_uuid(4, 33)}0", high, 33, PROGRAMME, job, CILACAP.mark)


async def _plant(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> None:
    low, high = regency.path.villages.low, regency.path.villages.high
    wallets = _uuid(1, regency.id)
    await owner.execute(_WALLETS, regency.id, wallets, PROGRAMME)
    for kind, entries, amount in (("TOP_UP", _uuid(2, regency.id), 600_000), ("REVERSAL", _uuid(3, regency.id), 7)):
        await owner.execute(_ENTRIES, regency.id, wallets, entries, kind, regency.mark, amount)
    await owner.execute(_STILL, regency.id, wallets)
    for of_entries in (_uuid(2, regency.id), _uuid(3, regency.id)):
        for unsealed in _UNSEALED:
            await owner.execute(unsealed, regency.id, of_entries)
    job = job_of(regency).rpartition(":")[2]
    for number in range(2):
        await owner.execute(
            _RETURN, low, f"{_uuid(4, regency.id)}{number}", high, regency.id, PROGRAMME, job, regency.mark
        )
