"""Money is conserved, whatever is posted in whichever order by however many, and however it ends."""

import asyncio
import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.domain.bansos.ledger.errors import InsufficientBalance
from app.domain.bansos.models.ledger import Account, EntryKind
from tests.bansos.ledger.books import OF_KIND, Books, Purse, entry

KINDS = tuple(OF_KIND)
SPENDING = (EntryKind.WITHDRAWAL, EntryKind.REDEMPTION, EntryKind.IDLE_RETURN)


class Expectation:
    """What the ledger should say: written the way a child would."""

    def __init__(self) -> None:
        self.wallets: Counter[Purse] = Counter()
        self.accounts: Counter[Account] = Counter()
        self.posted: dict[str, dict[str, Any]] = {}
        self.reversed: set[str] = set()

    def move(self, row: dict[str, Any], purse: Purse, sign: int = 1) -> bool:
        """Move the money of ``row``; False where the wallet would hold less than nothing."""
        source, target, amount = Account(row["from_account"]), Account(row["to_account"]), sign * row["amount"]
        change = (target is Account.WALLET) * amount - (source is Account.WALLET) * amount
        if self.wallets[purse] + change < 0:
            return False
        self.wallets[purse] += change
        self.accounts[source] -= amount
        self.accounts[target] += amount
        return True


async def said(books: Books, purses: list[Purse]) -> tuple[dict[Purse, int], dict[Account, int]]:
    return (
        {purse: await books.balance(purse) for purse in purses},
        {account: await books.total(account) for account in Account},
    )


@pytest.mark.parametrize("seed", range(12))
async def test_random_posts_reversals_overdrafts_and_replays_conserve_money(books: Books, seed: int) -> None:
    chance, expected = random.Random(seed), Expectation()  # noqa: S311  (a test's own luck)
    purses = [books.purse(number=at) for at in range(4)]
    by_key: dict[str, Purse] = {}
    for _ in range(60):
        match chance.choices(("post", "batch", "replay", "reverse"), (5, 2, 2, 2))[0]:
            case "post":
                purse = chance.choice(purses)
                row = entry(chance.choice(KINDS), purse, chance.randint(1, 500))
                if expected.move(row, purse):
                    assert await books.post(row) == 1
                    expected.posted[row["source_key"]], by_key[row["source_key"]] = row, purse
                else:
                    with pytest.raises(InsufficientBalance):
                        await books.post(row)
            case "batch":
                rows = [(entry(EntryKind.TOP_UP, purse, chance.randint(1, 500)), purse) for purse in purses]
                assert await books.post(*(row for row, _ in rows)) == len(rows)
                for row, purse in rows:
                    assert expected.move(row, purse)
                    expected.posted[row["source_key"]], by_key[row["source_key"]] = row, purse
            case "replay" if expected.posted:
                again = chance.sample(list(expected.posted.values()), min(3, len(expected.posted)))
                assert await books.post(*({**row, "amount": row["amount"] + 1} for row in again)) == 0
            case "reverse" if expected.posted:
                key = chance.choice(list(expected.posted))
                where = await books.key(key)
                if key in expected.reversed:
                    assert not await books.reverse(where)
                elif expected.move(expected.posted[key], by_key[key], -1):
                    assert await books.reverse(where)
                    expected.reversed.add(key)
                else:
                    with pytest.raises(InsufficientBalance):
                        await books.reverse(where)
    wallets, accounts = await said(books, purses)
    assert wallets == {purse: expected.wallets[purse] for purse in purses}
    assert accounts == {account: expected.accounts[account] for account in Account}
    assert sum(accounts.values()) == 0
    assert await books.count("journal_entry") == len(expected.posted) + len(expected.reversed)
    assert await books.check_money() == []


@pytest.mark.parametrize("seed", range(3))
async def test_many_at_one_wallet_lose_nothing_and_overdraw_nothing(books: Books, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (a test's own luck)
    purse, held = books.purse(), 1_000
    await books.top_up(purse, held)
    rows = [entry(chance.choice((EntryKind.TOP_UP, *SPENDING)), purse, chance.randint(50, 400)) for _ in range(40)]
    replayed = chance.sample(rows, 10)
    outcomes = await asyncio.gather(*(books.post(row) for row in rows + replayed), return_exceptions=True)
    assert {type(each) for each in outcomes} <= {int, InsufficientBalance}
    stored = {
        row["source_key"]
        for row in await books.owner.fetch("select source_key from journal_entry where source_key <> ''")
    }
    for row in rows:
        if row["source_key"] in stored:
            held += row["amount"] if row["to_account"] == "WALLET" else -row["amount"]
    assert await books.balance(purse) == held >= 0
    assert sum(each for each in outcomes if isinstance(each, int)) == len(stored) - 1
    assert InsufficientBalance in {type(each) for each in outcomes}
    assert await books.check_money() == []


async def test_batches_that_overlap_are_posted_once_whoever_comes_first(books: Books) -> None:
    rows = [entry(EntryKind.TOP_UP, purse, 10) for purse in books.purses[:60]]
    posted = await asyncio.gather(*(books.post(*rows[at : at + 40]) for at in (0, 5, 10, 15, 20)))
    assert sum(posted) == 60
    assert [await books.balance(purse) for purse in books.purses[:60]] == [10] * 60
    assert await books.check_money() == []


_POSTER = Path(__file__).parent / "poster.py"


async def test_a_process_that_is_killed_while_it_posts_leaves_whole_batches_or_nothing(books: Books) -> None:
    """Killed wherever it is when some of its batches are there, and started again until it is done."""
    families, batches = len(books.purses) // 2, 40
    for kill_after in (1, 9, 20, None):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(_POSTER), books.server.admin.host, books.server.admin.database, str(batches)),
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        if kill_after is None:
            assert await process.wait() == 0
        else:
            while await books.count("journal_entry") < families * kill_after:
                assert process.returncode is None
                await asyncio.sleep(0.002)
            process.kill()
            assert await process.wait() < 0
            # The server notices a moment later, and ends what was under way.
            while await books.count("pg_stat_activity where application_name = 'kesos poster'"):  # noqa: ASYNC110  (as above)
                await asyncio.sleep(0.01)
            posted = await books.count("journal_entry")
            assert posted % families == 0, "a batch is posted whole or not at all"
            assert posted < families * batches, "it was killed before it was done"
        assert await books.check_money() == []
    assert await books.count("journal_entry") == families * batches
    assert {await books.balance(purse) for purse in books.purses if purse.programme_code == "UJI_A"} == {batches}
