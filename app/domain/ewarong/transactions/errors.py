"""Why a redemption is not taken, or not taken back. ``fields`` are parameters of the services."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.domain.base import Conflict, DomainError, NotFound


class TransactionInvalid(DomainError):
    """A part of what is reported cannot be as it is given."""

    code = "EWARONG_TRANSACTION_INVALID"

    def __init__(self, field: str, indonesian: str, english: str) -> None:
        super().__init__(indonesian, english)
        self.fields = (field,)


class OutletUnknown(NotFound):
    """There is no such outlet, or none that the caller reports for."""

    code = "AGENT_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("E-Warong ini tidak ditemukan.", "There is no such e-Warong.")


class OutletSuspended(DomainError):
    """The outlet does not serve at present."""

    code = "AGENT_SUSPENDED"

    def __init__(self) -> None:
        super().__init__(
            "E-Warong ini sedang tidak boleh melayani.", "This e-Warong may not serve families at present."
        )


class CardUnknown(NotFound):
    """No card has this token, or it was not activated yet."""

    code = "CARD_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("KKS ini tidak dikenal atau belum aktif.", "This card is not known, or not active yet.")


class CardBlocked(DomainError):
    """The card counts no more."""

    code = "CARD_BLOCKED"

    def __init__(self) -> None:
        super().__init__(
            "KKS ini diblokir, hilang, rusak, atau ditarik.", "This card is blocked, lost, damaged or withdrawn."
        )


class CardAmbiguous(DomainError):
    """Two regencies each have an active card of this token: nobody can say whose money it is."""

    code = "CARD_AMBIGUOUS"

    def __init__(self) -> None:
        super().__init__(
            "Dua KKS aktif memiliki token ini; minta bank atau dinas sosial memeriksa kartunya.",
            "Two active cards have this token: ask the bank or the office to look into it.",
        )


class NotRedeemable(DomainError):
    """The family has no balance of a programme that is spent at outlets on that day, or not of the one that was named."""

    code = "PROGRAMME_NOT_REDEEMABLE"

    def __init__(self) -> None:
        super().__init__(
            "Keluarga ini tidak memiliki saldo program yang dapat dibelanjakan di e-Warong pada tanggal itu.",
            "The family holds no balance that may be spent at an e-Warong on that day.",
        )


class WalletAmbiguous(DomainError):
    """The family has several balances that are spent at outlets: the programme has to be named."""

    code = "WALLET_AMBIGUOUS"
    fields = ("programme",)

    def __init__(self) -> None:
        super().__init__(
            "Keluarga ini memiliki saldo beberapa program; sebutkan programnya.",
            "The family holds balances of several programmes: name the programme.",
        )


class OutsidePeriod(DomainError):
    """It happened ahead of the clock, too long ago, or before there was money."""

    code = "OUTSIDE_PERIOD"

    def __init__(self) -> None:
        super().__init__(
            "Waktu transaksi di luar masa yang diterima: di depan jam server, terlalu lama, atau sebelum saldo ada.",
            "The moment is outside what is accepted: ahead of the clock, too long ago, or before there was a balance.",
        )


class CommodityUnknown(DomainError):
    """The catalogue has no such commodity."""

    code = "COMMODITY_UNKNOWN"

    def __init__(self, commodity: str) -> None:
        super().__init__(f"Komoditas {commodity} tidak dikenal.", f"There is no commodity {commodity}.")
        self.commodity = commodity


class CommodityProhibited(DomainError):
    """The basket may not hold it."""

    code = "PROHIBITED_COMMODITY"

    def __init__(self, commodity: str) -> None:
        super().__init__(
            f"Komoditas {commodity} tidak boleh dibeli dengan program ini.",
            f"The commodity {commodity} may not be bought with this programme.",
        )
        self.commodity = commodity


class TotalMismatch(DomainError):
    """The total that was given is not the sum of the lines."""

    code = "TOTAL_MISMATCH"

    def __init__(self, total: int) -> None:
        super().__init__(
            f"Jumlah tidak sama dengan rincian: rincian berjumlah Rp{total}.",
            f"The total is not the sum of the lines, which is Rp{total}.",
        )
        self.total = total
        """Whole rupiah: the sum of the lines."""


class BalanceTooLow(Conflict):
    """The family has less than it wants to spend."""

    code = "INSUFFICIENT_BALANCE"

    def __init__(self, balance: int) -> None:
        super().__init__("Saldo tidak cukup.", "The balance does not suffice.")
        self.balance = balance
        """Whole rupiah in the wallet."""


class KeyConflict(Conflict):
    """The key stands for another request."""

    code = "IDEMPOTENCY_CONFLICT"

    def __init__(self) -> None:
        super().__init__(
            "Kunci ini sudah dipakai untuk permintaan dengan isi lain.", "This key was used for another request."
        )


class TransactionUnknown(NotFound):
    """There is no such transaction, or none that the caller may see."""

    code = "EWARONG_TRANSACTION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Transaksi ini tidak ditemukan.", "There is no such transaction.")


class TransactionReversed(Conflict):
    """It was taken back before."""

    code = "EWARONG_TRANSACTION_REVERSED"

    def __init__(self) -> None:
        super().__init__("Transaksi ini sudah dibatalkan.", "This transaction was taken back already.")


class ReversalTooLate(DomainError):
    """An outlet takes back what it has sold of late; what is older is for the office."""

    code = "REVERSAL_TOO_LATE"

    def __init__(self) -> None:
        super().__init__(
            "Batas waktu pembatalan oleh e-Warong sudah lewat; hubungi dinas sosial.",
            "The time in which an e-Warong may take it back is over: ask the office.",
        )


_REFUSALS: Final[Mapping[str, Callable[[Mapping[str, Any]], DomainError]]] = {
    OutletUnknown.code: lambda _: OutletUnknown(),
    OutletSuspended.code: lambda _: OutletSuspended(),
    CardUnknown.code: lambda _: CardUnknown(),
    CardBlocked.code: lambda _: CardBlocked(),
    CardAmbiguous.code: lambda _: CardAmbiguous(),
    NotRedeemable.code: lambda _: NotRedeemable(),
    WalletAmbiguous.code: lambda _: WalletAmbiguous(),
    OutsidePeriod.code: lambda _: OutsidePeriod(),
    CommodityUnknown.code: lambda told: CommodityUnknown(told["commodity"]),
    CommodityProhibited.code: lambda told: CommodityProhibited(told["commodity"]),
    TotalMismatch.code: lambda told: TotalMismatch(told["total"]),
    BalanceTooLow.code: lambda told: BalanceTooLow(told["balance"]),
    KeyConflict.code: lambda _: KeyConflict(),
}


def refusal_of_outcome(outcome: str, detail: Mapping[str, Any]) -> DomainError:
    """What the function of the database has refused, as an error of the domain."""
    return _REFUSALS[outcome](detail)
