"""Trying rules, and asking why a family may receive or may not, over HTTP."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.bansos.eligibility.verdicts import GENERAL_REASONS, SAMPLES
from app.domain.bansos.exclusions import Exclusion
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import ApiClient, Caller, api_with_policies
from tests.support.statements import Statements
from tests.support.world import BANYUMAS, CILACAP, FAMILIES

if TYPE_CHECKING:
    import asyncpg

POLICIES: Final = Path(__file__).parents[3] / "policies"
PERIOD = "2026-07-01"
TRY = """query($programme: String!, $period: Date!, $region: String!, $terms: EligibilityTermsInput) {
  eligibilityTry(programme: $programme, period: $period, region: $region, terms: $terms) {
    programmeCode period termsVersion families eligible amount
    groups { reason condition families amount samples { familyId amount why } }
  }
}"""
WHY_NOT = """query($programme: String!, $period: Date!) { families(first: 50) { nodes { id decile status
  whyNot(programme: $programme, period: $period) { programmeCode period eligible reason condition amount why } } } }"""


@pytest_asyncio.fixture(scope="module")
async def officer(api_client: ApiClient) -> Caller:
    return await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)


def rule(condition: str, code: str = "UJI", number: int = 1) -> dict[str, Any]:
    return {
        "number": number,
        "code": code,
        "condition": condition,
        "met": "desil {family.decile}",
        "metEnglish": "decile {family.decile}",
        "unmet": "desil {family.decile} terlalu tinggi",
        "unmetEnglish": "decile {family.decile} is too high",
    }


async def tried(caller: Caller, **given: Any) -> Any:
    asked = {"programme": "SEMBAKO", "period": PERIOD, "region": BANYUMAS.code, **given}
    return (await caller.query(TRY, **asked))["eligibilityTry"]


@pytest.mark.parametrize("programme", ["SEMBAKO", "PKH"])
async def test_in_and_out_by_reason_are_all_families(officer: Caller, programme: str) -> None:
    found = await tried(officer, programme=programme)
    assert (found["programmeCode"], found["period"]) == (programme, PERIOD)
    assert found["termsVersion"] > 1
    assert sum(group["families"] for group in found["groups"]) == found["families"] == FAMILIES
    (entitled,) = [group for group in found["groups"] if group["reason"] is None]
    assert (entitled["families"], entitled["amount"]) == (found["eligible"], found["amount"])
    assert 0 < found["eligible"] < FAMILIES
    assert {"DECILE_TOO_HIGH", "FAMILY_MOVED"} < {group["reason"] for group in found["groups"]}
    for group in found["groups"]:
        assert len(group["samples"]) == min(SAMPLES, group["families"])
        assert (group["amount"] > 0) == (group["reason"] is None)
        assert (group["condition"] is None) == (group["reason"] in {None, *GENERAL_REASONS})


async def test_why_is_told_in_the_language_of_the_caller(officer: Caller) -> None:
    asked = {"programme": "SEMBAKO", "period": PERIOD, "region": BANYUMAS.code}
    for language, yes, no in (
        ("id", "Keluarga ini menerima Program Sembako", "Keluarga ini tidak menerima Program Sembako"),
        ("en", "This family receives Rp600,000 of Staple food", "This family does not receive Staple food"),
    ):
        answer = (await officer.post(TRY, asked, accept_language=language)).json()
        for group in answer["data"]["eligibilityTry"]["groups"]:
            for sample in group["samples"]:
                assert sample["why"].startswith(yes if group["reason"] is None else no)
                assert sample["why"].endswith(".")
                assert "{" not in sample["why"]


async def test_other_rules_are_tried_without_being_kept(
    officer: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    before = await owner.fetch("select * from programme_terms order by programme_code, version")
    poorest = await tried(officer, terms={"rules": [rule("family.decile <= 2")], "amount": 100_000})
    everybody = await tried(officer, terms={"rules": [], "amount": 100_000})
    assert poorest["termsVersion"] is None
    assert poorest["families"] == everybody["families"] == FAMILIES
    assert poorest["eligible"] < everybody["eligible"]
    assert poorest["amount"] == 100_000 * poorest["eligible"]
    (out,) = [group for group in poorest["groups"] if group["reason"] == "UJI"]
    assert out["condition"] == "family.decile <= 2"
    assert await owner.fetch("select * from programme_terms order by programme_code, version") == before


async def test_components_are_tried_with_the_share_of_the_period(officer: Caller) -> None:
    component = {
        "component": "ANAK", "name": "anak", "nameEnglish": "child", "condition": "person.age < 18", "mostPerFamily": 1,
        "amounts": [{"year": 2020, "amount": 1_200_000}, {"year": 2026, "amount": 2_400_000}, {"year": 2027, "amount": 12}],
    }  # fmt: skip
    found = await tried(officer, programme="PKH", terms={"rules": [], "components": [component]})
    # 2,400,000 a year from 2026: a quarter of it for one child of each family that has any
    assert found["amount"] == 600_000 * found["eligible"] > 0
    assert "NO_COMPONENT" in {group["reason"] for group in found["groups"]}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"programme": "TIDAK_ADA"}, "PROGRAMME_NOT_FOUND"),
        ({"programme": "SEMBAKO\0"}, "TEXT_INVALID"),
        ({"period": "2026-07-02"}, "PROGRAMME_PERIOD_WRONG"),
        ({"period": "0001-04-01"}, "PROGRAMME_TERMS_NOT_FOUND"),
        ({"period": "9999-10-01"}, "PROGRAMME_TERMS_NOT_FOUND"),
        ({"region": "33"}, "ELIGIBILITY_REGION_TOO_LARGE"),
        ({"region": "3302"}, "REGION_CODE_MALFORMED"),
        ({"region": "33.99"}, "REGION_UNKNOWN"),
        ({"terms": {"rules": [], "amount": 0}}, "PROGRAMME_TERMS_INVALID"),
        ({"terms": {"rules": [rule("family.decil <= 4")], "amount": 100_000}}, "PROGRAMME_TERMS_INVALID"),
        ({"terms": {"rules": [rule("(" * 1_900)], "amount": 100_000}}, "PROGRAMME_TERMS_INVALID"),
    ],
)
async def test_what_cannot_be_tried_is_refused(officer: Caller, given: dict[str, Any], code: str) -> None:
    asked = {"programme": "SEMBAKO", "period": PERIOD, "region": BANYUMAS.code, **given}
    assert await officer.codes(TRY, **asked) == [code]


async def test_a_rule_that_cannot_be_read_is_told_with_its_place(officer: Caller) -> None:
    terms = {"rules": [rule("family.decil <= 4")], "amount": 100_000}
    asked = {"programme": "SEMBAKO", "period": PERIOD, "region": BANYUMAS.code, "terms": terms}
    (error,) = (await officer.answer(TRY, **asked))["errors"]
    assert "kolom 1" in error["message"]
    assert "family.decile" in error["message"]


async def test_families_of_others_are_not_tried_on(api_client: ApiClient, officer: Caller) -> None:
    assert (await tried(officer, region=CILACAP.code))["families"] == 0
    province = await api_client.as_(Role.PROVINCE_OFFICER, "33")
    assert (await tried(province, region=CILACAP.code))["families"] == FAMILIES
    bank = await api_client.as_(Role.BANK_OFFICER, BANYUMAS.code)
    assert await bank.codes(TRY, programme="SEMBAKO", period=PERIOD, region=BANYUMAS.code) == ["NOT_PERMITTED"]


async def test_a_part_of_a_regency_is_tried_by_itself(officer: Caller) -> None:
    whole, part = await tried(officer), await tried(officer, region=BANYUMAS.district(1))
    assert 0 < part["families"] < whole["families"]


async def test_the_families_that_are_named_are_kept_as_read(
    officer: Caller, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    found = await tried(officer)
    named = {sample["familyId"].split(":")[2] for group in found["groups"] for sample in group["samples"]}
    kept = await owner.fetchrow("select * from audit_event where action = 'READ' order by id desc limit 1")
    assert kept["subject_type"] == "Family"
    assert set(map(str, kept["subject_ids"])) == named


async def test_each_family_tells_whether_it_may_receive(officer: Caller) -> None:
    nodes = (await officer.query(WHY_NOT, programme="SEMBAKO", period=PERIOD))["families"]["nodes"]
    assert len(nodes) == FAMILIES
    reasons = {node["whyNot"]["reason"] for node in nodes}
    assert {None, "DECILE_TOO_HIGH", "DECILE_UNKNOWN", "FAMILY_MOVED"} <= reasons
    for node in nodes:
        verdict = node["whyNot"]
        assert verdict["eligible"] == (verdict["reason"] is None) == (verdict["amount"] is not None)
        if verdict["reason"] == "DECILE_TOO_HIGH":
            assert verdict["condition"] == "family.decile <= 4"
            assert f"desil {node['decile']} di atas 4" in verdict["why"]
    tried_on = await tried(officer)
    assert tried_on["eligible"] == sum(node["whyNot"]["eligible"] for node in nodes)


async def test_a_family_receives_nothing_of_a_programme_that_runs_elsewhere(officer: Caller) -> None:
    asked = {"programme": "JAMSOSRATU", "period": "2026-01-01"}
    nodes = (await officer.query(WHY_NOT, **asked))["families"]["nodes"]
    assert len(nodes) == FAMILIES
    for verdict in (node["whyNot"] for node in nodes):
        assert (verdict["eligible"], verdict["reason"]) == (False, "PROGRAMME_ELSEWHERE")
        assert (verdict["condition"], verdict["amount"]) == (None, None)
        assert verdict["why"].endswith("karena program ini tidak berjalan di desa/kelurahan keluarga ini.")
    assert (await tried(officer, **asked))["families"] == 0
    # The programme of its own regency it may well receive.
    own = await officer.query(WHY_NOT, programme="BPNT_DAERAH_BANYUMAS", period=PERIOD)
    assert "PROGRAMME_ELSEWHERE" not in {node["whyNot"]["reason"] for node in own["families"]["nodes"]}


async def test_why_not_of_an_unknown_programme_is_refused(officer: Caller) -> None:
    assert set(await officer.codes(WHY_NOT, programme="TIDAK_ADA", period=PERIOD)) == {"PROGRAMME_NOT_FOUND"}


async def test_why_not_needs_to_read_entitlements_of_the_village(
    api_settings: Settings, world: DatabaseServer, tmp_path: Path
) -> None:
    # As policies ship, whoever reads families reads entitlements; here the verifier of a regency does not.
    for file in (each for each in POLICIES.iterdir() if each.is_file()):
        lines = file.read_text().splitlines(keepends=True)
        kept = [line for line in lines if line.strip() != "p, REGENCY_VERIFIER, bansos:entitlement:read"]
        (tmp_path / file.name).write_text("".join(kept))
    async with api_with_policies(api_settings, world, tmp_path) as api:
        verifier = await api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
        assert await verifier.codes(WHY_NOT, programme="SEMBAKO", period=PERIOD) == ["NOT_PERMITTED"]
        village = (Role.PSM, BANYUMAS.village(1, 1))
        beside = await api.granted((Role.REGENCY_VERIFIER, BANYUMAS.code), village)
        asked = WHY_NOT.replace("id decile", "village { code } id decile")
        nodes = (await beside.query(asked, programme="SEMBAKO", period=PERIOD))["families"]["nodes"]
        told = {node["village"]["code"] for node in nodes if node["whyNot"] is not None}
        untold = {node["village"]["code"] for node in nodes if node["whyNot"] is None}
        assert told == {village[1]}
        assert untold
        assert village[1] not in untold


@pytest_asyncio.fixture
async def statements(owner: "asyncpg.Connection[asyncpg.Record]") -> Statements:
    """What the database of the API was sent."""
    found = Statements(owner)
    if not await found.watch():
        pytest.skip("the server was started without pg_stat_statements")
    return found


async def test_a_page_of_families_is_decided_about_in_one_statement(officer: Caller, statements: Statements) -> None:
    await officer.query(WHY_NOT, programme="PKH", period=PERIOD)
    await statements.forget()
    await officer.query(WHY_NOT, programme="PKH", period=PERIOD)
    about_families = [each for each in await statements.sent() if "gathered" in each.text]
    assert [each.calls for each in about_families] == [1]


def test_the_reasons_that_are_no_rules_are_those_of_cycles() -> None:
    assert set(GENERAL_REASONS) <= {exclusion.value for exclusion in Exclusion}
