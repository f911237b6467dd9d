"""What the rules of memberships refuse. ``fields`` are parameters of ``app.domain.bansos.insurance.service``."""

from datetime import date

from app.domain.bansos.models.insurance import MembershipState
from app.domain.base import Conflict, DomainError, NotFound
from app.tenants.region_path import RegionPath

LONGEST_TEXT = 200


class MembershipUnknown(NotFound):
    """There is no such membership, or none that the caller may change."""

    code = "MEMBERSHIP_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Kepesertaan ini tidak ditemukan.", "There is no such membership.")


class MemberUnknown(NotFound):
    """There is no such person, or none of the caller's region."""

    code = "PERSON_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Orang ini tidak ditemukan.", "There is no such person.")


class MemberNotPresent(DomainError):
    """By the registry the person is dead, has left, or has no family that stands."""

    code = "MEMBERSHIP_PERSON_NOT_PRESENT"

    def __init__(self) -> None:
        super().__init__(
            "Menurut registri orang ini tidak tinggal dalam keluarga yang aktif.",
            "By the registry this person does not live in an active family.",
        )


class MembershipExists(Conflict):
    """The person has a membership, or has been proposed for one."""

    code = "MEMBERSHIP_EXISTS"

    def __init__(self) -> None:
        super().__init__(
            "Orang ini sudah menjadi peserta atau sudah diusulkan.",
            "This person is a member or has been proposed already.",
        )


class MembershipChanged(Conflict):
    """Somebody changed the membership since the caller read it."""

    code = "MEMBERSHIP_CHANGED"

    def __init__(self) -> None:
        super().__init__(
            "Kepesertaan ini berubah sejak Anda membacanya; baca lagi, lalu ulangi.",
            "This membership has changed since you read it; read it again, then try again.",
        )


class MembershipStateWrong(Conflict):
    """What was asked does not follow from the present state."""

    code = "MEMBERSHIP_STATE_WRONG"

    def __init__(self, state: MembershipState) -> None:
        super().__init__(
            f"Tidak dapat dilakukan pada kepesertaan yang {state.indonesian}.",
            f"This cannot be done to a membership that is {state.value}.",
        )


class MembershipSamePerson(DomainError):
    """Who proposes does not verify, and neither of them decides."""

    code = "MEMBERSHIP_SAME_PERSON"

    def __init__(self) -> None:
        super().__init__(
            "Yang mengusulkan, memverifikasi, dan memutuskan harus orang yang berbeda.",
            "Whoever proposes, verifies and decides must be different people.",
        )


class MemberNotInTarget(DomainError):
    """The family does not meet the rules of the programme that pays the contribution."""

    code = "MEMBERSHIP_NOT_IN_TARGET"


class MotherNotMember(DomainError):
    """Who is named as the mother of a newborn child is no woman of its family with an active membership of the segment."""

    code = "MEMBERSHIP_MOTHER_NOT_MEMBER"
    fields = ("mother",)

    def __init__(self) -> None:
        super().__init__(
            "Ibu bayi harus perempuan dalam keluarga yang sama dan peserta aktif segmen ini di kabupaten/kota ini.",
            "The mother has to be a woman of the same family with an active membership of this segment in this regency.",
        )


class NotNewborn(DomainError):
    """The child of a member is too old to be proposed as newborn."""

    code = "MEMBERSHIP_NOT_NEWBORN"
    fields = ("mother",)

    def __init__(self, days: int) -> None:
        super().__init__(
            f"Bayi baru lahir diusulkan paling lama {days} hari sesudah lahir.",
            f"A newborn child is proposed at most {days} days after its birth.",
        )


class ReactivationWindowOver(DomainError):
    """It ended too long ago to be asked back."""

    code = "REACTIVATION_WINDOW_OVER"

    def __init__(self, last_day: date) -> None:
        super().__init__(
            f"Reaktivasi dapat diajukan paling lambat {last_day}; usulkan sebagai peserta baru.",
            f"Reactivation could be asked for until {last_day}; propose a new membership instead.",
        )
        self.last_day = last_day


class MembershipSuperseded(Conflict):
    """A later membership of the person has ended since: that is the one to ask back."""

    code = "MEMBERSHIP_SUPERSEDED"

    def __init__(self) -> None:
        super().__init__(
            "Orang ini menjadi peserta lagi sesudahnya; ajukan reaktivasi kepesertaan yang terakhir.",
            "This person was a member again afterwards; ask back the last membership.",
        )


class SegmentUnregulated(DomainError):
    """No regulation in force on a day says how memberships of a segment are given or asked back."""

    code = "MEMBERSHIP_SEGMENT_UNREGULATED"

    def __init__(self, on: date) -> None:
        super().__init__(
            f"Tidak ada ketentuan segmen ini yang berlaku pada {on}.", f"No rule of this segment was in force on {on}."
        )


class MembershipDayWrong(DomainError):
    """The day cannot be: it lies ahead, or in or before a stretch that is known."""

    code = "MEMBERSHIP_DAY_WRONG"

    def __init__(self, field: str, earliest: date, latest: date) -> None:
        super().__init__(
            f"Tanggal ini harus antara {earliest} dan {latest}.", f"This day must lie between {earliest} and {latest}."
        )
        self.fields = (field,)


class MembershipTextInvalid(DomainError):
    """A number or name is empty, too long, or holds characters that nobody sees."""

    code = "TEXT_INVALID"

    def __init__(self, field: str) -> None:
        super().__init__(
            f"Isi dengan 1 sampai {LONGEST_TEXT} karakter yang terlihat.",
            f"Give 1 to {LONGEST_TEXT} characters that can be seen.",
        )
        self.fields = (field,)


class MembershipRegionUnknown(DomainError):
    """There is no such region, or it is beyond the caller's own."""

    code = "REGION_UNKNOWN"
    fields = ("region",)

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"Tidak ada wilayah dengan kode {region.code} di wilayah kerja Anda.",
            f"There is no region with the code {region.code} where you work.",
        )


class ReviewKeyUsed(Conflict):
    """The key belongs to another review."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "Kunci ini sudah dipakai untuk pemeriksaan lain; buat kunci baru.",
            "This key was used for another review; make a new one.",
        )


class ReviewUnknown(NotFound):
    """There is no such review where the caller works."""

    code = "MEMBERSHIP_REVIEW_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Pemeriksaan ini tidak ditemukan.", "There is no such review.")
