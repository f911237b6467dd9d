"""What signals refuse."""

from app.domain.base import Conflict, DomainError, NotFound
from app.tenants.region_path import RegionPath


class ScreeningRegionUnknown(NotFound):
    """There is no such region, or it is not the caller's."""

    code = "SCREENING_REGION_NOT_FOUND"

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"Wilayah {region.code or 'Indonesia'} tidak dapat Anda saring: pilih provinsi, kabupaten/kota, atau bagiannya yang menjadi "
            "wilayah Anda.",
            f"You cannot screen region {region.code or 'Indonesia'}: choose a province, a regency or a part of one that is yours.",
        )


class ScreeningDaysWrong(DomainError):
    """The days cannot be screened."""

    code = "SCREENING_DAYS_INVALID"
    fields = ("first_day", "last_day")

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Hari pertama tidak boleh sesudah hari terakhir, paling banyak {most} hari sekaligus, sejak 2018 dan tidak melewati hari ini.",
            f"The first day may not come after the last; at most {most} days at once, from 2018 on and not beyond today.",
        )


class ScreeningKeyUsed(Conflict):
    """The key belongs to another screening of the caller."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "Kunci ini sudah dipakai untuk penyaringan yang lain.",
            "This key was used for another screening.",
        )


class ScreeningUnknown(NotFound):
    """There is no such screening, or it lies beyond the scope."""

    code = "SCREENING_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Penyaringan ini tidak ada di wilayah Anda.", "There is no such screening in your region.")


class SignalNotFound(NotFound):
    """There is no such signal, or it is not the caller's."""

    code = "EWARONG_SIGNAL_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Sinyal ini tidak ada di wilayah Anda.", "There is no such signal in your region.")


class SignalChanged(Conflict):
    """Somebody triaged the signal, or a screening saw more of it, after the caller has read it."""

    code = "EWARONG_SIGNAL_CHANGED"

    def __init__(self) -> None:
        super().__init__(
            "Sinyal ini sudah berubah sejak Anda membacanya; baca kembali lalu putuskan.",
            "This signal has changed since you have read it; read it again and then decide.",
        )
