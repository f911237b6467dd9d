"""A batch of an import on its way into the registry: whole villages, whose accepted rows are applied in one transaction.

Everything that two batches could disagree about is settled by the check, before the first is applied: each registered row is
matched by one staged row at most, and ids are given when rows are staged. So the order in which batches are applied, and how
often one had to begin anew, shows in no table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.base import Conflict
from app.domain.registry.enums import RegistryScheme
from app.domain.registry.imports.applying.accepted import Accepted, AcceptedFamilies, AcceptedPersons
from app.domain.registry.imports.models import (
    DuplicateDecision,
    ImportMode,
    ImportStage,
    RowSubject,
    import_batch,
    import_duplicate,
    import_match,
    registry_import,
    staged_family,
    staged_person,
)
from app.domain.registry.imports.queries import Import
from app.domain.registry.models import family, registry_edition
from app.tenants.scope import REGENCY_WIDTH


class RegistryChanged(Conflict):
    """What the check found is not so any more, and the rows of the batch cannot be applied as they are."""

    code = "IMPORT_CONFLICT"

    def __init__(self) -> None:
        super().__init__(
            "Registri berubah sejak berkas ini diperiksa: NIK, KK atau keluarga di dalamnya sudah didaftarkan, dipindahkan atau "
            "diubah oleh orang lain. Yang sudah diterapkan tetap; keluarga lain belum berubah. Periksa lagi impor ini: yang sudah "
            "diterapkan terhitung sama, dan baris yang bermasalah disebutkan.",
            "The registry has changed since the file was checked: a NIK, a KK or a family in it was registered, moved or changed by "
            "somebody else. What was applied stays; no other family has changed. Check the import again: what was applied counts as "
            "the same, and the rows in the way are named.",
        )


_WORK_MEMORY: Final = "32MB"
_OF_MATCH: Final = ("line", "registered_regency_id", "registered_id", "outcome")


class SamePerson(NamedTuple):
    """Somebody has decided that the person of a line is one who is registered."""

    line: int
    regency_id: int
    id: UUID


@dataclass(frozen=True, slots=True)
class Run:
    """What holds for all batches of one import. None of it changes while the import is applied."""

    found: Import
    scheme: RegistryScheme
    published_on: date
    is_ranked: bool
    """Whether the file has deciles at all: only then has a family without one lost its rank."""
    left_out: tuple[int, ...]
    """Lines of persons who are not added, for somebody has decided that they are there already."""
    same_persons: tuple[SamePerson, ...]
    """In a full edition, who those lines are: they are found again where the edition has them."""

    def covers(self, table: sa.FromClause) -> sa.ColumnElement[bool]:
        """Whether a row of ``table`` is of this import."""
        return sa.and_(table.c.regency_id == self.found.regency_id, table.c.import_id == self.found.id)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is applied in one transaction: lines in the order in which they are inserted, village by village."""

    number: int
    low: int
    high: int
    """The villages from the first to the last."""
    planned: int
    """Families of the batch, as progress counts them."""
    families: AcceptedFamilies
    persons: AcceptedPersons
    """In an addition those who are not registered."""


def integers(values: Iterable[int | None]) -> sa.BindParameter[Any]:
    """An array of 4-byte integers."""
    return sa.literal(list(values), pg.ARRAY(sa.Integer, dimensions=1))


def villages(values: Iterable[int | None]) -> sa.BindParameter[Any]:
    """An array of village ids."""
    return sa.literal(list(values), pg.ARRAY(sa.BigInteger, dimensions=1))


def uuids(values: Iterable[UUID | None]) -> sa.BindParameter[Any]:
    """An array of ids."""
    return sa.literal(list(values), pg.ARRAY(pg.UUID(as_uuid=True), dimensions=1))


def _items(array: "sa.types.TypeEngine[Any]") -> "sa.types.TypeEngine[Any]":
    if not isinstance(array, sa.ARRAY):
        raise TypeError("only arrays have items")
    return array.item_type


def rows(name: str, **arrays: sa.BindParameter[Any]) -> sa.TableValuedAlias:
    """Arrays of the same length as the columns of a table ``name``."""
    columns = [sa.column(column, _items(array.type)) for column, array in arrays.items()]
    return sa.func.unnest(*arrays.values()).table_valued(*columns, name=name).render_derived()


class Staged:
    """Staged rows of a batch, found by their lines, beside what the check matched them with.

    Nothing is known of tables that were filled a moment ago: a planner that may join as it likes takes all that is staged for a
    handful of rows, and one index for as good as the other. So each look-up is a subquery of its own, which asks for the first row
    from a key on: only the index that is sorted by that key can answer it without sorting.
    """

    def __init__(self, run: Run) -> None:
        """Look into the rows of the import of ``run``."""
        self._run = run

    def of(self, table: sa.Table, line: sa.ColumnElement[Any], name: str, columns: Iterable[str] = ()) -> sa.FromClause:
        """The row of ``table`` in the first line from ``line`` on that has one; of its columns those named, or all.

        SQLAlchemy takes longer to write a statement of two wide tables than PostgreSQL to run it for a village.
        """
        return (
            sa.select(*[table.c[each] for each in ("line", *columns)] if columns else table.columns)
            .where(self._run.covers(table), table.c.line >= line)
            .order_by(table.c.line)
            .limit(1)
            .lateral(name)
        )

    def among(self, table: sa.Table, lines: sa.BindParameter[Any], name: str, columns: Iterable[str]) -> sa.FromClause:
        """The rows of ``table`` in ``lines``, with the columns named: one pass through its primary key, to be joined by hash.

        A nested loop would make that pass for each row, so whoever runs the statement switches those off.
        """
        return (
            sa.select(*[table.c[each] for each in ("line", *columns)])
            .where(self._run.covers(table), table.c.line == sa.any_(lines))
            .subquery(name)
        )

    def match(self, subject: RowSubject, line: sa.ColumnElement[Any], name: str) -> sa.FromClause:
        """What the check matched the first line from ``line`` on with that it has matched."""
        return (
            sa.select(*[import_match.c[each] for each in _OF_MATCH])
            .where(
                self._run.covers(import_match),
                import_match.c.subject == sa.literal_column(f"'{subject.value}'"),
                import_match.c.line >= line,
            )
            .order_by(import_match.c.line)
            .limit(1)
            .lateral(name)
        )

    def standing(self, staged: sa.FromClause) -> tuple[sa.FromClause, sa.ColumnElement[bool]]:
        """The match of a staged family with the registered one that it stands for, and what joins it.

        In a full edition only one of the same regency: a family that comes from another regency gets a row of its own.
        """
        match = self.match(RowSubject.FAMILY, staged.c.line, "m")
        joins = match.c.line == staged.c.line
        if self._run.found.mode is ImportMode.EDITION:
            joins = sa.and_(joins, match.c.registered_regency_id == regency_of_family(staged))
        return match, joins


def regency_of_family(staged: sa.FromClause) -> sa.ColumnElement[Any]:
    """The regency that a staged family lies in."""
    regency: sa.ColumnElement[Any] = staged.c.village_id // REGENCY_WIDTH
    return regency


def registered(
    table: sa.Table, regency_id: sa.ColumnElement[Any], row_id: sa.ColumnElement[Any], name: str
) -> tuple[sa.FromClause, sa.ColumnElement[bool]]:
    """The row of ``table`` with this primary key, and what joins it: a subquery of its own, as for staged rows.

    The key must not come from COALESCE (see ``either``).
    """
    found = (
        sa.select(table)
        .where(table.c.regency_id == regency_id, table.c.id >= row_id)
        .order_by(table.c.id)
        .limit(1)
        .lateral(name)
    )
    return found, found.c.id == row_id


def either(one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """``one`` or, where that is NULL, ``other``, to look rows up by.

    PostgreSQL does not know COALESCE to keep secrets, and under row-level security uses no index for a condition with it: it read all
    persons of a province for each person of a file.
    """
    return sa.case((one.is_not(None), one), else_=other)


class FamilySource:
    """The accepted families of a batch."""

    def __init__(self, run: Run, batch: Batch, columns: Iterable[str] = ()) -> None:
        """Those of ``batch``, with their village and the columns named."""
        staged = Staged(run)
        lines = rows(
            "r",
            line=integers(batch.families.lines),
            head_line=integers(batch.families.head_lines),
        )
        self.family = staged.of(staged_family, lines.c.line, "f", ("id", "village_id", *columns))
        self.match, stands = staged.standing(self.family)
        self.head = staged.of(staged_person, lines.c.head_line, "h", ("name",))
        self.regency = regency_of_family(self.family)
        self.source = (
            lines.join(self.family, self.family.c.line == lines.c.line)
            .outerjoin(self.match, stands)
            .outerjoin(self.head, self.head.c.line == lines.c.head_line)
        )
        self.order = (self.family.c.village_id, self.family.c.line)


async def begin_run(session: AsyncSession, found: Import) -> Run:
    """Read what holds for all batches."""
    edition = (
        await session.execute(sa.select(registry_edition).where(registry_edition.c.id == found.edition_id))
    ).one()
    same = await _same_persons(session, found)
    found_again = [each for each in same.values() if each is not None and found.mode is ImportMode.EDITION]
    return Run(
        found=found,
        scheme=edition.scheme,
        published_on=edition.published_on,
        is_ranked=await _is_ranked(session, found),
        left_out=tuple(same.keys() - {each.line for each in found_again}),
        same_persons=tuple(found_again),
    )


async def _same_persons(session: AsyncSession, found: Import) -> dict[int, SamePerson | None]:
    """Lines that somebody has decided to be a person who is there: a registered one, or that of another line (None)."""
    duplicate = import_duplicate.c
    match = import_match.alias("m")
    is_registered = [
        sa.exists().where(
            match.c.regency_id == duplicate.regency_id,
            match.c.import_id == duplicate.import_id,
            match.c.subject == RowSubject.PERSON.value,
            match.c.line == line,
        )
        for line in (duplicate.line, duplicate.other_line)
    ]
    decided = await session.execute(
        sa.select(
            # Of two lines the later goes, unless it alone is known to the registry.
            sa.case((is_registered[0] & ~is_registered[1], duplicate.other_line), else_=duplicate.line).label("line"),
            duplicate.person_regency_id,
            duplicate.person_id,
        )
        .where(
            duplicate.regency_id == found.regency_id,
            duplicate.import_id == found.id,
            duplicate.decision == DuplicateDecision.SAME_PERSON.value,
        )
        # A line may be the same as several: another line of the file first, then the best score, and always the same one.
        .order_by(duplicate.person_id.is_not(None), duplicate.score.desc(), duplicate.id)
    )
    same: dict[int, SamePerson | None] = {}
    for row in decided:
        same.setdefault(row.line, None if row.person_id is None else SamePerson(*row))
    return same


async def _is_ranked(session: AsyncSession, found: Import) -> bool:
    c = staged_family.c
    ranked = sa.exists().where(c.regency_id == found.regency_id, c.import_id == found.id, c.decile.is_not(None))
    return bool(await session.scalar(sa.select(ranked)))


async def claim(session: AsyncSession, run: Run, accepted: Accepted, *, from_the_end: bool) -> Batch | None:
    """Lock a batch that waits and that nobody else is at, and read which of its rows are accepted."""
    # A plan for arrays of any length takes them for short ones and looks each row up by its key, which is what is wanted.
    await session.execute(sa.text("select set_config('plan_cache_mode', 'force_generic_plan', true)"))
    # The rows of a batch are wide; sorted in less memory than they take they go to files and back.
    await session.execute(sa.text(f"select set_config('work_mem', '{_WORK_MEMORY}', true)"))
    # A look-up walks a key; all villages of the scope, sorted, may seem cheaper. What has to be sorted at the end still is.
    for sorting in ("enable_sort", "enable_incremental_sort"):
        await session.execute(sa.text(f"select set_config('{sorting}', 'off', true)"))
    c = import_batch.c
    applying = sa.exists().where(
        registry_import.c.regency_id == run.found.regency_id,
        registry_import.c.id == run.found.id,
        registry_import.c.stage == ImportStage.APPLYING.value,
    )
    claimed = (
        await session.execute(
            sa.select(c.number, c.first_village_id, c.last_village_id, c.families)
            .where(run.covers(import_batch), c.applied_at.is_(None), applying)
            .order_by(c.number.desc() if from_the_end else c.number)
            .limit(1)
            .with_for_update(of=import_batch, skip_locked=True)
        )
    ).one_or_none()
    if claimed is None:
        return None
    low, high = claimed.first_village_id, claimed.last_village_id
    only_new = run.found.mode is ImportMode.ADDITION
    return Batch(claimed.number, low, high, claimed.families, *await accepted.within(low, high, only_new=only_new))


async def finish_batch(session: AsyncSession, run: Run, batch: Batch) -> None:
    """Note, in the transaction of its rows, that the batch is applied."""
    await session.execute(
        sa.update(import_batch)
        .where(run.covers(import_batch), import_batch.c.number == batch.number)
        .values(applied_at=sa.func.now())
    )


class Placed(NamedTuple):
    """An accepted staged family that is registered."""

    line: int
    village_id: int
    """The village of the file."""
    regency_id: int
    id: UUID
    """The registered family."""
    has_refused: bool
    """Whether the row of a member is refused: a member who is missing may be the one that it means."""

    @property
    def stays(self) -> bool:
        """Whether the registered family lies in the regency of the file already."""
        return bool(self.regency_id == self.village_id // REGENCY_WIDTH)


async def place_families(session: AsyncSession, run: Run, batch: Batch) -> list[Placed]:
    """Which families of ``batch`` are registered.

    Raises:
        RegistryChanged: one of them is not to be seen any more.
    """
    if not batch.families.matched:
        return []
    staged = Staged(run)
    lines = rows("r", line=integers(batch.families.matched))
    place = staged.of(staged_family, lines.c.line, "f", ("village_id",))
    match = staged.match(RowSubject.FAMILY, lines.c.line, "m")
    seen, is_seen = registered(family, match.c.registered_regency_id, match.c.registered_id, "g")
    found = await session.execute(
        sa.select(
            place.c.line,
            place.c.village_id,
            match.c.registered_regency_id,
            match.c.registered_id,
            seen.c.id.label("seen"),
        ).select_from(
            lines.join(match, match.c.line == lines.c.line)
            .join(place, place.c.line == lines.c.line)
            .outerjoin(seen, is_seen)
        )
    )
    refused = set(batch.families.refused)
    placed = []
    for row in found:
        if row.seen is None:
            raise RegistryChanged
        known = (row.registered_regency_id, row.registered_id)
        placed.append(Placed(row.line, row.village_id, *known, has_refused=row.line in refused))
    return placed
