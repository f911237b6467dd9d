"""Why a bank could not be reached. No text ever holds an address, a token or a line of a file."""

from app.domain.base import DomainError


class BankUrlInsecure(DomainError):
    """The address is one on whose way others could read along."""

    code = "BANK_URL_INSECURE"

    def __init__(self) -> None:
        super().__init__(
            "Alamat bank harus https, atau http pada komputer ini saja. Minta operator memeriksa KESOS_BANK_URL.",
            "The address of the bank has to be https, or http on this machine alone. Ask the operator to look at KESOS_BANK_URL.",
        )


class BankUnavailable(DomainError):
    """The bank did not answer for as long as our patience lasts."""

    code = "BANK_UNAVAILABLE"

    def __init__(self, fault: str) -> None:
        super().__init__(
            f"Bank tidak menjawab ({fault}). Berkas sudah dibuat: unduh dan kirim sendiri, atau minta pengiriman ulang dengan "
            "`paymentOrderSend`.",
            f"The bank does not answer ({fault}). The file is made: download it and take it there, or have it sent again by "
            "`paymentOrderSend`.",
        )


class BankDenied(DomainError):
    """The bank does not know us."""

    code = "BANK_DENIED"

    def __init__(self, status: int) -> None:
        super().__init__(
            f"Bank menolak sambungan (status {status}). Minta operator memeriksa KESOS_BANK_TOKEN.",
            f"The bank refuses the connection (status {status}). Ask the operator to look at KESOS_BANK_TOKEN.",
        )


class BankRejected(DomainError):
    """The bank refuses what was sent."""

    code = "BANK_REJECTED"

    def __init__(self, status: int) -> None:
        super().__init__(
            f"Bank menolak yang dikirim (status {status}).", f"The bank refuses what was sent (status {status})."
        )


class BankAnswerInvalid(DomainError):
    """What the bank has answered cannot be used."""

    code = "BANK_ANSWER_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "Jawaban bank tidak menurut kontrak (docs/bank-files.md), jadi tidak dipakai.",
            "What the bank has answered is not as the contract has it (docs/bank-files.md), so it is not used.",
        )
