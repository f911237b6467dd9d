"""Signals through the API: who may look, see and judge; an outlet is told of none."""

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.jobs.models import JobKind
from app.schema.ewarong.signals_running import screen_transactions
from app.settings import Settings
from app.worker import Worker
from tests.ewarong.signals.stall import Bazaar, Buyer, Stall
from tests.jobs.workshop import QUICK, eventually
from tests.support.client import ApiClient, Caller, api_of
from tests.support.outlets import Outlet, agent_principal

THERE: Final = "33.01.01.2001"
START: Final = """mutation($input: EwarongScreeningStartInput!) { answer: ewarongScreeningStart(input: $input) {
  __typename ... on UserError { code message } ... on InvalidInput { fields }
  ... on EwarongScreeningStarted { screening {
    id firstDay lastDay signals startedBy finishedAt region { code } job { kind state } } } } }"""
SCREENINGS: Final = (
    "query($region: String) { ewarongScreenings(region: $region) { nodes { id signals finishedAt job { state } } } }"
)
SIGNALS: Final = """query($region: String, $state: EwarongSignalState, $code: EwarongSignalCode, $agent: ID) {
  ewarongSignals(region: $region, state: $state, code: $code, agent: $agent, first: 50) { totalCount nodes {
    id code description descriptionEnglish regionCode agent { id name } family { id } district { code } supplier { id }
    firstDay lastDay measured threshold unit transactionCount state triagedBy triageReason version
    transactions(first: 5) { totalCount nodes { id lastFour } } } } }"""
TRIAGE: Final = """mutation($input: EwarongSignalTriageInput!) { answer: ewarongSignalTriage(input: $input) {
  __typename ... on UserError { code message } ... on InvalidInput { fields }
  ... on EwarongSignalTriaged { signal { id state triagedBy triageReason version } } } }"""
RECORD: Final = """mutation($input: EwarongViolationRecordInput!) { answer: ewarongViolationRecord(input: $input) {
  __typename ... on UserError { code } ... on EwarongViolationRecorded { violation { signalId } } } }"""


@pytest_asyncio.fixture(scope="module")
async def api(api_settings: Settings, bazaar: Bazaar) -> AsyncIterator[ApiClient]:
    async with api_of(api_settings, bazaar.server) as client:
        yield client


@pytest_asyncio.fixture
async def verifier(api: ApiClient) -> Caller:
    return await api.as_(Role.REGENCY_VERIFIER, "33.01")


@pytest_asyncio.fixture
async def outlet(stall: Stall) -> Outlet:
    """It sold at night to families of Banyumas, and reported no other sales: F4, F5 and F11."""
    outlet = await stall.open(THERE)
    for hour in (22, 23):
        await stall.sell(outlet, stall.at(20, hour), to=Buyer(3302))
    return outlet


def asked(stall: Stall, **others: Any) -> dict[str, Any]:
    days = {"firstDay": stall.asked.first_day.isoformat(), "lastDay": stall.asked.first_day.isoformat()}
    return {"region": "33.01", "idempotencyKey": str(uuid4()), **days} | others


async def start(caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = (await caller.query(START, input=given))["answer"]
    return answer


async def screened(settings: Settings, bazaar: Bazaar, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
    """The screening of ``given`` once a worker has done it."""
    started = (await start(caller, given))["screening"]

    async def screening() -> dict[str, Any]:
        nodes = (await caller.query(SCREENINGS))["ewarongScreenings"]["nodes"]
        return next(node for node in nodes if node["id"] == started["id"])

    async def is_over() -> bool:
        return (await screening())["job"]["state"] in {"SUCCEEDED", "FAILED"}

    worker = Worker(settings, bazaar.server, {JobKind.EWARONG_SCREENING: screen_transactions}, pace=QUICK)
    async with worker.working():
        await eventually(is_over)
    return await screening()


async def signals(caller: Caller, **arguments: Any) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = (await caller.query(SIGNALS, **arguments))["ewarongSignals"]["nodes"]
    return nodes


async def test_days_at_the_end_of_the_calendar_are_days_to_come(verifier: Caller, stall: Stall) -> None:
    for first, last in (("9999-12-29", "9999-12-30"), ("9999-12-30", "9999-12-30"), ("2026-01-01", "9999-12-30")):
        refused = await start(verifier, asked(stall, firstDay=first, lastDay=last))
        assert (refused["__typename"], refused["code"]) == ("InvalidInput", "SCREENING_DAYS_INVALID")


async def test_a_screening_is_started_and_what_it_finds_is_listed_and_triaged(
    api_settings: Settings, bazaar: Bazaar, stall: Stall, outlet: Outlet, verifier: Caller
) -> None:
    given = asked(stall)
    started = await start(verifier, given)
    assert (started["__typename"], started["screening"]["job"]) == (
        "EwarongScreeningStarted",
        {"kind": "EWARONG_SCREENING", "state": "QUEUED"},
    )
    assert (started["screening"]["signals"], started["screening"]["region"]) == (None, {"code": "33.01"})
    done = await screened(api_settings, bazaar, verifier, given)
    assert (done["id"], done["signals"], done["job"]) == (started["screening"]["id"], 3, {"state": "SUCCEEDED"})
    assert done["finishedAt"] is not None
    found = {node["code"]: node for node in await signals(verifier)}
    assert {code: (node["measured"], node["threshold"], node["unit"]) for code, node in found.items()} == {
        "F4": (2.0, 0.0, "TRANSACTIONS"),
        "F5": (2.0, 0.0, "TRANSACTIONS"),
        "F11": (0.0, 1.0, "RUPIAH"),
    }
    night = found["F4"]
    assert (night["agent"], night["regionCode"]) == ({"id": outlet.node, "name": "Warung Uji"}, THERE)
    assert night["description"].startswith("Transaksi di luar jam")
    assert night["descriptionEnglish"].startswith("Sold at an hour")
    assert (night["transactionCount"], night["transactions"]["totalCount"]) == (2, 2)
    assert {node["lastFour"] for node in night["transactions"]["nodes"]} == {"0001"}

    judged = {"id": night["id"], "state": "CONFIRMED", "reason": "Dua malam", "version": night["version"]}
    answer = (await verifier.query(TRIAGE, input=judged))["answer"]
    assert (answer["signal"]["state"], answer["signal"]["triageReason"]) == ("CONFIRMED", "Dua malam")
    assert answer["signal"]["triagedBy"]
    again = (await verifier.query(TRIAGE, input=judged | {"state": "DISMISSED"}))["answer"]
    assert (again["__typename"], again["code"]) == ("Conflict", "EWARONG_SIGNAL_CHANGED")
    empty = (await verifier.query(TRIAGE, input=judged | {"reason": " ", "version": 2}))["answer"]
    assert (empty["__typename"], empty["fields"]) == ("InvalidInput", ["reason"])
    kept = await stall.owner.fetch(
        "select operation, subject_ids from audit_event where subject_type = 'EwarongSignal' and action = 'CHANGE'"
    )
    assert [(row["operation"], *row["subject_ids"]) for row in kept] == [
        ("ewarongSignalTriage", UUID(night["id"].rpartition(":")[2]))
    ]
    assert [node["code"] for node in await signals(verifier, state="CONFIRMED")] == ["F4"]
    assert [node["code"] for node in await signals(verifier, state="OPEN", code="F5")] == ["F5"]
    assert len(await signals(verifier, agent=outlet.node, region=THERE)) == 3
    assert await signals(verifier, agent=f"EwarongAgent:3301:{uuid4()}") == []
    recorded = {
        "agent": outlet.node,
        "code": "BALANCE_TAKEN_FIRST",
        "description": "Uji",
        "idempotencyKey": str(uuid4()),
    }
    violation = (await verifier.query(RECORD, input=recorded | {"signal": night["id"]}))["answer"]
    assert violation["violation"]["signalId"] == night["id"]


async def test_signals_of_another_region_are_not_there(  # noqa: PLR0917  (fixtures)
    api: ApiClient, api_settings: Settings, bazaar: Bazaar, stall: Stall, outlet: Outlet, verifier: Caller
) -> None:
    await screened(api_settings, bazaar, verifier, asked(stall))
    (signal, *_) = await signals(verifier)
    neighbour = await api.as_(Role.REGENCY_VERIFIER, "33.02")
    assert await signals(neighbour) == []
    assert await signals(neighbour, agent=outlet.node) == []
    node = "query($id: ID!) { node(id: $id) { id } }"
    assert await neighbour.query(node, id=signal["id"]) == {"node": None}
    assert await verifier.query(node, id=signal["id"]) == {"node": {"id": signal["id"]}}
    judged = {"id": signal["id"], "state": "CONFIRMED", "reason": "Uji", "version": signal["version"]}
    missing = judged | {"id": f"EwarongSignal:3301:{uuid4()}"}
    refused = [(await neighbour.query(TRIAGE, input=given))["answer"] for given in (judged, missing)]
    assert refused[0] == refused[1]
    assert refused[0]["code"] == "EWARONG_SIGNAL_NOT_FOUND"
    elsewhere = [await start(neighbour, asked(stall, region=region)) for region in ("33.01", "99.99")]
    assert [answer["code"] for answer in elsewhere] == ["SCREENING_REGION_NOT_FOUND"] * 2


async def test_an_outlet_and_others_who_have_no_business_see_no_signals(  # noqa: PLR0917  (fixtures)
    api: ApiClient, api_settings: Settings, bazaar: Bazaar, stall: Stall, outlet: Outlet, verifier: Caller
) -> None:
    await screened(api_settings, bazaar, verifier, asked(stall))
    (signal, *_) = await signals(verifier)
    judged = {"id": signal["id"], "state": "DISMISSED", "reason": "Uji", "version": signal["version"]}
    keeper = await agent_principal(api, stall.owner, outlet)
    for caller in (keeper, await api.as_(Role.BANK_OFFICER), await api.as_(Role.FOOD_TASK_FORCE, "33.01")):
        assert "NOT_PERMITTED" in await caller.codes(SIGNALS)
        assert "NOT_PERMITTED" in await caller.codes(SCREENINGS)
        assert await caller.codes(START, input=asked(stall)) == ["NOT_PERMITTED"]
        assert await caller.codes(TRIAGE, input=judged) == ["NOT_PERMITTED"]
        assert await caller.query("query($id: ID!) { node(id: $id) { id } }", id=signal["id"]) == {"node": None}
    analyst = await api.as_(Role.MINISTRY_ANALYST)
    assert len(await signals(analyst)) == 3
    assert await analyst.codes(TRIAGE, input=judged) == ["NOT_PERMITTED"]


@pytest.mark.parametrize(
    ("others", "code", "fields"),
    [
        ({"region": "3301"}, "REGION_CODE_MALFORMED", ["region"]),
        ({"lastDay": "2018-01-01"}, "SCREENING_DAYS_INVALID", ["firstDay", "lastDay"]),
    ],
)
async def test_what_cannot_be_screened_is_refused_by_name(
    stall: Stall, verifier: Caller, others: dict[str, Any], code: str, fields: list[str]
) -> None:
    answer = await start(verifier, asked(stall, **others))
    assert (answer["code"], answer["fields"]) == (code, fields)
