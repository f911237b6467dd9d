"""What the region tree refuses."""

from app.domain.base import DomainError


class RegionCodeMalformed(DomainError):
    """The text has not the form of a region code."""

    code = "REGION_CODE_MALFORMED"


class RegionUnknown(DomainError):
    """The code is well formed and denotes no region."""

    code = "REGION_UNKNOWN"

    def __init__(self, region_code: str) -> None:
        super().__init__(
            f"Tidak ada wilayah dengan kode {region_code}.", f"There is no region with the code {region_code}."
        )


class RegionChangeRefused(DomainError):
    """The change does not fit the tree as it stands."""

    code = "REGION_CHANGE_REFUSED"


class BridgeRefused(DomainError):
    """A line of a file of aliases cannot be taken, so none is; ``line`` counts from 1, the header included."""

    code = "REGION_BRIDGE_REFUSED"

    def __init__(self, line: int, indonesian: str, english: str) -> None:
        super().__init__(f"Baris {line}: {indonesian}", f"Line {line}: {english}")
        self.line = line
