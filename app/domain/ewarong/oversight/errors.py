"""What oversight refuses, and what is possible instead."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from app.domain.base import Conflict, DomainError, NotFound
from app.domain.ewarong.models.oversight import ViolationAct, ViolationState

_BY: Final = {
    ViolationAct.RECORD: "`ewarongViolationRecord`",
    ViolationAct.WARN: "`ewarongViolationWarn`",
    ViolationAct.RECOMMEND: "`ewarongViolationRecommend`",
    ViolationAct.REVOKE: "`ewarongViolationDecide` REVOKED_BY_BANK",
    ViolationAct.KEEP: "`ewarongViolationDecide` KEPT_BY_BANK",
    ViolationAct.DISMISS: "`ewarongViolationDismiss`",
    ViolationAct.REMEDY: "`ewarongViolationRemedied`",
    ViolationAct.REPLY: "`ewarongViolationReply`",
    ViolationAct.APPEAL: "`ewarongViolationAppeal`",
    ViolationAct.ACCEPT_APPEAL: "`ewarongAppealAnswer` menerima",
    ViolationAct.REJECT_APPEAL: "`ewarongAppealAnswer` menolak",
}
_BY_ENGLISH: Final = _BY | {
    ViolationAct.ACCEPT_APPEAL: "`ewarongAppealAnswer` accepting",
    ViolationAct.REJECT_APPEAL: "`ewarongAppealAnswer` rejecting",
}


def _now(possible: Sequence[ViolationAct]) -> tuple[str, str]:
    if not possible:
        return "Tidak ada lagi yang dapat dilakukan.", "Nothing more can be done."
    return (
        f"Yang dapat dilakukan sekarang: {', '.join(_BY[act] for act in possible)}.",
        f"Possible now: {', '.join(_BY_ENGLISH[act] for act in possible)}.",
    )


class OutletNotAdmitted(Conflict):
    """The outlet serves nobody: it was never admitted, or is no more."""

    code = "EWARONG_AGENT_NOT_ADMITTED"

    def __init__(self) -> None:
        super().__init__(
            "Pelanggaran dicatat pada e-Warong yang diterima bank dan belum dicabut.",
            "Violations are recorded of an e-Warong that the bank has admitted and not revoked.",
        )


class InspectionUnknown(NotFound):
    """There is no such inspection of the outlet, or it is not the caller's."""

    code = "EWARONG_INSPECTION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__(
            "Pemeriksaan ini tidak ada pada e-Warong itu.", "There is no such inspection of this e-Warong."
        )


class SignalUnknown(NotFound):
    """There is no such signal about the outlet, or it is not the caller's."""

    code = "EWARONG_SIGNAL_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Sinyal ini tidak ada pada e-Warong itu.", "There is no such signal about this e-Warong.")


class SignalUnconfirmed(Conflict):
    """Nobody has said that the signal is worth anything: a signal alone is never a sanction."""

    code = "SIGNAL_NOT_CONFIRMED"

    def __init__(self) -> None:
        super().__init__(
            "Sinyal ini belum ditelaah, atau dinilai wajar. Hanya sinyal yang dibenarkan petugas dapat menjadi dasar pelanggaran.",
            "This signal was not looked at yet, or has an innocent explanation. A violation rests on a signal that a person has confirmed.",
        )


class ViolationUnknown(NotFound):
    """There is no such violation, or it is not the caller's."""

    code = "EWARONG_VIOLATION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Pelanggaran ini tidak ada di wilayah Anda.", "There is no such violation in your region.")


class ViolationChanged(Conflict):
    """It is not as the caller saw it any more."""

    code = "EWARONG_VIOLATION_CHANGED"

    def __init__(self) -> None:
        super().__init__(
            "Pelanggaran ini sudah berubah sejak Anda membacanya. Baca lagi, lalu putuskan.",
            "This violation has changed since you read it. Read it again, then decide.",
        )


class ViolationStateWrong(Conflict):
    """What stands there does not take this step."""

    code = "EWARONG_VIOLATION_STATE"

    def __init__(self, state: ViolationState, possible: Sequence[ViolationAct]) -> None:
        indonesian, english = _now(possible)
        super().__init__(
            f"Pelanggaran ini berstatus {state.value} ({state.indonesian}). {indonesian}",
            f"This violation stands at {state.value}. {english}",
        )


class WarningsFirst(Conflict):
    """Only grave violations are recommended for revocation without two warnings."""

    code = "WARNINGS_FIRST"

    def __init__(self, possible: Sequence[ViolationAct]) -> None:
        indonesian, english = _now(possible)
        super().__init__(
            f"Pencabutan direkomendasikan setelah dua surat peringatan, kecuali pelanggaran berat. {indonesian}",
            f"A revocation is recommended after two warnings, unless the violation is grave. {english}",
        )


class AnswerAwaited(Conflict):
    """The outlet still has time to speak."""

    code = "ANSWER_AWAITED"

    def __init__(self, due: date, possible: Sequence[ViolationAct]) -> None:
        indonesian, english = _now(possible)
        super().__init__(
            f"Agen masih dapat menjawab sampai {due}; langkah berikut menunggu jawabannya atau lewatnya hari itu. {indonesian}",
            f"The outlet may answer until {due}; the next step waits for its answer, or for that day to pass. {english}",
        )


class AppealOpen(Conflict):
    """An appeal waits for its answer."""

    code = "APPEAL_OPEN"

    def __init__(self, possible: Sequence[ViolationAct]) -> None:
        indonesian, english = _now(possible)
        super().__init__(
            f"Keberatan agen belum dijawab; jawab dulu. {indonesian}",
            f"An appeal of the outlet waits for its answer; that comes first. {english}",
        )


class AnswerTooLate(Conflict):
    """The day by which the outlet could answer has passed."""

    code = "ANSWER_TOO_LATE"

    def __init__(self, due: date, possible: Sequence[ViolationAct]) -> None:
        indonesian, english = _now(possible)
        super().__init__(
            f"Batas menjawab sudah lewat ({due}); hubungi Dinas Sosial. {indonesian}",
            f"The time to answer ended on {due}; turn to the office of social affairs. {english}",
        )


class AnsweredAlready(Conflict):
    """The outlet has said this already of the last step."""

    code = "ANSWERED_ALREADY"

    def __init__(self, possible: Sequence[ViolationAct]) -> None:
        indonesian, english = _now(possible)
        super().__init__(
            f"Agen sudah menjawab langkah ini; satu jawaban dan satu keberatan untuk setiap langkah. {indonesian}",
            f"The outlet has answered this step already; each step has one reply and one appeal. {english}",
        )


class AppealMissing(Conflict):
    """There is no appeal to answer."""

    code = "NO_APPEAL"

    def __init__(self, possible: Sequence[ViolationAct]) -> None:
        indonesian, english = _now(possible)
        super().__init__(
            f"Tidak ada keberatan yang menunggu jawaban. {indonesian}",
            f"There is no appeal that waits for an answer. {english}",
        )


class SamePerson(DomainError):
    """Makers are not checkers."""

    code = "SAME_PERSON"

    def __init__(self) -> None:
        super().__init__(
            "Langkah ini harus diambil orang lain: Anda sendiri sudah mengambil langkah sebelumnya dalam perkara ini.",
            "Somebody else must do this: you have taken an earlier step in this matter yourself.",
        )


class KeyUsed(Conflict):
    """The idempotency key belongs to something else."""

    code = "IDEMPOTENCY_CONFLICT"

    def __init__(self) -> None:
        super().__init__(
            "Kunci idempotensi ini sudah dipakai untuk isi yang lain. Pakai UUID baru.",
            "This idempotency key was used for something else. Take a new UUID.",
        )


class TextWrong(DomainError):
    """A text cannot be kept."""

    code = "TEXT_LENGTH"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Teks berisi 1 sampai {most} karakter yang dapat dicetak.",
            f"A text has 1 to {most} printable characters.",
        )


class InspectedInFuture(DomainError):
    """The inspection is yet to happen."""

    code = "INSPECTED_IN_FUTURE"
    fields = ("inspected_at",)

    def __init__(self) -> None:
        super().__init__(
            "Waktu pemeriksaan ada di masa depan. Periksa jam perangkat.",
            "The time of the inspection lies in the future. Look at the clock of the device.",
        )


class PlaceInvalid(DomainError):
    """The coordinates lie elsewhere."""

    code = "PLACE_INVALID"
    fields = ("latitude", "longitude")

    def __init__(self) -> None:
        super().__init__(
            "Lintang -11,5 sampai 6,5 dan bujur 94,5 sampai 141,5; isi keduanya atau kosongkan keduanya.",
            "The latitude is -11.5 to 6.5 and the longitude 94.5 to 141.5; both are given or neither is.",
        )


class PhotosInvalid(DomainError):
    """The hashes of photos are none."""

    code = "PHOTOS_INVALID"
    fields = ("photos",)

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Foto disebut dengan SHA-256-nya, 64 angka heksadesimal kecil; paling banyak {most}, masing-masing sekali.",
            f"A photo is named by its SHA-256, 64 small hexadecimal digits; at most {most}, each of them once.",
        )


class ItemsInvalid(DomainError):
    """The items are not those of the checklist."""

    code = "CHECKLIST_ITEMS_INVALID"
    fields = ("items",)

    def __init__(self) -> None:
        super().__init__(
            "Butir diambil dari `ewarongChecklist` pada hari pemeriksaan, masing-masing sekali, dan paling sedikit satu diperiksa.",
            "Items are those of `ewarongChecklist` as it was in force on the day, each of them once, and at least one was checked.",
        )


class OversightDataDiffers(DomainError):
    """A file says otherwise what is in the database and must stay as it is."""

    code = "OVERSIGHT_DATA_DIFFERS"

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(
            f"{what} sudah ada di basis data dengan isi lain: {advice}.",
            f"{what} is in the database with other content: {advice}.",
        )
