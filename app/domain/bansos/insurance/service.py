"""Giving memberships, ending them and giving them back: what mutations do in their transaction.

Whoever proposes does not verify, and neither of them decides, by rule here and by CHECK in the table. A membership that ended is not
opened again: it is asked back by a new one beside it, so that every stretch stays readable as it was.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.bansos.insurance.errors import (
    LONGEST_TEXT,
    MemberNotInTarget,
    MemberNotPresent,
    MembershipChanged,
    MembershipDayWrong,
    MembershipExists,
    MembershipSamePerson,
    MembershipStateWrong,
    MembershipSuperseded,
    MembershipTextInvalid,
    MotherNotMember,
    NotNewborn,
    ReactivationWindowOver,
)
from app.domain.bansos.insurance.queries import (
    Key,
    Member,
    Membership,
    at,
    is_member_mother,
    last_day_of_person,
    locked_membership,
    member,
    segment_rule,
)
from app.domain.bansos.insurance.targets import unmet_rule
from app.domain.bansos.insurance.transitions import last_day_to_ask, may_follow
from app.domain.bansos.models.insurance import DeactivationReason, MembershipState, Segment, health_membership

_DAY: Final = timedelta(days=1)


class Actor(NamedTuple):
    """Who acts."""

    id: UUID
    name: str

    def did(self, prefix: str) -> dict[str, Any]:
        """The columns that keep who did what ``prefix`` names, and when."""
        return {f"{prefix}_by": self.id, f"{prefix}_by_name": self.name, f"{prefix}_at": sa.func.now()}


class Letters(NamedTuple):
    """What asking a membership back takes: the letter of the health facility, and the statement of the office."""

    facility_name: str
    facility_letter: str
    office_statement: str


async def propose(
    session: AsyncSession, actor: Actor, *, person: Key, segment: Segment, mother: Key | None, today: date
) -> Membership:
    """Propose a person for a segment. The newborn child of a member need not meet the rules of the programme.

    Raises:
        MemberUnknown, MemberNotPresent: there is no such person who lives in an active family.
        MemberNotInTarget: the family does not meet the rules of the programme that pays.
        MotherNotMember: ``mother`` is no woman of the person's family who is a member.
        NotNewborn: the person was not born lately.
        MembershipExists: the person is a member, or was proposed already.
    """
    found = await member(session, person, today)
    if not found.present:
        raise MemberNotPresent
    if mother is not None:
        await _check_newborn(session, found, segment, mother, today)
    elif (unmet := await unmet_rule(session, segment, found.regency_id, found.family_id, today)) is not None:
        raise MemberNotInTarget(*unmet)
    return await _insert(
        session,
        actor,
        found,
        segment,
        {"state": MembershipState.PROPOSED.value, "mother_id": None if mother is None else mother[1]},
    )


async def _check_newborn(session: AsyncSession, child: Member, segment: Segment, mother: Key, today: date) -> None:
    rule = await segment_rule(session, segment, today)
    if mother[0] != child.regency_id or not await is_member_mother(session, mother, child, segment):
        raise MotherNotMember
    born = child.birth_date
    if born is None or not born <= today <= born + rule.newborn_days * _DAY or mother[1] == child.id:
        raise NotNewborn(rule.newborn_days)


async def _insert(
    session: AsyncSession, actor: Actor, of: Member, segment: Segment, values: Mapping[str, Any]
) -> Membership:
    row = {
        "regency_id": of.regency_id,
        "id": uuid7(),
        "village_id": of.village_id,
        "family_id": of.family_id,
        "person_id": of.id,
        "segment": segment.value,
        "state_at": sa.func.now(),
        **actor.did("made"),
        **values,
    }
    insertion = pg.insert(health_membership).values(row).on_conflict_do_nothing().returning(health_membership.c.id)
    made = (await session.execute(insertion)).scalar_one_or_none()
    if made is None:
        raise MembershipExists
    return Membership(of.regency_id, made, of.id, of.village_id)


async def verify(session: AsyncSession, actor: Actor, key: Key, version: int) -> Membership:
    """Verify a proposal.

    Raises:
        MembershipUnknown, MembershipChanged, MembershipStateWrong, MembershipSamePerson: it cannot be done.
    """
    row = await _to(session, key, MembershipState.VERIFIED, version)
    if row.made_by == actor.id:
        raise MembershipSamePerson
    return await _store(session, row, {"state": MembershipState.VERIFIED.value, **actor.did("verified")})


async def accept(
    session: AsyncSession,
    actor: Actor,
    key: Key,
    version: int,
    *,
    asked_back: bool,
    valid_from: date | None,
    today: date,
) -> Membership:
    """Make a verified proposal, or one by which a membership is ``asked_back``, active.

    Without ``valid_from`` it counts from today, or from the day after the person's last stretch where that ends later.

    Raises:
        MembershipUnknown, MembershipChanged, MembershipStateWrong, MembershipSamePerson: it cannot be done.
        MemberNotPresent: the person has died or left meanwhile.
        MembershipDayWrong: ``valid_from`` lies before the birth, in a stretch that is known, or later than it would be if left out.
    """
    row = await _decided(session, actor, key, version, MembershipState.ACTIVE, asked_back=asked_back)
    of = await member(session, (row.regency_id, row.person_id), today)
    if not of.present:
        raise MemberNotPresent
    ended = await last_day_of_person(session, row.regency_id, row.person_id)
    earliest = max(day for day in (of.birth_date, ended and ended + _DAY, date.min) if day is not None)
    latest = max(today, earliest)
    begins = latest if valid_from is None else valid_from
    if not earliest <= begins <= latest:
        raise MembershipDayWrong("valid_from", earliest, latest)
    values = {"state": MembershipState.ACTIVE.value, "valid_from": begins, **actor.did("decided")}
    return await _store(session, row, values)


async def refuse(
    session: AsyncSession,
    actor: Actor,
    key: Key,
    version: int,
    *,
    asked_back: bool,
    reason: str,
    moved: bool = False,
) -> Membership:
    """Refuse a proposal, or one by which a membership is ``asked_back``: with ``moved`` because another segment has the person now.

    Raises:
        MembershipUnknown, MembershipChanged, MembershipStateWrong, MembershipSamePerson: it cannot be done.
        MembershipTextInvalid: ``reason`` is no text.
    """
    state = MembershipState.MOVED if moved else MembershipState.REJECTED
    why = checked_text("reason", reason)
    row = await _decided(session, actor, key, version, state, asked_back=asked_back)
    return await _store(session, row, {"state": state.value, "refusal_reason": why, **actor.did("decided")})


async def deactivate(
    session: AsyncSession,
    actor: Actor,
    key: Key,
    version: int,
    *,
    reason: DeactivationReason,
    decree: str,
    on: date | None,
    today: date,
) -> Membership:
    """End an active membership by a decree; ``on`` is its last day, today where it is left out, or its first day where that is later.

    Raises:
        MembershipUnknown, MembershipChanged, MembershipStateWrong: it cannot be done.
        MembershipDayWrong: ``on`` lies before the membership begins, or later than it would be if left out.
        MembershipTextInvalid: ``decree`` is no text.
    """
    number = checked_text("decree", decree)
    row = await _to(session, key, MembershipState.DEACTIVATED, version)
    latest = max(today, row.valid_from)
    last = latest if on is None else on
    if not row.valid_from <= last <= latest:
        raise MembershipDayWrong("on", row.valid_from, latest)
    return await _store(session, row, ended(actor, reason=reason, decree=number) | {"valid_to": last})


def ended(actor: Actor, *, reason: DeactivationReason, decree: str) -> dict[str, Any]:
    """What is written where a membership ends, but for its last day."""
    return {
        "state": MembershipState.DEACTIVATED.value,
        "deactivation_reason": reason.value,
        "decree": decree,
        "risk_reason": None,
        "risk_since": None,
        **actor.did("ended"),
    }


async def reactivate(session: AsyncSession, actor: Actor, key: Key, letters: Letters, *, today: date) -> Membership:
    """Ask back a membership that ended; the new one that asks.

    Raises:
        MembershipUnknown, MembershipStateWrong: there is no membership that ended.
        MemberNotPresent: the person has died or left.
        ReactivationWindowOver: it ended too long ago.
        MembershipSuperseded: the person was a member again afterwards.
        SegmentUnregulated: nobody knows how long it may be.
        MembershipExists: the person is a member again, or has asked already.
        MembershipTextInvalid: a name or number is no text.
    """
    given = {name: checked_text(name, text) for name, text in letters._asdict().items()}
    row = await _to(session, key, MembershipState.REACTIVATION_REQUESTED)
    of = await member(session, (row.regency_id, row.person_id), today)
    if not of.present:
        raise MemberNotPresent
    segment = Segment(row.segment)
    last_day = last_day_to_ask(row.valid_to, (await segment_rule(session, segment, row.valid_to)).reactivation_months)
    if today > last_day:
        raise ReactivationWindowOver(last_day)
    if row.valid_to != await last_day_of_person(session, row.regency_id, row.person_id):
        raise MembershipSuperseded
    values = {"state": MembershipState.REACTIVATION_REQUESTED.value, "reactivates_id": row.id, **given}
    return await _insert(session, actor, of, segment, values)


async def _decided(
    session: AsyncSession, actor: Actor, key: Key, version: int, state: MembershipState, *, asked_back: bool
) -> "sa.Row[Any]":
    row = await _to(session, key, state, version)
    present = MembershipState(row.state)
    if (present is MembershipState.REACTIVATION_REQUESTED) is not asked_back:
        raise MembershipStateWrong(present)
    if actor.id in {row.made_by, row.verified_by}:
        raise MembershipSamePerson
    return row


async def _to(session: AsyncSession, key: Key, state: MembershipState, version: int | None = None) -> "sa.Row[Any]":
    """The row of a membership that may go to ``state``; ``version`` is that which the caller has read."""
    row = await locked_membership(session, key)
    if version is not None and row.version != version:
        raise MembershipChanged
    present = MembershipState(row.state)
    if not may_follow(present, state):
        raise MembershipStateWrong(present)
    return row


async def _store(session: AsyncSession, row: "sa.Row[Any]", values: Mapping[str, Any]) -> Membership:
    await session.execute(
        sa.update(health_membership)
        .where(at((row.regency_id, row.id)))
        .values(state_at=sa.func.now(), version=row.version + 1, **values)
    )
    return Membership(row.regency_id, row.id, row.person_id, row.village_id)


def checked_text(field: str, given: str) -> str:
    """What was given in ``field``, without spaces around it.

    Raises:
        MembershipTextInvalid: it is empty, too long, or holds characters that nobody sees.
    """
    text = given.strip()
    if not 0 < len(text) <= LONGEST_TEXT or not text.isprintable():
        raise MembershipTextInvalid(field)
    return text
