"""What seeding refuses."""

from app.domain.base import DomainError


class RegistryNotEmpty(DomainError):
    """The regencies of the region already hold families: a seed never mixes with rows that are there."""

    code = "REGISTRY_NOT_EMPTY"

    def __init__(self, region_code: str) -> None:
        super().__init__(
            f"Wilayah {region_code} atau kabupaten/kotanya sudah berisi keluarga. Data sintetis hanya diisikan ke "
            "wilayah yang kosong: pilih wilayah lain atau folder data yang baru.",
            f"Region {region_code} or its regency already holds families. Synthetic data goes into an empty region "
            "only: choose another region or a new data folder.",
        )
