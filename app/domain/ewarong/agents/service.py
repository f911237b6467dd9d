"""Moving outlets: due diligence, what the bank decides, and the steps of the office. Each leaves a step with its reason.

The functions run in the transaction of a mutation, lock the outlet, and commit nothing.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.agents.errors import (
    AgentSamePerson,
    AgentStateWrong,
    CriteriaWrong,
    DueDiligenceIncomplete,
    OwnerNoLongerAllowed,
    RevocationOfNothing,
)
from app.domain.ewarong.agents.queries import Agent, at, barring_office, locked_agent, met_criteria, standing_of
from app.domain.ewarong.agents.rules import (
    FINAL,
    PAUSED,
    REQUIRED,
    STEPS,
    AgentAct,
    Standing,
    acted,
    possible_acts,
    stepped,
)
from app.domain.ewarong.agents.texts import checked_text
from app.domain.ewarong.models.agents import (
    AgentState,
    Criterion,
    ewarong_agent,
    ewarong_agent_step,
    ewarong_due_diligence,
)

LONGEST_REASON: Final = 1000
LONGEST_NOTE: Final = 500
ASSESSED: Final = "uji tuntas dimulai"
"""The reason of the step that the first assessment takes."""


class Assessment(NamedTuple):
    """What somebody found of one criterion."""

    criterion: Criterion
    met: bool
    note: str


async def record_due_diligence(
    session: AsyncSession, actor: Actor, key: Key, version: int, assessments: Sequence[Assessment]
) -> Agent:
    """Keep what was found of some criteria, beside what was found before. The first of it begins due diligence.

    Raises:
        AgentUnknown, AgentChanged: it cannot be done.
        AgentStateWrong: the outlet was rejected or revoked.
        AgentSamePerson: the actor has proposed the outlet.
        CriteriaWrong, TextWrong: an assessment cannot be as it was given.
    """
    if not assessments or len({each.criterion for each in assessments}) < len(assessments):
        raise CriteriaWrong
    notes = [checked_text("assessments", each.note, LONGEST_NOTE) if each.note else "" for each in assessments]
    row = await locked_agent(session, key, version)
    standing = standing_of(row)
    if standing.state in FINAL:
        raise AgentStateWrong(standing.state, possible_acts(standing))
    if row.proposed_by == actor.id:
        raise AgentSamePerson
    of_agent = {"regency_id": row.regency_id, "village_id": row.village_id, "agent_id": row.id}
    await session.execute(
        sa.insert(ewarong_due_diligence).values(
            [
                {
                    **of_agent,
                    "id": uuid7(),
                    "criterion": each.criterion.value,
                    "met": each.met,
                    "note": note,
                    **actor.did("assessed"),
                }
                for each, note in zip(assessments, notes, strict=True)
            ]
        )
    )
    if standing.state is AgentState.PROPOSED:
        return await _move(session, row, Standing(AgentState.DUE_DILIGENCE), actor, reason=ASSESSED)
    await session.execute(sa.update(ewarong_agent).where(at(key)).values(version=row.version + 1))
    return Agent.of(row)


async def decide(
    session: AsyncSession,
    actor: Actor,
    key: Key,
    version: int,
    *,
    act: AgentAct,
    reason: str,
    today: date,
    violation_id: UUID | None = None,
) -> Agent:
    """Do what the bank has decided, for ``reason``.

    Raises:
        AgentUnknown, AgentChanged: it cannot be done.
        AgentStateWrong: ``act`` does not follow; the message says what does.
        RevocationOfNothing: it is to be revoked, and no violation is named for which that was recommended.
        AgentSamePerson: the actor has proposed the outlet.
        DueDiligenceIncomplete: it is to be admitted, and not all criteria are met.
        OwnerNoLongerAllowed: it is to serve, and its owner holds an office that bars them.
        TextWrong: ``reason`` is no text.
    """
    why = checked_text("reason", reason, LONGEST_REASON)
    row = await locked_agent(session, key, version)
    standing = standing_of(row)
    state = acted(standing, act)
    if state is None:
        raise AgentStateWrong(standing.state, possible_acts(standing))
    if act is AgentAct.REVOKE and violation_id is None:
        raise RevocationOfNothing
    if act in {AgentAct.ADMIT, AgentAct.REJECT} and row.proposed_by == actor.id:
        raise AgentSamePerson
    if act is AgentAct.ADMIT:
        met = await met_criteria(session, key)
        if unmet := [each for each in REQUIRED if each not in met]:
            raise DueDiligenceIncomplete(unmet)
    if act in {AgentAct.ADMIT, AgentAct.REACTIVATE}:
        office = await barring_office(session, row.owner_nik_digest, today)
        if office is not None:
            raise OwnerNoLongerAllowed(office)
    to = Standing(state, standing.rung if state in PAUSED else None)
    return await _move(session, row, to, actor, reason=why, violation_id=violation_id)


async def step(
    session: AsyncSession,
    agent_key: Key,
    to_state: AgentState,
    *,
    reason: str,
    violation_id: UUID | None,
    actor: Actor,
) -> Agent:
    """Move an outlet on the ladder: watch it, warn it, recommend that the bank revoke it, or take that back.

    One that is frozen or inactive stays so; what it comes back to is what changes. Asking for the place where it stands is refused.

    Raises:
        AgentUnknown: there is no such outlet.
        AgentStateWrong: the step does not follow; ``possible`` holds those that do.
        TextWrong: ``reason`` is no text.
    """
    why = checked_text("reason", reason, LONGEST_REASON)
    row = await locked_agent(session, agent_key)
    standing = standing_of(row)
    moved = stepped(standing, to_state)
    if moved is None:
        possible = () if standing.rung is None else sorted(STEPS[standing.rung], key=list(AgentState).index)
        raise AgentStateWrong(standing.state, possible)
    return await _move(session, row, moved, actor, reason=why, violation_id=violation_id)


async def _move(
    session: AsyncSession,
    row: "sa.Row[Any]",
    to: Standing,
    actor: Actor,
    *,
    reason: str,
    violation_id: UUID | None = None,
) -> Agent:
    before = standing_of(row)
    # A step of the office while the outlet is paused is one between rungs of the ladder.
    paused = before.state is to.state
    from_state, to_state = (before.rung, to.rung) if paused else (before.state, to.state)
    values: dict[str, Any] = {
        "state": to.state.value,
        "returns_to": None if to.returns_to is None else to.returns_to.value,
        "version": row.version + 1,
    }
    if not paused:
        values["state_at"] = sa.func.now()
    await session.execute(sa.update(ewarong_agent).where(at((row.regency_id, row.id))).values(values))
    await add_step(
        session,
        Agent.of(row),
        actor,
        from_state=from_state,
        to_state=to_state or to.state,
        reason=reason,
        violation_id=violation_id,
    )
    return Agent.of(row)


async def add_step(
    session: AsyncSession,
    agent: Agent,
    actor: Actor,
    *,
    from_state: AgentState | None,
    to_state: AgentState,
    reason: str,
    violation_id: UUID | None = None,
) -> None:
    """Keep that an outlet went from one state to another, why, and who did it."""
    await session.execute(
        sa.insert(ewarong_agent_step).values(
            regency_id=agent.regency_id,
            id=uuid7(),
            village_id=agent.village_id,
            agent_id=agent.id,
            from_state=None if from_state is None else from_state.value,
            to_state=to_state.value,
            reason=reason,
            violation_id=violation_id,
            **actor.did("taken"),
        )
    )
