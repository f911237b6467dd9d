"""A violation as the acts on it find it: locked, with what has been said of its last step, and who has had a hand in it."""

from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.ewarong.actors import Actor, Key
from app.domain.ewarong.agents.queries import locked_agent
from app.domain.ewarong.models.oversight import (
    ViolationAct,
    ViolationState,
    ewarong_violation,
    ewarong_violation_rule,
    ewarong_violation_step,
)
from app.domain.ewarong.oversight.errors import SamePerson, ViolationChanged, ViolationUnknown
from app.domain.ewarong.oversight.rules import Standing
from app.tenants.region_path import Span

_A: Final = ViolationAct
_WARNERS: Final = ("first_warned_by", "second_warned_by")
_MAKERS: Final = {
    _A.WARN: ("recorded_by",),
    _A.DISMISS: ("recorded_by",),
    _A.REMEDY: ("recorded_by",),
    _A.RECOMMEND: ("recorded_by", *_WARNERS),
    _A.REVOKE: ("recorded_by", *_WARNERS, "recommended_by"),
    _A.KEEP: ("recorded_by", *_WARNERS, "recommended_by"),
    _A.ACCEPT_APPEAL: ("recorded_by", *_WARNERS, "recommended_by"),
    _A.REJECT_APPEAL: ("recorded_by", *_WARNERS, "recommended_by"),
}
"""Who may not do it, because they did something before that it rests on."""


class Violation(NamedTuple):
    """A violation that was written: what an answer and the audit trail need."""

    regency_id: int
    id: UUID
    village_id: int

    @property
    def villages(self) -> Span:
        """Where the outlet is."""
        return Span(self.village_id, self.village_id)


class Case(NamedTuple):
    """A violation under a lock."""

    row: Any
    standing: Standing

    @property
    def key(self) -> Key:
        """Its regency and id."""
        return self.row.regency_id, UUID(int=self.row.id.int)

    @property
    def agent(self) -> Key:
        """The regency and id of the outlet."""
        return self.row.regency_id, UUID(int=self.row.agent_id.int)

    @property
    def written(self) -> Violation:
        """What an answer needs of it."""
        return Violation(*self.key, self.row.village_id)

    @property
    def parts(self) -> dict[str, Any]:
        """The columns that say of a row that it belongs to this violation."""
        regency_id, identifier = self.key
        return {
            "regency_id": regency_id,
            "village_id": self.row.village_id,
            "agent_id": self.agent[1],
            "violation_id": identifier,
        }

    def check_version(self, version: int) -> None:
        """Make sure that it is as the caller saw it.

        Raises:
            ViolationChanged: it is not.
        """
        if self.row.version != version:
            raise ViolationChanged

    def check_person(self, actor: Actor, act: ViolationAct) -> None:
        """Make sure that makers are not checkers.

        Raises:
            SamePerson: ``act`` rests on something that ``actor`` did.
        """
        if actor.id in {getattr(self.row, name) for name in _MAKERS[act]}:
            raise SamePerson


def at_case(key: Key) -> sa.ColumnElement[bool]:
    """The violation of a key."""
    return sa.and_(ewarong_violation.c.regency_id == key[0], ewarong_violation.c.id == key[1])


async def locked_case(session: AsyncSession, key: Key) -> Case:
    """The violation of a key, which nobody else changes until the transaction ends, nor its outlet.

    The outlet is locked first: two violations of one outlet that each held their own, and by what they have written a share of the
    outlet, would wait for each other.

    Raises:
        ViolationUnknown: there is none in scope.
    """
    agent_id = await session.scalar(sa.select(ewarong_violation.c.agent_id).where(at_case(key)))
    if agent_id is None:
        raise ViolationUnknown
    await locked_agent(session, (key[0], agent_id))
    found = sa.select(ewarong_violation).where(at_case(key)).with_for_update()
    row = (await session.execute(found)).one()
    # Asked after the lock is held: what another transaction has just said is seen by now.
    beside = (await session.execute(_beside(row))).one()
    standing = Standing(
        state=ViolationState(row.state),
        before=ViolationState(beside.before or row.state),
        grave=bool(beside.grave),
        today=beside.today,
        reply_due=row.reply_due,
        replied=row.replied_at is not None,
        appealed=row.appealed_at is not None,
        appeal_answered=row.appeal_answered_at is not None,
    )
    return Case(row, standing)


def _beside(row: Any) -> "sa.Select[tuple[date, str | None, bool | None]]":
    """Today where the outlet is, from where the last step came, and whether the violation is grave."""
    today = sa.cast(sa.func.timezone(sa.func.region_time_zone(row.regency_id), sa.func.now()), sa.Date)
    step, rule = ewarong_violation_step.c, ewarong_violation_rule.c
    before = sa.select(step.from_state).where(
        step.regency_id == row.regency_id, step.violation_id == row.id, step.step == row.step
    )
    grave = (
        sa.select(rule.grave)
        .where(rule.code == row.code, rule.valid_from <= today)
        .order_by(rule.valid_from.desc())
        .limit(1)
    )
    return sa.select(
        today.label("today"), before.scalar_subquery().label("before"), grave.scalar_subquery().label("grave")
    )
