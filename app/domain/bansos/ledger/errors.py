"""What the ledger refuses."""

from app.domain.base import Conflict, DomainError, NotFound
from app.tenants.region_path import RegionPath


class InsufficientBalance(Conflict):
    """A wallet holds less than is to be taken out of it."""

    code = "INSUFFICIENT_BALANCE"

    def __init__(self) -> None:
        super().__init__("Saldo tidak cukup.", "The balance does not suffice.")


class WalletUnknown(NotFound):
    """There is no such wallet, or it is not of the family and programme that the entry names."""

    code = "WALLET_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Dompet keluarga ini tidak ditemukan.", "There is no such wallet of the family.")


class NeverIdle(DomainError):
    """The terms of the programme return no balance, however long nobody touches it."""

    code = "BALANCE_NEVER_IDLE"
    fields = ("programme",)

    def __init__(self) -> None:
        super().__init__(
            "Ketentuan program ini tidak mengenal saldo mengendap.",
            "The terms of this programme know no idle balance.",
        )


class IdleRegionUnknown(DomainError):
    """Balances cannot be returned there: the region is not there, or not the caller's."""

    code = "REGION_UNKNOWN"
    fields = ("region",)

    def __init__(self, region: RegionPath) -> None:
        super().__init__(
            f"Wilayah {region.code} tidak ada, atau bukan wilayah Anda.",
            f"There is no region {region.code}, or it is not yours.",
        )


class IdleKeyUsed(Conflict):
    """The key belongs to another return of idle balances."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "Kunci ini sudah dipakai untuk pengembalian saldo yang lain.",
            "This key was used for another return of balances.",
        )


class IdleReturnUnknown(NotFound):
    """The return of idle balances lies beyond the scope of whoever works on it by now."""

    code = "IDLE_RETURN_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("Pengembalian saldo ini tidak ditemukan.", "There is no such return of balances.")
