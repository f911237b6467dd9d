from datetime import date

import pytest

from app.domain.bansos.insurance.transitions import TRANSITIONS, last_day_to_ask, may_follow
from app.domain.bansos.models.insurance import MembershipState

S = MembershipState


def test_every_state_says_what_may_follow_it() -> None:
    assert set(TRANSITIONS) == set(S)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (S.PROPOSED, S.VERIFIED),
        (S.VERIFIED, S.ACTIVE),
        (S.ACTIVE, S.DEACTIVATED),
        (S.DEACTIVATED, S.REACTIVATION_REQUESTED),
        (S.REACTIVATION_REQUESTED, S.ACTIVE),
        (S.REACTIVATION_REQUESTED, S.MOVED),
        (S.REACTIVATION_REQUESTED, S.REJECTED),
    ],
)
def test_the_way_of_the_regulation_is_open(before: MembershipState, after: MembershipState) -> None:
    assert may_follow(before, after)


@pytest.mark.parametrize("before", S)
def test_nothing_becomes_active_but_what_was_verified_or_asked_back(before: MembershipState) -> None:
    assert may_follow(before, S.ACTIVE) is (before in {S.VERIFIED, S.REACTIVATION_REQUESTED})


@pytest.mark.parametrize("state", [S.MOVED, S.REJECTED])
def test_what_was_refused_stays_refused(state: MembershipState) -> None:
    assert not TRANSITIONS[state]


@pytest.mark.parametrize(
    ("ended_on", "last_day"),
    [
        (date(2026, 1, 31), date(2026, 7, 31)),
        (date(2026, 2, 28), date(2026, 8, 28)),
        (date(2025, 8, 31), date(2026, 2, 28)),
        (date(2027, 8, 31), date(2028, 2, 29)),
        (date(2026, 6, 30), date(2026, 12, 30)),
        (date(2026, 7, 15), date(2027, 1, 15)),
    ],
)
def test_six_months_later_is_the_same_day_or_the_last_of_a_shorter_month(ended_on: date, last_day: date) -> None:
    assert last_day_to_ask(ended_on, 6) == last_day
