"""Importing a parsed file: judge every row, compare with the registry, write what is new.

Everything is judged before the first row is written, so a refusal leaves nothing behind. What the registry holds is
left alone: a row that differs from it is reported as CHANGED, and applying changes is the work of an edition refresh.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.registry.enums import FamilyRelationship, IdentityStatus
from app.domain.registry.errors import ImportConflict, ImportRejected, ImportTargetUnknown
from app.domain.registry.models import family, person
from app.domain.registry.opensid import report
from app.domain.registry.opensid.judgement import (
    FileFamily,
    Judgement,
    families_of,
    judge_families,
    judge_heads_rejected,
    judge_persons,
)
from app.domain.registry.opensid.reader import ParsedFile, PersonRow
from app.domain.registry.opensid.registered import (
    FAMILY_COLUMNS,
    PERSON_COLUMNS,
    Registered,
    Stored,
    find_registered,
    match_members,
)
from app.domain.registry.opensid.report import ImportReport
from app.domain.registry.sealing import Seal
from app.tenants import sqlstates
from app.tenants.region_path import RegionLevel, RegionPath


async def import_opensid(
    session: AsyncSession,
    parsed: ParsedFile,
    *,
    village: RegionPath,
    edition_id: int,
    seal: Seal,
    accept_valid: bool,
    today: date,
    test_provinces: frozenset[str],
) -> ImportReport:
    """Register the families and persons of a file in a village; the caller commits.

    A family is known by its KK, a person by the NIK, or within the family by name and birth date. What is registered
    in this village already is counted as unchanged and left as it is, in whatever edition it stands; values that
    differ are warnings (CHANGED), and a member that the file no longer has stays. New members join a registered
    family. Duplicates are looked for as far as the scope of ``session`` reaches: give it the regency, at least, to
    have them named.

    Args:
        session: a transaction under a scope that covers ``village``.
        parsed: from ``parse_opensid``.
        village: the village that the file is about.
        edition_id: the edition that new families belong to.
        seal: seals NIK and KK.
        accept_valid: register what is valid even if rows are rejected; a family goes with its head.
        today: nobody is born after it.
        test_provinces: province prefixes of synthetic NIK that are accepted.

    Raises:
        ImportRejected: rows are rejected and ``accept_valid`` is not set; nothing was written. It holds the report.
        ImportConflict: a number is registered outside the scope; the transaction is lost.
        ImportTargetUnknown: no such village in scope, or no such edition; the transaction is lost.
    """
    if village.level is not RegionLevel.VILLAGE:
        raise ImportTargetUnknown
    judgement = Judgement(parsed)
    families = families_of(parsed)
    judge_persons(judgement, parsed.rows, village=village, today=today, test_provinces=test_provinces)
    judge_families(judgement, families, village=village, test_provinces=test_provinces)
    work = _Import(judgement, village, edition_id, seal)
    await work.compare(session, families)
    judge_heads_rejected(judgement, families)
    for file_family in families:
        work.plan(file_family)
    if judgement.rejected and not accept_valid:
        raise ImportRejected(work.report(written=False))
    await work.write(session)
    return work.report(written=True)


class _Import:
    """One import on its way from the judged file to the tables."""

    def __init__(self, judgement: Judgement, village: RegionPath, edition_id: int, seal: Seal) -> None:
        self._judgement = judgement
        self._place = {"regency_id": village.ancestor(RegionLevel.REGENCY).id, "village_id": village.id}
        self._village = village
        self._edition_id = edition_id
        self._seal = seal
        self._registered: Registered
        self._kk_digests: dict[str, bytes] = {}
        self._nik_digests: dict[str, bytes] = {}
        self._matches: dict[int, Stored] = {}
        self._new_families: list[dict[str, object]] = []
        self._new_persons: list[dict[str, object]] = []
        self._families_unchanged = 0
        self._persons_unchanged = 0

    async def compare(self, session: AsyncSession, families: Sequence[FileFamily]) -> None:
        """Find what is registered, and reject what is registered elsewhere."""
        self._kk_digests = {file_family.kk: self._seal.digest(file_family.kk) for file_family in families}
        niks = (row.nik for file_family in families for row in file_family.rows if row.nik is not None)
        self._nik_digests = {nik: self._seal.digest(nik) for nik in niks}
        self._registered = await find_registered(
            session, self._village, self._kk_digests.values(), self._nik_digests.values()
        )
        for file_family in families:
            self._compare_family(file_family)

    def _stored_family(self, file_family: FileFamily) -> Stored | None:
        return self._registered.families.get(self._kk_digests[file_family.kk])

    def _compare_family(self, file_family: FileFamily) -> None:
        stored_family = self._stored_family(file_family)
        if stored_family is None:
            if self._kk_digests[file_family.kk] in self._registered.elsewhere:
                self._judgement.refuse_rest(file_family.rows, "no_kk", report.KK_REGISTERED_ELSEWHERE, file_family.kk)
            elif not file_family.somebody_present:
                self._judgement.refuse_rest(file_family.rows, "status_dasar", report.KK_NOBODY_PRESENT)
        members = self._registered.members_of(stored_family)
        matches = match_members(file_family.rows, members, self._nik_digests)
        has_head = any(stored.relationship is FamilyRelationship.HEAD for stored in members)
        for row in file_family.rows:
            if row.line in matches or not self._judgement.accepts(row):
                continue
            if row.nik is not None and self._nik_digests[row.nik] in self._registered.living:
                self._judgement.refuse(row, "nik", report.NIK_REGISTERED, row.nik)
            elif row.is_head and has_head:
                self._judgement.refuse(row, "kk_level", report.KK_HEAD_DIFFERS)
        self._matches |= matches

    def plan(self, file_family: FileFamily) -> None:
        """Decide what becomes of the accepted rows of a family."""
        rows = [row for row in file_family.rows if self._judgement.accepts(row)]
        head = next((row for row in rows if row.is_head), None)
        if head is None:
            return
        place: dict[str, object] = {}
        for row in (head, *rows):
            place |= {column: value for column, value in row.family.items() if column not in place}
        stored_family = self._stored_family(file_family)
        if stored_family is None:
            family_id = uuid7()
            self._new_families.append(self._family_values(family_id, head, place))
            next_number = 1
        else:
            family_id = stored_family.id
            self._families_unchanged += 1
            self._warn_of_changes(head, stored_family, place, FAMILY_COLUMNS)
            numbers = [stored.member_no or 0 for stored in self._registered.members_of(stored_family)]
            next_number = max(numbers, default=0) + 1
        for row in rows:
            stored = self._matches.get(row.line)
            if stored is None:
                self._new_persons.append(self._person_values(family_id, next_number, row))
                next_number += 1
            else:
                self._persons_unchanged += 1
                self._compare_person(row, stored)

    def _family_values(self, family_id: UUID, head: PersonRow, place: Mapping[str, object]) -> dict[str, object]:
        kk = self._seal.stored(head.kk)
        return {
            **self._place,
            "id": family_id,
            "edition_id": self._edition_id,
            "head_name": head.name,
            "kk_sealed": kk.sealed,
            "kk_digest": kk.digest,
            "kk_masked": kk.masked,
            **dict.fromkeys(FAMILY_COLUMNS),
            **place,
        }

    def _person_values(self, family_id: UUID, member_no: int, row: PersonRow) -> dict[str, object]:
        nik = None if row.nik is None else self._seal.stored(row.nik)
        return {
            **self._place,
            "id": uuid7(),
            "family_id": family_id,
            "member_no": member_no,
            "nik_sealed": nik and nik.sealed,
            "nik_digest": nik and nik.digest,
            "nik_masked": nik and nik.masked,
            "temporary_id": row.temporary_id,
            "no_nik_reason": row.no_nik_reason if nik is None else None,
            "identity_status": IdentityStatus.NO_IDENTITY if nik is None else IdentityStatus.NIK_ISSUED,
            **row.columns,
        }

    def _compare_person(self, row: PersonRow, stored: Stored) -> None:
        if row.nik is not None and stored.nik_digest != self._nik_digests[row.nik]:
            self._judgement.warn(row, "nik", report.CHANGED, row.nik)
        self._warn_of_changes(row, stored, row.columns, PERSON_COLUMNS)

    def _warn_of_changes(
        self, row: PersonRow, stored: Stored, values: Mapping[str, object], columns: Mapping[str, str]
    ) -> None:
        changed = {
            columns[column]: value
            for column, value in values.items()
            if value is not None and value != getattr(stored, column)
        }
        for column, value in changed.items():
            shown = value.value if isinstance(value, Enum) else value
            self._judgement.warn(row, column, report.CHANGED, str(shown))

    async def write(self, session: AsyncSession) -> None:
        """Insert what is new: families, then persons."""
        try:
            for table, rows in ((family, self._new_families), (person, self._new_persons)):
                if rows:
                    # RETURNING makes SQLAlchemy send many rows in one statement. The summary triggers count once per
                    # statement; one INSERT per row would update the same totals again for each person.
                    await session.execute(sa.insert(table).returning(table.c.id), rows)
        except DBAPIError as error:
            # The cause is left out: it shows the rows.
            match sqlstates.sqlstate_of(error):
                case sqlstates.UNIQUE_VIOLATION:
                    raise ImportConflict from None
                case sqlstates.FOREIGN_KEY_VIOLATION | sqlstates.INSUFFICIENT_PRIVILEGE:
                    raise ImportTargetUnknown from None
                case _:
                    raise

    def report(self, *, written: bool) -> ImportReport:
        """What was done, or what is in the way."""
        return ImportReport(
            families_created=len(self._new_families) if written else 0,
            persons_created=len(self._new_persons) if written else 0,
            families_unchanged=self._families_unchanged,
            persons_unchanged=self._persons_unchanged,
            rejected=tuple(sorted(self._judgement.rejected)),
            warnings=tuple(sorted(self._judgement.warnings)),
        )
