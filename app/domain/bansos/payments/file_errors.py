"""What is wrong with a file of a bank. Such a file is refused whole: no line of it is applied."""

from app.domain.bansos.models.payments import FileKind
from app.domain.base import DomainError


class BankFileMalformed(DomainError):
    """A line is not what docs/bank-files.md says."""

    code = "BANK_FILE_MALFORMED"

    def __init__(self, line: int) -> None:
        super().__init__(
            f"Baris {line} berkas ini tidak menurut format berkas bank; tidak ada baris yang diterapkan.",
            f"Line {line} of the file is not as the format of bank files has it; no line was applied.",
        )
        self.line = line


class BankFileOfAnotherOrder(DomainError):
    """The header names another order."""

    code = "BANK_FILE_OF_ANOTHER_ORDER"

    def __init__(self) -> None:
        super().__init__(
            "Kepala berkas menyebut perintah bayar atau bank lain; tidak ada baris yang diterapkan.",
            "The header of the file names another order of payment, or another bank; no line was applied.",
        )


class BankFileKindWrong(DomainError):
    """The file is no answer of a bank."""

    code = "BANK_FILE_KIND_WRONG"

    def __init__(self, kind: FileKind) -> None:
        super().__init__(
            f"Berkas ini {kind.value} ({kind.indonesian}), bukan hasil dari bank; tidak ada baris yang diterapkan.",
            f"This file is {kind.value} and no answer of a bank; no line was applied.",
        )


class BankFileTotalsWrong(DomainError):
    """The trailer counts other lines, or other rupiah."""

    code = "BANK_FILE_TOTALS_WRONG"

    def __init__(self, *, lines: int, amount: int, lines_told: int, amount_told: int) -> None:
        super().__init__(
            f"Berkas memuat {lines} baris dan {amount} rupiah, tetapi penutupnya menyebut {lines_told} baris dan {amount_told} rupiah; "
            "tidak ada baris yang diterapkan.",
            f"The file holds {lines} lines and {amount} rupiah, and its trailer says {lines_told} lines and {amount_told} rupiah; no line "
            "was applied.",
        )


class BankFileChecksumWrong(DomainError):
    """The lines are not those that the trailer was made for."""

    code = "BANK_FILE_CHECKSUM_WRONG"

    def __init__(self) -> None:
        super().__init__(
            "Checksum pada penutup berkas tidak sama dengan isi barisnya; tidak ada baris yang diterapkan.",
            "The checksum in the trailer is not that of the lines; no line was applied.",
        )
