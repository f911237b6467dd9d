"""Periods of payment: a year falls into equal ones, counted from January."""

from datetime import date, timedelta
from typing import Final

LENGTHS: Final = (1, 2, 3, 4, 6, 12)
"""In months: those into which a year falls without rest, so that no two periods of a programme overlap."""
YEARS: Final = range(2000, 2101)
"""In which programmes may have terms and quotas."""
_MONTHS: Final = 12


def begins_period(day: date, months: int) -> bool:
    """Whether a period of ``months`` begins on ``day``."""
    return day.day == 1 and (day.month - 1) % months == 0


def last_day(start: date, months: int) -> date:
    """The last day of the period of ``months`` that begins on ``start``, the first of a month."""
    after = start.month - 1 + months
    return date(start.year + after // _MONTHS, after % _MONTHS + 1, 1) - timedelta(days=1)
