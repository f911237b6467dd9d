"""The table of what leads where, said once more in another form and compared with what the rules do: every state, every act."""

from datetime import date, timedelta
from itertools import chain, combinations, product
from typing import Any

import pytest

from app.domain.base import DomainError
from app.domain.ewarong.models.agents import AgentState
from app.domain.ewarong.models.oversight import ViolationAct, ViolationState
from app.domain.ewarong.oversight.rules import WAYS, Standing, next_state, possible, sanction_of

TODAY = date(2026, 3, 10)
DUE, PAST = TODAY + timedelta(days=7), TODAY - timedelta(days=1)
S, A = ViolationState, ViolationAct
SITUATIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "grave": {"grave": True},
    "waiting": {"reply_due": DUE},
    "last_day": {"reply_due": TODAY},
    "late": {"reply_due": PAST},
    "replied": {"reply_due": DUE, "replied": True},
    "appealed": {"reply_due": DUE, "appealed": True},
    "appealed_late": {"reply_due": PAST, "appealed": True},
    "rejected": {"reply_due": DUE, "appealed": True, "appeal_answered": True},
    "grave_waiting": {"reply_due": DUE, "grave": True},
    "grave_late": {"reply_due": PAST, "grave": True},
}
# Where an act leads, or why it does not. SP1, SP2, REC, BANK: the states; back: from where the last step came; stay: as it was.
# state: what it does not take; WARN: warnings first; wait: the answer is awaited; open: an appeal is open; over: too late;
# said: answered already; none: no appeal waits.
TABLE = """
                                WARN  RECOMMEND REVOKE KEEP  DISMISS REMEDY REPLY APPEAL ACCEPT_APPEAL REJECT_APPEAL
RECORDED           plain        SP1   WARN      state  state DIS     REM    state state  state         state
RECORDED           grave        SP1   REC       state  state DIS     REM    state state  state         state
FIRST_WARNING      plain        SP2   WARN      state  state state   REM    state state  none          none
FIRST_WARNING      waiting      wait  WARN      state  state state   REM    stay  stay   none          none
FIRST_WARNING      last_day     wait  WARN      state  state state   REM    stay  stay   none          none
FIRST_WARNING      late         SP2   WARN      state  state state   REM    over  over   none          none
FIRST_WARNING      replied      SP2   WARN      state  state state   REM    said  stay   none          none
FIRST_WARNING      appealed     open  WARN      state  state state   open   stay  said   back          stay
FIRST_WARNING      appealed_late open WARN      state  state state   open   over  over   back          stay
FIRST_WARNING      rejected     SP2   WARN      state  state state   REM    stay  said   none          none
FIRST_WARNING      grave_waiting wait wait      state  state state   REM    stay  stay   none          none
FIRST_WARNING      grave_late   SP2   REC       state  state state   REM    over  over   none          none
SECOND_WARNING     plain        state REC       state  state state   REM    state state  none          none
SECOND_WARNING     waiting      state wait      state  state state   REM    stay  stay   none          none
SECOND_WARNING     last_day     state wait      state  state state   REM    stay  stay   none          none
SECOND_WARNING     late         state REC       state  state state   REM    over  over   none          none
SECOND_WARNING     replied      state REC       state  state state   REM    said  stay   none          none
SECOND_WARNING     appealed     state open      state  state state   open   stay  said   back          stay
SECOND_WARNING     rejected     state REC       state  state state   REM    stay  said   none          none
SECOND_WARNING     grave_waiting state wait     state  state state   REM    stay  stay   none          none
RECOMMENDED_REVOKE waiting      state state     wait   KEPT  state   state  state stay   none          none
RECOMMENDED_REVOKE last_day     state state     wait   KEPT  state   state  state stay   none          none
RECOMMENDED_REVOKE late         state state     BANK   KEPT  state   state  state over   none          none
RECOMMENDED_REVOKE appealed     state state     open   KEPT  state   state  state said   back          stay
RECOMMENDED_REVOKE rejected     state state     BANK   KEPT  state   state  state said   none          none
DISMISSED          plain        state state     state  state state   state  state state  state         state
REVOKED_BY_BANK    plain        state state     state  state state   state  state state  state         state
KEPT_BY_BANK       plain        state state     state  state state   state  state state  state         state
REMEDIED           plain        state state     state  state state   state  state state  state         state
"""
STATES = {
    "SP1": S.FIRST_WARNING,
    "SP2": S.SECOND_WARNING,
    "REC": S.RECOMMENDED_REVOKE,
    "BANK": S.REVOKED_BY_BANK,
    "KEPT": S.KEPT_BY_BANK,
    "DIS": S.DISMISSED,
    "REM": S.REMEDIED,
}
REFUSALS = {
    "state": "EWARONG_VIOLATION_STATE",
    "WARN": "WARNINGS_FIRST",
    "wait": "ANSWER_AWAITED",
    "open": "APPEAL_OPEN",
    "over": "ANSWER_TOO_LATE",
    "said": "ANSWERED_ALREADY",
    "none": "NO_APPEAL",
}


def rows() -> list[tuple[str, str, str, str]]:
    head, *lines = (line.split() for line in TABLE.strip().splitlines())
    return [
        (state, situation, act, said)
        for state, situation, *cells in lines
        for act, said in zip(head, cells, strict=True)
    ]


def standing(state: str, situation: str) -> Standing:
    said: dict[str, Any] = {"before": S.RECORDED, "grave": False, **SITUATIONS[situation]}
    return Standing(state=S(state), today=TODAY, **said)


@pytest.mark.parametrize(("state", "situation", "act", "said"), rows())
def test_an_act_leads_where_the_table_says_or_is_refused_by_name(
    state: str, situation: str, act: str, said: str
) -> None:
    stands = standing(state, situation)
    if said in REFUSALS:
        with pytest.raises(DomainError) as refused:
            next_state(stands, A(act))
        assert refused.value.code == REFUSALS[said]
        assert A(act) not in possible(stands)
    else:
        leads = {"back": stands.before, "stay": stands.state} | STATES
        assert next_state(stands, A(act)) is leads[said]
        assert A(act) in possible(stands)


def test_the_table_names_every_state_and_every_act_but_recording() -> None:
    said = rows()
    assert {state for state, *_ in said} == {state.value for state in S}
    assert {act for *_, act, _ in said} == {act.value for act in A} - {"RECORD"}
    covered = {(S(state), A(act)) for state, _, act, cell in said if cell != "state"}
    assert covered == set(WAYS)


@pytest.mark.parametrize("state", S)
def test_nothing_is_recorded_twice(state: ViolationState) -> None:
    with pytest.raises(DomainError) as refused:
        next_state(standing(state.value, "plain"), A.RECORD)
    assert refused.value.code == "EWARONG_VIOLATION_STATE"


def test_a_refusal_says_what_is_possible_now() -> None:
    with pytest.raises(DomainError) as refused:
        next_state(standing("FIRST_WARNING", "waiting"), A.WARN)
    assert "2026-03-17" in refused.value.english
    assert "Possible now: `ewarongViolationRemedied`, `ewarongViolationReply`, `ewarongViolationAppeal`." in (
        refused.value.english
    )
    with pytest.raises(DomainError) as over:
        next_state(standing("DISMISSED", "plain"), A.WARN)
    assert over.value.indonesian.endswith("Tidak ada lagi yang dapat dilakukan.")


def test_the_bank_alone_revokes_and_only_what_was_recommended() -> None:
    assert {before for (before, act), way in WAYS.items() if way.to is S.REVOKED_BY_BANK or act is A.REVOKE} == {
        S.RECOMMENDED_REVOKE
    }


GRADES = (
    (S.RECOMMENDED_REVOKE, AgentState.RECOMMENDED_REVOKE),
    (S.SECOND_WARNING, AgentState.SECOND_WARNING),
    (S.FIRST_WARNING, AgentState.FIRST_WARNING),
)


@pytest.mark.parametrize("states", list(chain.from_iterable(combinations(S, size) for size in range(4))))
def test_an_outlet_stands_where_its_gravest_violation_stands(states: tuple[ViolationState, ...]) -> None:
    expected = next((agent for state, agent in GRADES if state in states), None)
    assert sanction_of(states) is expected


@pytest.mark.parametrize(("state", "situation"), list(product(S, SITUATIONS)))
def test_what_is_possible_is_what_is_not_refused(state: ViolationState, situation: str) -> None:
    stands = standing(state.value, situation)
    for act in A:
        try:
            next_state(stands, act)
        except DomainError:
            assert act not in possible(stands)
        else:
            assert act in possible(stands)
