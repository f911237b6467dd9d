"""Entries move money, each once, and what the database refuses is told in the words of the domain."""

from uuid import UUID, uuid4

import asyncpg
import pytest
import sqlalchemy as sa

from app.authz.roles import Role
from app.domain.bansos.ledger.errors import InsufficientBalance, WalletUnknown
from app.domain.bansos.ledger.posting import UNBALANCED, post_entries
from app.domain.bansos.models.ledger import Account, EntryKind
from tests.bansos.ledger.books import PROGRAMMES, Books, entry, scope_of, source_of
from tests.support.world import BANYUMAS, CILACAP


async def test_a_top_up_moves_money_from_clearing_into_the_wallet(books: Books) -> None:
    purse, other = books.purse(), books.purse(number=1)
    await books.top_up(purse, 600_000)
    assert (await books.balance(purse), await books.balance(other)) == (600_000, 0)
    assert await books.total(Account.WALLET) == 600_000
    assert await books.total(Account.CLEARING) == -600_000
    lines = await books.owner.fetch("select number, account, holder_id, amount from journal_line order by number")
    assert [tuple(line) for line in lines] == [
        (1, "CLEARING", None, -600_000),
        (2, "WALLET", asyncpg.pgproto.pgproto.UUID(str(purse.id)), 600_000),
    ]
    assert await books.check_money() == []


async def test_a_source_key_posts_once_and_its_entry_has_the_same_id_wherever_it_is_posted(books: Books) -> None:
    row = entry(EntryKind.TOP_UP, books.purse(), 200_000, source_key="TOP_UP:UJI_A:2026-01-01:f")
    fresh = entry(EntryKind.TOP_UP, books.purse(number=1), 200_000)
    assert await books.post(row) == 1
    first = await books.key(row["source_key"])
    assert await books.post(row) == 0
    assert await books.post({**row, "amount": 999}, fresh) == 1
    assert await books.balance(books.purse()) == 200_000
    await books.empty()
    assert await books.post(row) == 1
    assert await books.key(row["source_key"]) == first
    assert first.id.version == 8


async def test_many_entries_are_posted_in_one_statement(books: Books) -> None:
    rows = [entry(EntryKind.TOP_UP, purse, 100 + at) for at, purse in enumerate(books.purses)]
    assert await books.post(*rows) == len(rows)
    assert [await books.balance(purse) for purse in books.purses] == [100 + at for at in range(len(rows))]
    assert await books.count("journal_line") == 2 * len(rows)
    assert await books.count("seal_queue where stream = 'ledger'") == len(rows)
    assert await books.check_money() == []


async def test_several_entries_of_one_statement_may_touch_one_wallet(books: Books) -> None:
    purse = books.purse()
    topped = entry(EntryKind.TOP_UP, purse, 500)
    bought = [entry(EntryKind.REDEMPTION, purse, 200) for _ in range(2)]
    assert await books.post(topped, *bought) == 3
    assert await books.balance(purse) == 100
    assert await books.total(Account.AGENT) == 400


async def test_a_wallet_never_holds_less_than_nothing(books: Books) -> None:
    purse, other = books.purse(), books.purse(number=1)
    await books.top_up(purse, 100)
    with pytest.raises(InsufficientBalance) as refusal:
        await books.post(entry(EntryKind.TOP_UP, other, 50), entry(EntryKind.WITHDRAWAL, purse, 101))
    assert refusal.value.code == "INSUFFICIENT_BALANCE"
    assert (await books.balance(purse), await books.balance(other)) == (100, 0)
    assert await books.count("journal_entry") == 1
    assert await books.post(entry(EntryKind.WITHDRAWAL, purse, 100)) == 1
    assert await books.balance(purse) == 0


@pytest.mark.parametrize("amount", [0, -1, -(2**40)])
async def test_an_amount_of_nothing_or_less_is_no_entry(books: Books, amount: int) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        await books.post(entry(EntryKind.TOP_UP, books.purse(), amount))
    assert await books.count("journal_entry") == 0


async def test_one_key_twice_in_a_statement_is_refused(books: Books) -> None:
    row = entry(EntryKind.TOP_UP, books.purse(), 5)
    with pytest.raises(sa.exc.IntegrityError):
        await books.post(row, row)
    assert await books.count("journal_entry") == 0


async def test_a_holder_that_is_no_wallet_of_the_family_and_programme_is_refused(books: Books) -> None:
    purse = books.purse()
    for others in (
        {"to_holder": uuid4()},
        {"to_holder": books.purse(number=1).id},
        {"to_holder": books.purse(programme=PROGRAMMES[1]).id},
        {"to_holder": books.purse(CILACAP).id},
        {"family_id": None},
        {"family_id": books.purse(number=1).family_id},
    ):
        with pytest.raises(WalletUnknown):
            await books.post(entry(EntryKind.TOP_UP, purse, 5, **others))
    assert await books.count("journal_entry") == 0


async def test_nobody_posts_beyond_their_region(books: Books) -> None:
    banyumas = scope_of(Role.REGENCY_ADMIN, BANYUMAS.code)
    assert await books.post(entry(EntryKind.TOP_UP, books.purse(), 5), scope=banyumas) == 1
    with pytest.raises(sa.exc.DBAPIError) as refusal:
        await books.post(entry(EntryKind.TOP_UP, books.purse(CILACAP), 5), scope=banyumas)
    assert getattr(refusal.value.orig, "sqlstate", None) == "42501"
    assert await books.balance(books.purse(CILACAP)) == 0


async def test_what_is_posted_is_gone_where_the_transaction_is(books: Books) -> None:
    async def fail() -> None:
        async with books.database.write(scope_of(Role.MINISTRY_ANALYST, "")) as session:
            assert await post_entries(session, source_of([entry(EntryKind.TOP_UP, books.purse(), 5)])) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await books.balance(books.purse()) == 0
    for table in ("journal_entry", "journal_line", "ledger_total", "seal_queue"):
        assert await books.count(table) == 0


_ENTRY = """insert into journal_entry (regency_id, id, village_low, village_high, kind, programme_code, family_id, source_id, source_key,
  principal_id) values (3302, '{id}', {village}, {village}, 'TOP_UP', 'UJI_A', '{family}', '{id}', '{id}', '{id}')"""
_LINE = "insert into journal_line values (3302, '{id}', {number}, {village}, {village}, '{account}', {holder}, '{programme}', {amount})"


async def attempt(books: Books, *lines: tuple[int, str, int], programme: str = "UJI_A", village: int = 0) -> str | None:
    """Insert an entry with ``lines`` (number, account, amount) as the application could; the SQLSTATE of what refuses it."""
    purse, id_ = books.purse(), uuid4()
    place = village or purse.village_id
    inserted = [
        _LINE.format(
            id=id_,
            number=number,
            village=place,
            account=account,
            holder=f"'{purse.id}'" if account == "WALLET" else "null",
            programme=programme,
            amount=amount,
        )
        for number, account, amount in lines
    ]
    head = _ENTRY.format(id=id_, village=purse.village_id, family=purse.family_id)
    parts = ", ".join(f"i{at} as ({each})" for at, each in enumerate([head, *inserted]))
    connection = await books.server.app.connect()
    try:
        async with connection.transaction():
            await connection.execute("select kesos_scope(0, 9999, 0, 9999999999, '', '', '')")
            await connection.execute(f"with {parts} select 1")
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    finally:
        await connection.close()
    return None


async def test_lines_sum_to_zero_are_numbered_and_lie_with_their_entry(books: Books) -> None:
    assert await attempt(books, (1, "CLEARING", -5), (2, "WALLET", 5)) is None
    assert await attempt(books, (1, "CLEARING", -5), (2, "TREASURY", 2), (3, "WALLET", 3)) is None
    assert await books.balance(books.purse()) == 8
    for lines in (
        [],
        [(1, "CLEARING", -5)],
        [(1, "CLEARING", -5), (2, "WALLET", 4)],
        [(1, "CLEARING", -5), (3, "WALLET", 5)],
        [(2, "CLEARING", -5), (3, "WALLET", 5)],
        [(0, "CLEARING", -5), (1, "WALLET", 5)],
    ):
        assert await attempt(books, *lines) == UNBALANCED, lines
    balanced = [(1, "CLEARING", -5), (2, "TREASURY", 5)]
    assert await attempt(books, *balanced, programme="UJI_B") == UNBALANCED
    assert await attempt(books, *balanced, village=3302999999) == UNBALANCED
    assert await books.balance(books.purse()) == 8
    assert await books.check_money() == []


async def test_lines_of_no_entry_are_refused(books: Books) -> None:
    lines = [
        _LINE.format(
            id=UUID(int=1),
            number=n,
            village=books.purse().village_id,
            account=account,
            holder="null",
            programme="UJI_A",
            amount=amount,
        )
        for n, account, amount in ((1, "CLEARING", -5), (2, "TREASURY", 5))
    ]
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await books.owner.execute(f"with a as ({lines[0]}) {lines[1]}")
    assert refusal.value.sqlstate == UNBALANCED


async def test_no_line_is_added_to_an_entry_later(books: Books) -> None:
    topped = await books.top_up(books.purse(), 5)
    place = books.purse().village_id
    lines = [
        _LINE.format(
            id=topped.id, number=n, village=place, account=account, holder="null", programme="UJI_A", amount=amount
        )
        for n, account, amount in ((3, "CLEARING", -5), (4, "TREASURY", 5))
    ]
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await books.owner.execute(f"with a as ({lines[0]}) {lines[1]}")
    assert refusal.value.sqlstate == UNBALANCED


@pytest.mark.parametrize(
    "statement",
    [
        "update wallet set balance = 1",
        "update wallet set moved_at = now()",
        "delete from wallet",
        "insert into wallet (regency_id, id, balance) select regency_id, gen_random_uuid(), 1 from wallet limit 1",
        "update journal_entry set reason = 'x'",
        "delete from journal_entry",
        "insert into journal_entry (happened_at) values (now())",
        "update journal_line set amount = 1",
        "delete from journal_line",
        "truncate journal_line",
        "update ledger_total set amount = 0",
        "insert into ledger_total select * from ledger_total",
        "delete from ledger_total",
        "select journal_line_posted()",
        "alter table journal_line disable trigger all",
    ],
)
@pytest.mark.parametrize("role", ["app", "loader"])
async def test_nobody_but_the_triggers_changes_what_is_written(books: Books, statement: str, role: str) -> None:
    await books.top_up(books.purse(), 5)
    connection = await getattr(books.server, role).connect()
    try:
        await connection.execute("select kesos_scope(0, 9999, 0, 9999999999, '', '', '')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()
    assert UUID(str(await books.owner.fetchval("select id from wallet where balance = 5"))) == books.purse().id
