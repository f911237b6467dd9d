"""Days on which something can have happened at an outlet."""

from datetime import date
from typing import Final

FIRST_DAY: Final = date(2017, 1, 1)
"""Food aid has been redeemed at outlets since 2017 (Perpres 63/2017)."""


def out_of_time(day: date, today: date) -> tuple[str, str] | None:
    """Why nothing can have happened at an outlet on ``day``, in Indonesian and English; None where it can have."""
    if day > today:
        return "Hari ini belum tiba.", "This day has not come yet."
    return before_outlets(day)


def before_outlets(day: date) -> tuple[str, str] | None:
    """Like ``out_of_time`` where ``day`` may be to come."""
    if day < FIRST_DAY:
        return "Sebelum 1 Januari 2017 belum ada e-Warong.", "There was no e-Warong before 1 January 2017."
    return None
