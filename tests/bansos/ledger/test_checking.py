"""Whatever does not add up is found and named, and what does is left alone."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.domain.bansos.ledger.checking import CHECKS, Discrepancy, Fault, check_ledger
from app.domain.bansos.models.ledger import Account, EntryKind
from app.tenants.session import open_loader
from tests.bansos.ledger.books import CASHIER, PROGRAMMES, Books, entry
from tests.support.world import BANYUMAS

PERIOD = date(2026, 1, 1)
_CYCLE = """
insert into aid_cycle (regency_id, id, village_low, village_high, programme_code, terms_version, period_start, period_end, state,
  generation_id, made_by, made_by_name, made_at, released_by, released_by_name, released_at)
values (3302, $1, 3302000000, 3302999999, 'UJI_A', 1, $2, '2026-03-31', 'RELEASED', $1, $3, 'Kasir', now(), $3, 'Kasir', now())
"""
_ORDER = """
insert into payment_order (regency_id, id, village_low, village_high, cycle_id, bank, number, state, entitlements, amount,
  valid_entitlements, valid_amount, made_by, made_by_name, made_at)
values (3302, $1, 3302000000, 3302999999, $2, 'BRI', 1, 'SETTLED', 3, 900, 3, 900, $3, 'Kasir', now())
"""
_ENTITLEMENT = """
insert into entitlement (regency_id, id, village_id, cycle_id, programme_code, terms_version, period_start, family_id, recipient_id,
  amount, facts, step, step_at, order_id)
select 3302, $1, $2, $3, 'UJI_A', 1, $4, $5, p.id, $6, '{}', $7, now(), $8 from person p
where p.regency_id = 3302 limit 1
"""


@dataclass(frozen=True, slots=True)
class Paid:
    """An order of three families: two were paid, one could not be."""

    order: UUID
    paid: tuple[UUID, UUID]
    failed: UUID
    keys: tuple[str, str]


@pytest_asyncio.fixture
async def paid(books: Books) -> Paid:
    cycle, order = uuid4(), uuid4()
    await books.owner.execute(_CYCLE, cycle, PERIOD, CASHIER)
    await books.owner.execute(_ORDER, order, cycle, CASHIER)
    ids, keys = (uuid4(), uuid4(), uuid4()), []
    released = entry(
        EntryKind.RELEASE,
        books.purse(),
        900,
        village_low=3302000000,
        village_high=3302999999,
        family_id=None,
        source_id=order,
        cycle_id=cycle,
        source_key=f"RELEASE:{order}",
    )
    rows = [released]
    for at, id_ in enumerate(ids):
        purse = books.purse(number=at)
        ok = at < 2
        await books.owner.execute(
            _ENTITLEMENT,
            *(id_, purse.village_id, cycle, PERIOD, purse.family_id, 300, "TOPPED_UP" if ok else "RETURNED", order),
        )
        key = f"TOP_UP:UJI_A:2026-01-01:{purse.family_id}" if ok else f"RELEASE_RETURN:{id_}"
        kind = EntryKind.TOP_UP if ok else EntryKind.RELEASE_RETURN
        rows.append(entry(kind, purse, 300, cycle_id=cycle, source_id=id_, source_key=key))
        keys.append(key)
    assert await books.post(*rows) == 4
    assert await books.check() == []
    return Paid(order, (ids[0], ids[1]), ids[2], (keys[0], keys[1]))


async def kinds(books: Books) -> set[Fault]:
    return {each.fault for each in await books.check()}


async def test_a_ledger_without_entries_adds_up(books: Books) -> None:
    told: list[int] = []
    async with open_loader(books.server) as loader:
        assert await check_ledger(loader, told.append) == []
    assert told == list(range(1, CHECKS + 1))


async def test_what_was_released_paid_and_returned_adds_up(books: Books, paid: Paid) -> None:
    assert paid
    assert await books.total(Account.CLEARING) == 0
    assert await books.total(Account.TREASURY) == -600
    assert await books.total(Account.WALLET) == 600


async def test_a_wallet_that_says_more_than_its_lines(books: Books, paid: Paid) -> None:
    assert paid
    purse = books.purse()
    await books.owner.execute("update wallet set balance = balance + 7 where id = $1", purse.id)
    assert await books.check() == [
        Discrepancy(Fault.WALLET_DIFFERS, BANYUMAS.id, str(purse.id), 307, 300),
        Discrepancy(Fault.PROVINCE_DIFFERS, 33, "UJI_A WALLET of families", 600, 607),
    ]


async def test_a_wallet_that_is_gone(books: Books, paid: Paid) -> None:
    assert paid
    await books.owner.execute("delete from wallet where id = $1", books.purse().id)
    assert Discrepancy(Fault.WALLET_DIFFERS, BANYUMAS.id, str(books.purse().id), 0, 300) in await books.check()


async def test_a_total_that_says_more_than_its_lines(books: Books, paid: Paid) -> None:
    assert paid
    await books.owner.execute(
        "update ledger_total set amount = amount + 1, lines = lines - 1 where account = 'CLEARING'"
    )
    assert await books.check() == [
        Discrepancy(Fault.TOTAL_DIFFERS, BANYUMAS.id, "UJI_A CLEARING amount", 1, 0),
        Discrepancy(Fault.TOTAL_DIFFERS, BANYUMAS.id, "UJI_A CLEARING lines", 3, 4),
        Discrepancy(Fault.PROVINCE_DIFFERS, 33, "UJI_A CLEARING", 1, 0),
        Discrepancy(Fault.PROVINCE_DIFFERS, 33, "UJI_A all accounts", 0, 1),
    ]


async def test_a_total_that_stands_for_other_villages_than_its_regency(books: Books, paid: Paid) -> None:
    assert paid
    await books.owner.execute("update ledger_total set village_high = village_low where account = 'CLEARING'")
    assert [(each.fault, each.subject) for each in await books.check()] == [
        (Fault.TOTAL_DIFFERS, "UJI_A CLEARING village_low")
    ]


@pytest.mark.parametrize(
    "change",
    [
        "update journal_line set amount = amount - 1 where account = 'WALLET' and amount = 300 and entry_id = $1",
        "delete from journal_line where entry_id = $1",
        "delete from journal_line where entry_id = $1 and number = 1",
        "update journal_line set number = 3 where entry_id = $1 and number = 2",
    ],
)
async def test_an_entry_whose_lines_are_not_whole(books: Books, paid: Paid, change: str) -> None:
    key = await books.key(paid.keys[0])
    await books.owner.execute(change, key.id)
    found = [each for each in await books.check() if each.fault is Fault.ENTRY_UNBALANCED]
    assert [(each.region_id, each.subject) for each in found] == [(BANYUMAS.id, str(key.id))]


@pytest.mark.parametrize(
    "change", ["village_low = village_low - 1", "village_high = 3302999999", "programme_code = 'UJI_B'"]
)
async def test_a_line_that_lies_elsewhere_than_its_entry(books: Books, paid: Paid, change: str) -> None:
    key = await books.key(paid.keys[0])
    await books.owner.execute(f"update journal_line set {change} where entry_id = $1 and number = 1", key.id)  # noqa: S608  (a test's own words)
    found = [each for each in await books.check() if each.fault is Fault.ENTRY_MISPLACED]
    assert [each.subject for each in found] == [str(key.id)]


async def test_lines_whose_entry_is_gone(books: Books, paid: Paid) -> None:
    key = await books.key(paid.keys[0])
    await books.owner.execute("delete from journal_entry where id = $1", key.id)
    found = [each for each in await books.check() if each.fault is Fault.ENTRY_MISPLACED]
    assert {each.subject for each in found} == {str(key.id)}


async def test_a_family_that_is_said_to_be_paid_and_has_no_entry(books: Books, paid: Paid) -> None:
    await books.owner.execute("update entitlement set step = 'TOPPED_UP' where id = $1", paid.failed)
    assert await books.check() == [Discrepancy(Fault.PAID_WITHOUT_ENTRY, BANYUMAS.id, str(paid.failed), 1, 0)]


@pytest.mark.parametrize(
    "change",
    ["amount = 299", "period_start = '2026-04-01'", "family_id = (select family_id from wallet where id = $2)"],
)
async def test_a_payment_that_is_not_the_one_of_its_entry(books: Books, paid: Paid, change: str) -> None:
    given = [paid.paid[0], books.purse(number=9).id] if "$2" in change else [paid.paid[0]]
    await books.owner.execute(f"update entitlement set {change} where id = $1", *given)  # noqa: S608  (a test's own words)
    assert await books.check() == [Discrepancy(Fault.PAID_WITHOUT_ENTRY, BANYUMAS.id, str(paid.paid[0]), 1, 0)]


async def test_an_entry_that_pays_nobody(books: Books, paid: Paid) -> None:
    key = await books.key(paid.keys[1])
    await books.owner.execute("update entitlement set step = 'RETURNED' where id = $1", paid.paid[1])
    assert await books.check() == [Discrepancy(Fault.ENTRY_WITHOUT_PAYMENT, BANYUMAS.id, str(key.id), 1, 0)]


async def test_a_top_up_that_was_reversed_has_paid_nobody(books: Books, paid: Paid) -> None:
    await books.reverse(await books.key(paid.keys[0]))
    found = await books.check()
    assert Discrepancy(Fault.PAID_WITHOUT_ENTRY, BANYUMAS.id, str(paid.paid[0]), 1, 0) in found
    assert Discrepancy(Fault.CLEARING_LEFT, BANYUMAS.id, str(paid.order), 0, 300) in found
    assert len(found) == 2
    await books.owner.execute("update entitlement set step = 'RETURNED' where id = $1", paid.paid[0])
    await books.post(entry(EntryKind.RELEASE_RETURN, books.purse(), 300, source_id=paid.paid[0]))
    assert await books.check() == []


async def test_money_that_is_left_on_the_clearing_account_of_a_settled_order(books: Books, paid: Paid) -> None:
    await books.post(entry(EntryKind.RELEASE, books.purse(), 40, family_id=None, source_id=paid.order))
    assert await books.check() == [Discrepancy(Fault.CLEARING_LEFT, BANYUMAS.id, str(paid.order), 0, 40)]
    await books.owner.execute("update payment_order set state = 'STANDING_INSTRUCTION'")
    assert await books.check() == []


async def test_a_payment_of_another_programme_is_none(books: Books, paid: Paid) -> None:
    await books.owner.execute("update entitlement set programme_code = $1 where id = $2", PROGRAMMES[1], paid.paid[0])
    assert await kinds(books) == {Fault.PAID_WITHOUT_ENTRY}
