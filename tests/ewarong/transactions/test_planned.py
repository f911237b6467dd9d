"""A report is planned, or done by the stock executor where more than its own row is asked for: both do and say the same."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.domain.ewarong.models.agents import AgentState
from app.schema.root import api
from tests.ewarong.transactions.selling import PRICE, VILLAGE
from tests.ewarong.transactions.test_over_http import REPORT, sale
from tests.support.client import ApiClient, Caller, Json
from tests.support.outlets import Kpm, Outlet, agent_principal, balance_of, plant_agent, plant_kpm
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

MEMBERS = """
  __typename
  ... on EwarongTransactionReported {
    again: repeated
    transaction {
      __typename id amount balance happenedAt receivedAt day clockSkew deviceId deviceSequence latitude longitude lastFour receipt
      unbalanced %s
    }
    twice: transaction { receipt }
  }
  ... on InsufficientBalance { balance }
  ... on InvalidInput { fields }
  ... on UserError { code message }
"""
DOCUMENT = "mutation($input: EwarongTransactionReportInput!) { sold: ewarongTransactionReport(input: $input) { %s } }"
PLANNED = DOCUMENT % (MEMBERS % "")
STOCK = DOCUMENT % (MEMBERS % "lines { amount } agent { id } reversal { reason }")


@pytest_asyncio.fixture
async def outlet(market_owner: "asyncpg.Connection[asyncpg.Record]") -> Outlet:
    return await plant_agent(market_owner, VILLAGE)


@pytest_asyncio.fixture
async def kpm(market_owner: "asyncpg.Connection[asyncpg.Record]") -> Kpm:
    return await plant_kpm(market_owner, BANYUMAS.id)


@pytest_asyncio.fixture
async def agent(market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", outlet: Outlet) -> Caller:
    return await agent_principal(market_api, market_owner, outlet)


async def both(caller: Caller, given: Json, language: str = "id") -> tuple[Json, Json]:
    """What the plan answers and what the stock executor answers, without what only that one can tell."""
    planned = (await caller.post(PLANNED, {"input": given}, accept_language=language)).json()
    stock = (await caller.post(STOCK, {"input": given}, accept_language=language)).json()
    for name in ("lines", "agent", "reversal"):
        (stock["data"]["sold"].get("transaction") or {}).pop(name, None)
    return planned["data"]["sold"], stock["data"]["sold"]


async def test_a_report_of_an_agent_needs_no_stock_executor(agent: Caller, outlet: Outlet, kpm: Kpm) -> None:
    before = api().planner.plans_made
    # A document of its own: what others have asked for before is planned for them.
    asked = f"{REPORT}# {uuid4()}"
    await agent.query(asked, input=sale(outlet, kpm))
    document = api().planner.document(asked)
    assert not isinstance(document, list)
    (operation,) = document.operations.values()
    plans = [plan for (planned, *_), plan in operation.plans.items() if planned is operation.identity]
    assert plans
    assert all(plan.call is not None for plan in plans)
    assert api().planner.plans_made > before


@pytest.mark.parametrize("first", [PLANNED, STOCK])
async def test_whichever_is_first_reports_and_both_repeat_the_same(
    agent: Caller, outlet: Outlet, kpm: Kpm, market_owner: "asyncpg.Connection[asyncpg.Record]", first: str
) -> None:
    given = sale(outlet, kpm, deviceId=str(uuid4()), deviceSequence=7, latitude=-7.42, longitude=109.23)
    reported = (await agent.query(first, input=given))["sold"]
    planned, stock = await both(agent, given)
    assert planned == stock
    assert list(planned) == list(stock)
    assert (reported["again"], planned["again"]) == (False, True)
    assert planned["transaction"]["receipt"] == reported["transaction"]["receipt"] == planned["twice"]["receipt"]
    assert await balance_of(market_owner, kpm) == 200_000 - PRICE


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"total": 1}, "TOTAL_MISMATCH"),
        ({"token": "unknown"}, "CARD_UNKNOWN"),
        ({"token": ""}, "EWARONG_TRANSACTION_INVALID"),
        ({"lines": []}, "EWARONG_TRANSACTION_INVALID"),
        ({"agent": "EwarongAgent:3302:nonsense"}, "ID_INVALID"),
        ({"lines": [{"commodity": "RICE", "quantity": "100", "unitPrice": 12_000}]}, "INSUFFICIENT_BALANCE"),
        ({"lines": [{"commodity": "STONES", "quantity": "1", "unitPrice": 12_000}]}, "COMMODITY_UNKNOWN"),
        ({"lines": [{"commodity": "RICE", "quantity": "a", "unitPrice": 12_000}]}, "EWARONG_TRANSACTION_INVALID"),
        ({"happenedAt": "2019-01-01T00:00:00Z"}, "OUTSIDE_PERIOD"),
    ],
)
async def test_refusals_are_the_same(
    agent: Caller, outlet: Outlet, kpm: Kpm, changed: dict[str, Any], code: str
) -> None:
    for language in ("id", "en"):
        planned, stock = await both(agent, sale(outlet, kpm, **changed), language)
        assert planned == stock
        assert planned["code"] == code


async def test_another_request_under_the_same_key_is_refused_by_both(agent: Caller, outlet: Outlet, kpm: Kpm) -> None:
    given = sale(outlet, kpm)
    await agent.query(PLANNED, input=given)
    planned, stock = await both(agent, given | {"total": PRICE})
    assert planned == stock
    assert planned["code"] == "IDEMPOTENCY_CONFLICT"


async def test_the_outlet_of_another_is_for_both_as_one_that_is_not_there(
    agent: Caller, kpm: Kpm, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    others = await plant_agent(market_owner, VILLAGE)
    answers = [
        *await both(agent, sale(others, kpm)),
        *await both(agent, sale(Outlet(VILLAGE, uuid4()), kpm)),
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["code"] == "AGENT_UNKNOWN"


async def test_an_outlet_that_may_not_serve_is_refused_by_both(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", kpm: Kpm
) -> None:
    frozen = await plant_agent(market_owner, VILLAGE, state=AgentState.FROZEN)
    caller = await agent_principal(market_api, market_owner, frozen)
    planned, stock = await both(caller, sale(frozen, kpm))
    assert planned == stock
    assert planned["code"] == "AGENT_SUSPENDED"
