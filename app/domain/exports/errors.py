"""What is refused about exports."""

from app.domain.base import Conflict, DomainError, NotFound


class ExportUnknown(NotFound):
    """No export of the caller's has this id."""

    code = "EXPORT_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("Ekspor ini tidak ditemukan di antara ekspor Anda.", "There is no such export among yours.")


class ExportRemoved(Conflict):
    """The export was deleted, or its time is over."""

    code = "EXPORT_REMOVED"

    def __init__(self) -> None:
        super().__init__(
            "Ekspor ini sudah dihapus atau lewat masanya. Mulai ekspor baru.",
            "This export was deleted or its time is over. Start a new one.",
        )


class ExportKeyReused(Conflict):
    """The idempotency key belongs to another export."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "`idempotencyKey` ini sudah dipakai untuk ekspor lain. Buat kunci baru.",
            "This `idempotencyKey` belongs to another export. Make a new one.",
        )


class TooManyExports(Conflict):
    """The caller has as many unfinished exports as one may have."""

    code = "EXPORTS_TOO_MANY"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Paling banyak {most} ekspor sekaligus. Tunggu sampai selesai atau hapus salah satunya.",
            f"At most {most} exports at a time. Wait until one is done, or delete one.",
        )


class ExportNotPermitted(DomainError):
    """When the job ran, whoever started it might not read what it asks for, or not any more."""

    code = "EXPORT_NOT_PERMITTED"

    def __init__(self, permission: str) -> None:
        super().__init__(
            f"Saat ekspor berjalan, izin {permission} sudah tidak Anda miliki.",
            f"When the export ran, you no longer held the permission {permission}.",
        )


class PurposeMissing(DomainError):
    """Numbers are asked for in full, and the input does not say what for, or says something else."""

    code = "EXPORT_PURPOSE_MISSING"
    fields = ("purpose",)

    def __init__(self) -> None:
        super().__init__(
            "Nomor utuh hanya diekspor bila `purpose` diisi dan sama dengan tujuan pada setiap field yang membukanya.",
            "Whole numbers are exported only with a `purpose` that equals the one of every field that reveals them.",
        )


class CellTooLong(DomainError):
    """A value does not fit into a cell of a workbook."""

    code = "EXPORT_CELL_TOO_LONG"

    def __init__(self, column: str, most: int) -> None:
        super().__init__(
            f"Kolom `{column}` berisi teks lebih dari {most} karakter, tidak muat di sel Excel. Pakai CSV atau NDJSON.",
            f"The column `{column}` holds a text of more than {most} characters, which no cell of Excel takes. Use CSV or NDJSON.",
        )
