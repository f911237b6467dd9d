"""How a violation moves: one table of what leads where, and what must have happened before.

The office warns twice and recommends, the bank decides, and the outlet is heard before each next step: it has answered, or the day by
which it could has passed. An appeal is answered before the office goes on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final, TypeAlias

from app.domain.base import DomainError
from app.domain.ewarong.models.agents import AgentState
from app.domain.ewarong.models.oversight import ViolationAct, ViolationState
from app.domain.ewarong.oversight.errors import (
    AnswerAwaited,
    AnsweredAlready,
    AnswerTooLate,
    AppealMissing,
    AppealOpen,
    ViolationStateWrong,
    WarningsFirst,
)

S: TypeAlias = ViolationState
A: TypeAlias = ViolationAct


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a violation stands, and what the outlet has said of its last step."""

    state: ViolationState
    before: ViolationState
    """From where the last step came, which is where an accepted appeal leads."""
    grave: bool
    today: date
    """At the outlet."""
    reply_due: date | None = None
    """The last day on which the outlet may answer; None where there is nothing to answer."""
    replied: bool = False
    appealed: bool = False
    appeal_answered: bool = False

    @property
    def appeal_open(self) -> bool:
        """Whether an appeal waits for its answer."""
        return self.appealed and not self.appeal_answered

    @property
    def overdue(self) -> bool:
        """Whether the day by which the outlet could answer has passed."""
        return self.reply_due is not None and self.reply_due < self.today


Obstacle: TypeAlias = Callable[[Sequence[ViolationAct]], DomainError]
"""The refusal that tells what is possible instead."""
Check: TypeAlias = Callable[[Standing], Obstacle | None]
"""Why an act that leads on from a state is not possible yet, or not any more."""


def _no_appeal_waits(standing: Standing) -> Obstacle | None:
    return AppealOpen if standing.appeal_open else None


def _was_heard(standing: Standing) -> Obstacle | None:
    """The outlet has answered the last step, or could have."""
    if standing.reply_due is None or standing.overdue or standing.replied or standing.appealed:
        return None
    return partial(AnswerAwaited, standing.reply_due)


def _could_appeal(standing: Standing) -> Obstacle | None:
    """As above, but a reply is not enough: who is to be revoked has had all the time to appeal."""
    if standing.reply_due is None or standing.overdue or standing.appealed:
        return None
    return partial(AnswerAwaited, standing.reply_due)


def _is_grave(standing: Standing) -> Obstacle | None:
    return None if standing.grave else WarningsFirst


def _may_answer(standing: Standing) -> Obstacle | None:
    if standing.reply_due is None:
        return partial(ViolationStateWrong, standing.state)
    return partial(AnswerTooLate, standing.reply_due) if standing.overdue else None


def _has_not_replied(standing: Standing) -> Obstacle | None:
    return AnsweredAlready if standing.replied else None


def _has_not_appealed(standing: Standing) -> Obstacle | None:
    return AnsweredAlready if standing.appealed else None


def _appeal_waits(standing: Standing) -> Obstacle | None:
    return None if standing.appeal_open else AppealMissing


@dataclass(frozen=True, slots=True)
class Way:
    """Where an act leads; None: to where the last step came from. What must hold is asked in this order."""

    to: ViolationState | None
    checks: tuple[Check, ...] = ()


_HEARD: Final = (_no_appeal_waits, _was_heard)
_SPEAKS: Final[Mapping[ViolationAct, tuple[Check, ...]]] = {
    A.REPLY: (_may_answer, _has_not_replied),
    A.APPEAL: (_may_answer, _has_not_appealed),
    A.REJECT_APPEAL: (_appeal_waits,),
}
"""Acts that leave a violation where it stands."""


def _said_at(state: ViolationState, *acts: ViolationAct) -> dict[tuple[ViolationState, ViolationAct], Way]:
    spoken = {(state, act): Way(state, _SPEAKS[act]) for act in acts}
    return {**spoken, (state, A.ACCEPT_APPEAL): Way(None, (_appeal_waits,))}


WAYS: Final[Mapping[tuple[ViolationState, ViolationAct], Way]] = {
    (S.RECORDED, A.WARN): Way(S.FIRST_WARNING),
    (S.RECORDED, A.RECOMMEND): Way(S.RECOMMENDED_REVOKE, (_is_grave,)),
    (S.RECORDED, A.DISMISS): Way(S.DISMISSED),
    (S.RECORDED, A.REMEDY): Way(S.REMEDIED),
    (S.FIRST_WARNING, A.WARN): Way(S.SECOND_WARNING, _HEARD),
    (S.FIRST_WARNING, A.RECOMMEND): Way(S.RECOMMENDED_REVOKE, (_is_grave, *_HEARD)),
    (S.FIRST_WARNING, A.REMEDY): Way(S.REMEDIED, (_no_appeal_waits,)),
    **_said_at(S.FIRST_WARNING, A.REPLY, A.APPEAL, A.REJECT_APPEAL),
    (S.SECOND_WARNING, A.RECOMMEND): Way(S.RECOMMENDED_REVOKE, _HEARD),
    (S.SECOND_WARNING, A.REMEDY): Way(S.REMEDIED, (_no_appeal_waits,)),
    **_said_at(S.SECOND_WARNING, A.REPLY, A.APPEAL, A.REJECT_APPEAL),
    (S.RECOMMENDED_REVOKE, A.REVOKE): Way(S.REVOKED_BY_BANK, (_no_appeal_waits, _could_appeal)),
    (S.RECOMMENDED_REVOKE, A.KEEP): Way(S.KEPT_BY_BANK),
    **_said_at(S.RECOMMENDED_REVOKE, A.APPEAL, A.REJECT_APPEAL),
}
"""All that leads anywhere. What is not here is refused."""

SANCTIONS: Final[Mapping[ViolationState, AgentState]] = {
    S.FIRST_WARNING: AgentState.FIRST_WARNING,
    S.SECOND_WARNING: AgentState.SECOND_WARNING,
    S.RECOMMENDED_REVOKE: AgentState.RECOMMENDED_REVOKE,
}
"""Where an outlet stands for a violation that is under way, the gravest last."""
_GRAVEST_FIRST: Final = tuple(SANCTIONS)[::-1]


def next_state(standing: Standing, act: ViolationAct) -> ViolationState:
    """Where ``act`` leads from ``standing``.

    Raises:
        ViolationStateWrong, WarningsFirst, AnswerAwaited, AppealOpen, AnswerTooLate, AnsweredAlready, AppealMissing: it leads nowhere
            now; the refusal says what is possible.
    """
    obstacle = _obstacle(standing, act)
    if obstacle is not None:
        raise obstacle(possible(standing))
    to = WAYS[standing.state, act].to
    return standing.before if to is None else to


def possible(standing: Standing) -> tuple[ViolationAct, ...]:
    """What can be done now, by whoever may do it."""
    return tuple(act for act in ViolationAct if _obstacle(standing, act) is None)


def _obstacle(standing: Standing, act: ViolationAct) -> Obstacle | None:
    way = WAYS.get((standing.state, act))
    if way is None:
        return partial(ViolationStateWrong, standing.state)
    return next((obstacle for check in way.checks if (obstacle := check(standing)) is not None), None)


def sanction_of(states: Iterable[ViolationState]) -> AgentState | None:
    """Where an outlet stands whose violations stand at ``states``: at the gravest of them; None where no sanction is under way."""
    under_way = set(states)
    return next((SANCTIONS[state] for state in _GRAVEST_FIRST if state in under_way), None)
