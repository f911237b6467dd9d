"""What an outlet says of a warning or a recommendation, and what is answered to its appeal."""

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.models.oversight import StatementKind, ViolationAct, ewarong_statement, ewarong_violation
from app.domain.ewarong.oversight.cases import Case, Violation, at_case, locked_case
from app.domain.ewarong.oversight.errors import KeyUsed
from app.domain.ewarong.oversight.rules import next_state
from app.domain.ewarong.oversight.texts import MOST_REASON, checked_text
from app.domain.ewarong.oversight.violations import go_on

_SAID: Final = {
    ViolationAct.REPLY: (StatementKind.REPLY, "replied_at"),
    ViolationAct.APPEAL: (StatementKind.APPEAL, "appealed_at"),
}


async def answer_office(
    session: AsyncSession, actor: Actor, key: Key, *, version: int, act: ViolationAct, text: str, idempotency_key: UUID
) -> Violation:
    """Keep what the outlet says (``REPLY`` or ``APPEAL``) of the last step of a violation. Sent again, it changes nothing.

    Raises:
        ViolationUnknown, ViolationChanged: it is not there, or not as the caller saw it.
        TextWrong, PersonalNumber: the text cannot be kept.
        KeyUsed: the key belongs to another statement.
        DomainError: ``rules.next_state`` refuses it: it comes too late, or for the second time.
    """
    told = checked_text("text", text)
    kind, moment = _SAID[act]
    case = await locked_case(session, key)
    row = _statement(case, actor, kind, told)
    if await _said_before(session, row, idempotency_key):
        return case.written
    case.check_version(version)
    next_state(case.standing, act)
    await _keep(session, row, idempotency_key)
    await _note(session, case, moment)
    return case.written


async def answer_appeal(
    session: AsyncSession, actor: Actor, key: Key, *, version: int, accepted: bool, text: str
) -> Violation:
    """Answer the appeal that waits. Where it is accepted, the last step is taken back, and the outlet stands where it stood before.

    Raises:
        ViolationUnknown, ViolationChanged: it is not there, or not as the caller saw it.
        SamePerson: the actor has recorded, warned or recommended.
        TextWrong, PersonalNumber: the text cannot be kept.
        AppealMissing: no appeal waits.
    """
    told = checked_text("text", text, most=MOST_REASON)
    case = await locked_case(session, key)
    case.check_version(version)
    act = ViolationAct.ACCEPT_APPEAL if accepted else ViolationAct.REJECT_APPEAL
    next_state(case.standing, act)
    case.check_person(actor, act)
    kind = StatementKind.APPEAL_ACCEPTED if accepted else StatementKind.APPEAL_REJECTED
    await _keep(session, _statement(case, actor, kind, told), None)
    if accepted:
        await go_on(session, actor, case, act, told)
    else:
        await _note(session, case, "appeal_answered_at")
    return case.written


def _statement(case: Case, actor: Actor, kind: StatementKind, text: str) -> dict[str, Any]:
    return {
        **case.parts,
        "id": uuid7(),
        "kind": kind.value,
        "text": text,
        "against": case.standing.state.value,
        "step": case.row.step,
        **actor.did("said"),
    }


async def _said_before(session: AsyncSession, row: dict[str, Any], idempotency_key: UUID) -> bool:
    c = ewarong_statement.c
    same = ("violation_id", "kind", "text", "said_by")
    found = (
        await session.execute(
            sa.select(*(c[name] for name in same)).where(
                c.regency_id == row["regency_id"], c.idempotency_key == idempotency_key
            )
        )
    ).one_or_none()
    if found is None:
        return False
    if tuple(found) != tuple(row[name] for name in same):
        raise KeyUsed
    return True


async def _keep(session: AsyncSession, row: dict[str, Any], idempotency_key: UUID | None) -> None:
    # The key may belong to an outlet that is beyond the scope.
    kept = row | {"idempotency_key": idempotency_key}
    insertion = pg.insert(ewarong_statement).values(kept).on_conflict_do_nothing().returning(ewarong_statement.c.id)
    if (await session.execute(insertion)).one_or_none() is None:
        raise KeyUsed


async def _note(session: AsyncSession, case: Case, moment: str) -> None:
    values = {moment: sa.func.now(), "version": case.row.version + 1}
    await session.execute(sa.update(ewarong_violation).where(at_case(case.key)).values(values))
