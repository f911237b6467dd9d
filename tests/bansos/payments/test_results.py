"""What banks answer: applied once, whole or not at all, and what does not fit is kept for people to look at."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from app.domain.bansos.models.payments import FileFormat, FileKind
from tests.bansos.payments.answers import answer_to, opened, written
from tests.bansos.payments.office import AMOUNT, FAMILIES, READ, Office

BAD = {3: "ACCOUNT_CLOSED", 5: "NAME_MISMATCH"}


def mostly_good(number: int, _line: object) -> str:
    return BAD.get(number, "OK")


async def ordered(office: Office) -> tuple[str, str, bytes]:
    """A cycle, its one order and the file of its account check."""
    cycle = await office.cycle()
    await office.make(cycle)
    (order,) = await office.orders(cycle)
    file = await office.until_file(order["id"], "ACCOUNT_CHECK")
    return cycle, order["id"], await office.download(file["downloadUrl"])


async def instructed(office: Office) -> tuple[str, str, bytes]:
    """A cycle, its order at the standing instruction, and the file of its top-up."""
    cycle, order, request = await ordered(office)
    assert (await office.report(order, answer_to(request, mostly_good)))["state"] == "SUCCEEDED"
    await office.to_instruction(order)
    file = await office.until_file(order, "TOP_UP")
    return cycle, order, await office.download(file["downloadUrl"])


async def answers_in(office: Office, order: str, kind: str) -> list[Any]:
    nodes = (await office.order(order))["files"]["nodes"]
    return [each for each in nodes if each["kind"] == kind]


async def test_a_replayed_file_has_no_effect_and_the_same_lines_in_another_file_have_none(office: Office) -> None:
    async with office.worker():
        cycle, order, request = await instructed(office)
        answer = answer_to(request, mostly_good)
        assert (await office.report(order, answer))["state"] == "SUCCEEDED"
        before = (await office.books(), await office.steps(cycle), (await office.order(order))["version"])
        assert before[0]["WALLET"] == (FAMILIES - 4) * AMOUNT
        assert (await office.report(order, answer))["state"] == "SUCCEEDED"
        assert len(await answers_in(office, order, "TOP_UP_RESULT")) == 1
        again = answer_to(request, mostly_good, format_=FileFormat.CSV)
        assert (await office.report(order, again))["state"] == "SUCCEEDED"
        newest, _ = await answers_in(office, order, "TOP_UP_RESULT")
        assert (newest["applied"], newest["repeated"]) == (0, FAMILIES - 2)
        assert (await office.books(), await office.steps(cycle), (await office.order(order))["version"]) == before
        # Returned, it is as final as paid.
        await office.step("paymentOrderReturn", order)
        assert (await office.report(order, answer_to(request, mostly_good, number=3)))["state"] == "SUCCEEDED"
        newest = (await answers_in(office, order, "TOP_UP_RESULT"))[0]
        assert newest["repeated"] == FAMILIES - 2
    await office.assert_right()


async def test_answers_may_come_in_parts_and_the_order_waits_for_the_last(office: Office) -> None:
    async with office.worker():
        _, order, request = await ordered(office)
        header, lines = opened(answer_to(request, mostly_good))
        assert (await office.report(order, written(header, lines[:20])))["state"] == "SUCCEEDED"
        found = await office.order(order)
        assert (found["state"], found["validAmount"]) == ("ACCOUNT_CHECK", None)
        refused = await office.step("paymentOrderSpm", order)
        assert refused["code"] == "PAYMENT_ORDER_STATE_WRONG"
        # Five lines come twice.
        await office.report(order, written(header._replace(number=2), lines[15:]))
        found = await office.order(order)
        assert (found["state"], found["validEntitlements"]) == ("ACCOUNTS_CHECKED", FAMILIES - 2)
        newest = (await answers_in(office, order, "ACCOUNT_RESULT"))[0]
        assert (newest["applied"], newest["repeated"]) == (FAMILIES - 20, 5)


async def test_lines_that_do_not_fit_are_kept_and_not_applied(office: Office) -> None:
    async with office.worker():
        cycle, order, request = await instructed(office)
        header, lines = opened(answer_to(request))
        changed = [
            lines[0]._replace(amount=AMOUNT * 2),
            lines[1]._replace(token=lines[2].token),
            lines[3]._replace(last_four="0000" if lines[3].last_four != "0000" else "1111"),
            lines[4]._replace(entitlement_id=uuid4()),
            lines[5]._replace(result="DORMANT"),
            lines[5],
            lines[6],
            lines[6],
            *lines[7:],
        ]
        assert (await office.report(order, written(header, changed)))["state"] == "SUCCEEDED"
        (answer,) = await answers_in(office, order, "TOP_UP_RESULT")
        assert (answer["unknown"], answer["mismatched"], answer["repeated"]) == (1, 4, 1)
        told = {each["line"]: (each["verdict"], each["code"]) for each in answer["results"]["nodes"]}
        assert told == {
            1: ("MISMATCH", "OK"),
            2: ("MISMATCH", "OK"),
            3: ("MISMATCH", "OK"),
            4: ("UNKNOWN", "OK"),
            5: ("APPLIED", "DORMANT"),
            6: ("MISMATCH", "OK"),
            8: ("REPEATED", "OK"),
        }
        unknown = next(each for each in answer["results"]["nodes"] if each["verdict"] == "UNKNOWN")
        assert unknown["entitlementId"] is None
        steps = await office.steps(cycle)
        # 0, 1, 3 and 4 were spoken of wrongly, 2 not at all: they wait, and so does the order.
        assert steps["STANDING_INSTRUCTION"] == 5
        assert (await office.order(order))["state"] == "STANDING_INSTRUCTION"
        await office.assert_right()
        await office.report(order, written(header._replace(number=2), lines))
        newest = (await answers_in(office, order, "TOP_UP_RESULT"))[0]
        assert (newest["applied"], newest["repeated"], newest["mismatched"]) == (5, len(lines) - 6, 1)
        assert (await office.order(order))["state"] == "SETTLED"
    await office.assert_right()


def _other_total(content: bytes) -> bytes:
    return content.replace(f"{AMOUNT:015}".encode(), f"{AMOUNT + 1:015}".encode(), 1)


def _other_digest(content: bytes) -> bytes:
    at = content.rindex(b"|") + 1
    return content[:at] + (b"1" if content[at : at + 1] != b"1" else b"2") + content[at + 1 :]


def _other_order(content: bytes) -> bytes:
    header, lines = opened(content)
    return written(header._replace(order_id=uuid4()), lines)


def _request(content: bytes) -> bytes:
    header, lines = opened(content)
    return written(header._replace(kind=FileKind.ACCOUNT_CHECK), [line._replace(result="") for line in lines])


def _too_early(content: bytes) -> bytes:
    header, lines = opened(content)
    return written(header._replace(kind=FileKind.TOP_UP_RESULT), lines)


def _cut(content: bytes) -> bytes:
    return content[: content.rindex(b"\nT") + 1]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_other_total, "BANK_FILE_TOTALS_WRONG"),
        (_other_digest, "BANK_FILE_CHECKSUM_WRONG"),
        (_other_order, "BANK_FILE_OF_ANOTHER_ORDER"),
        (_request, "BANK_FILE_KIND_WRONG"),
        (_too_early, "PAYMENT_ORDER_STATE_WRONG"),
        (_cut, "BANK_FILE_MALFORMED"),
        (lambda _content: b"nama,nik\nBudi,1\n", "BANK_FILE_MALFORMED"),
    ],
)
async def test_a_wrong_file_is_refused_whole(office: Office, change: Callable[[bytes], bytes], code: str) -> None:
    async with office.worker():
        cycle, order, request = await ordered(office)
        job = await office.report(order, change(answer_to(request)))
        assert (job["state"], job["error"]["code"]) == ("FAILED", code)
        assert await office.steps(cycle) == {"ACCOUNT_CHECK": FAMILIES}
        assert await answers_in(office, order, "ACCOUNT_RESULT") == []
        # The right one is taken all the same.
        assert (await office.report(order, answer_to(request)))["state"] == "SUCCEEDED"
        assert (await office.order(order))["state"] == "ACCOUNTS_CHECKED"


async def test_asking_twice_with_one_key_reads_once_and_another_file_under_it_is_refused(office: Office) -> None:
    async with office.worker():
        _, order, request = await ordered(office)
        caller = await office.admin()
        given = {
            "order": order,
            "uploadId": await office.upload(answer_to(request)),
            "idempotencyKey": str(uuid4()),
        }
        first = (await caller.query(READ, input=given))["answer"]
        assert (await caller.query(READ, input=given))["answer"] == first
        given["uploadId"] = await office.upload(answer_to(request, mostly_good))
        refused = (await caller.query(READ, input=given))["answer"]
        assert refused["code"] == "IDEMPOTENCY_KEY_REUSED"
        assert await office.owner.fetchval("select count(*) from bank_report") == 1


async def test_where_no_account_is_good_there_is_nothing_to_pay(office: Office) -> None:
    async with office.worker():
        cycle, order, request = await ordered(office)
        await office.report(order, answer_to(request, lambda *_: "ACCOUNT_CLOSED"))
        found = await office.order(order)
        assert (found["state"], found["validAmount"]) == ("SETTLED", 0)
        assert await office.steps(cycle) == {"ACCOUNT_FAILED": FAMILIES}
    assert await office.books() == {}


async def test_who_gets_a_card_later_is_in_a_later_order(office: Office) -> None:
    async with office.worker():
        cycle = await office.cycle(cards=40)
        assert (await office.make(cycle))["withoutAccount"] == FAMILIES - 40
        assert await office.make(cycle) == {
            "orders": 0,
            "entitlements": 0,
            "amount": 0,
            "withoutAccount": FAMILIES - 40,
            "cancelled": 0,
        }
        (order,) = await office.orders(cycle)
        request = await office.download((await office.until_file(order["id"], "ACCOUNT_CHECK"))["downloadUrl"])
        await office.report(order["id"], answer_to(request, mostly_good))
        # Two of those without a card get one, and one whose account had failed is given a new one.
        await office.owner.execute(
            "insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, activated_at, "
            "state_at) select regency_id, gen_random_uuid(), village_id, family_id, recipient_id, 'BRI', 'ACTIVE', '0001', "
            "concat('N', md5(id::text)), now(), now() from entitlement where step = 'NO_ACCOUNT' order by id limit 2"
        )
        await office.owner.execute(
            "update kks_card set activated_at = now() where family_id in "
            "(select family_id from entitlement where step_reason = 'ACCOUNT_CLOSED')"
        )
        made = await office.make(cycle)
        assert (made["orders"], made["entitlements"], made["withoutAccount"]) == (1, 3, FAMILIES - 42)
        newest = (await office.orders(cycle))[0]
        assert (newest["number"], newest["entitlements"]) == (2, 3)


async def test_a_family_whose_card_was_blocked_after_the_check_is_not_paid(office: Office) -> None:
    async with office.worker():
        cycle, order, request = await ordered(office)
        await office.report(order, answer_to(request))
        for name in ("paymentOrderSpm", "paymentOrderOmspan", "paymentOrderDisburse"):
            await office.step(name, order)
        await office.owner.execute(
            "update kks_card set state = 'BLOCKED' where id in (select id from kks_card order by id limit 3)"
        )
        await office.step("paymentOrderInstruct", order)
        file = await office.until_file(order, "TOP_UP")
        assert file["rows"] == FAMILIES - 3
        content = await office.download(file["downloadUrl"])
        assert (await office.report(order, answer_to(content)))["state"] == "SUCCEEDED"
        assert await office.steps(cycle) == {"TOPPED_UP": FAMILIES - 3, "TOP_UP_FAILED": 3}
        await office.step("paymentOrderReturn", order)
    assert await office.steps(cycle) == {"TOPPED_UP": FAMILIES - 3, "RETURNED": 3}
    await office.assert_right()


async def test_who_got_another_card_before_the_bank_found_fault_with_the_old_one_is_in_a_later_order(
    office: Office,
) -> None:
    async with office.worker():
        cycle, order, request = await ordered(office)
        # Activated after the order was made and before the bank answers.
        family = await office.owner.fetchval("select family_id from kks_card order by id limit 1")
        await office.owner.execute("update kks_card set state = 'LOST' where family_id = $1", family)
        await office.owner.execute(
            "insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, activated_at, "
            "state_at) select regency_id, gen_random_uuid(), village_id, family_id, person_id, bank, 'ACTIVE', '0001', "
            "concat('N', md5(id::text)), now(), now() from kks_card where family_id = $1",
            family,
        )
        old = await office.owner.fetchval("select token from kks_card where state = 'LOST'")
        other = next(line.token for line in opened(request)[1] if line.token != old)
        answer = answer_to(request, lambda _number, line: "ACCOUNT_CLOSED" if line.token in {old, other} else "OK")
        assert (await office.report(order, answer))["state"] == "SUCCEEDED"
        assert (await office.steps(cycle))["ACCOUNT_FAILED"] == 2
        # The other one whose account failed has no other card, and is asked about once.
        assert (await office.make(cycle))["entitlements"] == 1
        assert (await office.make(cycle))["entitlements"] == 0
        assert (await office.steps(cycle))["ACCOUNT_FAILED"] == 1
        step = await office.owner.fetchval("select step from entitlement where family_id = $1", family)
        assert step == "ACCOUNT_CHECK"
