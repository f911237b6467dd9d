"""Which state of a membership may follow which, and on what day it may still be asked back."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from typing import Final

from app.domain.bansos.models.insurance import MembershipState

_S = MembershipState
TRANSITIONS: Final[Mapping[MembershipState, frozenset[MembershipState]]] = {
    _S.PROPOSED: frozenset({_S.VERIFIED, _S.REJECTED}),
    _S.VERIFIED: frozenset({_S.ACTIVE, _S.REJECTED}),
    _S.ACTIVE: frozenset({_S.DEACTIVATED}),
    _S.DEACTIVATED: frozenset({_S.REACTIVATION_REQUESTED}),
    _S.REACTIVATION_REQUESTED: frozenset({_S.ACTIVE, _S.MOVED, _S.REJECTED}),
    _S.MOVED: frozenset(),
    _S.REJECTED: frozenset(),
}
"""From REACTIVATION_REQUESTED on it is a membership of its own, and the one that ended stays DEACTIVATED: what was is not rewritten."""
MONTHS_IN_YEAR: Final = 12


def may_follow(before: MembershipState, after: MembershipState) -> bool:
    """Whether a membership may go from one state to the other."""
    return after in TRANSITIONS[before]


def last_day_to_ask(ended_on: date, months: int) -> date:
    """The last day on which a membership that ended on ``ended_on`` can be asked back: the same day of the month, ``months`` later.

    Where that month is shorter, its last day.
    """
    year, month = divmod(ended_on.month - 1 + months, MONTHS_IN_YEAR)
    year, month = ended_on.year + year, month + 1
    return date(year, month, min(ended_on.day, monthrange(year, month)[1]))
