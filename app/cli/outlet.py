"""The e-Warong of the demo: proposed, examined and admitted by the people of the demo, as any other."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import httpx2

from app.authz.roles import Role
from app.cli.console import Refusal
from app.cli.people import Person, Post
from app.domain.ewarong.models.agents import AgentState, Criterion
from app.schema.ids import NodeIdInvalid, parse_node_id
from app.tenants.region_path import RegionPath

_NUMBER: Final = "DEMO-1"
_KEY: Final = "01a50000-0000-7000-8000-000000000001"
_AGENT: Final = "agent { id version state }"
_REFUSED: Final = "... on UserError { code message }"
_PROPOSE: Final = f"""mutation($input: EwarongAgentProposeInput!) {{
  done: ewarongAgentPropose(input: $input) {{ ... on EwarongAgentProposed {{ {_AGENT} }} {_REFUSED} }} }}"""
_FIND: Final = """query($region: String!) {
  ewarongAgents(region: $region, bank: BRI, first: 100) { nodes { id version state number village { code } } } }"""
_ASSESS: Final = f"""mutation($input: EwarongDueDiligenceRecordInput!) {{
  done: ewarongDueDiligenceRecord(input: $input) {{ ... on EwarongDueDiligenceRecorded {{ {_AGENT} }} {_REFUSED} }} }}"""
_ADMIT: Final = f"""mutation($input: EwarongAgentDecideInput!) {{
  done: ewarongAgentDecide(input: $input) {{ ... on EwarongAgentDecided {{ {_AGENT} }} {_REFUSED} }} }}"""


class _Standing(NamedTuple):
    id: str
    version: int
    state: AgentState


def outlet_id(text: str | None) -> UUID | None:
    """The id of an e-Warong from its node id.

    Raises:
        Refusal: the text is none.
    """
    if text is None:
        return None
    try:
        return UUID(str(parse_node_id(text, "EwarongAgent").key[1]))
    except NodeIdInvalid as error:
        raise Refusal("--outlet takes the `id` of an e-Warong, such as EwarongAgent:3302:<uuid>.") from error


async def open_outlet(address: str, people: Sequence[Person]) -> Post:
    """Make sure that the demo has an e-Warong that serves, in the village of its volunteer; the post of whoever runs it.

    Raises:
        Refusal: one of the steps was refused.
    """
    holder = {person.post.role: person for person in reversed(people)}
    village = holder[Role.PSM].post.region
    # A proxy of the environment must not see requests of this machine to itself.
    async with httpx2.AsyncClient(base_url=address, trust_env=False) as http:
        found = await _found(http, holder[Role.REGENCY_ADMIN])
        if found is None:
            outlet = await _asked(http, holder[Role.TKSK], _PROPOSE, _proposal(village))
        else:
            # The fullest village may be another by now; the outlet stays where it is.
            outlet, village = found
        if outlet.state is AgentState.PROPOSED:
            met = [{"criterion": criterion.value, "met": True} for criterion in Criterion]
            given = {"id": outlet.id, "version": outlet.version, "assessments": met}
            outlet = await _asked(http, holder[Role.REGENCY_VERIFIER], _ASSESS, given)
        if outlet.state is AgentState.DUE_DILIGENCE:
            given = {"id": outlet.id, "version": outlet.version, "act": "ADMIT", "reason": "Lolos uji tuntas"}
            outlet = await _asked(http, holder[Role.BANK_OFFICER], _ADMIT, given)
    return Post(Role.EWARONG_AGENT, village, outlet=outlet_id(outlet.id))


def _proposal(village: RegionPath) -> dict[str, Any]:
    return {
        "village": village.code,
        "number": _NUMBER,
        "name": "Warung Percontohan",
        "kind": "SHOP",
        "bank": "BRI",
        "address": "Jalan Balai Desa 1",
        # Of the province 99, which is nobody's.
        "owner": {"name": "Pemilik Percontohan", "nik": "9902010101800001"},
        "idempotencyKey": _KEY,
    }


async def _found(http: httpx2.AsyncClient, person: Person) -> tuple[_Standing, RegionPath] | None:
    """The demo's e-Warong and its village, where it was opened at an earlier start."""
    answer = await _answer(http, person, _FIND, {"region": person.post.region.code})
    for node in answer["data"]["ewarongAgents"]["nodes"] if answer.get("data") else ():
        if node["number"] == _NUMBER:
            standing = _Standing(node["id"], node["version"], AgentState(node["state"]))
            return standing, RegionPath.parse(node["village"]["code"])
    return None


async def _asked(http: httpx2.AsyncClient, person: Person, document: str, given: dict[str, Any]) -> _Standing:
    answer = await _answer(http, person, document, {"input": given})
    agent = ((answer.get("data") or {}).get("done") or {}).get("agent")
    if agent is None:
        raise Refusal(f"The demo's e-Warong cannot be opened ({answer}): run `kesos check`.")
    return _Standing(agent["id"], agent["version"], AgentState(agent["state"]))


async def _answer(http: httpx2.AsyncClient, person: Person, document: str, variables: dict[str, Any]) -> dict[str, Any]:
    response = await http.post(
        "/graphql",
        json={"query": document, "variables": variables},
        headers={"authorization": f"Bearer {person.token}"},
    )
    answer: dict[str, Any] = response.json()
    return answer
