"""Proof that the ledger adds up: entries balance, and all that is kept beside their lines says what they say."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import asyncpg

from app.domain.bansos.models.ledger import EntryKind
from app.domain.checking import Discrepancy, discrepancies


class Fault(StrEnum):
    """What can be wrong with the ledger."""

    ENTRY_UNBALANCED = "ENTRY_UNBALANCED"
    ENTRY_MISPLACED = "ENTRY_MISPLACED"
    WALLET_DIFFERS = "WALLET_DIFFERS"
    TOTAL_DIFFERS = "TOTAL_DIFFERS"
    PROVINCE_DIFFERS = "PROVINCE_DIFFERS"
    PAID_WITHOUT_ENTRY = "PAID_WITHOUT_ENTRY"
    ENTRY_WITHOUT_PAYMENT = "ENTRY_WITHOUT_PAYMENT"
    CLEARING_LEFT = "CLEARING_LEFT"
    ORDER_DIFFERS = "ORDER_DIFFERS"
    RELEASE_DIFFERS = "RELEASE_DIFFERS"
    RETURN_DIFFERS = "RETURN_DIFFERS"
    CYCLE_DIFFERS = "CYCLE_DIFFERS"


# Each statement answers region_id, subject, stored and counted. All lines of an entry, or none: both show as a sum or as a first line that
# is not there.
_LINES_OF_ENTRIES: Final = """
select e.regency_id as region_id, e.id::text as subject, 0 as stored, coalesce(l.total, 0) as counted
from journal_entry e left join (
  select regency_id, entry_id, sum(amount) as total, count(*) as lines, min(number) as first, max(number) as last
  from journal_line group by regency_id, entry_id
) l on l.regency_id = e.regency_id and l.entry_id = e.id
where l.total is distinct from 0 or l.lines < 2 or l.first <> 1 or l.last <> l.lines"""
_PLACES_OF_LINES: Final = """
select l.regency_id as region_id, l.entry_id::text as subject, coalesce(e.village_low, 0) as stored, l.village_low as counted
from journal_line l left join journal_entry e on e.regency_id = l.regency_id and e.id = l.entry_id
where (l.village_low, l.village_high, l.programme_code) is distinct from (e.village_low, e.village_high, e.programme_code)"""
# A line belongs to a wallet of its own programme only.
_WALLETS: Final = """
select regency_id as region_id, id::text as subject, coalesce(w.balance, 0) as stored, coalesce(l.total, 0) as counted
from wallet w full join (
  select regency_id, holder_id as id, programme_code, sum(amount) as total
  from journal_line where account = 'WALLET' group by regency_id, holder_id, programme_code
) l using (regency_id, id, programme_code)
where coalesce(w.balance, 0) <> coalesce(l.total, 0) or w.balance is null"""
_TOTALS: Final = """
select regency_id as region_id, concat_ws(' ', programme_code, account, what) as subject, stored, counted
from (
  select regency_id, programme_code, account, sum(amount) as amount, sum(lines) as lines
  from ledger_total group by regency_id, programme_code, account
) t full join (
  select regency_id, programme_code, account, sum(amount) as amount, count(*) as lines
  from journal_line group by regency_id, programme_code, account
) l using (regency_id, programme_code, account)
cross join lateral (
  values ('amount', coalesce(t.amount, 0), coalesce(l.amount, 0)), ('lines', coalesce(t.lines, 0), coalesce(l.lines, 0))
) v (what, stored, counted)
where stored <> counted
union all
select regency_id, concat_ws(' ', programme_code, account, 'village_low'), village_low, regency_id * 1000000::bigint
from ledger_total where (village_low, village_high) <> (regency_id * 1000000::bigint, regency_id * 1000000::bigint + 999999)"""
# The one side by what the regencies report, the other by where the lines lie and what families hold.
_PROVINCES: Final = """
with reported as (
  select village_low / 100000000 as province, programme_code, account, sum(amount) as amount
  from ledger_total group by 1, 2, 3
), lying as (
  select village_low / 100000000 as province, programme_code, account, sum(amount) as amount
  from journal_line group by 1, 2, 3
), held as (
  select village_id / 100000000 as province, programme_code, 'WALLET' as account, sum(balance) as amount
  from wallet group by 1, 2
)
select province as region_id, concat_ws(' ', programme_code, account) as subject,
  coalesce(r.amount, 0) as stored, coalesce(l.amount, 0) as counted
from reported r full join lying l using (province, programme_code, account)
where coalesce(r.amount, 0) <> coalesce(l.amount, 0)
union all
select province, concat_ws(' ', programme_code, 'WALLET of families'), coalesce(r.amount, 0), coalesce(h.amount, 0)
from (select * from reported where account = 'WALLET') r full join held h using (province, programme_code, account)
where coalesce(r.amount, 0) <> coalesce(h.amount, 0)
union all
select province, concat_ws(' ', programme_code, 'all accounts'), 0, sum(amount) from reported
group by province, programme_code having sum(amount) <> 0"""


def _standing(kind: EntryKind) -> str:
    """The entries of a kind that were not reversed: one that was has moved nothing."""
    return f"""
standing as (
  select e.* from journal_entry e where e.kind = '{kind.value}' and not exists (
    select from journal_entry r where r.regency_id = e.regency_id and r.kind = 'REVERSAL' and r.source_id = e.id
  )
)"""  # noqa: S608  (our own words)


_KEY: Final = "concat_ws(':', 'TOP_UP', p.programme_code, p.period_start, p.family_id)"
_PAID: Final = f"""
with {_standing(EntryKind.TOP_UP)}
select p.regency_id as region_id, p.id::text as subject, 1 as stored, count(e.id) as counted
from entitlement p left join standing e on e.regency_id = p.regency_id and e.source_id = p.id and e.family_id = p.family_id
  and e.programme_code = p.programme_code and e.cycle_id = p.cycle_id and e.source_key = {_KEY}
  and exists (
    select from journal_line l where l.regency_id = e.regency_id and l.entry_id = e.id
    and l.account = 'WALLET' and l.amount = p.amount
  )
where p.step = 'TOPPED_UP' group by p.regency_id, p.id having count(e.id) <> 1"""  # noqa: S608  (our own words)
_TOPPED_UP: Final = f"""
with {_standing(EntryKind.TOP_UP)}
select e.regency_id as region_id, e.id::text as subject, 1 as stored, 0 as counted
from standing e where not exists (
  select from entitlement p where p.regency_id = e.regency_id and p.id = e.source_id and p.step = 'TOPPED_UP'
)"""  # noqa: S608  (our own words)
# What the bank holds of an order is what it was not yet told to pay out, has not answered, or could not pay out and nobody has returned.
# Entries of an order are about the order or about one of its entitlements; a reversal is about what its entry is about.
_CLEARING: Final = """
with about as (
  select e.regency_id, e.id, coalesce(o.source_id, e.source_id) as source_id
  from journal_entry e
  left join journal_entry o on e.kind = 'REVERSAL' and o.regency_id = e.regency_id and o.id = e.source_id
), left_over as (
  select a.regency_id, coalesce(p.order_id, a.source_id) as order_id, sum(l.amount) as amount
  from journal_line l join about a on a.regency_id = l.regency_id and a.id = l.entry_id
  left join entitlement p on p.regency_id = a.regency_id and p.id = a.source_id
  where l.account = 'CLEARING' group by 1, 2
), held as (
  select regency_id, order_id, sum(amount) as amount from entitlement
  where step in ('SP2D', 'STANDING_INSTRUCTION', 'TOP_UP_FAILED') group by 1, 2
)
select o.regency_id as region_id, o.id::text as subject, coalesce(h.amount, 0) as stored, coalesce(c.amount, 0) as counted
from payment_order o
left join left_over c on c.regency_id = o.regency_id and c.order_id = o.id
left join held h on h.regency_id = o.regency_id and h.order_id = o.id
where coalesce(c.amount, 0) <> coalesce(h.amount, 0)"""
# Whose account the bank found good stays in its order; who failed the check may be in a later one, or be cancelled, at any time.
_ORDERS: Final = """
with valid as (
  select regency_id, order_id as id, count(*) as entitlements, sum(amount) as amount from entitlement
  where step in (
    'ACCOUNT_VALID', 'SPM', 'OMSPAN', 'SP2D', 'STANDING_INSTRUCTION', 'TOPPED_UP', 'TOP_UP_FAILED', 'RETURNED'
  ) group by regency_id, order_id
)
select o.regency_id as region_id, concat_ws(' ', o.id, what) as subject, stored, counted
from payment_order o left join valid v on v.regency_id = o.regency_id and v.id = o.id
cross join lateral (values
  ('entitlements', coalesce(o.valid_entitlements, 0), coalesce(v.entitlements, 0)),
  ('amount', coalesce(o.valid_amount, 0), coalesce(v.amount, 0))
) w (what, stored, counted)
where o.state <> 'ACCOUNT_CHECK' and stored <> counted
union all
select o.regency_id, concat_ws(' ', o.id, o.state, 'with', e.step), 0, count(*)
from payment_order o join entitlement e on e.regency_id = o.regency_id and e.order_id = o.id
where e.step not in ('ACCOUNT_FAILED', 'CANCELLED') and (o.state, e.step) not in (
  ('ACCOUNT_CHECK', 'ACCOUNT_CHECK'), ('ACCOUNT_CHECK', 'ACCOUNT_VALID'), ('ACCOUNTS_CHECKED', 'ACCOUNT_VALID'),
  ('SPM', 'SPM'), ('OMSPAN', 'OMSPAN'), ('SP2D', 'SP2D'), ('STANDING_INSTRUCTION', 'STANDING_INSTRUCTION'),
  ('STANDING_INSTRUCTION', 'TOPPED_UP'), ('STANDING_INSTRUCTION', 'TOP_UP_FAILED'), ('STANDING_INSTRUCTION', 'RETURNED'),
  ('SETTLED', 'TOPPED_UP'), ('SETTLED', 'TOP_UP_FAILED'), ('SETTLED', 'RETURNED')
) group by o.regency_id, o.id, o.state, e.step"""
_RELEASED: Final = f"""
with {_standing(EntryKind.RELEASE)}, released as (
  select e.regency_id, e.source_id as id, sum(l.amount) as amount
  from standing e join journal_line l on l.regency_id = e.regency_id and l.entry_id = e.id and l.account = 'CLEARING'
  group by e.regency_id, e.source_id
), drawn as (
  select regency_id, id, valid_amount as amount from payment_order where sp2d_at is not null
)
select regency_id as region_id, id::text as subject, coalesce(d.amount, 0) as stored, coalesce(r.amount, 0) as counted
from drawn d full join released r using (regency_id, id)
where coalesce(d.amount, 0) <> coalesce(r.amount, 0)"""  # noqa: S608  (our own words)
_RETURNED: Final = f"""
with {_standing(EntryKind.RELEASE_RETURN)}, returned as (
  select e.regency_id, e.source_id as id, sum(l.amount) as amount
  from standing e join journal_line l on l.regency_id = e.regency_id and l.entry_id = e.id and l.account = 'TREASURY'
  group by e.regency_id, e.source_id
), said as (
  select regency_id, id, amount from entitlement where step = 'RETURNED'
)
select regency_id as region_id, id::text as subject, coalesce(s.amount, 0) as stored, coalesce(r.amount, 0) as counted
from said s full join returned r using (regency_id, id)
where coalesce(s.amount, 0) <> coalesce(r.amount, 0)"""  # noqa: S608  (our own words)
# A cycle that is being generated says nothing yet, and nor does one that was revised meanwhile; what it holds from before still adds up by
# reason. Once it is PAID nobody waits, and so no bank holds money for anybody (CLEARING_LEFT names what is held for nobody).
_CYCLES: Final = """
with listed as (
  select regency_id, cycle_id, 'ENTITLED' as outcome, '' as reason, count(*) as families, sum(amount) as amount
  from entitlement group by regency_id, cycle_id
  union all
  select regency_id, cycle_id, outcome, reason, count(*), 0 from aid_exclusion group by regency_id, cycle_id, outcome, reason
), summed as (
  select regency_id, cycle_id as id, sum(families) as families, sum(families) filter (where outcome = 'ENTITLED') as entitled,
    sum(amount) as amount
  from listed group by regency_id, cycle_id
)
select c.regency_id as region_id, concat_ws(' ', c.id, what) as subject, coalesce(stored, 0) as stored, counted
from aid_cycle c left join summed s on s.regency_id = c.regency_id and s.id = c.id
cross join lateral (values
  ('families', c.families, coalesce(s.families, 0)),
  ('entitled', c.entitled, coalesce(s.entitled, 0)),
  ('amount', c.amount, coalesce(s.amount, 0))
) v (what, stored, counted)
where stored <> counted or (stored is null and c.state not in ('DRAFT', 'SUPERSEDED'))
union all
select c.regency_id, concat_ws(' ', c.id, what), 0, count(*)
from aid_cycle c join (
  select regency_id, cycle_id, 'unsettled orders' as what from payment_order where state <> 'SETTLED'
  union all
  select regency_id, cycle_id, 'waiting entitlements' from entitlement
  where step not in ('NO_ACCOUNT', 'ACCOUNT_FAILED', 'TOPPED_UP', 'RETURNED', 'CANCELLED')
) w on w.regency_id = c.regency_id and w.cycle_id = c.id
where c.state in ('PAID', 'RECONCILED', 'CLOSED') group by c.regency_id, c.id, what
union all
select regency_id, concat_ws(' ', cycle_id, outcome, nullif(reason, ''), what), stored, counted
from cycle_outcome o full join listed l using (regency_id, cycle_id, outcome, reason)
cross join lateral (values
  ('families', coalesce(o.families, 0), coalesce(l.families, 0)), ('amount', coalesce(o.amount, 0), coalesce(l.amount, 0))
) v (what, stored, counted)
where stored <> counted"""
_CHECKS: Final = {
    Fault.ENTRY_UNBALANCED: _LINES_OF_ENTRIES,
    Fault.ENTRY_MISPLACED: _PLACES_OF_LINES,
    Fault.WALLET_DIFFERS: _WALLETS,
    Fault.TOTAL_DIFFERS: _TOTALS,
    Fault.PROVINCE_DIFFERS: _PROVINCES,
    Fault.PAID_WITHOUT_ENTRY: _PAID,
    Fault.ENTRY_WITHOUT_PAYMENT: _TOPPED_UP,
    Fault.CLEARING_LEFT: _CLEARING,
    Fault.ORDER_DIFFERS: _ORDERS,
    Fault.RELEASE_DIFFERS: _RELEASED,
    Fault.RETURN_DIFFERS: _RETURNED,
    Fault.CYCLE_DIFFERS: _CYCLES,
}
CHECKS: Final = len(_CHECKS)


async def check_ledger(
    loader: "asyncpg.Connection[asyncpg.Record]", on_progress: Callable[[int], None] = lambda _: None
) -> list[Discrepancy[Fault]]:
    """Add the ledger up again, all in one snapshot: at most 1,000 discrepancies of each kind.

    ``loader`` is a connection of kesos_loader, from whom row-level security hides nothing. ``on_progress`` hears how many of ``CHECKS``
    are done.
    """
    return await discrepancies(loader, _CHECKS, on_progress)
