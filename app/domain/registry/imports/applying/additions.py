"""What an import adds: families, persons and ranks that the registry does not hold yet."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.registry.enums import FamilyStatus, IdentityStatus, Presence
from app.domain.registry.imports.applying.batch import (
    Batch,
    FamilySource,
    Run,
    Staged,
    integers,
    place_families,
    registered,
    rows,
)
from app.domain.registry.imports.models import (
    FAMILY_ATTRIBUTES,
    PERSON_ATTRIBUTES,
    ImportMode,
    RowSubject,
    staged_family,
    staged_person,
)
from app.domain.registry.models import family, person, welfare_rank
from app.tenants.scope import REGENCY_WIDTH

KK: Final = ("kk_sealed", "kk_digest", "kk_masked")
NIK: Final = ("nik_sealed", "nik_digest", "nik_masked")

Values = Mapping[str, sa.ColumnElement[Any]]


async def apply_addition(session: AsyncSession, run: Run, batch: Batch) -> None:
    """Add what is new; whoever is registered is left as they are.

    Raises:
        RegistryChanged: a family that somebody joins is not to be seen any more.
    """
    await place_families(session, run, batch)
    await insert_families(session, run, batch)
    await _insert_persons(session, run, batch)
    await insert_ranks(session, run, batch)


def insert(table: sa.Table, values: Values, source: sa.Select[Any]) -> sa.Insert:
    """One INSERT for all rows of ``source``: the summary triggers count once for each statement."""
    return sa.insert(table).from_select(
        list(values), source.with_only_columns(*values.values(), maintain_column_froms=True), include_defaults=False
    )


async def insert_families(session: AsyncSession, run: Run, batch: Batch) -> None:
    """Insert the families that no registered one stands for, village by village."""
    of = FamilySource(run, batch, (*KK, *FAMILY_ATTRIBUTES))
    values: dict[str, sa.ColumnElement[Any]] = {
        "regency_id": of.regency,
        "id": of.family.c.id,
        "village_id": of.family.c.village_id,
        "edition_id": sa.literal(run.found.edition_id),
        "status": sa.literal(FamilyStatus.ACTIVE, family.c.status.type),
        "head_name": of.head.c.name,
        **{name: of.family.c[name] for name in (*KK, *FAMILY_ATTRIBUTES)},
    }
    source = sa.select(of.family).select_from(of.source).where(of.match.c.registered_id.is_(None)).order_by(*of.order)
    await session.execute(insert(family, values, source))


async def _insert_persons(session: AsyncSession, run: Run, batch: Batch) -> None:
    staged = Staged(run)
    of = _families_of(run, batch)
    lines = rows(
        "r",
        line=integers(each.line for each in batch.persons),
        family_line=integers(each.family_line for each in batch.persons),
    )
    new = staged.of(staged_person, lines.c.line, "p")
    own = staged.match(RowSubject.PERSON, lines.c.line, "o")
    members = person.alias("q")
    last_number = (
        sa.select(sa.func.max(members.c.member_no))
        .where(members.c.regency_id == of.c.registered_regency_id, members.c.family_id == of.c.registered_id)
        .scalar_subquery()
    )
    place = sa.func.row_number().over(
        partition_by=[of.c.file_village_id, of.c.line], order_by=[new.c.member_no, new.c.line]
    )
    values: dict[str, sa.ColumnElement[Any]] = {
        "regency_id": of.c.village_id // REGENCY_WIDTH,
        "id": new.c.id,
        "village_id": of.c.village_id,
        "family_id": of.c.id,
        **{name: new.c[name] for name in (*NIK, *PERSON_ATTRIBUTES)},
        "identity_status": sa.case(
            (new.c.nik_digest.is_(None), sa.literal(IdentityStatus.NO_IDENTITY, person.c.identity_status.type)),
            else_=sa.literal(IdentityStatus.NIK_ISSUED, person.c.identity_status.type),
        ),
        "no_nik_reason": sa.case((new.c.nik_digest.is_(None), new.c.no_nik_reason)),
        "presence": sa.func.coalesce(new.c.presence, sa.literal(Presence.PRESENT, person.c.presence.type)),
        # A file's numbers are those of its own order: they hold in a family that comes from it.
        "member_no": sa.case(
            (of.c.registered_id.is_not(None), sa.func.coalesce(last_number, 0) + place),
            else_=sa.func.coalesce(new.c.member_no, place),
        ),
    }
    source = (
        sa.select(new)
        .select_from(
            lines.join(of, of.c.line == lines.c.family_line)
            .join(new, new.c.line == lines.c.line)
            .outerjoin(own, own.c.line == lines.c.line)
        )
        .where(own.c.registered_id.is_(None))
        .order_by(of.c.file_village_id, of.c.line)
    )
    # Lists of one transaction are taken for short, so families would be looked through for each person. What is looked up by key has no
    # other way than a nested loop, and keeps it.
    await session.execute(sa.text("set local enable_nestloop = off"))
    await session.execute(insert(person, values, source))
    await session.execute(sa.text("set local enable_nestloop = on"))


def _families_of(run: Run, batch: Batch) -> sa.CTE:
    """Where the families of ``batch`` live and who they are in the registry, found once for all of their members."""
    staged = Staged(run)
    lines = rows("l", line=integers(each.line for each in batch.families))
    of = staged.of(staged_family, lines.c.line, "f", ("id", "village_id"))
    match, stands = staged.standing(of)
    joined, is_joined = registered(family, match.c.registered_regency_id, match.c.registered_id, "g")
    return (
        sa.select(
            of.c.line,
            of.c.village_id.label("file_village_id"),
            sa.func.coalesce(joined.c.village_id, of.c.village_id).label("village_id"),
            sa.func.coalesce(match.c.registered_id, of.c.id).label("id"),
            match.c.registered_regency_id,
            match.c.registered_id,
        )
        .select_from(lines.join(of, of.c.line == lines.c.line).outerjoin(match, stands).outerjoin(joined, is_joined))
        .cte("placed")
        .prefix_with("MATERIALIZED")
    )


async def insert_ranks(session: AsyncSession, run: Run, batch: Batch) -> None:
    """Insert the ranks in this edition: in an addition those of new families, in a full edition those of all that have one.

    A rank takes the id of its staged family, so that an attempt that begins anew writes the same row.
    """
    of = FamilySource(run, batch, ("decile", "percentile", "ranked_on"))
    values: dict[str, sa.ColumnElement[Any]] = {
        "regency_id": of.regency,
        "id": of.family.c.id,
        "village_id": of.family.c.village_id,
        "family_id": sa.func.coalesce(of.match.c.registered_id, of.family.c.id),
        "scheme": sa.literal(run.scheme, welfare_rank.c.scheme.type),
        "edition_id": sa.literal(run.found.edition_id),
        "decile": of.family.c.decile,
        "percentile": of.family.c.percentile,
        "ranked_on": sa.func.coalesce(of.family.c.ranked_on, sa.literal(run.published_on)),
    }
    source = sa.select(of.family).select_from(of.source).where(of.family.c.decile.is_not(None)).order_by(*of.order)
    if run.found.mode is ImportMode.ADDITION:
        await session.execute(insert(welfare_rank, values, source.where(of.match.c.registered_id.is_(None))))
        return
    corrected = ("decile", "percentile", "ranked_on")
    ranks = pg.insert(welfare_rank).from_select(
        list(values), source.with_only_columns(*values.values(), maintain_column_froms=True), include_defaults=False
    )
    await session.execute(
        ranks.on_conflict_do_update(
            index_elements=["regency_id", "family_id", "edition_id"],
            set_={name: ranks.excluded[name] for name in corrected},
            where=sa.tuple_(*[welfare_rank.c[name] for name in corrected]).is_distinct_from(
                sa.tuple_(*[ranks.excluded[name] for name in corrected])
            ),
        )
    )
