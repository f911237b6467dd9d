"""What the rules say about a parsed file by itself, before the registry is asked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from app.domain.registry.enums import Presence
from app.domain.registry.imports import reading_findings as findings
from app.domain.registry.nik import Finding, check_kk, check_nik
from app.domain.registry.opensid import report
from app.domain.registry.opensid.reader import BrokenRow, ParsedFile, PersonRow
from app.domain.registry.opensid.report import RowIssue
from app.tenants.region_path import RegionPath


class Judgement:
    """The rows refused so far, with every reason, and the doubts about all rows."""

    def __init__(self, parsed: ParsedFile) -> None:
        self.rejected = list(parsed.errors)
        self.warnings = list(parsed.warnings)
        self._refused = {row.line for row in parsed.broken}

    def refuse(self, row: PersonRow, column: str, finding: Finding, value: str = "") -> None:
        """Reject ``row``; it may be rejected for several reasons."""
        self.rejected.append(RowIssue.of(row.line, column, value, finding))
        self._refused.add(row.line)

    def refuse_rest(self, rows: Iterable[PersonRow], column: str, finding: Finding, value: str = "") -> None:
        """Reject those of ``rows`` that are not rejected yet, for a reason that lies in another row."""
        for row in rows:
            if row.line not in self._refused:
                self.refuse(row, column, finding, value)

    def warn(self, row: PersonRow, column: str, finding: Finding, value: str = "") -> None:
        """Record a doubt about ``row``."""
        self.warnings.append(RowIssue.of(row.line, column, value, finding))

    def accepts(self, row: PersonRow | BrokenRow) -> bool:
        """Whether nothing speaks against ``row`` so far."""
        return row.line not in self._refused


@dataclass(slots=True)
class FileFamily:
    """The rows of one KK number in file order."""

    kk: str = field(repr=False)
    rows: list[PersonRow] = field(default_factory=list)
    broken: list[BrokenRow] = field(default_factory=list)

    @property
    def heads(self) -> list[PersonRow | BrokenRow]:
        """The rows of heads; exactly one in a valid family."""
        everyone: list[PersonRow | BrokenRow] = [*self.rows, *self.broken]
        return [row for row in everyone if row.is_head]

    @property
    def somebody_present(self) -> bool:
        """Whether a member lives here, or may: what a broken row says is not known."""
        return bool(self.broken) or any(row.presence is Presence.PRESENT for row in self.rows)


def families_of(parsed: ParsedFile) -> list[FileFamily]:
    """The families of a file, ordered by the first readable row of each."""
    families: dict[str, FileFamily] = {}
    for row in parsed.rows:
        families.setdefault(row.kk, FileFamily(row.kk)).rows.append(row)
    for broken_row in parsed.broken:
        if broken_row.kk in families:
            families[broken_row.kk].broken.append(broken_row)
    return list(families.values())


def judge_persons(
    judgement: Judgement,
    rows: Iterable[PersonRow],
    *,
    village: RegionPath,
    today: date,
    test_provinces: frozenset[str],
) -> None:
    """Hold each row against the rules of NIK and birth date, and against the rows before it."""
    niks: dict[str, int] = {}
    names: dict[tuple[str, str, date | None], int] = {}
    for row in rows:
        if row.birth_date is not None and row.birth_date > today:
            judgement.refuse(row, "tanggallahir", findings.BIRTH_DATE_IN_FUTURE, row.birth_date.isoformat())
        first_namesake = names.setdefault((row.kk, row.name.casefold(), row.birth_date), row.line)
        if row.nik is None:
            if first_namesake != row.line:
                judgement.refuse(row, "nama", report.person_repeated(first_namesake), row.name)
            continue
        verdict = check_nik(
            row.nik,
            sex=row.sex,
            birth_date=row.birth_date,
            village=village,
            today=today,
            test_provinces=test_provinces,
        )
        for finding in verdict.errors:
            judgement.refuse(row, "nik", finding, row.nik)
        for finding in verdict.warnings:
            judgement.warn(row, "nik", finding, row.nik)
        first_holder = niks.setdefault(row.nik, row.line)
        if first_holder != row.line:
            judgement.refuse(row, "nik", report.nik_repeated(first_holder), row.nik)


def judge_families(
    judgement: Judgement, families: Iterable[FileFamily], *, village: RegionPath, test_provinces: frozenset[str]
) -> None:
    """Hold each family against the rules of KK numbers and of heads."""
    for file_family in families:
        verdict = check_kk(file_family.kk, village=village, test_provinces=test_provinces)
        for finding in verdict.warnings:
            judgement.warn(file_family.rows[0], "no_kk", finding, file_family.kk)
        for row in file_family.rows:
            for finding in verdict.errors:
                judgement.refuse(row, "no_kk", finding, row.kk)
        if len(file_family.heads) != 1:
            finding = report.KK_HEAD_DUPLICATE if file_family.heads else report.KK_HEAD_MISSING
            judgement.refuse_rest(file_family.rows, "kk_level", finding)


def judge_heads_rejected(judgement: Judgement, families: Iterable[FileFamily]) -> None:
    """Reject what is left of a family whose head is rejected."""
    for file_family in families:
        for head in file_family.heads:
            if not judgement.accepts(head):
                judgement.refuse_rest(file_family.rows, "kk_level", report.head_rejected(head.line))
