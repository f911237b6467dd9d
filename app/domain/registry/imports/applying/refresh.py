"""A full edition: families that joined, stayed, moved or left; of their members see ``members``.

Within a regency a row is changed where it stands. A row never changes its regency: who moves to another one gets a row there, and
the old row is closed and keeps the ranks and the members of its time.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.registry.enums import FamilyStatus
from app.domain.registry.imports.applying.additions import KK, Additions
from app.domain.registry.imports.applying.batch import (
    Batch,
    FamilySource,
    Placed,
    Run,
    integers,
    place_families,
    rows,
    uuids,
    villages,
)
from app.domain.registry.imports.applying.members import Left, refresh_members
from app.domain.registry.imports.models import FAMILY_ATTRIBUTES, DepartureReason, MatchOutcome, import_departure
from app.domain.registry.models import family, welfare_rank

_STATUS_AFTER: Final = {
    DepartureReason.MEMBERS_MOVED: FamilyStatus.MOVED,
    DepartureReason.MEMBERS_DECEASED: FamilyStatus.DISSOLVED,
    DepartureReason.NOT_IN_EDITION: FamilyStatus.NOT_FOUND,
}


async def apply_edition(session: AsyncSession, run: Run, additions: Additions, batch: Batch) -> None:
    """Make the villages of ``batch`` what the edition says.

    Those that leave go first, since a KK is unique among the active families of a regency; families come before the members
    that join them.

    Raises:
        RegistryChanged: somebody who was found by the check is not to be seen any more.
    """
    placed = await place_families(session, run, batch)
    departed = await _close_departed(session, run, batch)
    staying = [each for each in placed if each.stays]
    await _close_moved(session, [each for each in placed if not each.stays])
    await _change_families(session, run, batch)
    await additions.insert_families(session, batch, staying)
    left = [
        *(
            Left(each.regency_id, each.id, each.village_id if each.stays else None, not each.has_refused)
            for each in placed
        ),
        *(Left(regency_id, family_id, None, True) for regency_id, family_id in departed),
    ]
    await refresh_members(session, run, batch, left)
    await _move_ranks(session, staying)
    await additions.insert_ranks(session, batch, staying)


async def _close_departed(session: AsyncSession, run: Run, batch: Batch) -> list[tuple[int, UUID]]:
    departure = import_departure.alias("d")
    status = sa.case(
        *[
            (departure.c.reason == reason.value, sa.literal(after, family.c.status.type))
            for reason, after in _STATUS_AFTER.items()
        ]
    )
    closed = await session.execute(
        sa.update(family)
        .where(
            run.covers(departure),
            departure.c.family_village_id.between(batch.low, batch.high),
            family.c.regency_id == departure.c.family_regency_id,
            family.c.id == departure.c.family_id,
            family.c.status == FamilyStatus.ACTIVE,
        )
        .values(status=status, version=family.c.version + 1, updated_at=sa.func.now())
        .returning(family.c.regency_id, family.c.id)
    )
    return [(row.regency_id, row.id) for row in closed]


async def _close_moved(session: AsyncSession, gone: Sequence[Placed]) -> None:
    if not gone:
        return
    old = rows("r", regency_id=integers(each.regency_id for each in gone), id=uuids(each.id for each in gone))
    await session.execute(
        sa.update(family)
        .where(family.c.regency_id == old.c.regency_id, family.c.id == old.c.id, family.c.status == FamilyStatus.ACTIVE)
        .values(
            status=sa.literal(FamilyStatus.MOVED, family.c.status.type),
            version=family.c.version + 1,
            updated_at=sa.func.now(),
        )
    )


async def _change_families(session: AsyncSession, run: Run, batch: Batch) -> None:
    """Registered families of the same regency: what the file says replaces what was said, what it is silent about stays."""
    of = FamilySource(run, batch, (*KK, *FAMILY_ATTRIBUTES))
    staged = (
        sa.select(
            of.match.c.registered_regency_id,
            of.match.c.registered_id,
            of.match.c.outcome,
            of.family.c.village_id,
            of.head.c.name.label("head_name"),
            *[of.family.c[name] for name in (*KK, *FAMILY_ATTRIBUTES)],
        )
        .select_from(of.source)
        .where(of.match.c.registered_id.is_not(None))
        .subquery("s")
    )
    # Sealing the same number twice gives two texts, so the digest tells whether the number is another.
    has_new_kk = sa.and_(staged.c.kk_digest.is_not(None), staged.c.kk_digest.is_distinct_from(family.c.kk_digest))
    values: dict[str, sa.ColumnElement[Any]] = {
        "village_id": staged.c.village_id,
        "edition_id": sa.literal(run.found.edition_id),
        "status": sa.literal(FamilyStatus.ACTIVE, family.c.status.type),
        "head_name": sa.func.coalesce(staged.c.head_name, family.c.head_name),
        **{name: sa.case((has_new_kk, staged.c[name]), else_=family.c[name]) for name in KK},
        **{name: sa.func.coalesce(staged.c[name], family.c[name]) for name in FAMILY_ATTRIBUTES},
    }
    if run.is_ranked:
        values["decile"] = staged.c.decile
    always = ("village_id", "edition_id", "status", "head_name", "decile")
    differs = sa.or_(
        staged.c.outcome != MatchOutcome.SAME.value, *[family.c[name].is_distinct_from(values[name]) for name in always]
    )
    await session.execute(
        sa.update(family)
        .where(family.c.regency_id == staged.c.registered_regency_id, family.c.id == staged.c.registered_id, differs)
        .values(**values, version=family.c.version + 1, updated_at=sa.func.now())
    )


async def _move_ranks(session: AsyncSession, staying: Sequence[Placed]) -> None:
    """Ranks of older editions go with the family: whoever sees the family sees them, and nobody else does."""
    if not staying:
        return
    new = rows(
        "r",
        regency_id=integers(each.regency_id for each in staying),
        family_id=uuids(each.id for each in staying),
        village_id=villages(each.village_id for each in staying),
    )
    await session.execute(
        sa.update(welfare_rank)
        .where(
            welfare_rank.c.regency_id == new.c.regency_id,
            welfare_rank.c.family_id == new.c.family_id,
            welfare_rank.c.village_id != new.c.village_id,
        )
        .values(village_id=new.c.village_id)
    )
