"""The opposite of a journal entry: Kesos posts one for redemptions alone, and the books have to add up whatever was undone."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from app.domain.bansos.ledger.errors import InsufficientBalance
from app.domain.bansos.ledger.posting import TOO_LITTLE

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_REVERSE: Final = """
with entered as (
  insert into journal_entry (regency_id, id, village_low, village_high, kind, programme_code, cycle_id, family_id, source_id, source_key,
    principal_id, reason)
  select regency_id, ledger_entry_id(regency_id, concat('REVERSAL:', id)), village_low, village_high, 'REVERSAL', programme_code, cycle_id,
    family_id, id, concat('REVERSAL:', id), principal_id, $3
  from journal_entry where regency_id = $1 and id = $2
  on conflict do nothing returning regency_id, id, source_id
), lined as (
  insert into journal_line (regency_id, entry_id, number, village_low, village_high, account, holder_id, programme_code, amount)
  select l.regency_id, e.id, row_number() over (order by l.amount desc, l.number), l.village_low, l.village_high, l.account, l.holder_id,
    l.programme_code, -l.amount
  from journal_line l join entered e on e.regency_id = l.regency_id and e.source_id = l.entry_id
)
select id from entered
"""


async def reverse_entry(
    owner: "Connection[Record]", regency_id: int, entry_id: UUID, reason: str = "salah catat"
) -> UUID | None:
    """Post the opposite of an entry, as an administrator of the database; its id, None where it was reversed before.

    Raises:
        InsufficientBalance: the money is not there any more.
    """
    try:
        made = await owner.fetchval(_REVERSE, regency_id, entry_id, reason)
    except asyncpg.PostgresError as error:
        if error.sqlstate == TOO_LITTLE:
            raise InsufficientBalance from error
        raise
    return None if made is None else UUID(int=made.int)
