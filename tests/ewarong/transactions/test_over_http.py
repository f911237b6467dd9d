"""Transactions over HTTP: what agents, offices and families send, and what each of them is told."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from app.authz.roles import Role
from app.domain.documents.files import public_documents
from tests.ewarong.transactions.selling import PRICE, VILLAGE, plant_kpm
from tests.support.client import ApiClient, Caller
from tests.support.outlets import Kpm, Outlet, agent_principal, balance_of, plant_agent
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

Json = dict[str, Any]
REPORT = """
mutation Report($input: EwarongTransactionReportInput!) {
  ewarongTransactionReport(input: $input) {
    __typename
    ... on EwarongTransactionReported {
      repeated
      transaction { id amount balance receipt lastFour day clockSkew unbalanced }
    }
    ... on InsufficientBalance { balance }
    ... on InvalidInput { fields }
    ... on UserError { code message }
  }
}"""
SYNC = """
mutation Sync($input: EwarongTransactionsSyncInput!) {
  ewarongTransactionsSync(input: $input) {
    ... on EwarongTransactionsSynced {
      clockSkew
      results { idempotencyKey deviceSequence status transactionId receipt amount balance code message field }
    }
    ... on InvalidInput { fields }
    ... on UserError { code message }
  }
}"""
REVERSE = """
mutation Reverse($input: EwarongTransactionReverseInput!) {
  ewarongTransactionReverse(input: $input) {
    ... on EwarongTransactionReversed { repeated transaction { id reversal { amount reason reversedBy day } } }
    ... on UserError { code message }
  }
}"""
READ = """
query Read($agent: ID, $from: Date, $to: Date, $programme: String, $region: String) {
  ewarongTransactions(agent: $agent, from: $from, to: $to, programme: $programme, region: $region, first: 50) {
    totalCount
    nodes {
      id amount
      agent { name }
      programme { code }
      lines { number commodity { code unit } quantity unitPrice amount verdict }
      reversal { reason }
    }
  }
}"""
TOTALS = """
query Totals($region: String!, $from: Date!, $to: Date!, $by: EwarongTotalsLevel!) {
  ewarongDayTotals(region: $region, from: $from, to: $to, by: $by) {
    region { code }
    total { transactions amount reversals reversedAmount }
    rows { day agent { id } region { code } sales { transactions amount reversals reversedAmount } }
  }
}"""
BASKET = [
    {"commodity": "RICE", "quantity": "2.5", "unitPrice": 12_000},
    {"commodity": "EGGS", "quantity": "1", "unitPrice": 28_000},
]


def now() -> datetime:
    return datetime.now(UTC)


def sale(outlet: Outlet, kpm: Kpm, **others: Any) -> Json:
    return {
        "agent": outlet.node,
        "token": kpm.token,
        "lines": BASKET,
        "happenedAt": now().isoformat(),
        "idempotencyKey": str(uuid4()),
    } | others


async def report(caller: Caller, given: Json) -> Json:
    answer: Json = (await caller.query(REPORT, input=given))["ewarongTransactionReport"]
    return answer


async def test_an_agent_reports_and_reports_again_and_reads_what_is_there(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    agent = await agent_principal(market_api, market_owner, outlet)
    given = sale(outlet, kpm, total=PRICE)
    first, again = await report(agent, given), await report(agent, given)
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert first["transaction"] == again["transaction"]
    assert first["transaction"]["balance"] == 200_000 - PRICE
    assert first["transaction"]["lastFour"] == kpm.last_four
    read = (await agent.query(READ))["ewarongTransactions"]
    assert read["totalCount"] == 1
    (node,) = read["nodes"]
    assert node["lines"] == [
        {
            "number": 1,
            "commodity": {"code": "RICE", "unit": "KILOGRAM"},
            "quantity": "2.5",
            "unitPrice": 12_000,
            "amount": 30_000,
            "verdict": None,
        },
        {
            "number": 2,
            "commodity": {"code": "EGGS", "unit": node["lines"][1]["commodity"]["unit"]},
            "quantity": "1",
            "unitPrice": 28_000,
            "amount": 28_000,
            "verdict": None,
        },
    ]
    assert (node["agent"], node["programme"], node["reversal"]) == ({"name": "Warung Uji"}, {"code": "SEMBAKO"}, None)


async def test_refusals_have_types_and_codes(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    agent = await agent_principal(market_api, market_owner, outlet)
    dear = [{"commodity": "RICE", "quantity": "1", "unitPrice": 200_001}]
    low = await report(agent, sale(outlet, kpm, lines=dear))
    assert (low["__typename"], low["code"], low["balance"]) == (
        "InsufficientBalance",
        "INSUFFICIENT_BALANCE",
        200_000,
    )
    for others, kind, code in (
        ({"total": 1}, "Refused", "TOTAL_MISMATCH"),
        ({"token": "nobody"}, "NotFound", "CARD_UNKNOWN"),
        ({"agent": f"EwarongAgent:{BANYUMAS.id}:{uuid4()}"}, "NotFound", "AGENT_UNKNOWN"),
        ({"lines": [{"commodity": "SUGAR", "quantity": "1", "unitPrice": 1}]}, "Refused", "PROHIBITED_COMMODITY"),
        ({"happenedAt": "2024-01-01T00:00:00Z"}, "Refused", "OUTSIDE_PERIOD"),
        ({"lines": []}, "InvalidInput", "EWARONG_TRANSACTION_INVALID"),
        (
            {"lines": [{"commodity": "RICE", "quantity": "x", "unitPrice": 1}]},
            "InvalidInput",
            "EWARONG_TRANSACTION_INVALID",
        ),
    ):
        told = await report(agent, sale(outlet, kpm, **others))
        assert (told["__typename"], told["code"]) == (kind, code)
        assert told["message"]
    done = await report(agent, sale(outlet, kpm, lines=[{**dear[0], "unitPrice": 200_000}]))
    assert done["transaction"]["balance"] == 0


async def test_an_agent_sells_for_no_other_outlet_and_an_officer_for_none(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    neighbour = await plant_agent(market_owner, VILLAGE)
    agent = await agent_principal(market_api, market_owner, outlet)
    other = await agent_principal(market_api, market_owner, neighbour)
    mine = await report(agent, sale(outlet, kpm))
    refused = await report(other, sale(outlet, kpm))
    assert (refused["__typename"], refused["code"]) == ("NotFound", "AGENT_UNKNOWN")
    assert (await other.query(READ))["ewarongTransactions"]["nodes"] == []
    assert (await other.query(READ, agent=outlet.node))["ewarongTransactions"]["totalCount"] == 0
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert (await other.query(node, id=mine["transaction"]["id"]))["node"] is None
    assert (await agent.query(node, id=mine["transaction"]["id"]))["node"] == {"id": mine["transaction"]["id"]}
    verifier = await market_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    assert (await verifier.query(READ, agent=outlet.node))["ewarongTransactions"]["totalCount"] == 1
    assert await verifier.codes(REPORT, input=sale(outlet, kpm)) == ["NOT_PERMITTED"]
    far = await market_api.as_(Role.REGENCY_VERIFIER, CILACAP.code)
    assert (await far.query(READ, agent=outlet.node))["ewarongTransactions"]["totalCount"] == 0


async def test_a_batch_is_answered_item_by_item(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id, balance=100_000)
    agent = await agent_principal(market_api, market_owner, outlet)

    def item(sequence: int, **others: Any) -> Json:
        made = sale(outlet, kpm, deviceSequence=sequence, **others)
        del made["agent"]
        return made

    items = [
        item(3),
        item(2, lines=[{"commodity": "RICE", "quantity": "so", "unitPrice": 1}]),
        item(1),
        item(4, token="nobody"),
        item(5, happenedAt="2016-12-31T00:00:00Z"),
    ]
    given = {
        "agent": outlet.node,
        "deviceId": str(uuid4()),
        "deviceNow": (now() + timedelta(minutes=5)).isoformat(),
        "items": items,
    }
    first = (await agent.query(SYNC, input=given))["ewarongTransactionsSync"]
    assert [(each["deviceSequence"], each["status"], each["code"], each["field"]) for each in first["results"]] == [
        (1, "REPORTED", None, None),
        (2, "REFUSED", "EWARONG_TRANSACTION_INVALID", "lines"),
        (3, "REFUSED", "INSUFFICIENT_BALANCE", None),
        (4, "REFUSED", "CARD_UNKNOWN", None),
        (5, "REFUSED", "EWARONG_TRANSACTION_INVALID", "happenedAt"),
    ]
    assert [each["balance"] for each in first["results"]] == [100_000 - PRICE, None, 100_000 - PRICE, None, None]
    assert 295 < first["clockSkew"] < 305
    again = (await agent.query(SYNC, input=given))["ewarongTransactionsSync"]
    assert [each["status"] for each in again["results"]] == ["REPEATED", *["REFUSED"] * 4]
    assert again["results"][0]["transactionId"] == first["results"][0]["transactionId"]
    assert await balance_of(market_owner, kpm) == 100_000 - PRICE
    none = (await agent.query(SYNC, input={**given, "items": []}))["ewarongTransactionsSync"]
    assert (none["code"], none["fields"]) == ("EWARONG_TRANSACTION_INVALID", ["items"])


async def test_a_report_whose_answer_was_lost_is_told_again_in_a_batch(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    agent = await agent_principal(market_api, market_owner, outlet)
    given = sale(outlet, kpm)
    first = await report(agent, given)
    queued = {name: value for name, value in given.items() if name != "agent"} | {"deviceSequence": 1}
    batch = {"agent": outlet.node, "deviceId": str(uuid4()), "deviceNow": now().isoformat(), "items": [queued]}
    (told,) = (await agent.query(SYNC, input=batch))["ewarongTransactionsSync"]["results"]
    assert (told["status"], told["transactionId"]) == ("REPEATED", first["transaction"]["id"])
    # And the other way round.
    assert (await report(agent, given))["repeated"] is True
    assert await balance_of(market_owner, kpm) == 200_000 - PRICE


async def test_what_is_taken_back_shows_beside_the_transaction_and_in_the_totals(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    agent = await agent_principal(market_api, market_owner, outlet)
    one, _two = await report(agent, sale(outlet, kpm)), await report(agent, sale(outlet, kpm))
    given = {"id": one["transaction"]["id"], "reason": "Salah barang", "idempotencyKey": str(uuid4())}
    done = (await agent.query(REVERSE, input=given))["ewarongTransactionReverse"]
    assert done["repeated"] is False
    assert done["transaction"]["reversal"]["reason"] == "Salah barang"
    assert done["transaction"]["reversal"]["amount"] == PRICE
    assert (await agent.query(REVERSE, input=given))["ewarongTransactionReverse"]["repeated"] is True
    again = (await agent.query(REVERSE, input={**given, "idempotencyKey": str(uuid4())}))["ewarongTransactionReverse"]
    assert again["code"] == "EWARONG_TRANSACTION_REVERSED"
    day = one["transaction"]["day"]
    expected = {"transactions": 2, "amount": 2 * PRICE, "reversals": 1, "reversedAmount": PRICE}
    mine = (await agent.query(TOTALS, region=BANYUMAS.code, to=day, by="AGENT", **{"from": day}))["ewarongDayTotals"]
    assert mine["rows"] == [{"day": day, "agent": {"id": outlet.node}, "region": None, "sales": expected}]
    assert mine["total"] == expected
    verifier = await market_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    for level, region in (("DISTRICT", VILLAGE[:8]), ("REGENCY", BANYUMAS.code)):
        answer = await verifier.query(TOTALS, region=BANYUMAS.code, to=day, by=level, **{"from": day})
        totals = answer["ewarongDayTotals"]
        row = next(each for each in totals["rows"] if each["region"]["code"] == region)
        assert row["sales"]["transactions"] >= 2
        for name in expected:
            assert sum(each["sales"][name] for each in totals["rows"]) == totals["total"][name]


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ({"to": "2025-12-31"}, "EWARONG_DAYS_INVALID"),
        ({"to": "2026-03-01"}, "EWARONG_DAYS_INVALID"),
        ({"region": "33"}, "EWARONG_REGION_TOO_LARGE"),
    ],
)
async def test_totals_have_an_end(others: Json, code: str, market_api: ApiClient) -> None:
    verifier = await market_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    given = {"region": BANYUMAS.code, "from": "2026-01-01", "to": "2026-01-31", "by": "AGENT"}
    assert await verifier.codes(TOTALS, **given) == []
    assert await verifier.codes(TOTALS, **{**given, **others}) == [code]


async def test_a_family_checks_its_receipt_without_a_token_and_learns_nothing_of_anybody(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    agent = await agent_principal(market_api, market_owner, outlet)
    sold = (await report(agent, sale(outlet, kpm)))["transaction"]
    (document,) = [each for each in public_documents() if each.name == "ewarong_receipt"]

    async def asked(code: str) -> Any:
        body = {"query": document.text, "variables": {"code": code}}
        answer = await market_api.http.post("/graphql", json=body, headers={"accept": "application/json"})
        assert answer.status_code == 200, answer.text
        data: Json = answer.json()
        assert "errors" not in data, data
        return data["data"]["ewarongReceipt"]

    as_written = f"{sold['receipt'][:5].lower()}-{sold['receipt'][5:]}"
    told = await asked(as_written)
    assert told == {
        "code": sold["receipt"],
        "amount": PRICE,
        "day": sold["day"],
        "outletName": "Warung Uji",
        "region": {"code": BANYUMAS.code, "name": told["region"]["name"]},
        "reversed": False,
        "lines": [
            {"commodityCode": "RICE", "quantity": "2.5", "unitPrice": 12_000, "amount": 30_000},
            {"commodityCode": "EGGS", "quantity": "1", "unitPrice": 28_000, "amount": 28_000},
        ],
    }
    assert await asked("0000000000") is None
    given = {"id": sold["id"], "reason": "Salah barang", "idempotencyKey": str(uuid4())}
    await agent.query(REVERSE, input=given)
    assert (await asked(sold["receipt"]))["reversed"] is True
