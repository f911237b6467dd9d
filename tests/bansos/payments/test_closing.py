"""The end of a cycle: nobody waits, three books agree, and only then is it closed."""

from typing import Any

import pytest

from tests.bansos.payments.answers import answer_to
from tests.bansos.payments.office import AMOUNT, FAMILIES, Office, key_of
from tests.bansos.payments.test_results import mostly_good
from tests.support.triggers import past_triggers


def document(name: str) -> str:
    return (
        f"mutation($id: ID!, $version: Int!) {{ answer: {name}(input: {{id: $id, version: $version}}) {{ __typename "
        "... on CycleEnding { cycle { id state version } } ... on UserError { code message } } }"
    )


async def end(office: Office, name: str, cycle: str) -> Any:
    """Take a cycle one step on; the answer."""
    version = await office.owner.fetchval("select version from aid_cycle where id = $1", key_of(cycle))
    return (await (await office.admin()).query(document(name), id=cycle, version=version))["answer"]


async def paid(office: Office) -> tuple[str, str]:
    """A cycle all of whose families were paid or not, but for what has to be returned, and its order."""
    cycle = await office.cycle()
    await office.make(cycle)
    (order,) = await office.orders(cycle)
    for kind in ("ACCOUNT_CHECK", "TOP_UP"):
        request = await office.download((await office.until_file(order["id"], kind))["downloadUrl"])
        assert (await office.report(order["id"], answer_to(request, mostly_good)))["state"] == "SUCCEEDED"
        if kind == "ACCOUNT_CHECK":
            await office.to_instruction(order["id"])
    return cycle, order["id"]


async def test_a_cycle_ends_in_three_steps_none_of_which_is_left_out(office: Office) -> None:
    async with office.worker():
        cycle, order = await paid(office)
        assert (await end(office, "cycleReconcile", cycle))["code"] == "CYCLE_STATE_WRONG"
        refused = await end(office, "cycleSettle", cycle)
        assert (refused["code"], "2" in refused["message"]) == ("CYCLE_UNSETTLED", True)
        await office.step("paymentOrderReturn", order)
        for name, state in (("cycleSettle", "PAID"), ("cycleReconcile", "RECONCILED"), ("cycleClose", "CLOSED")):
            answer = await end(office, name, cycle)
            assert answer["cycle"]["state"] == state, answer
            assert (await end(office, name, cycle))["code"] == "CYCLE_STATE_WRONG"
            await office.assert_right()
        assert (await office.make(cycle, version=4))["code"] == "CYCLE_STATE_WRONG"


async def test_a_cycle_with_an_order_under_way_is_not_settled(office: Office) -> None:
    cycle = await office.cycle()
    assert (await end(office, "cycleSettle", cycle))["code"] == "CYCLE_UNSETTLED"
    await office.make(cycle)
    assert (await end(office, "cycleSettle", cycle))["code"] == "CYCLE_UNSETTLED"


@pytest.mark.parametrize(
    ("tampered", "told"),
    [
        ("update entitlement set step = 'TOPPED_UP' where step = 'RETURNED'", f"TOPPED_UP - TOP_UP {2 * AMOUNT:+d}"),
        ("update payment_order set valid_amount = valid_amount + 1", "SP2D - RELEASE +1"),
        (
            "update entitlement set amount = amount - 7 where step = 'RETURNED'",
            "RETURNED - RELEASE_RETURN -14",
        ),
    ],
)
async def test_books_that_differ_are_told_with_the_difference_in_rupiah(
    office: Office, tampered: str, told: str
) -> None:
    async with office.worker():
        cycle, order = await paid(office)
        await office.step("paymentOrderReturn", order)
        await end(office, "cycleSettle", cycle)
        async with past_triggers(office.owner):
            await office.owner.execute(tampered)
        refused = await end(office, "cycleReconcile", cycle)
        assert refused["code"] == "CYCLE_DIFFERS"
        assert told in refused["message"]


async def test_a_family_that_another_revision_has_paid_is_cancelled(office: Office) -> None:
    async with office.worker():
        cycle, _ = await paid(office)
        await office.owner.execute("update aid_cycle set state = 'SUPERSEDED' where id = $1", key_of(cycle))
        again = await office.cycle(revision=2)
        made = await office.make(again)
    # Two accounts had failed, so nobody was paid for them: they get another chance.
    assert (made["cancelled"], made["entitlements"]) == (FAMILIES - 2, 2)
    assert await office.steps(again) == {"CANCELLED": FAMILIES - 2, "ACCOUNT_CHECK": 2}
