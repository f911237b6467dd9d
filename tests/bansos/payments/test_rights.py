"""Who may pay, who may bring answers, and who sees nothing of it."""

from uuid import uuid4

import pytest

from app.authz.roles import Role
from tests.bansos.payments.answers import answer_to
from tests.bansos.payments.office import MAKE, ORDERS, READ, STEPS, Office
from tests.support.world import BANYUMAS, CILACAP

BANKER = Role.BANK_OFFICER


async def test_a_bank_brings_its_answers_and_makes_no_orders(office: Office) -> None:
    banker = await office.api.as_(BANKER, BANYUMAS.code)
    async with office.worker():
        cycle = await office.cycle()
        assert await banker.codes(MAKE, input={"cycle": cycle, "version": 1}) == ["NOT_PERMITTED"]
        await office.make(cycle)
        (order,) = await office.orders(cycle)
        await office.until_file(order["id"], "ACCOUNT_CHECK")
        link = "query { paymentOrders { nodes { files { nodes { format downloadUrl } } } } }"
        (seen,) = (await banker.query(link))["paymentOrders"]["nodes"]
        url = next(each["downloadUrl"] for each in seen["files"]["nodes"] if each["format"] == "FIXED")
        answer = answer_to(await office.download(url))
        given = {
            "order": order["id"],
            "uploadId": await office.upload(answer, banker),
            "idempotencyKey": str(uuid4()),
        }
        done = (await banker.query(READ.replace("job { id }", ""), input=given))["answer"]
        assert done["__typename"] == "BankResultsReading", done
        await office.until(order["id"], "ACCOUNTS_CHECKED")
        for name, document in STEPS.items():
            others = {"number": "1"} if "$number" in document else {}
            assert await banker.codes(document, id=order["id"], version=1, **others) == ["NOT_PERMITTED"], name
    fetched = await office.owner.fetch(
        "select operation, action, row_count from audit_event where operation = 'bankFile' and village_low / 1000000 = $1",
        BANYUMAS.id,
    )
    assert ("bankFile", "EXPORT", 48) in {tuple(row) for row in fetched}


async def test_an_upload_of_a_bank_is_for_its_own_region(office: Office) -> None:
    banker = await office.api.as_(BANKER, BANYUMAS.code)
    for caller, region, status in (
        (banker, BANYUMAS.code, 201),
        (banker, CILACAP.code, 404),
        (await office.api.as_(Role.PSM, BANYUMAS.village(1, 1)), BANYUMAS.code, 403),
    ):
        sent = await office.api.http.post(
            f"/uploads?region={region}",
            content=b"H|KESOS1\n",
            headers={
                "authorization": f"Bearer {caller.token}",
                "content-type": "application/octet-stream",
                "content-disposition": 'attachment; filename="hasil.txt"',
            },
        )
        assert sent.status_code == status, sent.text


async def test_a_neighbour_sees_no_order_and_reaches_none(office: Office) -> None:
    stranger = await office.admin(CILACAP.code)
    async with office.worker():
        cycle = await office.cycle()
        refused = (await stranger.query(MAKE, input={"cycle": cycle, "version": 1}))["answer"]
        missing = (await stranger.query(MAKE, input={"cycle": f"AidCycle:3302:{uuid4()}", "version": 1}))["answer"]
        assert refused == missing
        assert refused["code"] == "CYCLE_NOT_FOUND"
        await office.make(cycle)
        (order,) = await office.orders(cycle)
        file = await office.until_file(order["id"], "ACCOUNT_CHECK")
        assert (await stranger.query(ORDERS, cycle=cycle))["paymentOrders"]["totalCount"] == 0
        answer = answer_to(await office.download(file["downloadUrl"]))
        given = {
            "order": order["id"],
            "uploadId": await office.upload(answer, stranger, CILACAP.code),
            "idempotencyKey": str(uuid4()),
        }
        assert (await stranger.query(READ, input=given))["answer"]["code"] == "PAYMENT_ORDER_NOT_FOUND"
        # Nor does the right order take what somebody else has sent.
        mine = (await (await office.admin()).query(READ, input=given))["answer"]
        assert mine["__typename"] == "NotFound"


@pytest.mark.parametrize("change", [lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"), lambda url: f"{url}x"])
async def test_a_link_that_was_changed_leads_nowhere_and_one_of_exports_is_none_here(
    office: Office, change: object
) -> None:
    assert callable(change)
    async with office.worker():
        cycle = await office.cycle(families=3)
        await office.make(cycle)
        (order,) = await office.orders(cycle)
        url = (await office.until_file(order["id"], "ACCOUNT_CHECK"))["downloadUrl"]
        assert (await office.api.http.get(change(url))).status_code == 404
        assert (await office.api.http.get(url.replace("/bank-files/", "/exports/"))).status_code == 404
        assert (await office.api.http.post(url)).status_code == 404
        told = await office.download(url)
        token = await office.owner.fetchval("select token from kks_card limit 1")
        assert token.encode() in told
        shown = str(await (await office.admin()).query(ORDERS, cycle=cycle))
        assert token not in shown
