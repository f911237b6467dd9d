"""What the registry refuses."""

from collections.abc import Sequence

from app.domain.base import DomainError
from app.domain.registry.opensid.report import ImportReport


class FileUnreadable(DomainError):
    """The bytes are no file of the kind expected."""

    code = "IMPORT_FILE_UNREADABLE"


class HeaderMissing(DomainError):
    """The file lacks columns without which nothing can be read."""

    code = "IMPORT_HEADER_MISSING"

    def __init__(self, columns: Sequence[str], file: str = "") -> None:
        """``file`` is the one of several, or the sheet, that lacks them; OpenSID's file where none is named."""
        names = ", ".join(columns)
        if file:
            super().__init__(
                f"{file} tidak memiliki kolom: {names}. Baris pertama harus berisi judul kolom.",
                f"{file} lacks these columns: {names}. Its first row must hold the column headers.",
            )
        else:
            super().__init__(
                f"Berkas tidak memiliki kolom: {names}. Baris pertama harus berisi judul kolom OpenSID.",
                f"The file lacks these columns: {names}. Its first row must hold OpenSID's column headers.",
            )
        self.columns = tuple(columns)


class HeaderRepeated(DomainError):
    """A column stands twice, so it is not known which of the two counts."""

    code = "IMPORT_HEADER_REPEATED"

    def __init__(self, columns: Sequence[str]) -> None:
        names = ", ".join(columns)
        super().__init__(f"Kolom ini ada lebih dari sekali: {names}.", f"These columns stand more than once: {names}.")
        self.columns = tuple(columns)


class FileWithoutRows(DomainError):
    """The file has headers and nobody under them."""

    code = "IMPORT_NO_ROWS"

    def __init__(self) -> None:
        super().__init__(
            "Berkas tidak berisi baris data: yang ada hanya judul kolom dan contoh isian formulir.",
            "The file holds no rows: only the headers and the example of the form.",
        )


class ImportRejected(DomainError):
    """Rows were refused and the sender did not ask to accept the others, so nothing was written."""

    code = "IMPORT_REJECTED"

    def __init__(self, report: ImportReport) -> None:
        super().__init__(
            f"{report.rows_rejected} baris ditolak; tidak ada yang disimpan.",
            f"{report.rows_rejected} rows are rejected; nothing was stored.",
        )
        self.report = report


class ImportConflict(DomainError):
    """A number in the file is registered where the sender may not look, or was registered a moment ago."""

    code = "IMPORT_CONFLICT"

    def __init__(self) -> None:
        super().__init__(
            "NIK atau KK dalam berkas ini sudah terdaftar di luar wilayah Anda, atau baru saja didaftarkan; "
            "tidak ada yang disimpan. Minta kabupaten/kota mengimpornya agar barisnya disebutkan.",
            "A NIK or KK of this file is registered outside your region, or has just been registered; nothing was "
            "stored. Let the regency import it to have the row named.",
        )


class ImportTargetUnknown(DomainError):
    """There is no such village to import into, or no such edition."""

    code = "IMPORT_TARGET_UNKNOWN"

    def __init__(self) -> None:
        super().__init__(
            "Desa/kelurahan atau edisi data tujuan tidak ditemukan.", "The village or the edition is not known."
        )


class EditionUnknown(DomainError):
    """No edition of the scheme has been published yet."""

    code = "EDITION_UNKNOWN"

    def __init__(self, scheme: str) -> None:
        super().__init__(f"Belum ada edisi {scheme} yang terbit.", f"No edition of {scheme} has been published yet.")
