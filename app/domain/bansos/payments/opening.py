"""The job that asks a bank for the cards of accounts that wait to be opened, some hundreds at a time, each batch committed by itself."""

import logging
from functools import partial
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.bansos.models.cycles import aid_cycle, entitlement
from app.domain.bansos.models.payments import Bank, CardState, kks_card
from app.domain.bansos.payments.bank import BankClient
from app.domain.bansos.payments.cards import Print, check_print, note_printed
from app.domain.bansos.payments.contract import MOST_ACCOUNTS, OpenedAccount, Opening
from app.domain.bansos.payments.errors import CycleUnknown
from app.domain.bansos.payments.rows import Key, at
from app.domain.bansos.payments.writing import Writer
from app.domain.base import DomainError
from app.domain.jobs.work import Work
from app.tenants.scope import REGENCY_WIDTH, TenantScope

_OPERATION: Final = "kksCardsOpen"
_log = logging.getLogger(__name__)


async def ask_for_cards(work: Work, scope: TenantScope, writer: Writer, client: BankClient | None) -> None:
    """Ask the banks for the cards of all accounts of the cycle of ``work`` that are OPENING. Without a bank there is nothing to do.

    Raises:
        CycleUnknown: there is no such cycle in ``scope``.
        BankUnavailable, BankDenied, BankRejected, BankAnswerInvalid: a bank does not answer, or what cannot be used; what was kept stays.
    """
    key: Key = (work.villages.low // REGENCY_WIDTH, work.subject_id)
    async with work.database.write(scope) as session:
        if (await session.execute(sa.select(aid_cycle.c.id).where(at(aid_cycle, key)))).one_or_none() is None:
            raise CycleUnknown
    if client is None:
        return
    done = 0
    for bank in Bank:
        after = UUID(int=0)
        while rows := await _waiting(work, scope, key, bank, after):
            cards = {UUID(int=row.id.int).hex: (row.regency_id, UUID(int=row.id.int)) for row in rows}
            opened = await client.open_accounts(
                Opening(bank=bank, references=list(cards)), waiting=partial(work.progress, done)
            )
            prints = [
                Print(cards[each.reference], each.last_four, each.token)
                for each in opened.accounts
                if _can_be_kept(each)
            ]
            if refused := len(opened.accounts) - len(prints):
                _log.warning("tokens of a bank look like numbers of cards and are not kept", extra={"tokens": refused})
            if prints:
                async with work.database.write(scope) as session:
                    changed = await note_printed(session, prints)
                    villages = [each.village_id for each in changed]
                    ids = tuple(each.id for each in changed)
                    await append_events(session, [_event(work, writer, ids, min(villages), max(villages))])
            done += len(prints)
            await work.progress(done)
            after = UUID(int=rows[-1].id.int)


def _can_be_kept(account: OpenedAccount) -> bool:
    try:
        check_print(account.last_four, account.token)
    except DomainError:
        return False
    return True


async def _waiting(work: Work, scope: TenantScope, key: Key, bank: Bank, after: UUID) -> list[Any]:
    c, e = kks_card.c, entitlement.c
    async with work.database.write(scope) as session:
        found = await session.execute(
            sa.select(c.regency_id, c.id)
            .join(entitlement, sa.and_(e.regency_id == c.regency_id, e.family_id == c.family_id))
            .where(
                e.regency_id == key[0],
                e.cycle_id == key[1],
                c.bank == bank.value,
                c.state == CardState.OPENING.value,
                c.id > after,
            )
            .order_by(c.id)
            .limit(MOST_ACCOUNTS)
        )
        return list(found)


def _event(work: Work, writer: Writer, ids: tuple[UUID, ...], low: int, high: int) -> Event:
    return Event(
        action=Action.CHANGE,
        principal_id=writer.principal_id,
        roles=writer.roles,
        permission=writer.permission,
        operation=_OPERATION,
        document_hash=None,
        subject_type="KksCard",
        subject_ids=ids,
        row_count=len(ids),
        purpose=None,
        request_id=str(work.job_id),
        village_low=low,
        village_high=high,
    )
