"""Posting to the journal: in the transaction of what is told of, in one statement for one entry as for a province.

What an entry does to balances and totals is done by triggers (migration 0017), so nobody posts past them. They refuse lines that do not
sum to zero, a wallet that is not of the entry's family and programme, and one that would hold less than nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.ledger.errors import (
    EntryReversed,
    EntryUnknown,
    InsufficientBalance,
    ReasonMissing,
    WalletUnknown,
)
from app.domain.bansos.ledger.ids import entry_id_sql, wallet_id_sql
from app.domain.bansos.models.ledger import EntryKind, journal_entry, journal_line, wallet

UNBALANCED: Final = "KL001"
"""SQLSTATE of lines that do not sum to zero, or do not come with their entry. Nothing but a fault of the program does that."""
UNKNOWN_WALLET: Final = "KL002"
TOO_LITTLE: Final = "KL003"
_REFUSALS: Final = {UNKNOWN_WALLET: WalletUnknown, TOO_LITTLE: InsufficientBalance}
_PLACE: Final = ("regency_id", "village_low", "village_high")
_TOLD: Final = (
    *("kind", "programme_code", "cycle_id", "family_id", "source_id", "source_key", "principal_id"),
)  # fmt: skip
_LINE: Final = ("regency_id", "entry_id", "number", "village_low", "village_high", "account", "holder_id")
_LINE_COLUMNS: Final = (*_LINE, "programme_code", "amount")


Rows: TypeAlias = "sa.Select[*tuple[Any, ...]]"
"""A select whose columns are known by their names."""


class EntryKey(NamedTuple):
    """What names a journal entry."""

    regency_id: int
    id: UUID


@asynccontextmanager
async def _telling() -> AsyncIterator[None]:
    """Turn what the triggers refuse into what the domain refuses."""
    try:
        yield
    except DBAPIError as error:
        refusal = _REFUSALS.get(getattr(error.orig, "sqlstate", None) or "")
        if refusal is None:
            raise
        raise refusal from error


def _literal(text: str) -> sa.ColumnElement[Any]:
    return sa.literal_column(text)


async def open_wallets(session: AsyncSession, source: Rows) -> None:
    """Open a wallet for each row of ``source``: regency_id, village_id, family_id, programme_code. Those that are there stay."""
    given = source.subquery("given")
    columns = ("regency_id", "village_id", "family_id", "programme_code")
    # In one order everywhere: two statements that open the same wallets wait for each other, and neither for ever.
    rows = sa.select(
        *(given.c[name] for name in columns),
        wallet_id_sql(given.c.regency_id, given.c.family_id, given.c.programme_code).label("id"),
    ).order_by(given.c.regency_id, given.c.family_id)
    await session.execute(pg.insert(wallet).from_select([*columns, "id"], rows).on_conflict_do_nothing())


async def post_entries(session: AsyncSession, source: Rows) -> int:
    """Post one entry of two lines for each row of ``source``, in the transaction of ``session``; how many were posted.

    The columns of a row are regency_id, village_low, village_high, kind, programme_code, cycle_id, family_id, source_id, source_key,
    principal_id, from_account, from_holder, to_account, to_holder and amount: whole rupiah, more than nothing, which leave the one account
    and reach the other. An entry that touches a wallet names its family. A ``source_key`` that was posted before posts nothing,
    whatever the row says.

    Raises:
        InsufficientBalance: a wallet holds too little; nothing was posted, and the transaction is over.
        WalletUnknown: a holder is no wallet of the family and programme of the row.
    """
    given = source.cte("given")
    entered = (
        pg.insert(journal_entry)
        .from_select(
            ["id", *_PLACE, *_TOLD],
            sa.select(
                entry_id_sql(given.c.regency_id, given.c.source_key), *(given.c[name] for name in (*_PLACE, *_TOLD))
            ),
        )
        .on_conflict_do_nothing()
        .returning(journal_entry.c.regency_id, journal_entry.c.id, journal_entry.c.source_key)
        .cte("entered")
    )
    # An amount of nothing or less becomes null, which no line may hold.
    amount = sa.case((given.c.amount > _literal("0"), given.c.amount))
    sides = sa.union_all(
        sa.select(
            _literal("1").label("number"),
            given.c.from_account.label("account"),
            given.c.from_holder.label("holder_id"),
            (-amount).label("amount"),
        ).correlate(given),
        sa.select(_literal("2"), given.c.to_account, given.c.to_holder, amount).correlate(given),
    ).lateral("side")
    lines = (
        sa.select(
            entered.c.regency_id,
            entered.c.id.label("entry_id"),
            sides.c.number,
            given.c.village_low,
            given.c.village_high,
            sides.c.account,
            sides.c.holder_id,
            given.c.programme_code,
            sides.c.amount,
        )
        # Nobody knows how many rows there are, and for few the planner compares each with each. Only a full join cannot be done like that,
        # and `num_nulls` keeps it one: the planner sees through any other way to say that both sides are there.
        .select_from(
            entered.join(
                given,
                sa.and_(given.c.regency_id == entered.c.regency_id, given.c.source_key == entered.c.source_key),
                full=True,
            )
        )
        .join(sides, sa.true())
        .where(sa.func.num_nulls(entered.c.id, given.c.source_key) == _literal("0"))
    )
    lined = sa.insert(journal_line).from_select(list(_LINE_COLUMNS), lines).cte("lined")
    async with _telling():
        posted: int = (
            await session.execute(sa.select(sa.func.count()).select_from(entered).add_cte(lined))
        ).scalar_one()
    return posted


async def reverse(session: AsyncSession, entry: EntryKey, reason: str, *, principal_id: UUID) -> EntryKey:
    """Post the opposite of ``entry``, which stays as it is, and say why; the key of the reversal.

    Raises:
        EntryUnknown: the scope of ``session`` does not show it.
        EntryReversed: it was reversed before, or is a reversal.
        InsufficientBalance: the money is not there any more; the transaction is over.
        ReasonMissing: ``reason`` says nothing.
    """
    if not reason.strip():
        raise ReasonMissing
    e, of = journal_entry, journal_line
    found = (
        await session.execute(sa.select(e.c.kind).where(e.c.regency_id == entry.regency_id, e.c.id == entry.id))
    ).one_or_none()
    if found is None:
        raise EntryUnknown
    if found.kind == EntryKind.REVERSAL.value:
        raise EntryReversed
    key = sa.func.concat(_literal("'REVERSAL:'"), e.c.id)
    told = {name: e.c[name] for name in (*_PLACE, "programme_code", "cycle_id", "family_id")}
    entered = (
        pg.insert(e)
        .from_select(
            [*told, "id", "kind", "source_id", "source_key", "principal_id", "reason"],
            sa.select(
                *told.values(),
                entry_id_sql(e.c.regency_id, key),
                sa.literal(EntryKind.REVERSAL.value),
                e.c.id,
                key,
                sa.literal(principal_id, pg.UUID(as_uuid=True)),
                sa.literal(reason.strip()),
            ).where(e.c.regency_id == entry.regency_id, e.c.id == entry.id),
        )
        .on_conflict_do_nothing()
        .returning(e.c.regency_id, e.c.id, e.c.source_id)
        .cte("entered")
    )
    columns = {
        **{name: of.c[name] for name in _LINE_COLUMNS},
        "entry_id": entered.c.id,
        # What gives comes first here too.
        "number": sa.func.row_number().over(order_by=(of.c.amount.desc(), of.c.number)),
        "amount": -of.c.amount,
    }
    lines = (
        sa.select(*columns.values())
        .select_from(of)
        .join(entered, sa.and_(of.c.regency_id == entered.c.regency_id, of.c.entry_id == entered.c.source_id))
    )
    lined = sa.insert(of).from_select(list(columns), lines).cte("lined")
    async with _telling():
        made = (await session.execute(sa.select(entered.c.id).add_cte(lined))).scalar_one_or_none()
    if made is None:
        raise EntryReversed
    return EntryKey(entry.regency_id, made)
