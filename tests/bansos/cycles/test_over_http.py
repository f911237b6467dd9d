"""Cycles as a front end meets them: made, verified, approved, released and read over HTTP, allowed beside denied."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from app.authz.roles import Role
from app.domain.bansos.cycles.service import Generation
from app.tenants.region_path import RegionPath
from tests.bansos.cycles.bureau import MAKER, PERIOD, Bureau
from tests.support.aid import plant_programme
from tests.support.client import ApiClient, Caller, Json
from tests.support.world import BANYUMAS, CILACAP, FAMILIES

GENERATE = """mutation($input: CycleGenerateInput!) { answer: cycleGenerate(input: $input) { __typename
  ... on CycleGenerated { generation { id programmeCode period regionCode madeBy job { kind state } } }
  ... on UserError { code message } ... on InvalidInput { fields } } }"""
_STEP = """mutation($input: Cycle%sInput!) { answer: cycle%s(input: $input) { __typename
  ... on Cycle%s { cycle { id state version revision reason awaitsSecondApproval verifiedBy approvedBy secondApprovedBy releasedBy } }
  ... on UserError { code message } ... on InvalidInput { fields } } }"""
_DONE = {"Verify": "Verified", "Approve": "Approved", "Release": "Released", "Revise": "Revised"}
CYCLES = """query($region: String, $programme: String, $period: Date, $states: [AidCycleState!]) {
  aidCycles(region: $region, programme: $programme, period: $period, states: $states) { totalCount nodes { id state version families
    entitled amount period periodEnd revision programmeCode programme { code } regency { code } madeBy
    outcomes { outcome reason families amount } totals { step entitlements amount } generation { id job { kind } } } } }"""
LISTS = """query($cycle: ID!) {
  entitlements(first: 100, cycle: $cycle) { totalCount nodes { id amount step why programmeCode family { headName } recipient { name }
    cycle { id } components { code } } }
  aidExclusions(first: 100, cycle: $cycle) { totalCount nodes { outcome reason otherProgrammeCode why family { id } } } }"""


async def step(caller: Caller, name: str, **given: Any) -> Json:
    document = _STEP % (name, name, _DONE[name])
    answer: Json = (await caller.query(document, input=given))["answer"]
    return answer


async def generated(bureau: Bureau, api: ApiClient, programme: str, **planting: Any) -> Json:
    """The cycle of Banyumas that its administrator had generated."""
    await plant_programme(bureau.owner, programme, **planting)
    clerk = await api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    given = {"programme": programme, "period": str(PERIOD), "region": BANYUMAS.code, "idempotencyKey": str(uuid4())}
    answer = (await clerk.query(GENERATE, input=given))["answer"]
    assert answer["__typename"] == "CycleGenerated", answer
    _, regency, generation = answer["generation"]["id"].split(":")
    await bureau.generate(Generation(int(regency), UUID(generation), BANYUMAS.path.villages))
    (cycle,) = (await clerk.query(CYCLES, programme=programme))["aidCycles"]["nodes"]
    return dict(cycle)


async def test_a_list_is_made_and_decided_on_by_different_people(bureau: Bureau, cycles_api: ApiClient) -> None:
    cycle = await generated(bureau, cycles_api, "PANGAN")
    assert (cycle["state"], cycle["families"], cycle["regency"]["code"]) == ("GENERATED", FAMILIES, BANYUMAS.code)
    assert (cycle["period"], cycle["periodEnd"], cycle["programme"]["code"]) == ("2026-07-01", "2026-09-30", "PANGAN")
    assert sum(each["families"] for each in cycle["outcomes"]) == FAMILIES
    assert cycle["totals"] == [{"step": "WAITING", "entitlements": cycle["entitled"], "amount": cycle["amount"]}]
    assert cycle["generation"]["job"] == {"kind": "CYCLE_GENERATION"}
    people = {
        "Verify": await cycles_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code),
        "Approve": await cycles_api.as_(Role.REGENCY_APPROVER, BANYUMAS.code),
        "Release": await cycles_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code),
    }
    seen = []
    version = cycle["version"]
    for name, caller in people.items():
        answer = await step(caller, name, id=cycle["id"], version=version)
        assert answer["__typename"] == f"Cycle{_DONE[name]}", answer
        version = answer["cycle"]["version"]
        seen.append(answer["cycle"]["state"])
    assert seen == ["VERIFIED", "APPROVED", "RELEASED"]
    answer = await step(
        people["Release"], "Revise", id=cycle["id"], version=version, reason="x", idempotencyKey=str(uuid4())
    )
    assert (answer["__typename"], answer["code"]) == ("Conflict", "CYCLE_STATE_WRONG")


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Verify", Role.REGENCY_ADMIN),
        ("Approve", Role.REGENCY_VERIFIER),
        ("Approve", Role.REGENCY_ADMIN),
        ("Release", Role.REGENCY_APPROVER),
        ("Verify", Role.PROVINCE_OFFICER),
    ],
)
async def test_each_step_takes_its_permission(bureau: Bureau, cycles_api: ApiClient, name: str, role: Role) -> None:
    cycle = await generated(bureau, cycles_api, "PANGAN")
    code = "33" if role is Role.PROVINCE_OFFICER else BANYUMAS.code
    caller = await cycles_api.as_(role, code)
    document = _STEP % (name, name, _DONE[name])
    assert await caller.codes(document, input={"id": cycle["id"], "version": cycle["version"]}) == ["NOT_PERMITTED"]


async def test_somebody_with_all_roles_still_takes_one_step(bureau: Bureau, cycles_api: ApiClient) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    roles = (Role.REGENCY_ADMIN, Role.REGENCY_VERIFIER, Role.REGENCY_APPROVER)
    caller = await cycles_api.granted(*((role, BANYUMAS.code) for role in roles))
    given = {"programme": "PANGAN", "period": str(PERIOD), "region": BANYUMAS.code, "idempotencyKey": str(uuid4())}
    made = (await caller.query(GENERATE, input=given))["answer"]["generation"]["id"].split(":")
    await bureau.generate(Generation(int(made[1]), UUID(made[2]), BANYUMAS.path.villages))
    (cycle,) = (await caller.query(CYCLES))["aidCycles"]["nodes"]
    answer = await step(caller, "Verify", id=cycle["id"], version=cycle["version"])
    assert (answer["__typename"], answer["code"]) == ("Refused", "CYCLE_SAME_PERSON")
    assert "orang yang berlainan" in answer["message"]


async def test_the_neighbour_meets_what_it_would_meet_if_there_were_nothing(
    bureau: Bureau, cycles_api: ApiClient
) -> None:
    cycle = await generated(bureau, cycles_api, "PANGAN")
    neighbour = await cycles_api.as_(Role.REGENCY_VERIFIER, CILACAP.code)
    nowhere = f"AidCycle:{CILACAP.id}:{uuid4()}"
    answers = [await step(neighbour, "Verify", id=id_, version=cycle["version"]) for id_ in (cycle["id"], nowhere)]
    assert answers[0] == answers[1]
    assert (answers[0]["__typename"], answers[0]["code"]) == ("NotFound", "CYCLE_NOT_FOUND")
    assert (await neighbour.query(CYCLES))["aidCycles"] == {"totalCount": 0, "nodes": []}
    lists = await neighbour.query(LISTS, cycle=cycle["id"])
    assert lists == {name: {"totalCount": 0, "nodes": []} for name in ("entitlements", "aidExclusions")}
    clerk = await cycles_api.as_(Role.REGENCY_ADMIN, CILACAP.code)
    given = {"programme": "PANGAN", "period": str(PERIOD), "region": BANYUMAS.code, "idempotencyKey": str(uuid4())}
    answer = (await clerk.query(GENERATE, input=given))["answer"]
    assert (answer["__typename"], answer["code"], answer["fields"]) == ("InvalidInput", "REGION_UNKNOWN", ["region"])


async def test_every_entitlement_and_every_exclusion_says_why_in_both_languages(
    bureau: Bureau, cycles_api: ApiClient
) -> None:
    cycle = await generated(bureau, cycles_api, "PANGAN")
    clerk = await cycles_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    indonesian = (await clerk.post(LISTS, {"cycle": cycle["id"]}, accept_language="id")).json()["data"]
    english = (await clerk.post(LISTS, {"cycle": cycle["id"]}, accept_language="en")).json()["data"]
    assert indonesian["entitlements"]["totalCount"] == cycle["entitled"]
    assert indonesian["aidExclusions"]["totalCount"] == FAMILIES - cycle["entitled"]
    for row in indonesian["entitlements"]["nodes"]:
        assert row["why"].startswith(
            "Keluarga ini menerima Program PANGAN sebesar Rp600.000 untuk Juli sampai September 2026"
        )
        assert "(paling tinggi 4)" in row["why"]
        assert row["cycle"]["id"] == cycle["id"]
        assert row["family"]["headName"]
    for row in english["entitlements"]["nodes"]:
        assert row["why"].startswith("This family receives Rp600,000 of Programme PANGAN")
    assert {row["reason"] for row in english["aidExclusions"]["nodes"]} >= {"DECILE_TOO_HIGH", "FAMILY_MOVED"}
    for lists, start in ((indonesian, "Keluarga ini tidak menerima"), (english, "This family does not receive")):
        for row in lists["aidExclusions"]["nodes"]:
            assert row["why"].startswith(start)
            assert row["why"].endswith(".")
            assert row["family"]["id"]


async def test_a_village_operator_reads_the_reasons_of_the_village_and_no_cycle(
    bureau: Bureau, cycles_api: ApiClient
) -> None:
    cycle = await generated(bureau, cycles_api, "PANGAN")
    operator = await cycles_api.as_(Role.VILLAGE_OPERATOR, BANYUMAS.village(1, 1))
    document = (
        "query($cycle: ID!) { entitlements(cycle: $cycle) { totalCount nodes { why family { village { code } } } } }"
    )
    page = (await operator.query(document, cycle=cycle["id"]))["entitlements"]
    assert 0 < page["totalCount"] < cycle["entitled"]
    assert {row["family"]["village"]["code"] for row in page["nodes"]} == {BANYUMAS.village(1, 1)}
    assert all(row["why"] for row in page["nodes"])
    assert await operator.codes(CYCLES) == ["NOT_PERMITTED"]


async def test_names_are_masked_as_the_family_masks_them(bureau: Bureau, cycles_api: ApiClient) -> None:
    cycle = await generated(bureau, cycles_api, "PANGAN")
    analyst = await cycles_api.as_(Role.MINISTRY_ANALYST)
    document = "query($cycle: ID!) { entitlements(cycle: $cycle) { nodes { family { headName } recipient { name } } } }"
    answer = await analyst.answer(document, cycle=cycle["id"])
    if "errors" not in answer:
        for row in answer["data"]["entitlements"]["nodes"]:
            assert row["family"]["headName"].endswith("***")
            assert row["recipient"]["name"].endswith("***")


async def test_a_family_shows_what_it_is_to_receive_and_what_had_reached_it_by_a_day(
    bureau: Bureau, cycles_api: ApiClient
) -> None:
    cycle = await generated(bureau, cycles_api, "PANGAN")
    clerk = await cycles_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    (row, *_) = await bureau.owner.fetch("select * from entitlement order by id")
    document = """query($id: ID!, $day: Date) { family(id: $id) {
      entitlements { totalCount nodes { step amount programmeCode } }
      payments(asOf: $day) { nodes { amount paidAt programmeCode period entitlementId } } } }"""
    family = f"Family:{row['regency_id']}:{row['family_id']}"
    before = (await clerk.query(document, id=family))["family"]
    assert before == {
        "entitlements": {
            "totalCount": 1,
            "nodes": [{"step": "WAITING", "amount": 600000, "programmeCode": "PANGAN"}],
        },
        "payments": {"nodes": []},
    }
    # Five in the evening in Greenwich is the next day in Jakarta.
    await bureau.owner.execute(
        "update entitlement set step = 'TOPPED_UP', step_at = '2026-08-03 17:30Z' where id = $1", row["id"]
    )
    paid = {"amount": 600000, "programmeCode": "PANGAN", "period": str(PERIOD)}
    for day, expected in (("2026-08-03", []), ("2026-08-04", [paid]), (None, [paid])):
        nodes = (await clerk.query(document, id=family, day=day))["family"]["payments"]["nodes"]
        assert [{name: node[name] for name in paid} for node in nodes] == expected
    assert cycle["state"] == "GENERATED"


async def test_sums_of_regencies_are_those_of_the_province(bureau: Bureau, cycles_api: ApiClient) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    await bureau.generate(await bureau.make("PANGAN", region=RegionPath.parse("33")))
    officer = await cycles_api.as_(Role.PROVINCE_OFFICER, "33")
    document = """query($by: AidSummaryLevel!) { aidSummary(region: "33", by: $by, programme: "PANGAN", period: "2026-07-01") {
      region { code } total { cycles families entitled amount } outcomes { outcome reason families amount }
      rows { region { code } counts { cycles families entitled amount } } } }"""
    by_regency = (await officer.query(document, by="REGENCY"))["aidSummary"]
    by_province = (await officer.query(document, by="PROVINCE"))["aidSummary"]
    assert [row["region"]["code"] for row in by_regency["rows"]] == [CILACAP.code, BANYUMAS.code]
    assert [row["region"]["code"] for row in by_province["rows"]] == ["33"]
    for name, total in by_regency["total"].items():
        assert sum(row["counts"][name] for row in by_regency["rows"]) == total == by_province["total"][name] > 0
    assert by_regency["total"]["families"] == 2 * FAMILIES
    assert sum(each["families"] for each in by_regency["outcomes"]) == 2 * FAMILIES
    larger = document.replace('region: "33"', 'region: "33.02"')
    assert await officer.codes(larger, by="PROVINCE") == ["AID_SUMMARY_LEVEL_INVALID"]
    clerk = await cycles_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    own = (await clerk.query(document, by="REGENCY"))["aidSummary"]
    assert [row["region"]["code"] for row in own["rows"]] == [BANYUMAS.code]
    assert own["total"]["families"] == FAMILIES


async def test_a_list_that_is_being_generated_again_counts_nowhere(bureau: Bureau, cycles_api: ApiClient) -> None:
    await generated(bureau, cycles_api, "PANGAN")
    await bureau.make("PANGAN", by=MAKER)
    clerk = await cycles_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    (cycle,) = (await clerk.query(CYCLES, states=["DRAFT"]))["aidCycles"]["nodes"]
    assert (cycle["families"], cycle["outcomes"]) == (None, [])
    document = """{ aidSummary(region: "33.02", by: REGENCY, programme: "PANGAN", period: "2026-07-01") {
      total { cycles families } outcomes { families } rows { counts { cycles } } } }"""
    assert (await clerk.query(document))["aidSummary"] == {
        "total": {"cycles": 0, "families": 0},
        "outcomes": [],
        "rows": [],
    }


async def test_what_was_done_is_in_the_audit_trail(bureau: Bureau, cycles_api: ApiClient) -> None:
    cycle = await generated(bureau, cycles_api, "PANGAN")
    verifier = await cycles_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    await step(verifier, "Verify", id=cycle["id"], version=cycle["version"])
    events = await bureau.owner.fetch(
        "select operation, permission, subject_type from audit_event where action = 'CHANGE' and $1::uuid = any(subject_ids)",
        cycle["id"].split(":")[2],
    )
    assert {tuple(event) for event in events} == {
        ("cycleGenerate", "bansos:cycle:make", "AidCycle"),
        ("cycleVerify", "bansos:cycle:verify", "AidCycle"),
    }


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"programme": "TIDAK_ADA"}, "NotFound", "PROGRAMME_NOT_FOUND"),
        ({"period": "2026-08-01"}, "InvalidInput", "PROGRAMME_PERIOD_WRONG"),
        ({"region": "33.02.01"}, "InvalidInput", "CYCLE_REGION_TOO_SMALL"),
        ({"region": "3302"}, "InvalidInput", None),
        ({"region": "0"}, "InvalidInput", "REGION_UNKNOWN"),
    ],
)
async def test_what_cannot_be_made_is_refused_in_words(
    bureau: Bureau, cycles_api: ApiClient, change: Json, kind: str, code: str | None
) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    clerk = await cycles_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    given = {"programme": "PANGAN", "period": str(PERIOD), "region": BANYUMAS.code, "idempotencyKey": str(uuid4())}
    answer = (await clerk.query(GENERATE, input={**given, **change}))["answer"]
    assert answer["__typename"] == kind, answer
    assert code is None or answer["code"] == code
    assert answer["message"]
