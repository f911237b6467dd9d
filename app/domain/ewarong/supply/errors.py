"""What the rules of supply refuse. ``fields`` are parameters of the services of ``app.domain.ewarong.supply``."""

from app.domain.base import Conflict, DomainError
from app.tenants.region_path import RegionPath


class SupplierInvalid(DomainError):
    """A supplier cannot be as it was given."""

    code = "EWARONG_SUPPLIER_INVALID"

    def __init__(self, field: str, indonesian: str, english: str) -> None:
        super().__init__(indonesian, english)
        self.fields = (field,)


class SupplierRegionUnknown(DomainError):
    """The region is no regency in which the caller works."""

    code = "REGION_UNKNOWN"
    fields = ("region",)

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"{region.code} bukan kabupaten/kota di wilayah kerja Anda.",
            f"{region.code} is no regency where you work.",
        )


class SupplierNumberTaken(Conflict):
    """The regency has a supplier of that number with another name."""

    code = "EWARONG_SUPPLIER_NUMBER_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"NIB ini sudah terdaftar di kabupaten/kota ini atas nama {name}.",
            f"This NIB is registered in this regency under the name {name}.",
        )


class SupplierUnknown(DomainError):
    """The regency of the outlet has no such supplier."""

    code = "EWARONG_SUPPLIER_NOT_FOUND"
    fields = ("supplier",)

    def __init__(self) -> None:
        super().__init__(
            "Pemasok ini tidak ditemukan; cari di `ewarongSuppliers`, atau minta dinas mendaftarkannya.",
            "There is no such supplier; look in `ewarongSuppliers`, or ask the office to register it.",
        )


class DeliveryInvalid(DomainError):
    """A delivery cannot be as it was given."""

    code = "EWARONG_DELIVERY_INVALID"

    def __init__(self, field: str, indonesian: str, english: str) -> None:
        super().__init__(indonesian, english)
        self.fields = (field,)


class DeliveryKeyUsed(Conflict):
    """The key belongs to another delivery."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "Kunci ini sudah dipakai untuk pengiriman yang lain; buat kunci baru.",
            "This key was used for another delivery; make a new one.",
        )


class OtherSalesInvalid(DomainError):
    """Other sales cannot be as they were given."""

    code = "EWARONG_OTHER_SALES_INVALID"

    def __init__(self, field: str, indonesian: str, english: str) -> None:
        super().__init__(indonesian, english)
        self.fields = (field,)
