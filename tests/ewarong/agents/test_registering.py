"""Proposing outlets over HTTP, and putting right what is said of them."""

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from app.authz.roles import Role
from app.domain.ewarong.models.agents import AgentState
from app.domain.registry.sealing import Seal
from tests.ewarong.agents.paperwork import amend, fresh_nik, proposal, propose
from tests.support.client import ApiClient, Json
from tests.support.outlets import agent_principal, plant_agent
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

VILLAGE = BANYUMAS.village(1, 1)
OTHER_DISTRICT = BANYUMAS.village(2, 1)


def uuid_of(agent: Json) -> UUID:
    return UUID(agent["id"].rpartition(":")[2])


async def test_an_outlet_is_proposed_and_its_owners_number_is_sealed(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal
) -> None:
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    given = proposal(VILLAGE, place={"latitude": -7.42, "longitude": 109.24})
    agent = (await propose(tksk, **given))["agent"]
    assert (agent["state"], agent["version"], agent["village"]) == ("PROPOSED", 1, {"code": VILLAGE})
    assert agent["steps"] == [{"fromState": None, "toState": "PROPOSED", "reason": "diusulkan"}]
    row = await market_owner.fetchrow("select * from ewarong_agent where id = $1", uuid_of(agent))
    assert row is not None
    nik = given["owner"]["nik"]
    assert seal.unseal(row["owner_nik_sealed"]) == nik
    assert row["owner_nik_digest"] == seal.digest(nik)
    assert nik not in str(dict(row))
    events = await market_owner.fetch(
        "select operation from audit_event where subject_type = 'EwarongAgent' and $1 = any(subject_ids)",
        uuid_of(agent),
    )
    assert [row["operation"] for row in events] == ["ewarongAgentPropose"]


async def test_whoever_may_not_propose_is_told_so(market_api: ApiClient) -> None:
    document = "mutation ($input: EwarongAgentProposeInput!) { ewarongAgentPropose(input: $input) { __typename } }"
    for role in (Role.BANK_OFFICER, Role.REGENCY_VERIFIER, Role.PROVINCE_OFFICER):
        caller = await market_api.as_(role, BANYUMAS.code)
        assert await caller.codes(document, input=proposal(VILLAGE)) == ["NOT_PERMITTED"]


async def test_a_village_elsewhere_is_one_that_does_not_exist(market_api: ApiClient) -> None:
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    for village in (OTHER_DISTRICT, CILACAP.village(1, 1), "33.02.01.2999", "33.02.01"):
        refused = await propose(tksk, **proposal(village))
        assert (refused["__typename"], refused["code"], refused["fields"]) == (
            "InvalidInput", "REGION_UNKNOWN", ["village"],
        )  # fmt: skip


async def test_sent_again_it_answers_the_first_and_with_other_content_it_is_refused(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    given = proposal(VILLAGE)
    first = await propose(tksk, **given)
    assert await propose(tksk, **given) == first
    for other in ({"name": "Warung lain"}, {"owner": {**given["owner"], "nik": fresh_nik()}}):
        refused = await propose(tksk, **(given | other))
        assert (refused["__typename"], refused["code"]) == ("Conflict", "IDEMPOTENCY_KEY_REUSED")
    # What was put right since does not make the first request another one.
    renamed = await amend(tksk, id=first["agent"]["id"], version=1, name="Warung Bu Siti Jaya")
    assert (await propose(tksk, **given))["agent"]["name"] == renamed["agent"]["name"] == "Warung Bu Siti Jaya"
    assert await market_owner.fetchval("select count(*) from ewarong_agent where number = $1", given["number"]) == 1


async def test_a_bank_has_a_number_once_in_a_regency(market_api: ApiClient) -> None:
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    given = proposal(VILLAGE)
    await propose(tksk, **given)
    refused = await propose(tksk, **proposal(VILLAGE, number=given["number"]))
    assert (refused["__typename"], refused["code"]) == ("Conflict", "EWARONG_AGENT_NUMBER_TAKEN")
    assert "agent" in await propose(tksk, **proposal(VILLAGE, number=given["number"], bank="BNI"))
    other = (await propose(tksk, **proposal(VILLAGE)))["agent"]
    refused = await amend(tksk, id=other["id"], version=1, number=given["number"])
    assert refused["code"] == "EWARONG_AGENT_NUMBER_TAKEN"


async def test_of_an_outlet_that_the_caller_does_not_see_it_is_told_whether_key_or_number_is_taken(
    market_api: ApiClient,
) -> None:
    here = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    there = await market_api.as_(Role.TKSK, BANYUMAS.district(2))
    given = proposal(VILLAGE)
    assert "agent" in await propose(here, **given)
    taken = {name: given[name] for name in ("idempotencyKey", "number")}
    for same, code in (
        (("idempotencyKey",), "IDEMPOTENCY_KEY_REUSED"),
        (("number",), "EWARONG_AGENT_NUMBER_TAKEN"),
        (("idempotencyKey", "number"), "IDEMPOTENCY_KEY_REUSED"),
    ):
        refused = await propose(there, **proposal(OTHER_DISTRICT, **{name: taken[name] for name in same}))
        assert (refused["__typename"], refused["code"]) == ("Conflict", code)
    assert "agent" in await propose(there, **proposal(OTHER_DISTRICT))


@pytest.mark.parametrize(
    ("given", "code", "fields"),
    [
        ({"name": "  "}, "TEXT_INVALID", ["name"]),
        ({"name": "\u200b"}, "TEXT_INVALID", ["name"]),
        ({"address": "x" * 301}, "TEXT_INVALID", ["address"]),
        ({"address": "Milik NIK 9902010101900001"}, "PERSONAL_NUMBER", ["address"]),
        ({"owner": {"name": "Siti", "nik": "123"}}, "NIK_INVALID", ["ownerNik"]),
        ({"owner": {"name": "", "nik": fresh_nik()}}, "TEXT_INVALID", ["ownerName"]),
        ({"place": {"latitude": 52.5, "longitude": 13.4}}, "EWARONG_PLACE_INVALID", ["latitude", "longitude"]),
    ],
)
async def test_what_cannot_be_is_told_by_its_field(
    market_api: ApiClient, given: Json, code: str, fields: list[str]
) -> None:
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    refused = await propose(tksk, **proposal(VILLAGE, **given))
    assert (refused["__typename"], refused["code"], refused["fields"]) == ("InvalidInput", code, fields)
    assert "123" not in refused["message"]


async def test_what_is_said_is_put_right_once_for_each_version(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, VILLAGE, name="Warung Lama")
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    amended = (await amend(tksk, id=outlet.node, version=1, name="Warung Baru", kind="KUBE"))["agent"]
    assert (amended["name"], amended["kind"], amended["version"]) == ("Warung Baru", "KUBE", 2)
    stale = await amend(tksk, id=outlet.node, version=1, name="Terlambat")
    assert (stale["__typename"], stale["code"]) == ("Conflict", "EWARONG_AGENT_CHANGED")


async def test_an_outlet_elsewhere_is_one_that_does_not_exist(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, OTHER_DISTRICT)
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    missing = f"EwarongAgent:{BANYUMAS.id}:{uuid4()}"
    refusals = [await amend(tksk, id=identifier, version=1, name="Lain") for identifier in (outlet.node, missing)]
    assert refusals[0] == refusals[1]
    assert refusals[0]["code"] == "EWARONG_AGENT_NOT_FOUND"


async def test_an_owner_is_put_right_before_admission_and_never_after(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal
) -> None:
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    other = {"name": "Pemilik Baru", "nik": fresh_nik()}
    for state in AgentState:
        outlet = await plant_agent(market_owner, VILLAGE, state=state)
        answer = await amend(tksk, id=outlet.node, version=1, owner=other)
        digest = await market_owner.fetchval("select owner_nik_digest from ewarong_agent where id = $1", outlet.id)
        if state in {AgentState.PROPOSED, AgentState.DUE_DILIGENCE}:
            assert digest == seal.digest(other["nik"])
        else:
            final = state in {AgentState.REJECTED, AgentState.REVOKED_BY_BANK}
            assert answer["code"] == ("EWARONG_AGENT_STATE_WRONG" if final else "EWARONG_OWNER_FIXED")
            assert digest == outlet.id.bytes


async def test_whoever_runs_an_outlet_cannot_rewrite_it(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, VILLAGE)
    keeper = await agent_principal(market_api, market_owner, outlet)
    document = "mutation ($input: EwarongAgentAmendInput!) { ewarongAgentAmend(input: $input) { __typename } }"
    assert await keeper.codes(document, input={"id": outlet.node, "version": 1, "name": "Lain"}) == ["NOT_PERMITTED"]
