"""Who may do what about outlets, and whose: allowed beside denied; and what an outlet is not told."""

from typing import Any, Final
from uuid import uuid4

import pytest

from app.authz.development import ensure_principal
from app.authz.roles import Role
from app.tenants.region_path import RegionPath
from tests.ewarong.agents.paperwork import mutate
from tests.ewarong.oversight.office import FIELDS, Office, act
from tests.ewarong.oversight.reports import REPORTED, report
from tests.support.client import Caller, Json
from tests.support.outlets import agent_principal, plant_agent
from tests.support.world import BANYUMAS, CILACAP

MAY: Final = {
    "ewarongInspectionReport": {Role.PSM, Role.TKSK, Role.PKH_FACILITATOR, Role.REGENCY_VERIFIER, Role.FOOD_TASK_FORCE},
    "ewarongViolationRecord": {Role.TKSK, Role.REGENCY_VERIFIER, Role.FOOD_TASK_FORCE},
    "ewarongViolationWarn": {Role.REGENCY_ADMIN},
    "ewarongViolationDismiss": {Role.REGENCY_ADMIN},
    "ewarongViolationRemedied": {Role.REGENCY_ADMIN},
    "ewarongViolationRecommend": {Role.REGENCY_APPROVER},
    "ewarongAppealAnswer": {Role.REGENCY_APPROVER},
    "ewarongViolationDecide": {Role.BANK_OFFICER},
    "ewarongViolationReply": {Role.EWARONG_AGENT},
    "ewarongViolationAppeal": {Role.EWARONG_AGENT},
}
NATIONAL: Final = {role for role in Role if role.value.startswith(("MINISTRY", "AUDITOR", "SYSTEM"))}
READ: Final = "query { ewarongViolations(first: 100) { nodes { id } } }"
INSPECTIONS: Final = "query { ewarongInspections(first: 100) { nodes { id } } }"


def _given(name: str, violation: Json, outlet: str) -> Json:
    step = {"id": violation["id"], "version": violation["version"], "reason": "Sesuai berita acara."}
    key = {"idempotencyKey": str(uuid4())}
    statement = {"id": violation["id"], "version": violation["version"], "text": "Sesuai berita acara."}
    return {
        "ewarongInspectionReport": report(outlet),
        "ewarongViolationRecord": {"agent": outlet, "code": "LEVY", "description": "Ada pungutan.", **key},
        "ewarongViolationDecide": {**step, "decision": "KEPT_BY_BANK"},
        "ewarongAppealAnswer": {**statement, "accepted": True},
        "ewarongViolationReply": statement | key,
        "ewarongViolationAppeal": statement | key,
    }.get(name, step)


async def _tried(caller: Caller, name: str, given: Json) -> tuple[list[str], Any]:
    capital = name[0].upper() + name[1:]
    document = (
        f"mutation($i: {capital}Input!) {{ done: {name}(input: $i) {{ __typename ... on UserError {{ code }} }} }}"
    )
    answer = await caller.answer(document, i=given)
    return [each["extensions"]["code"] for each in answer.get("errors", [])], (answer.get("data") or {}).get("done")


@pytest.mark.parametrize("name", MAY)
async def test_who_may_and_who_may_not(office: Office, name: str) -> None:
    violation = await office.record()
    for role in Role:
        bound = role is Role.EWARONG_AGENT
        caller = office.keeper if bound else await office.api.as_(role, "" if role in NATIONAL else BANYUMAS.code)
        codes, done = await _tried(caller, name, _given(name, violation, office.outlet.node))
        if role in MAY[name]:
            # A refusal of the rules is the answer of somebody who may.
            assert not codes, role
            assert done is not None
        else:
            assert (codes, done) == (["NOT_PERMITTED"], None), role


@pytest.mark.parametrize("name", MAY)
async def test_beyond_the_region_it_is_as_if_there_were_nothing(office: Office, name: str) -> None:
    violation = await office.record()
    role = min(MAY[name], key=lambda each: each.value)
    if role is Role.EWARONG_AGENT:
        stranger = await agent_principal(
            office.api, office.owner, await plant_agent(office.owner, office.outlet.village)
        )
    else:
        stranger = await office.api.as_(role, CILACAP.code)
    there = await _tried(stranger, name, _given(name, violation, office.outlet.node))
    missing = {**violation, "id": violation["id"].rpartition(":")[0] + f":{uuid4()}"}
    nowhere = await _tried(stranger, name, _given(name, missing, office.outlet.node.rpartition(":")[0] + f":{uuid4()}"))
    assert there == nowhere
    assert there[1]["__typename"] == "NotFound"


async def test_an_outlet_sees_its_own_violations_and_not_its_neighbours(office: Office) -> None:
    mine = await office.record()
    neighbour = await Office.open(office.api, office.owner)
    theirs = await neighbour.record()
    seen = {each["id"] for each in (await office.keeper.query(READ))["ewarongViolations"]["nodes"]}
    assert seen == {mine["id"]}
    assert await office.keeper.query("query($id: ID!) { node(id: $id) { id } }", id=theirs["id"]) == {"node": None}
    assert await office.keeper.query("query($id: ID!) { node(id: $id) { id } }", id=mine["id"]) == {
        "node": {"id": mine["id"]}
    }


async def test_an_outlet_is_not_told_who_recorded_nor_how_it_was_looked_at(office: Office) -> None:
    seen = f"query($id: ID!) {{ node(id: $id) {{ ... on EwarongViolation {{ {FIELDS} signalId }} }} }}"
    inspection = await mutate(office.tksk, "ewarongInspectionReport", REPORTED, **report(office.outlet.node))
    violation = await office.warn(await office.record(inspection=inspection["inspection"]["id"]))
    told = (await office.keeper.query(seen, id=violation["id"]))["node"]
    inside = (await office.verifier.query(seen, id=violation["id"]))["node"]
    assert (told["recordedBy"], [each["takenBy"] for each in told["steps"]]) == (
        None,
        [None, inside["steps"][1]["takenBy"]],
    )
    assert inside["recordedBy"] == inside["steps"][0]["takenBy"]
    assert inside["recordedBy"] is not None
    assert told["signalId"] is None
    deeper = "query($id: ID!) { node(id: $id) { ... on EwarongViolation { inspection { note } } } }"
    assert await office.keeper.codes(deeper, id=violation["id"]) == ["NOT_PERMITTED"]
    assert await office.keeper.codes(INSPECTIONS) == ["NOT_PERMITTED"]
    assert (await office.bank.query(seen, id=violation["id"]))["node"]["recordedBy"] is None


async def _keeper_and(office: Office, role: Role, village: str) -> Caller:
    """Whoever runs the outlet, and has a role in a village besides."""
    subject = f"dev:{role.value}:{village}+{office.outlet.id}"
    for each, region, entity in (
        (Role.EWARONG_AGENT, office.outlet.village, office.outlet.binding),
        (role, village, None),
    ):
        await ensure_principal(
            office.owner, subject=subject, name="Uji", role=each, region=RegionPath.parse(region), entity=entity
        )
    return office.api.named(subject)


async def test_who_runs_an_outlet_and_inspects_elsewhere_is_told_no_more_of_the_own(office: Office) -> None:
    volunteer = await _keeper_and(office, Role.PSM, BANYUMAS.village(2, 2))
    other = await plant_agent(office.owner, BANYUMAS.village(2, 2))
    elsewhere = await mutate(volunteer, "ewarongInspectionReport", REPORTED, **report(other.node))
    inspection = await mutate(office.tksk, "ewarongInspectionReport", REPORTED, **report(office.outlet.node))
    violation = await office.record(inspection=inspection["inspection"]["id"])
    document = f"query($id: ID!) {{ node(id: $id) {{ ... on EwarongViolation {{ {FIELDS} inspection {{ id }} }} }} }}"
    told = (await volunteer.query(document, id=violation["id"]))["node"]
    assert (told["id"], told["recordedBy"], told["steps"][0]["takenBy"]) == (violation["id"], None, None)
    assert told["inspection"] is None
    seen = {each["id"] for each in (await volunteer.query(INSPECTIONS))["ewarongInspections"]["nodes"]}
    assert elsewhere["inspection"]["id"] in seen
    assert inspection["inspection"]["id"] not in seen


async def test_another_role_in_the_village_shows_nothing_of_the_neighbours_outlet(office: Office) -> None:
    """A village's operator reads families there and no violations: that reach is lent to nothing else."""
    keeper = await _keeper_and(office, Role.VILLAGE_OPERATOR, office.outlet.village)
    mine, neighbour = await office.record(), await Office.open(office.api, office.owner)
    theirs = await neighbour.record()
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert (await keeper.query(document, ids=[mine["id"], theirs["id"]]))["nodes"] == [{"id": mine["id"]}, None]
    both = "query { ewarongViolations(first: 100) { totalCount nodes { id } } families(first: 1) { nodes { id } } }"
    found = await keeper.query(both)
    assert found["ewarongViolations"] == {"totalCount": 1, "nodes": [{"id": mine["id"]}]}
    assert found["families"]["nodes"]
    refused = await act(
        keeper,
        "ewarongViolationReply",
        id=theirs["id"],
        version=1,
        text="Bukan urusan saya.",
        idempotencyKey=str(uuid4()),
    )
    assert refused["code"] == "EWARONG_VIOLATION_NOT_FOUND"


async def test_a_signal_that_the_caller_may_not_read_is_not_there(office: Office) -> None:
    task_force = await office.api.as_(Role.FOOD_TASK_FORCE, BANYUMAS.code)
    given = {
        "agent": office.outlet.node,
        "code": "CASH_SWIPE",
        "description": "Digesek tunai.",
        "idempotencyKey": str(uuid4()),
    }
    refused = await act(task_force, "ewarongViolationRecord", **given, signal=f"EwarongSignal:3302:{uuid4()}")
    assert (refused["__typename"], refused["code"]) == ("NotFound", "EWARONG_SIGNAL_NOT_FOUND")
