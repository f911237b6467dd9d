"""What the rules of prices refuse. ``fields`` are parameters of the services of ``app.domain.ewarong.prices``."""

from datetime import date

from app.domain.base import Conflict, DomainError
from app.tenants.region_path import RegionPath


class ObservationsInvalid(DomainError):
    """What was seen cannot be as it was given."""

    code = "PRICE_OBSERVATION_INVALID"

    def __init__(self, field: str, indonesian: str, english: str) -> None:
        super().__init__(indonesian, english)
        self.fields = (field,)


class PlaceUnknown(DomainError):
    """There is no such village, or it is beyond the caller's region."""

    code = "REGION_UNKNOWN"
    fields = ("village",)

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"Tidak ada desa/kelurahan dengan kode {region.code} di wilayah kerja Anda.",
            f"There is no village with the code {region.code} where you work.",
        )


class ObservationKeyUsed(Conflict):
    """The key belongs to another visit."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "Kunci ini sudah dipakai untuk pengamatan yang lain; buat kunci baru.",
            "This key was used for another visit; make a new one.",
        )


class PriceRegionUnknown(DomainError):
    """The region is no regency all of which is the caller's."""

    code = "REGION_UNKNOWN"
    fields = ("region",)

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"{region.code} bukan kabupaten/kota yang seluruhnya di wilayah kerja Anda.",
            f"{region.code} is no regency all of which is where you work.",
        )


class PriceInvalid(DomainError):
    """A reference price cannot be as it was given."""

    code = "REFERENCE_PRICE_INVALID"

    def __init__(self, field: str, indonesian: str, english: str) -> None:
        super().__init__(indonesian, english)
        self.fields = (field,)


class NothingObserved(DomainError):
    """Nobody has seen a price of the commodity in a market of the regency in that week."""

    code = "PRICE_NOT_OBSERVED"
    fields = ("price", "source")

    def __init__(self, week: date) -> None:
        super().__init__(
            f"Tidak ada pengamatan harga pasar pada minggu {week}; laporkan pengamatan, atau isi harga beserta sumbernya.",
            f"No price was observed in a market in the week of {week}; report some, or give a price and its source.",
        )


class PriceChanged(Conflict):
    """It was published, and perhaps published again, since the caller read it."""

    code = "REFERENCE_PRICE_CHANGED"

    def __init__(self, version: int | None) -> None:
        now = "belum diterbitkan" if version is None else f"kini versi {version}"
        now_english = "is not published yet" if version is None else f"is at version {version} now"
        super().__init__(
            f"Harga acuan minggu ini {now}; baca lagi, lalu ulangi.",
            f"The reference price of this week {now_english}; read it again, then try again.",
        )
        self.version = version
