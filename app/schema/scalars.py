"""Scalars whose JSON form is what PostgreSQL prints, so that a planned value needs no conversion on its way out."""

from datetime import UTC, date, datetime
from typing import Any, Final, NewType
from uuid import UUID

import strawberry
from strawberry.types.scalar import ScalarDefinition

from app.domain.base import DomainError

Date = NewType("Date", date)
DateTime = NewType("DateTime", datetime)
Rupiah = NewType("Rupiah", int)
_MOST_RUPIAH: Final = 2**53 - 1
"""JavaScript reads no greater whole number without rounding; all aid of a century stays below it."""
_UNBOUNDED: Final = frozenset({date.min, date.max})
"""To asyncpg these are no days: it writes them as -infinity and infinity."""


def _printed(value: Any) -> str:
    return value if isinstance(value, str) else str(value.isoformat())


class DateInvalid(DomainError):
    """The text is no day."""

    code = "DATE_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "Tanggal ditulis YYYY-MM-DD, dari 0001-01-02 sampai 9999-12-30.",
            "A Date is written YYYY-MM-DD, from 0001-01-02 to 9999-12-30.",
        )


class DateTimeInvalid(DomainError):
    """The text is no moment with its offset."""

    code = "DATE_TIME_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "Waktu ditulis menurut ISO 8601 dengan selisih dari UTC, misalnya 2026-11-21T08:00:00+07:00.",
            "A DateTime is written in ISO 8601 with its offset from UTC, such as 2026-11-21T08:00:00+07:00.",
        )


class UuidInvalid(DomainError):
    """The text is no UUID."""

    code = "UUID_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "UUID ditulis seperti 0198b9a2-7c1e-7d33-8f6a-1c2b3d4e5f60.",
            "A UUID is written like 0198b9a2-7c1e-7d33-8f6a-1c2b3d4e5f60.",
        )


class RupiahInvalid(DomainError):
    """The value is no whole number of rupiah."""

    code = "RUPIAH_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "Jumlah uang ditulis dalam rupiah bulat tanpa tanda petik, misalnya 600000.",
            "An amount is a whole number of rupiah without quotes, such as 600000.",
        )


def _parse_rupiah(value: Any) -> int:
    # true is a whole number to Python.
    if type(value) is not int or abs(value) > _MOST_RUPIAH:
        raise RupiahInvalid
    return value


def _parse_uuid(value: Any) -> UUID:
    try:
        return UUID(value)
    except (AttributeError, TypeError, ValueError) as error:
        raise UuidInvalid from error


def _parse_date(value: Any) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise DateInvalid from error
    # Python reads 20000102 and 2000-W01-7 as well; the API has one way to write a day.
    if day.isoformat() != value or day in _UNBOUNDED:
        raise DateInvalid
    return day


def moment_of(text: str) -> datetime:
    """The moment that ``text`` says in ISO 8601.

    Raises:
        ValueError: it says none, leaves its offset open, or lies outside the years that UTC has in Python.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment has an offset from UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a moment lies between the years 1 and 9999 of UTC") from error


def _parse_date_time(value: Any) -> datetime:
    try:
        return moment_of(value)
    except (TypeError, ValueError) as error:
        raise DateTimeInvalid from error


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Date: strawberry.scalar(
        name="Date", description="A day, `YYYY-MM-DD`.", serialize=_printed, parse_value=_parse_date
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601 with its offset, printed in UTC.",
        serialize=_printed,
        parse_value=_parse_date_time,
    ),
    Rupiah: strawberry.scalar(
        name="Rupiah",
        description="Whole rupiah: a JSON number without decimals, up to 9007199254740991, more than `Int` holds.",
        serialize=int,
        parse_value=_parse_rupiah,
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="A UUID, such as an idempotency key: `0198b9a2-7c1e-7d33-8f6a-1c2b3d4e5f60`.",
        serialize=str,
        parse_value=_parse_uuid,
    ),
}
