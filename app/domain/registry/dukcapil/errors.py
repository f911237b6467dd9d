"""Why a matching cannot begin or go on. No text ever holds anything of a person."""

from app.domain.base import Conflict, DomainError, NotFound
from app.tenants.region_path import RegionPath

_KEPT_INDONESIAN = "Hasil yang sudah diterima tersimpan; pemadanan baru melanjutkan yang belum."
_KEPT_ENGLISH = "What was answered before is kept; a new matching goes on with the others."


class DukcapilUnconfigured(DomainError):
    """Nobody has said where the civil registry is."""

    code = "DUKCAPIL_UNCONFIGURED"

    def __init__(self) -> None:
        super().__init__(
            "Sambungan ke Dukcapil belum diatur. Minta operator mengisi KESOS_DUKCAPIL_URL.",
            "The connection to the civil registry is not set up. Ask the operator to set KESOS_DUKCAPIL_URL.",
        )


class DukcapilUrlInsecure(DomainError):
    """The address is one on whose way others could read along."""

    code = "DUKCAPIL_URL_INSECURE"

    def __init__(self) -> None:
        super().__init__(
            "KESOS_DUKCAPIL_URL harus berawalan https://; http:// hanya boleh untuk komputer ini sendiri.",
            "KESOS_DUKCAPIL_URL must begin with https://; http:// is for this machine alone.",
        )


class DukcapilUnavailable(DomainError):
    """It gave no answer for as long as we were ready to wait."""

    code = "DUKCAPIL_UNAVAILABLE"

    def __init__(self, fault: str) -> None:
        super().__init__(
            f"Layanan Dukcapil tidak menjawab setelah dicoba berulang kali ({fault}). {_KEPT_INDONESIAN}",
            f"The civil registry has not answered, though asked again and again ({fault}). {_KEPT_ENGLISH}",
        )


class DukcapilDenied(DomainError):
    """It does not accept our token."""

    code = "DUKCAPIL_DENIED"

    def __init__(self, status: int) -> None:
        super().__init__(
            f"Layanan Dukcapil menolak token kita (status {status}). Minta operator memeriksa KESOS_DUKCAPIL_TOKEN. "
            f"{_KEPT_INDONESIAN}",
            f"The civil registry refuses our token (status {status}). Ask the operator to check KESOS_DUKCAPIL_TOKEN. "
            f"{_KEPT_ENGLISH}",
        )


class DukcapilRejected(DomainError):
    """It does not take the batch as a whole."""

    code = "DUKCAPIL_REJECTED"

    def __init__(self, status: int) -> None:
        super().__init__(
            f"Layanan Dukcapil tidak menerima permintaan kita (status {status}). Laporkan kepada operator. {_KEPT_INDONESIAN}",
            f"The civil registry does not take what we ask (status {status}). Report it to the operator. {_KEPT_ENGLISH}",
        )


class DukcapilAnswerInvalid(DomainError):
    """What it answered is not what the contract says, so none of it counts."""

    code = "DUKCAPIL_ANSWER_INVALID"

    def __init__(self, indonesian: str, english: str) -> None:
        super().__init__(
            f"Jawaban layanan Dukcapil tidak dapat dipakai: {indonesian}. Tidak ada hasil dari jawaban itu yang disimpan. "
            f"{_KEPT_INDONESIAN}",
            f"The answer of the civil registry cannot be used: {english}. Nothing of that answer was stored. {_KEPT_ENGLISH}",
        )


class NikUnopened(DomainError):
    """A NIK was sealed with a key that is not here, or was changed."""

    code = "NIK_UNOPENED"

    def __init__(self) -> None:
        super().__init__(
            "Ada NIK yang tidak dapat dibuka dengan kunci yang ada. Minta operator memeriksa KESOS_SEALING_KEYS.",
            "There is a NIK that the keys at hand do not open. Ask the operator to check KESOS_SEALING_KEYS.",
        )


class MatchingRegionUnknown(DomainError):
    """There is no such region, or none that is the caller's to match."""

    code = "REGION_UNKNOWN"
    fields = ("region",)

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"Tidak ada wilayah dengan kode {region.code} yang boleh Anda padankan.",
            f"There is no region with the code {region.code} that you may match.",
        )


class MatchingStatusesWrong(DomainError):
    """Persons in that state have no NIK to compare, or no state was named."""

    code = "MATCHING_STATUSES_WRONG"
    fields = ("statuses",)

    def __init__(self) -> None:
        super().__init__(
            "Yang dapat dipadankan adalah orang berstatus NIK_ISSUED, UNMATCHED, atau MATCHED; sebutkan sedikitnya satu.",
            "Persons who can be matched are NIK_ISSUED, UNMATCHED or MATCHED; name at least one of these.",
        )


class MatchingKeyUsed(Conflict):
    """The caller has started another matching with the same key."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "`idempotencyKey` ini sudah dipakai untuk pemadanan lain. Buat kunci baru.",
            "This `idempotencyKey` belongs to another matching. Make a new one.",
        )


class MatchingUnknown(NotFound):
    """The matching is not there, or lies beyond what whoever started it may match by now."""

    code = "MATCHING_UNKNOWN"

    def __init__(self) -> None:
        super().__init__(
            "Pemadanan ini tidak ditemukan di wilayah yang boleh Anda padankan.",
            "There is no such matching in the regions that you may match.",
        )
