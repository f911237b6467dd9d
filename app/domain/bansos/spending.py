"""What those who watch over spending read of wallets and cards, as texts of common table expressions that see what their scope sees."""

from typing import Final

from app.domain.bansos.models.ledger import Account, EntryKind

# The bank has the money from its standing instruction on, and Kesos hears of it later.
TOP_UPS: Final = f"""
instructed as (
  select regency_id, cycle_id, min(instructed_at) as at from payment_order where instructed_at is not null group by 1, 2
), top_ups as (
  select e.regency_id, l.holder_id as wallet_id, l.amount, e.happened_at as posted_at, least(e.happened_at, i.at) as at
  from journal_entry e
  join journal_line l on l.regency_id = e.regency_id and l.entry_id = e.id
  left join instructed i on i.regency_id = e.regency_id and i.cycle_id = e.cycle_id
  where e.kind = '{EntryKind.TOP_UP.value}' and l.account = '{Account.WALLET.value}'
)"""  # noqa: S608  (the names of Terms)
"""``top_ups``: regency_id, wallet_id, amount (rupiah), posted_at (in the ledger), at (when the money was there)."""

HELD: Final = """
held as (
  select regency_id, village_id, id as wallet_id, family_id, balance, moved_at from wallet where balance > 0
)"""
"""``held``: regency_id, village_id, wallet_id, family_id, balance (rupiah), moved_at, of wallets that hold anything."""

HOLDERS: Final = """
holders as (
  select regency_id, id as card_id, family_id, person_id from kks_card
)"""
"""``holders``: regency_id, card_id, family_id, person_id (who holds the card for the family)."""
