"""What seeding refuses."""

from app.domain.base import DomainError


class RegistryNotEmpty(DomainError):
    """The regencies of the region already hold families: a seed never mixes with rows that are there."""

    code = "REGISTRY_NOT_EMPTY"

    def __init__(self, region_code: str) -> None:
        super().__init__(
            f"Wilayah {region_code} atau kabupaten/kotanya sudah berisi keluarga. Data sintetis hanya diisikan ke wilayah "
            "yang kosong: pilih wilayah lain atau folder data yang baru.",
            f"Region {region_code} or its regency already holds families. Synthetic data goes into an empty region only: "
            "choose another region or a new data folder.",
        )


class RegionHasNoVillages(DomainError):
    """The region is not in the tree of this database, or nothing lies below it."""

    code = "REGION_HAS_NO_VILLAGES"

    def __init__(self, region_code: str) -> None:
        super().__init__(
            f"Tidak ada desa atau kelurahan yang berlaku di wilayah {region_code}.",
            f"Region {region_code} has no village in force.",
        )


class EditionUnknown(DomainError):
    """An edition that the ranks should belong to is not in the catalogue."""

    code = "EDITION_UNKNOWN"

    def __init__(self, edition_id: int) -> None:
        super().__init__(
            f"Edisi registri {edition_id} tidak dikenal.", f"The registry edition {edition_id} is not known."
        )
