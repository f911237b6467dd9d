"""Months of ordinary business, written by a few statements: outlets, families, purchases, deliveries, in which nothing is to be told.

The administrator writes it with triggers and foreign keys off, so that a hundred thousand purchases take seconds. Whatever depends on
chance is made of hashes: each run has the same.
"""

# ruff: noqa: S608  (statements are made of our own words)

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncpg

REGENCY: Final = 3302
OFFICER: Final = "01a60000-0000-7000-8000-000000000001"

_PLACES: Final = f"""
create temp table shop as
with villages as (
  select id, row_number() over (order by id) - 1 as n, count(*) over () as total from region
  where id between {REGENCY}000000 and {REGENCY}999999
)
select n, cast(md5('shop' || n) as uuid) as id, (select id from villages where villages.n = s.n * 7 % total) as village_id
from generate_series(0, $1 - 1) s(n)
"""
_FAMILIES: Final = f"""
create temp table kpm as
with villages as (select array_agg(id order by id) as ids from region where id between {REGENCY}000000 and {REGENCY}999999)
select n, n % $2 as shop, n / $2 as place, cast(md5('family' || n) as uuid) as family_id, cast(md5('person' || n) as uuid) as person_id,
  cast(md5('card' || n) as uuid) as card_id, cast(md5('wallet' || n) as uuid) as wallet_id,
  ids[1 + n % array_length(ids, 1)] as village_id
from generate_series(0, $1 - 1) f(n), villages
"""
# A first purchase early in the month and a second one late; some empty the balance, and two families of each outlet buy rice alone.
_SALES: Final = """
create temp table sale as
select k.*, m, b, h, cast(md5(concat('sale', m, b, n)) as uuid) as id,
  case when place in (3, 4) then 100000 when b = 0 then 120000 else 75000 + place % 2 * 5000 end as amount,
  case when b = 0 then case when place in (3, 4) then 100000 else 80000 end when place in (3, 4) or place % 2 = 1 then 0 else 5000 end
    as balance,
  case when place in (3, 4) and b = 1 then 1 else 3 end as lines,
  cast($1 + make_interval(months => m, days => 4 + b * 12 + h % 5) as date) as day,
  ($1 + make_interval(months => m, days => 4 + b * 12 + h % 5, mins => 420 + h / 8 % 660, secs => h % 60)) at time zone 'Asia/Jakarta'
    as happened_at
from kpm k, generate_series(0, 1) m, generate_series(0, 1) b,
  lateral (select abs(hashint8(n * 4::bigint + m * 2 + b) / 2) as h) chance
"""
_ROWS: Final = (
    f"""
insert into ewarong_agent (regency_id, id, village_id, number, name, kind, bank, address, owner_name, owner_nik_sealed, owner_nik_digest,
  owner_nik_masked, state, idempotency_key, request, proposed_by, proposed_by_name, proposed_at, state_at)
select {REGENCY}, id, village_id, 'B' || n, 'Warung ' || n, 'SHOP', 'BRI', 'Jalan Uji', 'Pemilik Uji', '', decode(md5('owner' || n), 'hex'),
  '9902********0001', 'ACTIVE', id, '', id, 'Uji', now(), now() from shop
""",
    f"""
insert into family (regency_id, id, village_id, edition_id, head_name, updated_at)
select {REGENCY}, family_id, village_id, 1, 'Keluarga Uji', now() from kpm
""",
    # Some have died since, and their families have not bought anything after that.
    f"""
insert into person (regency_id, id, village_id, family_id, relationship, member_no, name, identity_status, sex, presence)
select {REGENCY}, person_id, village_id, family_id, 'HEAD', 1, 'Orang Uji', 'MATCHED', 'FEMALE',
  cast(case when n % 500 = 0 then 'DECEASED' else 'PRESENT' end as presence) from kpm
""",
    f"""
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, state_at)
select {REGENCY}, card_id, village_id, family_id, person_id, 'BRI', 'ACTIVE', '0001', 'tok-' || n, now() from kpm
""",
    # What is left of the last purchase is young; what is empty may have been so for long.
    f"""
insert into wallet (regency_id, id, village_id, family_id, programme_code, balance, moved_at)
select {REGENCY}, wallet_id, village_id, family_id, 'SEMBAKO', place % 2 * 5000, now() - make_interval(days => 20 + 200 * ((place + 1) % 2))
from kpm
""",
    f"""
insert into journal_entry (regency_id, id, village_low, village_high, happened_at, kind, programme_code, family_id, source_id, source_key,
  principal_id)
select {REGENCY}, cast(md5(concat('top', m, n)) as uuid), village_id, village_id,
  ($1 + make_interval(months => m, hours => 30)) at time zone 'Asia/Jakarta',
  'TOP_UP', 'SEMBAKO', family_id, wallet_id, concat('TOP_UP:', m, ':', n), '{OFFICER}' from kpm, generate_series(0, 1) m
""",
    f"""
insert into journal_line (regency_id, entry_id, number, village_low, village_high, account, holder_id, programme_code, amount)
select {REGENCY}, cast(md5(concat('top', m, n)) as uuid), l, village_id, village_id, case l when 1 then 'CLEARING' else 'WALLET' end,
  case l when 2 then wallet_id end, 'SEMBAKO', case l when 1 then -200000 else 200000 end
from kpm, generate_series(0, 1) m, generate_series(1, 2) l
""",
    # Every twentieth device was offline for hours.
    f"""
insert into ewarong_transaction (regency_id, id, village_id, agent_id, programme_code, amount, balance, happened_at, received_at, day,
  last_four, card_id, family_id, family_regency_id, family_village_id, wallet_id, entry_id, receipt, unbalanced, basket, idempotency_key,
  request, reported_by)
select {REGENCY}, x.id, o.village_id, o.id, 'SEMBAKO', amount, balance, happened_at,
  happened_at + make_interval(secs => 2, hours => case when h % 20 = 0 then 5 else 0 end), day, '0001', card_id, family_id, {REGENCY},
  x.village_id, wallet_id, x.id, concat(m, b, x.n), false, decode(md5(concat('basket', h % 40)), 'hex'), x.id, '', o.id
from sale x join shop o on o.n = x.shop
""",
    f"""
insert into ewarong_line (regency_id, transaction_id, number, village_id, agent_id, commodity_code, quantity, unit_price, amount)
select {REGENCY}, x.id, l, o.village_id, o.id, (array['RICE', 'EGGS', 'TEMPE'])[l], 1, x.amount / lines, x.amount / lines
from sale x join shop o on o.n = x.shop cross join generate_series(1, lines) l
""",
    # Six suppliers share what outlets buy.
    f"""
insert into ewarong_delivery (regency_id, id, village_id, agent_id, supplier_id, commodity_code, quantity, unit_price, amount, delivered_on,
  idempotency_key, reported_by, reported_by_name, reported_at)
select {REGENCY}, cast(md5(concat('delivery', n, m, s)) as uuid), village_id, id, cast(md5('supplier' || s) as uuid), 'RICE', 1,
  1000000 + s * 1000, 1000000 + s * 1000, cast($1 + make_interval(months => m, days => 10) as date),
  cast(md5(concat('delivery', n, m, s)) as uuid), id, 'Uji', now() from shop, generate_series(0, 1) m, generate_series(1, 6) s
""",
    f"""
insert into ewarong_supplier (regency_id, id, village_low, village_high, name, number, listed_by, listed_by_name, listed_at)
select {REGENCY}, cast(md5('supplier' || s) as uuid), {REGENCY}000000, {REGENCY}999999, 'Pemasok ' || s, '00' || s, '{OFFICER}', 'Uji',
  now() from generate_series(1, 6) s
""",
    f"""
insert into ewarong_other_sales (regency_id, id, village_id, agent_id, month, amount, reported_by, reported_by_name, reported_at)
select {REGENCY}, cast(md5(concat('sales', n, m)) as uuid), village_id, id, cast($1 + make_interval(months => m) as date), 5000000, id,
  'Uji', now() from shop, generate_series(0, 1) m
""",
    # Officers who own no outlet, and one who did own one while in office: that is over.
    f"""
insert into barred_owner (regency_id, id, village_low, village_high, nik_digest, office, valid_from, valid_to, source, listed_by,
  listed_by_name, listed_at)
select {REGENCY}, cast(md5('barred' || n) as uuid), {REGENCY}000000, {REGENCY}999999,
  decode(md5(case n when 0 then 'owner0' else 'officer' || n end), 'hex'), 'VILLAGE_HEAD', '2018-01-01',
  case n when 0 then date '2020-01-01' end,
  'SK Uji', '{OFFICER}', 'Uji', now() from generate_series(0, 99) n
""",
)


def first_month(today: date) -> date:
    """The first day of the first of the two months: both are over for so long that everything about them was reported."""
    first = today.replace(day=1)
    for _ in range(3):
        first = (first - timedelta(days=1)).replace(day=1)
    return first


async def open_bazaar(
    owner: "asyncpg.Connection[asyncpg.Record]", first: date, *, outlets: int = 150, families: int = 25_000
) -> None:
    """Write two months from ``first`` in which each of ``families`` buys four times: 100,000 purchases unless told otherwise."""
    async with owner.transaction():
        await owner.execute("set local session_replication_role = replica")
        await owner.execute(_PLACES.replace("$1", str(outlets)))
        await owner.execute(_FAMILIES.replace("$1", str(families)).replace("$2", str(outlets)))
        await owner.execute(_SALES.replace("$1", f"timestamp '{first}'"))
        for statement in _ROWS:
            await owner.execute(statement.replace("$1", f"timestamp '{first}'"))
        await owner.execute("drop table sale, kpm, shop")
    await owner.execute("analyze")
