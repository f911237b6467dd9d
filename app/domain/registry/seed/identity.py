"""Numbers of identity that hit no real person, and how far each identity is established.

A synthetic NIK is ``99`` (the province prefix that no province has), the regency's four digits, the day of birth as in
a real NIK (day + 40 for women) and a serial: ``99 3302 470290 0001``. The serial counts the persons of one regency,
birthday and sex, so numbers are unique by construction: in a run because one counter serves a regency, between runs
because a regency is seeded once. A KK number is made the same way from its day of issue. Province and regency stand
where a real NIK has regency and district, neither of which may be 00.
"""

from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from app.domain.registry.enums import IdentityStatus, MismatchReason, NoNikReason
from app.domain.registry.seed.rows import Weighted
from app.settings import TEST_NIK_PROVINCE

OLDEST_DAYS: Final = 101 * 366

# Match rates of the national registry (domain facts, section 3): 83.9 % in October 2020, 98.9 % in May 2024. 92 % lies
# between them and leaves enough of every other status to work with; how the rest splits is a choice, not a source.
IDENTITY_MIX: Final = {
    IdentityStatus.MATCHED: 0.920,
    IdentityStatus.UNMATCHED: 0.046,
    IdentityStatus.NIK_ISSUED: 0.023,
    IdentityStatus.IN_PROCESS: 0.006,
    IdentityStatus.NO_IDENTITY: 0.005,
}
_MISMATCHES: Final = Weighted(
    {
        MismatchReason.NAME_DIFFERS: 0.34,
        MismatchReason.BIRTH_DATE_DIFFERS: 0.22,
        MismatchReason.NIK_NOT_FOUND: 0.18,
        MismatchReason.NIK_EMPTY: 0.09,
        MismatchReason.NOT_RECORDED: 0.09,
        MismatchReason.NIK_DUPLICATE: 0.08,
    }
)
_REASONS_OF_ADULTS: Final = Weighted(
    {
        NoNikReason.NOT_RECORDED: 0.40,
        NoNikReason.NEGLECTED: 0.16,
        NoNikReason.MENTAL_DISORDER: 0.14,
        NoNikReason.REMOTE_COMMUNITY: 0.12,
        NoNikReason.DISASTER_REFUGEE: 0.08,
        NoNikReason.TRAFFICKING_VICTIM: 0.02,
        NoNikReason.OTHER: 0.08,
    }
)
_REASONS_OF_CHILDREN: Final = Weighted(
    {
        NoNikReason.CHILD_WITHOUT_CERTIFICATE: 0.85,
        NoNikReason.NEGLECTED: 0.05,
        NoNikReason.REMOTE_COMMUNITY: 0.05,
        NoNikReason.OTHER: 0.05,
    }
)
_WITHOUT_NIK: Final = frozenset({IdentityStatus.NO_IDENTITY, IdentityStatus.IN_PROCESS})
_ADULT: Final = 17


class Identity(NamedTuple):
    """How far a person's identity is established."""

    status: IdentityStatus
    has_nik: bool
    no_nik_reason: NoNikReason | None = None
    mismatch_reason: MismatchReason | None = None


MATCHED: Final = Identity(IdentityStatus.MATCHED, has_nik=True)
_OTHERS: Final = Weighted(
    {status: share for status, share in IDENTITY_MIX.items() if status is not IdentityStatus.MATCHED}
)


def unmatched(reason: MismatchReason) -> Identity:
    """A person whom the civil registry could not match for ``reason``."""
    return Identity(IdentityStatus.UNMATCHED, reason is not MismatchReason.NIK_EMPTY, mismatch_reason=reason)


def other_identity(random: Random, age: int) -> Identity:
    """An identity that is not matched, for a person of ``age`` years."""
    status = _OTHERS.pick(random)
    if status is IdentityStatus.UNMATCHED:
        return unmatched(_MISMATCHES.pick(random))
    if status in _WITHOUT_NIK:
        reasons = _REASONS_OF_ADULTS if age >= _ADULT else _REASONS_OF_CHILDREN
        return Identity(status, has_nik=False, no_nik_reason=reasons.pick(random))
    return Identity(status, has_nik=True)


class Birthday(NamedTuple):
    """A day of birth in the forms that a row needs: the last two are the date in a man's and in a woman's NIK."""

    iso: str
    age: int
    male: str
    female: str


def birthdays(today: date) -> list[Birthday]:
    """All days of birth by the number of days before ``today``, up to age 100."""
    days = (today - timedelta(days=ago) for ago in range(OLDEST_DAYS))
    return [
        Birthday(
            day.isoformat(),
            today.year - day.year - ((today.month, today.day) < (day.month, day.day)),
            f"{day:%d%m%y}",
            f"{day.day + 40}{day:%m%y}",
        )
        for day in days
    ]


class Numbers:
    """NIK and KK numbers of one regency.

    Four digits suffice: 13 million families in one regency would share a day of issue by some 1,800, of birth by fewer.
    """

    def __init__(self, regency_id: int) -> None:
        """Start counting; a regency has one such counter in its life."""
        self._prefix = f"{TEST_NIK_PROVINCE}{regency_id}"
        self._niks: dict[str, int] = {}
        self._kks: dict[str, int] = {}

    def nik(self, day_code: str) -> str:
        """The next NIK of that birthday and sex."""
        return self._next(self._niks, day_code)

    def kk(self, day_code: str) -> str:
        """The next KK number issued on that day."""
        return self._next(self._kks, day_code)

    def _next(self, used: dict[str, int], day_code: str) -> str:
        serial = used.get(day_code, 0) + 1
        used[day_code] = serial
        return f"{self._prefix}{day_code}{serial:04d}"
