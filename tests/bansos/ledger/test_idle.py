"""What nobody has touched for as long as the terms say goes back to the treasury, once, whatever happens to the worker."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.bansos.ledger.errors import (
    IdleKeyUsed,
    IdleRegionUnknown,
    IdleReturnUnknown,
    NeverIdle,
)
from app.domain.bansos.ledger.idle import Returner, return_idle_balances, start_idle_return
from app.domain.bansos.ledger.posting import post_entries
from app.domain.bansos.models.ledger import Account, EntryKind
from app.domain.bansos.programmes.errors import ProgrammeUnknown
from app.domain.jobs.starting import Started
from app.domain.jobs.work import Work
from app.tenants.region_path import RegionPath, Span
from app.tenants.scope import TenantScope
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.bansos.ledger.books import CASHIER, Books, Purse, entry, source_of
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.long

RETURNER = Returner(CASHIER, ("MINISTRY_ADMIN",), Permission.BANSOS_LEDGER_RETURN.value)
JAWA_TENGAH = RegionPath.parse("33")
LATER = date(2026, 7, 31)


def scope_of(code: str) -> TenantScope:
    return access_of(load_role_matrix(), grant(Role.MINISTRY_ADMIN, code)).scope(Permission.BANSOS_LEDGER_RETURN)


class Attempt(Work):
    """An attempt at the job of an idle return, which breaks off after so many reports of progress."""

    def __init__(self, database: Database, started: Started, *, lives: int | None = None) -> None:
        self._database, self._started, self._lives = database, started, lives
        self.reported: list[tuple[int, int | None]] = []
        self.job = uuid4()

    @property
    def job_id(self) -> UUID:
        return self.job

    @property
    def subject_id(self) -> UUID:
        return self._started.id

    @property
    def villages(self) -> Span:
        return self._started.region.villages

    @property
    def database(self) -> Database:
        return self._database

    def loader(self) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]":
        raise NotImplementedError("balances are returned under the scope")

    async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:
        assert stage is None
        self.reported.append((done, total))
        if self._lives is not None and len(self.reported) >= self._lives:
            raise asyncio.CancelledError


async def start(
    books: Books, region: RegionPath = JAWA_TENGAH, scope: TenantScope | None = None, **others: Any
) -> Started:
    given: dict[str, Any] = {"programme_code": "UJI_A", "idempotency_key": uuid4()} | others
    async with books.database.write(scope or scope_of("")) as session:
        return await start_idle_return(
            session, principal_id=CASHIER, principal_name="Kasir", region=region, today=LATER, **given
        )


async def run(books: Books, started: Started, *, most: int = 5_000, lives: int | None = None) -> Attempt:
    attempt = Attempt(books.database, started, lives=lives)
    await return_idle_balances(attempt, scope_of(""), RETURNER, most=most)
    return attempt


async def leave(books: Books, *purses: Purse, days: int = 106) -> None:
    """Nobody has touched these wallets for so many days. Only an administrator can turn the clock back."""
    await books.owner.execute(
        "update wallet set moved_at = now() - $1::interval where id = any($2)",
        *(timedelta(days=days), [purse.id for purse in purses]),
    )


async def tally(books: Books, started: Started) -> tuple[int, int, bool]:
    row = await books.owner.fetchrow("select * from idle_return where id = $1", started.id)
    assert row is not None
    return row["wallets"], row["amount"], row["finished_at"] is not None


async def test_idle_balances_go_back_to_the_treasury_and_others_stay(books: Books) -> None:
    idle, fresh, empty = (books.purse(number=at) for at in range(3))
    elsewhere, other = books.purse(CILACAP), books.purse(programme="UJI_B")
    for purse, amount in ((idle, 70), (fresh, 80), (elsewhere, 90), (other, 100)):
        await books.top_up(purse, amount)
    await leave(books, idle, empty, elsewhere, other)
    await leave(books, fresh, days=104)
    started = await start(books)
    await run(books, started)
    assert [await books.balance(each) for each in (idle, fresh, elsewhere, other)] == [0, 80, 0, 100]
    assert await books.total(Account.TREASURY) == 70
    assert await tally(books, started) == (2, 160, True)
    keys = await books.owner.fetch(
        "select e.source_key, e.kind, e.principal_id from journal_entry e where e.source_id = $1 and kind <> 'TOP_UP'",
        idle.id,
    )
    moved_on = await books.owner.fetchval("select to_char(now() - interval '106 days', 'YYYY-MM-DD')")
    assert [tuple(row) for row in keys] == [
        (f"IDLE_RETURN:{idle.id}:{moved_on}", "IDLE_RETURN", keys[0]["principal_id"])
    ]
    assert UUID(str(keys[0]["principal_id"])) == CASHIER
    assert await books.check_money() == []


async def test_only_wallets_of_the_region_are_emptied(books: Books) -> None:
    here, there = books.purse(), books.purse(CILACAP)
    for purse in (here, there):
        await books.top_up(purse, 5)
    await leave(books, here, there)
    await run(books, await start(books, BANYUMAS.path))
    assert [await books.balance(each) for each in (here, there)] == [0, 5]


async def test_the_audit_trail_tells_each_regency_what_left_it(books: Books) -> None:
    purses = [books.purse(number=at) for at in range(3)] + [books.purse(CILACAP)]
    for purse in purses:
        await books.top_up(purse, 5)
    await leave(books, *purses)
    started = await start(books)
    await run(books, started, most=2)
    events = await books.owner.fetch("select * from audit_event order by village_low, row_count")
    assert {(row["action"], row["operation"], row["subject_type"]) for row in events} == {
        ("CHANGE", "idleBalancesReturn", "IdleReturn")
    }
    assert sorted((row["regency_id"], row["row_count"]) for row in events) == [(3301, 1), (3302, 1), (3302, 2)]
    assert {str(id_) for row in events for id_ in row["subject_ids"]} == {str(started.id)}


@pytest.mark.parametrize("lives", [1, 2, 3])
async def test_a_job_that_is_broken_off_goes_on_where_it_stopped(books: Books, lives: int) -> None:
    purses = [books.purse(number=at) for at in range(7)]
    for purse in purses:
        await books.top_up(purse, 10)
    await leave(books, *purses)
    started = await start(books)
    with pytest.raises(asyncio.CancelledError):
        await run(books, started, most=2, lives=lives)
    assert await tally(books, started) == (2 * lives, 20 * lives, False)
    attempt = await run(books, started, most=2)
    assert attempt.reported[-1] == (7, 7)
    assert await tally(books, started) == (7, 70, True)
    assert await books.count("journal_entry where kind = 'IDLE_RETURN'") == 7
    again = await run(books, started, most=2)
    assert again.reported == []
    assert await tally(books, started) == (7, 70, True)
    assert await books.check_money() == []


async def test_several_returns_at_once_empty_each_wallet_once(books: Books) -> None:
    purses = [books.purse(number=at) for at in range(12)]
    for purse in purses:
        await books.top_up(purse, 10)
    await leave(books, *purses)
    started = [await start(books) for _ in range(3)]
    await asyncio.gather(*(run(books, each, most=2) for each in started))
    tallies = [await tally(books, each) for each in started]
    assert (sum(each[0] for each in tallies), sum(each[1] for each in tallies)) == (12, 120)
    assert await books.count("journal_entry where kind = 'IDLE_RETURN'") == 12
    assert await books.check_money() == []


async def test_a_family_that_spends_meanwhile_keeps_its_wallet(books: Books) -> None:
    purses = [books.purse(number=at) for at in range(4)]
    for purse in purses:
        await books.top_up(purse, 10)
    await leave(books, *purses)
    started = await start(books)
    spend = entry(EntryKind.WITHDRAWAL, purses[0], 4)
    # The one begins while the other has not committed.
    async with books.database.write(scope_of("")) as session:
        await post_entries(session, source_of([spend]))
        returning = asyncio.create_task(run(books, started))
        await asyncio.sleep(0.2)
        assert not returning.done()
    await returning
    assert [await books.balance(each) for each in purses] == [6, 0, 0, 0]
    assert await tally(books, started) == (3, 30, True)
    assert await books.check_money() == []


@pytest.mark.parametrize("filled", [600, 150])
async def test_a_family_that_spends_and_is_paid_meanwhile_keeps_all_of_it(books: Books, filled: int) -> None:
    spending, resting = books.purse(number=0), books.purse(number=1)
    for purse in (spending, resting):
        await books.top_up(purse, 200)
    await leave(books, spending, resting)
    started = await start(books)
    # 200 - 150 + 600: enough for what was seen to be idle; 200 - 150 + 150: as much as was seen.
    moves = [entry(EntryKind.WITHDRAWAL, spending, 150), entry(EntryKind.TOP_UP, spending, filled)]
    async with books.database.write(scope_of("")) as session:
        for move in moves:
            await post_entries(session, source_of([move]))
        returning = asyncio.create_task(run(books, started, most=1))
        await asyncio.sleep(0.2)
        assert not returning.done()
    await returning
    assert [await books.balance(each) for each in (spending, resting)] == [50 + filled, 0]
    assert await tally(books, started) == (1, 200, True)
    assert await books.check_money() == []


async def test_whoever_does_not_hold_a_wallet_does_not_lock_it(books: Books) -> None:
    purse = books.purse()
    await books.top_up(purse, 10)
    ask = sa.select(sa.func.wallets_locked(purse.regency_id, [purse.id], type_=sa.types.NullType()))
    async with books.database.write(scope_of(CILACAP.code)) as stranger:
        await stranger.execute(ask)
        async with asyncio.timeout(30):
            assert await books.post(entry(EntryKind.WITHDRAWAL, purse, 4)) == 1
    async with books.database.write(scope_of(BANYUMAS.code)) as holder:
        await holder.execute(ask)
        spending = asyncio.create_task(books.post(entry(EntryKind.WITHDRAWAL, purse, 4)))
        await asyncio.sleep(0.2)
        assert not spending.done()
    assert await spending == 1


async def test_the_same_key_starts_one_return_and_another_input_is_a_conflict(books: Books) -> None:
    key = uuid4()
    first = await start(books, CILACAP.path, idempotency_key=key)
    assert await start(books, CILACAP.path, idempotency_key=key) == first
    with pytest.raises(IdleKeyUsed):
        await start(books, RegionPath.parse(CILACAP.district(1)), idempotency_key=key)
    assert (await books.count("idle_return"), await books.count("job")) == (1, 1)


async def test_what_cannot_be_returned_is_refused(books: Books) -> None:
    with pytest.raises(NeverIdle):
        await start(books, programme_code="UJI_B")
    with pytest.raises(ProgrammeUnknown):
        await start(books, programme_code="NOBODY")
    for code in ("33.98", "34.04"):
        with pytest.raises(IdleRegionUnknown):
            await start(books, RegionPath.parse(code), scope_of("33"))
    with pytest.raises(IdleRegionUnknown):
        await start(books, RegionPath.country())
    assert (await books.count("idle_return"), await books.count("job")) == (0, 0)


async def test_who_lost_the_region_returns_nothing(books: Books) -> None:
    await books.top_up(books.purse(), 5)
    await leave(books, books.purse())
    started = await start(books)
    with pytest.raises(IdleReturnUnknown):
        await return_idle_balances(Attempt(books.database, started), scope_of("34"), RETURNER)
    assert await books.balance(books.purse()) == 5
