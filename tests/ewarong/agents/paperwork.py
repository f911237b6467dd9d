"""Short ways to write to the registry of outlets over HTTP."""

from itertools import count
from typing import Any, Final
from uuid import uuid4

from app.domain.ewarong.models.agents import Criterion
from tests.support.client import Caller, Json

_SERIALS: Final = count(1)
REFUSAL: Final = "... on UserError { __typename code message } ... on InvalidInput { fields }"
AGENT: Final = "id number name kind bank state returnsTo version village { code } steps { fromState toState reason }"


def fresh_nik() -> str:
    """The NIK of somebody new, who lives nowhere."""
    return f"9902010101{90 + next(_SERIALS) % 9:02}{next(_SERIALS):04}"


def proposal(village: str, **others: Any) -> Json:
    """The input of a proposal, but for ``others``."""
    return {
        "village": village,
        "number": f"UJI-{uuid4().hex[:12]}",
        "name": "Warung Bu Siti",
        "kind": "SHOP",
        "bank": "BRI",
        "address": "Jalan Pasar 7",
        "owner": {"name": "Siti Pemilik", "nik": fresh_nik()},
        "idempotencyKey": str(uuid4()),
    } | others


async def mutate(caller: Caller, name: str, answer: str, /, **given: Any) -> Json:
    """What the mutation ``name`` answers; ``answer`` selects from it, and refusals are always told."""
    capital = name[0].upper() + name[1:]
    document = f"mutation ($input: {capital}Input!) {{ {name}(input: $input) {{ __typename {answer} {REFUSAL} }} }}"
    data: Json = (await caller.query(document, input=given))[name]
    return data


async def propose(caller: Caller, **given: Any) -> Json:
    return await mutate(
        caller, "ewarongAgentPropose", f"... on EwarongAgentProposed {{ agent {{ {AGENT} }} }}", **given
    )


async def amend(caller: Caller, **given: Any) -> Json:
    return await mutate(caller, "ewarongAgentAmend", f"... on EwarongAgentAmended {{ agent {{ {AGENT} }} }}", **given)


async def assess(caller: Caller, **given: Any) -> Json:
    answer = f"... on EwarongDueDiligenceRecorded {{ agent {{ {AGENT} dueDiligence {{ criterion met note }} }} }}"
    return await mutate(caller, "ewarongDueDiligenceRecord", answer, **given)


async def decide(caller: Caller, **given: Any) -> Json:
    return await mutate(caller, "ewarongAgentDecide", f"... on EwarongAgentDecided {{ agent {{ {AGENT} }} }}", **given)


def all_met(**others: bool) -> list[Json]:
    """Every criterion met, but for ``others``."""
    return [{"criterion": each.value, "met": others.get(each.value, True)} for each in Criterion]
