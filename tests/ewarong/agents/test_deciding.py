"""Due diligence, the acts of the bank, and the steps of the office."""

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.ewarong.actors import Actor
from app.domain.ewarong.agents.errors import AgentStateWrong, AgentUnknown
from app.domain.ewarong.agents.rules import PAUSED, AgentAct, Standing, acted, possible_acts
from app.domain.ewarong.agents.service import decide as revoke
from app.domain.ewarong.agents.service import step
from app.domain.ewarong.models.agents import AgentState, Criterion
from app.domain.registry.sealing import Seal
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.ewarong.agents.paperwork import all_met, assess, decide, proposal, propose
from tests.support.client import ApiClient, Json
from tests.support.outlets import Outlet, plant_agent
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

VILLAGE = BANYUMAS.village(1, 1)
OFFICER = Actor(UUID("01a30000-0000-7000-8000-000000000002"), "Kepala Bidang Uji")


async def proposed(api: ApiClient) -> Json:
    tksk = await api.as_(Role.TKSK, BANYUMAS.district(1))
    agent: Json = (await propose(tksk, **proposal(VILLAGE)))["agent"]
    return agent


async def test_the_bank_admits_an_outlet_once_all_criteria_are_met(market_api: ApiClient) -> None:
    agent = await proposed(market_api)
    verifier = await market_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    bank = await market_api.as_(Role.BANK_OFFICER, BANYUMAS.code)
    early = await decide(bank, id=agent["id"], version=1, act="ADMIT", reason="lengkap")
    assert (early["__typename"], early["code"]) == ("Conflict", "EWARONG_AGENT_STATE_WRONG")
    looked = (await assess(verifier, id=agent["id"], version=1, assessments=all_met(DAILY_SHOP=False)))["agent"]
    assert (looked["state"], looked["version"]) == ("DUE_DILIGENCE", 2)
    assert {each["criterion"]: each["met"] for each in looked["dueDiligence"]} == {
        each.value: each is not Criterion.DAILY_SHOP for each in Criterion
    }
    refused = await decide(bank, id=agent["id"], version=2, act="ADMIT", reason="lengkap")
    assert (refused["__typename"], refused["code"]) == ("Conflict", "EWARONG_DUE_DILIGENCE_INCOMPLETE")
    assert "warung sehari-hari" in refused["message"]
    again = [{"criterion": "DAILY_SHOP", "met": True, "note": "buka sejak 2015"}]
    looked = (await assess(verifier, id=agent["id"], version=2, assessments=again))["agent"]
    assert {each["criterion"]: each["note"] for each in looked["dueDiligence"]}["DAILY_SHOP"] == "buka sejak 2015"
    admitted = (await decide(bank, id=agent["id"], version=3, act="ADMIT", reason="Lengkap"))["agent"]
    assert (admitted["state"], admitted["version"]) == ("ACTIVE", 4)
    assert [(each["fromState"], each["toState"]) for each in admitted["steps"]] == [
        (None, "PROPOSED"),
        ("PROPOSED", "DUE_DILIGENCE"),
        ("DUE_DILIGENCE", "ACTIVE"),
    ]


async def test_one_criterion_that_nobody_looked_at_is_not_met(market_api: ApiClient) -> None:
    agent = await proposed(market_api)
    bank = await market_api.as_(Role.BANK_OFFICER, BANYUMAS.code)
    most = [each for each in all_met() if each["criterion"] != "MARKET_PRICE"]
    await assess(bank, id=agent["id"], version=1, assessments=most)
    refused = await decide(bank, id=agent["id"], version=2, act="ADMIT", reason="lengkap")
    assert refused["code"] == "EWARONG_DUE_DILIGENCE_INCOMPLETE"


async def test_whoever_proposes_neither_assesses_nor_decides(market_api: ApiClient) -> None:
    everything = await market_api.granted(
        (Role.TKSK, BANYUMAS.district(1)), (Role.REGENCY_VERIFIER, BANYUMAS.code), (Role.BANK_OFFICER, BANYUMAS.code)
    )
    agent = (await propose(everything, **proposal(VILLAGE)))["agent"]
    own = await assess(everything, id=agent["id"], version=1, assessments=all_met())
    assert own["code"] == "EWARONG_AGENT_SAME_PERSON"
    verifier = await market_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    await assess(verifier, id=agent["id"], version=1, assessments=all_met())
    for act in ("ADMIT", "REJECT"):
        own = await decide(everything, id=agent["id"], version=2, act=act, reason="sendiri")
        assert (own["__typename"], own["code"]) == ("Refused", "EWARONG_AGENT_SAME_PERSON")
    bank = await market_api.as_(Role.BANK_OFFICER, BANYUMAS.code)
    assert "agent" in await decide(bank, id=agent["id"], version=2, act="ADMIT", reason="lengkap")


@pytest.mark.parametrize("given", [[], [{"criterion": "MARKET_PRICE", "met": True}] * 2])
async def test_criteria_are_assessed_once_each(market_api: ApiClient, given: list[Json]) -> None:
    agent = await proposed(market_api)
    verifier = await market_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    refused = await assess(verifier, id=agent["id"], version=1, assessments=given)
    assert (refused["code"], refused["fields"]) == ("EWARONG_CRITERIA_INVALID", ["assessments"])


async def test_the_office_does_not_decide_and_the_bank_does_not_propose(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, VILLAGE)
    document = "mutation ($input: EwarongAgentDecideInput!) { ewarongAgentDecide(input: $input) { __typename } }"
    given = {"id": outlet.node, "version": 1, "act": "FREEZE", "reason": "dugaan"}
    for role in (Role.REGENCY_ADMIN, Role.REGENCY_APPROVER, Role.REGENCY_VERIFIER):
        caller = await market_api.as_(role, BANYUMAS.code)
        assert await caller.codes(document, input=given) == ["NOT_PERMITTED"]
    elsewhere = await market_api.as_(Role.BANK_OFFICER, CILACAP.code)
    assert (await decide(elsewhere, **given))["code"] == "EWARONG_AGENT_NOT_FOUND"
    bank = await market_api.as_(Role.BANK_OFFICER, BANYUMAS.code)
    assert (await decide(bank, **given))["agent"]["state"] == "FROZEN"


@pytest.mark.parametrize("state", AgentState)
async def test_every_act_in_every_state_goes_or_says_what_would(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", state: AgentState
) -> None:
    standing = Standing(state, AgentState.ACTIVE if state in PAUSED else None)
    bank = await market_api.as_(Role.BANK_OFFICER, BANYUMAS.code)
    verifier = await market_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    for act in AgentAct:
        outlet, version = await plant_agent(market_owner, VILLAGE, state=state), 1
        if act is AgentAct.ADMIT and state is AgentState.DUE_DILIGENCE:
            await assess(verifier, id=outlet.node, version=1, assessments=all_met())
            version = 2
        answer = await decide(bank, id=outlet.node, version=version, act=act.value, reason="sebab")
        after = acted(standing, act)
        if after is None:
            assert (answer["__typename"], answer["code"]) == ("Conflict", "EWARONG_AGENT_STATE_WRONG")
            english = await bank.post(
                "mutation ($i: EwarongAgentDecideInput!) { ewarongAgentDecide(input: $i) { ... on UserError { message } } }",
                {"i": {"id": outlet.node, "version": version, "act": act.value, "reason": "sebab"}},
                accept_language="en",
            )
            message = english.json()["data"]["ewarongAgentDecide"]["message"]
            possible = ", ".join(each.value for each in possible_acts(standing)) or "nothing"
            assert message == f"This cannot be done to an e-Warong that is {state.value}. Possible: {possible}."
        elif act is AgentAct.REVOKE:
            assert (answer["__typename"], answer["code"]) == ("Refused", "EWARONG_REVOCATION_OF_NOTHING")
        else:
            assert answer["agent"]["state"] == after.value
            assert answer["agent"]["returnsTo"] == (state.value if after in PAUSED else None)


async def stepping(database: Database, outlet: Outlet, *states: AgentState, violation: UUID | None = None) -> None:
    scope = access_of(load_role_matrix(), grant(Role.REGENCY_ADMIN, BANYUMAS.code)).scope(
        Permission.EWARONG_VIOLATION_WARN
    )
    for state in states:
        async with database.write(scope) as session:
            await step(
                session,
                (outlet.regency_id, outlet.id),
                state,
                reason="pelanggaran",
                violation_id=violation,
                actor=OFFICER,
            )


async def test_a_freeze_washes_no_warning_away_and_the_bank_revokes_what_is_frozen(
    market_api: ApiClient, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, violation = await plant_agent(market_owner, VILLAGE), uuid4()
    bank = await market_api.as_(Role.BANK_OFFICER, BANYUMAS.code)
    first, second, recommended = (
        AgentState.FIRST_WARNING, AgentState.SECOND_WARNING, AgentState.RECOMMENDED_REVOKE,
    )  # fmt: skip
    await stepping(market_database, outlet, first, second, violation=violation)
    frozen = (await decide(bank, id=outlet.node, version=3, act="FREEZE", reason="dugaan"))["agent"]
    assert (frozen["state"], frozen["returnsTo"]) == ("FROZEN", "SECOND_WARNING")
    refused = await decide(bank, id=outlet.node, version=4, act="REVOKE", reason="cabut")
    assert refused["code"] == "EWARONG_AGENT_STATE_WRONG"
    thawed = (await decide(bank, id=outlet.node, version=4, act="UNFREEZE", reason="selesai"))["agent"]
    assert (thawed["state"], thawed["returnsTo"]) == ("SECOND_WARNING", None)
    await decide(bank, id=outlet.node, version=5, act="FREEZE", reason="dugaan")
    await stepping(market_database, outlet, recommended, violation=violation)
    hasty = await decide(bank, id=outlet.node, version=7, act="REVOKE", reason="sesuai rekomendasi")
    assert hasty["code"] == "EWARONG_REVOCATION_OF_NOTHING"
    scope = access_of(load_role_matrix(), grant(Role.BANK_OFFICER, BANYUMAS.code)).scope(
        Permission.EWARONG_AGENT_DECIDE
    )
    async with market_database.write(scope) as session:
        await revoke(
            session,
            OFFICER,
            (outlet.regency_id, outlet.id),
            7,
            act=AgentAct.REVOKE,
            reason="sesuai rekomendasi",
            today=date(2026, 11, 22),
            violation_id=violation,
        )
    steps = await market_owner.fetch(
        "select from_state, to_state from ewarong_agent_step where agent_id = $1 order by id", outlet.id
    )
    assert [(each["from_state"], each["to_state"]) for each in steps] == [
        ("ACTIVE", "FIRST_WARNING"),
        ("FIRST_WARNING", "SECOND_WARNING"),
        ("SECOND_WARNING", "FROZEN"),
        ("FROZEN", "SECOND_WARNING"),
        ("SECOND_WARNING", "FROZEN"),
        ("SECOND_WARNING", "RECOMMENDED_REVOKE"),
        ("FROZEN", "REVOKED_BY_BANK"),
    ]
    assert (
        await market_owner.fetchval(
            "select count(*) from ewarong_agent_step where agent_id = $1 and violation_id = $2", outlet.id, violation
        )
        == 4
    )


async def test_a_step_that_does_not_follow_says_which_do(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, VILLAGE)
    with pytest.raises(AgentStateWrong) as refused:
        await stepping(market_database, outlet, AgentState.SECOND_WARNING)
    assert refused.value.possible == (AgentState.WATCHED, AgentState.FIRST_WARNING, AgentState.RECOMMENDED_REVOKE)
    assert await market_owner.fetchval("select count(*) from ewarong_agent_step where agent_id = $1", outlet.id) == 0
    closed = await plant_agent(market_owner, VILLAGE, state=AgentState.PROPOSED)
    with pytest.raises(AgentStateWrong):
        await stepping(market_database, closed, AgentState.WATCHED)
    with pytest.raises(AgentUnknown):
        await stepping(market_database, await plant_agent(market_owner, CILACAP.village(1, 1)), AgentState.WATCHED)


async def test_an_owner_who_has_come_into_office_is_not_admitted(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", seal: Seal
) -> None:
    given = proposal(VILLAGE)
    tksk = await market_api.as_(Role.TKSK, BANYUMAS.district(1))
    agent = (await propose(tksk, **given))["agent"]
    bank = await market_api.as_(Role.BANK_OFFICER, BANYUMAS.code)
    await assess(bank, id=agent["id"], version=1, assessments=all_met())
    await market_owner.execute(
        "insert into barred_owner (regency_id, id, village_low, village_high, nik_digest, office, valid_from, source, listed_by, "
        "listed_by_name, listed_at) values (3301, gen_random_uuid(), 3301000000, 3301999999, $1, 'VILLAGE_HEAD', '2026-01-01', 'SK', "
        "gen_random_uuid(), 'Admin', now())",
        seal.digest(given["owner"]["nik"]),
    )
    refused = await decide(bank, id=agent["id"], version=2, act="ADMIT", reason="lengkap")
    assert (refused["__typename"], refused["code"]) == ("Conflict", "EWARONG_OWNER_BARRED")
    assert "kepala desa" in refused["message"]
    assert given["owner"]["name"] not in refused["message"]


async def test_what_the_bank_says_is_text(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, VILLAGE)
    bank = await market_api.as_(Role.BANK_OFFICER, BANYUMAS.code)
    for reason, code in ((" ", "TEXT_INVALID"), ("Pemilik NIK 9902010101900001 pindah", "PERSONAL_NUMBER")):
        refused = await decide(bank, id=outlet.node, version=1, act="FREEZE", reason=reason)
        assert (refused["code"], refused["fields"]) == (code, ["reason"])
