"""What is refused about files that are sent in."""

from typing import Final

from app.domain.base import Conflict, DomainError, NotFound

_ACCEPTED: Final = (
    "Kirim CSV, buku kerja .xlsx atau .xlsm, atau zip berisi CSV.",
    "Send CSV, a workbook (.xlsx or .xlsm), or a zip of CSV files.",
)


class UploadUnknown(NotFound):
    """There is no such upload, it is somebody else's, or its time is over: nobody is told which."""

    code = "UPLOAD_UNKNOWN"

    def __init__(self) -> None:
        super().__init__(
            "Tidak ada unggahan dengan ID ini. Unggah berkasnya lagi.",
            "There is no upload with this id. Upload the file again.",
        )


class UploadRegionUnknown(DomainError):
    """There is no such region, or none that the caller may import into: nobody is told which."""

    code = "REGION_UNKNOWN"
    fields = ("region",)

    def __init__(self, code: str) -> None:
        super().__init__(
            f"Tidak ada wilayah {code} yang boleh Anda isi dengan impor.",
            f"There is no region {code} that you may import into.",
        )


class UploadQuotaExceeded(Conflict):
    """What the caller has uploaded and not imported yet leaves no room."""

    code = "UPLOAD_QUOTA_EXCEEDED"

    def __init__(self, most: int) -> None:
        """``most`` bytes may wait to be imported."""
        super().__init__(
            f"Unggahan Anda yang belum diimpor akan melebihi {most} byte. "
            "Terapkan impornya, atau batalkan impornya dan tunggu sampai berkasnya dihapus.",
            f"What you have uploaded and not imported would exceed {most} bytes. "
            "Apply its imports, or discard them and wait until it lapses.",
        )


class UploadTooLarge(DomainError):
    """The file is larger than a file may be."""

    code = "UPLOAD_TOO_LARGE"

    def __init__(self, most: int) -> None:
        """``most`` bytes a file may have."""
        super().__init__(
            f"Berkas lebih dari {most} byte. Kirim sebagai zip, atau bagi per wilayah.",
            f"The file is larger than {most} bytes. Send it as a zip, or split it by region.",
        )


class UploadEmpty(DomainError):
    """There is nothing in the file."""

    code = "UPLOAD_EMPTY"

    def __init__(self) -> None:
        super().__init__("Berkas kosong.", "The file is empty.")


class UploadTypeUnsupported(DomainError):
    """The content is of a kind that is not read."""

    code = "UPLOAD_TYPE_UNSUPPORTED"

    def __init__(self, indonesian: str, english: str) -> None:
        """What the file is and what to do, as a sentence in both languages; what is accepted is said after it."""
        super().__init__(f"{indonesian} {_ACCEPTED[0]}", f"{english} {_ACCEPTED[1]}")


class UploadUnsafe(DomainError):
    """An archive would unpack to more than is reasonable, or holds names or parts that no honest program writes."""

    code = "UPLOAD_UNSAFE"

    def __init__(self, indonesian: str, english: str) -> None:
        """What is wrong with it, as a sentence in both languages."""
        super().__init__(
            f"{indonesian} Simpan ulang berkas dengan aplikasi lembar kerja, atau bagi menjadi lebih kecil.",
            f"{english} Save the file anew with a spreadsheet program, or split it.",
        )


class UploadDamaged(DomainError):
    """The archive cannot be read to its end."""

    code = "UPLOAD_DAMAGED"

    def __init__(self) -> None:
        super().__init__(
            "Zip atau buku kerja ini rusak atau tidak lengkap. Unggah lagi dari berkas aslinya.",
            "This zip or workbook is damaged or incomplete. Upload it again from the original.",
        )


class UploadDigestDiffers(DomainError):
    """What came is not what the sender has announced."""

    code = "UPLOAD_DIGEST_DIFFERS"

    def __init__(self) -> None:
        super().__init__(
            "SHA-256 berkas yang diterima berbeda dari yang Anda sebutkan; tidak ada yang disimpan. Unggah lagi.",
            "The SHA-256 of what was received differs from the one you gave; nothing was kept. Upload it again.",
        )
