"""Proof that what outlets have sold is what the journal says: each redemption has its entry, and totals are sums of rows."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import asyncpg

from app.domain.checking import Discrepancy, discrepancies


class Fault(StrEnum):
    """What can be wrong with transactions of outlets."""

    TRANSACTION_WITHOUT_ENTRY = "TRANSACTION_WITHOUT_ENTRY"
    REVERSAL_WITHOUT_ENTRY = "REVERSAL_WITHOUT_ENTRY"
    AGENT_WITHOUT_TRANSACTION = "AGENT_WITHOUT_TRANSACTION"
    LINES_DIFFER = "LINES_DIFFER"
    DAY_DIFFERS = "DAY_DIFFERS"


# Each statement answers region_id, subject, stored and counted: whole rupiah. An entry is that of a transaction where it moves the same
# amount from its wallet to its outlet.
_MOVED: Final = """
  select e.regency_id, e.id, e.kind, e.source_id, e.programme_code, e.family_id,
    sum(l.amount) filter (where l.account = 'AGENT') as amount,
    min(l.holder_id::text) filter (where l.account = 'WALLET') as wallet_id,
    min(l.holder_id::text) filter (where l.account = 'AGENT') as agent_id
  from journal_entry e join journal_line l on l.regency_id = e.regency_id and l.entry_id = e.id
  where e.kind in ('REDEMPTION', 'REVERSAL') group by e.regency_id, e.id"""
_TRANSACTIONS: Final = f"""
with moved as ({_MOVED})
select t.regency_id as region_id, t.id::text as subject, t.amount as stored, coalesce(m.amount, 0) as counted
from ewarong_transaction t left join moved m on m.regency_id = t.family_regency_id and m.id = t.entry_id
  and m.kind = 'REDEMPTION' and m.source_id = t.id and m.programme_code = t.programme_code and m.family_id = t.family_id
  and m.wallet_id = t.wallet_id::text and m.agent_id = t.agent_id::text
where m.amount is distinct from t.amount"""  # noqa: S608  (our own words)
_REVERSALS: Final = f"""
with moved as ({_MOVED})
select r.regency_id as region_id, r.id::text as subject, -r.amount as stored, coalesce(m.amount, 0) as counted
from ewarong_reversal r
left join ewarong_transaction t on t.regency_id = r.regency_id and t.id = r.transaction_id
left join moved m on m.regency_id = t.family_regency_id and m.id = r.entry_id
  and m.kind = 'REVERSAL' and m.source_id = t.entry_id and m.agent_id = t.agent_id::text
where m.amount is distinct from -r.amount or t.amount is distinct from r.amount"""  # noqa: S608  (our own words)
# Whatever an outlet is owed comes from a transaction, or goes with its reversal.
_AGENTS: Final = """
select l.regency_id as region_id, l.entry_id::text as subject, l.amount as stored, 0 as counted
from journal_line l
where l.account = 'AGENT' and not exists (
  select from ewarong_transaction t where t.family_regency_id = l.regency_id and t.entry_id = l.entry_id
) and not exists (
  select from ewarong_reversal r join ewarong_transaction t on t.regency_id = r.regency_id and t.id = r.transaction_id
  where r.entry_id = l.entry_id and t.family_regency_id = l.regency_id
)"""
_LINES: Final = """
select t.regency_id as region_id, t.id::text as subject, t.amount as stored, coalesce(l.amount, 0) as counted
from ewarong_transaction t left join (
  select regency_id, transaction_id, sum(amount) as amount from ewarong_line group by regency_id, transaction_id
) l on l.regency_id = t.regency_id and l.transaction_id = t.id
where l.amount is distinct from t.amount"""
_DAYS: Final = """
with kept as (
  select regency_id, agent_id, day, sum(transactions) as transactions, sum(amount) as amount, sum(reversals) as reversals,
    sum(reversed_amount) as reversed_amount
  from ewarong_day group by regency_id, agent_id, day
), there as (
  select regency_id, agent_id, day, count(*) filter (where sold) as transactions, coalesce(sum(amount) filter (where sold), 0) as amount,
    count(*) filter (where not sold) as reversals, coalesce(sum(amount) filter (where not sold), 0) as reversed_amount
  from (
    select regency_id, agent_id, day, amount, true as sold from ewarong_transaction
    union all select regency_id, agent_id, day, amount, false from ewarong_reversal
  ) rows group by regency_id, agent_id, day
)
select regency_id as region_id, concat_ws(' ', agent_id, day, what) as subject, stored, counted
from kept full join there using (regency_id, agent_id, day)
cross join lateral (values
  ('transactions', coalesce(kept.transactions, 0), coalesce(there.transactions, 0)),
  ('amount', coalesce(kept.amount, 0), coalesce(there.amount, 0)),
  ('reversals', coalesce(kept.reversals, 0), coalesce(there.reversals, 0)),
  ('reversed_amount', coalesce(kept.reversed_amount, 0), coalesce(there.reversed_amount, 0))
) v (what, stored, counted)
where stored <> counted"""
_CHECKS: Final = {
    Fault.TRANSACTION_WITHOUT_ENTRY: _TRANSACTIONS,
    Fault.REVERSAL_WITHOUT_ENTRY: _REVERSALS,
    Fault.AGENT_WITHOUT_TRANSACTION: _AGENTS,
    Fault.LINES_DIFFER: _LINES,
    Fault.DAY_DIFFERS: _DAYS,
}
CHECKS: Final = len(_CHECKS)


async def check_transactions(
    loader: "asyncpg.Connection[asyncpg.Record]", on_progress: Callable[[int], None] = lambda _: None
) -> list[Discrepancy[Fault]]:
    """Compare transactions of outlets with the journal, all in one snapshot: at most 1,000 discrepancies of each kind.

    ``loader`` is a connection of kesos_loader, from whom row-level security hides nothing. ``on_progress`` hears how many of ``CHECKS``
    are done.
    """
    return await discrepancies(loader, _CHECKS, on_progress)
