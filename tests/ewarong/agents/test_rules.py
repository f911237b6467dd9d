"""The table of states: every act and every step in every state either leads somewhere, or is refused."""

from itertools import product

import pytest

from app.domain.ewarong.agents.rules import (
    ACTS,
    FINAL,
    LADDER,
    PAUSED,
    STEPS,
    AgentAct,
    Standing,
    acted,
    possible_acts,
    stepped,
)
from app.domain.ewarong.models.agents import SERVING, AgentState

S, A = AgentState, AgentAct
STANDINGS = [Standing(state) for state in AgentState if state not in PAUSED] + [
    Standing(state, rung) for state, rung in product(sorted(PAUSED, key=lambda each: each.value), LADDER)
]
BEFORE = (S.PROPOSED, S.DUE_DILIGENCE)
GOES = {
    (Standing(S.DUE_DILIGENCE), A.ADMIT): S.ACTIVE,
    **{(Standing(state), A.REJECT): S.REJECTED for state in BEFORE},
    **{(Standing(state), A.FREEZE): S.FROZEN for state in SERVING},
    **{(Standing(state), A.DEACTIVATE): S.INACTIVE for state in SERVING},
    **{(Standing(S.FROZEN, rung), A.UNFREEZE): rung for rung in SERVING},
    **{(Standing(S.INACTIVE, rung), A.REACTIVATE): rung for rung in SERVING},
    (Standing(S.RECOMMENDED_REVOKE), A.REVOKE): S.REVOKED_BY_BANK,
    **{(Standing(state, S.RECOMMENDED_REVOKE), A.REVOKE): S.REVOKED_BY_BANK for state in PAUSED},
}
"""All that the bank may do, written out once more."""
RUNGS = (S.ACTIVE, S.WATCHED, S.FIRST_WARNING, S.SECOND_WARNING, S.RECOMMENDED_REVOKE)
CLIMBS = {
    (S.ACTIVE, S.WATCHED),
    (S.ACTIVE, S.FIRST_WARNING),
    (S.WATCHED, S.FIRST_WARNING),
    (S.FIRST_WARNING, S.SECOND_WARNING),
    (S.SECOND_WARNING, S.RECOMMENDED_REVOKE),
    # What is grave is recommended without warnings before it: which violations are says oversight.
    (S.ACTIVE, S.RECOMMENDED_REVOKE),
    (S.WATCHED, S.RECOMMENDED_REVOKE),
    (S.FIRST_WARNING, S.RECOMMENDED_REVOKE),
}


@pytest.mark.parametrize("standing", STANDINGS, ids=str)
@pytest.mark.parametrize("act", AgentAct)
def test_an_act_leads_where_the_table_says_and_nowhere_else(standing: Standing, act: AgentAct) -> None:
    assert acted(standing, act) is GOES.get((standing, act))


@pytest.mark.parametrize("standing", STANDINGS, ids=str)
def test_what_is_said_to_be_possible_is_what_goes(standing: Standing) -> None:
    assert set(possible_acts(standing)) == {act for act in AgentAct if (standing, act) in GOES}
    assert bool(possible_acts(standing)) == (standing.state not in FINAL)


@pytest.mark.parametrize("standing", STANDINGS, ids=str)
@pytest.mark.parametrize("to", AgentState)
def test_the_office_warns_once_at_a_time_and_takes_back_as_far_as_it_likes(standing: Standing, to: AgentState) -> None:
    rung = standing.rung
    goes = rung is not None and to in RUNGS and ((rung, to) in CLIMBS or RUNGS.index(to) < RUNGS.index(rung))
    after = stepped(standing, to)
    assert (after is not None) == goes
    if after is not None:
        # A pause goes on; what changes is what it comes back to.
        assert after.rung is to
        assert (after.state is standing.state) == (standing.state in PAUSED)


def test_nobody_but_the_bank_revokes_and_only_what_the_office_has_recommended() -> None:
    assert S.REVOKED_BY_BANK not in STEPS
    assert all(S.REVOKED_BY_BANK not in targets for targets in STEPS.values())
    revoked = {standing.rung for standing in STANDINGS if acted(standing, A.REVOKE) is not None}
    assert revoked == {S.RECOMMENDED_REVOKE}
    assert {act for act, table in ACTS.items() if S.REVOKED_BY_BANK in table.values()} == {A.REVOKE}
