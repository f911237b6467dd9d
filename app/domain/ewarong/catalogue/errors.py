"""What the catalogue refuses."""

from app.domain.base import DomainError


class CommodityUnknown(DomainError):
    """A commodity is not in the catalogue."""

    code = "COMMODITY_UNKNOWN"

    def __init__(self, field: str, commodity: str) -> None:
        # Escaped and cut short: no answer can carry all that a caller may send.
        shown = ascii(commodity[:40])
        super().__init__(
            f"Katalog tidak memuat komoditas {shown}; lihat `commodities`.",
            f"The catalogue has no commodity {shown}; see `commodities`.",
        )
        self.fields = (field,)


class CatalogueFileInvalid(DomainError):
    """A file says nothing that the catalogue could hold."""

    code = "CATALOGUE_FILE_INVALID"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"Berkas katalog {name} tidak dapat dipakai: {why}.", f"The catalogue file {name} cannot be used: {why}."
        )


class CatalogueProgrammeUnknown(DomainError):
    """A rule is of a programme that is not there."""

    code = "PROGRAMME_NOT_FOUND"

    def __init__(self, programme: str) -> None:
        super().__init__(
            f"Tidak ada program {programme}; muat berkas programnya lebih dulu.",
            f"There is no programme {programme}; load its file first.",
        )


class CatalogueDataDiffers(DomainError):
    """A file says otherwise what is in the database and must stay as it is."""

    code = "CATALOGUE_DATA_DIFFERS"

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(
            f"{what} sudah ada di basis data dengan isi lain: {advice}.",
            f"{what} is in the database with other content: {advice}.",
        )
