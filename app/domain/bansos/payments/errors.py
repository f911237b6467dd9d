"""What payments refuse, and why. No text ever holds a number of a card, a token, or anything of a person."""

from typing import Final

from app.domain.bansos.models.payments import CardState, OrderState
from app.domain.base import Conflict, DomainError, NotFound

_NEXT: Final = {
    OrderState.ACCOUNT_CHECK: (
        "hasil cek rekening dari bank, `bankResultsRead`",
        "the answer of the bank, `bankResultsRead`",
    ),
    OrderState.ACCOUNTS_CHECKED: ("`paymentOrderSpm`", "`paymentOrderSpm`"),
    OrderState.SPM: ("`paymentOrderOmspan`", "`paymentOrderOmspan`"),
    OrderState.OMSPAN: ("`paymentOrderDisburse`", "`paymentOrderDisburse`"),
    OrderState.SP2D: ("`paymentOrderInstruct`", "`paymentOrderInstruct`"),
    OrderState.STANDING_INSTRUCTION: (
        "hasil top up dari bank, `bankResultsRead`",
        "the answer of the bank, `bankResultsRead`",
    ),
    OrderState.SETTLED: (
        "`paymentOrderReturn` untuk yang gagal, lalu `cycleSettle`",
        "`paymentOrderReturn` for what has failed, then `cycleSettle`",
    ),
}


class CycleUnknown(NotFound):
    """There is no such cycle, or it is not the caller's."""

    code = "CYCLE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Siklus ini tidak ada di wilayah Anda.", "There is no such cycle in your region.")


class CycleUnsettled(Conflict):
    """Money of the cycle is still on its way."""

    code = "CYCLE_UNSETTLED"

    def __init__(self, orders: int, entitlements: int) -> None:
        super().__init__(
            f"Perintah bayar yang belum selesai: {orders}; penerima yang menunggu atau belum diretur: {entitlements}. Bawa masuk "
            "hasil bank (`bankResultsRead`), dan kembalikan yang gagal (`paymentOrderReturn`).",
            f"Orders of payment that are not settled: {orders}; entitlements that wait, or have failed and were not returned: "
            f"{entitlements}. Bring in the answers of the banks (`bankResultsRead`), and return what has failed (`paymentOrderReturn`).",
        )


class CycleDiffers(Conflict):
    """The ledger, the orders and the entitlements do not tell of the same money."""

    code = "CYCLE_DIFFERS"

    def __init__(self, differences: dict[str, int]) -> None:
        listed = "; ".join(f"{name} {rupiah:+d}" for name, rupiah in differences.items())
        super().__init__(
            f"Rekonsiliasi tidak cocok, selisih dalam rupiah: {listed}. Periksa hasil bank dan buku besar.",
            f"The cycle does not reconcile, differences in rupiah: {listed}. Look at the results of the banks and the ledger.",
        )
        self.differences = differences


class OrderUnknown(NotFound):
    """There is no such order, or it is not the caller's."""

    code = "PAYMENT_ORDER_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__(
            "Perintah bayar ini tidak ada di wilayah Anda.", "There is no such order of payment in your region."
        )


class OrderStateWrong(Conflict):
    """The order is not where this can be done."""

    code = "PAYMENT_ORDER_STATE_WRONG"

    def __init__(self, state: OrderState) -> None:
        indonesian, english = _NEXT[state]
        super().__init__(
            f"Perintah bayar ini berstatus {state.value} ({state.indonesian}), jadi langkah ini belum atau tidak lagi dapat dilakukan. "
            f"Langkah berikutnya: {indonesian}.",
            f"The order of payment is {state.value}, in which this cannot be done yet, or not any more. Next: {english}.",
        )


class _Changed(Conflict):
    def __init__(self) -> None:
        super().__init__(
            "Data ini sudah diubah orang lain. Muat ulang, lalu coba lagi.",
            "Somebody else has changed this since. Read it again, then try once more.",
        )


class CycleChanged(_Changed):
    """Somebody has changed the cycle since the caller saw it."""

    code = "CYCLE_CHANGED"


class OrderChanged(_Changed):
    """Somebody has changed the order since the caller saw it."""

    code = "PAYMENT_ORDER_CHANGED"


class CardChanged(_Changed):
    """Somebody has changed the card since the caller saw it."""

    code = "KKS_CARD_CHANGED"


class NothingFailed(Conflict):
    """There is nothing to return."""

    code = "NOTHING_TO_RETURN"

    def __init__(self) -> None:
        super().__init__(
            "Tidak ada top up gagal yang belum diretur pada perintah ini.",
            "No top-up of this order has failed that was not returned.",
        )


class NumberInvalid(DomainError):
    """The number of a letter of the treasury cannot be as it is given."""

    code = "NUMBER_INVALID"
    fields = ("number",)

    def __init__(self) -> None:
        super().__init__(
            "Nomor surat terdiri atas 1 sampai 60 huruf, angka, titik, garis miring, garis bawah atau tanda hubung.",
            "The number has 1 to 60 letters, digits, dots, slashes, underscores or hyphens.",
        )


class ReportKeyUsed(Conflict):
    """The key belongs to another reading."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "Kunci idempotensi ini sudah dipakai untuk berkas hasil lain.",
            "This idempotency key was used for another file of results.",
        )


class PaidBefore(Conflict):
    """A family would be paid twice; nothing of the file was applied."""

    code = "PAID_BEFORE"

    def __init__(self, families: int) -> None:
        super().__init__(
            f"{families} keluarga dalam berkas ini sudah dibayar untuk program dan periode yang sama; tidak ada baris yang diterapkan.",
            f"{families} families in this file were paid before for the same programme and period; no line was applied.",
        )


class CardUnknown(NotFound):
    """There is no such card, or it is not the caller's."""

    code = "KKS_CARD_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Kartu ini tidak ada di wilayah Anda.", "There is no such card in your region.")


class CardStateWrong(Conflict):
    """The card does not go from where it is to where it is wanted."""

    code = "KKS_CARD_STATE_WRONG"

    def __init__(self, state: CardState) -> None:
        super().__init__(
            f"Kartu ini berstatus {state.value} ({state.indonesian}); dari sana perubahan ini tidak sah.",
            f"The card is {state.value}; from there this change is not legal.",
        )


class CardThere(Conflict):
    """The family was given another card since, wherever that one has got to."""

    code = "KKS_CARD_THERE"

    def __init__(self) -> None:
        super().__init__(
            "Keluarga ini sudah mempunyai kartu yang lebih baru; hanya kartu terakhirnya yang dapat diganti.",
            "The family has a newer card already; only its last one can be replaced.",
        )


class CardHolderMissing(Conflict):
    """The holder of the card is gone, and nobody of the family may hold the next one."""

    code = "KKS_CARD_HOLDER_MISSING"

    def __init__(self) -> None:
        super().__init__(
            "Pemegang kartu ini tidak lagi tinggal bersama keluarganya, dan tidak ada orang dewasa di sana yang dapat menggantikannya. "
            "Perbarui data keluarga lebih dahulu.",
            "The holder of this card does not live with the family any more, and no adult is there to hold the next one. Bring the "
            "registry of the family up to date first.",
        )


class CardTokenUsed(Conflict):
    """A token belongs to another card."""

    code = "KKS_CARD_TOKEN_USED"

    def __init__(self) -> None:
        super().__init__(
            "Salah satu token sudah menjadi milik kartu lain; tidak ada kartu yang dicatat.",
            "One of the tokens belongs to another card already; no card was recorded.",
        )


class LastFourInvalid(DomainError):
    """Something else than four digits: perhaps a whole number of a card, which is not kept here."""

    code = "LAST_FOUR_INVALID"
    fields = ("last_four",)

    def __init__(self) -> None:
        super().__init__(
            "Hanya empat angka terakhir kartu. Jangan pernah mengirim nomor kartu lengkap atau PIN.",
            "Only the last four digits of the card. Never send the whole number of a card, or a PIN.",
        )


class CardTokenInvalid(DomainError):
    """The token of a bank cannot look like that."""

    code = "KKS_CARD_TOKEN_INVALID"
    fields = ("token",)

    def __init__(self) -> None:
        super().__init__(
            "Token bank terdiri atas 8 sampai 40 huruf, angka, garis bawah atau tanda hubung, dengan sedikitnya satu huruf dan tanpa "
            "deretan angka sepanjang nomor kartu.",
            "The token of a bank has 8 to 40 letters, digits, underscores or hyphens, at least one letter, and no run of digits as long "
            "as the number of a card.",
        )


class CardReasonInvalid(DomainError):
    """A reason that is missing, too long, or holds digits that may be a number of a card or a PIN."""

    code = "KKS_CARD_REASON_INVALID"
    fields = ("reason",)

    def __init__(self) -> None:
        super().__init__(
            "Alasan diisi 1 sampai 200 huruf, tanpa deretan lebih dari empat angka: nomor kartu dan PIN tidak boleh dicatat.",
            "The reason has 1 to 200 characters and no run of more than four digits: numbers of cards and PINs must not be recorded.",
        )


class CardsWrong(DomainError):
    """None, too many, or one twice."""

    code = "KKS_CARDS_INVALID"
    fields = ("cards",)

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Sebutkan 1 sampai {most} kartu, masing-masing satu kali.", f"Name 1 to {most} cards, each of them once."
        )
