"""Moving an outlet as its violations move: it stands where the gravest of them stands."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.agents.queries import locked_agent, standing_of
from app.domain.ewarong.agents.rules import AgentAct
from app.domain.ewarong.agents.service import decide, step
from app.domain.ewarong.models.agents import AgentState, ewarong_agent_step
from app.domain.ewarong.models.oversight import (
    ViolationAct,
    ViolationState,
    ewarong_violation,
    ewarong_violation_step,
)
from app.domain.ewarong.oversight.cases import Case
from app.domain.ewarong.oversight.rules import SANCTIONS, sanction_of

_WATCHED_AFTER: Final = frozenset({ViolationAct.KEEP, ViolationAct.REMEDY})
"""What proves a violation and ends it: the outlet is not simply what it was before."""


async def move_outlet(session: AsyncSession, actor: Actor, case: Case, act: ViolationAct, reason: str) -> None:
    """Take the outlet of ``case`` to where its violations put it, now that ``act`` is done.

    An outlet that was never admitted, or is no more, stays as it is.
    """
    row = await locked_agent(session, case.agent)
    rung = standing_of(row).rung
    if rung is None:
        return
    # One line, as the steps of an outlet are listed.
    why = " ".join(reason.split())
    if act is ViolationAct.REVOKE:
        await decide(
            session,
            actor,
            case.agent,
            row.version,
            act=AgentAct.REVOKE,
            reason=why,
            today=case.standing.today,
            violation_id=case.key[1],
        )
        return
    target = await _target(session, case.agent, rung, act)
    if target is not rung:
        await step(session, case.agent, target, reason=why, violation_id=case.key[1], actor=actor)


async def _target(session: AsyncSession, agent: Key, rung: AgentState, act: ViolationAct) -> AgentState:
    c = ewarong_violation.c
    states = await session.scalars(sa.select(c.state).where(c.regency_id == agent[0], c.agent_id == agent[1]))
    sanction = sanction_of(ViolationState(state) for state in states)
    if sanction is not None:
        return sanction
    if act in _WATCHED_AFTER:
        return AgentState.WATCHED
    return await _before_sanctions(session, agent) if rung in SANCTIONS.values() else rung


async def _before_sanctions(session: AsyncSession, agent: Key) -> AgentState:
    """Where the outlet stood before it was last warned; watched at least, where a proven violation of it has ended since."""
    c, of_violation = ewarong_agent_step.c, ewarong_violation_step.c
    sanctions = [state.value for state in SANCTIONS.values()]
    # Ids are UUIDs of version 7, made under the lock of the outlet: their order is that of time.
    proven_since = sa.exists().where(
        of_violation.regency_id == agent[0],
        of_violation.agent_id == agent[1],
        of_violation.act.in_([act.value for act in _WATCHED_AFTER]),
        of_violation.id > c.id,
    )
    last = (
        sa.select(c.from_state, proven_since)
        .where(
            c.regency_id == agent[0],
            c.agent_id == agent[1],
            c.to_state.in_(sanctions),
            c.from_state.in_([AgentState.ACTIVE.value, AgentState.WATCHED.value]),
        )
        .order_by(c.id.desc())
        .limit(1)
    )
    found = (await session.execute(last)).one_or_none()
    if found is None:
        return AgentState.ACTIVE
    from_state, is_proven = found
    return AgentState.WATCHED if is_proven else AgentState(from_state)
