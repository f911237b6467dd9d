"""What the rules of programmes refuse. ``fields`` are parameters of ``app.domain.bansos.programmes.service``."""

from datetime import date

from app.domain.base import Conflict, DomainError, NotFound
from app.tenants.region_path import RegionPath


class ProgrammeUnknown(NotFound):
    """There is no such programme, or none that the caller may change."""

    code = "PROGRAMME_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Program ini tidak ditemukan.", "There is no such programme.")


class TermsUnknown(NotFound):
    """The programme has no terms in force then, no such version, or none that the caller may decide about."""

    code = "PROGRAMME_TERMS_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__(
            "Ketentuan program untuk masa ini tidak ditemukan.", "There are no such terms of the programme."
        )


class PeriodWrong(DomainError):
    """No period of the programme begins on that day."""

    code = "PROGRAMME_PERIOD_WRONG"
    fields = ("period",)

    def __init__(self, day: date, months: int) -> None:
        super().__init__(
            f"Tidak ada masa penyaluran yang mulai {day}: masanya {months} bulan, dihitung dari 1 Januari.",
            f"No period begins on {day}: periods are of {months} month(s), counted from 1 January.",
        )


class TermsInvalid(DomainError):
    """Terms cannot be as they were given; ``fields`` name the place."""

    code = "PROGRAMME_TERMS_INVALID"

    def __init__(self, place: str, indonesian: str, english: str) -> None:
        super().__init__(f"{place}: {indonesian}", f"{place}: {english}")
        self.fields = (place,)


class TermsOverlap(DomainError):
    """The terms would count in periods for which others do already, or for which there is a cycle."""

    code = "PROGRAMME_TERMS_OVERLAP"
    fields = ("valid_from",)

    def __init__(self, taken: date) -> None:
        super().__init__(
            f"Ketentuan baru harus berlaku setelah {taken}: masa sampai tanggal itu sudah diatur atau sudah ada siklusnya.",
            f"New terms count from a day after {taken}: periods until then have terms or cycles already.",
        )


class TermsOutOfStep(DomainError):
    """Terms begin in the middle of a period of those before them."""

    code = "PROGRAMME_TERMS_OUT_OF_STEP"
    fields = ("valid_from",)

    def __init__(self, months: int) -> None:
        super().__init__(
            f"Ketentuan sebelumnya disalurkan per {months} bulan: yang baru mulai pada awal salah satu masanya.",
            f"The terms before have periods of {months} month(s): new ones begin with one of these.",
        )


class LegalBasisUnknown(DomainError):
    """No legal basis of that id, or none in force when the terms begin."""

    code = "LEGAL_BASIS_UNKNOWN"
    fields = ("legal_basis",)

    def __init__(self) -> None:
        super().__init__(
            "Tidak ada dasar hukum dengan kode ini yang berlaku saat ketentuan mulai.",
            "There is no legal basis of this id that is in force when the terms begin.",
        )


class ProposalPending(Conflict):
    """Terms of this programme are proposed and not decided on."""

    code = "PROGRAMME_TERMS_PENDING"

    def __init__(self) -> None:
        super().__init__(
            "Masih ada usulan ketentuan program ini yang belum diputuskan.",
            "Terms of this programme are proposed already and wait for a decision.",
        )


class TermsDecided(Conflict):
    """Somebody has confirmed or rejected the terms."""

    code = "PROGRAMME_TERMS_DECIDED"

    def __init__(self) -> None:
        super().__init__(
            "Usulan ini sudah disahkan atau ditolak.", "This proposal has been confirmed or rejected already."
        )


class OwnProposal(DomainError):
    """Who proposes does not decide."""

    code = "PROGRAMME_TERMS_OWN_PROPOSAL"

    def __init__(self) -> None:
        super().__init__(
            "Pengusul tidak memutuskan usulannya sendiri: mintalah orang lain.",
            "Who proposes terms does not decide on them: ask somebody else.",
        )


class ReasonInvalid(DomainError):
    """Turning terms down needs a reason."""

    code = "REASON_INVALID"
    fields = ("reason",)

    def __init__(self, longest: int) -> None:
        super().__init__(
            f"Alasan harus berisi 1 sampai {longest} huruf.", f"The reason must have 1 to {longest} characters."
        )


class QuotaInvalid(DomainError):
    """An input of a quota lies beyond its bounds."""

    code = "QUOTA_INVALID"

    def __init__(self, field: str, bounds: str) -> None:
        super().__init__(f"{field} harus dalam batas {bounds}.", f"{field} must be within {bounds}.")
        self.fields = (field,)


class QuotaRegionUnknown(DomainError):
    """Quotas are of regencies and cities in which the programme runs."""

    code = "REGION_UNKNOWN"
    fields = ("region",)

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"Program ini tidak berjalan di kabupaten/kota {region.code}.",
            f"The programme runs in no regency or city {region.code}.",
        )
