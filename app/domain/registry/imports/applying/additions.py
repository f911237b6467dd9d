"""What an import adds: families, persons and ranks that the registry does not hold yet.

The statements are wide, and SQLAlchemy takes longer to write one than PostgreSQL to run it for a village: they are written once for
all batches, whose lines are their parameters.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.registry.enums import FamilyStatus, IdentityStatus, Presence
from app.domain.registry.imports.applying.batch import (
    Batch,
    Placed,
    Run,
    Staged,
    place_families,
    regency_of_family,
    registered,
    rows,
)
from app.domain.registry.imports.models import (
    FAMILY_ATTRIBUTES,
    PERSON_ATTRIBUTES,
    ImportMode,
    staged_family,
    staged_person,
)
from app.domain.registry.models import family, person, welfare_rank
from app.tenants.scope import REGENCY_WIDTH

KK: Final = ("kk_sealed", "kk_digest", "kk_masked")
NIK: Final = ("nik_sealed", "nik_digest", "nik_masked")

Values = Mapping[str, sa.ColumnElement[Any]]
_INTEGERS: Final = pg.ARRAY(sa.Integer, dimensions=1)
_UUIDS: Final = pg.ARRAY(pg.UUID(as_uuid=True), dimensions=1)


def _parameter(name: str, of: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=of)


_FAMILY_LINES: Final = _parameter("family_lines", _INTEGERS)
_HEAD_LINES: Final = _parameter("head_lines", _INTEGERS)
_REGISTERED_IN: Final = _parameter("registered_in", _INTEGERS)
_REGISTERED_AS: Final = _parameter("registered_as", _UUIDS)
_PERSON_LINES: Final = _parameter("person_lines", _INTEGERS)
_PERSON_FAMILIES: Final = _parameter("person_families", _INTEGERS)
_PLACES: Final = _parameter("places", _INTEGERS)


def insert(table: sa.Table, values: Values, source: sa.Select[Any]) -> sa.Insert:
    """One INSERT for all rows of ``source``: the summary triggers count once for each statement."""
    return sa.insert(table).from_select(list(values), _picked(values, source), include_defaults=False)


def _picked(values: Values, source: sa.Select[Any]) -> sa.Select[Any]:
    return source.with_only_columns(*values.values(), maintain_column_froms=True)


class Additions:
    """The statements that add rows for an import."""

    def __init__(self, run: Run) -> None:
        """Write them for ``run``."""
        self._run = run
        self._families = _families(run)
        self._persons = _persons(run)
        self._ranks = _ranks(run)

    async def apply(self, session: AsyncSession, batch: Batch) -> None:
        """Add what is new in ``batch``; whoever is registered is left as they are.

        Raises:
            RegistryChanged: a family that somebody joins is not to be seen any more.
        """
        placed = await place_families(session, self._run, batch)
        await self.insert_families(session, batch, placed)
        await self._insert_persons(session, batch, placed)
        await self.insert_ranks(session, batch, placed)

    async def insert_families(self, session: AsyncSession, batch: Batch, placed: Iterable[Placed]) -> None:
        """Insert the families of ``batch`` that none of those ``placed`` stands for."""
        known = {each.line for each in placed}
        new = [
            each for each in zip(batch.families.lines, batch.families.head_lines, strict=True) if each[0] not in known
        ]
        if new:
            lines, head_lines = zip(*new, strict=True)
            await _joined(session, self._families, {"family_lines": lines, "head_lines": head_lines})

    async def _insert_persons(self, session: AsyncSession, batch: Batch, placed: Iterable[Placed]) -> None:
        if batch.persons.lines:
            persons = {
                "person_lines": batch.persons.lines,
                "person_families": batch.persons.family_lines,
                "places": batch.persons.places,
            }
            await _joined(session, self._persons, {**persons, **_standing(batch, placed)})

    async def insert_ranks(self, session: AsyncSession, batch: Batch, placed: Iterable[Placed]) -> None:
        """Insert the ranks in this edition: in an addition those of new families, in a full edition those of all that have one.

        A rank takes the id of its staged family, so that an attempt that begins anew writes the same row.
        """
        if batch.families.lines:
            await _joined(session, self._ranks, _standing(batch, placed))


def _standing(batch: Batch, placed: Iterable[Placed]) -> dict[str, list[Any]]:
    """The families of ``batch``, with the registered ones that stand for them."""
    known = {each.line: each for each in placed}
    standing = [known.get(line) for line in batch.families.lines]
    return {
        "family_lines": batch.families.lines,
        "registered_in": [each and each.regency_id for each in standing],
        "registered_as": [each and each.id for each in standing],
    }


async def _joined(session: AsyncSession, statement: sa.Executable, parameters: Mapping[str, Any]) -> None:
    """Run a statement that joins lists: the planner takes them for short, and would go through all staged rows for each line.

    What is looked up by key has no other way than a nested loop, and keeps it.
    """
    await session.execute(sa.text("set local enable_nestloop = off"))
    await session.execute(statement, parameters)
    await session.execute(sa.text("set local enable_nestloop = on"))


def _families(run: Run) -> sa.Insert:
    staged = Staged(run)
    lines = rows("r", line=_FAMILY_LINES, head_line=_HEAD_LINES)
    of = staged.among(staged_family, _FAMILY_LINES, "f", ("id", "village_id", *KK, *FAMILY_ATTRIBUTES))
    head = staged.among(staged_person, _HEAD_LINES, "h", ("name",))
    values: dict[str, sa.ColumnElement[Any]] = {
        "regency_id": regency_of_family(of),
        "id": of.c.id,
        "village_id": of.c.village_id,
        "edition_id": sa.literal(run.found.edition_id),
        "status": sa.literal(FamilyStatus.ACTIVE, family.c.status.type),
        "head_name": head.c.name,
        **{name: of.c[name] for name in (*KK, *FAMILY_ATTRIBUTES)},
    }
    source = (
        sa.select(of)
        .select_from(lines.join(of, of.c.line == lines.c.line).outerjoin(head, head.c.line == lines.c.head_line))
        .order_by(of.c.village_id, of.c.line)
    )
    return insert(family, values, source)


def _persons(run: Run) -> sa.Insert:
    lines = rows("r", line=_PERSON_LINES, family_line=_PERSON_FAMILIES, place=_PLACES)
    of = _homes(run)
    new = Staged(run).among(staged_person, _PERSON_LINES, "p", ("id", *NIK, *PERSON_ATTRIBUTES))
    members = person.alias("q")
    last_number = (
        sa.select(sa.func.max(members.c.member_no))
        .where(members.c.regency_id == of.c.registered_regency_id, members.c.family_id == of.c.registered_id)
        .scalar_subquery()
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
            (of.c.registered_id.is_not(None), sa.func.coalesce(last_number, 0) + lines.c.place),
            else_=sa.func.coalesce(new.c.member_no, lines.c.place),
        ),
    }
    source = (
        sa.select(new)
        .select_from(lines.join(of, of.c.line == lines.c.family_line).join(new, new.c.line == lines.c.line))
        .order_by(of.c.file_village_id, of.c.line)
    )
    return insert(person, values, source)


def _homes(run: Run) -> sa.CTE:
    """Where the families of a batch live and who they are in the registry, found once for all of their members."""
    lines = rows("l", line=_FAMILY_LINES, regency_id=_REGISTERED_IN, registered_id=_REGISTERED_AS)
    of = Staged(run).among(staged_family, _FAMILY_LINES, "f", ("id", "village_id"))
    joined, is_joined = registered(family, lines.c.regency_id, lines.c.registered_id, "g")
    return (
        sa.select(
            of.c.line,
            of.c.village_id.label("file_village_id"),
            sa.func.coalesce(joined.c.village_id, of.c.village_id).label("village_id"),
            sa.func.coalesce(lines.c.registered_id, of.c.id).label("id"),
            lines.c.regency_id.label("registered_regency_id"),
            lines.c.registered_id,
        )
        .select_from(lines.join(of, of.c.line == lines.c.line).outerjoin(joined, is_joined))
        .cte("homes")
        .prefix_with("MATERIALIZED")
    )


def _ranks(run: Run) -> sa.Insert:
    lines = rows("l", line=_FAMILY_LINES, regency_id=_REGISTERED_IN, registered_id=_REGISTERED_AS)
    of = Staged(run).among(staged_family, _FAMILY_LINES, "f", ("id", "village_id", "decile", "percentile", "ranked_on"))
    values: dict[str, sa.ColumnElement[Any]] = {
        "regency_id": regency_of_family(of),
        "id": of.c.id,
        "village_id": of.c.village_id,
        "family_id": sa.func.coalesce(lines.c.registered_id, of.c.id),
        "scheme": sa.literal(run.scheme, welfare_rank.c.scheme.type),
        "edition_id": sa.literal(run.found.edition_id),
        "decile": of.c.decile,
        "percentile": of.c.percentile,
        "ranked_on": sa.func.coalesce(of.c.ranked_on, sa.literal(run.published_on)),
    }
    source = (
        sa.select(of)
        .select_from(lines.join(of, of.c.line == lines.c.line))
        .where(of.c.decile.is_not(None))
        .order_by(of.c.village_id, of.c.line)
    )
    if run.found.mode is ImportMode.ADDITION:
        return insert(welfare_rank, values, source.where(lines.c.registered_id.is_(None)))
    corrected = ("decile", "percentile", "ranked_on")
    ranks = pg.insert(welfare_rank).from_select(list(values), _picked(values, source), include_defaults=False)
    return ranks.on_conflict_do_update(
        index_elements=["regency_id", "family_id", "edition_id"],
        set_={name: ranks.excluded[name] for name in corrected},
        where=sa.tuple_(*[welfare_rank.c[name] for name in corrected]).is_distinct_from(
            sa.tuple_(*[ranks.excluded[name] for name in corrected])
        ),
    )
