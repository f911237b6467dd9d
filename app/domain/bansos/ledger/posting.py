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

from app.domain.bansos.ledger.errors import InsufficientBalance, WalletUnknown
from app.domain.bansos.ledger.ids import entry_id_sql, wallet_id_sql
from app.domain.bansos.models.ledger import Account, EntryKind, journal_entry, journal_line, wallet
from app.tenants.sqlstates import sqlstate_of

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


class Side(NamedTuple):
    """Where money comes from or goes to: an account, and whose it is where it is a wallet or an agent's."""

    account: Account
    holder: "sa.ColumnElement[UUID] | None" = None


@asynccontextmanager
async def _telling() -> AsyncIterator[None]:
    """Turn what the triggers refuse into what the domain refuses."""
    try:
        yield
    except DBAPIError as error:
        refusal = _REFUSALS.get(sqlstate_of(error) or "")
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


def moved(kind: EntryKind, source: Side, target: Side, *, by: UUID) -> list[sa.ColumnElement[Any]]:
    """The columns of a row for ``post_entries`` that say what happens, between whom, and who causes it."""
    text, uuid = sa.Text(), pg.UUID(as_uuid=True)
    nobody = sa.cast(sa.null(), uuid)
    return [
        sa.literal(kind.value, text).label("kind"),
        sa.cast(by, uuid).label("principal_id"),
        sa.literal(source.account.value, text).label("from_account"),
        (nobody if source.holder is None else source.holder).label("from_holder"),
        sa.literal(target.account.value, text).label("to_account"),
        (nobody if target.holder is None else target.holder).label("to_holder"),
    ]


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
