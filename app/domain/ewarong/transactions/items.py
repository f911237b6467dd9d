"""What is reported, checked as far as it can be without the database, in the form that the functions of the database take."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from app.domain.ewarong.days import FIRST_DAY
from app.domain.ewarong.transactions.errors import TransactionInvalid

MOST_LINES: Final = 50
MOST_PRICE: Final = 100_000_000
"""Rupiah a unit."""
_MOST_QUANTITY: Final = Decimal(100_000)
_FINEST: Final = Decimal("0.001")
_LONGEST_CODE: Final = 40
_LONGEST_TOKEN: Final = 100
_MOST_SEQUENCE: Final = 2**31 - 1
_EARLIEST: Final = datetime.combine(FIRST_DAY, time(), UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_PLACE: Final = {"latitude": (-11.5, 6.5), "longitude": (94.5, 141.5)}
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RECEIPT_CHARACTERS: Final = 10


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was bought: units of a commodity at a price in whole rupiah each."""

    commodity: str
    quantity: Decimal
    unit_price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """What a family bought at an outlet, as the outlet tells it.

    ``happened_at`` is by the clock of the device, which was ``clock_skew`` seconds ahead of the server's where that is known.
    """

    regency_id: int
    agent_id: UUID
    token: str = field(repr=False)
    lines: Sequence[Line]
    happened_at: datetime
    idempotency_key: UUID
    programme: str | None = None
    total: int | None = None
    device_id: UUID | None = None
    device_sequence: int | None = None
    clock_skew: int | None = None
    latitude: float | None = None
    longitude: float | None = None


def new_receipt() -> str:
    """Ten characters that nobody guesses and nobody misreads: 50 random bits in the alphabet of Crockford."""
    bits = secrets.randbits(5 * _RECEIPT_CHARACTERS)
    return "".join([_CROCKFORD[(bits >> 5 * at) & 31] for at in range(_RECEIPT_CHARACTERS)])


def item_of(given: Redemption) -> dict[str, Any]:
    """``given`` as the function of the database takes it, with an id and a receipt that count if it is new.

    Raises:
        TransactionInvalid: something in it cannot be; ``fields`` says what.
    """
    _check(given)
    asked = {
        "agentId": str(given.agent_id),
        "regencyId": given.regency_id,
        "token": given.token,
        "programme": given.programme,
        "lines": [
            {"commodity": line.commodity, "quantity": _written(line.quantity), "unitPrice": line.unit_price}
            for line in given.lines
        ],
        "total": given.total,
        "happenedAt": given.happened_at.astimezone(UTC).isoformat(),
        "latitude": given.latitude,
        "longitude": given.longitude,
    }
    return asked | {
        # How it came here may differ between two attempts to send the same: alone, then in a batch, from a device that was set up anew
        # or whose clock was set.
        "deviceId": str(given.device_id) if given.device_id is not None else None,
        "deviceSequence": given.device_sequence,
        "clockSkew": given.clock_skew,
        "idempotencyKey": str(given.idempotency_key),
        "request": sha256(orjson.dumps(asked)).hexdigest(),
        "id": str(uuid7()),
        "receipt": new_receipt(),
    }


def _written(quantity: Decimal) -> str:
    """One text for equal quantities: 2.50 is 2.5."""
    return format(quantity.quantize(_FINEST).normalize(), "f")


def _check(given: Redemption) -> None:
    if not 0 < len(given.token) <= _LONGEST_TOKEN or not given.token.isascii() or not given.token.isprintable():
        raise TransactionInvalid(
            "token", "Token KKS terdiri atas 1 sampai 100 karakter ASCII.", "The token has 1 to 100 ASCII characters."
        )
    if given.programme is not None:
        _check_code("programme", given.programme)
    if not 0 < len(given.lines) <= MOST_LINES:
        raise TransactionInvalid(
            "lines", f"Sebutkan 1 sampai {MOST_LINES} baris belanja.", f"Give 1 to {MOST_LINES} lines."
        )
    for line in given.lines:
        _check_line(line)
    if not _within_reason(given):
        raise TransactionInvalid(
            "happened_at", "Waktu transaksi di luar tahun 2017 sampai 2099.", "The moment is not in 2017 to 2099."
        )
    if (given.device_id is None) != (given.device_sequence is None):
        raise TransactionInvalid(
            "device_sequence",
            "Perangkat dan nomor urutnya disebutkan bersama.",
            "A device and its sequence are given together.",
        )
    if given.device_sequence is not None and not 0 <= given.device_sequence <= _MOST_SEQUENCE:
        raise TransactionInvalid(
            "device_sequence", "Nomor urut perangkat tidak boleh negatif.", "The sequence of a device is not negative."
        )
    _check_place(given)


def _within_reason(given: Redemption) -> bool:
    """Whether it happened in these times. By a clock that is off, it may have been in any year."""
    try:
        return _EARLIEST <= given.happened_at - timedelta(seconds=given.clock_skew or 0) < _LATEST
    except OverflowError:
        return False


def _check_code(field_: str, code: str) -> None:
    if not 0 < len(code) <= _LONGEST_CODE or not code.isascii() or not code.isprintable():
        raise TransactionInvalid(
            field_, "Kode terdiri atas 1 sampai 40 karakter ASCII.", "A code has 1 to 40 ASCII characters."
        )


def _check_line(line: Line) -> None:
    _check_code("lines", line.commodity)
    if (
        not line.quantity.is_finite()
        or not 0 < line.quantity < _MOST_QUANTITY
        or line.quantity != line.quantity.quantize(_FINEST)
    ):
        raise TransactionInvalid(
            "lines",
            "Banyaknya lebih dari nol, di bawah 100000, paling banyak tiga desimal.",
            "A quantity is above zero and below 100000, with three decimals at most.",
        )
    if not 0 < line.unit_price <= MOST_PRICE or line.quantity * line.unit_price < Decimal("0.5"):
        raise TransactionInvalid(
            "lines",
            f"Harga satuan 1 sampai {MOST_PRICE} rupiah, dan setiap baris paling sedikit satu rupiah.",
            f"A unit price is 1 to {MOST_PRICE} rupiah, and a line comes to one rupiah at least.",
        )


def _check_place(given: Redemption) -> None:
    for name, (low, high) in _PLACE.items():
        value = getattr(given, name)
        if (value is None) != (given.latitude is None) or (value is not None and not low <= value <= high):
            raise TransactionInvalid(
                name,
                "Lokasi disebutkan dengan lintang dan bujur, keduanya di Indonesia.",
                "A place is given by latitude and longitude, both within Indonesia.",
            )
