"""What an import tells the person who sent the file: each row refused or doubtful, and what was done."""

from dataclasses import dataclass
from typing import Final

from app.domain.registry.imports.reading_findings import masked
from app.domain.registry.nik import Finding


@dataclass(frozen=True, slots=True, order=True)
class RowIssue:
    """One thing about one cell: where it stands, its value masked, a stable code and the texts for people."""

    line: int
    """Line of the csv file or row of the sheet, counted from 1, the header included."""
    column: str
    """Header of the column in lower case; empty where the whole row is meant."""
    value: str
    code: str
    indonesian: str
    english: str

    @classmethod
    def of(cls, line: int, column: str, value: str, finding: Finding) -> "RowIssue":
        """The issue of ``finding`` at a cell whose plain value is ``value``."""
        return cls(line, column, masked(value), *finding)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. ``unchanged`` counts what the registry held already and was left as it is."""

    families_created: int
    persons_created: int
    families_unchanged: int
    persons_unchanged: int
    rejected: tuple[RowIssue, ...]
    """Ordered by line; a row may have several."""
    warnings: tuple[RowIssue, ...]

    @property
    def rows_rejected(self) -> int:
        """The number of rows with at least one reason to reject them."""
        return len({issue.line for issue in self.rejected})


KK_HEAD_MISSING: Final = Finding(
    "KK_HEAD_MISSING", "Tidak ada kepala keluarga dalam KK ini.", "This KK has no head of family."
)
KK_HEAD_DUPLICATE: Final = Finding(
    "KK_HEAD_DUPLICATE",
    "Ada lebih dari satu kepala keluarga dalam KK ini.",
    "This KK has more than one head of family.",
)
KK_NOBODY_PRESENT: Final = Finding(
    "KK_NOBODY_PRESENT",
    "Semua anggota KK ini meninggal, pindah, atau tidak ditemukan.",
    "All members of this KK are dead, gone or not found.",
)
KK_REGISTERED_ELSEWHERE: Final = Finding(
    "KK_REGISTERED_ELSEWHERE",
    "KK ini sudah terdaftar di desa/kelurahan lain; ajukan perpindahan.",
    "This KK is registered in another village; propose a move.",
)
KK_HEAD_DIFFERS: Final = Finding(
    "KK_HEAD_DIFFERS",
    "Keluarga ini terdaftar dengan kepala keluarga lain; ajukan perbaikan data.",
    "This family is registered with another head; propose a correction.",
)
NIK_REGISTERED: Final = Finding(
    "DUPLICATE",
    "NIK ini sudah terdaftar pada orang yang masih hidup di keluarga lain.",
    "This NIK is registered with a living person in another family.",
)
CHANGED: Final = Finding(
    "CHANGED",
    "Nilai berbeda dengan yang tersimpan; data yang tersimpan tidak diubah.",
    "The value differs from the registered one, which is left as it is.",
)


def nik_repeated(first_line: int) -> Finding:
    """The NIK stands on an earlier line as well."""
    return Finding(
        "NIK_REPEATED",
        f"NIK ini sudah ada pada baris {first_line}.",
        f"This NIK is on line {first_line} already.",
    )


def person_repeated(first_line: int) -> Finding:
    """A person without NIK has the name and birth date of somebody earlier in the same family."""
    return Finding(
        "PERSON_REPEATED",
        f"Orang tanpa NIK ini sama nama dan tanggal lahirnya dengan baris {first_line} dalam KK yang sama.",
        f"This person without NIK has the name and birth date of line {first_line} in the same KK.",
    )


def head_rejected(line: int) -> Finding:
    """The row of the head of this family is refused, and the family with it."""
    return Finding(
        "KK_HEAD_REJECTED",
        f"Kepala keluarga pada baris {line} ditolak.",
        f"The head of this family, on line {line}, is rejected.",
    )
