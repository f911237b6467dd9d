"""Returning idle balances to the treasury: a mutation starts it, a job does it, batch by batch.

A batch is one transaction: its entries, the tally of the return, and an event of the audit trail. What an attempt has returned before it
died holds nothing any more, so the next one passes it by. Wallets are locked and then looked at again: a family that has spent, or was
paid, while its wallet was being waited for keeps it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.bansos.ledger.errors import (
    IdleKeyUsed,
    IdleRegionUnknown,
    IdleReturnUnknown,
    NeverIdle,
)
from app.domain.bansos.ledger.posting import Rows, Side, moved, post_entries
from app.domain.bansos.models.ledger import Account, EntryKind, idle_return, wallet
from app.domain.bansos.models.programmes import TermsState, programme, programme_terms
from app.domain.bansos.programmes.errors import ProgrammeUnknown
from app.domain.jobs.models import JobKind
from app.domain.jobs.starting import Started, Starting, start_once
from app.domain.jobs.work import Work
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.scope import REGENCY_WIDTH, TenantScope

MOST_WALLETS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Returner:
    """On whose behalf balances are returned: what the audit trail and the journal keep."""

    principal_id: UUID
    roles: tuple[str, ...]
    permission: str


async def start_idle_return(
    session: AsyncSession,
    *,
    principal_id: UUID,
    principal_name: str,
    region: RegionPath,
    programme_code: str,
    today: date,
    idempotency_key: UUID,
) -> Started:
    """Have a job return what is in wallets of ``region`` that nobody has touched for as many days as the terms of the programme say.

    Raises:
        ProgrammeUnknown: there is no such programme.
        NeverIdle: its terms, as they are in force ``today``, return nothing.
        IdleRegionUnknown: there is no such region, or it is not the caller's.
        IdleKeyUsed: the key belongs to another return of the caller.
    """
    if region.level is RegionLevel.COUNTRY:
        raise IdleRegionUnknown(region)
    days = await _idle_days(session, programme_code, today)
    return await start_once(
        session,
        Starting(
            kind=JobKind.IDLE_RETURN,
            table=idle_return,
            region=region,
            principal_id=principal_id,
            principal_name=principal_name,
            idempotency_key=idempotency_key,
            values={
                "programme_code": programme_code,
                "untouched_since": sa.func.now() - sa.func.make_interval(0, 0, 0, days),
                "made_at": sa.func.now(),
            },
            asked=("programme_code",),
            region_unknown=IdleRegionUnknown,
            key_used=IdleKeyUsed,
        ),
    )


async def _idle_days(session: AsyncSession, code: str, today: date) -> int:
    in_force = (
        sa.select(programme_terms.c.idle_days)
        .where(
            programme_terms.c.programme_code == code,
            programme_terms.c.state == TermsState.ACTIVE.value,
            programme_terms.c.valid_from <= today,
        )
        .order_by(programme_terms.c.valid_from.desc())
        .limit(1)
    )
    if not await session.scalar(sa.select(sa.exists().where(programme.c.code == code))):
        raise ProgrammeUnknown
    days: int | None = await session.scalar(in_force)
    if days is None:
        raise NeverIdle
    return days


async def return_idle_balances(work: Work, scope: TenantScope, returner: Returner, *, most: int = MOST_WALLETS) -> None:
    """Return the balances that the idle return of ``work`` is about, ``most`` at a time.

    Raises:
        IdleReturnUnknown: it lies beyond ``scope`` by now.
    """
    async with work.database.write(scope) as session:
        asked = await _asked(session, work)
        left = sa.select(sa.func.count()).select_from(wallet).where(*_idle(asked))
        total = asked.wallets + ((await session.execute(left)).scalar_one())
    after = (asked.village_low, UUID(int=0))
    while (last := await _return_batch(work, scope, returner, after, most, total)) is not None:
        after = last


async def _asked(session: AsyncSession, work: Work) -> Any:
    table = idle_return
    mine = (table.c.regency_id == work.villages.low // REGENCY_WIDTH, table.c.id == work.subject_id)
    found = (await session.execute(sa.select(table).where(*mine).with_for_update())).one_or_none()
    if found is None:
        raise IdleReturnUnknown
    return found


def _idle(asked: Any) -> list[sa.ColumnElement[bool]]:
    return [
        wallet.c.village_id.between(asked.village_low, asked.village_high),
        wallet.c.programme_code == asked.programme_code,
        wallet.c.balance > 0,
        wallet.c.moved_at < asked.untouched_since,
    ]


async def _return_batch(  # noqa: PLR0917  (where the job is and how far)
    work: Work, scope: TenantScope, returner: Returner, after: tuple[int, UUID], most: int, total: int
) -> tuple[int, UUID] | None:
    """Empty the next wallets after the place ``after``; the place of the last of them, None where none is left."""
    async with work.database.write(scope) as session:
        asked = await _asked(session, work)
        if asked.finished_at is not None:
            return None
        seen = await _next(session, asked, after, most)
        if not seen:
            await session.execute(_of(asked).values(finished_at=sa.func.now()))
            return None
        rows = await _held(session, asked, seen)
        if rows:
            await _empty(session, work, asked, rows, returner)
    await work.progress(asked.wallets + len(rows), total)
    return seen[-1].village_id, seen[-1].id


async def _next(session: AsyncSession, asked: Any, after: tuple[int, UUID], most: int) -> Sequence[Any]:
    """Place and id of the next idle wallets, all of one regency: what leaves it is for that regency to know."""
    w = wallet.c
    beyond = sa.tuple_(w.village_id, w.id) > sa.tuple_(
        sa.literal(after[0], sa.BigInteger), sa.cast(after[1], pg.UUID(as_uuid=True))
    )
    idle = sa.select(w.regency_id, w.village_id, w.id).where(*_idle(asked), beyond)
    rows = (await session.execute(idle.order_by(w.village_id, w.id).limit(most))).all()
    return [row for row in rows if row.regency_id == rows[0].regency_id]


async def _held(session: AsyncSession, asked: Any, seen: Sequence[Any]) -> Sequence[Any]:
    """Those of the wallets ``seen`` that are idle still now that nobody else can move them until the transaction ends."""
    regency_id, ids = seen[0].regency_id, sa.literal([row.id for row in seen], pg.ARRAY(pg.UUID(as_uuid=True)))
    await session.execute(sa.select(sa.func.wallets_locked(regency_id, ids, type_=sa.types.NullType())))
    # A statement of its own, which sees whatever was waited for.
    w = wallet.c
    still = sa.select(wallet).where(w.regency_id == regency_id, w.id == sa.any_(ids), *_idle(asked))
    return (await session.execute(still.order_by(w.village_id, w.id))).all()


async def _empty(session: AsyncSession, work: Work, asked: Any, rows: Sequence[Any], returner: Returner) -> None:
    posted = await post_entries(session, _entries(rows, returner))
    if posted != len(rows):
        raise RuntimeError("a wallet that holds money was emptied before, and has not moved since")
    amount = sum(row.balance for row in rows)
    await session.execute(
        _of(asked).values(wallets=idle_return.c.wallets + posted, amount=idle_return.c.amount + amount)
    )
    await append_events(session, [_event(work, asked, rows, returner)])


def _of(asked: Any) -> sa.Update:
    return sa.update(idle_return).where(idle_return.c.regency_id == asked.regency_id, idle_return.c.id == asked.id)


def _entries(rows: Sequence[Any], returner: Returner) -> Rows:
    """An entry for each wallet, for all that it holds."""
    given = (
        sa.func.unnest(
            sa.literal([row.id for row in rows], pg.ARRAY(pg.UUID(as_uuid=True))),
            sa.literal([row.balance for row in rows], pg.ARRAY(sa.BigInteger)),
        )
        .table_valued(sa.column("id", pg.UUID(as_uuid=True)), sa.column("amount", sa.BigInteger))
        .render_derived("held")
    )
    w = wallet.c
    moved_on = sa.func.to_char(w.moved_at, sa.literal_column("'YYYY-MM-DD'"))
    return (
        sa.select(
            w.regency_id,
            w.village_id.label("village_low"),
            w.village_id.label("village_high"),
            w.programme_code,
            sa.null().cast(pg.UUID(as_uuid=True)).label("cycle_id"),
            w.family_id,
            w.id.label("source_id"),
            sa.func.concat_ws(sa.literal_column("':'"), EntryKind.IDLE_RETURN.value, w.id, moved_on).label(
                "source_key"
            ),
            given.c.amount,
            *moved(EntryKind.IDLE_RETURN, Side(Account.WALLET, w.id), Side(Account.TREASURY), by=returner.principal_id),
        )
        .join_from(wallet, given, w.id == given.c.id)
        .where(w.regency_id == rows[0].regency_id)
    )


def _event(work: Work, asked: Any, rows: Sequence[Any], returner: Returner) -> Event:
    return Event(
        action=Action.CHANGE,
        principal_id=returner.principal_id,
        roles=returner.roles,
        permission=returner.permission,
        operation="idleBalancesReturn",
        document_hash=None,
        subject_type="IdleReturn",
        # asyncpg has a UUID of its own, which the audit trail cannot print.
        subject_ids=(UUID(int=asked.id.int),),
        row_count=len(rows),
        purpose=None,
        request_id=str(work.job_id),
        village_low=rows[0].village_id,
        village_high=rows[-1].village_id,
    )
