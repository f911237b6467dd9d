"""What the rules of imports refuse. ``fields`` are parameters of ``app.domain.registry.imports.service``."""

from collections.abc import Iterable

from app.domain.base import Conflict, DomainError, NotFound
from app.domain.registry.imports.models import ImportFormat, ImportStage
from app.tenants.region_path import RegionPath

_STAGES = {
    ImportStage.UPLOADED: "has not been read yet",
    ImportStage.PARSED: "is being checked",
    ImportStage.VALIDATED: "is checked and waits for a decision",
    ImportStage.APPLYING: "is being applied",
    ImportStage.APPLIED: "has been applied",
    ImportStage.DISCARDED: "was discarded",
}


class ImportUnknown(NotFound):
    """There is no such import, or none that the caller may change."""

    code = "IMPORT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Impor ini tidak ditemukan.", "There is no such import.")


class ImportFileUnseen(NotFound):
    """The file of the import was uploaded for a region beyond the caller's, as that of a province for its regencies."""

    code = "IMPORT_FILE_UNSEEN"

    def __init__(self) -> None:
        super().__init__(
            "Berkas impor ini tidak tersedia bagi Anda, biasanya karena diunggah untuk wilayah yang lebih luas. "
            "Yang dapat memeriksanya lagi: siapa yang berwenang mengimpor untuk seluruh wilayah unggahan itu.",
            "The file of this import is not there for you, usually since it was uploaded for a larger region. "
            "Whoever may run imports for all of that region can check it again.",
        )


class DuplicateUnknown(NotFound):
    """There is no such probable duplicate, or none that the caller may decide about."""

    code = "IMPORT_DUPLICATE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Dugaan duplikat ini tidak ditemukan.", "There is no such probable duplicate.")


class ImportRegionUnknown(DomainError):
    """There is no such region, or it is beyond the caller's own."""

    code = "REGION_UNKNOWN"
    fields = ("region",)

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"Tidak ada wilayah dengan kode {region.code} di wilayah kerja Anda.",
            f"There is no region with the code {region.code} where you work.",
        )


class RegionBeyondUpload(DomainError):
    """The file was uploaded for another region."""

    code = "IMPORT_REGION_BEYOND_UPLOAD"
    fields = ("region",)

    def __init__(self) -> None:
        super().__init__(
            "Wilayah impor harus sama dengan wilayah unggahan, atau terletak di dalamnya.",
            "The region of an import is that of its upload, or lies within it.",
        )


class FormatUnfit(DomainError):
    """A file of this kind is never of that format."""

    code = "IMPORT_FORMAT_UNFIT"
    fields = ("format",)

    def __init__(self, file_format: ImportFormat, kind: str, kinds: Iterable[str]) -> None:
        fitting = ", ".join(sorted(kinds))
        super().__init__(
            f"Berkas ini {kind}; format {file_format.value} dibaca dari {fitting}.",
            f"This file is a {kind}; the format {file_format.value} is read from {fitting}.",
        )


class EditionRegionWrong(DomainError):
    """A full edition is that of a regency or of a province."""

    code = "IMPORT_EDITION_REGION_WRONG"
    fields = ("mode", "region")

    def __init__(self) -> None:
        super().__init__(
            "Edisi lengkap adalah milik satu kabupaten/kota atau satu provinsi; untuk wilayah lain pakai mode ADDITION.",
            "A full edition is that of a regency or of a province; use the mode ADDITION for other regions.",
        )


class ImportEditionUnknown(DomainError):
    """There is no edition of that name."""

    code = "EDITION_UNKNOWN"
    fields = ("edition",)

    def __init__(self, known: Iterable[str]) -> None:
        names = ", ".join(known)
        super().__init__(
            f"Edisi ini tidak dikenal. Yang ada: {names}.", f"There is no such edition. There are: {names}."
        )


class ProfileWrong(DomainError):
    """The format needs a mapping profile and none of that name is there, or it takes none."""

    code = "IMPORT_PROFILE_WRONG"
    fields = ("profile",)

    def __init__(self, known: Iterable[str]) -> None:
        names = ", ".join(sorted(known)) or "-"
        super().__init__(
            f"Format PROFILE memerlukan nama profil pemetaan yang ada ({names}); format lain tanpa profil.",
            f"The format PROFILE needs the name of a mapping profile that is there ({names}); other formats take none.",
        )


class EncodingUnknown(DomainError):
    """Python reads no text of that encoding."""

    code = "IMPORT_ENCODING_UNKNOWN"
    fields = ("encoding",)

    def __init__(self) -> None:
        super().__init__(
            "Enkode ini tidak dikenal; contohnya utf-8-sig atau cp1252.",
            "This encoding is not known; utf-8-sig and cp1252 are.",
        )


class KeyReused(Conflict):
    """The idempotency key belongs to an import of something else."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "Kunci idempotensi ini sudah dipakai untuk permintaan lain; pakai UUID baru.",
            "This idempotency key was used for another request; use a new UUID.",
        )


class EditionInProgress(Conflict):
    """A full edition of that region waits or is being applied already."""

    code = "IMPORT_EDITION_IN_PROGRESS"

    def __init__(self) -> None:
        super().__init__(
            "Impor edisi lengkap untuk wilayah ini belum selesai; terapkan atau batalkan dahulu.",
            "An import of a full edition of this region is not over; apply or discard it first.",
        )


class OtherApplying(Conflict):
    """Another import is being applied to some of the same villages."""

    code = "IMPORT_OTHER_APPLYING"

    def __init__(self) -> None:
        super().__init__(
            "Impor lain sedang diterapkan di wilayah yang sama; tunggu sampai selesai. "
            "Jika impor itu terhenti, yang memulainya harus menerapkan atau memeriksanya lagi.",
            "Another import is being applied in the same region; wait until it is over. "
            "If it has stopped, whoever started it has to apply it or check it again.",
        )


class ImportBusy(Conflict):
    """A job works on the import."""

    code = "IMPORT_BUSY"

    def __init__(self) -> None:
        super().__init__(
            "Impor ini sedang dikerjakan; tunggu sampai selesai, atau batalkan pekerjaannya dengan jobCancel.",
            "The import is being worked on; wait until that is over, or cancel it with jobCancel.",
        )


class ImportStageWrong(Conflict):
    """The import has not come so far, or is over."""

    code = "IMPORT_STAGE_WRONG"

    def __init__(self, stage: ImportStage) -> None:
        super().__init__(
            f"Keadaan impor ini: {stage.indonesian}; itu tidak dapat dilakukan sekarang.",
            f"The import {_STAGES[stage]}; that cannot be done now.",
        )


class ImportChanged(Conflict):
    """The preview that was decided upon is not the present one."""

    code = "IMPORT_CHANGED"

    def __init__(self) -> None:
        super().__init__(
            "Impor ini berubah sejak Anda melihatnya; lihat lagi hasilnya, lalu putuskan.",
            "The import has changed since you saw it; look at it again, then decide.",
        )


class ImportHasErrors(DomainError):
    """Rows are rejected, and nobody has said that the others are to be applied without them."""

    code = "IMPORT_HAS_ERRORS"

    def __init__(self, rejected: int) -> None:
        super().__init__(
            f"{rejected} baris ditolak. Perbaiki berkasnya, atau terapkan yang sah saja dengan acceptValid.",
            f"{rejected} rows are rejected. Correct the file, or apply the valid ones alone with acceptValid.",
        )
        self.rejected = rejected


class ImportEmpty(DomainError):
    """No row of the file can be applied."""

    code = "IMPORT_EMPTY"

    def __init__(self) -> None:
        super().__init__(
            "Tidak ada baris yang dapat diterapkan: semuanya ditolak.", "No row can be applied: all are rejected."
        )
