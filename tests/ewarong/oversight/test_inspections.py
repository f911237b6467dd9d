"""Inspections: the whole checklist, photos by their hash, where and when; sent again after a lost connection."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.authz.roles import Role
from app.domain.ewarong.models.agents import AgentState
from app.domain.ewarong.oversight.loading import shipped_checklist
from tests.ewarong.agents.paperwork import mutate
from tests.ewarong.oversight.office import Office
from tests.ewarong.oversight.reports import INSPECTION, REPORTED, report
from tests.support.client import Caller, Json
from tests.support.outlets import plant_agent, set_state
from tests.support.world import BANYUMAS

CODES = {item.code for item in shipped_checklist().items}


async def send(caller: Caller, given: Json) -> Json:
    said = await mutate(caller, "ewarongInspectionReport", REPORTED, **given)
    kept: Json = said.get("inspection", said)
    return kept


async def test_an_inspection_is_kept_with_the_whole_checklist(office: Office) -> None:
    kept = await send(office.tksk, report(office.outlet.node))
    assert (kept["met"], kept["notMet"], kept["photos"]) == (1, 1, ["0a" * 32, "ff" * 32])
    assert datetime.fromisoformat(kept["inspectedAt"]) == datetime(2026, 3, 10, 2, tzinfo=UTC)
    assert (kept["latitude"], kept["longitude"], kept["agent"]) == (-7.42, 109.24, {"id": office.outlet.node})
    found = {each["item"]["code"]: each for each in kept["findings"]}
    assert found.keys() == CODES
    price = found["PRICE_WITHIN_REFERENCE"]
    assert (price["result"], price["note"], price["item"]["violation"]) == (
        "NOT_MET",
        "beras 15.000, acuan 12.500",
        "UNFAIR_PRICE",
    )
    others = {each["result"] for code, each in found.items() if code not in {"PRICE_WITHIN_REFERENCE", "RECEIPT_GIVEN"}}
    assert others == {"NOT_CHECKED"}


@pytest.mark.parametrize("role", [Role.TKSK, Role.PSM, Role.REGENCY_VERIFIER, Role.FOOD_TASK_FORCE])
async def test_whoever_inspects_reads_it_back_by_its_id(office: Office, role: Role) -> None:
    code = BANYUMAS.district(1) if role in {Role.TKSK, Role.PSM} else BANYUMAS.code
    caller = await office.api.as_(role, code)
    kept = await send(caller, report(office.outlet.node))
    document = f"query($id: ID!) {{ node(id: $id) {{ ... on EwarongInspection {{ {INSPECTION} }} }} }}"
    assert (await caller.query(document, id=kept["id"]))["node"] == kept


async def test_an_inspection_sent_again_is_kept_once(office: Office) -> None:
    given = report(office.outlet.node)
    answers = await asyncio.gather(*(send(office.tksk, given) for _ in range(4)))
    assert len({each["id"] for each in answers}) == 1
    other = await send(office.tksk, given | {"note": "Warung sepi."})
    assert (other["__typename"], other["code"]) == ("Conflict", "IDEMPOTENCY_CONFLICT")
    somebody_else = await send(office.verifier, given)
    assert somebody_else["code"] == "IDEMPOTENCY_CONFLICT"


async def test_an_outlet_is_inspected_in_whatever_state(office: Office) -> None:
    await set_state(office.owner, office.outlet, AgentState.PROPOSED)
    assert (await send(office.tksk, report(office.outlet.node)))["met"] == 1


def ahead(**by: float) -> str:
    return (datetime.now(UTC) + timedelta(**by)).isoformat()


@pytest.mark.parametrize(
    ("others", "code", "fields"),
    [
        ({"inspectedAt": ahead(hours=2)}, "INSPECTED_IN_FUTURE", ["inspectedAt"]),
        ({"latitude": 52.5, "longitude": 13.4}, "PLACE_INVALID", ["latitude", "longitude"]),
        ({"longitude": None}, "PLACE_INVALID", ["latitude", "longitude"]),
        ({"photos": [f"{number:064x}" for number in range(21)]}, "PHOTOS_INVALID", ["photos"]),
        ({"photos": ["0a" * 32, "0a" * 32]}, "PHOTOS_INVALID", ["photos"]),
        ({"photos": ["kucing"]}, "PHOTOS_INVALID", ["photos"]),
        ({"photos": ["0A" * 32]}, "PHOTOS_INVALID", ["photos"]),
        ({"photos": ["0a" * 32 + "\n"]}, "PHOTOS_INVALID", ["photos"]),
        ({"items": []}, "CHECKLIST_ITEMS_INVALID", ["items"]),
        ({"items": [{"code": "RECEIPT_GIVEN", "result": "NOT_CHECKED"}]}, "CHECKLIST_ITEMS_INVALID", ["items"]),
        ({"items": [{"code": "RECEIPT_GIVEN", "result": "MET"}] * 2}, "CHECKLIST_ITEMS_INVALID", ["items"]),
        ({"items": [{"code": "NO_SUCH", "result": "MET"}]}, "CHECKLIST_ITEMS_INVALID", ["items"]),
        ({"items": [{"code": "A\0", "result": "MET"}]}, "CHECKLIST_ITEMS_INVALID", ["items"]),
        ({"inspectedAt": "2017-12-31T03:00:00Z"}, "CHECKLIST_ITEMS_INVALID", ["items"]),
        ({"note": "Ibu 9902010101900001"}, "PERSONAL_NUMBER", ["note"]),
        ({"note": "x" * 2001}, "TEXT_LENGTH", ["note"]),
        (
            {"items": [{"code": "RECEIPT_GIVEN", "result": "MET", "note": "kartu 6013 0102 0304 0506"}]},
            "PERSONAL_NUMBER",
            ["items"],
        ),
    ],
)
async def test_what_cannot_be_is_refused_by_name(office: Office, others: Json, code: str, fields: list[str]) -> None:
    refused = await send(office.tksk, report(office.outlet.node, **others))
    assert (refused.get("__typename"), refused.get("code"), refused.get("fields")) == ("InvalidInput", code, fields)
    assert not await office.owner.fetchval(
        "select count(*) from ewarong_inspection where agent_id = $1", office.outlet.id
    )


async def test_twenty_photos_and_a_clock_a_little_ahead_are_taken(office: Office) -> None:
    photos = [f"{number:064x}" for number in range(20)]
    given = report(office.outlet.node, photos=photos, inspectedAt=ahead(minutes=1), latitude=None, longitude=None)
    kept = await send(office.tksk, given)
    assert (kept["photos"], kept["latitude"]) == (photos, None)
    assert (await send(office.tksk, report(office.outlet.node, photos=[])))["photos"] == []


async def test_the_day_of_an_inspection_is_that_of_the_outlet(office: Office) -> None:
    """An item that ends on a day is asked until midnight there, which is in the afternoon of UTC."""
    await office.owner.execute(
        "insert into ewarong_checklist_item values ('LAST_DAY', '?', '?', null, '2026-03-10', '2026-03-10', 'uji')"
    )
    try:
        items = [{"code": "LAST_DAY", "result": "MET"}]
        for moment, kept in (
            ("2026-03-09T16:59:00Z", False),
            ("2026-03-09T17:01:00Z", True),
            ("2026-03-10T16:59:00Z", True),
            ("2026-03-10T17:01:00Z", False),
        ):
            said = await send(office.tksk, report(office.outlet.node, items=items, inspectedAt=moment))
            assert (said.get("met") == 1) == kept, moment
    finally:
        await office.owner.execute("delete from ewarong_finding where item_code = 'LAST_DAY'")
        await office.owner.execute("delete from ewarong_checklist_item where code = 'LAST_DAY'")


LISTED = """query($agent: ID, $region: String, $first: Int, $after: String) {
  ewarongInspections(agent: $agent, region: $region, first: $first, after: $after) {
    totalCount nodes { id } pageInfo { endCursor hasNextPage } } }"""


async def listed(caller: Caller, **given: Any) -> Json:
    page: Json = (await caller.query(LISTED, **given))["ewarongInspections"]
    return page


async def test_inspections_are_listed_the_newest_first_by_outlet_and_region(office: Office) -> None:
    kept = [(await send(office.tksk, report(office.outlet.node)))["id"] for _ in range(3)]
    other = await plant_agent(office.owner, BANYUMAS.village(2, 1))
    elsewhere = (await send(office.verifier, report(other.node)))["id"]
    page = await listed(office.verifier, agent=office.outlet.node, first=2)
    assert ([each["id"] for each in page["nodes"]], page["totalCount"]) == (kept[:0:-1], 3)
    page = await listed(office.verifier, agent=office.outlet.node, first=2, after=page["pageInfo"]["endCursor"])
    assert [each["id"] for each in page["nodes"]] == kept[:1]
    assert [each["id"] for each in (await listed(office.verifier, region=BANYUMAS.village(2, 1)))["nodes"]] == [
        elsewhere
    ]
    of_district = {each["id"] for each in (await listed(office.tksk, first=100))["nodes"]}
    assert elsewhere not in of_district >= set(kept)


async def test_the_checklist_is_that_of_the_day(office: Office) -> None:
    document = "query($on: Date!) { ewarongChecklist(on: $on) { code question questionEnglish violation source } }"
    items = (await office.tksk.query(document, on="2026-03-10"))["ewarongChecklist"]
    assert {item["code"] for item in items} == CODES
    assert all(item["question"] and item["questionEnglish"] and item["source"] for item in items)
    assert (await office.tksk.query(document, on="2017-12-31"))["ewarongChecklist"] == []


async def test_a_violation_is_recorded_from_an_inspection_of_that_outlet_alone(office: Office) -> None:
    kept = await send(office.tksk, report(office.outlet.node))
    neighbour = await Office.open(office.api, office.owner)
    refused = await neighbour.record(inspection=kept["id"])
    assert (refused["__typename"], refused["code"]) == ("NotFound", "EWARONG_INSPECTION_NOT_FOUND")
    refused = await office.record(inspection=f"EwarongInspection:3302:{uuid4()}")
    assert refused["code"] == "EWARONG_INSPECTION_NOT_FOUND"
    violation = await office.record(inspection=kept["id"])
    document = "query($id: ID!) { node(id: $id) { ... on EwarongViolation { inspection { id note } } } }"
    found = (await office.verifier.query(document, id=violation["id"]))["node"]["inspection"]
    assert found == {"id": kept["id"], "note": "Warung ramai."}
