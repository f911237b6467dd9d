"""Members of families in a full edition: who stayed, came, moved with or without the family, and who is not there any more."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.base import Term
from app.domain.registry.enums import IdentityStatus, Presence
from app.domain.registry.imports.applying.additions import NIK, insert
from app.domain.registry.imports.applying.batch import (
    Batch,
    RegistryChanged,
    Run,
    Staged,
    either,
    integers,
    regency_of_family,
    registered,
    rows,
    uuids,
    villages,
)
from app.domain.registry.imports.models import (
    PERSON_ATTRIBUTES,
    MatchOutcome,
    RowSubject,
    import_match,
    staged_family,
    staged_person,
)
from app.domain.registry.models import person

_HERE: Final = (Presence.PRESENT, Presence.NEW_MEMBER)
_AWAY: Final = (Presence.MOVED_WITHIN_COUNTRY, Presence.MOVED_ABROAD, Presence.NOT_FOUND)
_DECEASED: Final[sa.ColumnElement[Any]] = sa.literal_column(f"'{Presence.DECEASED.value}'")
"""Written out, so that the planner sees the condition of the partial index."""
_OF_FAMILY: Final = ("relationship", "member_no", "presence", "no_nik_reason")
"""Attributes that are not simply replaced by what the file says."""


class Left(NamedTuple):
    """A registered family whose members are looked through for those that the edition does not name."""

    regency_id: int
    id: UUID
    village_id: int | None
    """Where the family stands now; None where its row is closed."""
    may_miss: bool
    """Whether a member who is not named is missing: not so where a refused row may mean them."""


class _Member(NamedTuple):
    """A person of the file, and the registered row that it is."""

    line: int
    family_line: int
    id: UUID
    """The row that holds the person afterwards."""
    number: int
    is_new: bool
    """Whether that row is yet to be made."""
    changes: bool
    old_regency_id: int | None
    old_id: UUID | None
    """A row of another regency, which is closed."""


async def refresh_members(session: AsyncSession, run: Run, batch: Batch, left: Sequence[Left]) -> None:
    """Make the members of the families of ``batch``, which are registered by now, those that the edition names.

    Raises:
        RegistryChanged: somebody who was found by the check is not to be seen any more.
    """
    members = await _resolve(session, run, batch)
    await _close(session, [each for each in members if each.old_id is not None])
    await _change(session, run, [each for each in members if each.changes])
    await _insert(session, run, [each for each in members if each.is_new])
    await _miss(session, run, left, [each.id for each in members])


def _literal(term: Term) -> sa.ColumnElement[Any]:
    return sa.literal(term, person.c[_COLUMN_OF[type(term)]].type)


_COLUMN_OF: Final[dict[type[Term], str]] = {Presence: "presence", IdentityStatus: "identity_status"}


async def _resolve(session: AsyncSession, run: Run, batch: Batch) -> list[_Member]:
    """Who the accepted persons are, and the number of each in the family."""
    staged = Staged(run)
    lines = rows(
        "r",
        line=integers(batch.persons.lines),
        family_line=integers(batch.persons.family_lines),
    )
    of = staged.of(staged_family, lines.c.family_line, "f")
    named = staged.of(staged_person, lines.c.line, "p")
    (match, stands), own = staged.standing(of), staged.match(RowSubject.PERSON, lines.c.line, "o")
    regency = regency_of_family(of)
    same = rows(
        "e",
        line=integers(each.line for each in run.same_persons),
        regency_id=integers(each.regency_id for each in run.same_persons),
        id=uuids(each.id for each in run.same_persons),
    )
    known_regency = either(own.c.registered_regency_id, same.c.regency_id)
    known_id = either(own.c.registered_id, same.c.id)
    stored, is_stored = registered(person, known_regency, known_id, "q")
    family_id = sa.func.coalesce(match.c.registered_id, of.c.id)
    # Whoever comes to a regency that has a row of theirs gets that one back, for the NIK stands in it. It need not be closed: who
    # is known by the family, which comes along, may have gone before it.
    back = (
        sa.select(person.c.id)
        .where(
            person.c.nik_digest == named.c.nik_digest,
            person.c.nik_digest.is_not(None),
            person.c.regency_id == regency,
            person.c.presence != _DECEASED,
            known_regency.is_distinct_from(regency),
        )
        .offset(0)
        .lateral("b")
    )
    # The file's order of members holds in a family that comes from it; in a registered one, whoever is there keeps the number.
    # Nothing here may depend on what other batches do, so those who are in the family by the check alone are counted.
    stays = sa.and_(
        stored.c.regency_id.is_not_distinct_from(regency), stored.c.family_id.is_not_distinct_from(family_id)
    )
    number = sa.case(
        (stays, sa.func.coalesce(stored.c.member_no, named.c.member_no)),
        (match.c.registered_id.is_(None), named.c.member_no),
    )
    numbered = sa.func.coalesce(
        number,
        sa.func.coalesce(sa.func.max(number).over(partition_by=of.c.line), 0)
        + sa.func.row_number().over(partition_by=[of.c.line, number.is_(None)], order_by=named.c.line),
    )
    differs = sa.or_(
        own.c.outcome.is_distinct_from(MatchOutcome.SAME.value),
        sa.not_(stays),
        stored.c.village_id != of.c.village_id,
        sa.and_(named.c.presence.is_(None), stored.c.presence.in_(_AWAY)),
    )
    found = await session.execute(
        sa.select(
            lines.c.line,
            lines.c.family_line,
            named.c.id.label("staged_id"),
            numbered.label("number"),
            known_id.label("known_id"),
            known_regency.label("known_regency_id"),
            stored.c.id.label("stored_id"),
            (known_regency == regency).label("is_here"),
            back.c.id.label("back_id"),
            differs.label("differs"),
        ).select_from(
            lines.join(of, of.c.line == lines.c.family_line)
            .join(named, named.c.line == lines.c.line)
            .outerjoin(match, stands)
            .outerjoin(own, own.c.line == lines.c.line)
            .outerjoin(same, same.c.line == lines.c.line)
            .outerjoin(stored, is_stored)
            .outerjoin(back, sa.true())
        )
    )
    return [_member(row) for row in found]


def _member(row: sa.Row[Any]) -> _Member:
    if row.known_id is not None and row.stored_id is None:
        raise RegistryChanged
    if row.is_here:
        row_id, old = row.known_id, (None, None)
    else:
        row_id, old = row.back_id or row.staged_id, (row.known_regency_id, row.known_id)
    return _Member(
        row.line,
        row.family_line,
        row_id,
        row.number,
        not (row.is_here or row.back_id),
        bool(row.differs if row.is_here else row.back_id),
        *old,
    )


def _refreshed(old: sa.FromClause, staged: sa.FromClause) -> dict[str, sa.ColumnElement[Any]]:
    """What a person is after the file: ``old`` is the registered row, of NULLs where there is none."""
    has_new_nik = sa.and_(staged.c.nik_digest.is_not(None), staged.c.nik_digest.is_distinct_from(old.c.nik_digest))
    has_nik = sa.func.coalesce(staged.c.nik_digest, old.c.nik_digest).is_not(None)
    # What the civil registry said of a name and a birth date holds for these alone.
    is_judged = old.c.identity_status.in_((IdentityStatus.MATCHED, IdentityStatus.UNMATCHED))
    says_otherwise = sa.or_(
        *[
            sa.and_(staged.c[name].is_not(None), staged.c[name].is_distinct_from(old.c[name]))
            for name in ("name", "birth_date")
        ]
    )
    is_fresh = sa.or_(has_new_nik, sa.and_(is_judged, says_otherwise))
    return {
        **{name: sa.case((has_new_nik, staged.c[name]), else_=old.c[name]) for name in NIK},
        **{name: sa.func.coalesce(staged.c[name], old.c[name]) for name in PERSON_ATTRIBUTES if name not in _OF_FAMILY},
        "relationship": sa.func.coalesce(staged.c.relationship, old.c.relationship),
        "no_nik_reason": sa.case((sa.not_(has_nik), sa.func.coalesce(staged.c.no_nik_reason, old.c.no_nik_reason))),
        "identity_status": sa.case(
            (sa.and_(is_fresh, has_nik), _literal(IdentityStatus.NIK_ISSUED)),
            else_=sa.func.coalesce(old.c.identity_status, _literal(IdentityStatus.NO_IDENTITY)),
        ),
        "mismatch_reason": sa.case((sa.not_(is_fresh), old.c.mismatch_reason)),
        "presence": sa.func.coalesce(
            staged.c.presence,
            sa.case((old.c.presence.not_in(_AWAY), old.c.presence)),
            _literal(Presence.PRESENT),
        ),
    }


def _staged(run: Run, members: Sequence[_Member]) -> sa.Subquery:
    """The staged rows of ``members``, with the row, the place and the family that each of them gets."""
    staged = Staged(run)
    target = rows(
        "r",
        line=integers(each.line for each in members),
        family_line=integers(each.family_line for each in members),
        row_id=uuids(each.id for each in members),
        number=integers(each.number for each in members),
        old_regency_id=integers(each.old_regency_id for each in members),
        old_id=uuids(each.old_id for each in members),
    )
    of = staged.of(staged_family, target.c.family_line, "f")
    named = staged.of(staged_person, target.c.line, "p")
    match, stands = staged.standing(of)
    return (
        sa.select(
            target.c.row_id,
            target.c.number,
            target.c.old_regency_id,
            target.c.old_id,
            regency_of_family(of).label("place_regency_id"),
            of.c.village_id.label("place_village_id"),
            of.c.line.label("family_line"),
            sa.func.coalesce(match.c.registered_id, of.c.id).label("family_id"),
            *[named.c[name] for name in (*NIK, *PERSON_ATTRIBUTES)],
        )
        .select_from(
            target.join(of, of.c.line == target.c.family_line)
            .join(named, named.c.line == target.c.line)
            .outerjoin(match, stands)
        )
        .subquery("s")
    )


def _placed(staged: sa.FromClause) -> dict[str, sa.ColumnElement[Any]]:
    return {
        "village_id": staged.c.place_village_id,
        "family_id": staged.c.family_id,
        "member_no": staged.c.number,
    }


async def _change(session: AsyncSession, run: Run, members: Sequence[_Member]) -> None:
    if not members:
        return
    staged = _staged(run, members)
    await session.execute(
        sa.update(person)
        .where(person.c.regency_id == staged.c.place_regency_id, person.c.id == staged.c.row_id)
        .values(**_refreshed(person, staged), **_placed(staged), version=person.c.version + 1, updated_at=sa.func.now())
    )


async def _insert(session: AsyncSession, run: Run, members: Sequence[_Member]) -> None:
    if not members:
        return
    staged = _staged(run, members)
    old, is_old = registered(person, staged.c.old_regency_id, staged.c.old_id, "q")
    values = {
        "regency_id": staged.c.place_regency_id,
        "id": staged.c.row_id,
        **_refreshed(old, staged),
        **_placed(staged),
    }
    source = (
        sa.select(staged)
        .select_from(staged.outerjoin(old, is_old))
        .order_by(staged.c.place_village_id, staged.c.family_line)
    )
    await session.execute(insert(person, values, source))


async def _close(session: AsyncSession, members: Sequence[_Member]) -> None:
    if not members:
        return
    old = rows(
        "r", regency_id=integers(each.old_regency_id for each in members), id=uuids(each.old_id for each in members)
    )
    await session.execute(
        sa.update(person)
        .where(
            person.c.regency_id == old.c.regency_id,
            person.c.id == old.c.id,
            person.c.presence.in_((*_HERE, Presence.NOT_FOUND)),
        )
        .values(
            presence=_literal(Presence.MOVED_WITHIN_COUNTRY), version=person.c.version + 1, updated_at=sa.func.now()
        )
    )


def _comes_back(run: Run) -> sa.ScalarSelect[Any]:
    """The row in another regency that the check found for somebody whom the edition has in this one: they get this ``person`` back.

    Were such a row looked through as others are, it would change once or twice, as its new family comes first or the old one.
    """
    other, match = person.alias("w"), import_match.alias("y")
    matched = (
        sa.select(match)
        .where(run.covers(match), match.c.registered_id >= other.c.id)
        .order_by(match.c.registered_id)
        .limit(1)
        .lateral("y")
    )
    named = Staged(run).of(staged_person, matched.c.line, "p")
    of = (
        sa.select(staged_family.c.family_key, staged_family.c.village_id)
        .where(run.covers(staged_family), staged_family.c.family_key >= named.c.family_key)
        .order_by(staged_family.c.family_key, staged_family.c.line)
        .limit(1)
        .lateral("f")
    )
    return (
        sa.select(other.c.id)
        .select_from(
            other.join(matched, matched.c.registered_id == other.c.id)
            .join(named, named.c.line == matched.c.line)
            .join(of, of.c.family_key == named.c.family_key)
        )
        .where(
            other.c.nik_digest == person.c.nik_digest,
            other.c.nik_digest.is_not(None),
            other.c.presence != _DECEASED,
            other.c.regency_id != person.c.regency_id,
            named.c.nik_digest == person.c.nik_digest,
            regency_of_family(of) == person.c.regency_id,
        )
        .limit(1)
        .correlate(person)
        .scalar_subquery()
    )


async def _miss(session: AsyncSession, run: Run, left: Sequence[Left], named: Iterable[UUID]) -> None:
    """Members of the families that the edition does not name are not found any more; all go where the family goes.

    Whoever is named elsewhere is left to the batch of that place.
    """
    if not left:
        return
    of = rows(
        "r",
        regency_id=integers(each.regency_id for each in left),
        family_id=uuids(each.id for each in left),
        village_id=villages(each.village_id for each in left),
        may_miss=sa.literal([each.may_miss for each in left], sa.ARRAY(sa.Boolean)),
    )
    here = rows("t", id=uuids(named))
    elsewhere = import_match.alias("x")
    # The first match from this id on, for the reason that ``Staged`` gives.
    named_elsewhere = (
        sa.select(elsewhere.c.registered_id)
        .where(run.covers(elsewhere), elsewhere.c.registered_id >= person.c.id)
        .order_by(elsewhere.c.registered_id)
        .limit(1)
        .correlate(person)
        .scalar_subquery()
    )
    is_missing = sa.and_(of.c.may_miss, person.c.presence.in_(_HERE))
    await session.execute(
        sa.update(person)
        .where(
            person.c.regency_id == of.c.regency_id,
            person.c.family_id == of.c.family_id,
            sa.or_(is_missing, person.c.village_id != of.c.village_id),
            # A list to be hashed: joined, it would be gone through for each person, for the planner takes it to be short.
            person.c.id.not_in(sa.select(here.c.id)),
            person.c.id != sa.all_(uuids(each.id for each in run.same_persons)),
            named_elsewhere.is_distinct_from(person.c.id),
            _comes_back(run).is_(None),
        )
        .values(
            presence=sa.case((is_missing, _literal(Presence.NOT_FOUND)), else_=person.c.presence),
            village_id=sa.func.coalesce(of.c.village_id, person.c.village_id),
            version=person.c.version + 1,
            updated_at=sa.func.now(),
        )
    )
