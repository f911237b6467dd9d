"""Whatever does not add up is found and named, and what does is left alone."""

from dataclasses import dataclass
from uuid import UUID

import pytest
import pytest_asyncio

from app.domain.bansos.ledger.checking import CHECKS, Fault, check_ledger
from app.domain.bansos.models.cycles import PaymentStep
from app.domain.bansos.models.ledger import Account, EntryKind
from app.domain.bansos.models.payments import OrderState
from app.domain.checking import Discrepancy
from app.tenants.session import open_loader
from tests.bansos.ledger.books import PROGRAMMES, Books, entry
from tests.bansos.ledger.planted import plant_order
from tests.support.triggers import past_triggers
from tests.support.world import BANYUMAS


@dataclass(frozen=True, slots=True)
class Paid:
    """An order of three families: two were paid, one could not be."""

    cycle: UUID
    order: UUID
    paid: tuple[UUID, UUID]
    failed: UUID
    keys: tuple[str, str]
    release: str
    returned: str


@pytest_asyncio.fixture
async def paid(books: Books) -> Paid:
    planted = await plant_order(books, PaymentStep.TOPPED_UP, PaymentStep.TOPPED_UP, PaymentStep.RETURNED, amount=300)
    rows, keys = [planted.release], []
    for at, id_ in enumerate(planted.entitlements):
        purse = books.purse(number=at)
        ok = at < 2
        key = f"TOP_UP:UJI_A:2026-01-01:{purse.family_id}" if ok else f"RELEASE_RETURN:{id_}"
        kind = EntryKind.TOP_UP if ok else EntryKind.RELEASE_RETURN
        rows.append(entry(kind, purse, 300, cycle_id=planted.cycle, source_id=id_, source_key=key))
        keys.append(key)
    assert await books.post(*rows) == 4
    assert await books.check() == []
    first, second, failed = planted.entitlements
    return Paid(
        planted.cycle,
        planted.order,
        (first, second),
        failed,
        (keys[0], keys[1]),
        planted.release["source_key"],
        keys[2],
    )


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
    assert await books.check() == [
        Discrepancy(Fault.PAID_WITHOUT_ENTRY, BANYUMAS.id, str(paid.failed), 1, 0),
        Discrepancy(Fault.RETURN_DIFFERS, BANYUMAS.id, str(paid.failed), 0, 300),
    ]


@pytest.mark.parametrize(
    "change",
    ["amount = 299", "period_start = '2026-04-01'", "family_id = (select family_id from wallet where id = $2)"],
)
async def test_a_payment_that_is_not_the_one_of_its_entry(books: Books, paid: Paid, change: str) -> None:
    given = [paid.paid[0], books.purse(number=9).id] if "$2" in change else [paid.paid[0]]
    async with past_triggers(books.owner):
        await books.owner.execute(f"update entitlement set {change} where id = $1", *given)  # noqa: S608  (a test's own words)
    found = [each for each in await books.check() if each.fault is Fault.PAID_WITHOUT_ENTRY]
    assert found == [Discrepancy(Fault.PAID_WITHOUT_ENTRY, BANYUMAS.id, str(paid.paid[0]), 1, 0)]


async def test_an_entry_that_pays_nobody(books: Books, paid: Paid) -> None:
    key = await books.key(paid.keys[1])
    await books.owner.execute("update entitlement set step = 'RETURNED' where id = $1", paid.paid[1])
    assert await books.check() == [
        Discrepancy(Fault.ENTRY_WITHOUT_PAYMENT, BANYUMAS.id, str(key.id), 1, 0),
        Discrepancy(Fault.RETURN_DIFFERS, BANYUMAS.id, str(paid.paid[1]), 300, 0),
    ]


async def test_a_top_up_that_was_reversed_has_paid_nobody(books: Books, paid: Paid) -> None:
    await books.reverse(await books.key(paid.keys[0]))
    found = await books.check()
    assert Discrepancy(Fault.PAID_WITHOUT_ENTRY, BANYUMAS.id, str(paid.paid[0]), 1, 0) in found
    assert Discrepancy(Fault.CLEARING_LEFT, BANYUMAS.id, str(paid.order), 0, 300) in found
    assert len(found) == 2
    await books.owner.execute("update entitlement set step = 'RETURNED' where id = $1", paid.paid[0])
    await books.post(entry(EntryKind.RELEASE_RETURN, books.purse(), 300, source_id=paid.paid[0]))
    assert await books.check() == []


@pytest.mark.parametrize("state", ["SETTLED", "STANDING_INSTRUCTION"])
async def test_money_that_is_left_on_the_clearing_account_of_an_order(books: Books, paid: Paid, state: str) -> None:
    await books.owner.execute("update payment_order set state = $1", state)
    assert await books.check() == []
    await books.post(entry(EntryKind.RELEASE, books.purse(), 40, family_id=None, source_id=paid.order))
    assert await books.check() == [
        Discrepancy(Fault.CLEARING_LEFT, BANYUMAS.id, str(paid.order), 0, 40),
        Discrepancy(Fault.RELEASE_DIFFERS, BANYUMAS.id, str(paid.order), 900, 940),
    ]


@pytest.mark.parametrize(
    ("state", "steps"),
    [
        (OrderState.SP2D, (PaymentStep.SP2D, PaymentStep.SP2D, PaymentStep.SP2D)),
        (
            OrderState.STANDING_INSTRUCTION,
            (PaymentStep.STANDING_INSTRUCTION, PaymentStep.TOP_UP_FAILED, PaymentStep.STANDING_INSTRUCTION),
        ),
        (OrderState.SETTLED, (PaymentStep.TOP_UP_FAILED, PaymentStep.TOP_UP_FAILED, PaymentStep.TOP_UP_FAILED)),
    ],
)
async def test_an_order_that_waits_for_its_bank_holds_what_its_families_wait_for(
    books: Books, state: OrderState, steps: tuple[PaymentStep, ...]
) -> None:
    planted = await plant_order(books, *steps, amount=300, state=state)
    await books.post(planted.release)
    assert await books.check() == []
    await books.owner.execute("update entitlement set step = 'OMSPAN' where id = $1", planted.entitlements[0])
    assert await books.check() == [
        Discrepancy(Fault.CLEARING_LEFT, BANYUMAS.id, str(planted.order), 600, 900),
        Discrepancy(Fault.ORDER_DIFFERS, BANYUMAS.id, f"{planted.order} {state.value} with OMSPAN", 0, 1),
    ]


_TOTALS_OF_LINES = """
insert into ledger_total (regency_id, programme_code, account, slot, village_low, village_high, amount, lines)
select regency_id, programme_code, account, 0, regency_id * 1000000::bigint, regency_id * 1000000::bigint + 999999, sum(amount), count(*)
from journal_line group by regency_id, programme_code, account
"""


async def test_money_that_was_drawn_and_is_gone_from_the_journal_and_its_totals(books: Books, paid: Paid) -> None:
    key = await books.key(paid.release)
    async with past_triggers(books.owner):
        for table, column in (("journal_line", "entry_id"), ("journal_entry", "id")):
            await books.owner.execute(f"delete from {table} where {column} = $1", key.id)  # noqa: S608  (a test's own words)
        await books.owner.execute("delete from ledger_total")
        await books.owner.execute(_TOTALS_OF_LINES)
    assert await books.check() == [
        Discrepancy(Fault.CLEARING_LEFT, BANYUMAS.id, str(paid.order), 0, -900),
        Discrepancy(Fault.RELEASE_DIFFERS, BANYUMAS.id, str(paid.order), 900, 0),
    ]


async def test_a_release_of_no_order_that_has_drawn(books: Books, paid: Paid) -> None:
    await books.owner.execute("update payment_order set sp2d_at = null")
    assert await books.check() == [Discrepancy(Fault.RELEASE_DIFFERS, BANYUMAS.id, str(paid.order), 0, 900)]


async def test_an_order_that_says_more_than_its_families_are_to_receive(books: Books, paid: Paid) -> None:
    await books.owner.execute("update payment_order set valid_amount = valid_amount + 1000000")
    assert await books.check() == [
        Discrepancy(Fault.ORDER_DIFFERS, BANYUMAS.id, f"{paid.order} amount", 1_000_900, 900),
        Discrepancy(Fault.RELEASE_DIFFERS, BANYUMAS.id, str(paid.order), 1_000_900, 900),
    ]
    await books.owner.execute("update payment_order set valid_amount = 900, valid_entitlements = 2")
    assert await books.check() == [Discrepancy(Fault.ORDER_DIFFERS, BANYUMAS.id, f"{paid.order} entitlements", 2, 3)]


async def test_an_order_that_is_being_checked_says_nothing_yet(books: Books) -> None:
    steps = (PaymentStep.ACCOUNT_CHECK, PaymentStep.ACCOUNT_VALID, PaymentStep.ACCOUNT_FAILED, PaymentStep.CANCELLED)
    await plant_order(books, *steps, amount=300, state=OrderState.ACCOUNT_CHECK)
    await books.owner.execute("update payment_order set valid_entitlements = null, valid_amount = null, sp2d_at = null")
    assert await books.check() == []


_AT_ANY_TIME = (PaymentStep.ACCOUNT_FAILED, PaymentStep.CANCELLED)
_ANSWERED = (PaymentStep.TOPPED_UP, PaymentStep.TOP_UP_FAILED, PaymentStep.RETURNED)
_STEPS_OF = {
    OrderState.ACCOUNT_CHECK: (PaymentStep.ACCOUNT_CHECK, PaymentStep.ACCOUNT_VALID),
    OrderState.ACCOUNTS_CHECKED: (PaymentStep.ACCOUNT_VALID,),
    OrderState.SPM: (PaymentStep.SPM,),
    OrderState.OMSPAN: (PaymentStep.OMSPAN,),
    OrderState.SP2D: (PaymentStep.SP2D,),
    OrderState.STANDING_INSTRUCTION: (PaymentStep.STANDING_INSTRUCTION, *_ANSWERED),
    OrderState.SETTLED: _ANSWERED,
}


@pytest.mark.parametrize("state", OrderState)
async def test_an_entitlement_at_a_step_that_the_state_of_its_order_does_not_allow(
    books: Books, state: OrderState
) -> None:
    planted = await plant_order(books, *PaymentStep, amount=300, state=state)
    found = {
        each.subject.split()[-1]: each.counted
        for each in await books.check()
        if each.fault is Fault.ORDER_DIFFERS and each.subject.startswith(f"{planted.order} {state.value} with")
    }
    assert found == {step.value: 1 for step in PaymentStep if step not in (*_AT_ANY_TIME, *_STEPS_OF[state])}


@pytest.mark.parametrize("state", ["PAID", "RECONCILED", "CLOSED"])
@pytest.mark.parametrize(
    ("tampered", "what"),
    [
        ("update payment_order set state = 'STANDING_INSTRUCTION'", "unsettled orders"),
        ("update entitlement set step = 'TOP_UP_FAILED' where id = $1", "waiting entitlements"),
        ("update entitlement set step = 'ACCOUNT_CHECK' where id = $1", "waiting entitlements"),
        ("update entitlement set step = 'WAITING', order_id = null where id = $1", "waiting entitlements"),
    ],
)
async def test_a_cycle_that_is_over_while_somebody_waits(
    books: Books, paid: Paid, state: str, tampered: str, what: str
) -> None:
    await books.owner.execute("update aid_cycle set state = $1", state)
    assert await books.check() == []
    await books.owner.execute(tampered, *([paid.failed] if "$1" in tampered else []))
    assert Discrepancy(Fault.CYCLE_DIFFERS, BANYUMAS.id, f"{paid.cycle} {what}", 0, 1) in await books.check()


async def test_a_cycle_that_is_over_while_the_bank_holds_money(books: Books, paid: Paid) -> None:
    """Its families wait for nothing."""
    await books.owner.execute("update aid_cycle set state = 'CLOSED'")
    await books.reverse(await books.key(paid.returned))
    assert Discrepancy(Fault.CLEARING_LEFT, BANYUMAS.id, str(paid.order), 0, 300) in await books.check()
    await books.owner.execute("update entitlement set step = 'TOP_UP_FAILED' where id = $1", paid.failed)
    assert await kinds(books) == {Fault.CYCLE_DIFFERS}


async def test_a_return_that_was_reversed_has_returned_nothing(books: Books, paid: Paid) -> None:
    await books.reverse(await books.key(paid.returned))
    assert await books.check() == [
        Discrepancy(Fault.CLEARING_LEFT, BANYUMAS.id, str(paid.order), 0, 300),
        Discrepancy(Fault.RETURN_DIFFERS, BANYUMAS.id, str(paid.failed), 300, 0),
    ]
    await books.owner.execute("update entitlement set step = 'TOP_UP_FAILED' where id = $1", paid.failed)
    assert await books.check() == []


async def test_a_return_of_another_amount(books: Books, paid: Paid) -> None:
    await books.post(entry(EntryKind.RELEASE_RETURN, books.purse(number=2), 1, source_id=paid.failed))
    found = [each for each in await books.check() if each.fault is Fault.RETURN_DIFFERS]
    assert found == [Discrepancy(Fault.RETURN_DIFFERS, BANYUMAS.id, str(paid.failed), 300, 301)]


_EXCLUDED = """
insert into aid_exclusion (regency_id, cycle_id, family_id, village_id, programme_code, terms_version, period_start, outcome, reason, facts)
values (3302, $1, $2, $3, 'UJI_A', 1, '2026-01-01', 'EXCLUDED', 'DOUBLE_AID', '{}')
"""
_OUTCOME = """
insert into cycle_outcome (regency_id, cycle_id, outcome, reason, village_low, village_high, families, amount)
values (3302, $1, 'EXCLUDED', 'DOUBLE_AID', 3302000000, 3302999999, 1, 0)
"""


@pytest.mark.parametrize(
    ("change", "what", "differs"),
    [
        ("update aid_cycle set families = 5", "families", (5, 4)),
        ("update aid_cycle set entitled = 4", "entitled", (4, 3)),
        ("update aid_cycle set amount = 901", "amount", (901, 900)),
        ("update cycle_outcome set families = 2 where outcome = 'ENTITLED'", "ENTITLED families", (2, 3)),
        ("update cycle_outcome set amount = 0 where outcome = 'ENTITLED'", "ENTITLED amount", (0, 900)),
        ("delete from cycle_outcome where outcome = 'EXCLUDED'", "EXCLUDED DOUBLE_AID families", (0, 1)),
    ],
)
async def test_a_cycle_that_says_other_than_its_list(
    books: Books, paid: Paid, change: str, what: str, differs: tuple[int, int]
) -> None:
    purse = books.purse(number=3)
    async with past_triggers(books.owner):
        await books.owner.execute(_EXCLUDED, paid.cycle, purse.family_id, purse.village_id)
        await books.owner.execute(_OUTCOME, paid.cycle)
        await books.owner.execute("update aid_cycle set families = 4")
    assert await books.check() == []
    async with past_triggers(books.owner):
        await books.owner.execute(change)
    assert await books.check() == [Discrepancy(Fault.CYCLE_DIFFERS, BANYUMAS.id, f"{paid.cycle} {what}", *differs)]


async def test_an_entitlement_that_was_raised_after_its_list_was_made(books: Books, paid: Paid) -> None:
    async with past_triggers(books.owner):
        await books.owner.execute("update entitlement set amount = 301 where id = $1", paid.failed)
    assert {(each.fault, each.subject) for each in await books.check()} == {
        (Fault.ORDER_DIFFERS, f"{paid.order} amount"),
        (Fault.RETURN_DIFFERS, str(paid.failed)),
        (Fault.CYCLE_DIFFERS, f"{paid.cycle} amount"),
        (Fault.CYCLE_DIFFERS, f"{paid.cycle} ENTITLED amount"),
    }


_NO_COUNTS = "update aid_cycle set state = $1, families = null, entitled = null, amount = null, generated_at = null"


@pytest.mark.parametrize("state", ["DRAFT", "SUPERSEDED"])
async def test_a_cycle_that_is_generated_anew_or_was_revised_meanwhile_says_nothing(
    books: Books, paid: Paid, state: str
) -> None:
    assert paid
    async with past_triggers(books.owner):
        await books.owner.execute(_NO_COUNTS, state)
    assert await books.check() == []


@pytest.mark.parametrize("state", ["GENERATED", "VERIFIED", "APPROVED", "RELEASED", "PAID", "RECONCILED", "CLOSED"])
async def test_a_cycle_with_a_list_and_without_counts(books: Books, paid: Paid, state: str) -> None:
    async with past_triggers(books.owner):
        await books.owner.execute(_NO_COUNTS, state)
    assert await books.check() == [
        Discrepancy(Fault.CYCLE_DIFFERS, BANYUMAS.id, f"{paid.cycle} {what}", 0, counted)
        for what, counted in (("amount", 900), ("entitled", 3), ("families", 3))
    ]


async def test_a_payment_of_another_programme_is_none(books: Books, paid: Paid) -> None:
    async with past_triggers(books.owner):
        await books.owner.execute(
            "update entitlement set programme_code = $1 where id = $2", PROGRAMMES[1], paid.paid[0]
        )
    assert await kinds(books) == {Fault.PAID_WITHOUT_ENTRY}
