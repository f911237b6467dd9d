"""What HTTP refuses before the schema is asked, each with its status, its code and both languages."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import ClassVar

from app.domain.base import DomainError
from app.schema import errors


class Refused(DomainError):
    """A request is refused with the HTTP ``status``; ``retry_after`` are the seconds after which it may be sent again."""

    status: int = HTTPStatus.BAD_REQUEST
    retry_after: int | None = None
    closes: bool = False
    """Whether the connection ends with the answer, because the rest of the request is not read."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer that belong to the refusal."""
        headers = {}
        if self.retry_after is not None:
            headers["retry-after"] = str(self.retry_after)
        if self.closes:
            headers["connection"] = "close"
        return headers


class BadRequest(Refused):
    """The HTTP request is no GraphQL request; ``status`` is the HTTP status that says so."""

    code = errors.BAD_REQUEST

    def __init__(self, indonesian: str, english: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(indonesian, english)
        self.status = status
        self.closes = status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}


class RateLimited(Refused):
    """A principal or an address sends more than it may."""

    code = "RATE_LIMITED"
    status = HTTPStatus.TOO_MANY_REQUESTS
    too_much: ClassVar = ("Terlalu banyak permintaan.", "Too many requests.")

    def __init__(self, seconds: float) -> None:
        """``seconds``: after how long there is room again; told as whole seconds, at least one."""
        self.retry_after = max(1, ceil(seconds))
        indonesian, english = self.too_much
        super().__init__(
            f"{indonesian} Coba lagi setelah {self.retry_after} detik.",
            f"{english} Try again in {self.retry_after} seconds.",
        )


class DocumentsLimited(RateLimited):
    """A principal sends more text of new documents than it may: a document for each value, say."""

    too_much: ClassVar = (
        "Terlalu banyak dokumen GraphQL baru: kirim nilai yang berubah dalam `variables`, supaya dokumennya tetap sama.",
        "Too many new GraphQL documents: send what changes in `variables`, so that the document stays the same.",
    )


class BudgetExceeded(Refused):
    """A principal asks for more values than its budget has left; without ``retry_after`` no wait would help."""

    code = "BUDGET_EXCEEDED"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, cost: int, limit: int, seconds: float) -> None:
        """``cost`` of the request and ``limit`` of a minute in values; ``seconds`` until the budget has room for it."""
        if cost > limit:
            advice = "Minta lebih sedikit sekaligus.", "Ask for less at once."
        else:
            self.retry_after = max(1, ceil(seconds))
            advice = f"Coba lagi setelah {self.retry_after} detik.", f"Try again in {self.retry_after} seconds."
        super().__init__(
            f"Permintaan ini menanyakan hingga {cost} nilai dan melampaui anggaran {limit} nilai per menit. {advice[0]}",
            f"This request asks for up to {cost} values and exceeds the budget of {limit} values a minute. {advice[1]}",
        )


class Overloaded(Refused):
    """So many requests wait for their turn that another would wait in vain."""

    code = "OVERLOADED"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after = 1

    def __init__(self) -> None:
        super().__init__(
            "Terlalu banyak permintaan sedang menunggu. Coba lagi sebentar lagi.",
            "Too many requests are waiting. Try again in a moment.",
        )


class TookTooLong(Refused):
    """A request was given up because its time was over."""

    code = errors.TIMED_OUT
    status = HTTPStatus.GATEWAY_TIMEOUT

    def __init__(self, seconds: float) -> None:
        """``seconds`` that a request may take."""
        super().__init__(
            f"Permintaan dihentikan karena lebih lama dari {seconds:g} detik. Minta lebih sedikit sekaligus.",
            f"The request was given up after {seconds:g} seconds. Ask for less at once.",
        )
