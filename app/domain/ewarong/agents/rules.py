"""Which act may follow in which state of an outlet, as data; and the ladder on which the office moves it.

The bank admits, rejects, freezes and revokes; the office watches, warns and recommends. An outlet that is frozen or inactive keeps its
place on the ladder (``returns_to``): a freeze washes no warning away, and the office may warn and recommend meanwhile.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from app.domain.base import Term
from app.domain.ewarong.models.agents import SERVING, AgentState, Criterion

_S = AgentState


class AgentAct(Term):
    """What the bank does with an outlet."""

    ADMIT = ("ADMIT", "menerima setelah uji tuntas")
    REJECT = ("REJECT", "menolak usulan")
    FREEZE = ("FREEZE", "membekukan")
    UNFREEZE = ("UNFREEZE", "mencairkan pembekuan")
    REVOKE = ("REVOKE", "mencabut, sesuai rekomendasi dinas")
    DEACTIVATE = ("DEACTIVATE", "menonaktifkan")
    REACTIVATE = ("REACTIVATE", "mengaktifkan kembali")


class Standing(NamedTuple):
    """Where an outlet stands, and for one that is frozen or inactive where it comes back to."""

    state: AgentState
    returns_to: AgentState | None = None

    @property
    def rung(self) -> AgentState | None:
        """Its place on the ladder; None where it was never admitted, or is no more."""
        return self.state if self.state in SERVING else self.returns_to


LADDER: Final = SERVING
"""From good standing to the recommendation that the bank revoke it."""
PAUSED: Final = frozenset({_S.FROZEN, _S.INACTIVE})
"""States from which an outlet comes back to where it stood."""
FINAL: Final = frozenset({_S.REVOKED_BY_BANK, _S.REJECTED})
"""States that nothing follows: whoever wants to serve again is proposed again."""
CHANGEABLE_OWNER: Final = frozenset({_S.PROPOSED, _S.DUE_DILIGENCE})
"""States in which the owner may still be put right; afterwards another owner is another outlet, with its own due diligence."""

ACTS: Final[Mapping[AgentAct, Mapping[AgentState, AgentState | None]]] = {
    AgentAct.ADMIT: {_S.DUE_DILIGENCE: _S.ACTIVE},
    AgentAct.REJECT: {_S.PROPOSED: _S.REJECTED, _S.DUE_DILIGENCE: _S.REJECTED},
    AgentAct.FREEZE: dict.fromkeys(SERVING, _S.FROZEN),
    AgentAct.UNFREEZE: {_S.FROZEN: None},
    # An inactive one too: an owner who is barred can never bring it back, and it would stay recommended for ever.
    AgentAct.REVOKE: dict.fromkeys((_S.RECOMMENDED_REVOKE, *PAUSED), _S.REVOKED_BY_BANK),
    AgentAct.DEACTIVATE: dict.fromkeys(SERVING, _S.INACTIVE),
    AgentAct.REACTIVATE: {_S.INACTIVE: None},
}
"""Where an act leads from a state; None: back to where it stood. Revoking follows the office's recommendation alone."""
STEPS: Final[Mapping[AgentState, frozenset[AgentState]]] = {
    _S.ACTIVE: frozenset({_S.WATCHED, _S.FIRST_WARNING, _S.RECOMMENDED_REVOKE}),
    _S.WATCHED: frozenset({_S.FIRST_WARNING, _S.RECOMMENDED_REVOKE, _S.ACTIVE}),
    _S.FIRST_WARNING: frozenset({_S.SECOND_WARNING, _S.RECOMMENDED_REVOKE, _S.WATCHED, _S.ACTIVE}),
    _S.SECOND_WARNING: frozenset({_S.RECOMMENDED_REVOKE, _S.FIRST_WARNING, _S.WATCHED, _S.ACTIVE}),
    _S.RECOMMENDED_REVOKE: frozenset({_S.SECOND_WARNING, _S.FIRST_WARNING, _S.WATCHED, _S.ACTIVE}),
}
"""Steps of the office on the ladder: up one warning at a time, down as far as it likes. What is so grave that no warning need come
before a recommendation is for the rules of violations to say."""
REQUIRED: Final = tuple(Criterion)
"""What due diligence must have found met before the bank admits."""


def acted(standing: Standing, act: AgentAct) -> AgentState | None:
    """The state to which ``act`` leads from ``standing``; None where it may not follow."""
    if standing.state not in ACTS[act]:
        return None
    if act is AgentAct.REVOKE and standing.rung is not _S.RECOMMENDED_REVOKE:
        return None
    return ACTS[act][standing.state] or standing.returns_to


def possible_acts(standing: Standing) -> tuple[AgentAct, ...]:
    """What the bank may do with an outlet that stands there."""
    return tuple(act for act in AgentAct if acted(standing, act) is not None)


def stepped(standing: Standing, to: AgentState) -> Standing | None:
    """Where a step of the office to ``to`` leads from ``standing``; None where it may not follow."""
    rung = standing.rung
    if rung is None or to not in STEPS[rung]:
        return None
    return Standing(standing.state, to) if standing.state in PAUSED else Standing(to)
