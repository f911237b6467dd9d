"""The whole way of the money, over HTTP, with a bank in a process of its own."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from tests.bansos.payments.answers import opened
from tests.bansos.payments.banks import TOKEN, SimulatedBank, stumbling_bank
from tests.bansos.payments.office import AMOUNT, FAMILIES, Office
from tests.jobs.workshop import PATIENCE_SECONDS

SEND = """mutation($id: ID!) { answer: paymentOrderSend(input: {id: $id}) { __typename ... on UserError { code message } } }"""
ORDER_STATES = ("ACCOUNTS_CHECKED", "SETTLED")
_CARD_OF_FIRST = """
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, activated_at, state_at)
select regency_id, gen_random_uuid(), village_id, family_id, recipient_id, 'BRI', 'ACTIVE', '0001', 'T12345678', now(), now()
from entitlement order by id limit 1
"""


async def checked(office: Office, bank: SimulatedBank, cycle: str) -> list[Any]:
    """The orders of ``cycle``, all of whose accounts the bank has checked by files that an officer carries."""
    made = await office.make(cycle)
    assert made["orders"] > 0
    for order in await office.orders(cycle):
        file = await office.until_file(order["id"], "ACCOUNT_CHECK")
        answer = bank.post(await office.download(file["downloadUrl"]))
        assert (await office.report(order["id"], answer.content))["state"] == "SUCCEEDED"
    return await office.orders(cycle)


async def test_money_goes_from_the_treasury_to_the_families_and_what_fails_goes_back(
    office: Office, bank: SimulatedBank
) -> None:
    cycle = await office.cycle(cards=40, banks=("BRI", "BNI"))
    async with office.worker():
        made = await office.make(cycle)
        assert made == {
            "orders": 2,
            "entitlements": 40,
            "amount": 40 * AMOUNT,
            "withoutAccount": FAMILIES - 40,
            "cancelled": 0,
        }
        assert await office.steps(cycle) == {"ACCOUNT_CHECK": 40, "NO_ACCOUNT": FAMILIES - 40}
        for order in await office.orders(cycle):
            await pay(office, bank, order)
    steps = await office.steps(cycle)
    assert steps.keys() == {"NO_ACCOUNT", "ACCOUNT_FAILED", "TOPPED_UP", "RETURNED"}
    assert sum(steps.values()) == FAMILIES
    assert await office.books() == {
        "TREASURY": -steps["TOPPED_UP"] * AMOUNT,
        "WALLET": steps["TOPPED_UP"] * AMOUNT,
    }
    await office.assert_right()


async def pay(office: Office, bank: SimulatedBank, order: Any) -> None:
    """Take one order from its beginning to its end, and look at it on the way."""
    identifier = order["id"]
    assert (order["state"], order["entitlements"], order["amount"]) == ("ACCOUNT_CHECK", 20, 20 * AMOUNT)
    file = await office.until_file(identifier, "ACCOUNT_CHECK")
    assert (file["rows"], file["amount"]) == (20, 20 * AMOUNT)
    content = await office.download(file["downloadUrl"])
    answer = bank.post(content)
    job = await office.report(identifier, answer.content)
    assert job["state"] == "SUCCEEDED", job
    order = await office.order(identifier)
    good = order["validEntitlements"]
    assert order["state"] == "ACCOUNTS_CHECKED"
    assert 0 < good < 20
    assert order["validAmount"] == good * AMOUNT
    assert {each["step"]: each["count"] for each in order["steps"]} == {
        "ACCOUNT_VALID": good,
        "ACCOUNT_FAILED": 20 - good,
    }
    result = next(each for each in order["files"]["nodes"] if each["kind"] == "ACCOUNT_RESULT")
    assert (result["applied"], result["repeated"], result["unknown"], result["mismatched"]) == (20, 0, 0, 0)
    assert result["results"]["totalCount"] == 20 - good
    assert {each["code"] for each in result["results"]["nodes"]} <= {"ACCOUNT_CLOSED", "NAME_MISMATCH", "DORMANT"}
    await office.to_instruction(identifier)
    order = await office.order(identifier)
    assert (order["spmNumber"], order["sp2dNumber"]) == ("SPM-0042/2026", "SP2D-0043/2026")
    await office.assert_right()
    file = await office.until_file(identifier, "TOP_UP")
    assert (file["rows"], file["amount"]) == (good, good * AMOUNT)
    job = await office.report(identifier, bank.post(await office.download(file["downloadUrl"])).content)
    assert job["state"] == "SUCCEEDED", job
    order = await office.order(identifier)
    assert order["state"] == "SETTLED"
    assert {each["step"] for each in order["steps"]} == {"TOPPED_UP", "TOP_UP_FAILED", "ACCOUNT_FAILED"}
    await office.assert_right()
    assert (await office.step("paymentOrderReturn", identifier))["__typename"] == "PaymentOrderMoved"
    assert (await office.step("paymentOrderReturn", identifier))["code"] == "NOTHING_TO_RETURN"
    await office.assert_right()


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 7, 31, 16, 59, 59, tzinfo=UTC), date(2026, 7, 31)),
        (datetime(2026, 7, 31, 17, 0, tzinfo=UTC), date(2026, 8, 1)),
    ],
)
async def test_a_file_is_of_the_day_in_jakarta(office: Office, moment: datetime, day: date) -> None:
    cycle = await office.cycle(families=1)
    async with office.worker(clock=lambda: moment):
        await office.make(cycle)
        (order,) = await office.orders(cycle)
        file = await office.until_file(order["id"], "ACCOUNT_CHECK")
        header, _ = opened(await office.download(file["downloadUrl"]))
    assert header.made_on == day


async def test_who_has_no_account_has_had_none_since_orders_were_made_first(office: Office) -> None:
    cycle = await office.cycle(families=3, cards=0)
    stood = "select id, step, step_at, xmin from entitlement order by id"
    first = await office.make(cycle)
    assert (first["orders"], first["withoutAccount"]) == (0, 3)
    rows = await office.owner.fetch(stood)
    assert {row["step"] for row in rows} == {"NO_ACCOUNT"}
    assert await office.make(cycle) == first
    assert await office.owner.fetch(stood) == rows
    await office.owner.execute(_CARD_OF_FIRST)
    again = await office.make(cycle)
    assert (again["orders"], again["entitlements"], again["withoutAccount"]) == (1, 1, 2)
    after = await office.owner.fetch(stood)
    assert [row["step"] for row in after] == ["ACCOUNT_CHECK", "NO_ACCOUNT", "NO_ACCOUNT"]
    assert after[0]["step_at"] > rows[0]["step_at"]
    assert after[1:] == rows[1:]


async def test_where_the_bank_can_be_reached_no_officer_carries_a_file(office: Office, bank: SimulatedBank) -> None:
    cycle = await office.cycle(banks=("BRI", "MANDIRI", "POS"))
    async with office.worker(bank_url=bank.url, bank_token=SecretStr(TOKEN)):
        assert (await office.make(cycle))["orders"] == 3
        for order in await office.orders(cycle):
            assert (await office.until(order["id"], "ACCOUNTS_CHECKED"))["validEntitlements"] > 0
            await office.to_instruction(order["id"])
            await office.until(order["id"], "SETTLED")
    await office.assert_right()
    steps = await office.steps(cycle)
    assert steps["TOPPED_UP"] > 0
    assert sum(steps.values()) == FAMILIES


async def test_an_answer_that_was_damaged_is_asked_for_again(office: Office) -> None:
    cycle = await office.cycle()
    with stumbling_bank() as bank:
        async with office.worker(bank_url=bank.url):
            await office.make(cycle)
            (order,) = await office.orders(cycle)
            assert await readings(office, order["id"], sent=1) == [("FAILED", "BANK_FILE_MALFORMED")]
            # The same answer is not read again.
            await send_again(office, order["id"])
            assert await readings(office, order["id"], sent=2) == [("FAILED", "BANK_FILE_MALFORMED")]
            bank.stumbles = False
            await send_again(office, order["id"])
            read = await readings(office, order["id"], sent=3)
    assert sorted(read, key=str) == [("FAILED", "BANK_FILE_MALFORMED"), ("SUCCEEDED", None)]
    assert bank.asked == 3
    assert (await office.order(order["id"]))["state"] == "ACCOUNTS_CHECKED"
    assert await office.steps(cycle) == {"ACCOUNT_VALID": FAMILIES}


async def send_again(office: Office, order: str) -> None:
    answer = (await (await office.admin()).query(SEND, id=order))["answer"]
    assert answer == {"__typename": "PaymentOrderSending"}


async def readings(office: Office, order: str, sent: int) -> list[tuple[str, str | None]]:
    """How the answers to an order were read, once it was sent so often and no job is left to do."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            jobs = (await office.order(order))["jobs"]["nodes"]
            ended = [each for each in jobs if each["state"] in {"SUCCEEDED", "FAILED"}]
            if ended == jobs and sum(each["kind"] == "BANK_FILE" for each in jobs) == sent:
                read = [each for each in jobs if each["kind"] == "BANK_RESULTS"]
                return [(each["state"], each["error"] and each["error"]["code"]) for each in read]
            await asyncio.sleep(0.05)
