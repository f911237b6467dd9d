"""Why a cycle is not made, or does not go on. ``fields`` are parameters of ``app.domain.bansos.cycles.service``."""

from collections.abc import Sequence
from typing import Final

from app.domain.bansos.models.cycles import CycleState
from app.domain.base import Conflict, DomainError, NotFound
from app.tenants.region_path import RegionPath

LONGEST_REASON: Final = 1000
_NAMED: Final = 5
_NEXT: Final = {
    CycleState.DRAFT: ("tunggu pekerjaannya (`jobProgress`)", "wait for its job (`jobProgress`)"),
    CycleState.GENERATED: ("`cycleVerify`", "`cycleVerify`"),
    CycleState.VERIFIED: ("`cycleApprove`", "`cycleApprove`"),
    CycleState.APPROVED: ("`cycleRelease`", "`cycleRelease`"),
    CycleState.RELEASED: ("`paymentOrdersMake`, lalu `cycleSettle`", "`paymentOrdersMake`, then `cycleSettle`"),
    CycleState.PAID: ("`cycleReconcile`", "`cycleReconcile`"),
    CycleState.RECONCILED: ("`cycleClose`", "`cycleClose`"),
    CycleState.CLOSED: ("tidak ada", "nothing"),
    CycleState.SUPERSEDED: ("versi barunya di `aidCycles`", "its newer revision, in `aidCycles`"),
}


class CycleUnknown(NotFound):
    """There is no such cycle, or none that the caller may change."""

    code = "CYCLE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Siklus ini tidak ada di wilayah Anda.", "There is no such cycle in your region.")


class GenerationUnknown(NotFound):
    """What a job is about is not there, or lies beyond what whoever started it may make by now."""

    code = "CYCLE_GENERATION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__(
            "Pembuatan siklus ini tidak ditemukan di wilayah yang boleh Anda buatkan siklus.",
            "There is no such generation in the regions for which you may make cycles.",
        )


class CycleRegionUnknown(DomainError):
    """There is no such region, or none for which the caller may make cycles."""

    code = "REGION_UNKNOWN"
    fields = ("region",)

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"Tidak ada wilayah dengan kode {region.code} yang boleh Anda buatkan siklus.",
            f"There is no region with the code {region.code} for which you may make cycles.",
        )


class CycleRegionTooSmall(DomainError):
    """Cycles are of whole regencies."""

    code = "CYCLE_REGION_TOO_SMALL"
    fields = ("region",)

    def __init__(self) -> None:
        super().__init__(
            "Siklus dibuat untuk kabupaten/kota utuh: sebutkan kabupaten/kota, provinsi, atau `0` untuk seluruh negeri.",
            "Cycles are made for whole regencies: name a regency, a province, or `0` for the whole country.",
        )


class CycleEmpty(DomainError):
    """No regency of the region holds families among whom the programme runs."""

    code = "CYCLE_EMPTY"
    fields = ("region",)

    def __init__(self) -> None:
        super().__init__(
            "Di wilayah ini tidak ada keluarga, atau program ini tidak berjalan di sini.",
            "There are no families in this region, or the programme does not run here.",
        )


class CycleOfContributions(DomainError):
    """The programme pays contributions to the insurance of persons: no family is paid anything by it."""

    code = "CYCLE_OF_CONTRIBUTIONS"
    fields = ("programme",)

    def __init__(self, programme: str) -> None:
        super().__init__(
            f"{programme} membayar iuran jaminan kesehatan dan tidak menyalurkan uang kepada keluarga, jadi tidak punya siklus. "
            "Urus kepesertaannya dengan `membershipPropose` dan `membershipReview`.",
            f"{programme} pays contributions to health insurance and gives families no money, so it has no cycles. "
            "Keep its memberships by `membershipPropose` and `membershipReview`.",
        )


class CycleExists(Conflict):
    """A cycle of the programme and period has gone beyond the generation of its list."""

    code = "CYCLE_EXISTS"

    def __init__(self, regencies: Sequence[RegionPath]) -> None:
        named = _named(regencies)
        super().__init__(
            f"Siklus program dan masa ini sudah diverifikasi atau lebih jauh di {named}. Buat versi baru untuk mengubahnya.",
            f"The cycle of this programme and period is verified or further in {named}. Make a new revision to change it.",
        )


class CyclePeriodOverlaps(Conflict):
    """The programme pays for part of the period by a cycle of another period."""

    code = "CYCLE_PERIOD_OVERLAPS"

    def __init__(self, regencies: Sequence[RegionPath]) -> None:
        named = _named(regencies)
        super().__init__(
            f"Program ini sudah punya siklus untuk sebagian masa ini di {named}.",
            f"The programme has a cycle already for part of this period in {named}.",
        )


class CycleKeyUsed(Conflict):
    """The key belongs to something else that was made."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "`idempotencyKey` ini sudah dipakai untuk hal lain. Buat kunci baru.",
            "This `idempotencyKey` was used for something else. Make a new one.",
        )


class CycleChanged(Conflict):
    """Somebody has changed the cycle since the caller read it."""

    code = "CYCLE_CHANGED"

    def __init__(self) -> None:
        super().__init__(
            "Siklus ini sudah berubah sejak Anda membacanya. Muat ulang, lalu putuskan lagi.",
            "This cycle was changed since you read it. Read it again, then decide again.",
        )


class CycleStateWrong(Conflict):
    """In its state this cannot be done with the cycle."""

    code = "CYCLE_STATE_WRONG"

    def __init__(self, state: CycleState) -> None:
        indonesian, english = _NEXT[state]
        super().__init__(
            f"Siklus ini berstatus {state.value} ({state.indonesian}), jadi langkah ini belum atau tidak lagi dapat dilakukan. "
            f"Langkah berikutnya: {indonesian}.",
            f"The cycle is {state.value}, in which this cannot be done yet, or not any more. Next: {english}.",
        )


class CycleSamePerson(DomainError):
    """Whoever has made, verified or approved a cycle does not take the next step as well."""

    code = "CYCLE_SAME_PERSON"

    def __init__(self) -> None:
        super().__init__(
            "Pembuat, pemverifikasi, dan para pengesah siklus harus orang yang berlainan.",
            "Whoever makes, verifies and approves a cycle must be different people.",
        )


class ReasonInvalid(DomainError):
    """A new revision needs a reason."""

    code = "REASON_INVALID"
    fields = ("reason",)

    def __init__(self) -> None:
        super().__init__(
            f"Sebutkan alasannya, paling panjang {LONGEST_REASON} huruf.",
            f"Give the reason, in at most {LONGEST_REASON} characters.",
        )


def _named(regencies: Sequence[RegionPath]) -> str:
    codes = [region.code for region in regencies[:_NAMED]]
    rest = len(regencies) - len(codes)
    return ", ".join(codes) + (f" (+{rest})" if rest else "")
