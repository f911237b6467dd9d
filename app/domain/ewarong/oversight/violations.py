"""Recording violations, and what the office and the bank do about them. Each step is kept with its reason, and moves the outlet.

The functions run in the transaction of a mutation, lock the outlet before its violation, and commit nothing.
"""

from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.agents.errors import AgentUnknown
from app.domain.ewarong.agents.queries import at, standing_of
from app.domain.ewarong.catalogue.queries import thresholds
from app.domain.ewarong.models.agents import ewarong_agent
from app.domain.ewarong.models.oversight import (
    ViolationAct,
    ViolationCode,
    ViolationState,
    ewarong_inspection,
    ewarong_violation,
    ewarong_violation_step,
)
from app.domain.ewarong.models.signals import SignalState, ewarong_signal
from app.domain.ewarong.oversight.cases import Case, Violation, at_case, locked_case
from app.domain.ewarong.oversight.errors import (
    InspectionUnknown,
    KeyUsed,
    OutletNotAdmitted,
    SignalUnconfirmed,
    SignalUnknown,
)
from app.domain.ewarong.oversight.outlets import move_outlet
from app.domain.ewarong.oversight.rules import next_state
from app.domain.ewarong.oversight.texts import MOST_REASON, checked_text

_S: Final = ViolationState
_BY_STATE: Final = {
    _S.FIRST_WARNING: "first_warned",
    _S.SECOND_WARNING: "second_warned",
    _S.RECOMMENDED_REVOKE: "recommended",
}
"""The columns that keep who took a violation to a state from which it goes on."""
_DAYS: Final = {
    _S.FIRST_WARNING: "REPLY_DAYS",
    _S.SECOND_WARNING: "REPLY_DAYS",
    _S.RECOMMENDED_REVOKE: "APPEAL_DAYS",
}
"""The number of days that the outlet has to answer."""


async def record_violation(
    session: AsyncSession,
    actor: Actor,
    *,
    agent: Key,
    code: ViolationCode,
    description: str,
    inspection: Key | None = None,
    signal: Key | None = None,
    idempotency_key: UUID,
) -> Violation:
    """Record what an outlet did wrong, as an inspection or a confirmed signal shows, or by itself. Sent again, it changes nothing.

    Raises:
        AgentUnknown, InspectionUnknown, SignalUnknown: it is not in scope, or not of the outlet.
        OutletNotAdmitted: the outlet serves nobody.
        SignalUnconfirmed: nobody has confirmed the signal.
        TextWrong, PersonalNumber: the description cannot be kept.
        KeyUsed: the key belongs to another violation.
    """
    told = checked_text("description", description)
    outlet = (await session.execute(sa.select(ewarong_agent).where(at(agent)))).one_or_none()
    if outlet is None:
        raise AgentUnknown
    if inspection is not None:
        await _check_inspection(session, agent, inspection)
    said = [*agent, code.value, told, inspection and inspection[1], signal and signal[1], actor.id]
    row: dict[str, Any] = {
        "regency_id": agent[0],
        "id": uuid7(),
        "village_id": outlet.village_id,
        "agent_id": agent[1],
        "code": code.value,
        "description": told,
        "inspection_id": inspection and inspection[1],
        "signal_id": signal and signal[1],
        "idempotency_key": idempotency_key,
        "request": sha256(orjson.dumps([str(each) for each in said])).digest(),
        **actor.did("recorded"),
    }
    if (before := await _before(session, row)) is not None:
        return before
    if signal is not None:
        await _check_signal(session, agent, signal)
    if standing_of(outlet).rung is None:
        raise OutletNotAdmitted
    # A second request with the same key waits here for the first one, and then finds its row.
    insertion = pg.insert(ewarong_violation).values(row).on_conflict_do_nothing().returning(ewarong_violation.c.id)
    if (await session.execute(insertion)).one_or_none() is None:
        if (before := await _before(session, row)) is None:
            raise KeyUsed
        return before
    await _keep_step(
        session,
        actor,
        {name: row[name] for name in ("regency_id", "village_id", "agent_id")} | {"violation_id": row["id"]},
        step=1,
        act=ViolationAct.RECORD,
        from_state=None,
        to_state=_S.RECORDED,
        reason=told,
        reply_due=None,
    )
    return Violation(row["regency_id"], row["id"], outlet.village_id)


async def take_step(
    session: AsyncSession, actor: Actor, key: Key, *, version: int, act: ViolationAct, reason: str
) -> Violation:
    """Take a violation on (``WARN``, ``RECOMMEND``, ``REVOKE``, ``KEEP``, ``DISMISS``, ``REMEDY``), and the outlet with it.

    Raises:
        ViolationUnknown, ViolationChanged: it is not there, or not as the caller saw it.
        SamePerson: the actor did something that the step rests on.
        TextWrong, PersonalNumber: the reason cannot be kept.
        DomainError: ``rules.next_state`` refuses the step.
    """
    why = checked_text("reason", reason, most=MOST_REASON)
    case = await locked_case(session, key)
    case.check_version(version)
    await go_on(session, actor, case, act, why)
    return case.written


async def go_on(session: AsyncSession, actor: Actor, case: Case, act: ViolationAct, reason: str) -> None:
    """Take ``case`` where ``act`` leads, which is not to stay where it is.

    Raises:
        SamePerson, DomainError: as of ``take_step``.
    """
    to = next_state(case.standing, act)
    case.check_person(actor, act)
    due = None
    if act is ViolationAct.ACCEPT_APPEAL:
        left = _BY_STATE[case.standing.state]
        who: dict[str, Any] = {f"{left}_by": None, f"{left}_by_name": None, f"{left}_at": None}
    elif to in _BY_STATE:
        due = await _last_day(session, case.standing.today, to)
        who = actor.did(_BY_STATE[to])
    else:
        who = actor.did("decided") | {"decision_reason": reason}
    step = case.row.step + 1
    heard = dict.fromkeys(("replied_at", "appealed_at", "appeal_answered_at"))
    values: dict[str, Any] = {"state": to.value, "step": step, "reply_due": due, "version": case.row.version + 1}
    await session.execute(sa.update(ewarong_violation).where(at_case(case.key)).values(values | who | heard))
    await _keep_step(
        session,
        actor,
        case.parts,
        step=step,
        act=act,
        from_state=case.standing.state,
        to_state=to,
        reason=reason,
        reply_due=due,
    )
    await move_outlet(session, actor, case, act, reason)


async def _last_day(session: AsyncSession, today: date, state: ViolationState) -> date:
    return today + timedelta(days=int((await thresholds(session, today))[_DAYS[state]]))


async def _keep_step(
    session: AsyncSession,
    actor: Actor,
    parts: dict[str, Any],
    *,
    step: int,
    act: ViolationAct,
    from_state: ViolationState | None,
    to_state: ViolationState,
    reason: str,
    reply_due: date | None,
) -> None:
    await session.execute(
        sa.insert(ewarong_violation_step).values(
            **parts,
            id=uuid7(),
            step=step,
            act=act.value,
            from_state=None if from_state is None else from_state.value,
            to_state=to_state.value,
            reason=reason,
            reply_due=reply_due,
            **actor.did("taken"),
        )
    )


async def _check_inspection(session: AsyncSession, agent: Key, inspection: Key) -> None:
    c = ewarong_inspection.c
    of_outlet = (c.regency_id == inspection[0], c.id == inspection[1], c.agent_id == agent[1])
    if inspection[0] != agent[0] or not await session.scalar(sa.select(sa.exists().where(*of_outlet))):
        raise InspectionUnknown


async def _check_signal(session: AsyncSession, agent: Key, signal: Key) -> None:
    c = ewarong_signal.c
    of_outlet = (c.regency_id == signal[0], c.id == signal[1], c.agent_id == agent[1])
    state = await session.scalar(sa.select(c.state).where(*of_outlet)) if signal[0] == agent[0] else None
    if state is None:
        raise SignalUnknown
    if state != SignalState.CONFIRMED.value:
        raise SignalUnconfirmed


async def _before(session: AsyncSession, row: dict[str, Any]) -> Violation | None:
    """The violation that was recorded with the key of ``row``, which may lie beyond the scope; None where there is none."""
    c = ewarong_violation.c
    mine = (c.regency_id == row["regency_id"], c.idempotency_key == row["idempotency_key"])
    found = (await session.execute(sa.select(c.id, c.village_id, c.request).where(*mine))).one_or_none()
    if found is None:
        return None
    if found.request != row["request"]:
        raise KeyUsed
    return Violation(row["regency_id"], UUID(int=found.id.int), found.village_id)
